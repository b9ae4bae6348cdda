"""Turning pictures upright, however their orientation is stored."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from styletransfer.images.orientation import read_orientation
from styletransfer.images.reading import open_picture
from tests.support.pictures import noise

INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}
"""The types of integers in EXIF, by TIFF's numbers, as in `struct`."""


def block(*rows: bytes, order: str = "<", tail: bytes = b"") -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(f"{order}IH", 8, len(rows)) + b"".join(rows) + bytes(4) + tail


def row(tag: int, kind: int, count: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HHI4s", tag, kind, count, value)


def turned_left(width: int = 5, height: int = 4) -> Image.Image:
    """The noise as a camera on its side stores it: orientation 6."""
    return noise(width, height).transpose(Image.Transpose.ROTATE_90)


TURN = row(0x0112, 3, 1, struct.pack("<H", 6))

DAMAGED = {
    "text beyond the block": row(0x010F, 2, 40, struct.pack("<I", 60_000)),
    "text beyond 2 GB": row(0x010F, 2, 40, struct.pack("<I", 0xFFFF_FFF0)),
    "more values than memory": row(0x010F, 12, 0xFFFF_FFFF, struct.pack("<I", 8)),
    "unknown type": row(0x010F, 99, 1, b"abcd"),
    "type 0": row(0x010F, 0, 1, b"abcd"),
    "fraction stored as text": row(0x011A, 2, 4, b"abc\0"),
    "fraction beyond the block": row(0x011A, 5, 1, struct.pack("<I", 60_000)),
    "pointer to nowhere": row(0x8769, 4, 1, struct.pack("<I", 60_000)),
    "no values": row(0x010F, 2, 0, bytes(4)),
}


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
@pytest.mark.parametrize("entry", DAMAGED.values(), ids=list(DAMAGED))
@pytest.mark.parametrize("first", [True, False])
def test_a_damaged_entry_does_not_hide_the_orientation(
    tmp_path: Path, file_format: str, entry: bytes, first: bool
) -> None:
    path = tmp_path / "picture"
    exif = block(entry, TURN) if first else block(TURN, entry)
    turned_left().save(path, file_format, exif=exif, lossless=True)
    assert open_picture(path).tobytes() == noise(5, 4).tobytes()


@pytest.mark.parametrize("entry", DAMAGED.values(), ids=list(DAMAGED))
def test_a_damaged_entry_of_a_jpeg_does_not_hide_the_orientation(
    tmp_path: Path, entry: bytes
) -> None:
    path = tmp_path / "picture"
    turned_left(50, 40).save(path, "JPEG", exif=b"Exif\0\0" + block(entry, TURN))
    assert open_picture(path).size == (50, 40)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", INTEGERS)
def test_an_orientation_may_be_any_integer(tmp_path: Path, kind: int, order: str) -> None:
    path = tmp_path / "picture.png"
    value = struct.pack(order + INTEGERS[kind], 6)
    turned_left().save(path, exif=block(row(0x0112, kind, 1, value, order), order=order))
    assert open_picture(path).tobytes() == noise(5, 4).tobytes()


@pytest.mark.parametrize(
    ("kind", "value"), [(5, struct.pack("<2I", 6, 1)), (12, struct.pack("<d", 6.0))]
)
def test_an_orientation_may_be_a_whole_fraction(kind: int, value: bytes) -> None:
    entry = row(0x0112, kind, 1, struct.pack("<I", 26))
    assert read_orientation(io.BytesIO(block(entry, tail=value))) == 6


@pytest.mark.parametrize("value", [0, 9, 255])
def test_a_number_that_is_no_orientation_turns_nothing(tmp_path: Path, value: int) -> None:
    path = tmp_path / "picture.png"
    noise(5, 4).save(path, exif=block(row(0x0112, 3, 1, struct.pack("<H", value))))
    assert open_picture(path).tobytes() == noise(5, 4).tobytes()


def tiff(entry: bytes, *, order: str = "<") -> bytes:
    """An uncompressed TIFF of the noise as a camera on its side stores it."""
    stored, start = turned_left(), 8

    def short(tag: int, value: int) -> bytes:
        return row(tag, 3, 1, struct.pack(f"{order}H", value), order)

    rows = [
        short(0x0100, stored.width),
        short(0x0101, stored.height),
        row(0x0102, 3, 3, struct.pack(f"{order}I", start + 60), order),
        short(0x0103, 1),  # not compressed
        short(0x0106, 2),  # RGB
        short(0x0111, start),
        entry,
        short(0x0115, 3),
        short(0x0117, 60),
    ]
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start + 66)
    pixels = stored.tobytes() + struct.pack(f"{order}3H", 8, 8, 8)
    return head + pixels + struct.pack(f"{order}H", len(rows)) + b"".join(rows) + bytes(4)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", INTEGERS)
def test_an_orientation_of_a_tiff_may_be_any_integer(tmp_path: Path, kind: int, order: str) -> None:
    path = tmp_path / "picture.tif"
    value = struct.pack(order + INTEGERS[kind], 6)
    path.write_bytes(tiff(row(0x0112, kind, 1, value, order), order=order))
    assert open_picture(path).tobytes() == noise(5, 4).tobytes()


@pytest.mark.parametrize("text", ['tiff:Orientation="6"', "<tiff:Orientation>6</tiff:Orientation>"])
def test_xmp_tells_the_orientation_where_exif_does_not(tmp_path: Path, text: str) -> None:
    path = tmp_path / "picture.png"
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", text)
    turned_left().save(path, pnginfo=chunks)
    assert open_picture(path).tobytes() == noise(5, 4).tobytes()
    upright = block(row(0x0112, 3, 1, struct.pack("<H", 1)))
    noise(5, 4).save(path, pnginfo=chunks, exif=upright)
    assert open_picture(path).tobytes() == noise(5, 4).tobytes(), "EXIF comes first"


@pytest.mark.parametrize("order", "<>")
def test_the_orientation_of_a_bigtiff_is_read(order: str) -> None:
    head = (b"II+\0" if order == "<" else b"MM\0+") + struct.pack(f"{order}HHQQ", 8, 0, 16, 1)
    for kind, letter in {3: "H", 16: "Q"}.items():
        value = struct.pack(order + letter, 6).ljust(8, b"\0")
        entry = struct.pack(f"{order}HHQ8s", 0x0112, kind, 1, value)
        assert read_orientation(io.BytesIO(head + entry)) == 6


@given(st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b""]), st.binary(max_size=120))
def test_any_bytes_are_read_without_an_error(head: bytes, tail: bytes) -> None:
    read_orientation(io.BytesIO(head + tail))
