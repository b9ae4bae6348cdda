"""ReLU, whose gradient is masked by the next operation, see `styletransfer.vgg.kernels`."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.device.allocator import empty_as

_BITS = {torch.bfloat16: torch.int16, torch.float32: torch.int32, torch.float64: torch.int64}


def relu(values: Tensor) -> Tensor:
    """ReLU with autograd. Unlike torch's own it returns no -0, whose bits are the lowest."""
    return functional.threshold(values, 0, 0)


def relu_(values: Tensor) -> Tensor:
    """`relu` in place."""
    return torch.threshold_(values, 0, 0)


def masked(rectified: Tensor) -> Tensor:
    """Pass the output of a ReLU on, and give no gradient to values of 0."""
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
    """Compute the gradient of a ReLU from its output.

    A non-negative float is above 0 exactly if its bits, read as an integer, are.
    Comparing integers takes half the time in bfloat16, which is not converted then.

    Args:
        grad_output: Shape (B, C, H, W).
        rectified: The same shape.
        into: Where to write, same shape, possibly `grad_output` itself. None: a
            new tensor.

    Returns:
        The gradient with respect to the input of the ReLU, `into` if given.
    """
    into = empty_as(grad_output, grad_output.shape[1]) if into is None else into
    each = grad_output, rectified, into
    if grad_output.device.type == "cpu":
        each = bits(grad_output), bits(rectified), bits(into)
    torch.ops.aten.threshold_backward.grad_input(*each[:2], 0, grad_input=each[2])
    return into


def bits(values: Tensor) -> Tensor:
    """View floats as integers of the same bits.

    Of two non-negative floats, the larger one has the larger bits.
    """
    return values.view(_BITS[values.dtype])
