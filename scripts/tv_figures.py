"""The figures of the study of total variation: contact sheets, enlarged parts, curves.

Part of `scripts/tv_study.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from scripts.tv_runs import PAIRS, Run
from scripts.tv_tables import GRIDS, TARGETS, WEIGHTS, WEIGHTS_OF_SIZES, matched, of_form
from styletransfer.images.tensors import to_picture
from styletransfer.runs.contact_sheet import Axis, ContactSheet
from styletransfer.runs.weight_grid import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from scripts.tv_runs import Studio
    from styletransfer.runs.weight_grid import Sweep

PART = 64
"""Side of the parts that are shown enlarged, in pixels."""

TIMES = 4
"""How often they are enlarged."""

_STRIP = (0.12, 0.2)
"""Where the parts of a strip begin, as shares of the sides; they are two thirds of these."""

_QUALITY = 85
_INK, _RELATIVE_FLOOR, _GRID = "#1a1a1a", "#737373", "#e4e4e4"
_COLOURS = ("#0b6ea8", "#d1601f", "#3a8f4d")
_LOOK: Any = {
    "axes.edgecolor": _RELATIVE_FLOOR,
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


class Row(NamedTuple):
    """A sweep over one weight, and what it found."""

    sweep: Sweep
    runs: Sequence[Run]


def draw_all(studio: Studio, size: int, sizes: Sequence[int], folder: Path) -> None:
    """Draw every figure of which the runs are there.

    Args:
        studio: Holds the runs.
        size: Longest side of most of them, in pixels.
        sizes: Those that are compared, in pixels.
        folder: Where the figures go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if Run(PAIRS[0].content, size, tv_weight=TARGETS[-1]) in studio.found:
        _save(draw_forms(studio, size), folder / "tv-forms.jpg")
        _save(draw_weights(studio, size), folder / "tv-weights.jpg")
        draw_curves(studio, size, folder / "tv-curves.png")
    if len({run.size for run in studio.found}) == len(sizes):
        _save(draw_sizes(studio, sizes), folder / "tv-sizes.jpg")


def draw_forms(studio: Studio, size: int) -> Image.Image:
    """The same part of a picture by each form, at equal noise; a row for each target."""
    pair = PAIRS[0]
    plain = Run(pair.content, size, tv_weight=0.0)
    rows = [
        [run for run, _ in matched(studio.found, pair.content, size, target)] for target in TARGETS
    ]
    axes = (
        Axis("As isotropic", [shown(target) for target in TARGETS]),
        Axis("Form", ["none", *GRIDS]),
    )
    runs = [run for row in rows for run in (plain, *row)]
    words = ", ".join(f"{run.form} {run.tv_weight:g}" for row in rows for run in row)
    return _parts(studio, axes, runs, f"TV weights: {words}")


def draw_weights(studio: Studio, size: int) -> Image.Image:
    """The same part of both pictures at each weight of the isotropic form."""
    rows = [[Run(pair.content, size, tv_weight=weight) for weight in WEIGHTS] for pair in PAIRS]
    rows = [runs for runs in rows if all(run in studio.found for run in runs)]
    axes = (Axis("Picture", [runs[0].content for runs in rows]), _axis(WEIGHTS))
    runs = [run for row in rows for run in row]
    return _parts(studio, axes, runs, f"{PART} by {PART} pixels of a picture of {size}")


def draw_sizes(studio: Studio, sizes: Sequence[int]) -> Image.Image:
    """The same place at each size: as many pixels of it, so less of the picture."""
    axes = (Axis("Longest side", [str(size) for size in sizes]), _axis(WEIGHTS_OF_SIZES))
    content = PAIRS[0].content
    runs = [Run(content, size, tv_weight=weight) for size in sizes for weight in WEIGHTS_OF_SIZES]
    return _parts(studio, axes, runs, f"{PART} by {PART} pixels around the same place")


def draw_sweep(studio: Studio, row: Row) -> Image.Image:
    """The contact sheet that the command makes of a sweep."""
    pictures = [to_picture(studio.paint(run)[0]) for run in row.runs]
    sheet = ContactSheet(row.sweep.axes, pictures[0].size, row.sweep.variants[0].constants)
    for number, picture in enumerate(pictures):
        sheet.place(number, picture)
    return sheet.image


def draw_sweeps(studio: Studio, rows: Sequence[Row], path: Path) -> None:
    """Several such sheets, one below the other, saved at a path."""
    sheets = [draw_sweep(studio, row) for row in rows]
    size = max(sheet.width for sheet in sheets), sum(sheet.height for sheet in sheets)
    whole = Image.new("RGB", size, "white")
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height
    _save(whole, path)


