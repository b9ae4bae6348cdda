"""Patching EXIF blocks in place."""

import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from styletransfer.images.exif import (
    ASCII,
    BIG_ENDIAN,
    LITTLE_ENDIAN,
    LONG,
    SOFTWARE,
    TYPE_SIZES,
    UNDEFINED,
    USER_COMMENT,
    Entry,
    Exif,
    parse_exif,
)
from styletransfer.images.exif_patch import patch_exif
from tests.support.pictures import MAKER_NOTE, THUMBNAIL, block_of_a_camera

CAMERA = block_of_a_camera()[6:]  # without the six bytes of the JPEG segment


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from(sorted(TYPE_SIZES)))
    size = TYPE_SIZES[kind] * draw(st.integers(1, 9))
    return Entry(kind, draw(st.binary(min_size=size, max_size=size)))


directories = st.dictionaries(st.integers(1, 0x7FFF), entries(), max_size=5)
new_blocks = st.builds(
    Exif,
    block=st.sampled_from([LITTLE_ENDIAN, BIG_ENDIAN]),
    image=directories,
    photo=directories,
    gps=directories,
)


def contents(exif: Exif) -> list[Any]:
    return [exif.order, exif.image, exif.photo, exif.gps]


def offsets(block: bytes) -> dict[bytes, int]:
    values = (MAKER_NOTE, "Jürgen".encode(), b"Maker")
    return {value: block.index(value) for value in values}


@given(new_blocks)
def test_new_entries_are_read_back_byte_for_byte(exif: Exif) -> None:
    assert contents(parse_exif(patch_exif(exif))) == contents(exif)


def test_without_changes_only_the_thumbnail_is_removed() -> None:
    directory = CAMERA.index(THUMBNAIL) - 30
    (count,) = struct.unpack_from(">H", CAMERA, 8)
    pointer = 10 + 12 * count
    expected = CAMERA[:pointer] + bytes(4) + CAMERA[pointer + 4 : directory]
    assert patch_exif(parse_exif(CAMERA)) == expected


def test_a_thumbnail_inside_the_block_is_zeroed_and_the_bytes_after_it_stay() -> None:
    patched = patch_exif(parse_exif(CAMERA + b"trailer"))
    assert len(patched) == len(CAMERA + b"trailer")
    assert patched[-7 - len(THUMBNAIL) :] == bytes(len(THUMBNAIL)) + b"trailer"


def test_an_uncompressed_thumbnail_is_zeroed() -> None:
    block = patch_exif(Exif(image={0x010F: Entry(ASCII, b"Maker\0")}))
    start = len(block)
    pixels = start + 2 + 24 + 4
    rows = struct.pack("<HHII", 0x0111, 4, 1, pixels) + struct.pack("<HHII", 0x0117, 3, 1, 6)
    linked = block[:22] + struct.pack("<I", start) + block[26:]
    content = linked + struct.pack("<H", 2) + rows + bytes(4) + b"pixels" + b"trailer"
    assert patch_exif(parse_exif(content)) == block.ljust(pixels + 6, b"\0") + b"trailer"


def test_dropped_entries_leave_no_gap_and_their_values_are_zeroed() -> None:
    exif = parse_exif(CAMERA)
    kept = {tag: entry for tag, entry in exif.photo.items() if tag != USER_COMMENT}
    patched = patch_exif(replace(exif, photo=kept))
    assert b"my own words" not in patched
    assert offsets(patched) == offsets(CAMERA)
    again = parse_exif(patched)
    assert again.photo == kept
    assert again.found[0x8769].start == exif.found[0x8769].start


def test_bytes_that_a_kept_entry_shares_with_a_dropped_one_stay() -> None:
    rows = b"".join(struct.pack("<HHII", tag, ASCII, 6, 38) for tag in (0x010E, 0x010F))
    exif = parse_exif(b"II*\0\x08\0\0\0\2\0" + rows + bytes(4) + b"Maker\0")
    patched = patch_exif(replace(exif, image={0x010F: exif.image[0x010F]}))
    assert parse_exif(patched).image == {0x010F: Entry(ASCII, b"Maker\0")}


def test_a_directory_that_outgrows_its_place_moves_and_no_value_does() -> None:
    exif = parse_exif(CAMERA)
    more = {SOFTWARE: Entry(ASCII, b"stylize\0"), 0x8298: Entry(ASCII, "©\0".encode())}
    patched = patch_exif(replace(exif, image=exif.image | more))
    assert offsets(patched) == offsets(CAMERA)
    again = parse_exif(patched)
    assert contents(again) == contents(replace(exif, image=exif.image | more))
    assert again.found[0].start > patched.index(MAKER_NOTE)


def test_a_replaced_value_is_appended_and_the_old_one_zeroed() -> None:
    exif = parse_exif(CAMERA)
    comment = Entry(UNDEFINED, b"ASCII\0\0\0" + b"a record longer than the comment")
    patched = patch_exif(replace(exif, photo=exif.photo | {USER_COMMENT: comment}))
    assert parse_exif(patched).photo[USER_COMMENT] == comment
    assert offsets(patched) == offsets(CAMERA)
    assert b"my own words" not in patched


def test_replacing_the_last_value_again_and_again_does_not_grow_the_block() -> None:
    block, lengths = CAMERA, set()
    for letter in (b"a", b"b", b"c"):
        exif = parse_exif(block)
        comment = Entry(UNDEFINED, letter * 1000)
        block = patch_exif(replace(exif, photo=exif.photo | {USER_COMMENT: comment}))
        lengths.add(len(block))
    assert len(lengths) == 1


def test_pillow_reads_a_patched_block() -> None:
    exif = parse_exif(CAMERA)
    software = {SOFTWARE: Entry(ASCII, b"stylize\0")}
    read = Image.Exif()
    read.load(patch_exif(replace(exif, image=exif.image | software)))
    assert (read[0x010F], read[SOFTWARE]) == ("Maker", "stylize")
    assert read.get_ifd(0x8769)[0x927C] == MAKER_NOTE
    assert read.get_ifd(0x8825)[1] == "N"


@pytest.mark.parametrize("length", range(8, len(CAMERA), 5))
def test_a_truncated_block_keeps_its_entries_in_place(length: int) -> None:
    exif = parse_exif(CAMERA[:length])
    patched = parse_exif(patch_exif(exif))
    assert not patched.damaged
    assert contents(patched) == contents(exif)
    for part, before in ((patched.image, exif.image), (patched.photo, exif.photo)):
        assert [part[tag].offset for tag in part] == [before[tag].offset for tag in part]


@given(
    st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", CAMERA]),
    st.lists(st.tuples(st.integers(8, len(CAMERA) - 1), st.integers(0, 255)), max_size=9),
    st.binary(max_size=200),
)
def test_any_bytes_give_a_block_with_a_readable_directory(
    head: bytes, changes: list[tuple[int, int]], tail: bytes
) -> None:
    block = bytearray(head + tail)
    for place, value in changes:
        if place < len(block):
            block[place] = value
    exif = parse_exif(bytes(block))
    width = Entry(LONG, b"\1\2\3\4")
    again = parse_exif(patch_exif(replace(exif, image=exif.image | {0x0100: width})))
    assert again.image[0x0100] == width
    assert again.image.keys() == exif.image.keys() | {0x0100}
