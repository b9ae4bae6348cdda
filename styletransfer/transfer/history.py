"""What L-BFGS remembers: the newest steps and changes of the gradient, and their curvature."""

from collections.abc import Callable

import torch
from torch import Tensor


class History:
    """The newest pairs of a step s and the change y of the gradient along it.

    Steps and changes are the rows of two matrices. The two loops of the recursion, back
    and forth, solve with the triangle of ``s_i·y_j`` of each step with its own change and
    with later ones, and with its transpose. Those with later ones are differences of
    ``s_i·g`` of the gradients that the steps have met, which are needed anyway. So a step
    of the descent reads each matrix twice, whatever the history's length.

    Args:
        like: A gradient, of the shape, type and device that will come.
        length: Number of pairs to remember.

    References:
        Nocedal (1980); Byrd, Nocedal & Schnabel (1994) for the triangle.
    """

    def __init__(self, like: Tensor, length: int) -> None:
        # Not zeros: rows that nobody has written to take no memory.
        self.steps = like.new_empty(length, like.numel())
        self.changes = torch.empty_like(self.steps)
        self.forget()

    def forget(self) -> None:
        """Go back to no pair."""
        length = len(self.steps)
        self.slots: list[int] = []
        """The rows of the pairs, oldest first."""
        self.curvatures = torch.zeros(length, length, dtype=torch.float64)
        """``s_i·y_j``, where the change is not older than the step."""
        self.slopes = torch.zeros(length, dtype=torch.float64)
        """``s_i·g`` with the newest gradient."""
        self.slopes_before = self.slopes
        """And with the one before it."""

    def meet(self, gradient: Tensor) -> None:
        """Take notice of the gradient at a new point."""
        self.slopes_before = self.slopes
        self.slopes = self._products(self.steps, gradient)

    def remember(self, step: Tensor, change: Tensor, gradient: Tensor) -> None:
        """Store a pair, in place of the oldest.

        Args:
            step: What led to the newest point, of the gradient's shape.
            change: What it changed the gradient by; their product is positive.
            gradient: At that point, where it was met.
        """
        full = len(self.slots) == len(self.steps)
        slot = self.slots.pop(0) if full else len(self.slots)
        self.slots.append(slot)
        flat = step.flatten()
        self.steps[slot], self.changes[slot] = flat, change.flatten()
        self.curvatures[:, slot] = self.slopes - self.slopes_before
        self.curvatures[slot, slot] = torch.dot(flat, change.flatten()).item()
        self.slopes[slot] = torch.dot(flat, gradient.flatten()).item()

    def improve(self, gradient: Tensor, estimate: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply an estimate of the inverse Hessian, improved by the pairs.

        Args:
            gradient: The newest that was met.
            estimate: Applies the inverse Hessian as it was thought to be before
                any pair: symmetric, positive.

        Returns:
            A tensor of the gradient's shape.
        """
        triangle = self.curvatures[self.slots][:, self.slots]
        alphas = _solve(triangle, self.slopes[self.slots], upper=True)
        rest = estimate(gradient - self._sum(self.changes, alphas, gradient))
        across = self._products(self.changes, rest)[self.slots]
        factors = _solve(triangle.T, triangle.diagonal() * alphas - across, upper=False)
        return rest + self._sum(self.steps, factors, gradient)

    def _products(self, rows: Tensor, vector: Tensor) -> Tensor:
        """Inner products of the rows with a vector; 0 where there is no pair."""
        products = torch.zeros_like(self.slopes)
        count = len(self.slots)
        products[:count] = torch.mv(rows[:count], vector.flatten())
        return products

    def _sum(self, rows: Tensor, factors: Tensor, like: Tensor) -> Tensor:
        """The rows, each times the factor of its pair, summed to another tensor's shape."""
        ordered = torch.zeros_like(factors)
        ordered[self.slots] = factors
        return torch.mv(rows[: len(ordered)].T, ordered.to(like)).view_as(like)


def _solve(triangle: Tensor, values: Tensor, *, upper: bool) -> Tensor:
    """Solve ``T x = v`` for the upper or the lower triangle T of a matrix."""
    solution: Tensor = torch.linalg.solve_triangular(triangle, values[:, None], upper=upper)
    return solution[:, 0]
