"""Regions of a picture, each with a style of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.errors import ImageError
from styletransfer.transfer.resizing import pad_to_multiple

_LEVELS = 255
"""Steps of what is kept of a pixel, so that a pixel kept as a whole is kept exactly."""


@dataclass(frozen=True, slots=True)
class Regions:
    """Which parts of the content take their style from which parts of the styles.

    Region by region, the statistics of the image are brought to those of the
    styles. What belongs to no region is kept as it is in the content.

    Raises:
        ImageError: If the shapes do not fit together, or a share is out of range.

    References:
        Gatys et al. (2017), section 4. Differs: a region weighs as much as its
        area, so that a pixel is painted as strongly in a small one.
    """

    content: Tensor
    """Share of each pixel in each region, shape (1, R, H, W), from 0 to 1; the sum
    over the regions is at most 1. H and W may be any: it is resized to the content."""

    styles: tuple[Tensor, ...]
    """For each style, the weight of its pixels for each region, of the same form. A
    style with zeros only is not used for that region."""

    def __post_init__(self) -> None:
        """Refuse shapes and values that are not as above."""
        count = self.content.shape[1] if self.content.ndim == 4 else 0
        for name, shares in (("content", self.content), *(("styles", s) for s in self.styles)):
            if shares.ndim != 4 or shares.shape[:2] != (1, count) or not shares.numel():
                raise ImageError(
                    f"regions: {name} must have shape (1, {count or 'R'}, H, W), "
                    f"not {tuple(shares.shape)}"
                )
            if not shares.is_floating_point():
                raise ImageError(f"regions: {name} must be floats, not {shares.dtype}")
            if not (shares.amin() >= 0 and shares.amax() <= 1):
                raise ImageError(f"regions: {name} must be from 0 to 1")
        if self.content.sum(1).amax() > 1 + 1e-3:
            raise ImageError("regions: the shares of a pixel of the content must sum to at most 1")
        found = [style.flatten(2).any(2) for style in self.styles]
        if not found or not torch.stack(found).any(0).all():
            raise ImageError("regions: each region needs a style with a weight above 0")

    @property
    def is_whole(self) -> bool:
        """Whether all of the content takes all of the styles."""
        return self.content.shape[1] == 1 and all(
            bool((shares == 1).all()) for shares in (self.content, *self.styles)
        )

    @property
    def areas(self) -> Tensor:
        """Share of the content that each region covers, shape (R,)."""
        return self.content.mean((0, 2, 3))

    def content_at(self, width: int, height: int) -> Tensor:
        """The shares of the content's pixels at a size in pixels, shape (1, R, H, W)."""
        return _resized(self.content, width, height)

    def kept_at(self, width: int, height: int) -> Tensor | None:
        """How much of each pixel of the content is kept at a size in pixels.

        Returns:
            Shape (1, 1, H, W), from 0 to 1; None if nothing is kept.
        """
        kept = 1 - self.content_at(width, height).sum(1, keepdim=True)
        kept = (kept.clamp(0, 1) * _LEVELS).round() / _LEVELS
        return kept if kept.any() else None

    def resized(self, content: tuple[int, int], styles: Sequence[tuple[int, int]]) -> "Regions":
        """Resize to pictures of other sizes.

        Args:
            content: Width and height of the content in pixels.
            styles: Those of the styles.
        """
        return Regions(
            _resized(self.content, *content),
            tuple(_resized(one, *size) for one, size in zip(self.styles, styles, strict=True)),
        )

    def padded(self, like: Tensor) -> "Regions":
        """Pad the content's shares as the content is padded; all on the device of a tensor."""
        padded = pad_to_multiple(self.content).to(like)
        return Regions(padded, tuple(style.to(like) for style in self.styles))


def _resized(shares: Tensor, width: int, height: int) -> Tensor:
    """Resize with weights from 0 up, so that shares stay shares."""
    if shares.shape[2:] == (height, width):
        return shares
    size = (height, width)
    found = functional.interpolate(shares.float(), size, mode="bilinear", antialias=True)
    return found.clamp(0, 1)
