"""Peak memory of a run, minus that of the imports."""

import sys
from collections.abc import Iterator

from benchmarks.bars import Bars
from benchmarks.plan import Plan
from benchmarks.process import measure
from benchmarks.table import Bar, Row, ratios

PART = "Peak memory above the imports"
STEPS = 25
"""Iterations of each run. Our L-BFGS history, of 10 steps in so short a run, is full by
then. The peer keeps 100 steps, and each takes another two copies of the image."""

BARRED = 1024
NAMES = {"ours": "ours", "peer": "pastiche"}
MEGABYTE = 1e6


def memory(plan: Plan, bars: Bars) -> Iterator[Row]:
    """Measure both sides, on Linux only."""
    if sys.platform != "linux":
        print("benchmarks: peak memory is measured on Linux only", file=sys.stderr)
        return
    for size in plan.memory_sizes:
        peaks: dict[str, list[float]] = {"ours": [], "peer": []}
        for _ in range(plan.repeats):
            ours = measure("ours.memory", size=size, steps=STEPS, precision=plan.precision)
            peaks["ours"].append(ours / MEGABYTE)
            peaks["peer"].append(measure("peer.memory", size=size, steps=STEPS) / MEGABYTE)
        for side, name in NAMES.items():
            yield Row(PART, f"{size} px: {name}", peaks[side], "MB")
        bar = Bar("≤", 0.5) if size == BARRED else None
        yield Row(PART, f"{size} px: ours / pastiche", ratios(*peaks.values()), "×", bar)
