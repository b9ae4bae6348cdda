"""3×3 convolutions by Winograd's minimal filtering, forward and to the values, in plain torch.

A square tile of m×m outputs of a 3×3 correlation takes 9·m² products of
matrices of channels; evaluated at (m+2)² points it takes (m+2)²: 2.25 times
fewer for m = 2, four times fewer for m = 4.

References:
    Lavin & Gray (2016), Fast Algorithms for Convolutional Neural Networks.
    Differs: the points come in reciprocal pairs, so that the correlation with
    the turned kernel (the gradient) uses the same transformed weights,
    reordered; the border repeats the outermost values.
"""

from functools import cache
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.convolution import fold

SIDE = 4
"""Of a tile of results. Tiles of 2 round half as much in bfloat16, and gain half as much."""

_TAPS = 3
_LEAST_CHANNELS = 64
_LEAST_TILES = 16

_POINTS = {2: (0.0, 1.0, -1.0), 4: (0.0, 0.5**0.5, -(0.5**0.5), 2**0.5, -(2**0.5))}
"""Where the polynomials are evaluated, beside infinity, by the tile's side; closed under 1/p."""

_BAND_TILES = 192
"""A band's tiles, at least. Fewer: the weights are read too often; more: the cache is too small."""


class Transforms(NamedTuple):
    """The linear maps of two-dimensional tiles, flattened, for one direction."""

    values: Tensor
    """Shape ((m+2)², (m+2)²): from the values of a tile to their points."""

    results: Tensor
    """Shape (m², (m+2)²): from the points to the results of a tile."""


class Kernel(NamedTuple):
    """A convolution's weights, prepared once by `prepare`."""

    points: Tensor
    """Shape ((m+2)², C, D)."""

    bias: Tensor
    """Shape (D,)."""

    side: int
    """The side m of a tile of results."""


