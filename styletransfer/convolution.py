"""The network's convolution, with a border that goes on instead of ending in zeros."""

import platform
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.arena import like

_BITS = {torch.bfloat16: torch.int16, torch.float32: torch.int32, torch.float64: torch.int64}


class Kernel(NamedTuple):
    """A convolution's weights, prepared once by `prepare`."""

    weight: Tensor
    """Shape (D, C, 3, 3), channels last."""

    turned: Tensor
    """The same turned by 180 degrees, from results to values: shape (C, D, 3, 3), channels last."""

    bias: Tensor
    """Shape (D,)."""


def prepare(weight: Tensor, bias: Tensor) -> Kernel:
    """Turn a convolution's weights, for its gradient.

    Args:
        weight: Shape (D, C, 3, 3), in the number format of the values to come.
        bias: Shape (D,).

    Returns:
        The prepared weights, in that format and on the weights' device.
    """
    turned = weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
    return Kernel(weight.contiguous(memory_format=torch.channels_last), turned, bias)


def convolve(
    values: Tensor, kernel: Kernel, rectified: bool = False, masked: bool = False
) -> Tensor:
    """Convolve with a 3×3 kernel; beyond the border, the outermost values repeat.

    Zeros there are seen by the deep layers as a frame around the picture. The
    smaller the picture, the more of it lies near that frame, and the terms
    would change with the size.

    Args:
        values: Shape (B, C, H, W).
        kernel: The prepared weights.
        rectified: Whether the results go through a ReLU.
        masked: Whether no gradient will come to a result that the ReLU made 0,
            so that nothing is left to do for it on the way back.

    Returns:
        Shape (B, D, H, W), dense, channels last. Its gradient is that of the values alone.

    References:
        Simonyan & Zisserman (2014). Differs: they pad with zeros.
    """
    convolved: Tensor = _Convolution.apply(values, kernel, rectified, masked)
    return convolved


class _Convolution(torch.autograd.Function):
    """`convolve`; the gradient is a convolution with the turned kernel, its border folded back.

    Autograd's own would keep the extended values until the end.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, kernel: Kernel, rectified: bool, masked: bool) -> Tensor:
        result = like(values, len(kernel.weight))
        _convolve_into(result, _extend(values), kernel.weight, kernel.bias, 0, rectified)
        ctx.kernel = kernel
        ctx.save_for_backward(*([result] if rectified and not masked else []))
        return result

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        (slope,), turned = grad_outputs, ctx.kernel.turned
        for result in ctx.saved_tensors:
            slope = rectify_slope(slope, result)
        height, width = slope.shape[2:]
        extended = like(slope, len(turned), height + 2, width + 2)
        _convolve_into(extended, slope, turned, None, 2, rectified=False)
        # Dense: to a view, autograd would not add other gradients in place.
        gradient = like(slope, len(turned)).copy_(fold(fold(extended, 2), 3))
        return gradient, None, None, None


def _extend(values: Tensor) -> Tensor:
    """Put a border of one around values of shape (B, C, H, W), which repeats the outermost.

    torch's own padding would take fresh memory at every step.
    """
    height, width = values.shape[2:]
    extended = like(values, values.shape[1], height + 2, width + 2)
    extended[..., 1:-1, 1:-1] = values
    extended[..., 1:-1, 0], extended[..., 1:-1, -1] = values[..., 0], values[..., -1]
    for outermost, inner in ((0, 1), (-1, -2)):
        extended[:, :, outermost] = extended[:, :, inner]
    return extended


def _convolve_into(
    result: Tensor,
    values: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    padding: int,
    rectified: bool,
) -> None:
    """Fill a place with a convolution, with so many zeros around the values, perhaps rectified.

    oneDNN adds to what is there and rectifies at one go, under a name that is
    private to torch.
    """
    result.zero_()
    if values.device.type == "cpu" and _is_fused(values.dtype):
        around, single = (padding, padding), (1, 1)
        rectifier = "relu" if rectified else None
        torch.ops.mkldnn._convolution_pointwise_.binary(
            result, values, weight, bias, around, single, single, 1, "add", 1.0, rectifier, [], ""
        )
        return
    result.add_(functional.conv2d(values, weight, bias, padding=padding))
    if rectified:
        result.relu_()


@cache
def _is_fused(dtype: torch.dtype) -> bool:
    """Whether this machine has a convolution that adds to what is there.

    Measured on x86 only; elsewhere it may be missing, or slow.
    """
    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    if not (x86 and torch.backends.mkldnn.is_available()):
        return False
    ours = torch.ops.mkldnn
    if dtype == torch.bfloat16 and not ours._is_mkldnn_bf16_supported():
        return False
    return dtype in {torch.bfloat16, torch.float32} and hasattr(ours, "_convolution_pointwise_")


def rectify_slope(slope: Tensor, rectified: Tensor) -> Tensor:
    """The gradient before a ReLU, from the one after it and the values after it.

    A number that is not negative is above 0 where its bits are, read as a whole
    number: a processor then takes half the time in bfloat16, which it needs not convert.
    """
    if slope.device.type != "cpu":
        before: Tensor = torch.ops.aten.threshold_backward(slope, rectified, 0)
        return before
    masked = like(slope, slope.shape[1])
    torch.ops.aten.threshold_backward.grad_input(
        bits(slope), bits(rectified), 0, grad_input=bits(masked)
    )
    return masked


def bits(values: Tensor) -> Tensor:
    """Numbers as whole numbers of the same bits, a view.

    Of numbers that are not negative, the larger one has the larger bits.
    """
    return values.view(_BITS[values.dtype])


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
