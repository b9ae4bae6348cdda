"""EXIF blocks, read and written entry by entry, so that what is kept is kept byte for byte.

Pillow reads values and writes them anew: letters beyond ASCII are lost, and
types are guessed. Here an entry's bytes are never looked into.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

TEXT, SHORT, LONG, UNDEFINED = 2, 3, 4, 7
"""TIFF's numbers for the types that are written here."""

ORIENTATION = 0x0112
"""How the stored picture must be turned to be upright."""

SOFTWARE = 0x0131
"""The program that made the picture."""

USER_COMMENT = 0x9286
"""Words about the picture, behind eight bytes that name their character code."""

_PHOTO, _GPS = 0x8769, 0x8825  # where the other two directories begin
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_HEADS = {b"II*\0": "<", b"MM\0*": ">"}


class Entry(NamedTuple):
    """What one tag says."""

    kind: int
    """TIFF's number for the type of its values, 1 to 13."""

    data: bytes
    """The values one after the other, in the byte order of the block."""


Directory = dict[int, Entry]
"""Entries by tag."""


@dataclass(frozen=True, kw_only=True)
class Exif:
    """A block's three directories; thumbnails and what makers nest are no part of it."""

    order: str = "<"
    """The byte order: ``<`` little-endian, ``>`` big-endian."""

    image: Directory = field(default_factory=dict)
    """About the picture file; in a TIFF also how its pixels lie."""

    photo: Directory = field(default_factory=dict)
    """About the exposure."""

    gps: Directory = field(default_factory=dict)
    """About the place."""

    def numbers(self, kind: int, *values: int) -> Entry:
        """Make an entry of whole numbers.

        Args:
            kind: `SHORT` or `LONG`.
            values: That fit the type.
        """
        letter = {SHORT: "H", LONG: "I"}[kind]
        return Entry(kind, struct.pack(f"{self.order}{len(values)}{letter}", *values))

    def to_bytes(self, between: bytes = b"") -> bytes:
        """Write the block as a TIFF does.

        Args:
            between: What is to lie between the header, of 8 bytes, and the
                directories: the pixels, if the block is a TIFF.

        Returns:
            The block, without the ``Exif`` that goes before it in a JPEG.
        """
        between += b"\0" * (len(between) % 2)  # a directory begins at an even byte
        places = {tag: 0 for tag, part in ((_PHOTO, self.photo), (_GPS, self.gps)) if part}
        start = 8 + len(between)
        at = start + len(self._main(places, start))
        body = b""
        for tag in places:
            places[tag] = at + len(body)
            body += self._write(self.photo if tag == _PHOTO else self.gps, places[tag])
        head = next(head for head, order in _HEADS.items() if order == self.order)
        return b"".join(
            [head, struct.pack(f"{self.order}I", start), between, self._main(places, start), body]
        )

    def _main(self, places: dict[int, int], start: int) -> bytes:
        pointers = {tag: self.numbers(LONG, place) for tag, place in places.items()}
        return self._write(self.image | pointers, start)

    def _write(self, entries: Directory, start: int) -> bytes:
        """Write a directory that begins at a byte of the block, and the values behind it."""
        rows, values = [], b""
        behind = start + 2 + 12 * len(entries) + 4
        for tag, (kind, data) in sorted(entries.items()):
            value = data.ljust(4, b"\0")
            if len(data) > 4:
                value = struct.pack(f"{self.order}I", behind + len(values))
                values += data + b"\0" * (len(data) % 2)
            count = len(data) // _SIZES[kind]
            rows.append(struct.pack(f"{self.order}HHI", tag, kind, count) + value)
        return b"".join([struct.pack(f"{self.order}H", len(rows)), *rows, bytes(4), values])


def parse_exif(block: bytes) -> tuple[Exif, bool]:
    """Read a block, and of a damaged one what can be read.

    Args:
        block: As in a JPEG, or a TIFF itself; empty: there is none.

    Returns:
        What it says, and whether it was whole.
    """
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    if not block:
        return Exif(), True
    order = _HEADS.get(block[:4])
    if order is None or len(block) < 8:
        return Exif(), False
    (start,) = struct.unpack_from(f"{order}I", block, 4)
    image, whole = _read(block, order, start)
    parts = {}
    for name, tag in (("photo", _PHOTO), ("gps", _GPS)):
        pointer = image.pop(tag, None)
        if pointer is not None:
            place = int.from_bytes(pointer.data, "little" if order == "<" else "big")
            parts[name], sound = _read(block, order, place)
            whole &= sound
    return Exif(order=order, image=image, **parts), whole


def _read(block: bytes, order: str, start: int) -> tuple[Directory, bool]:
    """Read the directory at a byte of the block, and say whether it was whole."""
    head = block[start : start + 2]
    if len(head) < 2:
        return {}, False
    (count,) = struct.unpack(f"{order}H", head)
    entries: Directory = {}
    whole, left = True, len(block)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        row = block[place : place + 12]
        if len(row) < 12 or left < 0:  # entries that share bytes could be endless
            return entries, False
        tag, kind, number, offset = struct.unpack(f"{order}HHII", row)
        size = number * _SIZES.get(kind, 0)
        data = row[8 : 8 + size] if size <= 4 else block[offset : offset + size]
        left -= len(data)
        if size and len(data) == size:
            entries[tag] = Entry(kind, data)
        else:
            whole &= kind in _SIZES and number == 0
    return entries, whole
