"""2×2 pooling with a compact backward pass."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.device.allocator import empty_as
from styletransfer.vgg.kernels.relu import bits

_BAND = 2**21
"""Values in a band, few enough for a processor's cache."""


def max_pool(values: Tensor) -> Tensor:
    """Max pooling over squares of 2×2.

    Args:
        values: Activations of shape (B, C, H, W), from 0 up, out of a ReLU.

    Returns:
        Shape (B, C, H // 2, W // 2). An odd row or column at the lower and
        right border is dropped. The gradient goes to the first of the
        largest values of each square, column by column. The next consumer masks the
        gradient of squares of zeros, as after `convolution.convolve`.
    """
    if values.device.type != "cpu":
        return functional.max_pool2d(values, 2)
    pooled: Tensor = _MaxPool.apply(values)
    return pooled


class _MaxPool(torch.autograd.Function):
    """`max_pool`.

    Autograd would keep the positions of the maxima as 8-byte integers, half as
    much memory again as all activations in bfloat16. Instead, the differences
    between upper and lower values are kept, and those between the maxima of the
    left and the right column. Everything is computed band by band on bits read as
    integers, which need no rounding and move as fast as memory allows.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        channels, *ctx.size = values.shape[1:]
        height, width = (side // 2 for side in ctx.size)
        pooled = empty_as(values, channels, height, width)
        shapes = ((height, 2 * width), (height, width)) if ctx.needs_input_grad[0] else ()
        kept = [empty_as(values, channels, *shape) for shape in shapes]
        ctx.save_for_backward(*kept)
        given, results, *differences = (bits(_last(one)) for one in (values, pooled, *kept))
        for band, doubled in _bands(pooled):
            upper, lower = _rows(given[:, doubled, : 2 * width])
            left, right = _columns(torch.maximum(upper, lower))
            torch.maximum(left, right, out=results[:, band])
            if differences:
                torch.sub(upper, lower, out=differences[0][:, band])
                torch.sub(left, right, out=differences[1][:, band])
        return pooled

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        (grad_output,), (vertical, horizontal) = grad_outputs, ctx.saved_tensors
        height, width = grad_output.shape[2:]
        gradient = empty_as(grad_output, grad_output.shape[1], *ctx.size)
        gradient[:, :, 2 * height :] = 0
        gradient[:, :, :, 2 * width :] = 0
        each = grad_output, gradient, vertical, horizontal
        given, into, rows, columns = (bits(_last(one)) for one in each)
        for band, doubled in _bands(horizontal):
            halved = torch.empty_like(rows[:, band])
            _divide(given[:, band], columns[:, band], _columns(halved))
            _divide(halved, rows[:, band], _rows(into[:, doubled, : 2 * width]))
        return gradient


def _divide(grad_output: Tensor, difference: Tensor, into: tuple[Tensor, Tensor]) -> None:
    """Write each gradient to the larger of two values (the first, if equal), and 0 to the other.

    Args:
        grad_output: Gradient as bits, like all others; same shape.
        difference: First minus second value.
        into: Where to write the gradients of the first and the second value.
    """
    torch.ops.aten.threshold_backward.grad_input(grad_output, difference, -1, grad_input=into[0])
    torch.sub(grad_output, into[0], out=into[1])


def _last(values: Tensor) -> Tensor:
    """From shape (B, C, H, W) to (B, H, W, C)."""
    return values.permute(0, 2, 3, 1)


def _rows(values: Tensor) -> tuple[Tensor, Tensor]:
    """The upper and the lower rows of the squares, of shape (B, H, W, C) with an even H."""
    return values[:, ::2], values[:, 1::2]


def _columns(values: Tensor) -> tuple[Tensor, Tensor]:
    """The left and the right columns of the squares, of shape (B, H, W, C)."""
    even = values[:, :, : values.shape[2] // 2 * 2]
    return even[:, :, ::2], even[:, :, 1::2]


def _bands(pooled: Tensor) -> Iterator[tuple[slice, slice]]:
    """Divide results (B, C, H, W) into bands: rows of the results, and rows of the values."""
    batch, channels, height, width = pooled.shape
    rows = max(1, _BAND // (4 * batch * channels * max(1, width)))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        yield slice(top, bottom), slice(2 * top, 2 * bottom)
