"""3×3 convolutions by Winograd's minimal filtering, forward and to the values, in plain torch.

A square tile of m×m outputs of a 3×3 correlation takes 9·m² products of
matrices of channels; evaluated at (m+2)² points it takes (m+2)²: 2.25 times
fewer for m = 2, four times fewer for m = 4.

References:
    Lavin & Gray (2016), Fast Algorithms for Convolutional Neural Networks.
    Differs: the points come in reciprocal pairs, so that the correlation with
    the turned kernel (the gradient) uses the same transformed weights,
    reordered; what lies beyond the border is in the values' halo.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.vgg.kernels.padded import Activations, PaddedLayout
from styletransfer.vgg.kernels.relu import relu_, relu_backward
from styletransfer.vgg.kernels.winograd_transforms import (
    KERNEL_SIZE,
    Transforms,
    kernel_map,
    transforms_of,
)

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


def is_worthwhile(values: Activations, weight: Tensor) -> bool:
    """Whether this way is the shorter one, where products take the time.

    Measured on two cores with AVX512-BF16, the way there and back: 1.2 to 2.4
    times as fast at 512 px, about as fast near these limits, slower below.

    Args:
        values: Of C channels.
        weight: Shape (D, C, 3, 3).
    """
    (batch, channels), (height, width, _) = values.whole.shape[:2], values.layout
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
    taps = weight.to(exact).permute(2, 3, 1, 0).reshape(KERNEL_SIZE * KERNEL_SIZE, -1)
    points = torch.kron(onto, onto).to(taps) @ taps
    shape = (len(points), weight.shape[1], weight.shape[0])
    return Kernel(points.to(weight.dtype).view(shape), bias, side)


def convolve(
    values: Activations, kernel: Kernel, *, relu_before: bool = False, relu_after: bool = False
) -> Activations:
    """Convolve with a 3×3 kernel, as `convolution.convolve` does.

    Args:
        values: One picture's, in the kernel's number format.
        kernel: The prepared weights.
        relu_before: As there.
        relu_after: As there.

    Returns:
        Of D channels, in the same frame.
    """
    whole = _Convolution.apply(values.whole, values.layout, kernel, relu_before, relu_after)
    return values.replaced(whole)


class _Convolution(torch.autograd.Function):
    """`convolve`; the gradient is a correlation with the turned kernel."""

    @staticmethod
    def forward(
        ctx: Any,
        whole: Tensor,
        layout: PaddedLayout,
        kernel: Kernel,
        relu_before: bool,
        relu_after: bool,
    ) -> Tensor:
        layout.fill_padding(whole)
        convolved = layout.allocate(whole, kernel.points.shape[2])
        picture = layout.inner(convolved)
        transforms = transforms_of(kernel.side, False, whole.dtype, whole.device)
        given = _Bordered(layout.padded(whole), 1 - layout.around)
        for rows, band in _correlate(given, kernel.points, kernel.bias, transforms):
            picture[:, :, rows] = relu_(band) if relu_after else band
        ctx.kernel, ctx.layout = kernel, layout
        ctx.save_for_backward(*([whole] if relu_before else []))
        return convolved

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None, None]:
        (grad_output,), kernel, layout = grad_outputs, ctx.kernel, ctx.layout
        transforms = transforms_of(kernel.side, True, grad_output.dtype, grad_output.device)
        points = kernel.points.transpose(1, 2)
        gradient = layout.allocate(grad_output, points.shape[2])
        padded = layout.padded(gradient)
        # What was repeated has a gradient of its own, one step further out.
        given = _Bordered(layout.inner(grad_output), 1 + layout.around)
        for rows, band in _correlate(given, points, None, transforms):
            padded[:, :, rows] = band
        layout.fold_gradient(gradient)
        for values in ctx.saved_tensors:
            relu_backward(gradient, values, gradient)
        return gradient, None, None, None, None


class _Bordered(NamedTuple):
    """Values and the zeros around them, which a correlation shortens by two rows and columns."""

    values: Tensor
    """Shape (1, C, H, W)."""

    zeros: int
    """Rows and columns of them on each side."""

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns of the results."""
        height, width = (side + 2 * self.zeros - KERNEL_SIZE + 1 for side in self.values.shape[2:])
        return height, width

    def band(self, top: int, bottom: int, beyond: int) -> Tensor:
        """What the results from one row to before another are made of.

        Args:
            top: The first of those rows.
            bottom: The one behind the last, which may lie beyond all results.
            beyond: More columns of zeros at the right.
        """
        above, below = top - self.zeros, bottom + KERNEL_SIZE - 1 - self.zeros
        first, last = max(0, above), min(self.values.shape[2], below)
        sides = (self.zeros, self.zeros + beyond, first - above, below - last)
        return functional.pad(self.values[:, :, first:last], sides)


def _last(values: Tensor) -> Tensor:
    """From shape (1, C, H, W) to (H, W, C)."""
    return values[0].permute(1, 2, 0)


def _correlate(
    given: _Bordered, points: Tensor, bias: Tensor | None, transforms: Transforms
) -> Iterator[tuple[slice, Tensor]]:
    """Correlate with a 3×3 kernel, one band of rows of tiles after the other.

    Args:
        given: The values.
        points: Shape ((m+2)², C, D).
        bias: Shape (D,).
        transforms: Of the tiles.

    Yields:
        Rows of the results and what is in them, shape (1, D, rows, columns),
        fresh in the cache; the next overwrites it.
    """
    count, channels, width = points.shape
    side = round(count**0.5) - KERNEL_SIZE + 1
    rows, columns = (-(-extent // side) for extent in given.extent)
    bands = max(1, rows * columns // _BAND_TILES)
    band = -(-rows // bands)
    values, (height, length) = given.values, given.extent
    room = [values.new_empty(count * band * columns * max(channels, width)) for _ in range(2)]
    results = values.new_empty(band * side, columns * side, width)
    for first in range(0, rows, band):
        top, bottom = first * side, min(first + band, rows) * side
        part = _last(given.band(top, bottom, columns * side - length)).contiguous()
        target = results[: bottom - top]
        _correlate_band(part, points, bias, transforms, room, target)
        wanted = slice(top, min(bottom, height))
        yield wanted, target.permute(2, 0, 1)[None, :, : wanted.stop - top, :length]


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
    side = reach - KERNEL_SIZE + 1
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
