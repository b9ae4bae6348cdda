"""Limited-memory BFGS without a line search."""

from collections.abc import Callable

import torch
from torch import Tensor

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
        """Return the displacement to the next point, see `optimize.Optimizer`."""
        self.pairs.update_products(gradient)
        if self.last is not None:
            self._update(*self.last, gradient)
        if self.pairs.order:
            ascent = self.pairs.apply_inverse_hessian(gradient, self.preconditioner)
        else:
            ascent = self.preconditioner(gradient)
            ascent = ascent * (self.first_step / ascent.square().mean().sqrt().clamp_min(1e-30))
        step = self._bounded(ascent * -self.learning_rate)
        self.last = (step, gradient)
        return step

    def back_off(self) -> None:
        """Drop all pairs and restart with a first step a tenth as long."""
        self.pairs.reset()
        self.last = None
        self.longest = 0.0
        self.first_step /= 10
        self.preconditioner.reset()

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


class History:
    """The newest pairs of a step s and the change y of the gradient along it.

    Steps and changes are the rows of two matrices. The two loops of the L-BFGS recursion
    are two triangular solves, with the matrix of ``s_i·y_j`` for changes not older than
    the step and with its transpose. The products with later changes are differences of
    the products ``s_i·g`` with successive gradients, which are needed anyway. So one
    iteration reads each matrix twice, whatever the history's length.

    Args:
        like: A gradient, of the shape, dtype and device of those to come.
        length: Number of pairs to keep.

    References:
        Nocedal (1980); Byrd, Nocedal & Schnabel (1994) for the triangle.
    """

    def __init__(self, like: Tensor, length: int) -> None:
        # Not zeros: rows that were never written take no memory.
        self.steps = like.new_empty(length, like.numel())
        self.changes = torch.empty_like(self.steps)
        self.reset()

    def reset(self) -> None:
        """Drop all pairs."""
        length = len(self.steps)
        self.order: list[int] = []
        """Row numbers of the pairs, oldest first."""
        self.curvatures = torch.zeros(length, length, dtype=torch.float64)
        """``s_i·y_j`` for changes not older than the step."""
        self.products = torch.zeros(length, dtype=torch.float64)
        """``s_i·g`` with the newest gradient."""
        self.previous_products = self.products
        """``s_i·g`` with the gradient before it."""

    def update_products(self, gradient: Tensor) -> None:
        """Update the products with the gradient at a new point."""
        self.previous_products = self.products
        self.products = self._multiply(self.steps, gradient)

    def add(self, step: Tensor, change: Tensor, gradient: Tensor) -> None:
        """Store a pair. If the history is full, it replaces the oldest.

        Args:
            step: The step to the newest point, of the gradient's shape.
            change: The change of the gradient along it; ``s·y`` is positive.
            gradient: The gradient at that point, which `update_products` has seen.
        """
        full = len(self.order) == len(self.steps)
        row = self.order.pop(0) if full else len(self.order)
        self.order.append(row)
        flat = step.flatten()
        self.steps[row], self.changes[row] = flat, change.flatten()
        self.curvatures[:, row] = self.products - self.previous_products
        self.curvatures[row, row] = torch.dot(flat, change.flatten()).item()
        self.products[row] = torch.dot(flat, gradient.flatten()).item()

    def apply_inverse_hessian(
        self, gradient: Tensor, initial: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Apply the L-BFGS estimate of the inverse Hessian.

        Args:
            gradient: The newest gradient, which `update_products` has seen.
            initial: Applies the initial estimate, symmetric and positive.

        Returns:
            A tensor of the gradient's shape.
        """
        triangle = self.curvatures[self.order][:, self.order]
        alphas = _solve(triangle, self.products[self.order], upper=True)
        rest = initial(gradient - self._sum(self.changes, alphas, gradient))
        across = self._multiply(self.changes, rest)[self.order]
        factors = _solve(triangle.T, triangle.diagonal() * alphas - across, upper=False)
        return rest + self._sum(self.steps, factors, gradient)

    def _multiply(self, rows: Tensor, vector: Tensor) -> Tensor:
        """Inner products of the rows with a vector; 0 for rows without a pair."""
        products = torch.zeros_like(self.products)
        count = len(self.order)
        products[:count] = torch.mv(rows[:count], vector.flatten())
        return products

    def _sum(self, rows: Tensor, factors: Tensor, like: Tensor) -> Tensor:
        """The sum of the rows times their factors, in the shape of another tensor."""
        ordered = torch.zeros_like(factors)
        ordered[self.order] = factors
        return torch.mv(rows[: len(ordered)].T, ordered.to(like)).view_as(like)


def _solve(triangle: Tensor, values: Tensor, *, upper: bool) -> Tensor:
    """Solve ``T x = v`` for the upper or the lower triangle T of a matrix."""
    solution: Tensor = torch.linalg.solve_triangular(triangle, values[:, None], upper=upper)
    return solution[:, 0]
