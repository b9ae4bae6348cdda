"""3×3 convolution and its gradient, by oneDNN, NNPACK or Winograd's method."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.device.allocator import empty_as, layout_of
from styletransfer.device.device import is_x86
from styletransfer.vgg.kernels.relu import relu_, relu_backward

_BAND = 1 << 23
"""Bytes of results in a band of rows."""

_LARGE = 5 << 23
"""Larger results are computed band by band into a tensor of `device.allocator`. Allocated
as a whole, they would make glibc's heap grow to twice what is in use."""


class Kernel:
    """A convolution's weights, in the memory layouts that oneDNN wants.

    Args:
        weight: Shape (D, C, 3, 3), in the number format of the activations.
        bias: Shape (D,).
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self.bias = bias
        self._ordered: dict[bool, tuple[Any, Tensor]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the reordered weights, which cannot be copied."""
        return {**vars(self), "_ordered": {}}

    def ordered(
        self, shape: torch.Size, band: torch.Size, turned: bool, padding: tuple[int, int]
    ) -> Tensor:
        """Return the weights in the layout for inputs of a shape; cached for the last shape.

        Args:
            shape: Shape of the whole input, (B, C, H, W).
            band: Shape of its first band.
            turned: As in `convolve`.
            padding: Zeros above and below, and at both sides.

        Returns:
            Weights that only `_convolve_band` can read.
        """
        found, ordered = self._ordered.get(turned, (None, self.weight))
        if found != shape:
            ordered = _turned(self.weight) if turned else self.weight
            if _is_fused(ordered):
                ordered = torch.ops.mkldnn._reorder_convolution_weight(
                    ordered, list(padding), [1, 1], [1, 1], 1, band
                )
            self._ordered[turned] = (shape, ordered)
        return ordered

    def convolve(self, values: Tensor, *, turned: bool = False, rectified: bool = False) -> Tensor:
        """Convolve without autograd, band by band if the results are large.

        Args:
            values: Shape (B, C, H, W); (B, D, H, W) if turned.
            turned: Whether to rotate the kernel by 180 degrees, swap input and
                output channels, and leave out the bias, for the gradient.
            rectified: Whether to apply a ReLU.

        Returns:
            Shape (B, D, H, W), in the layout of the values; (B, C, H, W) if turned.
        """
        layout = layout_of(values)
        # A gradient may come in any layout, for example expanded.
        values = values.contiguous(memory_format=torch.channels_last)
        channels = self.weight.shape[1 if turned else 0]
        first, *others = _bands(values, channels)
        if not others:
            return _convolve_band(values, self, first, turned, rectified).contiguous(
                memory_format=layout
            )
        result = empty_as(values, channels)
        for band in (first, *others):
            result[:, :, band] = _convolve_band(values, self, band, turned, rectified)
        return result.contiguous(memory_format=layout)


class AnyKernel(Protocol):
    """A convolution's weights, as one of the ways to convolve wants them."""

    def convolve(self, values: Tensor, *, turned: bool = False, rectified: bool = False) -> Tensor:
        """As `Kernel.convolve`."""
        ...


def convolve(
    values: Tensor, kernel: AnyKernel, *, relu_before: bool = False, relu_after: bool = False
) -> Tensor:
    """Convolve with a 3×3 kernel. Beyond the border are zeros, unless the kernel is circular.

    Args:
        values: Shape (B, C, H, W).
        kernel: The weights; those of `nnpack` and `winograd` for B = 1 only.
        relu_before: Whether the values come out of a ReLU. If so, values of 0
            get no gradient.
        relu_after: Whether to apply a ReLU to the results. Its gradient is
            masked by the next consumer, see `styletransfer.vgg.kernels`.

    Returns:
        Shape (B, D, H, W).
    """
    result: Tensor = _Convolution.apply(values, kernel, relu_before, relu_after)
    return result


class _Convolution(torch.autograd.Function):
    """`convolve`. The gradient is a convolution with the turned kernel."""

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, kernel: AnyKernel, relu_before: bool, relu_after: bool
    ) -> Tensor:
        ctx.kernel = kernel
        ctx.save_for_backward(*([values] if relu_before else []))
        return kernel.convolve(values, rectified=relu_after)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        gradient = ctx.kernel.convolve(grad_outputs[0], turned=True)
        for rectified in ctx.saved_tensors:
            relu_backward(gradient, rectified, gradient)
        return gradient, None, None, None


def _bands(values: Tensor, channels: int) -> Iterator[slice]:
    """Divide the rows of a convolution's results into bands, one unless the results are large.

    Args:
        values: The input, shape (B, C, H, W).
        channels: Channels of the results.

    Yields:
        Bands of an even number of rows, except the last.
    """
    height, size = values.shape[2], values[:, :1].nbytes * channels
    whole = len(values) > 1 or values.device.type != "cpu" or size <= _LARGE
    step = height if whole else max(2, height * _BAND // size // 2 * 2)
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


def _convolve_band(
    values: Tensor, kernel: Kernel, band: slice, turned: bool, rectified: bool
) -> Tensor:
    """Compute some rows of a convolution: shape (B, D, rows, W)."""
    height = values.shape[2]
    above, below = max(0, band.start - 1), min(height, band.stop + 1)
    # oneDNN pads as many rows below as above.
    vertical = int(band.start == 0 or band.stop == height)
    given, padding = values[:, :, above:below], (vertical, 1)
    weight = kernel.ordered(values.shape, given.shape, turned, padding)
    bias = None if turned else kernel.bias
    if weight.is_mkldnn:
        single = (1, 1)
        relu = "relu" if rectified else "none"
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            given, weight, bias, padding, single, single, 1, relu, [], ""
        )
    else:
        result = functional.conv2d(given, weight, bias, padding=padding)
        if rectified:
            relu_(result)
    first = (band.start - above) * vertical
    return result[:, :, first : first + band.stop - band.start]


def _turned(weight: Tensor) -> Tensor:
    """Turn weights by 180 degrees, from results to values: shape (C, D, 3, 3), channels last."""
    turned = weight.flip(2, 3).transpose(0, 1)
    return turned.contiguous(memory_format=torch.channels_last)


def _is_fused(weight: Tensor) -> bool:
    """Whether this machine has convolutions that rectify, with weights ordered beforehand.

    They go by names that are private to torch. Measured on x86 only; elsewhere
    they may be missing, or slow.
    """
    return weight.device.type == "cpu" and _has_fused(weight.dtype)


@cache
def _has_fused(dtype: torch.dtype) -> bool:
    if not (is_x86() and torch.backends.mkldnn.is_available()):
        return False
    ours = torch.ops.mkldnn
    if dtype == torch.bfloat16 and not ours._is_mkldnn_bf16_supported():
        return False
    names = ("_convolution_pointwise", "_reorder_convolution_weight")
    return dtype in {torch.bfloat16, torch.float32} and all(hasattr(ours, name) for name in names)
