"""The start of a run: a picture, or the content in the colours of its styles."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from styletransfer.settings import Settings
from styletransfer.transfer.colours.preservation import least_map
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.resizing import enlarge_change, resize
from styletransfer.transfer.targets import blended, is_found
from styletransfer.vgg.moments import Moments, moments

SPREAD = 0.03
"""Standard deviation that the colours of both sides are taken to have besides their own, in
units of [0, 1]: what hardly varies in the content, such as noise, is not spread at will."""


@dataclass(frozen=True, slots=True)
class Recolouring:
    """Affine maps of colours, one for each region. Made by `recolouring`."""

    factors: Tensor
    """Shape (R, 3, 3)."""

    offsets: Tensor
    """Shape (R, 3)."""

    regions: Regions | None = None
    """Which parts of the content the maps are for. None: all of it, with one map."""

    def __call__(self, image: Tensor) -> Tensor:
        """Recolour the content.

        Args:
            image: The content at any size, shape (1, 3, H, W), RGB in [0, 1].

        Returns:
            The same shape, within [0, 1]; as it was where it belongs to no region.
        """
        image = image.contiguous()  # the layout would decide how sums are rounded
        height, width = image.shape[2:]
        shares = None if self.regions is None else self.regions.content_at(width, height)
        # Added up as changes, so that what belongs to no region has none.
        factors = (self.factors - torch.eye(3).to(self.factors)).to(image)
        change = torch.zeros_like(image)
        for index, (factor, offset) in enumerate(zip(factors, self.offsets.to(image), strict=True)):
            each = torch.einsum("dc,bchw->bdhw", factor, image).add_(offset[:, None, None])
            change.add_(each if shares is None else each.mul_(shares[:, index, None].to(each)))
        return change.add_(image).clamp_(0, 1)


@dataclass(frozen=True, slots=True)
class Start:
    """What a run starts from, and takes the finer detail of its larger sizes from."""

    picture: Tensor
    """Shape (1, 3, H, W), RGB in [0, 1], on the CPU."""

    recolouring: Recolouring | None = None
    """How it is recoloured. None: not."""

    def at(self, width: int, height: int, *, circular: bool = False) -> Tensor:
        """The start at a size in pixels.

        Args:
            width: In pixels.
            height: In pixels.
            circular: As in `resizing.resize`.
        """
        resized = resize(self.picture, width, height, circular=circular)
        return resized if self.recolouring is None else self.recolouring(resized)

    def enlarge(self, image: Tensor, width: int, height: int, *, circular: bool = False) -> Tensor:
        """Bring an image of the run to another size, see `resizing.enlarge_change`."""
        if image.shape[2:] == (height, width):
            return image
        first = self.picture
        if self.recolouring is not None:
            first = self.at(width, height, circular=circular)
        return enlarge_change(image, first, width, height, circular=circular)


def recolouring(
    content: Tensor, styles: Sequence[Tensor], regions: Regions | None, settings: Settings
) -> Recolouring:
    """Map the content's colours so that they have the styles' mean and covariance.

    Of all linear maps that do so, the one that moves the colours least; region by region.

    Args:
        content: Shape (1, 3, H, W), RGB in [0, 1].
        styles: The styles, of the same form; possibly each several times in turn, at
            several sizes.
        regions: Which parts take which style, at their sizes.
        settings: The shares of the styles.

    Returns:
        The maps. What no style is found for keeps its colours.

    References:
        As `least_map`. Differs: `SPREAD` is added to both sides.
    """
    parts = [None] * len(styles) if regions is None else [part[0] for part in regions.styles]
    found = moments(content.contiguous(), None if regions is None else regions.content[0])
    each = [moments(style.contiguous(), part) for style, part in zip(styles, parts, strict=True)]
    wanted = blended(each, settings, in_regions=regions is not None)
    factors = least_map(_widened(found), _widened(wanted))
    has_style = is_found(wanted).cpu()
    factors[~has_style] = torch.eye(3).to(factors)
    source, target = (one.mean.double().cpu()[:, :, None] for one in (found, wanted))
    offsets = (target - factors @ source)[:, :, 0]
    offsets[~has_style] = 0
    return Recolouring(factors, offsets, regions)


def _widened(found: Moments) -> Tensor:
    covariance = found.covariance.double().cpu()
    return covariance + SPREAD**2 * torch.eye(3).to(covariance)
