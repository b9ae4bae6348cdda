"""Kinds of files that are recognized by their first bytes, and refused by name.

A drawing, a document or a video is no picture. RAW files and some rare formats
are, but have to be converted first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = 4096
_EXPORT = "export it as PNG"
_DEVELOP = "develop it first, and export it as PNG or TIFF"
_CONVERT = "convert it to PNG or JPEG"
_FRAME = "save one of its frames as PNG, or give it as CONTENT with an output such as out.mp4"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file that is not read."""

    name: str
    """What the file is, with its article."""

    remedy: str
    """What to do with it."""

    is_picture: bool = False
    """Whether it shows pixels, so that in a folder it is reported, not skipped."""

    is_raw: bool = False
    """Whether it is what a camera's sensor saw."""

    @property
    def refusal(self) -> str:
        """Why it is refused."""
        return f"this is {self.name}; {self.remedy}"


RAW = Kind("a camera's RAW file", _DEVELOP, is_picture=True, is_raw=True)
"""RAW files of all makers."""

VIDEO = Kind("a video", _FRAME)
"""Videos of all containers."""

_EPS = Kind("an EPS drawing", _EXPORT)
_POSTSCRIPT = Kind("a PostScript document", _EXPORT)
_PDF = Kind("a PDF document", _EXPORT)
_SVG = Kind("an SVG drawing", _EXPORT)
_WMF = Kind("a WMF drawing", _EXPORT)
_DATA = "plot it, and save that as PNG"

# The position and the bytes; of several that match, the first counts.
_SIGNATURES: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\xc5\xd0\xd3\xc6", _EPS),
    (0, b"%PDF-", _PDF),
    (0, b"\xd7\xcd\xc6\x9a", _WMF),
    (0, b"\1\0\x09\0\0\3", _WMF),
    (0, b"\2\0\x09\0\0\3", _WMF),
    (40, b" EMF", Kind("an EMF drawing", _EXPORT)),
    (0, b"BUFR", Kind("BUFR weather data", _DATA)),
    (0, b"GRIB", Kind("GRIB weather data", _DATA)),
    (0, b"\x89HDF\r\n\x1a\n", Kind("HDF5 data", _DATA)),
    (0, b"\x0e\x03\x13\x01", Kind("HDF4 data", _DATA)),
    (0, b"CDF\1", Kind("NetCDF data", _DATA)),
    (0, b"CDF\2", Kind("NetCDF data", _DATA)),
    (0, b"\0\0\1\xba", VIDEO),
    (0, b"\0\0\1\xb3", VIDEO),
    (0, b"\x1aE\xdf\xa3", VIDEO),
    (0, b"AT&TFORM", Kind("a DjVu document", _EXPORT)),
    (0, b"SIMPLE  =", Kind("a FITS picture", "scale its values, and save it as PNG", True)),
    (0, b"\x76\x2f\x31\x01", Kind("an OpenEXR picture", "tone-map it, and save it as PNG", True)),
    (0, b"#?RADIANCE", Kind("a Radiance HDR picture", "tone-map it, and save it as PNG", True)),
    (0, b"#?RGBE", Kind("a Radiance HDR picture", "tone-map it, and save it as PNG", True)),
    (0, b"PF\n", Kind("a PFM picture in colour", "tone-map it, and save it as PNG", True)),
    (0, b"gimp xcf", Kind("a GIMP project", _EXPORT, True)),
    (0, b"8BPS\0\2", Kind("a large Photoshop document (PSB)", _EXPORT, True)),
    (0, b"II\xbc\1", Kind("a JPEG XR picture", _CONVERT, True)),
    (0, b"BPG\xfb", Kind("a BPG picture", _CONVERT, True)),
    (0, b"FLIF", Kind("a FLIF picture", _CONVERT, True)),
    (0, b"farbfeld", Kind("a farbfeld picture", _CONVERT, True)),
    (0, b"/* XPM */", Kind("an XPM picture", _CONVERT, True)),
    (0, b"\xff\xd8\xff\xf7", Kind("a JPEG-LS picture", _CONVERT, True)),
    (0, b"SDPX", Kind("a DPX frame", _CONVERT, True)),
    (0, b"XPDS", Kind("a DPX frame", _CONVERT, True)),
    (128, b"DICM", Kind("a DICOM picture", _EXPORT, True)),
    (30, b"mimetypeapplication/x-krita", Kind("a Krita project", _EXPORT, True)),
    (30, b"mimetypeimage/openraster", Kind("an OpenRaster project", _EXPORT, True)),
    (0, b"\x1f\x8b", Kind("a compressed file", "unpack it first")),
    (0, b"PK\3\4", Kind("a ZIP archive", "unpack it first")),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"FOVb", RAW),
    (0, b"\0MRM", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIRS", RAW),
    (0, b"MMOR", RAW),
    (0, b"IIU\0", RAW),
    (0, b"II*\0\x10\0\0\0CR", RAW),
    (4, b"ftypcrx ", RAW),
)
_PHOTOSHOP = b"8BPS\0\1"
# The bits and the colours of those that are read: two numbers of two bytes.
_PHOTOSHOP_READ = {
    bytes([0, bits, 0, mode])
    for bits, modes in ((1, (0,)), (8, (0, 1, 2, 3, 4, 7, 8, 9)))
    for mode in modes
}
_PHOTOSHOP_UNREAD = Kind(
    "a Photoshop document with 16 or 32 bits", "save a copy with 8 bits, or as TIFF", True
)
_VIDEO_BRANDS = re.compile(rb"....ftyp(?:isom|iso[2-9]|mp4[12]|avc1|qt  |M4V |3gp|dash|MSNV)", re.S)
_TEXT_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def first_bytes(path: Path) -> bytes:
    """Return the first bytes of a file, enough to recognize its kind."""
    with path.open("rb") as file:
        return file.read(_HEAD)


def recognize(head: bytes) -> Kind | None:
    """Recognize a kind that is not read.

    Args:
        head: The first bytes of a file.

    Returns:
        The kind; `None` if the file may be a picture that is read.
    """
    for place, signature, kind in _SIGNATURES:
        if head.startswith(signature, place):
            return kind
    if _VIDEO_BRANDS.match(head) or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return VIDEO
    if head.startswith(_PHOTOSHOP) and head[22:26] not in _PHOTOSHOP_READ:
        return _PHOTOSHOP_UNREAD
    return _recognize_text(head)


def _recognize_text(head: bytes) -> Kind | None:
    for mark in _TEXT_MARKS:
        head = head.removeprefix(mark)
    text = head.replace(b"\0", b"").lstrip(b" \t\r\n\4")  # of UTF-16 the letters are left
    if text.startswith(b"%!"):
        return _EPS if b"EPSF" in text[:64] else _POSTSCRIPT
    if text.startswith(b"<") and re.search(rb"<(?:\w+:)?svg[\s>]", text):
        return _SVG
    return None
