"""The figures of the study: contact sheets, enlarged crops, curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from scripts.tv_study.measures import WHITE_NOISE_SHARE
from scripts.tv_study.runs import PAIRS, Run
from scripts.tv_study.tables import GRIDS, TARGETS, WEIGHTS, WEIGHTS_OF_SIZES, matched, of_form
from styletransfer.images.contact_sheet import Axis, ContactSheet
from styletransfer.images.tensors import to_picture
from styletransfer.option_text import format_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from scripts.tv_study.runs import Runner
    from styletransfer.runs.batches.weight_grid import Sweep

CROP = 64
"""Side of the enlarged crops, in pixels of the result."""

ZOOM = 4
"""Factor by which they are enlarged."""

_STRIP = (0.12, 0.2)
"""Left and top of the crops in a strip, as fractions of the sides; crops are 2/3 as large."""

_QUALITY = 85
_INK, _AXIS, _GRID = "#1a1a1a", "#737373", "#e4e4e4"
_COLOURS = ("#0b6ea8", "#d1601f", "#3a8f4d")
_LOOK: Any = {
    "axes.edgecolor": _AXIS,
    "axes.grid": True,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.dpi": 110,
    "font.size": 10,
    "grid.color": _GRID,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.marker": "o",
    "lines.markersize": 4.5,
}


@dataclass(frozen=True, slots=True)
class Row:
    """A sweep over one weight, and its runs."""

    sweep: Sweep
    runs: Sequence[Run]


def draw_all(runner: Runner, size: int, sizes: Sequence[int], folder: Path) -> None:
    """Draw every figure whose runs have been measured.

    Args:
        runner: The runs.
        size: Longest side in pixels of most runs.
        sizes: Longest sides in pixels that are compared.
        folder: The folder of the figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if Run(PAIRS[0].content, size, tv_weight=TARGETS[-1]) in runner.found:
        _save(draw_forms(runner, size), folder / "tv-forms.jpg")
        _save(draw_weights(runner, size), folder / "tv-weights.jpg")
        draw_curves(runner, size, folder / "tv-curves.png")
    if len({run.size for run in runner.found}) == len(sizes):
        _save(draw_sizes(runner, sizes), folder / "tv-sizes.jpg")


def draw_forms(runner: Runner, size: int) -> Image.Image:
    """The same crop with each form at equal noise; one row per target."""
    pair = PAIRS[0]
    plain = Run(pair.content, size, tv_weight=0.0)
    rows = [
        [run for run, _ in matched(runner.found, pair.content, size, target)] for target in TARGETS
    ]
    axes = (
        Axis("As isotropic", [format_value(target) for target in TARGETS]),
        Axis("Form", ["none", *GRIDS]),
    )
    runs = [run for row in rows for run in (plain, *row)]
    weights = ", ".join(f"{run.form} {run.tv_weight:g}" for row in rows for run in row)
    return _crops(runner, axes, runs, f"TV weights: {weights}")


def draw_weights(runner: Runner, size: int) -> Image.Image:
    """The same crop of both contents at each weight of the isotropic form."""
    rows = [[Run(pair.content, size, tv_weight=weight) for weight in WEIGHTS] for pair in PAIRS]
    rows = [runs for runs in rows if all(run in runner.found for run in runs)]
    axes = (Axis("Picture", [runs[0].content for runs in rows]), _axis(WEIGHTS))
    runs = [run for row in rows for run in row]
    return _crops(runner, axes, runs, f"{CROP} by {CROP} pixels of a result of {size} px")


def draw_sizes(runner: Runner, sizes: Sequence[int]) -> Image.Image:
    """The same number of pixels around the same point at each size."""
    axes = (Axis("Longest side", [str(size) for size in sizes]), _axis(WEIGHTS_OF_SIZES))
    content = PAIRS[0].content
    runs = [Run(content, size, tv_weight=weight) for size in sizes for weight in WEIGHTS_OF_SIZES]
    return _crops(runner, axes, runs, f"{CROP} by {CROP} pixels around the same point")


def draw_sweep(runner: Runner, row: Row) -> Image.Image:
    """The contact sheet of a sweep, as the command makes it."""
    pictures = [to_picture(runner.stylize(run).image) for run in row.runs]
    sheet = ContactSheet(row.sweep.axes, pictures[0].size, row.sweep.variants[0].constants)
    for number, picture in enumerate(pictures):
        sheet.paste(number, picture)
    return sheet.image


def draw_sweeps(runner: Runner, rows: Sequence[Row], path: Path) -> None:
    """Save the contact sheets of several sweeps, one below the other."""
    sheets = [draw_sweep(runner, row) for row in rows]
    size = max(sheet.width for sheet in sheets), sum(sheet.height for sheet in sheets)
    whole = Image.new("RGB", size, "white")
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height
    _save(whole, path)


