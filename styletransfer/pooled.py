"""A convolution, the ReLU after it and the pooling after that, at one go.

Of a large picture the values between are never there as a whole: each band of
them is pooled while it is in the processor's cache.
"""

from typing import Any

import torch
from torch import Tensor

from styletransfer.convolution import Kernel, bands, bring_back, convolve_band
from styletransfer.halo import Activations, Frame
from styletransfer.pooling import Squares, spread


def convolve_and_pool(
    values: Activations, kernel: Kernel, *, relu_before: bool = False
) -> Activations:
    """`pooling.max_pool` of `convolution.convolve` with a ReLU after it.

    Args:
        values: As in `convolution.convolve`, on a CPU.
        kernel: As there.
        relu_before: As there.

    Returns:
        As of `pooling.max_pool`.
    """
    frame = values.frame.halved()
    whole = _PooledConvolution.apply(values.whole, values.frame, kernel, relu_before)
    return Activations(whole, frame)


class _PooledConvolution(torch.autograd.Function):
    """`convolve_and_pool`."""

    @staticmethod
    def forward(ctx: Any, whole: Tensor, frame: Frame, kernel: Kernel, relu_before: bool) -> Tensor:
        frame.fill(whole)
        channels, first = len(kernel.weight), frame.around
        squares = Squares(whole, channels, frame, kept=ctx.needs_input_grad[0])
        for band in bands(whole, channels, range(first, first + frame.height // 2 * 2)):
            part = convolve_band(whole, kernel, band, rectified=True)
            columns = slice(first, first + frame.width)
            squares.take(part[..., columns], slice(band.start - first, band.stop - first))
        ctx.frame, ctx.kernel = frame, kernel
        ctx.save_for_backward(*squares.ahead, *([whole] if relu_before else []))
        return squares.pooled

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        aside, below, *rectified = ctx.saved_tensors
        slope = spread(grad_outputs[0], ctx.frame, aside, below)
        return bring_back(slope, ctx.frame, ctx.kernel, *rectified), None, None, None
