"""The network's poolings, which halve a picture and remember no positions."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.arena import like
from styletransfer.halo import Activations, Frame, place
from styletransfer.rectifier import bits

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
    return place(functional.avg_pool2d(values.inner, 2), values.frame.border)


def max_pool(values: Activations) -> Activations:
    """Take the largest value of each square of 2×2.

    Args:
        values: H × W positions; 0 and up, as `rectifier.rectify_` leaves them.

    Returns:
        H // 2 × W // 2 positions; what is left over at the lower and right
        border is passed over. Its gradient goes to the first of the largest
        values of each square, row by row. What takes up the results sees to it
        that a square of zeros has none, as with `convolution.convolve`.
    """
    if values.whole.device.type != "cpu":
        return place(functional.max_pool2d(values.inner, 2), values.frame.border)
    frame = values.frame.halved()
    return Activations(_MaxPool.apply(values.whole, values.frame, frame), frame)


class _MaxPool(torch.autograd.Function):
    """`max_pool`; autograd's own would keep the places of the largest values until the end.

    They are whole numbers of eight bytes, half as much again as all activations
    in bfloat16. Here, how far the values on the right lie above those on the
    left is kept, and how far those below lie above those over them, which is
    less than the values themselves. All is worked out band by band on bits read
    as whole numbers: those need no rounding, and are moved as fast as memory allows.
    """

    @staticmethod
    def forward(ctx: Any, whole: Tensor, before: Frame, after: Frame) -> Tensor:
        channels, height, width = whole.shape[1], after.height, after.width
        result = after.room(whole, channels)
        aside = like(whole, channels, 2 * height, width)
        below = like(whole, channels, height, width)
        given, pooled, columns, rows = (
            bits(_last(each)) for each in (before.inner(whole), after.inner(result), aside, below)
        )
        for band, doubled in _bands(below):
            left, right = _columns(given[:, doubled])
            upper, lower = _rows(torch.maximum(left, right))
            torch.maximum(upper, lower, out=pooled[:, band])
            if ctx.needs_input_grad[0]:
                torch.sub(left, right, out=columns[:, doubled])
                torch.sub(upper, lower, out=rows[:, band])
        ctx.frames = before, after
        ctx.save_for_backward(aside, below)
        return result

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (before, after), (aside, below) = ctx.frames, ctx.saved_tensors
        slope = after.inner(grad_outputs[0])
        whole = before.room(slope, slope.shape[1])
        gradient = before.inner(whole)
        gradient[:, :, 2 * after.height :] = 0
        gradient[:, :, :, 2 * after.width :] = 0
        given, into, columns, rows = (bits(_last(each)) for each in (slope, gradient, aside, below))
        for band, doubled in _bands(below):
            halved = torch.empty_like(columns[:, doubled])
            _divide(given[:, band], rows[:, band], _rows(halved))
            _divide(halved, columns[:, doubled], _columns(into[:, doubled]))
        return whole, None, None


def _divide(slope: Tensor, ahead: Tensor, into: tuple[Tensor, Tensor]) -> None:
    """Put each slope where the first of the larger of two values is, and 0 where the other is.

    Args:
        slope: To be divided, as bits; so are all others, of the same shape.
        ahead: How far the first value is above the second.
        into: To be filled.
    """
    torch.ops.aten.threshold_backward.grad_input(slope, ahead, -1, grad_input=into[0])
    torch.sub(slope, into[0], out=into[1])


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
