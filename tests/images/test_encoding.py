"""Pixel values to the bytes of a picture file."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from styletransfer.images.colour import srgb_profile
from styletransfer.images.encoding import encode
from styletransfer.images.exif import ASCII, BIG_ENDIAN, LITTLE_ENDIAN, Entry, Exif, parse_exif
from styletransfer.images.metadata import Metadata
from tests.support.pictures import (
    MAKER_NOTE,
    THUMBNAIL,
    block_of_a_camera,
    read_png,
    read_tiff,
)

Levels = NDArray[Any]
TEXTS = {"Software": "stylize", "stylize": '{"settings": {}}'}
COMMENT = b"ASCII\0\0\0" + TEXTS["stylize"].encode()
SHAPES = [(1, 1), (7, 1), (1, 9), (5, 37), (200, 90)]
SMOOTH = np.add.outer(np.arange(40) * 700, np.arange(50) * 300)[..., None] + [1, 300, 9000]


def random_levels(height: int, width: int, channels: int, bits: int) -> Levels:
    generator = np.random.default_rng(height + width)
    return generator.integers(0, 2**bits, (height, width, channels), f"u{bits // 8}")


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


READERS = {"PNG": read_png, "TIFF": read_tiff}


@pytest.mark.parametrize("format_name", READERS)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_16_bits_are_written_exactly(
    format_name: str, channels: int, shape: tuple[int, int]
) -> None:
    levels = random_levels(*shape, channels, 16)
    data = encode(levels, format_name, TEXTS, None)
    assert np.array_equal(READERS[format_name](data), levels)
    picture = opened(data)
    assert picture.mode == ("RGB" if channels == 3 else "RGBA")
    assert np.array_equal(np.asarray(picture), levels >> 8), "Pillow reads the upper 8 bits"


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_8_bits_are_written_exactly(
    format_name: str, channels: int, shape: tuple[int, int]
) -> None:
    levels = random_levels(*shape, channels, 8)
    assert np.array_equal(np.asarray(opened(encode(levels, format_name, {}, None))), levels)


@pytest.mark.parametrize("format_name", READERS)
def test_smooth_pictures_are_compressed_at_least_five_to_one(format_name: str) -> None:
    levels = SMOOTH.astype(np.uint16)
    data = encode(levels, format_name, {}, None)
    assert np.array_equal(READERS[format_name](data), levels)
    assert len(data) - len(srgb_profile()) < levels.nbytes / 5


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("header", [LITTLE_ENDIAN, BIG_ENDIAN])
def test_a_tiff_has_the_byte_order_of_the_copied_metadata(header: bytes, bits: int) -> None:
    levels = random_levels(5, 7, 4, bits)
    data = encode(levels, "TIFF", TEXTS, Metadata(Exif(block=header)))
    assert data[:4] == header[:4]
    assert np.array_equal(read_tiff(data), levels)
    assert np.array_equal(np.asarray(opened(data)), levels >> (bits - 8))


KINDS = [("PNG", 8), ("PNG", 16), ("TIFF", 8), ("TIFF", 16), ("JPEG", 8), ("WEBP", 8)]


@pytest.mark.parametrize(("format_name", "bits"), KINDS)
def test_every_format_stores_profile_texts_and_metadata(format_name: str, bits: int) -> None:
    metadata = Metadata(Exif(image={0x010F: Entry(ASCII, b"Maker\0")}), b"<x:xmpmeta/>")
    picture = opened(encode(random_levels(4, 5, 3, bits), format_name, TEXTS, metadata))
    exif = picture.getexif()
    assert (exif[0x010F], exif[0x0131]) == ("Maker", "stylize")
    assert exif.get_ifd(0x8769)[0x9286] == COMMENT
    assert picture.info["xmp"] == b"<x:xmpmeta/>"
    assert picture.info["icc_profile"] == srgb_profile()
    if format_name == "PNG":
        assert {name: picture.info[name] for name in TEXTS} == TEXTS


@pytest.mark.parametrize("bits", [8, 16])
def test_a_png_without_metadata_has_no_exif_block(bits: int) -> None:
    picture = opened(encode(random_levels(4, 5, 3, bits), "PNG", TEXTS, None))
    assert set(picture.info) == {"icc_profile", *TEXTS}


@pytest.mark.parametrize(
    ("header", "code"), [(LITTLE_ENDIAN, "utf-16-le"), (BIG_ENDIAN, "utf-16-be")]
)
@pytest.mark.parametrize("format_name", ["JPEG", "WEBP", "TIFF"])
def test_texts_beyond_ascii_are_stored_in_utf_16(
    format_name: str, header: bytes, code: str
) -> None:
    levels = random_levels(4, 5, 3, 8)
    data = encode(levels, format_name, {"a": "日本", "b": "é"}, Metadata(Exif(block=header)))
    comment = opened(data).getexif().get_ifd(0x8769)[0x9286]
    assert comment[:8] == b"UNICODE\0"
    assert comment[8:].decode(code) == "日本\né"


@pytest.mark.parametrize(("format_name", "bits"), KINDS)
def test_a_copied_block_keeps_its_maker_note_in_place_beside_the_record(
    format_name: str, bits: int
) -> None:
    content = block_of_a_camera()[6:]
    levels = random_levels(4, 5, 3, bits)
    data = encode(levels, format_name, TEXTS, Metadata(parse_exif(content)))
    picture = opened(data)
    block = data if format_name == "TIFF" else picture.info["exif"].removeprefix(b"Exif\0\0")
    for value in (MAKER_NOTE, "Jürgen".encode()):
        assert block.index(value) == content.index(value)
    assert b"my own words" not in data
    assert THUMBNAIL not in data
    exif = picture.getexif()
    photo = exif.get_ifd(0x8769)
    assert (exif[0x0100], exif[0x0101], photo[0xA002], photo[0xA003]) == (5, 4, 5, 4)
    assert (exif[0x0131], photo[0x9286], photo[0x927C]) == ("stylize", COMMENT, MAKER_NOTE)
    assert exif.get_ifd(0x8825)[1] == "N"
    if format_name == "TIFF":
        assert np.array_equal(read_tiff(data), levels)


def test_a_webp_keeps_the_colours_of_transparent_pixels() -> None:
    levels = np.full((16, 16, 4), (200, 100, 50, 0), np.uint8)
    kept = np.asarray(opened(encode(levels, "WEBP", {}, None))).astype(int)
    assert abs(kept - levels).max() < 10
    assert (kept[..., 3] == 0).all()


def test_the_alpha_channel_of_a_webp_is_exact() -> None:
    levels = random_levels(16, 16, 4, 8)
    assert np.array_equal(
        np.asarray(opened(encode(levels, "WEBP", {}, None)))[..., 3], levels[..., 3]
    )


def test_metadata_too_long_for_a_jpeg_is_an_error() -> None:
    metadata = Metadata(Exif(image={0x010E: Entry(ASCII, b"a" * 70_000)}))
    with pytest.raises(ValueError, match="too long"):
        encode(random_levels(4, 5, 3, 8), "JPEG", {}, metadata)
