"""Which style each region of a mask takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.errors import ConfigError
from styletransfer.masks.labels import are_found, find_labels, is_flat, other_labels
from styletransfer.regions import KEEP, WHITE, Region, colour_name, parse_regions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL import Image

    from styletransfer.regions import Colour


def assign_regions(
    mask: tuple[Path, Image.Image] | None,
    named: Sequence[str] | None,
    styles: int,
    *,
    by_colour: bool,
) -> list[Region]:
    """Decide what each colour of a content mask takes.

    Args:
        mask: The mask's path and the mask, of mode RGB. None: all is white.
        named: As `Settings.regions`. None: if the styles have masks, each colour
            takes what has this colour there. Otherwise the styles go to the
            colours from the lightest to the darkest, and one colour more than
            styles is kept.
        styles: Number of style pictures.
        by_colour: Whether the styles have masks.

    Returns:
        The regions.

    Raises:
        ConfigError: If colours and styles do not fit together.
    """
    if named is not None and mask is not None:
        regions = parse_regions(named)
        _check_colours(*mask, regions)
    else:
        labels = [WHITE] if mask is None else find_labels(mask[1])
        if mask is not None and not is_flat(mask[1], labels):
            raise ConfigError(
                f"{mask[0]}: this is no mask, since most of it has no flat colour; use white, "
                "black and grey, or a few flat colours"
            )
        regions = _in_order(labels, mask, styles, by_colour=by_colour)
    _check_styles(regions, styles)
    return regions


def check_style_masks(
    masks: Sequence[tuple[Path, Image.Image]], content: Path | None, regions: Sequence[Region]
) -> None:
    """Refuse regions whose colour is in no mask of their styles, and masks that no region needs.

    Args:
        masks: The path and the mask of each style.
        content: The path of the content mask.
        regions: What each region takes.

    Raises:
        ConfigError: If one is missing.
    """
    painted = [region for region in regions if region.takes != KEEP]
    found = [are_found(mask, [region.colour for region in painted]) for _, mask in masks]
    given = [
        [region.takes in {None, number} and each[index] for number, each in enumerate(found, 1)]
        for index, region in enumerate(painted)
    ]
    for region, from_styles in zip(painted, given, strict=True):
        if not any(from_styles):
            name = colour_name(region.colour)
            chosen = masks if region.takes is None else [masks[int(region.takes) - 1]]
            places = " and ".join(str(path) for path, _ in chosen)
            of = "" if content is None else f", which {content} has"
            raise ConfigError(f"{places}: nothing here is {name}{of}; paint a part in {name}")
    for (path, _), to_regions in zip(masks, zip(*given, strict=True), strict=True):
        if not any(to_regions):
            raise ConfigError(
                f"{path}: no region takes a colour of this mask; leave its style out, or give the "
                "mask a colour of a region"
            )


def _in_order(
    labels: Sequence[Colour],
    mask: tuple[Path, Image.Image] | None,
    styles: int,
    *,
    by_colour: bool,
) -> list[Region]:
    if by_colour or len(labels) == 1:
        return [Region(label, None) for label in labels]
    if len(labels) - styles not in {0, 1}:
        path = "" if mask is None else mask[0]
        names = ", ".join(map(colour_name, labels))
        given = "is 1 style" if styles == 1 else f"are {styles} styles"
        remedy = "leave some out, or divide the mask further"
        if styles < len(labels):
            some = [Region(one, min(n, styles)) for n, one in enumerate(labels[:-1], 1)]
            example = ",".join(map(str, [*some, Region(labels[-1], KEEP)]))
            remedy = f"say what each takes, such as --regions {example}"
        raise ConfigError(
            f"{path} has {len(labels)} regions ({names}), but there {given}; {remedy}"
        )
    numbers = [*range(1, styles + 1), KEEP]
    return [Region(label, takes) for label, takes in zip(labels, numbers, strict=False)]


def _check_colours(path: Path, mask: Image.Image, regions: Sequence[Region]) -> None:
    """Refuse named colours that the mask does not have, and others that it has."""
    colours = [region.colour for region in regions]
    for colour, found in zip(colours, are_found(mask, colours), strict=True):
        if not found:
            raise ConfigError(
                f"--regions: nothing in {path} is {colour_name(colour)}; its regions are "
                f"{', '.join(map(colour_name, find_labels(mask)))}"
            )
    for label in other_labels(mask, colours):
        if are_found(mask, [label])[0]:
            raise ConfigError(
                f"--regions says nothing about {colour_name(label)} of {path}; add "
                f"{colour_name(label)}=keep, or =1 for the first style"
            )


def _check_styles(regions: Sequence[Region], styles: int) -> None:
    """Refuse styles that there are not, or that are painted nowhere."""
    taken = [region.takes for region in regions]
    for region in regions:
        if isinstance(region.takes, int) and region.takes > styles:
            given = "is only 1 style" if styles == 1 else f"are only {styles} styles"
            raise ConfigError(f"--regions {region}: there {given}")
    if regions and all(takes == KEEP for takes in taken):
        raise ConfigError("every region is kept, so there is nothing to paint; give one a style")
    if regions and None not in taken:
        for number in range(1, styles + 1):
            if number not in taken:
                raise ConfigError(f"no region takes style {number}; give it one, or leave it out")
