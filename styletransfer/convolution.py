"""The network's convolution, with a border that goes on instead of ending in zeros."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def convolve(values: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve with a 3×3 kernel; beyond the border, the outermost values repeat.

    Zeros there are seen by the deep layers as a frame around the picture. The
    smaller the picture, the more of it lies near that frame, and the terms
    would change with the size.

    Args:
        values: Shape (B, C, H, W).
        weight: Shape (D, C, 3, 3).
        bias: Shape (D,).

    Returns:
        Shape (B, D, H, W). Its gradient is that of the values alone.

    References:
        Simonyan & Zisserman (2014). Differs: they pad with zeros.
    """
    convolved: Tensor = _Convolution.apply(values, weight, bias)
    return convolved


class _Convolution(torch.autograd.Function):
    """`convolve`; autograd's own would keep every padded copy until the end."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return functional.conv2d(_extend(values), weight, bias)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (weight,), (slope,) = ctx.saved_tensors, grad_outputs
        extended = functional.conv_transpose2d(slope, weight)
        return fold_border(extended), None, None


def fold_border(extended: Tensor) -> Tensor:
    """Give back to each outermost value what it gave to the border.

    Args:
        extended: Gradient of the values with their border, shape
            (B, C, H + 2, W + 2); it is overwritten.

    Returns:
        Gradient of the values, shape (B, C, H, W), a view.
    """
    for dim in (2, 3):
        last = extended.shape[dim] - 1
        extended.narrow(dim, 1, 1).add_(extended.narrow(dim, 0, 1))
        extended.narrow(dim, last - 1, 1).add_(extended.narrow(dim, last, 1))
        extended = extended.narrow(dim, 1, last - 1)
    return extended


def _extend(values: Tensor) -> Tensor:
    """Repeat the outermost values once on each side."""
    return functional.pad(values, (1, 1, 1, 1), mode="replicate")
