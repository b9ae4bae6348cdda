"""The network's convolution, with a border that goes on instead of ending in zeros."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.arena import like

_POSITIONS = 2**16
"""Of a band."""


def convolve(values: Tensor, weight: Tensor, bias: Tensor, rectified: bool = False) -> Tensor:
    """Convolve with a 3×3 kernel; beyond the border, the outermost values repeat.

    Zeros there are seen by the deep layers as a frame around the picture. The
    smaller the picture, the more of it lies near that frame, and the terms
    would change with the size.

    Args:
        values: Shape (B, C, H, W).
        weight: Shape (D, C, 3, 3).
        bias: Shape (D,).
        rectified: Whether the results go through a ReLU.

    Returns:
        Shape (B, D, H, W). Its gradient is that of the values alone.

    References:
        Simonyan & Zisserman (2014). Differs: they pad with zeros.
    """
    convolved: Tensor = _Convolution.apply(values, weight, bias, rectified)
    return convolved


class _Convolution(torch.autograd.Function):
    """`convolve`, band by band, so that the border costs no second picture.

    Autograd's own would keep every extended copy until the end.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor, rectified: bool) -> Tensor:
        height, width = values.shape[2:]
        result = like(values, len(weight))
        for top, bottom in bands(height, width):
            first, last = max(0, top - 1), min(height, bottom + 1)
            border = (1, 1, first - (top - 1), bottom + 1 - last)
            part = functional.pad(values[:, :, first:last], border, mode="replicate")
            band = functional.conv2d(part, weight, bias)
            result[:, :, top:bottom] = band.relu_() if rectified else band
        ctx.save_for_backward(weight, *([result] if rectified else []))
        return result

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        (weight, *rectified), (slope,) = ctx.saved_tensors, grad_outputs
        height, width = slope.shape[2:]
        gradient = like(slope, weight.shape[1])
        for top, bottom in bands(height, width):
            first, last = max(0, top - 1), min(height, bottom + 1)
            rows = slope[:, :, first:last]
            for result in rectified:
                rows = rectify_slope(rows, result[:, :, first:last])
            extended = functional.conv_transpose2d(rows, weight)
            rows = extended[:, :, top + 1 - first : bottom + 1 - first]
            # What the outermost rows gave to the border comes back to them.
            if top == 0:
                rows[:, :, 0] += extended[:, :, 0]
            if bottom == height:
                rows[:, :, -1] += extended[:, :, -1]
            gradient[:, :, top:bottom] = fold(rows, 3)
        return gradient, None, None, None


def rectify_slope(slope: Tensor, rectified: Tensor) -> Tensor:
    """The gradient before a ReLU, from the one after it and the values after it."""
    before: Tensor = torch.ops.aten.threshold_backward(slope, rectified, 0)
    return before


def bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Divide a picture into bands of rows that a processor's cache can hold.

    Args:
        height: In positions.
        width: In positions.

    Yields:
        The first row of each band, and the one after its last.

    Example:
        >>> list(bands(100, 1024))
        [(0, 64), (64, 100)]
    """
    rows = max(1, _POSITIONS // width)
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def fold(extended: Tensor, dim: int) -> Tensor:
    """Give back to the outermost values what they gave to the border beside them.

    Args:
        extended: Gradient of values with a border of one along `dim`; it is
            overwritten.
        dim: 2 for rows, 3 for columns.

    Returns:
        Gradient of the values, a view.
    """
    last = extended.shape[dim] - 1
    extended.narrow(dim, 1, 1).add_(extended.narrow(dim, 0, 1))
    extended.narrow(dim, last - 1, 1).add_(extended.narrow(dim, last, 1))
    return extended.narrow(dim, 1, last - 1)
