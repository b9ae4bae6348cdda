"""Difference between results in bfloat16 and in float32."""

import sys
from collections.abc import Iterator

from benchmarks.bars import Bars
from benchmarks.plan import Plan
from benchmarks.process import measure
from benchmarks.table import Row

PART = "float32 and bfloat16"


def precision(plan: Plan, bars: Bars) -> Iterator[Row]:
    """Compare one run in each format; repeating them would give the same bytes."""
    found = measure("ours.precisions", size=plan.size, iterations=plan.iterations)
    if found is None:
        print(
            "benchmarks: precision skipped: this processor has no native bfloat16", file=sys.stderr
        )
        return
    exact, fast = found["losses"]["float32"], found["losses"]["bfloat16"]
    head = f"{plan.size} px"
    yield Row(PART, f"{head}: final loss of float32, evaluated in float32", [exact])
    yield Row(PART, f"{head}: final loss of bfloat16, evaluated in float32", [fast])
    yield Row(PART, f"{head}: bfloat16's loss / float32's", [fast / exact], "×")
    yield Row(PART, f"{head}: mean difference of a pixel's channel", [found["mean"]], "/ 255")
    yield Row(PART, f"{head}: largest difference", [found["largest"]], "/ 255")
