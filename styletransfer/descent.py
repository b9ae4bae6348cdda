"""Methods of descent on one flat vector: limited-memory BFGS and Adam."""

from typing import Protocol

import torch
from torch import Tensor

GROWTH = 4.0
"""How many times as long as the longest before it an L-BFGS step may be: from white noise,
without a bound, one of the first may be 200 times as long and end the run."""


class Descent(Protocol):
    """Turns the gradient at each point into the step to the next."""

    def step(self, gradient: Tensor) -> Tensor:
        """Propose a step, which counts as taken.

        Args:
            gradient: The gradient at the present point, shape (N,).

        Returns:
            The displacement to the next point, shape (N,).
        """
        ...

    def back_off(self) -> None:
        """Forget all that was learnt, and go on with shorter steps."""
        ...


class LBFGS:
    """Limited-memory BFGS without a line search.

    The remembered pairs of steps and gradient changes are the rows of one
    matrix, and the two-loop recursion runs on their inner products: a step
    reads the matrix twice, whatever the history's length.

    Args:
        like: A vector of the shape (N,), type and device that will come.
        learning_rate: Factor of every step; 1 is the full quasi-Newton step.
        history: Number of pairs to remember.
        first_step: Root mean square of the first step at a learning rate of 1,
            in units of the vector; there is no curvature to go by yet.
        growth: How many times as long as the longest before it a step may be.

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
    ) -> None:
        self.learning_rate = learning_rate
        self.history = history
        self.first_step = first_step
        self.growth = growth
        self.pairs = like.new_zeros(2 * history, like.numel())
        self.products = torch.zeros(2 * history, 2 * history, dtype=torch.float64)
        self.slots: list[int] = []
        self.last_step = self.last_gradient = like.new_zeros(0)
        self.longest = 0.0

    def step(self, gradient: Tensor) -> Tensor:
        """Propose a step, which counts as taken."""
        if len(self.last_step):
            self._remember(self.last_step, gradient - self.last_gradient)
        self.last_gradient = gradient.clone()
        if self.slots:
            direction = self._direction(gradient)
        else:
            scale = gradient.square().mean().sqrt().clamp_min(1e-30)
            direction = gradient * (-self.first_step / scale)
        self.last_step = self._bounded(direction * self.learning_rate)
        return self.last_step

    def back_off(self) -> None:
        """Forget the pairs, and start again with a first step a tenth as long."""
        self.slots.clear()
        self.last_step = self.last_step[:0]
        self.longest = 0.0
        self.first_step /= 10
        self.pairs.zero_()
        self.products.zero_()

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
        curvature = torch.dot(step, change)
        if curvature <= 1e-8 * step.norm() * change.norm():
            return
        full = len(self.slots) == self.history
        slot = self.slots.pop(0) if full else len(self.slots)
        self.slots.append(slot)
        for row, vector in ((slot, step), (slot + self.history, change)):
            self.pairs[row] = vector
            products = torch.mv(self.pairs, vector).double().cpu()
            self.products[row] = self.products[:, row] = products

    def _direction(self, gradient: Tensor) -> Tensor:
        """Minus the inverse Hessian's estimate times the gradient."""
        along = torch.mv(self.pairs, gradient).double().cpu()
        factors = torch.zeros_like(along)
        alphas: dict[int, Tensor] = {}
        for slot in reversed(self.slots):
            change = slot + self.history
            curvature = self.products[slot, change]
            alphas[slot] = (self.products[slot] @ factors - along[slot]) / curvature
            factors[change] -= alphas[slot]
        newest, change = self.slots[-1], self.slots[-1] + self.history
        scale = self.products[newest, change] / self.products[change, change]
        factors *= scale
        for slot in self.slots:
            change = slot + self.history
            beta = self.products[change] @ factors - scale * along[change]
            factors[slot] += alphas[slot] - beta / self.products[slot, change]
        weights = factors.to(gradient)
        return torch.mv(self.pairs.T, weights) - gradient * scale.to(gradient)


class Adam:
    """Adam: steps of about one learning rate in every coordinate.

    Args:
        like: A vector of the shape (N,), type and device that will come.
        learning_rate: Length of a step, in units of the vector.

    References:
        Kingma & Ba (2015), algorithm 1. Differs: β₂ is 0.99, since the
        gradient of a picture changes faster than that of a network.
    """

    def __init__(self, like: Tensor, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self.betas = (0.9, 0.99)
        self.mean = torch.zeros_like(like)
        self.square = torch.zeros_like(like)
        self.count = 0

    def step(self, gradient: Tensor) -> Tensor:
        """Propose a step, which counts as taken."""
        self.count += 1
        first, second = self.betas
        self.mean.lerp_(gradient, 1 - first)
        self.square.lerp_(gradient.square(), 1 - second)
        mean = self.mean / (1 - first**self.count)
        spread = (self.square / (1 - second**self.count)).sqrt() + 1e-12
        return mean / spread * -self.learning_rate

    def back_off(self) -> None:
        """Forget the moments, and go on at half the learning rate."""
        self.learning_rate /= 2
        self.mean.zero_()
        self.square.zero_()
        self.count = 0
