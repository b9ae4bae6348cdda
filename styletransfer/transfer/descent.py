"""Methods of descent: limited-memory BFGS and Adam."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from styletransfer.transfer.history import History
from styletransfer.transfer.preconditioner import Preconditioner, ScaledIdentity

GROWTH = 4.0
"""How many times as long as the longest before it an L-BFGS step may be: from white noise,
without a bound, one of the first may be 200 times as long and end the run."""


class Descent(Protocol):
    """Turns the gradient at each point into the step to the next."""

    def step(self, gradient: Tensor) -> Tensor:
        """Propose a step, which counts as taken.

        Args:
            gradient: The gradient at the present point, of any shape; nobody
                writes to it afterwards.

        Returns:
            The displacement to the next point, of that shape.
        """
        ...

    def back_off(self) -> None:
        """Forget all that was learnt, and go on with shorter steps."""
        ...


class LBFGS:
    """Limited-memory BFGS without a line search.

    Args:
        like: A point, of the shape, type and device that will come.
        learning_rate: Factor of every step; 1 is the full quasi-Newton step.
        history: Number of pairs to remember.
        first_step: Root mean square of the first step at a learning rate of 1,
            in units of the point; there is no curvature to go by yet.
        growth: How many times as long as the longest before it a step may be.
        preconditioner: The estimate of the inverse Hessian that the pairs
            improve on; None: a multiple of the identity.

    References:
        Nocedal (1980). Differs: never stops by tolerance, since mean-reduced
        losses lie below the usual ones from the start and nothing would ever
        move; without a line search, no step is out of proportion to those
        before it.
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
        """Propose a step, which counts as taken."""
        self.pairs.meet(gradient)
        if self.last is not None:
            self._learn(*self.last, gradient)
        if self.pairs.slots:
            ascent = self.pairs.improve(gradient, self.preconditioner)
        else:
            ascent = self.preconditioner(gradient)
            ascent = ascent * (self.first_step / ascent.square().mean().sqrt().clamp_min(1e-30))
        step = self._bounded(ascent * -self.learning_rate)
        self.last = (step, gradient)
        return step

    def back_off(self) -> None:
        """Forget the pairs, and start again with a first step a tenth as long."""
        self.pairs.forget()
        self.last = None
        self.longest = 0.0
        self.first_step /= 10
        self.preconditioner.forget()

    def _bounded(self, step: Tensor) -> Tensor:
        """Shorten a step that is out of all proportion to those before it.

        The first pairs may tell of almost no curvature, and the step that they
        propose then leads a hundred times as far as any before.
        """
        length = step.norm().item()
        if self.longest and length > self.growth * self.longest:
            step, length = step * (self.growth * self.longest / length), self.growth * self.longest
        self.longest = max(self.longest, length)
        return step

    def _learn(self, step: Tensor, before: Tensor, gradient: Tensor) -> None:
        """Take notice of how a step changed the gradient, unless the slope did not grow."""
        change = gradient - before
        if torch.dot(step.flatten(), change.flatten()) > 1e-8 * step.norm() * change.norm():
            self.preconditioner.learn(step, change)
            self.pairs.remember(step, change, gradient)


class Adam:
    """Adam: steps of about one learning rate in every coordinate.

    It descends in z, where a point is ``P z``: the gradient in z is P applied
    to the one in the point, as P is its own transpose.

    Args:
        like: A point, of the shape, type and device that will come.
        learning_rate: Length of a step in every coordinate of z.
        change_of_variable: A symmetric P; None: the identity.

    References:
        Kingma & Ba (2015), algorithm 1. Differs: β₂ is 0.99, since the
        gradient of a picture changes faster than that of a network.
    """

    def __init__(
        self,
        like: Tensor,
        learning_rate: float,
        change_of_variable: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.change_of_variable = change_of_variable or (lambda field: field)
        self.betas = (0.9, 0.99)
        self.mean = torch.zeros_like(like)
        self.square = torch.zeros_like(like)
        self.count = 0

    def step(self, gradient: Tensor) -> Tensor:
        """Propose a step, which counts as taken."""
        self.count += 1
        gradient = self.change_of_variable(gradient)
        first, second = self.betas
        self.mean.lerp_(gradient, 1 - first)
        self.square.lerp_(gradient.square(), 1 - second)
        mean = self.mean / (1 - first**self.count)
        spread = (self.square / (1 - second**self.count)).sqrt() + 1e-12
        return self.change_of_variable(mean / spread * -self.learning_rate)

    def back_off(self) -> None:
        """Forget the moments, and go on at half the learning rate."""
        self.learning_rate /= 2
        self.mean.zero_()
        self.square.zero_()
        self.count = 0
