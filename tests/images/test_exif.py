"""Reading EXIF blocks."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from styletransfer.images.exif import (
    ASCII,
    BIG_ENDIAN,
    LITTLE_ENDIAN,
    LONG,
    SHORT,
    UNDEFINED,
    Entry,
    Exif,
    parse_exif,
)
from styletransfer.images.exif import THUMBNAIL as IFD1
from styletransfer.images.exif_patch import patch_exif

HEADERS = {"<": LITTLE_ENDIAN, ">": BIG_ENDIAN}


def by_pillow(endian: str) -> bytes:
    exif = Image.Exif()
    exif.endian = endian
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.XResolution] = 72.5
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "2020:01:02 03:04:05",
        ExifTags.Base.ISOSpeedRatings: 400,
    }
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitude: (48.0, 8.0, 3.5)}
    return exif.tobytes()


@pytest.mark.parametrize("endian", "<>")
def test_a_block_written_by_pillow_is_read(endian: str) -> None:
    exif = parse_exif(by_pillow(endian))
    assert not exif.damaged
    assert exif.order == endian
    assert exif.image[0x010F] == Entry(ASCII, b"Maker\0")
    assert exif.photo[0x8827] == exif.numbers(SHORT, 400)
    assert len(exif.gps[2].data) == 24


def test_each_value_is_where_its_offset_says() -> None:
    exif = parse_exif(by_pillow("<"))
    entries = [*exif.image.values(), *exif.photo.values(), *exif.gps.values()]
    long = [each for each in entries if len(each.data) > 4]
    assert len(long) == 4
    for each in long:
        assert each.offset is not None
        assert exif.block[each.offset :].startswith(each.data)


def test_integers_have_the_byte_order_of_the_block() -> None:
    assert Exif().numbers(SHORT, 1, 2).data == b"\1\0\2\0"
    big = Exif(block=BIG_ENDIAN)
    assert big.numbers(LONG, 258).data == b"\0\0\1\2"
    assert big.integers(big.numbers(LONG, 258, 7)) == (258, 7)
    assert big.integers(Entry(ASCII, b"7\0")) == ()


def test_an_empty_block_has_no_entries() -> None:
    assert parse_exif(b"") == Exif()
    assert Exif().is_empty


@pytest.mark.parametrize("block", [b"garbage", b"II*\0", b"II*\0\xff\xff\xff\xff", b"II+\0" * 9])
def test_a_block_without_a_directory_is_damaged_and_empty(block: bytes) -> None:
    assert parse_exif(block).damaged
    assert parse_exif(block).is_empty


def test_a_truncated_block_is_damaged_and_its_complete_entries_are_read() -> None:
    whole = parse_exif(patch_exif(parse_exif(by_pillow("<")).detached()))
    for length in range(1, len(whole.block.rstrip(b"\0"))):
        exif = parse_exif(whole.block[:length])
        assert exif.damaged
        assert exif.image.items() <= whole.image.items()
        assert exif.photo.items() <= whole.photo.items()


@pytest.mark.parametrize("start", [0, 4, 8, 14, 20])
def test_a_directory_that_overlaps_the_header_or_another_one_is_damaged(start: int) -> None:
    block = patch_exif(Exif(image={0x8769: Exif().numbers(LONG, start)}))
    assert parse_exif(block).damaged
    assert parse_exif(block).photo == {}


def test_a_damaged_thumbnail_is_no_damage_since_it_is_dropped() -> None:
    block = patch_exif(Exif(image={0x010F: Entry(ASCII, b"Maker\0")}))
    exif = parse_exif(block[:22] + struct.pack("<I", 9999) + block[26:])
    assert exif.found[IFD1].damaged
    assert not exif.damaged


def test_detached_entries_refer_to_no_block() -> None:
    exif = parse_exif(by_pillow(">"))
    detached = exif.detached()
    assert detached == replace(exif, block=BIG_ENDIAN, found={})
    assert all(entry.offset is None for entry in detached.image.values())


def test_entries_that_share_their_bytes_cannot_fill_the_memory() -> None:
    row = b"\x07\x00" + (60_000).to_bytes(4, "little") + bytes(4)
    rows = b"".join(tag.to_bytes(2, "little") + row for tag in range(5000))
    exif = parse_exif(b"II*\0\x08\0\0\0" + (5000).to_bytes(2, "little") + rows)
    assert exif.damaged
    assert sum(len(entry.data) for entry in exif.image.values()) <= 2 * len(rows)
    assert exif.image[0].kind == UNDEFINED


@given(st.sampled_from("<>"), st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(order: str, tail: bytes) -> None:
    parse_exif(tail)
    parse_exif(HEADERS[order][:4] + Exif(block=HEADERS[order]).numbers(LONG, 8).data + tail)
