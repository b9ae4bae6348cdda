"""3×3 convolution by NNPACK, and its gradient, in float32 with channels first."""

import torch
from torch import Tensor

from styletransfer.device.allocator import empty_as
from styletransfer.vgg.kernels.relu import relu_

_LEAST_POSITIONS = 1024

_LEAST_CHANNELS = 16
"""Of the results. With three, as in the gradient of an image, oneDNN takes half the time."""

_BAND = 3 << 23
"""Bytes of the values or results in a band of rows. NNPACK works in twice as much again, oneDNN
in as much."""

_TILE = 6
"""Rows of results that NNPACK computes at once."""


class Kernel:
    """A convolution's weights, for a single picture in float32.

    NNPACK is part of torch and goes by Winograd's minimal filtering of 6×6
    outputs (Lavin & Gray 2016).

    Args:
        weight: Shape (D, C, 3, 3).
        bias: Shape (D,).
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight = weight.contiguous()
        self.turned = weight.flip(2, 3).transpose(0, 1).contiguous()
        self.bias = bias

    def convolve(self, values: Tensor, *, turned: bool = False, rectified: bool = False) -> Tensor:
        """As `convolution.Kernel.convolve`, of a single picture, band by band."""
        weight, bias = (self.turned, None) if turned else (self.weight, self.bias)
        is_narrow = len(weight) < _LEAST_CHANNELS
        height, width = values.shape[2:]
        line = width * max(weight.shape[:2]) * values.element_size()
        rows = max(1, _BAND // line // _TILE) * _TILE
        # Left where NNPACK put them, results would make glibc's heap grow to twice what is in use.
        result = empty_as(values, len(weight))
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            first, last = max(0, top - 1), min(height, bottom + 1)
            given = values[:, :, first:last].contiguous()
            if is_narrow:
                found = torch.conv2d(given, weight, bias, padding=1)
            else:
                found = torch._nnpack_spatial_convolution(given, weight, bias, padding=[1, 1])
            found = found[:, :, top - first : bottom - first]
            result[:, :, top:bottom] = relu_(found) if rectified else found
        return result


def is_worthwhile(values: Tensor) -> bool:
    """Whether NNPACK is faster than oneDNN here.

    Measured on two cores with AVX2 and with AVX512, 3 to 512 channels: up to 2.2
    times as fast, about equal near this limit, slower below it.

    Args:
        values: Activations of shape (B, C, H, W).
    """
    return len(values) == 1 and values.shape[2] * values.shape[3] >= _LEAST_POSITIONS
