"""A run that its caller steers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor

from styletransfer.errors import ConfigError
from styletransfer.settings import Settings
from styletransfer.transfer.inputs import Inputs
from styletransfer.transfer.optimize import Descent, optimize
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.steering import Place, Turn
from styletransfer.transfer.stylize import Step, stylize
from styletransfer.transfer.targets import SharedTargets
from tests.transfer.test_optimize import GREY, alone, toward

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


class Marked(Steered):
    """Keeps the place after a step, and goes back to it after a later one."""

    def __init__(self, mark: int, back: int) -> None:
        super().__init__({})
        self.mark = mark
        self.back = back

    def __call__(self, step: Step) -> Turn | bool | None:
        super().__call__(step)
        if len(self.steps) == self.mark:
            self.place = Place(size=step.scale.size, iteration=step.iteration, image=step.image)
        return Turn(back=self.place) if len(self.steps) == self.back else None


@pytest.mark.weights
def test_going_back_restores_the_image(noisy: Picture) -> None:
    pictures = noisy(32, 32, 1).clamp(0, 1), noisy(30, 30, 2).clamp(0, 1)
    settings = replace(SETTINGS, size=32, min_size=16)
    back, turned = Marked(mark=2, back=5), Steered({2: Turn()})
    stylize(*pictures, settings, on_step=back)
    # Like a turn at the mark that changes nothing.
    stylize(*pictures, settings, on_step=turned)
    assert back.losses[5:] == turned.losses[2:]
    assert back.steps[5:] == turned.steps[2:]


@pytest.mark.weights
def test_after_going_back_to_the_end_of_a_size_its_last_step_is_taken_once_more(
    pictures: tuple[Tensor, Tensor],
) -> None:
    back = Marked(mark=3, back=5)
    stylize(*pictures, SETTINGS, on_step=back)
    assert back.steps == [*PLAN[:5], *PLAN[2:]]


@pytest.mark.weights
def test_a_place_of_another_run_is_refused(pictures: tuple[Tensor, Tensor]) -> None:
    place = Place(size=(8, 8), iteration=1, image=torch.zeros(1, 3, 8, 8))
    with pytest.raises(ConfigError, match=r"other sizes: \(8, 8\) is not in"):
        stylize(*pictures, SETTINGS, on_step=Steered({2: Turn(back=place)}))


@pytest.mark.weights
def test_new_shares_of_the_styles_act_at_the_next_step(
    pictures: tuple[Tensor, Tensor],
) -> None:
    content, style = pictures
    styles = [style, torch.zeros(1, 3, 30, 30)]
    settings = replace(SETTINGS, init="content")
    only_black = replace(settings, style_blend=(0.0, 1.0))
    plain, steered = Steered({}), Steered({2: Turn(settings=only_black)})
    stylize(content, styles, settings, on_step=plain)
    stylize(content, styles, settings, on_step=steered)
    assert plain.losses[:2] == steered.losses[:2]
    assert steered.losses[2]["style"] > 1.3 * plain.losses[2]["style"], "it is not yet black"


LARGER = replace(SETTINGS, size=48, style_scale=(0.5,), style_layers=("relu2_1",), detail=0.5)
OTHER_SIZES = [(24, 1), (24, 2), (24, 3), *((48, n) for n in (1, 2, 3, 4))]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("answers", "steps"),
    [
        ({2: Turn(later=LARGER)}, [*PLAN[:3], *OTHER_SIZES]),
        ({2: Turn(later=LARGER, to="next size")}, [*PLAN[:2], *OTHER_SIZES]),
        ({5: Turn(later=LARGER, to="first size")}, [*PLAN[:5], *OTHER_SIZES]),
        ({7: Turn(later=LARGER)}, [*PLAN, *OTHER_SIZES[3:]]),
        ({2: Turn(later=LARGER), 3: Turn(to="next size")}, PLAN),
        ({5: Turn(later=replace(SETTINGS, size=20))}, PLAN),
    ],
)
def test_what_is_for_later_disturbs_nothing_before_the_run_leaves_its_size(
    pictures: tuple[Tensor, Tensor],
    answers: dict[int, Turn | bool],
    steps: list[tuple[int, int]],
) -> None:
    plain, steered = Steered({}), Steered(answers)
    stylize(*pictures, SETTINGS, on_step=plain)
    result = stylize(*pictures, SETTINGS, on_step=steered)
    assert steered.steps == steps
    first = next(iter(answers))
    assert steered.losses[:first] == plain.losses[:first]
    later = [turn.later for turn in answers.values() if isinstance(turn, Turn)][-1]
    assert max(result.image.shape[2:]) == (40 if later is None else later.size)


@pytest.mark.weights
def test_a_stopped_run_has_the_size_that_it_had(pictures: tuple[Tensor, Tensor]) -> None:
    result = stylize(*pictures, SETTINGS, on_step=Steered({2: Turn(later=LARGER), 3: True}))
    assert max(result.image.shape[2:]) == 40


@pytest.mark.weights
@pytest.mark.parametrize("how", ["none", "match"])
def test_later_settings_give_the_losses_of_a_run_with_them(
    pictures: tuple[Tensor, Tensor], how: Literal["none", "match"]
) -> None:
    settings, larger = (replace(each, preserve_color=how) for each in (SETTINGS, LARGER))
    # Both go on from the same image at the same size.
    back = Turn(back=Place(size=(24, 17), iteration=1, image=torch.full((1, 3, 17, 24), 0.5)))
    turned = Steered({1: Turn(later=larger, to="first size"), 2: back, 4: True})
    plain = Steered({1: back, 3: True})
    stylize(*pictures, settings, targets=SharedTargets(), on_step=turned)
    stylize(*pictures, larger, on_step=plain)
    assert turned.losses[2:] == plain.losses[1:]


@pytest.mark.weights
def test_other_weights_prepare_no_picture_again(
    pictures: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[Scale] = []
    at = Inputs.at

    def counting(inputs: Inputs, scale: Scale) -> tuple[Tensor, list[Tensor], Regions | None]:
        prepared.append(scale)
        return at(inputs, scale)

    monkeypatch.setattr(Inputs, "at", counting)
    heavier, without = (replace(SETTINGS, tv_weight=weight) for weight in (3.0, 0.0))
    stylize(*pictures, SETTINGS, on_step=Steered({2: Turn(settings=heavier)}))
    assert len(prepared) == 3, "for the colours of the start, then once at each size"
    stylize(*pictures, SETTINGS, on_step=Steered({2: Turn(settings=without)}))
    assert len(prepared) == 7, "a term that is not evaluated needs another objective"


@pytest.mark.weights
@pytest.mark.parametrize("steps", [2, 5])
def test_a_step_knows_the_result_of_a_run_that_ends_there(
    pictures: tuple[Tensor, Tensor], steps: int
) -> None:
    results: list[Tensor] = []

    class Stopped(Steered):
        def __call__(self, step: Step) -> Turn | bool | None:
            results.append(step.result())
            return super().__call__(step)

    result = stylize(*pictures, SETTINGS, on_step=Stopped({steps: True}))
    assert torch.equal(result.image, results[-1])
