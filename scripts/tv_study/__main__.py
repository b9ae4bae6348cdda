"""Measure what total variation does, and write the results into docs/total-variation.md.

    python -m scripts.tv_study               # everything: about forty minutes on one thread
    python -m scripts.tv_study --quick       # a trial run in build/tv-study-quick
    python -m scripts.tv_study --parts forms # some parts; the tables of the others are empty

The runs use the samples and, except for what is compared, default settings. They run
on one CPU thread, so that the same machine gives the same numbers. Results are cached
in build/tv-study: an interrupted study resumes, and figures can be drawn again. Delete
that folder when the method has changed. The numbers go to docs/total-variation.json,
and the tables of the page are made from them; the page's text is written by hand.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from scripts.tv_study.denoising import Denoised, denoise
from scripts.tv_study.figures import Row, draw_all, draw_strip, draw_sweeps
from scripts.tv_study.runs import PAIRS, Run, Runner
from scripts.tv_study.tables import (
    GRIDS,
    SIZES,
    TARGETS,
    WEIGHTS,
    WEIGHTS_OF_SIZES,
    Numbers,
    with_tables,
)
from styletransfer.device.device import retain_memory
from styletransfer.report.page import TEMPLATES
from styletransfer.runs.batches.weight_grid import sweep_from
from styletransfer.settings import Settings
from styletransfer.weight_guide import WEIGHT_GUIDE

ROOT = Path(__file__).resolve().parents[2]
PAGE = "total-variation.md"
NUMBERS = "total-variation.json"

_MORE: Mapping[str, Sequence[float]] = {
    "content_weight": (0.3, 2.0),
    "style_weight": (7.0, 30.0),
    "tv_weight": (0.3, 5.0),
}
SHEET: Mapping[str, Sequence[float]] = {
    name: sorted({*guide.looks, *_MORE[name]}) for name, guide in WEIGHT_GUIDE.items()
}
"""The values in the README's contact sheet: those of the weight guide, and some between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The extent of the study, and its folders."""

    sizes: Sequence[int]
    """Longest sides in pixels, first the one of most runs."""

    iterations: tuple[int, ...]
    """Iterations at each size of the pyramid."""

    cache: Path
    """Folder of the cached results."""

    docs: Path
    """Folder of the page, its numbers and its figures."""

    samples: Path
    """Folder of the README's contact sheet."""

    templates: Path
    """Folder of the report's example pictures."""


_BUILD = ROOT / "build"
FULL = Plan(
    sizes=SIZES,
    iterations=Settings().iterations,
    cache=_BUILD / "tv-study",
    docs=ROOT / "docs",
    samples=ROOT / "samples",
    templates=TEMPLATES,
)
_QUICK = _BUILD / "tv-study-quick"
QUICK = Plan(
    sizes=(48, 64, 80),
    iterations=(2,),
    cache=_QUICK / "images",
    docs=_QUICK / "docs",
    samples=_QUICK / "samples",
    templates=_QUICK / "templates",
)


