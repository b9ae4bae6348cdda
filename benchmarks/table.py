"""What was measured, as one table for people and as JSON for everything else."""

import math
from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import Any, NamedTuple


class Bar(NamedTuple):
    """What a measured value is held against."""

    relation: str
    """``<``, ``≤`` or ``≥``."""

    limit: float
    """In the unit of the value."""

    def holds(self, value: float) -> bool:
        """Whether a value is on the right side; one that is no number is not.

        Example:
            >>> Bar("≤", 1.6).holds(1.6), Bar("<", 4).holds(4)
            (True, False)
        """
        if self.relation == "≥":
            return value >= self.limit
        return value < self.limit or (self.relation == "≤" and value == self.limit)


class Row(NamedTuple):
    """One line of the table."""

    part: str
    """Which part of the benchmarks it belongs to."""

    what: str
    """What was measured."""

    samples: Sequence[float]
    """Each measurement, one or more; infinite if it was not reached."""

    unit: str = ""
    """Of the samples; × for a ratio."""

    bar: Bar | None = None
    """What the median is held against."""

    @property
    def value(self) -> float:
        """The median of the samples."""
        return median(self.samples)

    @property
    def verdict(self) -> str:
        """``held``, ``MISSED``, or nothing where there is no bar."""
        if self.bar is None:
            return ""
        return "held" if self.bar.holds(self.value) else "MISSED"


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Divide what was measured in turns, pair by pair: a slow minute slows both.

    Example:
        >>> ratios([2.0, 6.0], [1.0, 2.0])
        [2.0, 3.0]
    """
    return [a / b for a, b in zip(above, below, strict=True)]


def format_table(rows: Sequence[Row]) -> str:
    """Lay out rows as text: median, lowest to highest, bar, and whether it holds.

    Args:
        rows: In order; those of one part stand together.

    Returns:
        Lines, each part under its name.
    """
    lines = [_cells(row) for row in rows]
    heads = ("", "median", "lowest–highest", "bar", "")
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    text = [_line(heads, widths)]
    cells = iter(lines)
    for part, group in groupby(rows, key=lambda row: row.part):
        text += ["", part, *(_line(next(cells), widths) for _ in group)]
    return "\n".join(text)


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Describe rows for JSON, which knows no infinity: that is null.

    Args:
        rows: In order.

    Returns:
        An object a row: part, what, unit, median, samples, bar, held.
    """
    return [
        {
            "part": row.part,
            "what": row.what,
            "unit": row.unit,
            "median": _finite(row.value),
            "samples": [_finite(sample) for sample in row.samples],
            "bar": None if row.bar is None else f"{row.bar.relation} {row.bar.limit:g}",
            "held": None if row.bar is None else row.bar.holds(row.value),
        }
        for row in rows
    ]


def _cells(row: Row) -> tuple[str, ...]:
    spread = ""
    if len(row.samples) > 1:
        spread = f"{_number(min(row.samples))}–{_number(max(row.samples))}"
    bar = "" if row.bar is None else f"{row.bar.relation} {row.bar.limit:g}"
    value = _number(row.value) + (f" {row.unit}" if row.unit and math.isfinite(row.value) else "")
    return (f"  {row.what}", value, spread, bar, row.verdict)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """What was measured stands left, figures stand right, the verdict after them."""
    first, *figures, verdict = cells
    right = (figure.rjust(width) for figure, width in zip(figures, widths[1:-1], strict=True))
    return "  ".join((first.ljust(widths[0]), *right, verdict)).rstrip()


def _number(value: float) -> str:
    """Three digits, and all those before the point."""
    if math.isinf(value):
        return "not reached"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
