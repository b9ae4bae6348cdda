"""The colours of a mask that name regions, and the share of each pixel in them."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from styletransfer.regions import BLACK, NAMED_COLOURS, WHITE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from styletransfer.regions import Colour

_SPECK = 1e-4
"""Share of a mask below which a colour is taken for absent."""

_MOSTLY = 200
"""Share of a pixel, of 255, from which on it counts as of a colour."""

_LEAST_AREA = 0.01
"""Share of a mask from which on a colour names a region."""

_NOISE = 4
"""Levels by which lossy compression changes a colour."""

_APART = 32
"""Levels by which the colours of two regions differ at least in one channel."""

_DEAD_ZONE = 0.05
"""Mixed with less than this of another colour, a colour is pure."""

_SPAN = 0.05
"""What a level between two labels counts beside a level away from their mixtures."""

_MOST_CANDIDATES = 256

_BAND = 1 << 20
"""Pixels that are looked up at a time."""


def find_labels(mask: Image.Image) -> list[Colour]:
    """Find the colours of a mask that name regions.

    Args:
        mask: A picture of mode RGB.

    Returns:
        From the lightest to the darkest. The single colour of a flat mask; white
        and black for a grey one; or else the flat colours that cover at least a
        hundredth of it each.
    """
    colours, counts = _colours(mask)
    common = colours[counts.argmax()]
    if np.abs(colours - common).max() <= _NOISE:
        return [_as_colour(common)]
    if np.ptp(colours, axis=1).max() <= 2 * _NOISE:
        return [WHITE, BLACK]
    found: list[Colour] = []
    for index in np.argsort(-counts, kind="stable")[:_MOST_CANDIDATES]:
        distances = np.abs(colours - colours[index]).max(1)
        share = counts[distances <= _NOISE].sum() / counts.sum()
        apart = all(np.abs(colours[index] - label).max() >= _APART for label in found)
        if share >= _LEAST_AREA and apart:
            found.append(_as_colour(colours[index]))
    return sorted(found, key=lambda colour: (-_lightness(colour), colour))


def divide(mask: Image.Image, labels: Sequence[Colour]) -> NDArray[np.uint8]:
    """Divide each pixel of a mask among labels.

    A pixel between two labels, such as on a soft edge, belongs to both: those two
    of whose mixtures one is nearest to it. Other colours of the mask that name
    regions take their pixels, too.

    Args:
        mask: A picture of mode RGB.
        labels: The colours of the regions, at least one.

    Returns:
        Shape (labels, H, W), from 0 to 255. The sum at each pixel is 255 unless a
        part of it is of another colour.
    """
    table, colours, _ = _divide_colours(mask, labels)
    codes = _codes(mask)
    known = colours @ (1 << 16, 1 << 8, 1)
    found = np.empty((len(labels), codes.size), np.uint8)
    for start in range(0, codes.size, _BAND):
        part = slice(start, start + _BAND)
        found[:, part] = table[:, np.searchsorted(known, codes[part])]
    return found.reshape(len(labels), mask.height, mask.width)


def measure_areas(mask: Image.Image, labels: Sequence[Colour]) -> list[float]:
    """Measure the share of a mask that each label covers, from 0 to 1.

    Args:
        mask: A picture of mode RGB.
        labels: As in `divide`.
    """
    table, _, counts = _divide_colours(mask, labels)
    areas: list[float] = (table @ counts.astype(np.float64) / (255 * counts.sum())).tolist()
    return areas


def are_found(mask: Image.Image, labels: Sequence[Colour]) -> list[bool]:
    """Whether a mask has more than specks of each label, with lossy compression's in mind.

    Args:
        mask: A picture of mode RGB.
        labels: As in `divide`.
    """
    table, _, counts = _divide_colours(mask, labels)
    pure = (table > _MOSTLY) @ counts.astype(np.float64) / counts.sum()
    found: list[bool] = (pure >= _SPECK).tolist()
    return found


def is_flat(mask: Image.Image, labels: Sequence[Colour]) -> bool:
    """Whether most of a mask has the colours of its labels, unlike a photograph.

    Args:
        mask: A picture of mode RGB.
        labels: All of its labels, as from `find_labels`.
    """
    if {*labels} == {WHITE, BLACK}:
        return True
    colours, counts = _colours(mask)
    distances = [np.abs(colours - label).max(1) for label in labels]
    near = np.min([np.full(len(colours), np.inf), *distances], 0) < _APART / 2
    return bool(counts[near].sum() >= counts.sum() / 2)


def other_labels(mask: Image.Image, labels: Sequence[Colour]) -> list[Colour]:
    """List the colours of a mask that name regions beside given ones, as `find_labels`."""
    known = np.asarray(labels)
    return [one for one in find_labels(mask) if np.abs(known - one).max(1).min() >= _APART]


def _divide_colours(
    mask: Image.Image, labels: Sequence[Colour]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Divide each colour of a mask: shape (labels, colours); with the colours and counts."""
    colours, counts = _colours(mask)
    every = np.asarray([*labels, *other_labels(mask, labels)], np.float64)
    return _divide(colours, every)[: len(labels)], colours, counts


def _divide(colours: NDArray[Any], labels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The shares of each colour, shape (labels, colours)."""
    every = np.arange(len(colours))
    parts = np.zeros((len(labels), len(colours)))
    parts[0] = 1
    nearest = np.full(len(colours), np.inf)
    for first, second in combinations(range(len(labels)), 2):
        along = labels[second] - labels[first]
        mixture = (((colours - labels[first]) @ along) / max(along @ along, 1)).clip(0, 1)
        distance = np.linalg.norm(colours - labels[first] - mixture[:, None] * along, axis=1)
        # Of labels in one line, neighbours mix.
        distance += _SPAN * np.linalg.norm(along)
        closer = every[distance < nearest]
        nearest[closer] = distance[closer]
        share = ((mixture[closer] - _DEAD_ZONE) / (1 - 2 * _DEAD_ZONE)).clip(0, 1)
        parts[:, closer] = 0
        parts[first, closer], parts[second, closer] = 1 - share, share
    levels = np.round(parts * 255)
    # Of two halves that are rounded up, one loses a level.
    levels[levels.argmax(0), every] += 255 - levels.sum(0)
    return levels.astype(np.uint8)


def _codes(mask: Image.Image) -> NDArray[np.uint32]:
    """Each pixel's colour as one number."""
    red, green, blue = (np.asarray(band, np.uint32).ravel() for band in mask.split())
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


def _colours(mask: Image.Image) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The colours of a mask, shape (colours, 3), in the order of their codes, and their counts."""
    codes, counts = np.unique(_codes(mask), return_counts=True)
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], 1).astype(np.int64), counts


def _as_colour(values: NDArray[np.int64]) -> Colour:
    """A colour, or the one with a name from which lossy compression has moved it."""
    near = [one for one in NAMED_COLOURS if np.abs(values - one).max() <= _NOISE]
    red, green, blue = min(near, key=lambda one: np.abs(values - one).sum(), default=values)
    return int(red), int(green), int(blue)


def _lightness(colour: Colour) -> float:
    """Rec. 709 luma, 0 to 255."""
    red, green, blue = colour
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
