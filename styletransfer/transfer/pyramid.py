"""The sizes that a picture is painted at, coarse to fine, and the steps at each."""

import math
from typing import NamedTuple

from styletransfer.settings import DEFAULT_SIZE, Settings


class Scale(NamedTuple):
    """One size of a run."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""

    iterations: int
    """Steps to take at this size."""


def plan(width: int, height: int, settings: Settings) -> list[Scale]:
    """List the sizes of a run and the steps at each.

    Args:
        width: Of the content, in pixels.
        height: Of the content, in pixels.
        settings: Sizes and iterations.

    Returns:
        The sizes, smallest first; the last one is the result's.
    """
    longest = max(width, height)
    size = longest if settings.size == "original" else settings.size
    size = size or min(DEFAULT_SIZE, longest)
    steps = settings.iterations
    return [
        Scale(*fit(width, height, side), steps[min(level, len(steps) - 1)])
        for level, side in enumerate(pyramid(size, settings.min_size))
    ]


def history_length(iterations: int) -> int:
    """Decide how many steps L-BFGS looks back.

    A third of those that it takes, within bounds: of 200 steps, a history of 40 saves a
    quarter beside one of 10; of 30, hardly one. A pair takes 24 bytes a pixel.

    Args:
        iterations: Steps to take at one size.

    Returns:
        Number of pairs of a step and a change of the gradient.

    Example:
        >>> [history_length(steps) for steps in (1, 30, 90, 500)]
        [10, 10, 30, 40]
    """
    return min(max(iterations // 3, 10), 40)


def pyramid(size: int, min_size: int) -> list[int]:
    """List the sizes by factors of two, ending exactly at the last.

    Args:
        size: Longest side of the result, in pixels.
        min_size: Longest side wanted for the first size, in pixels. The first
            size is within a factor √2 of it; at `size` or more there is only one.

    Returns:
        Longest sides in pixels, smallest first.

    Example:
        >>> pyramid(512, 128)
        [128, 256, 512]
        >>> pyramid(500, 128)
        [125, 250, 500]
    """
    halvings = max(0, round(math.log2(size / min_size)))
    return sorted({round_half_up(size / 2**k) for k in range(halvings + 1)})


def fit(width: int, height: int, size: int) -> tuple[int, int]:
    """Scale a rectangle so that its longest side is `size`.

    Args:
        width: Width in pixels.
        height: Height in pixels.
        size: Longest side wanted, in pixels.

    Returns:
        Width and height in pixels, rounded half up, at least 1.

    Example:
        >>> fit(451, 300, 512)
        (512, 341)
    """
    longest = max(width, height)
    # In whole numbers: a quotient of floats may fall just short of a half.
    fitted = ((2 * side * size + longest) // (2 * longest) for side in (width, height))
    across, down = (max(1, side) for side in fitted)
    return across, down


def round_half_up(value: float) -> int:
    """Round to the nearest whole number, halves up (Python rounds them to even)."""
    return math.floor(value + 0.5)
