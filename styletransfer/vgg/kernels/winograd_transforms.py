"""Winograd's linear maps: from values and kernels to points, and from points to results.

References:
    Lavin & Gray (2016), Fast Algorithms for Convolutional Neural Networks.
    Differs: see `winograd`.
"""

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import torch
from torch import Tensor

KERNEL_SIZE = 3
"""Side of a kernel."""

_POINTS = {2: (0.0, 1.0, -1.0), 4: (0.0, 0.5**0.5, -(0.5**0.5), 2**0.5, -(2**0.5))}
"""Points of evaluation besides infinity, by the tile's side; closed under 1/p."""


@dataclass(frozen=True, slots=True)
class Transforms:
    """The linear maps of two-dimensional tiles, flattened, for one direction."""

    values: Tensor
    """Shape ((m+2)², (m+2)²): from the values of a tile to their points."""

    results: Tensor
    """Shape (m², (m+2)²): from the points to the results of a tile."""


def kernel_map(side: int) -> Tensor:
    """The map from a kernel's weights to their points in one dimension.

    Args:
        side: Side m of a tile of results: 2 or 4.

    Returns:
        Shape (m+2, 3), float64.
    """
    return torch.tensor(_matrices(side)[1], dtype=torch.float64)


@cache
def transforms_of(side: int, turned: bool, dtype: torch.dtype, device: torch.device) -> Transforms:
    """Build the maps of tiles.

    Args:
        side: Side m of a tile of results: 2 or 4.
        turned: Whether for the kernel turned by 180 degrees.
        dtype: Of the maps.
        device: Of the maps.

    Returns:
        The maps, built once.
    """
    matrices = _matrices(side)
    order = matrices[3]
    back, _, onto, _, scale = (torch.tensor(m, dtype=torch.float64) for m in matrices)
    if turned:
        back, onto = back[order], (scale[:, None] * onto)[order]
    maps = torch.kron(onto, onto), torch.kron(back, back).T.contiguous()
    return Transforms(*(each.to(device, dtype) for each in maps))


@cache
def _matrices(side: int) -> tuple[list[Any], list[Any], list[Any], list[int], list[float]]:
    """The Toom-Cook matrices of one dimension, in float64.

    Returns:
        From results to points, transposed, shape (m+2, m); from weights to
        points, shape (m+2, 3); from values to points, shape (m+2, m+2); and
        for the turned kernel, whose weights at point k are `scale[k]` times
        those at point `order[k]` (an involution), the `order` and the `scale`.
    """
    finite = _POINTS[side]
    back, weights, onto, norms = [], [], [], []
    for point in finite:
        others = [other for other in finite if other != point]
        norms.append(prod(point - other for other in others))
        back.append([point**k for k in range(side)])
        weights.append([point**k / norms[-1] for k in range(KERNEL_SIZE)])
        onto.append([*_coefficients(others), 0.0])
    back.append([0.0] * (side - 1) + [1.0])
    weights.append([0.0, 0.0, 1.0])
    onto.append(_coefficients(list(finite)))
    order, scale = [len(finite)], [1 / norms[0]]
    for point, norm in zip(finite[1:], norms[1:], strict=True):
        order.append(min(range(1, len(finite)), key=lambda k: abs(finite[k] * point - 1)))
        scale.append(point**2 * norms[order[-1]] / norm)
    return back, weights, onto, [*order, 0], [*scale, norms[0]]


def _coefficients(roots: list[float]) -> list[float]:
    """Of the monic polynomial with these roots, the constant one first."""
    coefficients = [1.0]
    for root in roots:
        shifted, scaled = [0.0, *coefficients], [*(-root * c for c in coefficients), 0.0]
        coefficients = [a + b for a, b in zip(shifted, scaled, strict=True)]
    return coefficients
