"""JPEG files that lack only their last bytes.

References:
    ITU-T T.81, sections B.1.1 and B.2.3, and G.1.1.1.1 about progressive scans.
"""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from PIL import JpegImagePlugin

from styletransfer.images.formats import read_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL import Image

CUT_SHORT = "the end of the file is missing, and its last pixels may be grey; download it again"
"""The note about a picture that is painted although its last bytes are missing."""

_END = b"\xff\xd9"
# One of these decodes as other pixels than the zeros that stand for missing bits.
_FILLINGS = tuple(pattern * 20_000 for pattern in (b"\x5a\xa5\x36", b"\xb5\x6d\xdb", b"\xee\xf7"))
_MOST_MISSING = 0.01
_FRAME_STARTS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_LS_FRAME_START = 0xF7
_BITS = 8
_SCAN = 0xDA
_COEFFICIENTS = 64


def load_jpeg(picture: Image.Image, file: IO[bytes], note: Callable[[str], None]) -> Image.Image:
    """Decode a JPEG that may lack its last bytes.

    Args:
        picture: As opened by Pillow.
        file: Its file.
        note: Called with a message if bytes are missing.

    Returns:
        The picture, or a copy in which at most one pixel of a hundred, all in
        the last row of blocks, is made up.

    Raises:
        OSError: If more is missing, or the file is damaged otherwise.
    """
    try:
        picture.load()
    except OSError as error:
        mended = _with_end(read_whole(file)) if "truncated" in str(error) else None
        if mended is None:
            raise
        note(CUT_SHORT)
        return mended
    return picture


def name_unread(data: bytes) -> str | None:
    """Name the variant of a JPEG if it is one that Pillow does not read."""
    for marker, body in _segments(data):
        if marker == _LS_FRAME_START:
            return "a JPEG-LS picture"
        if marker in _FRAME_STARTS and body and body[0] > _BITS:
            return f"a JPEG with {body[0]} bits"
    return None


def _with_end(data: bytes) -> Image.Image | None:
    """Decode a JPEG as if it ended regularly; `None` if too much of it is missing."""
    import numpy as np

    data = data.rstrip(b"\xff")
    if not _has_all_scans(data):
        return None
    mended = _decode(data + _END)
    levels = np.atleast_3d(np.asarray(mended))
    made_up = np.zeros(levels.shape[:2], bool)
    for filling in _FILLINGS:
        other = np.atleast_3d(np.asarray(_decode(data + filling + _END)))
        made_up |= (levels != other).any(axis=2)
    rows, _ = np.nonzero(made_up)
    block = 8 * max((layer[2] for layer in mended.layer), default=1)
    # Smoothed colours reach one row further.
    last = (mended.height - 1) // block * block - 1
    few = len(rows) <= _MOST_MISSING * mended.width * mended.height
    return mended if few and (rows >= last).all() else None


def _decode(data: bytes) -> JpegImagePlugin.JpegImageFile:
    picture = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    picture.load()
    return picture


def _has_all_scans(data: bytes) -> bool:
    """Whether each coefficient of each component is in a scan, with all of its bits."""
    left: dict[int, set[int]] = {}
    for marker, body in _segments(data):
        if marker in _FRAME_STARTS:
            left = {each: set(range(_COEFFICIENTS)) for each in body[6 : 6 + 3 * body[5] : 3]}
        elif marker == _SCAN:
            count = body[0]
            first, last, bits = body[1 + 2 * count : 4 + 2 * count]
            if bits & 0x0F == 0:
                for component in body[1 : 1 + 2 * count : 2]:
                    left.get(component, set()).difference_update(range(first, last + 1))
    return bool(left) and not any(left.values())


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the contents of each segment."""
    place = 2
    while (place := data.find(b"\xff", place)) >= 0 and place + 4 <= len(data):
        marker = data[place + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD9:  # these have no contents
            place += 1 if marker == 0xFF else 2
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if end > len(data):
            return
        yield marker, data[place + 4 : end]
        place = end
