"""How much is measured: in full, or as little as shows that everything works."""

from typing import NamedTuple


class Plan(NamedTuple):
    """Sizes are longest sides in pixels; steps are the optimizer's."""

    repeats: int
    """How often everything that is timed is measured; medians are told."""

    sizes: tuple[int, ...]
    """At which an iteration is timed, on all sides."""

    growth: tuple[int, int]
    """Between which the growth of our own iteration is told."""

    warm_up: int
    """Steps before those that are timed: our history is full, and the peer's has as many."""

    steps: int
    """Steps that are timed."""

    size: int
    """At which the way to the peer's loss and the precisions are compared."""

    marks: tuple[int, ...]
    """The peer's iterations whose loss is to be reached, ascending."""

    memory_sizes: tuple[int, ...]
    """At which peak memory is measured."""

    iterations: tuple[int, ...] | None
    """Of whole runs, at each size of the pyramid; None: the defaults."""


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