def draw_strip(runner: Runner, runs: Sequence[Run], path: Path) -> None:
    """Save the same crop of several results side by side."""
    pictures = [to_picture(runner.stylize(run).image) for run in runs]
    left, top = (
        round(fraction * side) for fraction, side in zip(_STRIP, pictures[0].size, strict=True)
    )
    width, height = (round(2 * side / 3) for side in pictures[0].size)
    strip = Image.new("RGB", (width * len(pictures), height))
    for number, picture in enumerate(pictures):
        cropped = picture.crop((left, top, left + width, top + height))
        strip.paste(cropped, (number * width, 0))
    _save(strip, path)


def draw_curves(runner: Runner, size: int, path: Path) -> None:
    """Plot noise, alternation and colour against the weight, and edges against noise by form."""
    with mpl.rc_context(_LOOK):
        figure = Figure(figsize=(10, 7), layout="constrained")
        (noise, alternation), (colours, forms) = figure.subplots(2, 2)
        for pair, colour in zip(PAIRS, _COLOURS, strict=False):
            runs = of_form(runner.found, pair.content, size, "isotropic")
            weights = [run.tv_weight for run, _ in runs]
            for axes, values, label in (
                (noise, [found.noise for _, found in runs], pair.content),
                (colours, [found.spread for _, found in runs], f"{pair.content}, pixels"),
            ):
                axes.plot(weights, values, color=colour, label=label)
            blotches = [found.blotches for _, found in runs]
            colours.plot(
                weights, blotches, "--", color=colour, label=f"{pair.content}, means of 4×4"
            )
        _draw_alternation(alternation, runner, size)
        _draw_forms(forms, runner, size)
        noise.set_title("Noise in flat parts, levels of 255")
        colours.set_title("Spread of colour in a uniform region, levels of 255")
        for axes in (noise, alternation, colours):
            axes.set_xscale("symlog", linthresh=0.3)
            axes.set_xticks(WEIGHTS, [format_value(weight) for weight in WEIGHTS])
            axes.minorticks_off()
            axes.set_xlabel("TV weight")
            axes.set_ylim(bottom=0)
            axes.legend()
        figure.savefig(path, metadata={"Software": None})


def _draw_alternation(axes: Axes, runner: Runner, size: int) -> None:
    content = PAIRS[0].content
    runs = of_form(runner.found, content, size, "isotropic")
    for name, colour in zip(("columns", "rows", "checkerboard"), _COLOURS, strict=True):
        values = [getattr(found, name) for _, found in runs]
        axes.plot([run.tv_weight for run, _ in runs], values, color=colour, label=name)
    white = [WHITE_NOISE_SHARE * found.noise for _, found in runs]
    axes.plot(
        [run.tv_weight for run, _ in runs],
        white,
        ":",
        color=_AXIS,
        marker="",
        label="independent noise",
    )
    axes.set_title(f"Alternating pixels in flat parts of the {content}, levels of 255")


def _draw_forms(axes: Axes, runner: Runner, size: int) -> None:
    for (form, _), colour in zip(GRIDS.items(), _COLOURS, strict=True):
        for pair, line in zip(PAIRS, ("-", "--"), strict=True):
            runs = of_form(runner.found, pair.content, size, form)
            if not runs:
                continue
            axes.plot(
                [found.noise for _, found in runs],
                [found.edges for _, found in runs],
                line,
                color=colour,
                label=f"{pair.content}, {form}",
            )
    axes.set_title("Edge sharpness at equal noise: higher is better")
    axes.set_xlabel("noise in flat parts, levels of 255")
    axes.legend(fontsize=8, loc="lower right")


def _axis(weights: Sequence[float]) -> Axis:
    return Axis("TV", [format_value(weight) for weight in weights])


def _crops(runner: Runner, axes: tuple[Axis, ...], runs: Sequence[Run], footer: str) -> Image.Image:
    """A contact sheet of enlarged crops."""
    pictures = [_crop(runner, run) for run in runs]
    sheet = ContactSheet(axes, pictures[0].size, f"{footer}, enlarged {ZOOM} times")
    for number, picture in enumerate(pictures):
        sheet.paste(number, picture)
    return sheet.image


def _crop(runner: Runner, run: Run) -> Image.Image:
    """The enlarged crop around the detail of the pair."""
    picture = to_picture(runner.stylize(run).image)
    pair = runner.pairs[run.content]
    left, top = (
        min(max(0, round(fraction * side - CROP / 2)), max(0, side - CROP))
        for fraction, side in zip(pair.detail, picture.size, strict=True)
    )
    cropped = picture.crop((left, top, left + CROP, top + CROP))
    return cropped.resize((CROP * ZOOM, CROP * ZOOM), Image.Resampling.NEAREST)


def _save(picture: Image.Image, path: Path) -> None:
    picture.save(path, quality=_QUALITY, optimize=True)
