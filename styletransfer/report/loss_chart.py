"""The curves of the terms over a run, as a drawing within a page."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    from styletransfer.runs.loss_log import Entry

CURVES = {
    "total": "loss",
    "weighted_content": "content",
    "weighted_style": "style",
    "weighted_tv": "tv",
}
"""What is drawn, by field of an entry, and what it is called."""

_START = 2  # steps
_INCHES = (5.6, 3.2)
_INK, _RELATIVE_FLOOR = "#010203", "#040506"
# Matplotlib knows no colours of the page; these stand for them until the end.
_COLOURS = {
    _INK: "currentColor",
    _RELATIVE_FLOOR: "var(--line)",
    "#0a0001": "var(--total)",
    "#0a0002": "var(--content)",
    "#0a0003": "var(--style)",
    "#0a0004": "var(--tv)",
}
_STYLES = dict(zip(CURVES, ("#0a0001", "#0a0002", "#0a0003", "#0a0004"), strict=True))
_DASHES: dict[str, Any] = {
    "total": "-",
    "weighted_content": (0, (6, 2)),
    "weighted_style": "-",
    "weighted_tv": (0, (2, 1.5)),
}
_LOOK: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _RELATIVE_FLOOR,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.min_exponent": 4,
    "xtick.color": _RELATIVE_FLOOR,
    "ytick.color": _RELATIVE_FLOOR,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "grid.color": _RELATIVE_FLOOR,
    "grid.linewidth": 0.5,
}


def limits(runs: Sequence[Sequence[Entry]]) -> tuple[float, float] | None:
    """The range of loss in which the curves of all runs are drawn, so that they can be compared.

    Args:
        runs: The entries of each.

    Returns:
        From a little below the lowest value of a term to a little above the
        highest. The first two steps may come from below, since a start from
        the content has almost no content error. None: no value is above 0, and
        so there is no curve.
    """
    points = [point for entries in runs for name in CURVES for point in _points(entries, name)]
    values = [value for _, value in points]
    settled = [value for iteration, value in points if iteration > _START]
    return (min(settled or values) / 1.3, max(values) * 1.3) if values else None


def draw(entries: Sequence[Entry], within: tuple[float, float], name: str) -> str:
    """Draw the weighted terms and their sum, on a scale of logarithms, over the steps of a run.

    A line across marks where each size begins. A term that is 0 throughout has
    no curve. Colours are those of the page: ``currentColor`` and the variables
    ``--line``, ``--total``, ``--content``, ``--style`` and ``--tv``.

    Args:
        entries: Of the run; one at least.
        within: The lowest and the highest loss that is shown, above 0.
        name: Of the drawing, told from all others on the page.

    Returns:
        An ``<svg>`` element; its text is text.
    """
    # Where it has no folder for its list of fonts, it would say so to nobody's use.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator

    look: Any = {**_LOOK, "svg.hashsalt": name}
    with mpl.rc_context(look):
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.add_subplot()
        _draw_sizes(axes, entries)
        for field, label in CURVES.items():
            points = _points(entries, field)
            if points:
                axes.plot(
                    *zip(*points, strict=True),
                    color=_STYLES[field],
                    linestyle=_DASHES[field],
                    linewidth=2.4 if field == "total" else 1.6,
                    label=label,
                    # A single point has no line to be seen by.
                    marker="o" if len(points) == 1 else "",
                )
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_ylim(within)
        axes.set_xlim(0.5, len(entries) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlabel("step")
        axes.set_ylabel("weighted loss")
        axes.grid(visible=True, axis="y")
        axes.minorticks_off()
        figure.legend(loc="outside upper left", ncols=4, frameon=False, handlelength=1.8)
        drawing = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(drawing, format="svg", transparent=True, metadata=nothing)
    return _as_element(drawing.getvalue(), name)


def _points(entries: Sequence[Entry], name: str) -> list[tuple[int, float]]:
    """Steps and values of a curve, those without a logarithm left out."""
    values = ((entry.iteration, float(getattr(entry, name))) for entry in entries)
    return [(iteration, value) for iteration, value in values if value > 0]


def _draw_sizes(axes: Axes, entries: Sequence[Entry]) -> None:
    for start, side in _sizes(entries):
        if start > 1:
            axes.axvline(start - 0.5, color=_RELATIVE_FLOOR, linewidth=1)
        axes.annotate(
            f"{side} px",
            (start - 0.5, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            fontsize=9.5,
        )


def _sizes(entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    """The first step at each size, and the longest side in pixels."""
    before = None
    for entry in entries:
        if entry[2:4] != before:
            yield entry.iteration, max(entry.width, entry.height)
        before = entry[2:4]


def _as_element(drawing: str, name: str) -> str:
    """Take the element out of a document, and name nothing that is named elsewhere on the page."""
    element = re.sub(
        r"^.*?<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>",
        r'<svg \1 role="img" aria-label="Curves of the loss and its terms over the steps">',
        drawing.strip(),
        count=1,
        flags=re.DOTALL,
    )
    # Its rules would hold for the page, whose letters are to be the drawing's as well.
    element = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", element, flags=re.DOTALL)
    element = re.sub(r"font-family: [^;\"]*; ", "", element)
    element = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", element)
    for stand_in, colour in _COLOURS.items():
        element = element.replace(stand_in, colour)
    return element
