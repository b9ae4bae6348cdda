"""EXIF blocks, entry by entry."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from styletransfer.images.exif import LONG, SHORT, TEXT, UNDEFINED, Entry, Exif, parse_exif

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from(sorted(SIZES)))
    count = draw(st.integers(1, 9))
    return Entry(kind, draw(st.binary(min_size=SIZES[kind] * count, max_size=SIZES[kind] * count)))


directories = st.dictionaries(st.integers(1, 0x7FFF), entries(), max_size=5)
blocks = st.builds(
    Exif,
    order=st.sampled_from("<>"),
    image=directories,
    photo=directories,
    gps=directories,
)


def by_pillow(endian: str) -> Image.Exif:
    exif = Image.Exif()
    exif.endian = endian
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.XResolution] = 72.5
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "2020:01:02 03:04:05",
        ExifTags.Base.ISOSpeedRatings: 400,
    }
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitude: (48.0, 8.0, 3.5)}
    return exif


def directories_of(block: bytes) -> list[dict[int, Any]]:
    """The three directories as Pillow reads them, without the pointers between them."""
    exif = Image.Exif()
    exif.load(block)
    image = {tag: value for tag, value in exif.items() if tag not in (0x8769, 0x8825)}
    return [image, *(dict(exif.get_ifd(tag)) for tag in (0x8769, 0x8825))]


@pytest.mark.parametrize("endian", "<>")
def test_what_pillow_wrote_is_read_and_what_is_written_pillow_reads(endian: str) -> None:
    block = by_pillow(endian).tobytes()
    exif, whole = parse_exif(block)
    assert whole
    assert exif.order == endian
    assert exif.image[0x010F] == Entry(TEXT, b"Maker\0")
    assert exif.photo[0x8827] == exif.numbers(SHORT, 400)
    assert directories_of(exif.to_bytes()) == directories_of(block)


@given(blocks, st.binary(max_size=9))
def test_a_block_survives_writing_and_reading_byte_for_byte(exif: Exif, between: bytes) -> None:
    block = exif.to_bytes(between)
    assert block[8 : 8 + len(between)] == between
    assert parse_exif(block) == (exif, True)
    assert parse_exif(b"Exif\0\0" + block) == (exif, True)


def test_letters_beyond_ascii_are_kept() -> None:
    exif = Exif(image={0x013B: Entry(TEXT, "Jürgen Ångström\0".encode())})
    assert "Jürgen Ångström".encode() in parse_exif(exif.to_bytes())[0].to_bytes()


def test_numbers_are_written_in_the_order_of_the_block() -> None:
    assert Exif(order="<").numbers(SHORT, 1, 2).data == b"\1\0\2\0"
    assert Exif(order=">").numbers(LONG, 258).data == b"\0\0\1\2"


def test_no_block_is_an_empty_one() -> None:
    assert parse_exif(b"") == (Exif(), True)


@pytest.mark.parametrize("block", [b"garbage", b"II*\0", b"II*\0\xff\xff\xff\xff", b"II+\0" * 9])
def test_what_is_no_block_is_damaged(block: bytes) -> None:
    assert parse_exif(block) == (Exif(), False)


def test_of_a_block_cut_anywhere_the_rest_is_read_and_the_damage_seen() -> None:
    block = by_pillow("<").tobytes()
    whole, _ = parse_exif(block)
    values = len(whole.to_bytes().rstrip(b"\0"))  # behind them there is nothing to miss
    for length in range(1, values):
        exif, sound = parse_exif(whole.to_bytes()[:length])
        assert not sound
        for part, full in ((exif.image, whole.image), (exif.photo, whole.photo)):
            assert part.items() <= full.items()


@given(st.binary(max_size=200))
def test_no_bytes_whatever_are_more_than_damaged(tail: bytes) -> None:
    for head in (b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        exif, _ = parse_exif(head + tail)
        exif.to_bytes()


def test_entries_that_share_their_bytes_cannot_fill_the_memory() -> None:
    row = b"\x00\x00\x07\x00" + (60_000).to_bytes(4, "little") + bytes(4)
    rows = b"".join(tag.to_bytes(2, "little") + row[2:] for tag in range(5000))
    exif, whole = parse_exif(b"II*\0\x08\0\0\0" + (5000).to_bytes(2, "little") + rows)
    assert not whole
    assert sum(len(entry.data) for entry in exif.image.values()) <= 2 * len(rows)
    assert exif.image[0].kind == UNDEFINED
