"""A run that its caller steers."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

from styletransfer.settings import Settings
from styletransfer.transfer.optimize import Descent, optimize
from styletransfer.transfer.steering import Turn
from styletransfer.transfer.stylize import Step, stylize
from tests.transfer.test_optimize import GREY, alone, toward

if TYPE_CHECKING:
    from styletransfer.transfer.best import State

Picture = Callable[[int, int, int], Tensor]

SETTINGS = Settings(size=40, min_size=20, iterations=(3, 4), style_form="gram", precision="float32")
PLAN = [(20, 1), (20, 2), (20, 3), (40, 1), (40, 2), (40, 3), (40, 4)]
"""Longest side and iteration of each step of these settings."""


class Steered:
    """Answers after given steps, and remembers all."""

    def __init__(self, answers: dict[int, Turn | bool]) -> None:
        self.answers = answers
        self.steps: list[tuple[int, int]] = []
        self.losses: list[dict[str, float]] = []

    def __call__(self, step: Step) -> Turn | bool | None:
        self.steps.append((step.scale.longest_side, step.iteration))
        self.losses.append(step.losses.terms)
        return self.answers.get(len(self.steps))


@pytest.fixture
def pictures(noisy: Picture) -> tuple[Tensor, Tensor]:
    return noisy(28, 40, 1).clamp(0, 1), noisy(30, 30, 2).clamp(0, 1)


def test_a_turn_ends_the_optimization_and_keeps_the_newest_image(noisy: Picture) -> None:
    turn = Turn()
    seen: list[Tensor] = []

    def on_step(descent: Descent) -> Turn | None:
        seen.append(descent.image)
        return turn if descent.steps == 2 else None

    result = optimize(toward(noisy(8, 9, 0)), GREY, 9, alone("lbfgs"), on_step)
    assert (result.iterations, result.stopped, result.turn) == (2, False, turn)
    assert result.newest is seen[-1]


@pytest.mark.weights
def test_new_weights_act_at_the_next_step(pictures: tuple[Tensor, Tensor]) -> None:
    plain, steered = Steered({}), Steered({5: Turn(settings=replace(SETTINGS, tv_weight=200.0))})
    stylize(*pictures, SETTINGS, on_step=plain)
    stylize(*pictures, SETTINGS, on_step=steered)
    assert plain.steps == steered.steps == PLAN
    assert plain.losses[:5] == steered.losses[:5]
    tv, before = steered.losses[5]["tv"], steered.losses[4]["tv"]
    assert tv / 100 == pytest.approx(before, rel=0.5)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("turn", "steps"),
    [
        (Turn(to="next size"), [*PLAN[:2], *PLAN[3:]]),
        (Turn(to="first size"), [*PLAN[:2], *PLAN]),
        (Turn(repeat=True), [*PLAN[:2], *PLAN]),
        (Turn(), PLAN),
        (True, PLAN[:2]),
    ],
)
def test_a_turn_leads_to_another_size_or_stays(
    pictures: tuple[Tensor, Tensor], turn: Turn | bool, steps: list[tuple[int, int]]
) -> None:
    steered = Steered({2: turn})
    result = stylize(*pictures, SETTINGS, on_step=steered)
    assert steered.steps == steps
    assert result.stopped == (turn is True)


@pytest.mark.weights
def test_going_back_restores_the_run(pictures: tuple[Tensor, Tensor]) -> None:
    plain = Steered({})
    expected = stylize(*pictures, SETTINGS, on_step=plain).image
    mark: list[State] = []

    class Back(Steered):
        def __call__(self, step: Step) -> Turn | bool | None:
            super().__call__(step)
            if len(self.steps) == 2:
                mark.append(deepcopy(step.state()))
            return Turn(state=mark[0]) if len(self.steps) == 5 else None

    back = Back({})
    result = stylize(*pictures, SETTINGS, on_step=back).image
    assert back.steps == [*PLAN[:5], *PLAN[2:]]
    assert back.losses[5:] == plain.losses[2:]
    assert torch.equal(result, expected)
