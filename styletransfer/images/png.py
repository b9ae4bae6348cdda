"""PNG chunks that have nothing to do with the pixels, and must not cost them.

Pillow refuses a PNG with more than 1 MB of compressed text or colour profile, or
with a wrong checksum anywhere before the pixels. Other decoders leave out the
chunk, as the specification recommends.

References:
    PNG specification, third edition, sections 5 and 13.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from PIL import PngImagePlugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UNCHECKED = {b"tRNS", b"fdAT"}  # the optional chunks that are part of a picture
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
# Shorter ones are damaged.
_LEAST = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9, b"acTL": 8, b"fcTL": 26}
_TEXTS = {b"tEXt", b"zTXt", b"iTXt", b"iCCP"}
_MEGABYTE = 1 << 20
_LARGEST = 16 * _MEGABYTE  # of a text or a profile, decompressed
_LARGEST_SUM = 64 * _MEGABYTE  # of all texts: Pillow's limit


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Where a chunk is in its file."""

    name: bytes
    """Its type, four letters."""

    start: int
    """Offset of its first byte, in the field of its length."""

    length: int
    """Bytes of its data."""

    @property
    def end(self) -> int:
        """Offset of the first byte after its checksum."""
        return self.start + 12 + self.length


@dataclass(slots=True)
class _Findings:
    """The chunks to leave out, and why."""

    dropped: list[_Chunk] = field(default_factory=list)
    damaged: set[bytes] = field(default_factory=set)
    large: set[bytes] = field(default_factory=set)
    text: int = 0
    """Bytes of all texts that are kept."""


def mend_png(
    source: Path | IO[bytes], note: Callable[[str], None] = lambda _: None
) -> Path | IO[bytes]:
    """Leave out the chunks of a PNG that Pillow would refuse and that no pixel needs.

    Open the returned source and decode it within `larger_texts`.

    Args:
        source: A picture file of any format, or a seekable file open at its start.
        note: Called with a message that names the chunks.

    Returns:
        The source, or a copy in memory without these chunks.

    Raises:
        OSError: If the source cannot be read.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _mended(file, note) or source
    try:
        return _mended(source, note) or source
    finally:
        source.seek(0)


@contextlib.contextmanager
def larger_texts() -> Iterator[None]:
    """Let Pillow read compressed texts and profiles of up to 16 MB."""
    before = PngImagePlugin.MAX_TEXT_CHUNK
    PngImagePlugin.MAX_TEXT_CHUNK = max(before, _LARGEST)
    try:
        yield
    finally:
        PngImagePlugin.MAX_TEXT_CHUNK = before


def _mended(file: IO[bytes], note: Callable[[str], None]) -> IO[bytes] | None:
    if file.read(8) != _SIGNATURE:
        return None
    found = _Findings()
    chunks = list(_chunks(file))
    for chunk in chunks:
        if chunk.name[:1].islower() and chunk.name not in _UNCHECKED:
            _examine(chunk, file, found)
    if found.damaged & _ANIMATION:  # one frame that is missing makes all others wrong
        found.dropped += [chunk for chunk in chunks if chunk.name in _ANIMATION]
    if not found.dropped:
        return None
    for names, what in ((found.damaged, "damaged"), (found.large, "very large")):
        if names:
            listed = b", ".join(sorted(names)).decode("latin-1")
            note(f"its {what} chunks are ignored: {listed}")
    return _without(file, {chunk.start: chunk.end for chunk in found.dropped})


def _chunks(file: IO[bytes]) -> Iterator[_Chunk]:
    """Yield the complete chunks."""
    size = file.seek(0, io.SEEK_END)
    start = len(_SIGNATURE)
    while start + 12 <= size:
        file.seek(start)
        length, name = struct.unpack(">I4s", file.read(8))
        chunk = _Chunk(name, start, length)
        if chunk.end > size or not name.isalpha():
            return
        yield chunk
        start = chunk.end


def _examine(chunk: _Chunk, file: IO[bytes], found: _Findings) -> None:
    file.seek(chunk.start + 8)
    data = file.read(chunk.length)
    (checksum,) = struct.unpack(">I", file.read(4))
    whole = zlib.crc32(chunk.name + data) == checksum
    size = _text_size(chunk.name, data) if whole else None
    if size is None or chunk.length < _LEAST.get(chunk.name, 0):
        found.damaged.add(chunk.name)
        found.dropped.append(chunk)
    elif size > _LARGEST or found.text + size > _LARGEST_SUM:
        found.large.add(chunk.name)
        found.dropped.append(chunk)
    else:
        found.text += size


def _text_size(name: bytes, data: bytes) -> int | None:
    """Return the size of a text or profile, decompressed; `None` if Pillow would refuse it."""
    _, _, text = data.partition(b"\0")
    if name == b"iCCP":
        return None if text[:1] != b"\0" else _decompressed_size(text[1:])
    if name == b"zTXt" and text:
        return None if text[:1] != b"\0" else _decompressed_size(text[1:]) or 0
    if name == b"iTXt" and text[:1] > b"\0":
        return _decompressed_size(text[2:].split(b"\0", 2)[-1]) or 0
    return len(data) if name in _TEXTS else 0


def _decompressed_size(data: bytes) -> int | None:
    """Count the decompressed bytes, to one more than the largest; `None` if they are damaged."""
    try:
        return len(zlib.decompressobj().decompress(data, _LARGEST + 1))
    except zlib.error:
        return None


def _without(file: IO[bytes], dropped: dict[int, int]) -> IO[bytes]:
    """Copy a file without the spans that start and end at these offsets."""
    copy, place = io.BytesIO(), 0
    file.seek(0)
    for start, end in sorted(dropped.items()):
        copy.write(file.read(start - place))
        file.seek(end)
        place = end
    shutil.copyfileobj(file, copy)
    copy.seek(0)
    return copy
