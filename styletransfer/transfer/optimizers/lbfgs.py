"""Limited-memory BFGS without a line search."""

from typing import Any

import torch
from torch import Tensor

from styletransfer.transfer.optimizers.history import History
from styletransfer.transfer.optimizers.preconditioner import Preconditioner

GROWTH = 4.0
"""Largest ratio of a step's length to the longest step before it. Without this bound, one
of the first steps from white noise may be 200 times as long and end the run."""


class LBFGS:
    """Limited-memory BFGS without a line search.

    Args:
        like: A tensor of the shape, dtype and device of the variable.
        learning_rate: Factor of every step; 1 is the full quasi-Newton step.
        history: Number of pairs to keep.
        first_step: Root mean square of the first step at a learning rate of 1,
            in units of the variable; no curvature is known yet.
        growth: Largest ratio of a step's length to the longest one before it.
        preconditioner: The initial estimate of the inverse Hessian, which the
            pairs improve. None: a multiple of the identity.

    References:
        Nocedal (1980). Differs: no stop by tolerance, because losses that are
        means fall below the usual tolerances from the start and the image
        would never move; no line search, instead a bound on a step's length.
    """

    def __init__(
        self,
        like: Tensor,
        learning_rate: float,
        history: int = 10,
        first_step: float = 0.01,
        growth: float = GROWTH,
        preconditioner: Preconditioner | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.first_step = first_step
        self.growth = growth
        self.preconditioner = preconditioner or ScaledIdentity()
        self.pairs = History(like, history)
        self.last: tuple[Tensor, Tensor] | None = None
        self.longest = 0.0

    def step(self, gradient: Tensor) -> Tensor:
        """Return the displacement to the next point, see `choice.Optimizer`."""
        self.pairs.update_products(gradient)
        if self.last is not None:
            self._update(*self.last, gradient)
            self.last = None  # as large as the picture
        if self.pairs.order:
            ascent = self.pairs.apply_inverse_hessian(gradient, self.preconditioner)
        else:
            ascent = self.preconditioner(gradient)
            ascent *= self.first_step / ascent.square().mean().sqrt().clamp_min(1e-30)
        step = self._bounded(ascent.mul_(-self.learning_rate))
        self.last = (step, gradient)
        return step

    def back_off(self) -> None:
        """Drop all pairs and restart with a first step a tenth as long."""
        self.pairs.reset()
        self.last = None
        self.longest = 0.0
        self.first_step /= 10
        self.preconditioner.reset()

    def state(self) -> dict[str, Any]:
        """What was learned, see `choice.Optimizer`."""
        return {
            "pairs": self.pairs.state(),
            "last": self.last,
            "longest": self.longest,
            "first_step": self.first_step,
            "preconditioner": self.preconditioner.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, see `choice.Optimizer`."""
        self.pairs.restore(state["pairs"])
        self.last = state["last"]
        if self.last is not None:
            step, gradient = (each.to(self.pairs.steps, copy=True) for each in self.last)
            self.last = (step, gradient)
        self.longest, self.first_step = state["longest"], state["first_step"]
        self.preconditioner.restore(state["preconditioner"])

    def _bounded(self, step: Tensor) -> Tensor:
        """Shorten a step that is far longer than those before it.

        The first pairs may show almost no curvature, which gives a step a
        hundred times as long as any before.
        """
        length = step.norm().item()
        if self.longest and length > self.growth * self.longest:
            step, length = step * (self.growth * self.longest / length), self.growth * self.longest
        self.longest = max(self.longest, length)
        return step

    def _update(self, step: Tensor, before: Tensor, gradient: Tensor) -> None:
        """Add the pair of a step and the gradient's change, if its curvature is positive."""
        change = gradient - before
        if torch.dot(step.flatten(), change.flatten()) > 1e-8 * step.norm() * change.norm():
            self.preconditioner.update(step, change)
            self.pairs.add(step, change, gradient)


class ScaledIdentity:
    """``γ I`` with ``γ = s·y / y·y`` of the newest step s and change y.

    References:
        Nocedal & Wright (2006), eq. 7.20.
    """

    def __init__(self) -> None:
        self.scale = torch.ones(())

    def __call__(self, gradient: Tensor) -> Tensor:
        """Apply it to a gradient of any shape."""
        return gradient * self.scale

    def update(self, step: Tensor, change: Tensor) -> None:
        """Take the scale from a step and the change of the gradient along it."""
        self.scale = (step * change).sum() / change.square().sum()

    def reset(self) -> None:
        """Go back to a scale of 1."""
        self.scale = torch.ones(())

    def state(self) -> dict[str, Any]:
        """The scale, see `choice.Optimizer`."""
        return {"scale": self.scale}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on with a scale, see `choice.Optimizer`."""
        self.scale = state["scale"].clone()
