"""The network's poolings, which halve a picture and remember no positions."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.arena import like
from styletransfer.convolution import bits, rectify_slope

_BAND = 2**20
"""Values of a band, which a processor's cache can hold."""


def average_pool(values: Tensor) -> Tensor:
    """Take the mean of each square of 2×2.

    Args:
        values: Shape (B, C, H, W).

    Returns:
        Shape (B, C, H // 2, W // 2); what is left over at the lower and right
        border is passed over.
    """
    return functional.avg_pool2d(values, 2)


def max_pool(values: Tensor) -> Tensor:
    """Take the largest value of each square of 2×2.

    Args:
        values: Shape (B, C, H, W), 0 and up, as a ReLU leaves them.

    Returns:
        Shape (B, C, H // 2, W // 2); what is left over at the lower and right
        border is passed over. Its gradient goes to the first of the largest
        values of each square, row by row. A square of zeros has none: the ReLU
        before it would let none through.
    """
    if values.device.type != "cpu":
        return functional.max_pool2d(values, 2)
    pooled: Tensor = _MaxPool.apply(values)
    return pooled


class _MaxPool(torch.autograd.Function):
    """`max_pool`; autograd's own would keep the places of the largest values until the end.

    They are whole numbers of eight bytes, half as much again as all activations
    in bfloat16. They are looked for once more, band by band, and by bits read as
    whole numbers: those need no rounding, and are moved as fast as memory allows.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        height, width = (extent // 2 for extent in values.shape[2:])
        result = like(values, values.shape[1], height, width)
        given, pooled = _last(values), _last(result)
        for band, rows in _bands(result):
            across = torch.maximum(*_columns(given[:, rows]))
            torch.maximum(*_rows(across), out=pooled[:, band])
        ctx.save_for_backward(values, result)
        return result

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        values, result = ctx.saved_tensors
        slope = rectify_slope(grad_outputs[0], result)
        gradient = like(values, values.shape[1])
        gradient[:, :, 2 * result.shape[2] :] = 0
        gradient[:, :, :, 2 * result.shape[3] :] = 0
        given, into, pooled, sloped = (
            bits(_last(each)) for each in (values, gradient, result, slope)
        )
        for band, rows in _bands(result):
            # The clamp is for a -0, whose bits are the lowest there are.
            columns = _columns(given[:, rows].clamp_min(0))
            across = torch.maximum(*columns)
            halved = torch.empty_like(across)
            _divide(sloped[:, band], _rows(across), pooled[:, band], _rows(halved))
            _divide(halved, columns, across, _columns(into[:, rows]))
        return gradient


def _divide(
    slope: Tensor, given: tuple[Tensor, Tensor], larger: Tensor, into: tuple[Tensor, Tensor]
) -> None:
    """Put each slope where the first of the larger of two values is, and 0 where the other is.

    Args:
        slope: To be divided, as bits; so are all others, of the same shape.
        given: Two values, 0 and up.
        larger: The larger one of them.
        into: To be filled.
    """
    # 0 where the first is the larger one or its equal, and negative elsewhere.
    behind = given[0] - larger
    torch.ops.aten.threshold_backward.grad_input(slope, behind, -1, grad_input=into[0])
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
