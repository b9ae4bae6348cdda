"""Activations with padding around the picture, in one tensor.

A convolution reads one position beyond the border. If the padding is part of
the tensor, no padded copy is needed: the convolution runs over everything, and
the values it computes in the padding are overwritten later. So the padding is
valid only right after it was written. Whatever reads activations fills or
clears their padding first, and whatever reads a gradient clears the gradient's.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import torch
from torch import Tensor

from styletransfer.device.allocator import empty_channels_last

Border = Literal["repeat", "zeros"]
"""What lies beyond the border: the outermost values repeated, or zeros."""

_TILE = 16
"""Positions in a tile of a matrix unit."""

_LONG = 200
"""Rows of at least this many positions are padded to whole tiles."""


@dataclass(frozen=True, slots=True)
class PaddedLayout:
    """Where the picture lies inside a padded tensor."""

    height: int
    """Height H of the picture in positions."""

    width: int
    """Width W of the picture in positions."""

    border: Border
    """What lies beyond the border: repeated values need padding, zeros do not."""

    @property
    def padding(self) -> int:
        """Positions of padding at each side, 0 or 1."""
        return int(self.border == "repeat")

    def halved(self) -> Self:
        """The layout of the same picture after a pooling."""
        return replace(self, height=self.height // 2, width=self.width // 2)

    def allocate(self, values: Tensor, channels: int) -> Tensor:
        """Allocate a tensor for the picture and its padding.

        Rows may be longer than both: in bfloat16, oneDNN's convolutions of long
        rows take up to a quarter longer if the last tile is incomplete.

        Args:
            values: Gives batch size, number format and device; any shape (B, C, …).
            channels: Number of channels D.

        Returns:
            Shape (B, D, H + 2 · padding, at least W + 2 · padding), channels last,
            dense. Uninitialized, but 0 to the right of the padding.
        """
        least = self.width + 2 * self.padding
        tiled = self.padding and self.width >= _LONG and values.dtype == torch.bfloat16
        length = least + -least % _TILE if tiled else least
        whole = empty_channels_last(values, channels, self.height + 2 * self.padding, length)
        if length > least:
            # oneDNN multiplies the next position by 0, but 0 times NaN is NaN.
            whole[..., least:] = 0
        return whole

    def inner(self, whole: Tensor) -> Tensor:
        """The picture without padding: shape (B, C, H, W), a view."""
        rows = slice(self.padding, self.padding + self.height)
        return whole[:, :, rows, self.padding : self.padding + self.width]

    def padded(self, whole: Tensor) -> Tensor:
        """The picture with its padding, without the rest of long rows: a view."""
        return whole[..., : self.width + 2 * self.padding]

    def rows(self, whole: Tensor) -> Tensor:
        """The rows of the picture with all that is at their sides: shape (B, C, H, …), a view."""
        return whole[:, :, self.padding : self.padding + self.height]

    def fill_padding(self, whole: Tensor) -> None:
        """Repeat the picture's outermost values in the padding.

        Functions that saved these activations for their backward pass do not
        read the padding, so the change is hidden from autograd.
        """
        if self.padding:
            for outermost, beyond in self._edges(whole.data):
                beyond.copy_(outermost)

    def fold_gradient(self, whole: Tensor) -> None:
        """Add the padding of a gradient to its outermost values, the adjoint of `fill_padding`."""
        if self.padding:
            for outermost, beyond in self._edges(whole):
                one = outermost.shape != beyond.shape
                outermost.add_(beyond.sum_to_size(outermost.shape) if one else beyond)

    def clear_padding(self, whole: Tensor) -> None:
        """Set the padding and the rest of long rows to 0, hidden from autograd."""
        if self.padding:
            self.clear_sides(whole)
            whole.data[:, :, :: self.height + 1] = 0

    def clear_sides(self, whole: Tensor) -> None:
        """`clear_padding`, except in the rows above and below the picture."""
        if not self.padding:
            return
        # In one write: in memory, the right end of a row is next to the left end of the following.
        batch, channels, height, length = whole.shape
        positions = whole.data.permute(0, 2, 3, 1).view(batch, height * length, channels)
        first = self.width + 1
        shifted = positions[:, first : first + (height - 1) * length]
        shifted.unflatten(1, (height - 1, length))[:, :, : length - self.width] = 0

    def _edges(self, whole: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Outermost values and the padding next to them: columns, then rows with all corners."""
        height, width = self.height, self.width
        columns = self.padded(whole)
        return (
            (columns[..., 1 : -1 : max(1, width - 1)], columns[..., :: width + 1]),
            (whole[:, :, 1 : -1 : max(1, height - 1)], whole[:, :, :: height + 1]),
        )


@dataclass(frozen=True, slots=True)
class Activations:
    """A layer's activations, with or without padding."""

    whole: Tensor
    """The picture and its padding, as `PaddedLayout.allocate` makes it."""

    layout: PaddedLayout
    """Where the picture lies inside."""

    @property
    def inner(self) -> Tensor:
        """The picture: shape (B, C, H, W), channels last."""
        inner: Tensor = _Inner.apply(self.whole, self.layout)
        return inner

    def replaced(self, whole: Tensor) -> Self:
        """Other activations in the same layout."""
        return replace(self, whole=whole)


def pad(values: Tensor, border: Border) -> Activations:
    """Copy values into a tensor with padding.

    Args:
        values: Shape (B, C, H, W).
        border: What lies there.
    """
    layout = PaddedLayout(values.shape[2], values.shape[3], border)
    return Activations(_Padded.apply(values, layout), layout)


def writable(gradient: Tensor) -> Tensor:
    """Return a gradient (B, C, H, W) as a dense channels-last tensor that may be overwritten.

    It is copied only if it is not dense, for example expanded.
    """
    if gradient.is_contiguous(memory_format=torch.channels_last):
        return gradient
    return empty_channels_last(gradient, gradient.shape[1]).copy_(gradient)


class _Inner(torch.autograd.Function):
    """`Activations.inner`."""

    @staticmethod
    def forward(ctx: Any, whole: Tensor, layout: PaddedLayout) -> Tensor:
        ctx.layout = layout
        return layout.inner(whole)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (grad_output,) = grad_outputs
        whole = ctx.layout.allocate(grad_output, grad_output.shape[1])
        ctx.layout.inner(whole).copy_(grad_output)
        return whole, None


class _Padded(torch.autograd.Function):
    """`place`."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, layout: PaddedLayout) -> Tensor:
        ctx.layout = layout
        whole = layout.allocate(values, values.shape[1])
        layout.inner(whole).copy_(values)
        return whole

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        return ctx.layout.inner(grad_outputs[0]), None
