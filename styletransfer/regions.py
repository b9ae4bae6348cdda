"""Regions: which colour of a mask takes which style."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from PIL import ImageColor

from styletransfer.errors import ConfigError, quote

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

KEEP: Literal["keep"] = "keep"
"""What a region takes that stays as it is."""

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)


def _read_colour(text: str) -> Colour:
    red, green, blue, *alpha = ImageColor.getrgb(text)
    if alpha:
        raise ValueError("a colour of a region is opaque")
    return red, green, blue


NAMED_COLOURS: Mapping[Colour, str] = {
    _read_colour(name): name
    for name in (*sorted(ImageColor.colormap, reverse=True), "cyan", "grey", "magenta")
}
"""The name of each colour that has one in CSS; of two, the one that is said."""


_NUMBERS = {str(number): number for number in range(1, 1000)}


class Region(NamedTuple):
    """A colour of a mask, and what is painted there."""

    colour: Colour
    """The colour."""

    takes: int | Literal["keep"] | None
    """The number of a style, from 1; `KEEP`; None: all styles, each where its own
    mask has this colour."""

    def __str__(self) -> str:
        """As in `Settings.regions`, such as ``white=1``."""
        return f"{colour_name(self.colour)}={self.takes or 'styles'}"


def parse_regions(texts: Sequence[str]) -> list[Region]:
    """Read `Settings.regions`.

    Args:
        texts: A colour and what it takes, such as ``white=1`` or ``#102030=keep``.

    Raises:
        ConfigError: If one is not of that form, or a colour is named twice.

    Example:
        >>> parse_regions(["white=1", "black=keep"])
        [Region(colour=(255, 255, 255), takes=1), Region(colour=(0, 0, 0), takes='keep')]
    """
    regions = [_read(text) for text in texts]
    colours = [region.colour for region in regions]
    for colour in colours:
        if colours.count(colour) > 1:
            raise ConfigError(f"regions names {colour_name(colour)} twice; name each colour once")
    return regions


def colour_name(colour: Colour) -> str:
    """Name a colour: a CSS name if there is one, or else #rrggbb.

    Example:
        >>> colour_name((255, 0, 0)), colour_name((1, 2, 3))
        ('red', '#010203')
    """
    return NAMED_COLOURS.get(colour, "#{:02x}{:02x}{:02x}".format(*colour))


def _read(text: str) -> Region:
    colour, _, takes = (part.strip() for part in text.partition("="))
    try:
        return Region(_read_colour(colour), KEEP if takes == KEEP else _NUMBERS[takes])
    except (ValueError, KeyError):
        raise ConfigError(
            "regions must be colours with the number of a style or keep, such as white=1 or "
            f"black=keep, not {quote(text)}"
        ) from None
