"""Extent of the measurements: the full benchmark, or a quick trial run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes are longest sides in pixels; steps are optimizer iterations."""

    repeats: int
    """Number of measurements of each time; the median is reported."""

    sizes: tuple[int, ...]
    """Sizes at which an iteration is timed."""

    growth: tuple[int, int]
    """Sizes between which the growth of our iteration is measured."""

    warm_up: int
    """Steps before the timed ones; enough to fill our L-BFGS history."""

    steps: int
    """Timed steps."""

    size: int
    """Size at which the time to the peer's loss and the number formats are compared."""

    marks: tuple[int, ...]
    """Iterations of the peer whose loss is to be reached, ascending."""

    memory_sizes: tuple[int, ...]
    """Sizes at which peak memory is measured."""

    iterations: tuple[int, ...] | None
    """Iterations of whole runs at each size of the pyramid; None: the defaults."""


FULL = Plan(
    repeats=3,
    sizes=(256, 512, 1024),
    growth=(256, 2048),
    warm_up=22,
    steps=6,
    size=512,
    marks=(100, 300, 500),
    memory_sizes=(512, 1024),
    iterations=None,
)

QUICK = Plan(
    repeats=1,
    sizes=(128, 256),
    growth=(128, 256),
    warm_up=1,
    steps=2,
    size=128,
    marks=(4, 8),
    memory_sizes=(128, 256),
    iterations=(3,),
)
