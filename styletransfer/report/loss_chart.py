"""Chart of the loss and its terms over the iterations of a run, as SVG."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    from styletransfer.runs.loss_log import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of one colour scheme, as ``#rrggbb``; the page's style sheet uses them too."""

    ink: str
    """Text, and the curve of the whole loss."""

    line: str
    """Axes and grid."""

    content: str
    style: str
    tv: str


LIGHT = Palette(ink="#211f1b", line="#d9d4c8", content="#1f6fb5", style="#b8480f", tv="#2f7d3b")
DARK = Palette(ink="#ebe7df", line="#3a3733", content="#7db7ee", style="#f2a26b", tv="#8bcf92")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Curve:
    label: str

    field: str
    """The field of `Entry` that is drawn."""

    colour: str
    """A field of `Palette`."""

    width: float = 1.6  # points
    dashes: Any = "-"


_CURVES = (
    _Curve(label="loss", field="total", colour="ink", width=2.4),
    _Curve(label="content", field="weighted_content", colour="content", dashes=(0, (6, 2))),
    _Curve(label="style", field="weighted_style", colour="style"),
    _Curve(label="tv", field="weighted_tv", colour="tv", dashes=(0, (2, 1.5))),
)

_START = 2  # iterations
_INCHES = (5.6, 3.2)


def axis_limits(runs: Sequence[Sequence[Entry]]) -> tuple[float, float] | None:
    """Choose one loss axis for several runs, so that their charts can be compared.

    The first two iterations do not lower the minimum: a run that starts from
    the content has almost no content loss there.

    Args:
        runs: The log entries of each run.

    Returns:
        The lowest and the highest loss on the axis; None if no value is
        positive, since the axis is logarithmic.
    """
    points = [point for entries in runs for curve in _CURVES for point in _points(entries, curve)]
    values = [value for _, value in points]
    settled = [value for iteration, value in points if iteration > _START]
    return (min(settled or values) / 1.3, max(values) * 1.3) if values else None


def draw_chart(entries: Sequence[Entry], limits: tuple[float, float], palette: Palette) -> str:
    """Draw the loss and its weighted terms over the iterations of a run.

    The loss axis is logarithmic. Vertical lines mark where each size of the
    pyramid begins. A term that is 0 throughout has no curve.

    Args:
        entries: The log entries of the run, at least one.
        limits: The lowest and the highest loss on the axis, both positive.
        palette: The colours; the background is transparent.

    Returns:
        An SVG document. The same arguments give the same text.
    """
    # Without a writable cache folder, matplotlib logs a warning that is of no use here.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_style(palette)):
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.add_subplot()
        _mark_sizes(axes, entries, palette)
        for curve in _CURVES:
            _draw_curve(axes, _points(entries, curve), curve, palette)
        _set_up_axes(axes, len(entries), limits)
        figure.legend(loc="outside upper left", ncols=4, frameon=False, handlelength=1.8)
        drawing = io.StringIO()
        figure.savefig(drawing, format="svg", transparent=True, metadata={"Date": None})
    return drawing.getvalue()


def _style(palette: Palette) -> Any:
    """Matplotlib settings; a fixed salt makes the ids in the SVG reproducible."""
    return {
        "svg.hashsalt": "stylize",
        "svg.fonttype": "path",
        "font.size": 11,
        "text.color": palette.ink,
        "axes.labelcolor": palette.ink,
        "axes.edgecolor": palette.line,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.formatter.min_exponent": 4,
        "xtick.color": palette.line,
        "ytick.color": palette.line,
        "xtick.labelcolor": palette.ink,
        "ytick.labelcolor": palette.ink,
        "grid.color": palette.line,
        "grid.linewidth": 0.5,
    }


def _points(entries: Sequence[Entry], curve: _Curve) -> list[tuple[int, float]]:
    """Iterations and values of a curve, without those that have no logarithm."""
    values = ((entry.iteration, float(getattr(entry, curve.field))) for entry in entries)
    return [(iteration, value) for iteration, value in values if value > 0]


def _draw_curve(
    axes: Axes, points: Sequence[tuple[int, float]], curve: _Curve, palette: Palette
) -> None:
    if points:
        axes.plot(
            *zip(*points, strict=True),
            color=getattr(palette, curve.colour),
            linestyle=curve.dashes,
            linewidth=curve.width,
            label=curve.label,
            # A line through a single point is invisible.
            marker="o" if len(points) == 1 else "",
        )


def _set_up_axes(axes: Axes, iterations: int, limits: tuple[float, float]) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylim(limits)
    axes.set_xlim(0.5, iterations + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("iteration")
    axes.set_ylabel("weighted loss")
    axes.grid(visible=True, axis="y")
    axes.minorticks_off()


def _mark_sizes(axes: Axes, entries: Sequence[Entry], palette: Palette) -> None:
    for start, longest in _sizes(entries):
        if start > 1:
            axes.axvline(start - 0.5, color=palette.line, linewidth=1)
        axes.annotate(
            f"{longest} px",
            (start - 0.5, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            fontsize=9.5,
        )


def _sizes(entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    """For each size of the pyramid, its first iteration and its longest side in pixels."""
    before = None
    for entry in entries:
        size = (entry.width, entry.height)
        if size != before:
            yield entry.iteration, max(size)
        before = size
