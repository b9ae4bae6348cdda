"""Several processes: pictures by Dask workers, and one picture by ranks of torch.distributed."""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

from benchmarks import CONTENT, ROOT, STYLE
from benchmarks.bars import Bars
from benchmarks.plan import Plan
from benchmarks.table import Row, ratios

PART = "Several processes of one thread each"
COUNTS = (1, 2)
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def scaling(plan: Plan, bars: Bars) -> Iterator[Row]:
    """Measure one and two processes, alternately."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = folder / "photos"
        photos.mkdir()
        for number in range(plan.pictures):
            shutil.copy(CONTENT, photos / f"{number}.jpg")
        workers: dict[int, list[float]] = {count: [] for count in COUNTS}
        ranks: dict[int, list[float]] = {count: [] for count in COUNTS}
        for _ in range(plan.repeats):
            for count in COUNTS:
                workers[count].append(_pictures(count, plan, photos) / plan.pictures)
                ranks[count].append(_iteration(count, plan, folder))
    for count in COUNTS:
        what = f"a folder at {plan.shared_size} px, {count} Dask workers: a picture"
        yield Row(PART, what, workers[count], "s")
    yield Row(PART, "1 worker / 2 workers", ratios(workers[1], workers[2]), "×")
    for count in COUNTS:
        what = f"a picture at {plan.tiled_size} px, {count} ranks: an iteration"
        yield Row(PART, what, ranks[count], "s")
    yield Row(PART, "1 rank / 2 ranks", ratios(ranks[1], ranks[2]), "×")


def _pictures(workers: int, plan: Plan, photos: Path) -> float:
    """Seconds of a folder, from the command's start to its end."""
    with tempfile.TemporaryDirectory() as output:
        size = str(plan.shared_size)
        started = perf_counter()
        _run(
            [sys.executable, "-m", "styletransfer", str(photos), str(STYLE), "-o", output],
            ["--size", size, "--cluster", f"local:{workers}", "--quiet"],
        )
        return perf_counter() - started


def _iteration(ranks: int, plan: Plan, folder: Path) -> float:
    """Seconds of an iteration at one size, by the command's own clock."""
    log, size = folder / "losses.csv", str(plan.tiled_size)
    program = [sys.executable, "-m"]
    if ranks > 1:
        program += ["torch.distributed.run", "--nproc-per-node", str(ranks), "-m", "--"]
    _run(
        [*program, "styletransfer", str(CONTENT), str(STYLE), "-o", str(folder / "out.png")],
        ["--size", size, "--min-size", size, "-n", "3", "--quiet", "--log", str(log)],
    )
    with log.open(encoding="utf-8", newline="") as file:
        first, *_, last = (float(row["seconds"]) for row in csv.DictReader(file))
    return (last - first) / 2


def _run(program: Sequence[str], options: Sequence[str]) -> None:
    command = [*program, *options]
    print(f"  {' '.join(command)}", file=sys.stderr, flush=True)
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | _ENVIRONMENT, stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise SystemExit(f"benchmarks: the command failed with exit code {done.returncode}")
