"""Reading EXIF blocks.

Values are kept as bytes, since Pillow would re-encode text and guess types.

References:
    TIFF 6.0, section 2; Exif 2.32, section 4.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ASCII, SHORT, LONG, UNDEFINED = 2, 3, 4, 7
"""TIFF's numbers for the value types that this package writes."""

LITTLE_ENDIAN, BIG_ENDIAN = b"II*\0" + bytes(4), b"MM\0*" + bytes(4)
"""Blocks without directories."""

ORIENTATION = 0x0112
"""How to turn the stored picture upright; 1 means that it is upright."""

SOFTWARE = 0x0131
"""The program that made the picture."""

USER_COMMENT = 0x9286
"""A comment, after eight bytes that name its character code."""

IMAGE, PHOTO, GPS, THUMBNAIL = 0, 0x8769, 0x8825, 1
"""The directories: the tags that point to two of them, and stand-ins for IFD0 and IFD1."""

TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes per value, by TIFF's number for the type."""

_ORDERS = {LITTLE_ENDIAN[:4]: "<", BIG_ENDIAN[:4]: ">"}


@dataclass(frozen=True, slots=True)
class Entry:
    """The values of one tag."""

    kind: int
    """TIFF's number for the type of the values, 1 to 13."""

    data: bytes
    """The values, in the byte order of the block."""

    offset: int | None = field(default=None, compare=False)
    """Where `data` starts in the block; None: inside the directory, or not in the block yet."""


Entries = dict[int, Entry]
"""Entries by tag."""


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory in a block."""

    entries: Entries = field(default_factory=dict)
    """The readable ones."""

    start: int = 0
    """Offset of its first byte."""

    capacity: int = 0
    """The number of entries that fit in its bytes."""

    damaged: bool = False
    """Whether some entries cannot be read."""

    @property
    def end(self) -> int:
        """Offset of the first byte after the directory."""
        return self.start + 2 + 12 * self.capacity + 4

    def spans(self) -> Iterator[slice]:
        """Yield the ranges of bytes that the directory and its values occupy."""
        yield slice(self.start, self.end)
        for entry in self.entries.values():
            if entry.offset is not None:
                yield slice(entry.offset, entry.offset + len(entry.data))


@dataclass(frozen=True, kw_only=True)
class Exif:
    """The entries of a picture, and the block that they were read from."""

    block: bytes = LITTLE_ENDIAN
    """The original block, or only its header of 8 bytes."""

    image: Entries = field(default_factory=dict)
    """About the picture file (IFD0); in a TIFF also about the layout of its pixels."""

    photo: Entries = field(default_factory=dict)
    """About the exposure (Exif IFD)."""

    gps: Entries = field(default_factory=dict)
    """About the location (GPS IFD)."""

    found: Mapping[int, Directory] = field(default_factory=dict, repr=False)
    """The directories of `block`, by `IMAGE`, `PHOTO`, `GPS` and `THUMBNAIL`."""

    @property
    def order(self) -> str:
        """The byte order as in `struct`: ``<`` little-endian, ``>`` big-endian."""
        return _ORDERS[self.block[:4]]

    @property
    def is_empty(self) -> bool:
        """Whether there are no entries."""
        return not (self.image or self.photo or self.gps)

    @property
    def damaged(self) -> bool:
        """Whether some entries of the block cannot be read."""
        return any(each.damaged for name, each in self.found.items() if name != THUMBNAIL)

    def numbers(self, kind: int, *values: int) -> Entry:
        """Make an entry of integers; `kind` is `SHORT` or `LONG`."""
        letter = {SHORT: "H", LONG: "I"}[kind]
        return Entry(kind, struct.pack(f"{self.order}{len(values)}{letter}", *values))

    def integers(self, entry: Entry) -> tuple[int, ...]:
        """Return the values of an entry of integers; none if it has another type."""
        size = TYPE_SIZES[entry.kind]
        letter = {SHORT: "H", LONG: "I", 13: "I"}.get(entry.kind)
        if letter is None:
            return ()
        return struct.unpack(f"{self.order}{len(entry.data) // size}{letter}", entry.data)

    def detached(self) -> Exif:
        """Return the same entries without the block, to be laid out in a new one."""
        image, photo, gps = (
            {tag: Entry(entry.kind, entry.data) for tag, entry in part.items()}
            for part in (self.image, self.photo, self.gps)
        )
        return Exif(block=self.block[:4] + bytes(4), image=image, photo=photo, gps=gps)


def parse_exif(block: bytes) -> Exif:
    """Read a block. A damaged one gives those entries that can be read.

    Args:
        block: The block of a JPEG, PNG or WebP, or a whole TIFF file; may be empty.
    """
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    if not block:
        return Exif()
    if block[:4] not in _ORDERS or len(block) < 8:
        return Exif(found={IMAGE: Directory(damaged=True)})
    exif = Exif(block=block)
    (start,) = struct.unpack_from(f"{exif.order}I", block, 4)
    found = {IMAGE: _read(block, exif.order, start)}
    image = dict(found[IMAGE].entries)
    for tag in (PHOTO, GPS):
        if tag in image:
            (start, *_) = (*exif.integers(image.pop(tag)), 0)
            found[tag] = _read(block, exif.order, start, found.values())
    end = found[IMAGE].end
    if found[IMAGE].capacity and end <= len(block):
        (start,) = struct.unpack_from(f"{exif.order}I", block, end - 4)
        found[THUMBNAIL] = _read(block, exif.order, start, found.values())
    photo, gps = (dict(found.get(tag, Directory()).entries) for tag in (PHOTO, GPS))
    return Exif(block=block, image=image, photo=photo, gps=gps, found=found)


def _read(block: bytes, order: str, start: int, others: Iterable[Directory] = ()) -> Directory:
    """Read the directory at an offset; it is damaged if it overlaps the header or another one."""
    if not 8 <= start <= len(block) - 2:
        return Directory(damaged=True)
    (count,) = struct.unpack_from(f"{order}H", block, start)
    capacity = min(count, (len(block) - start - 2) // 12)
    directory = Directory({}, start, capacity, damaged=capacity < count)
    if any(start < each.end and each.start < directory.end for each in others):
        return Directory(damaged=True)
    return _with_entries(directory, block, order)


def _with_entries(directory: Directory, block: bytes, order: str) -> Directory:
    entries: Entries = {}
    left, damaged = len(block), directory.damaged
    for row in range(directory.start + 2, directory.end - 4, 12):
        tag, kind, count, offset = struct.unpack_from(f"{order}HHII", block, row)
        size = count * TYPE_SIZES.get(kind, 0)
        if size > 4:
            entry = Entry(kind, block[offset : offset + size], offset)
        else:
            entry = Entry(kind, block[row + 8 : row + 8 + size])
        left -= len(entry.data)
        if left < 0:  # values that share their bytes could fill the memory
            damaged = True
            break
        if size and len(entry.data) == size:
            entries[tag] = entry
        else:
            damaged |= count > 0 or kind not in TYPE_SIZES
    return replace(directory, entries=entries, damaged=damaged)
