"""The network's convolution, with a border that goes on instead of ending in zeros."""

import platform
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.arena import like
from styletransfer.rectifier import rectify_, rectify_slope

Border = Literal["repeat", "zeros"]
"""What lies beyond the border of the values: the outermost of them, or zeros."""

_BAND = 1 << 22
"""Bytes of a band of results."""

_LARGE = 1 << 25
"""Bytes of results that are worked out band by band, to be put together where `arena` says:
with larger ones, glibc's heap would come to twice what is in use."""


class Kernel:
    """A convolution's weights, kept in the order that each way wants them.

    Args:
        weight: Shape (D, C, 3, 3), in the number format of the values to come.
        bias: Shape (D,).
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self.bias = bias
        # Taps of the first and the last column, from results to values: (2, 3 · D, C).
        ends = self.weight.flip(2)[..., [0, -1]].permute(3, 2, 0, 1)
        self.ends = ends.flatten(1, 2).contiguous()
        self._ordered: dict[bool, tuple[Any, Tensor]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Without what is ordered, which cannot be copied."""
        return {**vars(self), "_ordered": {}}

    def ordered(
        self, shape: torch.Size, band: torch.Size, turned: bool, padding: tuple[int, int]
    ) -> Tensor:
        """The weights for values of a shape, ordered anew only where that is another one.

        Args:
            shape: Of all values, (B, C, H, W).
            band: Of those to be convolved first.
            turned: Whether by 180 degrees and from results to values, for the gradient.
            padding: Zeros around them, above and below and at both sides.

        Returns:
            Weights that only `_convolve` can read.
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


def convolve(
    values: Tensor,
    kernel: Kernel,
    border: Border = "repeat",
    *,
    relu_before: bool = False,
    relu_after: bool = False,
) -> Tensor:
    """Convolve with a 3×3 kernel; beyond the border, the outermost values repeat.

    Zeros there are seen by the deep layers as a frame around the picture. The
    smaller the picture, the more of it lies near that frame, and the terms
    would change with the size.

    Args:
        values: Shape (B, C, H, W).
        kernel: The weights.
        border: ``zeros`` for what others do.
        relu_before: Whether the values come out of a ReLU: those that it made 0
            get no gradient.
        relu_after: Whether the results go through a ReLU here. What takes them
            up sees to it that those of 0 get no gradient: a convolution with
            `relu_before`, `max_pool`, or `masked` before anything else.

    Returns:
        Shape (B, D, H, W), dense, channels last. Its gradient is that of the values alone.

    References:
        Simonyan & Zisserman (2014). Differs: they pad with zeros.
    """
    convolved: Tensor = _Convolution.apply(values, kernel, border, relu_before, relu_after)
    return convolved


class _Convolution(torch.autograd.Function):
    """`convolve`; the gradient is a convolution with the turned kernel, its border folded back.

    Autograd's own would keep the extended values until the end.
    """

    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        kernel: Kernel,
        border: Border,
        relu_before: bool,
        relu_after: bool,
    ) -> Tensor:
        ctx.kernel, ctx.repeats = kernel, border == "repeat"
        ctx.save_for_backward(*([values] if relu_before else []))

        def part(band: _Band) -> Tensor:
            if ctx.repeats:
                given, padding, cut = _extend(values, band), (0, 0), slice(None)
            else:
                given, padding, cut = band.reaching(values, 1)
            weight = kernel.ordered(values.shape, given.shape, False, padding)
            return _convolve(given, weight, kernel.bias, padding, relu_after)[:, :, cut]

        first, *others = _bands(values, len(kernel.weight))
        if not others:
            return part(first)
        result = like(values, len(kernel.weight))
        for band in (first, *others):
            result[:, :, band.rows] = part(band)
        return result

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None, None]:
        (slope,), kernel = grad_outputs, ctx.kernel
        around = 2 if ctx.repeats else 1
        gradient = like(slope, kernel.weight.shape[1])
        beside = _beside(slope, kernel.ends) if ctx.repeats else None
        for band in _bands(gradient, gradient.shape[1]):
            given, padding, cut = band.reaching(slope, around)
            weight = kernel.ordered(slope.shape, given.shape, True, padding)
            part = _convolve(given, weight, None, padding, rectified=False)[:, :, cut]
            if beside is not None:
                for column, end in zip((0, -1), beside, strict=True):
                    part[..., column] += end[:, :, band.extended]
                part = fold(part, 2, band.at_top, band.at_bottom)
            into = gradient[:, :, band.rows]
            if ctx.saved_tensors:
                rectify_slope(part, ctx.saved_tensors[0][:, :, band.rows], into)
            else:
                into.copy_(part)
        return gradient, None, None, None, None


def _beside(slope: Tensor, ends: Tensor) -> Tensor:
    """The gradient of the border at both sides of the values.

    To work it out with all other columns makes rows of two more, of which the last
    few take as long as sixteen: at 1024 px a sixth of all convolutions.

    Args:
        slope: Gradient of the results, shape (B, D, H, W).
        ends: `Kernel.ends`, shape (2, 3 · D, C).

    Returns:
        Shape (2, B, C, H + 2), left and right, with the border above and below.
    """
    batch, channels, height, _ = slope.shape
    columns = slope.new_zeros(2, batch, height + 4, channels)
    for column, side in zip((0, -1), columns, strict=True):
        side[:, 2:-2] = slope[..., column].mT
    windows = columns.unfold(2, 3, 1).transpose(3, 4).reshape(2, batch * (height + 2), -1)
    found = torch.bmm(windows, ends)
    return found.view(2, batch, height + 2, -1).mT


class _Band(NamedTuple):
    """Some rows of a convolution's results."""

    top: int
    """The first."""

    bottom: int
    """The one behind the last."""

    height: int
    """Rows of all results."""

    @property
    def rows(self) -> slice:
        """Among all results."""
        return slice(self.top, self.bottom)

    @property
    def at_top(self) -> bool:
        """Whether the first row of all is among them."""
        return self.top == 0

    @property
    def at_bottom(self) -> bool:
        """Whether the last row of all is among them."""
        return self.bottom == self.height

    @property
    def extended(self) -> slice:
        """Among all results and a border of one, with the border where they touch it."""
        return slice(self.top + (not self.at_top), self.bottom + 1 + self.at_bottom)

    def reaching(self, values: Tensor, around: int) -> tuple[Tensor, tuple[int, int], slice]:
        """The values, of as many rows as results, that a band is made of.

        Args:
            values: Shape (B, C, H, W).
            around: Zeros above and below the values: 1 for as many rows of results as
                of values, 2 for one more at the top and at the bottom.

        Returns:
            The rows of values, the zeros above and below and at both sides, and
            which rows of what comes of them to keep.
        """
        above, below = max(0, self.top - 1), min(self.height, self.bottom + 1)
        vertical = around if self.at_top or self.at_bottom else 0
        keep = self.bottom - self.top + (around - 1) * (self.at_top + self.at_bottom)
        first = 0 if self.at_top else vertical
        return values[:, :, above:below], (vertical, 1), slice(first, first + keep)


