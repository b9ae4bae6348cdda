"""The command line of the benchmarks: parts in, one table and one JSON file out."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from benchmarks.command import command
from benchmarks.iteration import growth, iteration
from benchmarks.memory import memory
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.precision import precision
from benchmarks.process import measure
from benchmarks.table import Row, as_json, format_table
from benchmarks.to_loss import to_loss

PARTS: Mapping[str, Callable[[Plan], Iterable[Row]]] = {
    "iteration": iteration,
    "growth": growth,
    "to-loss": to_loss,
    "memory": memory,
    "command": command,
    "precision": precision,
}
WITH_PEER = {"iteration", "to-loss", "memory"}
BUSY = 0.5
"""A load average above this, before the start, disturbs what is measured."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    options = _parser().parse_args(arguments)
    if WITH_PEER & set(options.parts) and find_spec("pastiche") is None:
        sys.exit(
            "benchmarks: pastiche is not installed: run 'make bench', or pip install '.[bench]', "
            f"or leave out {', '.join(sorted(WITH_PEER))}"
        )
    plan = QUICK if options.quick else FULL
    plan = plan._replace(repeats=options.repeats or plan.repeats)
    machine = {"load average": _load(), **measure("machine.describe"), "repeats": plan.repeats}
    print(header(machine, quick=options.quick), flush=True)
    rows: list[Row] = []
    try:
        for part in options.parts:
            for row in PARTS[part](plan):
                rows.append(row._replace(bar=None) if options.quick else row)
    finally:
        # Whatever ended it: what was measured until then took its time.
        print(format_table(rows), flush=True)
        found = {"quick": options.quick, "machine": machine, "rows": as_json(rows)}
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        options.output.write_text(text, encoding="utf-8")
        print(f"\nAlso in {options.output}")


def header(machine: Mapping[str, Any], *, quick: bool) -> str:
    """Say what the figures were measured on, and what speaks against them.

    Args:
        machine: The load average before the start, and more, by name.
        quick: Whether this is no real measurement.

    Returns:
        Lines.
    """
    width = max(map(len, machine))
    lines = [f"{name:{width}}  {value}" for name, value in machine.items()]
    load = machine["load average"]
    if load is not None and load > BUSY:
        lines.append(f"WARNING: the load average was above {BUSY}; measure again in quiet")
    if quick:
        lines.append("QUICK: this shows that everything works; its figures say nothing")
    else:
        lines.append("The bars are meant for two cores with AMX.")
    return "\n".join([*lines, ""])


def _load() -> float | None:
    """The load average of the last minute, where the system tells it."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure stylize beside pastiche, on the CPU. All of it takes about "
        "an hour and a half and wants a machine with nothing else to do.",
    )
    parser.add_argument("--quick", action="store_true", help="tiny pictures, a few steps: a trial")
    parser.add_argument("--repeats", type=_positive, help="measure each thing so often (3)")
    parser.add_argument(
        "--parts",
        type=_parts,
        default=list(PARTS),
        metavar="PART,…",
        help=f"some of {', '.join(PARTS)}; all without it",
    )
    parser.add_argument(
        "--output",
        type=_output,
        default=ROOT / "benchmarks" / "results.json",
        help="where to write the same as JSON (benchmarks/results.json)",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {number}")
    return number


def _output(text: str) -> Path:
    path = Path(text)
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"cannot be written: {path}")
    return path


def _parts(text: str) -> list[str]:
    chosen = text.split(",")
    for part in chosen:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(f"no part {part!r}; there are {', '.join(PARTS)}")
    return chosen


if __name__ == "__main__":
    main()
