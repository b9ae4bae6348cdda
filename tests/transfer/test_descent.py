import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from styletransfer.transfer.descent import GROWTH, LBFGS, Adam, Descent

SIZE = 30


def quadratic(seed: int = 0) -> tuple[Tensor, Tensor]:
    """A positive definite matrix of mixed curvature, and a point to start from."""
    generator = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=generator, dtype=torch.float64))
    curvatures = torch.logspace(0, 2, SIZE, dtype=torch.float64)
    start = torch.randn(SIZE, generator=generator, dtype=torch.float64)
    return basis @ torch.diag(curvatures) @ basis.T, start


def descend(
    descent: Descent, gradient: Callable[[Tensor], Tensor], point: Tensor, steps: int
) -> list[Tensor]:
    """The points on the way, the first one included."""
    points = [point]
    for _ in range(steps):
        points.append(points[-1] + descent.step(gradient(points[-1])))
    return points


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

    def back_off(self) -> None:
        self.pairs.clear()
        self.last = None

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
def test_lbfgs_walks_the_path_of_the_textbook(history: int) -> None:
    matrix, start = quadratic()
    # Long enough for every slot of the history to be used again, twice over.
    steps = min(2 * history + 5, 25)
    unbounded = LBFGS(start, 1.0, history=history, first_step=0.01, growth=math.inf)
    ours = descend(unbounded, matrix.matmul, start, steps)
    book = descend(TextbookLBFGS(history, 0.01), matrix.matmul, start, steps)
    for at, expected in zip(ours, book, strict=True):
        torch.testing.assert_close(at, expected, rtol=1e-6, atol=1e-8)


class Given:
    """A preconditioner that is known, and learns nothing."""

    def __init__(self, inverse: Tensor) -> None:
        self.inverse = inverse

    def __call__(self, gradient: Tensor) -> Tensor:
        return self.inverse @ gradient

    def learn(self, step: Tensor, change: Tensor) -> None:
        pass

    def forget(self) -> None:
        pass


@pytest.mark.parametrize("history", [1, 5])
def test_lbfgs_improves_on_the_estimate_that_it_is_given(history: int) -> None:
    (matrix, start), (inverse, _) = quadratic(), quadratic(seed=1)
    descent = LBFGS(
        start, 1.0, history, first_step=0.01, growth=math.inf, preconditioner=Given(inverse / 1e4)
    )
    ours = descend(descent, matrix.matmul, start, 12)
    book = descend(TextbookLBFGS(history, 0.01, inverse / 1e4), matrix.matmul, start, 12)
    for at, expected in zip(ours, book, strict=True):
        torch.testing.assert_close(at, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lbfgs_finds_the_bottom_of_a_quadratic(dtype: torch.dtype) -> None:
    matrix, start = (value.to(dtype) for value in quadratic())
    end = descend(LBFGS(start, 1.0), matrix.matmul, start, 60)[-1]
    assert end.norm() < 1e-4 * start.norm()


@pytest.mark.parametrize("scale", [2**-40, 2**-20, 2**20])
def test_lbfgs_does_not_care_for_the_unit_of_the_loss(scale: float) -> None:
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


def test_lbfgs_forgets_a_step_along_which_the_slope_did_not_grow() -> None:
    # The gradient of a concave function: every curvature is negative.
    _, start = quadratic()
    descent = LBFGS(start, 1.0)
    points = descend(descent, torch.neg, start, 3)
    assert not descent.pairs.slots
    assert all(point.isfinite().all() for point in points)


def test_a_step_of_lbfgs_grows_by_no_more_than_a_factor() -> None:
    # A slope that hardly changes along the first step: the model's bottom is far away.
    descent = LBFGS(torch.zeros(2), 1.0, first_step=0.1)
    first = descent.step(torch.tensor([1.0, 1.0]))
    second = descent.step(torch.tensor([0.999, 0.999]))
    assert second.norm().item() == pytest.approx(GROWTH * first.norm().item())
    torch.testing.assert_close(second / second.norm(), first / first.norm())
    descent.back_off()
    assert descent.step(torch.tensor([1.0, 1.0])).norm() < first.norm()


@pytest.mark.parametrize("descent", [LBFGS, Adam])
def test_a_gradient_of_0_moves_nothing(descent: type[LBFGS] | type[Adam]) -> None:
    start = torch.ones(5)
    points = descend(descent(start, 1.0), torch.zeros_like, start, 3)
    assert all(torch.equal(point, start) for point in points)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_first_step_of_adam_is_one_learning_rate_in_every_coordinate(scale: float) -> None:
    gradient = scale * torch.tensor([-3.0, 0.01, 200.0])
    step = Adam(gradient, 0.05).step(gradient)
    torch.testing.assert_close(step, torch.tensor([0.05, -0.05, -0.05]))


def test_adam_walks_the_path_of_torchs_own() -> None:
    matrix, start = quadratic()
    ours = descend(Adam(start, 0.05), matrix.matmul, start, 20)
    point = start.clone().requires_grad_()
    theirs = torch.optim.Adam([point], lr=0.05, betas=(0.9, 0.99), eps=1e-12)
    for expected in ours[1:]:
        point.grad = matrix @ point.detach()
        theirs.step()
        torch.testing.assert_close(point.detach(), expected)


def test_adam_may_descend_in_another_variable() -> None:
    matrix, start = quadratic()
    change = torch.diag(torch.linspace(1, 3, SIZE, dtype=torch.float64))
    ours = descend(Adam(start, 0.05, change.matmul), matrix.matmul, start, 20)
    in_variable = (change @ matrix @ change).matmul
    variables = descend(Adam(start, 0.05), in_variable, change.inverse() @ start, 20)
    for point, variable in zip(ours, variables, strict=True):
        torch.testing.assert_close(point, change @ variable)


def test_adam_finds_the_bottom_of_a_quadratic() -> None:
    matrix, start = quadratic()
    assert descend(Adam(start, 0.05), matrix.matmul, start, 400)[-1].norm() < 0.05 * start.norm()


@pytest.mark.parametrize("make", [lambda like: LBFGS(like, 1.0), lambda like: Adam(like, 0.02)])
def test_backing_off_forgets_the_past_and_shortens_the_next_step(
    make: Callable[[Tensor], Descent],
) -> None:
    gradient = torch.linspace(-1, 1, 6)
    descent = make(gradient)
    first = descent.step(gradient)
    descent.step(gradient * 0.5)
    descent.back_off()
    again = descent.step(gradient)
    assert again.norm() < 0.6 * first.norm()
    torch.testing.assert_close(again / again.norm(), first / first.norm())