def _bands(values: Tensor, channels: int) -> Iterator[_Band]:
    """Divide results at the positions of values (B, C, H, W) into bands, if they are large."""
    batch, _, height, _ = values.shape
    size = values[:, :1].nbytes * channels
    whole = batch > 1 or values.device.type != "cpu" or size <= _LARGE
    rows = height if whole else max(1, height * _BAND // size)
    for top in range(0, height, rows):
        yield _Band(top, min(top + rows, height), height)


def _extend(values: Tensor, band: _Band) -> Tensor:
    """Rows of values (B, C, H, W) with a border of one around them.

    It repeats the outermost values where the picture ends. torch's own padding
    would take fresh memory at every step.
    """
    first, last = max(0, band.top - 1), min(band.height, band.bottom + 1)
    rows = slice(int(band.at_top), int(band.at_top) + last - first)
    extended = like(values, values.shape[1], band.bottom - band.top + 2, values.shape[3] + 2)
    given = values[:, :, first:last]
    extended[:, :, rows, 1:-1] = given
    extended[:, :, rows, 0], extended[:, :, rows, -1] = given[..., 0], given[..., -1]
    if band.at_top:
        extended[:, :, 0] = extended[:, :, 1]
    if band.at_bottom:
        extended[:, :, -1] = extended[:, :, -2]
    return extended


def _convolve(
    values: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    padding: tuple[int, int],
    rectified: bool,
) -> Tensor:
    """Convolve with weights that `Kernel.ordered` gave for these values, perhaps rectified."""
    if weight.is_mkldnn:
        single = (1, 1)
        rectifier = "relu" if rectified else "none"
        fused: Tensor = torch.ops.mkldnn._convolution_pointwise(
            values, weight, bias, padding, single, single, 1, rectifier, [], ""
        )
        return fused
    result = functional.conv2d(values, weight, bias, padding=padding)
    return rectify_(result) if rectified else result


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
    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    if not (x86 and torch.backends.mkldnn.is_available()):
        return False
    ours = torch.ops.mkldnn
    if dtype == torch.bfloat16 and not ours._is_mkldnn_bf16_supported():
        return False
    names = ("_convolution_pointwise", "_reorder_convolution_weight")
    return dtype in {torch.bfloat16, torch.float32} and all(hasattr(ours, name) for name in names)


def fold(extended: Tensor, dim: int, first: bool = True, last: bool = True) -> Tensor:
    """Give back to the outermost values what they gave to the border beside them.

    Args:
        extended: Gradient of values with a border of one along `dim`; it is
            overwritten.
        dim: 2 for rows, 3 for columns.
        first: Whether there is a border before the first value.
        last: Whether there is one after the last.

    Returns:
        Gradient of the values, a view.
    """
    begin, end = int(first), extended.shape[dim] - int(last)
    if first:
        extended.narrow(dim, 1, 1).add_(extended.narrow(dim, 0, 1))
    if last:
        extended.narrow(dim, end - 1, 1).add_(extended.narrow(dim, end, 1))
    return extended.narrow(dim, begin, end - begin)
