"""Measure what total variation does, and write what is found into docs/total-variation.md.

    python -m scripts.tv_study               # all of it: some forty minutes on one thread
    python -m scripts.tv_study --quick       # a trial in build/tv-study-quick; docs/ stays as it is
    python -m scripts.tv_study --parts forms # some parts; the tables of the others are empty

It paints the samples with the defaults but for what is compared, on one thread of the CPU,
from the photograph, so that the same machine finds the same numbers. Images are kept in
build/tv-study: the same line resumes a run that was interrupted, and draws the figures anew.
Empty that folder when the method has changed. The numbers are stored in
docs/total-variation.json, and the tables in the page are made of them; its prose is not.

It takes the extra `report`, for the curves.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from scripts.tv_denoising import Denoised, denoise
from scripts.tv_figures import Row, draw_all, draw_strip, draw_sweeps
from scripts.tv_runs import PAIRS, Run, Studio
from scripts.tv_tables import (
    GRIDS,
    SIZES,
    TARGETS,
    WEIGHTS,
    WEIGHTS_OF_SIZES,
    Numbers,
    with_tables,
)
from styletransfer.device.device import retain_memory
from styletransfer.runs.weight_grid import sweep_from
from styletransfer.settings import Settings
from styletransfer.weight_guide import WEIGHT_GUIDE

ROOT = Path(__file__).resolve().parent.parent
PAGE = "total-variation.md"
NUMBERS = "total-variation.json"

SHEET: Mapping[str, Sequence[float]] = {
    "content_weight": (0.0, 0.3, 1.0, 2.0, 5.0),
    "style_weight": (1.0, 2.0, 5.0, 15.0, 50.0),
    "tv_weight": (0.0, 0.3, 2.0, 5.0, 20.0),
}
"""The values in the README's sheet, among them those that help and report tell of."""


class Plan(NamedTuple):
    """How much is painted, and where what is found goes."""

    sizes: Sequence[int]
    """Longest sides in pixels: the one of most runs, and those compared with it."""

    iterations: tuple[int, ...]
    """Steps at each size of the pyramid; those beyond 512 px take few."""

    kept: Path
    """Folder of the images."""

    docs: Path
    """Folder of the page, its numbers and its figures."""

    samples: Path
    """Folder of the README's sheet."""

    templates: Path
    """Folder of the report's strips."""


_BUILD = ROOT / "build"
FULL = Plan(
    SIZES,
    (*Settings().iterations, 10),
    _BUILD / "tv-study",
    ROOT / "docs",
    ROOT / "samples",
    ROOT / "styletransfer" / "templates",
)
_QUICK = _BUILD / "tv-study-quick"
QUICK = Plan(
    (48, 64, 80), (2,), _QUICK / "images", _QUICK / "docs", _QUICK / "samples", _QUICK / "templates"
)


def main() -> None:
    """Run the study that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m scripts.tv_study", description="See above.")
    parser.add_argument("--quick", action="store_true", help="tiny pictures, two steps: a trial")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of %(default)s")
    options = parser.parse_args()
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    torch.set_num_threads(1)
    retain_memory()
    plan = QUICK if options.quick else FULL
    studio = Studio(ROOT / "samples", plan.kept, plan.iterations)
    for part in parts:
        PARTS[part](studio, plan)
    write(studio, plan)


def paint_weights(studio: Studio, plan: Plan) -> None:
    """Both pictures with each TV weight, and the sheet of one of them as the command makes it."""
    for pair in PAIRS:
        for weight in WEIGHTS:
            studio.measure(Run(pair.content, plan.sizes[0], tv_weight=weight))
    plan.docs.mkdir(parents=True, exist_ok=True)
    draw_sweeps(studio, [_row("tv_weight", WEIGHTS, plan)], plan.docs / "tv-sheet.jpg")


def paint_forms(studio: Studio, plan: Plan) -> None:
    """Both pictures with each form, and with the weights at which their noise is equal."""
    for pair in PAIRS:
        for form, weights in GRIDS.items():
            base = Run(pair.content, plan.sizes[0], form)
            runs = [base._replace(tv_weight=weight) for weight in weights if weight]
            for run in runs:
                studio.measure(run)
            for target in TARGETS if form != "isotropic" else ():
                reference = studio.measure(Run(pair.content, plan.sizes[0], tv_weight=target))
                studio.match(base, runs, reference.noise)


def paint_anchors(studio: Studio, plan: Plan) -> None:
    """One picture with some values of each weight, as README and report show them."""
    rows = [_row(name, values, plan) for name, values in SHEET.items()]
    plan.samples.mkdir(parents=True, exist_ok=True)
    draw_sweeps(studio, rows, plan.samples / "weights.jpg")
    plan.templates.mkdir(parents=True, exist_ok=True)
    for (name, values), row in zip(SHEET.items(), rows, strict=True):
        told = [row.runs[values.index(value)] for value in WEIGHT_GUIDE[name].looks]
        draw_strip(studio, told, plan.templates / f"{name}.jpg")


def paint_sizes(studio: Studio, plan: Plan) -> None:
    """One picture with some weights at each size."""
    for size in plan.sizes:
        for weight in WEIGHTS_OF_SIZES:
            studio.measure(Run(PAIRS[0].content, size, tv_weight=weight))


PARTS: Mapping[str, Callable[[Studio, Plan], None]] = {
    "weights": paint_weights,
    "forms": paint_forms,
    "anchors": paint_anchors,
    "sizes": paint_sizes,
}


def denoised(studio: Studio, plan: Plan) -> list[Denoised]:
    """Free both photographs of noise with each form; kept as the images are."""
    path = plan.kept / "denoised.json"
    if not path.exists():
        contents = {
            pair.content: studio.content(Run(pair.content, plan.sizes[0])) for pair in PAIRS
        }
        found = [each for name, clean in contents.items() for each in denoise(name, clean)]
        path.write_text(json.dumps(found), encoding="utf-8")
    return [Denoised(*each) for each in json.loads(path.read_text(encoding="utf-8"))]


def write(studio: Studio, plan: Plan) -> None:
    """Store the numbers, and make tables and figures of them."""
    numbers = Numbers(studio.found, denoised(studio, plan))
    text = numbers.as_json()
    plan.docs.mkdir(parents=True, exist_ok=True)
    (plan.docs / NUMBERS).write_text(text, encoding="utf-8")
    page = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    page = with_tables(page, Numbers.from_json(text), plan.sizes)
    (plan.docs / PAGE).write_text(page, encoding="utf-8")
    draw_all(studio, plan.sizes[0], plan.sizes, plan.docs)
    print(f"written: {plan.docs}", file=sys.stderr)


def _row(name: str, values: Sequence[float], plan: Plan) -> Row:
    """A sweep over one weight, as the command reads it."""
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
