"""A quadratic function to minimize, for the tests of the optimizers."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

SIZE = 30


class Stepping(Protocol):
    """What an optimizer needs here."""

    def step(self, gradient: Tensor) -> Tensor: ...


def quadratic(seed: int = 0) -> tuple[Tensor, Tensor]:
    """A positive definite matrix of mixed curvature, and a point to start from."""
    generator = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=generator, dtype=torch.float64))
    curvatures = torch.logspace(0, 2, SIZE, dtype=torch.float64)
    start = torch.randn(SIZE, generator=generator, dtype=torch.float64)
    return basis @ torch.diag(curvatures) @ basis.T, start


def descend(
    optimizer: Stepping, gradient: Callable[[Tensor], Tensor], point: Tensor, steps: int
) -> list[Tensor]:
    """Minimize; return the points visited, the first one included."""
    points = [point]
    for _ in range(steps):
        points.append(points[-1] + optimizer.step(gradient(points[-1])))
    return points
