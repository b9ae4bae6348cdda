"""Methods of descent: limited-memory BFGS and Adam."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from styletransfer.preconditioner import Preconditioner, ScaledIdentity

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

    The remembered steps and changes of the gradient are the rows of two
    matrices, and the two-loop recursion runs on their inner products: a step
    reads each matrix twice, whatever the history's length.

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
        Nocedal (1980); Chen, Wang & Zhou (2014) for the recursion on inner
        products. Differs: never stops by tolerance, since mean-reduced losses
        lie below the usual ones from the start and nothing would ever move;
        without a line search, no step is out of proportion to those before
        it.
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
        self.history = history
        self.first_step = first_step
        self.growth = growth
        self.preconditioner = preconditioner or ScaledIdentity()
        self.steps = like.new_zeros(history, like.numel())
        self.changes = torch.zeros_like(self.steps)
        self.products = torch.zeros(history, history, dtype=torch.float64)
        self.slots: list[int] = []
        self.last: tuple[Tensor, Tensor] | None = None
        self.longest = 0.0

    def step(self, gradient: Tensor) -> Tensor:
        """Propose a step, which counts as taken."""
        if self.last is not None:
            last_step, last_gradient = self.last
            self._remember(last_step, gradient - last_gradient)
        if self.slots:
            direction = self._direction(gradient)
        else:
            direction = -self.preconditioner(gradient)
            direction *= self.first_step / direction.square().mean().sqrt().clamp_min(1e-30)
        step = self._bounded(direction * self.learning_rate)
        self.last = (step, gradient)
        return step

    def back_off(self) -> None:
        """Forget the pairs, and start again with a first step a tenth as long."""
        self.slots.clear()
        self.last = None
        self.longest = 0.0
        self.first_step /= 10
        self.preconditioner.forget()
        for memory in (self.steps, self.changes, self.products):
            memory.zero_()

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

    def _remember(self, step: Tensor, change: Tensor) -> None:
        """Store a pair, unless its curvature is not positive."""
        if (step * change).sum() <= 1e-8 * step.norm() * change.norm():
            return
        self.preconditioner.learn(step, change)
        full = len(self.slots) == self.history
        slot = self.slots.pop(0) if full else len(self.slots)
        self.slots.append(slot)
        self.steps[slot], self.changes[slot] = step.flatten(), change.flatten()
        self.products[slot] = _exact(torch.mv(self.changes, self.steps[slot]))
        self.products[:, slot] = _exact(torch.mv(self.steps, self.changes[slot]))

    def _direction(self, gradient: Tensor) -> Tensor:
        """Minus the inverse Hessian's estimate times the gradient."""
        flat, curvatures = gradient.flatten(), self.products.diagonal()
        along = _exact(torch.mv(self.steps, flat))
        alphas = torch.zeros_like(along)
        for slot in reversed(self.slots):
            alphas[slot] = (along[slot] - self.products[slot] @ alphas) / curvatures[slot]
        rest = flat - torch.mv(self.changes.T, alphas.to(flat))
        rest = self.preconditioner(rest.view_as(gradient)).flatten()
        across = _exact(torch.mv(self.changes, rest))
        factors = torch.zeros_like(alphas)
        for slot in self.slots:
            beta = (across[slot] + self.products[:, slot] @ factors) / curvatures[slot]
            factors[slot] = alphas[slot] - beta
        return -(rest + torch.mv(self.steps.T, factors.to(rest))).view_as(gradient)


def _exact(values: Tensor) -> Tensor:
    """In float64, where the few numbers of the recursion are worked on."""
    return values.cpu().double()


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