def main() -> None:
    """Run the parts of the study that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.tv_study",
        description="Measure what total variation does, and update docs/total-variation.md.",
    )
    parser.add_argument("--quick", action="store_true", help="trial run: tiny pictures")
    parser.add_argument(
        "--parts", default=",".join(PARTS), help="comma-separated parts of %(default)s"
    )
    options = parser.parse_args()
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown part {', '.join(unknown)}; choose from {', '.join(PARTS)}")
    torch.set_num_threads(1)
    retain_memory()
    plan = QUICK if options.quick else FULL
    runner = Runner(ROOT / "samples", plan.cache, plan.iterations)
    for part in parts:
        PARTS[part](runner, plan)
    write(runner, plan)


def compare_weights(runner: Runner, plan: Plan) -> None:
    """Measure both contents at each TV weight, and draw the contact sheet of the first."""
    for pair in PAIRS:
        for weight in WEIGHTS:
            runner.measure(Run(pair.content, plan.sizes[0], tv_weight=weight))
    plan.docs.mkdir(parents=True, exist_ok=True)
    draw_sweeps(runner, [_row("tv_weight", WEIGHTS, plan)], plan.docs / "tv-sheet.jpg")


def compare_forms(runner: Runner, plan: Plan) -> None:
    """Measure both contents with each TV form, also at weights that give equal noise."""
    for pair in PAIRS:
        for form, weights in GRIDS.items():
            base = Run(pair.content, plan.sizes[0], form)
            runs = [replace(base, tv_weight=weight) for weight in weights if weight]
            for run in runs:
                runner.measure(run)
            for target in TARGETS if form != "isotropic" else ():
                reference = runner.measure(Run(pair.content, plan.sizes[0], tv_weight=target))
                runner.match(base, runs, reference.noise)


def illustrate_weights(runner: Runner, plan: Plan) -> None:
    """Draw the pictures of the weight guide for the README and the report."""
    rows = [_row(name, values, plan) for name, values in SHEET.items()]
    plan.samples.mkdir(parents=True, exist_ok=True)
    draw_sweeps(runner, rows, plan.samples / "weights.jpg")
    plan.templates.mkdir(parents=True, exist_ok=True)
    for (name, values), row in zip(SHEET.items(), rows, strict=True):
        runs = [row.runs[values.index(value)] for value in WEIGHT_GUIDE[name].looks]
        draw_strip(runner, runs, plan.templates / f"{name}.jpg")


def compare_sizes(runner: Runner, plan: Plan) -> None:
    """Measure the first content with some TV weights at each size."""
    for size in plan.sizes:
        for weight in WEIGHTS_OF_SIZES:
            runner.measure(Run(PAIRS[0].content, size, tv_weight=weight))


PARTS: Mapping[str, Callable[[Runner, Plan], None]] = {
    "weights": compare_weights,
    "forms": compare_forms,
    "guide": illustrate_weights,
    "sizes": compare_sizes,
}


def denoised(runner: Runner, plan: Plan) -> list[Denoised]:
    """Denoise both contents with each form, or read the outcome from the cache."""
    path = plan.cache / "denoised.json"
    if not path.exists():
        contents = {
            pair.content: runner.content(Run(pair.content, plan.sizes[0])) for pair in PAIRS
        }
        found = [asdict(each) for name, clean in contents.items() for each in denoise(name, clean)]
        path.write_text(json.dumps(found), encoding="utf-8")
    return [Denoised(**each) for each in json.loads(path.read_text(encoding="utf-8"))]


def write(runner: Runner, plan: Plan) -> None:
    """Write the numbers, the tables of the page, and the figures."""
    numbers = Numbers(runner.found, denoised(runner, plan))
    text = numbers.as_json()
    plan.docs.mkdir(parents=True, exist_ok=True)
    (plan.docs / NUMBERS).write_text(text, encoding="utf-8")
    page = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    page = with_tables(page, Numbers.from_json(text), plan.sizes)
    (plan.docs / PAGE).write_text(page, encoding="utf-8")
    draw_all(runner, plan.sizes[0], plan.sizes, plan.docs)
    print(f"written: {plan.docs}", file=sys.stderr)


def _row(name: str, values: Sequence[float], plan: Plan) -> Row:
    """Make a sweep over one weight, as the command would."""
    given: dict[str, Any] = {name: tuple(values), "size": plan.sizes[0]}
    sweep = sweep_from(None, given, 1, Path("sheet.jpg"))
    settings = [variant.settings for variant in sweep.variants]
    runs = [
        Run(
            PAIRS[0].content,
            plan.sizes[0],
            tv_weight=each.tv_weight,
            content_weight=each.content_weight,
            style_weight=each.style_weight,
        )
        for each in settings
    ]
    return Row(sweep, runs)


if __name__ == "__main__":
    main()
