"""The network's pooling, which remembers no positions."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.arena import like
from styletransfer.convolution import bands


def max_pool(values: Tensor, side: int) -> Tensor:
    """Take the largest value of each square.

    Args:
        values: Shape (B, C, H, W).
        side: Of the squares, in pixels; what they leave over at the lower and
            right border is passed over.

    Returns:
        Shape (B, C, H // `side`, W // `side`). Its gradient goes to the first
        of the largest values.
    """
    pooled: Tensor = _MaxPool.apply(values, side)
    return pooled


class _MaxPool(torch.autograd.Function):
    """`max_pool`; autograd's own would keep the places of the largest values until the end.

    They are whole numbers of eight bytes, half as much again as all activations
    in bfloat16. They are looked for once more, band by band.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, side: int) -> Tensor:
        ctx.save_for_backward(values)
        ctx.side = side
        height, width = (extent // side for extent in values.shape[2:])
        result = like(values, values.shape[1], height, width)
        for top, bottom in bands(height, width * side * side):
            part = values[:, :, top * side : bottom * side]
            result[:, :, top:bottom] = functional.max_pool2d(part, side)
        return result

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (values,), (slope,), side = ctx.saved_tensors, grad_outputs, ctx.side
        gradient = like(values, values.shape[1])
        gradient[:, :, slope.shape[2] * side :] = 0
        gradient[:, :, :, slope.shape[3] * side :] = 0
        for top, bottom in bands(slope.shape[2], slope.shape[3] * side * side):
            part = values[:, :, top * side : bottom * side].detach().requires_grad_()
            with torch.enable_grad():
                pooled = functional.max_pool2d(part, side)
            (band,) = torch.autograd.grad(pooled, part, slope[:, :, top:bottom])
            gradient[:, :, top * side : bottom * side] = band
        return gradient, None
