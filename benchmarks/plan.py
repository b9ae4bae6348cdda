"""Extent of the measurements: the usual one, the full one, or a quick trial run."""

from dataclasses import dataclass, replace

from styletransfer.choices import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes are longest sides in pixels; steps are optimizer iterations."""

    parts: tuple[str, ...]
    """The parts that are measured unless others are named."""

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

    all_ways: bool
    """Whether that is also tried in float32 and at one size."""

    memory_sizes: tuple[int, ...]
    """Sizes at which peak memory is measured."""

    pictures: int
    """Pictures of the folder that workers share."""

    shared_size: int
    """Size of these."""

    tiled_size: int
    """Size of the picture whose tiles ranks share."""

    iterations: tuple[int, ...] | None
    """Iterations of whole runs at each size of the pyramid; None: the defaults."""

    precision: Precision = "auto"
    """Number format of our network."""


FULL = Plan(
    parts=("iteration", "growth", "to-loss", "memory", "command", "precision", "scaling"),
    repeats=3,
    sizes=(256, 512, 1024),
    growth=(256, 2048),
    warm_up=22,
    steps=6,
    size=512,
    marks=(100, 300, 500),
    all_ways=True,
    memory_sizes=(512, 1024),
    pictures=8,
    shared_size=256,
    tiled_size=2048,
    iterations=None,
)

USUAL = replace(
    FULL,
    parts=("iteration", "to-loss", "command"),
    repeats=1,
    sizes=(512,),
    marks=(300,),
    all_ways=False,
)

QUICK = replace(
    FULL,
    repeats=1,
    sizes=(128, 256),
    growth=(128, 256),
    warm_up=1,
    steps=2,
    size=128,
    marks=(4, 8),
    memory_sizes=(128, 256),
    pictures=2,
    shared_size=64,
    tiled_size=128,
    iterations=(3,),
)
