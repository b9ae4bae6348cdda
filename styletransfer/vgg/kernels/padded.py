"""Activations with a halo: room around the picture for what lies beyond its border.

A convolution reads one position further than the picture goes. With that room
at hand it needs no copy with a border around it: it works on everything, halo
included, and what it makes of the halo is overwritten afterwards. So a halo's
content holds only for whoever has just written it: what takes up activations
fills or clears their halo first, and what takes up a gradient clears its.
"""

from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor

from styletransfer.device.allocator import empty_channels_last

Border = Literal["repeat", "zeros"]
"""What lies beyond the border of the values: the outermost of them, or zeros."""

_TILE = 16
"""Positions that a matrix unit takes at once."""

_LONG = 200
"""Positions of a row from which on it pays to make it whole tiles."""


class PaddedLayout(NamedTuple):
    """Where the picture lies among activations."""

    height: int
    """Of the picture, in positions: H."""

    width: int
    """W."""

    border: Border
    """What lies beyond: repeated values have a halo to be in, zeros need none."""

    @property
    def around(self) -> int:
        """Positions of the halo at each side."""
        return int(self.border == "repeat")

    def halved(self) -> Self:
        """The frame of the same picture after a pooling."""
        return self._replace(height=self.height // 2, width=self.width // 2)

    def allocate(self, values: Tensor, channels: int) -> Tensor:
        """Room for the picture and its halo.

        Rows with a halo may be longer than both: in bfloat16, oneDNN's
        convolutions of long rows take up to a quarter longer where the last
        tile of positions is not whole.

        Args:
            values: What to be like in number format and device, of any shape (B, C, …).
            channels: D.

        Returns:
            Shape (B, D, H + 2 · around, at least W + 2 · around), channels last,
            dense; of any content, but 0 beyond the halo.
        """
        least = self.width + 2 * self.around
        tiled = self.around and self.width >= _LONG and values.dtype == torch.bfloat16
        length = least + -least % _TILE if tiled else least
        whole = empty_channels_last(values, channels, self.height + 2 * self.around, length)
        if length > least:
            # oneDNN multiplies the position behind the last that it needs by 0, but NaN stays NaN.
            whole[..., least:] = 0
        return whole

    def inner(self, whole: Tensor) -> Tensor:
        """The picture without its halo: shape (B, C, H, W), a view."""
        rows = slice(self.around, self.around + self.height)
        return whole[:, :, rows, self.around : self.around + self.width]

    def padded(self, whole: Tensor) -> Tensor:
        """The picture with its halo, without what else long rows hold: a view."""
        return whole[..., : self.width + 2 * self.around]

    def rows(self, whole: Tensor) -> Tensor:
        """The picture with what is at its sides: shape (B, C, H, …), a view."""
        return whole[:, :, self.around : self.around + self.height]

    def fill_padding(self, whole: Tensor) -> None:
        """Repeat the picture's outermost values in the halo.

        Others may have kept these activations for their gradient, but of the
        halo they want nothing: autograd need not know that it has changed.
        """
        if self.around:
            for outermost, beyond in self._edges(whole.data):
                beyond.copy_(outermost)

    def fold_gradient(self, whole: Tensor) -> None:
        """Add the halo to the outermost values: what `fill` makes of a gradient."""
        if self.around:
            for outermost, beyond in self._edges(whole):
                one = outermost.shape != beyond.shape
                outermost.add_(beyond.sum_to_size(outermost.shape) if one else beyond)

    def clear_padding(self, whole: Tensor) -> None:
        """Make the halo 0, and all that rows hold besides the picture, unknown to autograd."""
        if self.around:
            self.clear_sides(whole)
            whole.data[:, :, :: self.height + 1] = 0

    def clear_sides(self, whole: Tensor) -> None:
        """`clear`, but for the rows above and below the picture."""
        if not self.around:
            return
        # At once: the right end of a row lies before the left end of the next.
        batch, channels, height, length = whole.shape
        positions = whole.data.permute(0, 2, 3, 1).view(batch, height * length, channels)
        first = self.width + 1
        shifted = positions[:, first : first + (height - 1) * length]
        shifted.unflatten(1, (height - 1, length))[:, :, : length - self.width] = 0

    def _edges(self, whole: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Outermost values and the halo beside them: columns first, then rows with all corners."""
        height, width = self.height, self.width
        columns = self.padded(whole)
        return (
            (columns[..., 1 : -1 : max(1, width - 1)], columns[..., :: width + 1]),
            (whole[:, :, 1 : -1 : max(1, height - 1)], whole[:, :, :: height + 1]),
        )


class Activations(NamedTuple):
    """A layer's activations, with or without a halo."""

    whole: Tensor
    """The picture and its halo, as `Frame.room` makes it."""

    layout: PaddedLayout
    """Where in it the picture lies."""

    @property
    def inner(self) -> Tensor:
        """The picture: shape (B, C, H, W), channels last."""
        inner: Tensor = _Inner.apply(self.whole, self.layout)
        return inner

    def replaced(self, whole: Tensor) -> Self:
        """Others of the same frame."""
        return self._replace(whole=whole)


def pad(values: Tensor, border: Border) -> Activations:
    """Give values room for what lies beyond their border.

    Args:
        values: Shape (B, C, H, W).
        border: What lies there.
    """
    layout = PaddedLayout(values.shape[2], values.shape[3], border)
    return Activations(_Padded.apply(values, layout), layout)


def writable(gradient: Tensor) -> Tensor:
    """A gradient (B, C, H, W) that may be overwritten, dense and channels last.

    It is itself, unless it only stands for many numbers.
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
