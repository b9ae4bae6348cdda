"""The image sizes of a run, coarse to fine, and the iterations at each."""

import math
from dataclasses import dataclass

from styletransfer.settings import DEFAULT_SIZE, Settings

GRID = 16
"""Pixels of the image that one position of the fifth block covers."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One size of a run."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""

    iterations: int
    """Optimizer steps at this size."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height

    @property
    def longest_side(self) -> int:
        """In pixels."""
        return max(self.size)


def plan_scales(width: int, height: int, settings: Settings) -> list[Scale]:
    """List the sizes of a run and the iterations at each.

    Args:
        width: Width of the content in pixels.
        height: Height of the content in pixels.
        settings: Sizes, iterations, and whether the result is tileable.

    Returns:
        The sizes, smallest first; the last one is the result's. If that is
        tileable, both sides of each are rounded to the nearest multiple of
        `GRID`, at least `GRID` itself, and no two sizes are equal.
    """
    longest = max(width, height)
    size = longest if settings.size == "original" else settings.size
    size = size or min(DEFAULT_SIZE, longest)
    sizes = [fit(width, height, side) for side in pyramid(size, settings.min_size)]
    if settings.tileable:
        # In order, and those that have become equal only once.
        sizes = list(dict.fromkeys((_to_grid(across), _to_grid(down)) for across, down in sizes))
    steps = settings.iterations
    return [Scale(*each, steps[min(level, len(steps) - 1)]) for level, each in enumerate(sizes)]


def history_length(iterations: int) -> int:
    """Decide how many pairs of step and gradient change L-BFGS keeps.

    A third of the iterations, from 10 to 40. In 200 iterations, a history of 40
    saves a quarter of them compared with one of 10; in 30, hardly any. A pair
    takes 24 bytes a pixel.

    Args:
        iterations: Optimizer steps at one size.

    Returns:
        Number of pairs.

    Example:
        >>> [history_length(steps) for steps in (1, 30, 90, 500)]
        [10, 10, 30, 40]
    """
    return min(max(iterations // 3, 10), 40)


def pyramid(size: int, min_size: int) -> list[int]:
    """List sizes that differ by factors of two and end exactly at `size`.

    Args:
        size: Longest side of the result in pixels.
        min_size: Wanted longest side of the first size in pixels. The first
            size is from 0.9 to 1.8 times as long: colours that are settled on
            fewer positions split surfaces. If it is `size` or more, there is
            only one size.

    Returns:
        Longest sides in pixels, smallest first.

    Example:
        >>> pyramid(512, 128)
        [128, 256, 512]
        >>> pyramid(500, 128), pyramid(384, 128)
        ([125, 250, 500], [192, 384])
    """
    halvings = max(0, math.floor(math.log2(size / (0.9 * min_size))))
    return sorted({round_half_up(size / 2**k) for k in range(halvings + 1)})


def fit(width: int, height: int, size: int) -> tuple[int, int]:
    """Scale a rectangle so that its longest side is `size`.

    Args:
        width: In pixels.
        height: In pixels.
        size: Wanted longest side in pixels.

    Returns:
        Width and height in pixels, rounded half up, at least 1.

    Example:
        >>> fit(451, 300, 512)
        (512, 341)
    """
    longest = max(width, height)
    # In integers: a quotient of floats may fall just short of a half.
    fitted = ((2 * side * size + longest) // (2 * longest) for side in (width, height))
    across, down = (max(1, side) for side in fitted)
    return across, down


def round_half_up(value: float) -> int:
    """Round to the nearest integer, halves up (Python's `round` takes them to even)."""
    return math.floor(value + 0.5)


def _to_grid(side: int) -> int:
    """Round to the nearest multiple of `GRID`, halves up, at least `GRID` itself."""
    return max(1, round_half_up(side / GRID)) * GRID
