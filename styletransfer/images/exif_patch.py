"""Writing EXIF blocks: a block that was read is patched in place.

Maker notes contain offsets from the start of the block, so kept values must not
move. Only directories are rewritten, and new values are appended.
"""

from __future__ import annotations

import io
import struct
from itertools import accumulate
from typing import TYPE_CHECKING

from styletransfer.images.exif import GPS, IMAGE, LONG, PHOTO, THUMBNAIL, TYPE_SIZES, Directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from styletransfer.images.exif import Entries, Exif

_STRIP_OFFSETS, _STRIP_LENGTHS = 0x0111, 0x0117
_JPEG_OFFSET, _JPEG_LENGTH = 0x0201, 0x0202  # of a thumbnail


def patch_exif(exif: Exif, strips: Iterable[bytes] = ()) -> bytes:
    r"""Write entries into the block that they were read from.

    Kept values stay at their offsets. A directory keeps its place if its
    entries fit there, and is appended otherwise. Dropped values and the
    thumbnail are zeroed, and removed if they are at the end of the block.

    Args:
        exif: The entries; those without an offset are appended.
        strips: Encoded pixels, if the block is to be a TIFF file.

    Returns:
        The block, without the ``Exif\0\0`` that precedes it in a JPEG.
    """
    block = io.BytesIO(_cleared(exif))
    pixels = block.seek(0, io.SEEK_END)
    image = dict(exif.image)
    lengths = [block.write(strip) for strip in strips]
    if lengths:
        offsets = accumulate(lengths[:-1], initial=pixels)
        image[_STRIP_OFFSETS] = exif.numbers(LONG, *offsets)
        image[_STRIP_LENGTHS] = exif.numbers(LONG, *lengths)
    parts = {tag: part for tag, part in ((PHOTO, exif.photo), (GPS, exif.gps)) if part}
    image |= {tag: exif.numbers(LONG, 0) for tag in parts}
    start = _write(block, exif, IMAGE, image)
    _overwrite(block, 4, struct.pack(f"{exif.order}I", start))
    for tag, part in parts.items():
        pointer = start + 2 + 12 * sorted(image).index(tag) + 8
        place = _write(block, exif, tag, part)
        _overwrite(block, pointer, struct.pack(f"{exif.order}I", place))
    return block.getvalue()


def _cleared(exif: Exif) -> bytearray:
    """Return the original block with directories, dropped values and thumbnail zeroed."""
    block = bytearray(exif.block)
    for directory in exif.found.values():
        for span in directory.spans():
            block[span] = bytes(len(block[span]))
    for span in _thumbnail_spans(exif):
        block[span] = bytes(len(block[span]))
    end = max([8, *(each.end for name, each in exif.found.items() if name != THUMBNAIL)])
    for part in (exif.image, exif.photo, exif.gps):
        for entry in part.values():
            if entry.offset is not None:
                # Also undoes the zeroing where a dropped value shared these bytes.
                block[entry.offset : entry.offset + len(entry.data)] = entry.data
                end = max(end, entry.offset + len(entry.data))
    block[:4] = exif.block[:4]
    return block[:end].ljust(end, b"\0") + block[end:].rstrip(b"\0")


def _thumbnail_spans(exif: Exif) -> Iterator[slice]:
    entries = exif.found[THUMBNAIL].entries if THUMBNAIL in exif.found else {}
    for tags in ((_JPEG_OFFSET, _JPEG_LENGTH), (_STRIP_OFFSETS, _STRIP_LENGTHS)):
        starts, lengths = (exif.integers(entries[tag]) if tag in entries else () for tag in tags)
        for start, length in zip(starts, lengths, strict=False):
            yield slice(start, start + length)


def _write(block: io.BytesIO, exif: Exif, name: int, entries: Entries) -> int:
    """Write a directory and its new values, and return its offset."""
    found = exif.found.get(name, Directory())
    size = 2 + 12 * len(entries) + 4
    fits = 0 < len(entries) <= found.capacity
    start = found.start if fits else _append(block, bytes(size))
    rows = b""
    for tag, entry in sorted(entries.items()):
        value = entry.data.ljust(4, b"\0")
        if len(entry.data) > 4:
            offset = _append(block, entry.data) if entry.offset is None else entry.offset
            value = struct.pack(f"{exif.order}I", offset)
        count = len(entry.data) // TYPE_SIZES[entry.kind]
        rows += struct.pack(f"{exif.order}HHI", tag, entry.kind, count) + value
    _overwrite(block, start, struct.pack(f"{exif.order}H", len(entries)) + rows + bytes(4))
    return start


def _append(block: io.BytesIO, data: bytes) -> int:
    """Append bytes at an even offset, and return it."""
    end = block.seek(0, io.SEEK_END)
    block.write(bytes(end % 2) + data + bytes(len(data) % 2))
    return end + end % 2


def _overwrite(block: io.BytesIO, place: int, data: bytes) -> None:
    block.seek(place)
    block.write(data)
