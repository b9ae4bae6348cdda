"""The measurements as a text table and as JSON."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """The limit of a measured value."""

    relation: str
    """``<``, ``≤`` or ``≥``."""

    limit: float
    """The limit, in the unit of the value."""

    def holds(self, value: float) -> bool:
        """Whether a value keeps the limit; NaN does not.

        Example:
            >>> Bar("≤", 1.6).holds(1.6), Bar("<", 4).holds(4)
            (True, False)
        """
        if self.relation == "≥":
            return value >= self.limit
        return value < self.limit or (self.relation == "≤" and value == self.limit)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    part: str
    """The part of the benchmarks."""

    what: str
    """What was measured."""

    samples: Sequence[float]
    """The measurements, at least one; infinite if a loss was not reached."""

    unit: str = ""
    """Unit of the samples; × for a ratio."""

    bar: Bar | None = None
    """The limit of the median."""

    @property
    def value(self) -> float:
        """The median of the samples."""
        return median(self.samples)

    @property
    def verdict(self) -> str:
        """``held`` or ``MISSED``; empty without a limit."""
        if self.bar is None:
            return ""
        return "held" if self.bar.holds(self.value) else "MISSED"


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Divide alternate measurements pair by pair, since a busy machine slows both of a pair.

    Example:
        >>> ratios([2.0, 6.0], [1.0, 2.0])
        [2.0, 3.0]
    """
    return [a / b for a, b in zip(above, below, strict=True)]


def format_table(rows: Sequence[Row], processor: str) -> str:
    """Format rows as text: median, range, limit, and whether it is kept.

    Args:
        rows: The rows in order, grouped by part.
        processor: The class of the processor.

    Returns:
        The table, with a heading for each part, which names the processor.
    """
    lines = [_cells(row) for row in rows]
    heads = ("", "median", "lowest–highest", "bar", "")
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    text = [_line(heads, widths)]
    cells = iter(lines)
    for part, group in groupby(rows, key=lambda row: row.part):
        text += ["", f"{part}, {processor}", *(_line(next(cells), widths) for _ in group)]
    return "\n".join(text)


def as_json(rows: Sequence[Row], processor: str) -> list[dict[str, Any]]:
    """Describe rows for JSON; infinity becomes null.

    Args:
        rows: The rows in order.
        processor: The class of the processor.

    Returns:
        One object per row: part, processor, what, unit, median, samples, bar, held.
    """
    return [
        {
            "part": row.part,
            "processor": processor,
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
    """Align the label to the left and the figures to the right; the verdict comes last."""
    first, *figures, verdict = cells
    right = (figure.rjust(width) for figure, width in zip(figures, widths[1:-1], strict=True))
    return "  ".join((first.ljust(widths[0]), *right, verdict)).rstrip()


def _number(value: float) -> str:
    """Three significant digits, or all integer digits."""
    if math.isinf(value):
        return "not reached"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
