"""The contact sheet: the results of a sweep side by side, with their values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Pixels, but for the counts in _MOST_TIMES and _ACROSS.
_WIDEST, _HIGHEST = 2400, 3600
_LARGEST, _SMALLEST = 512, 128
_ENLARGED, _MOST_TIMES = 400, 4
_MARGIN, _GAP = 40, 24
_TEXT = (16, 32)
_ACROSS = 6

_PAPER, _INK, _GREY, _RED = "white", "#1a1a1a", "#737373", "#b3001b"
_LINE, _EMPTY = "#d4d4d4", "#f2f2f2"


class Axis(NamedTuple):
    """What varies along one side of a sheet."""

    name: str
    """What the values are of, such as ``TV weight``."""

    values: Sequence[str]
    """In their order."""


class SheetResult(NamedTuple):
    """A contact sheet that lies whole at its path."""

    path: Path
    """Where it was saved."""

    content: Path
    """What its pictures repaint."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""


class ContactSheet:
    """Pictures on white, each in a place of its own under the values that made it.

    One axis makes a row, broken into lines of equal length where it is long,
    with a label above each picture. Two axes make a grid: the first goes down
    and has its labels at the left, the second goes across and has them on top.
    A large picture is scaled down, a draft enlarged by a whole number.

    Args:
        axes: One or two; the values of the last one change fastest.
        size: Width and height of the pictures in pixels.
        footer: A line for the lower left corner.
    """

    def __init__(self, axes: Sequence[Axis], size: tuple[int, int], footer: str) -> None:
        self.axes = axes
        if len(axes) == 1:
            self.number = len(axes[0].values)
            self.rows = math.ceil(self.number / _ACROSS)
            self.columns = math.ceil(self.number / self.rows)
        else:
            self.rows, self.columns = (len(axis.values) for axis in axes)
            self.number = self.rows * self.columns
        self.cell = self._cell(size)
        low, high = _TEXT
        self.text = min(high, max(low, self.cell[0] // 16))
        self.font = ImageFont.load_default(self.text)
        self.label = 2 * self.text
        self.left = _MARGIN + self._row_labels(self.font)
        widest = max(self._length(f"{axes[-1].name} {value}") for value in axes[-1].values)
        self.pitch = max(self.cell[0], widest) + _GAP
        self.image = Image.new("RGB", self._extent(footer), _PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self._draw_labels(footer)
        for number in range(self.number):
            self._draw_empty(number, "not painted")

    def place(self, number: int, picture: Image.Image | None, note: str = "") -> None:
        """Put a picture into its place.

        Args:
            number: Of the place, from 0, the values of the last axis changing
                fastest.
            picture: Mode RGB; None: there is none.
            note: A word to be written over it.
        """
        if picture is None:
            self._draw_empty(number, note)
            return
        left, top, right, bottom = self.box(number)
        width, height = _fitted(picture.size, (right - left, bottom - top))
        x, y = left + (right - left - width) // 2, top + (bottom - top - height) // 2
        self.draw.rectangle((left, top, right - 1, bottom - 1), fill=_PAPER)
        self.draw.rectangle((x - 1, y - 1, x + width, y + height), outline=_LINE)
        self.image.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (x, y))
        if note:
            self._draw_note(number, note)

    def box(self, number: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of a place in pixels, without its label."""
        row, column = divmod(number, self.columns)
        left = self.left + column * self.pitch + (self.pitch - _GAP - self.cell[0]) // 2
        top = self._top(row)
        return left, top, left + self.cell[0], top + self.cell[1]

    def label_box(self, number: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the label above a place in pixels."""
        row, column = divmod(number, self.columns)
        left, top = self.left + column * self.pitch, self._top(row if len(self.axes) == 1 else 0)
        return left, top - self.label, left + self.pitch - _GAP, top

    def row_label_box(self, row: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the label at the left of a grid's row in pixels."""
        top = self._top(row)
        return _MARGIN, top, self.left - _GAP, top + self.cell[1]

    def _cell(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of a place: those of its picture where that is not too large."""
        labels = self._row_labels(ImageFont.load_default(_TEXT[1]))
        across = (_WIDEST - 2 * _MARGIN - labels) // self.columns - _GAP
        down = (_HIGHEST - 2 * _MARGIN) // self.rows - _GAP
        room = tuple(min(_LARGEST, max(_SMALLEST, side)) for side in (across, down))
        width, height = _fitted(size, (room[0], room[1]))
        # A row's label takes two lines, and a note one.
        return width, max(height, 3 * _TEXT[0])

    def _top(self, row: int) -> int:
        """Where the places of a row begin, in pixels from the top."""
        above = self.label if len(self.axes) == 1 else 0
        return _MARGIN + self.label + row * (self.cell[1] + _GAP + above)

    def _extent(self, footer: str) -> tuple[int, int]:
        """Width and height of the whole sheet."""
        right = self.left + self.columns * self.pitch - _GAP
        bottom = self._top(self.rows - 1) + self.cell[1]
        width = max(right, _MARGIN + self._length(footer)) + _MARGIN
        return width, bottom + _GAP + self.label + _MARGIN // 2

    def _row_labels(self, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
        """Width of the labels at the left of a grid, with the gap after them."""
        if len(self.axes) == 1:
            return 0
        words = (self.axes[0].name, *self.axes[0].values)
        return math.ceil(max(font.getlength(word) for word in words)) + _GAP

    def _length(self, words: str) -> int:
        return math.ceil(self.font.getlength(words))

    def _draw_labels(self, footer: str) -> None:
        name = self.axes[-1].name
        for number in range(self.number if len(self.axes) == 1 else self.columns):
            left, top, right, bottom = self.label_box(number)
            value = self.axes[-1].values[number]
            x = (left + right - self._length(f"{name} {value}")) / 2
            y = bottom - (bottom - top) / 3
            self.draw.text((x, y), f"{name} ", _GREY, self.font, "ls")
            self.draw.text((x + self.font.getlength(f"{name} "), y), value, _INK, self.font, "ls")
        for row, value in enumerate(self.axes[0].values if len(self.axes) == 2 else ()):
            _, top, right, bottom = self.row_label_box(row)
            middle = (top + bottom) / 2
            self.draw.text((right, middle), self.axes[0].name, _GREY, self.font, "rs")
            self.draw.text((right, middle + 1.25 * self.text), value, _INK, self.font, "rs")
        y = self.image.height - _MARGIN
        self.draw.text((_MARGIN, y), footer, _GREY, self.font, "ls")

    def _draw_empty(self, number: int, words: str) -> None:
        left, top, right, bottom = self.box(number)
        self.draw.rectangle((left, top, right - 1, bottom - 1), _EMPTY, _LINE)
        self._draw_words(number, words, _GREY)

    def _draw_note(self, number: int, words: str) -> None:
        """A word on white, which is legible on any picture."""
        left, top, right, bottom = self.box(number)
        x, y = (left + right) / 2, (top + bottom) / 2
        half = self._length(words) / 2 + self.text / 2
        around = (x - half, y - self.text, x + half, y + self.text)
        self.draw.rounded_rectangle(around, self.text / 3, _PAPER, _LINE)
        self._draw_words(number, words, _RED)

    def _draw_words(self, number: int, words: str, colour: str) -> None:
        left, top, right, bottom = self.box(number)
        self.draw.text(((left + right) / 2, (top + bottom) / 2), words, colour, self.font, "mm")


def _fitted(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """Width and height that a picture is shown with, where there is some room."""
    times = max(1, min(_MOST_TIMES, _ENLARGED // max(size)))
    scale = min(float(times), room[0] / size[0], room[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
