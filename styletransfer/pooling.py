"""The network's pooling, which remembers no positions."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


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
    in bfloat16; to look for them once more takes a hundredth of a step.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, side: int) -> Tensor:
        ctx.save_for_backward(values)
        ctx.side = side
        return functional.max_pool2d(values, side)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (values,) = ctx.saved_tensors
        with torch.enable_grad():
            values = values.detach().requires_grad_()
            pooled = functional.max_pool2d(values, ctx.side)
        (gradient,) = torch.autograd.grad(pooled, values, grad_outputs)
        return gradient, None
