"""The masks of a run: read, and turned into regions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from styletransfer.errors import ConfigError, ImageError
from styletransfer.images.decoders.limits import NO_LIMITS, Limits
from styletransfer.images.tensors import decode_picture
from styletransfer.masks.assignment import assign_regions, check_style_masks
from styletransfer.masks.labels import are_found, divide, measure_areas
from styletransfer.regions import KEEP, Region, colour_name
from styletransfer.settings import Settings, expand_user

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from styletransfer.transfer.regions import Regions


_STRETCH = 0.03
"""Difference of the proportions of a picture and its mask that is not worth a word."""


@dataclass(frozen=True, slots=True)
class RegionMasks:
    """The regions of the content, and the masks that show where they are."""

    regions: tuple[Region, ...]
    """What each colour takes."""

    content: Image.Image | None
    """The mask of the content, of mode RGB. None: all of it is one region."""

    styles: tuple[Image.Image, ...]
    """The masks of the styles; none if they have none."""

    count: int
    """Number of styles."""

    @property
    def areas(self) -> list[float]:
        """Share of the content that each region covers, from 0 to 1."""
        colours = [region.colour for region in self.regions]
        return [1.0] if self.content is None else measure_areas(self.content, colours)

    @property
    def painted(self) -> float:
        """Share of the content that is not kept, from 0 to 1."""
        pairs = zip(self.regions, self.areas, strict=True)
        return sum(area for region, area in pairs if region.takes != KEEP)

    def warn_about_proportions(
        self, content: tuple[int, int], notify: Callable[[str], None]
    ) -> None:
        """Report a content mask that is stretched to the content.

        Args:
            content: Width and height of the content in pixels.
            notify: Called with a line for the user.
        """
        if self.content is None:
            return
        (width, height), (across, down) = content, self.content.size
        if abs(width * down / (height * across) - 1) > _STRETCH:
            notify("the content mask is stretched: its proportions are not those of the content")

    def describe(self) -> list[dict[str, Any]]:
        """Colour, what is taken and area of each region, as in ``--json``."""
        return [
            {
                "colour": colour_name(region.colour),
                "takes": region.takes,
                "area": round(area, 4),
            }
            for region, area in zip(self.regions, self.areas, strict=True)
        ]

    def __str__(self) -> str:
        """In words, such as ``white 63 % style 1, black 37 % kept``."""
        return ", ".join(
            f"{colour_name(region.colour)} {100 * area:.0f} % {self._in_words(region)}"
            for region, area in zip(self.regions, self.areas, strict=True)
        )

    def to_regions(self) -> Regions:
        """Convert to what `stylize` takes. Imports torch."""
        import torch

        from styletransfer.transfer.regions import Regions

        painted = [index for index, one in enumerate(self.regions) if one.takes != KEEP]
        if self.content is None:
            content = torch.ones(1, 1, 1, 1)
        else:
            content = self._shares(self.content)[:, painted]
        return Regions(content, tuple(self._of_style(style) for style in range(self.count)))

    def _in_words(self, region: Region) -> str:
        if region.takes == KEEP:
            return "kept"
        if region.takes is None:
            return "by colour" if self.styles else "all styles"
        return f"style {region.takes}"

    def _of_style(self, style: int) -> Tensor:
        """The weights of a style's pixels for each painted region."""
        import torch

        painted = [index for index, one in enumerate(self.regions) if one.takes != KEEP]
        taken = torch.tensor([self.regions[at].takes in {None, style + 1} for at in painted])
        taken = taken.float().view(1, -1, 1, 1)
        if not self.styles:
            return taken
        each = are_found(self.styles[style], [region.colour for region in self.regions])
        found = torch.tensor([each[at] for at in painted]).view(1, -1, 1, 1)
        return self._shares(self.styles[style])[:, painted] * taken * found

    def _shares(self, mask: Image.Image) -> Tensor:
        import torch

        levels = divide(mask, [region.colour for region in self.regions])
        return torch.from_numpy(levels).unsqueeze(0).float().div_(255)


def read_regions(settings: Settings, styles: int) -> Regions | None:
    """Read the masks that settings name, for `stylize`.

    Args:
        settings: The paths of the masks, and what is said about their colours.
        styles: Number of style pictures.

    Returns:
        The regions; None if the settings name no masks.

    Raises:
        ConfigError: If masks and styles do not fit together.
        ImageError: If a mask cannot be read.
    """
    masks = open_masks(settings, styles)
    return None if masks is None else masks.to_regions()


def mask_files(settings: Settings) -> list[Path]:
    """List the masks that the settings name."""
    names = [] if settings.content_mask is None else [settings.content_mask]
    return [expand_user(Path(name)) for name in [*names, *(settings.style_mask or ())]]


def open_masks(
    settings: Settings,
    styles: int,
    notify: Callable[[str], None] | None = None,
    limits: Limits = NO_LIMITS,
) -> RegionMasks | None:
    """Read the masks that the settings name, and decide what each region takes.

    Args:
        settings: The paths of the masks, and what is said about their colours.
        styles: Number of style pictures.
        notify: Called with each line for the user. None: not called.
        limits: What decoding may take.

    Returns:
        The masks; None if the settings name none.

    Raises:
        ConfigError: If masks and styles do not fit together.
        ImageError: If a mask cannot be read.
    """
    of_styles = settings.style_mask or ()
    files = mask_files(settings)
    masks = [_read(file, notify, limits) for file in files]
    if not masks:
        return None
    content = None if settings.content_mask is None else (files[0], masks[0])
    first = len(masks) - len(of_styles)
    regions = assign_regions(content, settings.regions, styles, by_colour=bool(of_styles))
    painted = list(zip(files[first:], masks[first:], strict=True))
    if painted:
        check_style_masks(painted, content and content[0], regions)
    if settings.style_blend is not None and not _is_blended(regions, painted, styles):
        raise ConfigError("--style-blend has no effect: no region takes two styles")
    return RegionMasks(tuple(regions), content and content[1], tuple(masks[first:]), styles)


def _read(path: Path, notify: Callable[[str], None] | None, limits: Limits) -> Image.Image:
    """A mask no larger than twice what is needed: each region takes 4 bytes a pixel."""
    decoded = decode_picture(path, note=notify, limits=limits)
    if decoded.alpha is not None:
        raise ImageError(f"{path}: a mask must not be transparent; fill it with colours")
    mask, side = decoded.colours, limits.side
    longest = max(mask.size)
    if side is None or longest <= 2 * side:
        return mask
    width, height = (max(1, extent * 2 * side // longest) for extent in mask.size)
    # The colours of regions must not mix to that of another.
    return mask.resize((width, height), Image.Resampling.NEAREST)


def _is_blended(
    regions: Sequence[Region], painted: Sequence[tuple[Path, Image.Image]], styles: int
) -> bool:
    """Whether any region takes two styles."""
    colours = [region.colour for region in regions if region.takes is None]
    if not (colours and painted):
        return bool(colours) and styles > 1
    each = [are_found(mask, colours) for _, mask in painted]
    return any(sum(found) > 1 for found in zip(*each, strict=True))
