"""The contact sheet: the results of a sweep side by side, labelled with their values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence

# Pixels, except for _MAX_ENLARGEMENT, a factor, and _MAX_COLUMNS of a single axis.
_MAX_WIDTH, _MAX_HEIGHT = 2400, 3600
_MAX_CELL, _MIN_CELL = 512, 128
_ENLARGED_SIDE, _MAX_ENLARGEMENT = 400, 4
_MARGIN, _GAP = 40, 24
_MIN_TEXT, _MAX_TEXT = 16, 32
_MAX_COLUMNS = 6

_WHITE, _BLACK, _GREY, _RED = "white", "#1a1a1a", "#737373", "#b3001b"
_BORDER, _EMPTY = "#d4d4d4", "#f2f2f2"


@dataclass(frozen=True, slots=True)
class Axis:
    """What varies along one side of a sheet."""

    name: str
    """What the values are of, such as ``TV weight``."""

    values: Sequence[str]
    """The values in order."""


class ContactSheet:
    """Pictures on white, each in its own cell with a label.

    One axis makes a row, broken into lines of equal length if it is long, with
    a label above each picture. Two axes make a grid: the first runs down and has
    its labels on the left, the second runs across and has them at the top. Large
    pictures are scaled down, small ones are enlarged by an integer.

    Args:
        axes: One or two; the values of the last one change fastest.
        size: Width and height of the pictures in pixels.
        footer: A line for the lower left corner.
    """

    def __init__(self, axes: Sequence[Axis], size: tuple[int, int], footer: str) -> None:
        self.axes = axes
        if len(axes) == 1:
            self.number = len(axes[0].values)
            self.rows = math.ceil(self.number / _MAX_COLUMNS)
            self.columns = math.ceil(self.number / self.rows)
        else:
            self.rows, self.columns = (len(axis.values) for axis in axes)
            self.number = self.rows * self.columns
        self.cell = self._cell(size)
        self.text = min(_MAX_TEXT, max(_MIN_TEXT, self.cell[0] // 16))
        self.font = ImageFont.load_default(self.text)
        self.label = 2 * self.text
        self.left = _MARGIN + self._row_labels(self.font)
        widest = max(self._length(f"{axes[-1].name} {value}") for value in axes[-1].values)
        self.pitch = max(self.cell[0], widest) + _GAP
        self.image = Image.new("RGB", self._size(footer), _WHITE)
        self.draw = ImageDraw.Draw(self.image)
        self._draw_labels(footer)
        for number in range(self.number):
            self._draw_empty(number, "not made")

    def paste(self, number: int, picture: Image.Image | None, note: str = "") -> None:
        """Paste a picture into its cell.

        Args:
            number: The cell, from 0; the values of the last axis change fastest.
            picture: Mode RGB. None: the cell is empty.
            note: A word to write over it.
        """
        if picture is None:
            self._draw_empty(number, note)
            return
        left, top, right, bottom = self.box(number)
        width, height = _fit(picture.size, (right - left, bottom - top))
        x, y = left + (right - left - width) // 2, top + (bottom - top - height) // 2
        self.draw.rectangle((left, top, right - 1, bottom - 1), fill=_WHITE)
        self.draw.rectangle((x - 1, y - 1, x + width, y + height), outline=_BORDER)
        self.image.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (x, y))
        if note:
            self._draw_note(number, note)

    def box(self, number: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of a cell in pixels, without its label."""
        row, column = divmod(number, self.columns)
        left = self.left + column * self.pitch + (self.pitch - _GAP - self.cell[0]) // 2
        top = self._top(row)
        return left, top, left + self.cell[0], top + self.cell[1]

    def label_box(self, number: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the label above a cell in pixels."""
        row, column = divmod(number, self.columns)
        left, top = self.left + column * self.pitch, self._top(row if len(self.axes) == 1 else 0)
        return left, top - self.label, left + self.pitch - _GAP, top

    def row_label_box(self, row: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the label of a row of a grid in pixels."""
        top = self._top(row)
        return _MARGIN, top, self.left - _GAP, top + self.cell[1]

    def _cell(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of a cell: those of its picture, unless that is too large."""
        labels = self._row_labels(ImageFont.load_default(_MAX_TEXT))
        across = (_MAX_WIDTH - 2 * _MARGIN - labels) // self.columns - _GAP
        down = (_MAX_HEIGHT - 2 * _MARGIN) // self.rows - _GAP
        limits = [min(_MAX_CELL, max(_MIN_CELL, side)) for side in (across, down)]
        width, height = _fit(size, (limits[0], limits[1]))
        # The label of a row takes two lines, and a note one.
        return width, max(height, 3 * _MIN_TEXT)

    def _top(self, row: int) -> int:
        """The upper edge of the cells of a row, in pixels."""
        above = self.label if len(self.axes) == 1 else 0
        return _MARGIN + self.label + row * (self.cell[1] + _GAP + above)

    def _size(self, footer: str) -> tuple[int, int]:
        """Width and height of the sheet."""
        right = self.left + self.columns * self.pitch - _GAP
        bottom = self._top(self.rows - 1) + self.cell[1]
        width = max(right, _MARGIN + self._length(footer)) + _MARGIN
        return width, bottom + _GAP + self.label + _MARGIN // 2

    def _row_labels(self, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
        """Width of the labels on the left of a grid, with the gap after them."""
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
            self.draw.text((x + self.font.getlength(f"{name} "), y), value, _BLACK, self.font, "ls")
        for row, value in enumerate(self.axes[0].values if len(self.axes) == 2 else ()):
            _, top, right, bottom = self.row_label_box(row)
            middle = (top + bottom) / 2
            self.draw.text((right, middle), self.axes[0].name, _GREY, self.font, "rs")
            self.draw.text((right, middle + 1.25 * self.text), value, _BLACK, self.font, "rs")
        y = self.image.height - _MARGIN
        self.draw.text((_MARGIN, y), footer, _GREY, self.font, "ls")

    def _draw_empty(self, number: int, words: str) -> None:
        left, top, right, bottom = self.box(number)
        self.draw.rectangle((left, top, right - 1, bottom - 1), _EMPTY, _BORDER)
        self._draw_words(number, words, _GREY)

    def _draw_note(self, number: int, words: str) -> None:
        """Write a word on white, so that it is legible on any picture."""
        left, top, right, bottom = self.box(number)
        x, y = (left + right) / 2, (top + bottom) / 2
        half = self._length(words) / 2 + self.text / 2
        around = (x - half, y - self.text, x + half, y + self.text)
        self.draw.rounded_rectangle(around, self.text / 3, _WHITE, _BORDER)
        self._draw_words(number, words, _RED)

    def _draw_words(self, number: int, words: str, colour: str) -> None:
        left, top, right, bottom = self.box(number)
        self.draw.text(((left + right) / 2, (top + bottom) / 2), words, colour, self.font, "mm")


def _fit(size: tuple[int, int], limits: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a picture on the sheet, within limits."""
    factor = max(1, min(_MAX_ENLARGEMENT, _ENLARGED_SIDE // max(size)))
    scale = min(float(factor), limits[0] / size[0], limits[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
