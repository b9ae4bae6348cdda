"""The pairs of L-BFGS, and the inverse Hessian that they give."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


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

    def state(self) -> dict[str, Any]:
        """The pairs and their products, see `choice.Optimizer`."""
        return {
            "steps": self.steps,
            "changes": self.changes,
            "order": list(self.order),
            "curvatures": self.curvatures,
            "products": self.products,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over pairs, and the number to keep, see `choice.Optimizer`."""
        self.steps = state["steps"].to(self.steps, copy=True)
        self.changes = state["changes"].to(self.steps, copy=True)
        self.reset()
        self.order = list(state["order"])
        self.curvatures.copy_(state["curvatures"])
        self.products.copy_(state["products"])

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
        rest = initial(self._sum(self.changes, alphas, gradient).neg_().add_(gradient))
        across = self._multiply(self.changes, rest)[self.order]
        factors = _solve(triangle.T, triangle.diagonal() * alphas - across, upper=False)
        return rest.add_(self._sum(self.steps, factors, gradient))

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
