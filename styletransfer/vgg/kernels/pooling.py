"""The network's poolings, which halve a picture and remember no positions."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.device.allocator import empty_channels_last
from styletransfer.vgg.kernels.padded import Activations, PaddedLayout, pad
from styletransfer.vgg.kernels.relu import bits

_BAND = 2**21
"""Values of a band, which a processor's cache can hold."""


def average_pool(values: Activations) -> Activations:
    """Take the mean of each square of 2×2.

    Args:
        values: H × W positions.

    Returns:
        H // 2 × W // 2 positions; what is left over at the lower and right
        border is passed over.
    """
    return pad(functional.avg_pool2d(values.inner, 2), values.layout.border)


def max_pool(values: Activations) -> Activations:
    """Take the largest value of each square of 2×2.

    Args:
        values: H × W positions; 0 and up, as `rectifier.relu_` leaves them.

    Returns:
        H // 2 × W // 2 positions; what is left over at the lower and right
        border is passed over. Its gradient goes to the first of the largest
        values of each square, row by row. What takes up the results sees to it
        that a square of zeros has none, as with `convolution.convolve`.
    """
    if values.whole.device.type != "cpu":
        return pad(functional.max_pool2d(values.inner, 2), values.layout.border)
    layout = values.layout.halved()
    return Activations(_MaxPool.apply(values.whole, values.layout, layout), layout)


class _MaxPool(torch.autograd.Function):
    """`max_pool`."""

    @staticmethod
    def forward(ctx: Any, whole: Tensor, before: PaddedLayout, after: PaddedLayout) -> Tensor:
        squares = Squares(whole, whole.shape[1], before, kept=ctx.needs_input_grad[0])
        for _, band in _bands(after.inner(squares.pooled)):
            squares.take(before.inner(whole)[:, :, band], band)
        ctx.before = before
        ctx.save_for_backward(*squares.ahead)
        return squares.pooled

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        return spread(grad_outputs[0], ctx.before, *ctx.saved_tensors), None, None


class Squares:
    """The largest values of squares of 2×2, and what it takes to bring a gradient back.

    Autograd's own would keep the places of the largest values until the end.
    They are whole numbers of eight bytes, half as much again as all activations
    in bfloat16. Here, how far the values on the right lie above those on the
    left is kept, and how far those below lie above those over them, which is
    less than the values themselves. All is worked out band by band on bits read
    as whole numbers: those need no rounding, and are moved as fast as memory allows.

    Args:
        values: What to be like in number format, device and batch.
        channels: Of the values to be pooled.
        before: Their frame.
        kept: Whether a gradient will be wanted.
    """

    def __init__(self, values: Tensor, channels: int, before: PaddedLayout, *, kept: bool) -> None:
        after = before.halved()
        height, width = after.height, after.width
        self.pooled = after.allocate(values, channels)
        """What has been taken so far, with a halo."""
        self.ahead: tuple[Tensor, ...] = ()
        """How far the left values are ahead, then how far the upper ones; none if not kept."""
        if kept:
            rooms = ((2 * height, width), (height, width))
            self.ahead = tuple(empty_channels_last(values, channels, *room) for room in rooms)
        self._pooled, *self._ahead = (
            bits(_last(each)) for each in (after.inner(self.pooled), *self.ahead)
        )

    def take(self, values: Tensor, rows: slice) -> None:
        """Pool some rows of the picture.

        Args:
            values: Shape (B, C, rows, W).
            rows: Which of them; an even number, from an even one on.
        """
        halved = slice(rows.start // 2, rows.stop // 2)
        left, right = _columns(bits(_last(values)))
        upper, lower = _rows(torch.maximum(left, right))
        torch.maximum(upper, lower, out=self._pooled[:, halved])
        if self._ahead:
            horizontal, vertical = self._ahead
            torch.sub(left, right, out=horizontal[:, rows])
            torch.sub(upper, lower, out=vertical[:, halved])


def spread(
    grad_output: Tensor, before: PaddedLayout, horizontal: Tensor, vertical: Tensor
) -> Tensor:
    """The gradient of values, with a halo, from the one of the largest of each square.

    Args:
        grad_output: Shape (B, C, …), with a halo.
        before: The frame of the values.
        horizontal: Of `Squares.ahead`, the first.
        vertical: The second.
    """
    after = before.halved()
    whole = before.allocate(grad_output, grad_output.shape[1])
    gradient = before.inner(whole)
    gradient[:, :, 2 * after.height :] = 0
    gradient[:, :, :, 2 * after.width :] = 0
    each = after.inner(grad_output), gradient, horizontal, vertical
    given, into, columns, rows = (bits(_last(one)) for one in each)
    for band, doubled in _bands(vertical):
        halved = torch.empty_like(columns[:, doubled])
        _divide(given[:, band], rows[:, band], _rows(halved))
        _divide(halved, columns[:, doubled], _columns(into[:, doubled]))
    return whole


def _divide(grad_output: Tensor, ahead: Tensor, into: tuple[Tensor, Tensor]) -> None:
    """Put each gradient where the first of the larger of two values is, and 0 where the other is.

    Args:
        grad_output: To be divided, as bits; so are all others, of the same shape.
        ahead: How far the first value is above the second.
        into: To be filled.
    """
    torch.ops.aten.threshold_backward.grad_input(grad_output, ahead, -1, grad_input=into[0])
    torch.sub(grad_output, into[0], out=into[1])


def _last(values: Tensor) -> Tensor:
    """From shape (B, C, H, W) to (B, H, W, C)."""
    return values.permute(0, 2, 3, 1)


def _rows(values: Tensor) -> tuple[Tensor, Tensor]:
    """The upper and the lower rows of the squares, of shape (B, H, W, C) with an even H."""
    return values[:, ::2], values[:, 1::2]


def _columns(values: Tensor) -> tuple[Tensor, Tensor]:
    """The left and the right columns of the squares, of shape (B, H, W, C); an odd one is left."""
    even = values[:, :, : values.shape[2] // 2 * 2]
    return even[:, :, ::2], even[:, :, 1::2]


def _bands(pooled: Tensor) -> Iterator[tuple[slice, slice]]:
    """Divide results (B, C, H, W) into bands: the rows of each, and those of the values."""
    batch, channels, height, width = pooled.shape
    rows = max(1, _BAND // (4 * batch * channels * max(1, width)))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        yield slice(top, bottom), slice(2 * top, 2 * bottom)
