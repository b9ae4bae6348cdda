import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from styletransfer.transfer.optimizers.adam import Adam
from styletransfer.transfer.optimizers.choice import Optimizer
from styletransfer.transfer.optimizers.lbfgs import GROWTH, LBFGS, ScaledIdentity
from tests.support.quadratic import descend, quadratic


class TextbookLBFGS:
    """Nocedal & Wright (2006), algorithm 7.4, to the letter."""

    def __init__(self, history: int, first_step: float, inverse: Tensor | None = None) -> None:
        self.history = history
        self.first_step = first_step
        self.inverse = inverse
        self.pairs: list[tuple[Tensor, Tensor]] = []
        self.last: tuple[Tensor, Tensor] | None = None

    def step(self, gradient: Tensor) -> Tensor:
        if self.last is not None:
            self.pairs.append((self.last[0], gradient - self.last[1]))
            self.pairs = self.pairs[-self.history :]
        direction = self._direction(gradient) if self.pairs else self._first(gradient)
        self.last = (direction, gradient)
        return direction

    def _first(self, gradient: Tensor) -> Tensor:
        if self.inverse is not None:
            gradient = self.inverse @ gradient
        return -self.first_step * gradient / gradient.square().mean().sqrt()

    def _direction(self, gradient: Tensor) -> Tensor:
        q = gradient.clone()
        alphas = []
        for s, y in reversed(self.pairs):
            alphas.append(s.dot(q) / y.dot(s))
            q = q - alphas[-1] * y
        s, y = self.pairs[-1]
        r = s.dot(y) / y.dot(y) * q if self.inverse is None else self.inverse @ q
        for (s, y), alpha in zip(self.pairs, reversed(alphas), strict=True):
            r = r + s * (alpha - y.dot(r) / y.dot(s))
        return -r


@pytest.mark.parametrize("history", [1, 2, 5, 20])
def test_lbfgs_takes_the_steps_of_the_textbook(history: int) -> None:
    matrix, start = quadratic()
    # Enough steps to reuse every row of the history twice.
    steps = min(2 * history + 5, 25)
    unbounded = LBFGS(start, 1.0, history=history, first_step=0.01, growth=math.inf)
    ours = descend(unbounded, matrix.matmul, start, steps)
    book = descend(TextbookLBFGS(history, 0.01), matrix.matmul, start, steps)
    for at, expected in zip(ours, book, strict=True):
        torch.testing.assert_close(at, expected, rtol=1e-6, atol=1e-8)


class Given(ScaledIdentity):
    """A fixed preconditioner."""

    def __init__(self, inverse: Tensor) -> None:
        super().__init__()
        self.inverse = inverse

    def __call__(self, gradient: Tensor) -> Tensor:
        return self.inverse @ gradient

    def update(self, step: Tensor, change: Tensor) -> None:
        pass


@pytest.mark.parametrize("history", [1, 5])
def test_lbfgs_improves_on_the_estimate_that_it_is_given(history: int) -> None:
    (matrix, start), (inverse, _) = quadratic(), quadratic(seed=1)
    optimizer = LBFGS(
        start, 1.0, history, first_step=0.01, growth=math.inf, preconditioner=Given(inverse / 1e4)
    )
    ours = descend(optimizer, matrix.matmul, start, 12)
    book = descend(TextbookLBFGS(history, 0.01, inverse / 1e4), matrix.matmul, start, 12)
    for at, expected in zip(ours, book, strict=True):
        torch.testing.assert_close(at, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lbfgs_finds_the_bottom_of_a_quadratic(dtype: torch.dtype) -> None:
    matrix, start = (value.to(dtype) for value in quadratic())
    end = descend(LBFGS(start, 1.0), matrix.matmul, start, 60)[-1]
    assert end.norm() < 1e-4 * start.norm()


@pytest.mark.parametrize("scale", [2**-40, 2**-20, 2**20])
def test_lbfgs_does_not_depend_on_the_unit_of_the_loss(scale: float) -> None:
    matrix, start = (value.float() for value in quadratic())
    path = descend(LBFGS(start, 1.0), matrix.matmul, start, 15)
    scaled = descend(LBFGS(start, 1.0), (matrix * scale).matmul, start, 15)
    torch.testing.assert_close(scaled[-1], path[-1], rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("learning_rate", [0.5, 1.0])
def test_the_first_step_of_lbfgs_has_the_length_asked_for(learning_rate: float) -> None:
    matrix, start = quadratic()
    step = LBFGS(start, learning_rate, first_step=0.02).step(matrix @ start)
    assert step.square().mean().sqrt().item() == pytest.approx(0.02 * learning_rate)
    assert torch.dot(step, matrix @ start) < 0


def test_lbfgs_ignores_a_pair_of_negative_curvature() -> None:
    # The gradient of a concave function: every curvature is negative.
    _, start = quadratic()
    optimizer = LBFGS(start, 1.0)
    points = descend(optimizer, torch.neg, start, 3)
    assert not optimizer.pairs.order
    assert all(point.isfinite().all() for point in points)


def test_a_step_of_lbfgs_grows_by_no_more_than_a_factor() -> None:
    # The gradient hardly changes along the first step, so the model's minimum is far away.
    optimizer = LBFGS(torch.zeros(2), 1.0, first_step=0.1)
    first = optimizer.step(torch.tensor([1.0, 1.0]))
    second = optimizer.step(torch.tensor([0.999, 0.999]))
    assert second.norm().item() == pytest.approx(GROWTH * first.norm().item())
    torch.testing.assert_close(second / second.norm(), first / first.norm())
    optimizer.back_off()
    assert optimizer.step(torch.tensor([1.0, 1.0])).norm() < first.norm()


@pytest.mark.parametrize("make", [LBFGS, Adam])
def test_a_gradient_of_0_moves_nothing(make: type[LBFGS] | type[Adam]) -> None:
    start = torch.ones(5)
    points = descend(make(start, 1.0), torch.zeros_like, start, 3)
    assert all(torch.equal(point, start) for point in points)


@pytest.mark.parametrize("make", [lambda like: LBFGS(like, 1.0), lambda like: Adam(like, 0.02)])
def test_backing_off_forgets_the_past_and_shortens_the_next_step(
    make: Callable[[Tensor], Optimizer],
) -> None:
    gradient = torch.linspace(-1, 1, 6)
    optimizer = make(gradient)
    first = optimizer.step(gradient)
    optimizer.step(gradient * 0.5)
    optimizer.back_off()
    again = optimizer.step(gradient)
    assert again.norm() < 0.6 * first.norm()
    torch.testing.assert_close(again / again.norm(), first / first.norm())
