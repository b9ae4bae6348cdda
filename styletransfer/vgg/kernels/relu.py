"""The ReLU after a convolution, and its gradient, which whoever takes up the values masks."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.device.allocator import empty_channels_last

_BITS = {torch.bfloat16: torch.int16, torch.float32: torch.int32, torch.float64: torch.int64}


def relu(values: Tensor) -> Tensor:
    """A ReLU with its gradient. Unlike torch's own it leaves no -0, whose bits are the lowest."""
    return functional.threshold(values, 0, 0)


def relu_(values: Tensor) -> Tensor:
    """`relu` in place."""
    return torch.threshold_(values, 0, 0)


def masked(rectified: Tensor) -> Tensor:
    """Pass values on that come out of a ReLU, with no gradient to those that it made 0."""
    passed: Tensor = _Masked.apply(rectified)
    return passed


class _Masked(torch.autograd.Function):
    """`masked`."""

    @staticmethod
    def forward(ctx: Any, rectified: Tensor) -> Tensor:
        ctx.save_for_backward(rectified)
        return rectified.view_as(rectified)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        return relu_backward(grad_outputs[0], *ctx.saved_tensors)


def relu_backward(grad_output: Tensor, rectified: Tensor, into: Tensor | None = None) -> Tensor:
    """The gradient before a ReLU, from the one after it and the values after it.

    A number that is not negative is above 0 where its bits are, read as a whole
    number: a processor then takes half the time in bfloat16, which it needs not convert.

    Args:
        grad_output: Shape (B, C, H, W).
        rectified: The same shape.
        into: Room of that shape, perhaps the slope itself; None: new one.

    Returns:
        The room.
    """
    into = empty_channels_last(grad_output, grad_output.shape[1]) if into is None else into
    each = grad_output, rectified, into
    if grad_output.device.type == "cpu":
        each = bits(grad_output), bits(rectified), bits(into)
    torch.ops.aten.threshold_backward.grad_input(*each[:2], 0, grad_input=each[2])
    return into


def bits(values: Tensor) -> Tensor:
    """Numbers as whole numbers of the same bits, a view.

    Of numbers that are not negative, the larger one has the larger bits.
    """
    return values.view(_BITS[values.dtype])