def pays(values: Tensor, weight: Tensor) -> bool:
    """Whether this way is the shorter one, where products take the time.

    Measured on two cores with AVX512-BF16, the way there and back: 1.2 to 2.4
    times as fast at 512 px, about as fast near these limits, slower below.

    Args:
        values: Shape (B, C, H, W).
        weight: Shape (D, C, 3, 3).
    """
    batch, channels, height, width = values.shape
    tiles = -(-height // SIDE) * -(-width // SIDE)
    wide = channels >= _LEAST_CHANNELS and len(weight) >= 2 * _LEAST_CHANNELS
    return batch == 1 and wide and tiles >= _LEAST_TILES


def prepare(weight: Tensor, bias: Tensor, side: int = SIDE) -> Kernel:
    """Transform a convolution's weights, in float64.

    Args:
        weight: Shape (D, C, 3, 3), in the number format of the values to come.
        bias: Shape (D,).
        side: Side of a tile of results: 2 or 4.

    Returns:
        The prepared weights, in that format and on the weights' device.
    """
    exact = torch.promote_types(weight.dtype, torch.float32)
    onto = torch.tensor(_matrices(side)[1], dtype=torch.float64)
    taps = weight.to(exact).permute(2, 3, 1, 0).reshape(_TAPS * _TAPS, -1)
    points = torch.kron(onto, onto).to(taps) @ taps
    shape = (len(points), weight.shape[1], weight.shape[0])
    return Kernel(points.to(weight.dtype).view(shape), bias, side)


def convolve(values: Tensor, kernel: Kernel) -> Tensor:
    """Convolve with a 3×3 kernel; beyond the border, the outermost values repeat.

    Args:
        values: Shape (1, C, H, W), channels last, in the kernel's number format.
        kernel: The prepared weights.

    Returns:
        Shape (1, D, H, W), channels last. Its gradient is that of the values alone.
    """
    convolved: Tensor = _Convolution.apply(values, kernel)
    return convolved


class _Convolution(torch.autograd.Function):
    """`convolve`; the gradient is a correlation with the turned kernel."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, kernel: Kernel) -> Tensor:
        ctx.kernel = kernel
        height, width = values.shape[2:]
        beyond = (1, 1 + -width % kernel.side, 1, 1 + -height % kernel.side)
        extended = functional.pad(values, beyond, mode="replicate")
        transforms = _transforms(kernel.side, False, values.dtype, values.device)
        convolved = _correlate(extended, kernel.points, kernel.bias, transforms)
        if convolved.shape[2:] == values.shape[2:]:
            return convolved
        # Dense, and no view: what follows may overwrite it.
        cropped = convolved[..., :height, :width]
        return cropped.clone(memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (slope,), kernel = grad_outputs, ctx.kernel
        height, width = slope.shape[2] + 2, slope.shape[3] + 2
        beyond = (2, 2 + -width % kernel.side, 2, 2 + -height % kernel.side)
        transforms = _transforms(kernel.side, True, slope.dtype, slope.device)
        points = kernel.points.transpose(1, 2)
        extended = _correlate(functional.pad(slope, beyond), points, None, transforms)
        return fold(fold(extended[..., :height, :width], 2), 3), None


def _last(values: Tensor) -> Tensor:
    """From shape (1, C, H, W) to (H, W, C)."""
    return values[0].permute(1, 2, 0)


def _correlate(
    values: Tensor, points: Tensor, bias: Tensor | None, transforms: Transforms
) -> Tensor:
    """Correlate with a 3×3 kernel, without a border, one band of rows of tiles after the other.

    Args:
        values: Shape (1, C, m·R + 2, m·S + 2).
        points: Shape ((m+2)², C, D).
        bias: Shape (D,).
        transforms: Of the tiles.

    Returns:
        Shape (1, D, m·R, m·S), channels last.
    """
    count, channels, width = points.shape
    side = round(count**0.5) - _TAPS + 1
    rows, columns = ((extent - _TAPS + 1) // side for extent in values.shape[2:])
    bands = max(1, rows * columns // _BAND_TILES)
    band = -(-rows // bands)
    room = [values.new_empty(count * band * columns * max(channels, width)) for _ in range(2)]
    shape, layout = (1, width, rows * side, columns * side), torch.channels_last
    results = torch.empty(shape, dtype=values.dtype, device=values.device, memory_format=layout)
    source, target = _last(values).contiguous(), _last(results)
    for first in range(0, rows, band):
        top, bottom = first * side, min(first + band, rows) * side
        part = source[top : bottom + _TAPS - 1]
        _correlate_band(part, points, bias, transforms, room, target[top:bottom])
    return results


def _correlate_band(
    values: Tensor,
    points: Tensor,
    bias: Tensor | None,
    transforms: Transforms,
    room: list[Tensor],
    results: Tensor,
) -> None:
    """`_correlate`, of one band, into `results`; `room` is overwritten."""
    count, channels, width = points.shape
    reach = round(count**0.5)
    side = reach - _TAPS + 1
    rows, columns = results.shape[0] // side, results.shape[1] // side
    tiles = rows * columns
    first, second = room
    # Every value of every tile: tiles overlap by two rows and columns.
    line = values.stride(0)
    strides = (line, channels, side * line, side * channels, 1)
    windows = values.as_strided((reach, reach, rows, columns, channels), strides)
    gathered = _view(first, reach, reach, rows, columns, channels).copy_(windows)
    transformed = _view(second, count, tiles * channels)
    torch.mm(transforms.values, gathered.view(count, -1), out=transformed)
    products = _view(first, count, tiles, width)
    torch.bmm(transformed.view(count, tiles, channels), points, out=products)
    tiled = _view(second, side * side, tiles * width)
    torch.mm(transforms.results, products.view(count, -1), out=tiled)
    source = tiled.view(side, side, rows, columns, width).permute(2, 0, 3, 1, 4)
    target = results.view(rows, side, columns, side, width)
    if bias is None:
        target.copy_(source)
    else:
        torch.add(source, bias, out=target)


def _view(room: Tensor, *shape: int) -> Tensor:
    """The beginning of some room, in a shape."""
    return room[: torch.Size(shape).numel()].view(shape)


@cache
def _transforms(side: int, turned: bool, dtype: torch.dtype, device: torch.device) -> Transforms:
    """Build the maps of tiles; `turned`: of the kernel turned by 180 degrees."""
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
        weights.append([point**k / norms[-1] for k in range(_TAPS)])
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
