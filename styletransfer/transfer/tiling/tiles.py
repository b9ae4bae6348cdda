"""The division of a picture into tiles."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from styletransfer.transfer.pyramid import GRID


@dataclass(frozen=True, slots=True)
class Span:
    """A tile in one direction, in pixels. The ends are exclusive."""

    start: int
    """First pixel of the tile, a multiple of `GRID`."""

    stop: int
    """End of the tile."""

    first: int
    """First pixel that its activations depend on; below 0 beyond the opposite border."""

    last: int
    """End of those."""

    def inside(self, stride: int) -> slice:
        """The tile's own positions among those evaluated, in a layer of a stride."""
        start = (self.start - self.first) // stride
        return slice(start, None if self.stop == self.last else start + len(self) // stride)

    def positions(self, stride: int) -> slice:
        """The tile's own positions in a layer of the whole picture."""
        whole = self.stop == self.last
        return slice(self.start // stride, None if whole else self.stop // stride)

    def is_within(self, extent: int) -> bool:
        """Whether all that is needed lies within a picture of so many pixels."""
        return self.first >= 0 and self.last <= extent

    def wrapped(self, image: Tensor, dim: int) -> Tensor:
        """All that is needed, where pixels beyond a border are those of the opposite one."""
        return torch.arange(self.first, self.last, device=image.device) % image.shape[dim]

    def __len__(self) -> int:
        """Pixels of the tile."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture."""

    rows: Span
    columns: Span

    def cut(self, image: Tensor) -> Tensor:
        """What its activations depend on, of an image of shape (B, C, H, W)."""
        for dim, span in ((2, self.rows), (3, self.columns)):
            if span.is_within(image.shape[dim]):
                image = image.narrow(dim, span.first, span.last - span.first)
            else:
                image = image.index_select(dim, span.wrapped(image, dim))
        return image

    def paste(self, image: Tensor, part: Tensor) -> None:
        """Add what `cut` has cut out to an image in place."""
        height, width = image.shape[2:]
        if self.rows.is_within(height) and self.columns.is_within(width):
            self.cut(image).add_(part)
        else:
            rows, columns = self.rows.wrapped(image, 2), self.columns.wrapped(image, 3)
            target, found = (each.permute(2, 3, 0, 1) for each in (image, part))
            target.index_put_((rows[:, None], columns), found, accumulate=True)

    def inside(self, features: Tensor, stride: int) -> Tensor:
        """Its own positions of activations (B, C, H_l, W_l) that were evaluated for it, a view."""
        return features[:, :, self.rows.inside(stride), self.columns.inside(stride)]

    def of_whole(self, features: Tensor, stride: int) -> Tensor:
        """Its own positions of activations (…, H_l, W_l) of the whole picture, a view."""
        return features[..., self.rows.positions(stride), self.columns.positions(stride)]


def divide(height: int, width: int, side: int, reach: int, *, circular: bool = False) -> list[Tile]:
    """Divide a picture into tiles.

    Args:
        height: In pixels.
        width: In pixels.
        side: Largest side of a tile, a multiple of `GRID`.
        reach: How far activations look, in pixels, see `Encoder.reach`.
        circular: Whether they look beyond the border, to the opposite one.

    Returns:
        Tiles of about the same size, row by row. They cover the picture once.
    """
    rows, columns = (spans(extent, side, reach, circular=circular) for extent in (height, width))
    return [Tile(down, across) for down in rows for across in columns]


def spans(extent: int, side: int, reach: int, *, circular: bool = False) -> list[Span]:
    """Divide one direction of a picture; the arguments are those of `divide`.

    Args:
        extent: In pixels.
        side: As in `divide`, like the following.
        reach: In pixels.
        circular: Whether borders meet.
    """
    halo = -(-reach // GRID) * GRID
    blocks = -(-extent // GRID)
    count = -(-extent // side)
    ends = [min(extent, blocks * number // count * GRID) for number in range(count)] + [extent]
    found = []
    for start, stop in pairwise(ends):
        first, last = start - halo, stop + halo
        if not circular:
            first, last = max(0, first), min(extent, last)
        found.append(Span(start, stop, first, last))
    return found