def draw_strip(studio: Studio, runs: Sequence[Run], path: Path) -> None:
    """The same part of some results, pixel by pixel, side by side, saved at a path."""
    pictures = [to_picture(studio.paint(run)[0]) for run in runs]
    left, top = (round(share * side) for share, side in zip(_STRIP, pictures[0].size, strict=True))
    width, height = (round(2 * side / 3) for side in pictures[0].size)
    strip = Image.new("RGB", (width * len(pictures), height))
    for number, picture in enumerate(pictures):
        part = picture.crop((left, top, left + width, top + height))
        strip.paste(part, (number * width, 0))
    _save(strip, path)


def draw_curves(studio: Studio, size: int, path: Path) -> None:
    """What the weight does to noise, checkerboards and colours, and the forms beside each other."""
    with mpl.rc_context(_LOOK):
        figure = Figure(figsize=(10, 7), layout="constrained")
        (noise, nyquist), (colours, forms) = figure.subplots(2, 2)
        for pair, colour in zip(PAIRS, _COLOURS, strict=False):
            runs = of_form(studio.found, pair.content, size, "isotropic")
            weights = [run.tv_weight for run, _ in runs]
            for axes, values, label in (
                (noise, [what.noise for _, what in runs], pair.content),
                (colours, [what.spread for _, what in runs], f"{pair.content}, pixels"),
            ):
                axes.plot(weights, values, color=colour, label=label)
            blotches = [what.blotches for _, what in runs]
            colours.plot(
                weights, blotches, "--", color=colour, label=f"{pair.content}, means of 4×4"
            )
        _draw_nyquist(nyquist, studio, size)
        _draw_forms(forms, studio, size)
        noise.set_title("Noise in flat parts, levels of 255")
        colours.set_title("Spread of colour in one region, levels of 255")
        for axes in (noise, nyquist, colours):
            axes.set_xscale("symlog", linthresh=0.3)
            axes.set_xticks(WEIGHTS, [shown(weight) for weight in WEIGHTS])
            axes.minorticks_off()
            axes.set_xlabel("TV weight")
            axes.set_ylim(bottom=0)
            axes.legend()
        figure.savefig(path, metadata={"Software": None})


def _draw_nyquist(axes: Axes, studio: Studio, size: int) -> None:
    content = PAIRS[0].content
    runs = of_form(studio.found, content, size, "isotropic")
    for name, colour in zip(("columns", "rows", "checkerboard"), _COLOURS, strict=True):
        values = [getattr(what, name) for _, what in runs]
        axes.plot([run.tv_weight for run, _ in runs], values, color=colour, label=name)
    white = [0.196 * what.noise for _, what in runs]
    axes.plot(
        [run.tv_weight for run, _ in runs],
        white,
        ":",
        color=_RELATIVE_FLOOR,
        marker="",
        label="if independent",
    )
    axes.set_title(f"Every second pixel, in flat parts of the {content}, levels of 255")


def _draw_forms(axes: Axes, studio: Studio, size: int) -> None:
    for (form, _), colour in zip(GRIDS.items(), _COLOURS, strict=True):
        for pair, line in zip(PAIRS, ("-", "--"), strict=True):
            runs = of_form(studio.found, pair.content, size, form)
            if not runs:
                continue
            axes.plot(
                [what.noise for _, what in runs],
                [what.edges for _, what in runs],
                line,
                color=colour,
                label=f"{pair.content}, {form}",
            )
    axes.set_title("Edge sharpness at equal noise: above is better")
    axes.set_xlabel("noise in flat parts, levels of 255")
    axes.legend(fontsize=8, loc="lower right")


def _axis(weights: Sequence[float]) -> Axis:
    return Axis("TV", [shown(weight) for weight in weights])


def _parts(studio: Studio, axes: tuple[Axis, ...], runs: Sequence[Run], footer: str) -> Image.Image:
    """A sheet of parts, each pixel of them shown as a square."""
    pictures = [_part(studio, run) for run in runs]
    sheet = ContactSheet(axes, pictures[0].size, f"{footer}, enlarged {TIMES} times")
    for number, picture in enumerate(pictures):
        sheet.place(number, picture)
    return sheet.image


def _part(studio: Studio, run: Run) -> Image.Image:
    """The part around the detail of the pair, of equal size for all runs."""
    image, _ = studio.paint(run)
    picture = to_picture(image)
    pair = studio.pairs[run.content]
    left, top = (
        min(max(0, round(share * side - PART / 2)), max(0, side - PART))
        for share, side in zip(pair.detail, picture.size, strict=True)
    )
    part = picture.crop((left, top, left + PART, top + PART))
    return part.resize((PART * TIMES, PART * TIMES), Image.Resampling.NEAREST)


def _save(picture: Image.Image, path: Path) -> None:
    picture.save(path, quality=_QUALITY, optimize=True)
