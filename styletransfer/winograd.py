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

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.arena import like
from styletransfer.convolution import Border, fold
from styletransfer.rectifier import rectify_, rectify_slope
from styletransfer.tiles import TAPS, Transforms, kernel_map, transforms_of

SIDE = 4
"""Of a tile of results. Tiles of 2 round half as much in bfloat16, and gain half as much."""

_LEAST_CHANNELS = 64
_LEAST_TILES = 16

_BAND_TILES = 192
"""A band's tiles, at least. Fewer: the weights are read too often; more: the cache is too small."""


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
    """Transform a convolution's weights, in float32 or better.

    Args:
        weight: Shape (D, C, 3, 3), in the number format of the values to come.
        bias: Shape (D,).
        side: Side of a tile of results: 2 or 4.

    Returns:
        The prepared weights, in that format and on the weights' device.
    """
    exact = torch.promote_types(weight.dtype, torch.float32)
    onto = kernel_map(side)
    taps = weight.to(exact).permute(2, 3, 1, 0).reshape(TAPS * TAPS, -1)
    points = torch.kron(onto, onto).to(taps) @ taps
    shape = (len(points), weight.shape[1], weight.shape[0])
    return Kernel(points.to(weight.dtype).view(shape), bias, side)


def convolve(
    values: Tensor,
    kernel: Kernel,
    border: Border = "repeat",
    *,
    relu_before: bool = False,
    relu_after: bool = False,
) -> Tensor:
    """Convolve with a 3×3 kernel; beyond the border, the outermost values repeat.

    Args:
        values: Shape (1, C, H, W), channels last, in the kernel's number format.
        kernel: The prepared weights.
        border: As in `convolution.convolve`.
        relu_before: As there.
        relu_after: As there.

    Returns:
        Shape (1, D, H, W), channels last. Its gradient is that of the values alone.
    """
    convolved: Tensor = _Convolution.apply(values, kernel, border, relu_before, relu_after)
    return convolved


class _Convolution(torch.autograd.Function):
    """`convolve`; the gradient is a correlation with the turned kernel."""

    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        kernel: Kernel,
        border: Border,
        relu_before: bool,
        relu_after: bool,
    ) -> Tensor:
        height, width = values.shape[2:]
        sides = (1, 1 + -width % kernel.side)
        mode = "replicate" if border == "repeat" else "constant"

        def bordered(top: int, bottom: int) -> Tensor:
            first, last = max(0, top - 1), min(height, bottom + 1)
            beyond = (*sides, first - (top - 1), bottom + 1 - last)
            return functional.pad(values[:, :, first:last], beyond, mode)

        extent = (height + -height % kernel.side, width + -width % kernel.side)
        convolved = like(values, kernel.points.shape[2], *extent)
        transforms = transforms_of(kernel.side, False, values.dtype, values.device)
        for band in _correlate(bordered, convolved, kernel.points, kernel.bias, transforms):
            if relu_after:
                rectify_(band)
        if extent != (height, width):
            # Dense, and no view: what follows may overwrite it.
            convolved = like(values, convolved.shape[1]).copy_(convolved[..., :height, :width])
        ctx.kernel, ctx.repeats = kernel, border == "repeat"
        ctx.save_for_backward(*([values] if relu_before else []))
        return convolved

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None, None]:
        (slope,), kernel = grad_outputs, ctx.kernel
        # What was repeated has a gradient of its own, one step further out.
        out = int(ctx.repeats)
        height, width = (extent + 2 * out for extent in slope.shape[2:])
        sides = (1 + out, 1 + out + -width % kernel.side)

        def bordered(top: int, bottom: int) -> Tensor:
            above, below = top - 1 - out, bottom + 1 - out
            first, last = max(0, above), min(slope.shape[2], below)
            return functional.pad(slope[:, :, first:last], (*sides, first - above, below - last))

        transforms = transforms_of(kernel.side, True, slope.dtype, slope.device)
        points = kernel.points.transpose(1, 2)
        extent = (height + -height % kernel.side, width + -width % kernel.side)
        extended = like(slope, points.shape[2], *extent)
        for _ in _correlate(bordered, extended, points, None, transforms):
            pass
        gradient = extended[..., :height, :width]
        if ctx.repeats:
            gradient = fold(fold(gradient, 2), 3)
        for values in ctx.saved_tensors:
            gradient = rectify_slope(gradient, values)
        return gradient, None, None, None, None


def _last(values: Tensor) -> Tensor:
    """From shape (1, C, H, W) to (H, W, C)."""
    return values[0].permute(1, 2, 0)


def _correlate(
    bordered: Callable[[int, int], Tensor],
    results: Tensor,
    points: Tensor,
    bias: Tensor | None,
    transforms: Transforms,
) -> Iterator[Tensor]:
    """Correlate with a 3×3 kernel, one band of rows of tiles after the other.

    Args:
        bordered: Gives the values, with their border, for the results from one
            row to before another: shape (1, C, rows + 2, m·S + 2).
        results: To be filled, shape (1, D, m·R, m·S), channels last.
        points: Shape ((m+2)², C, D).
        bias: Shape (D,).
        transforms: Of the tiles.

    Yields:
        The results, band by band, each fresh in the cache.
    """
    count, channels, width = points.shape
    side = round(count**0.5) - TAPS + 1
    rows, columns = (extent // side for extent in results.shape[2:])
    bands = max(1, rows * columns // _BAND_TILES)
    band = -(-rows // bands)
    room = [results.new_empty(count * band * columns * max(channels, width)) for _ in range(2)]
    target = _last(results)
    for first in range(0, rows, band):
        top, bottom = first * side, min(first + band, rows) * side
        part = _last(bordered(top, bottom)).contiguous()
        _correlate_band(part, points, bias, transforms, room, target[top:bottom])
        yield target[top:bottom]


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
    side = reach - TAPS + 1
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
