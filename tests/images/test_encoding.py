"""Levels to the bytes of a picture file."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from styletransfer.images.colour import srgb_profile
from styletransfer.images.encoding import encode
from styletransfer.images.exif import TEXT, Entry, Exif
from styletransfer.images.metadata import Metadata
from tests.support.pictures import read_png, read_tiff

Levels = NDArray[Any]
TEXTS = {"Software": "stylize", "stylize": '{"settings": {}}'}
WORDS = b"ASCII\0\0\0" + TEXTS["stylize"].encode()
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
def test_smooth_pictures_are_pressed_well(format_name: str) -> None:
    levels = SMOOTH.astype(np.uint16)
    data = encode(levels, format_name, {}, None)
    assert np.array_equal(READERS[format_name](data), levels)
    assert len(data) - len(srgb_profile()) < levels.nbytes / 5


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("order", "<>")
def test_a_tiff_has_the_byte_order_of_the_metadata_that_it_takes_over(
    order: str, bits: int
) -> None:
    levels = random_levels(5, 7, 4, bits)
    data = encode(levels, "TIFF", TEXTS, Metadata(Exif(order=order)))
    assert data[:2] == (b"II" if order == "<" else b"MM")
    assert np.array_equal(read_tiff(data), levels)
    assert np.array_equal(np.asarray(opened(data)), levels >> (bits - 8))


KINDS = [("PNG", 8), ("PNG", 16), ("TIFF", 8), ("TIFF", 16), ("JPEG", 8), ("WEBP", 8)]


@pytest.mark.parametrize(("format_name", "bits"), KINDS)
def test_every_kind_carries_profile_words_and_metadata(format_name: str, bits: int) -> None:
    metadata = Metadata(Exif(image={0x010F: Entry(TEXT, b"Maker\0")}), b"<x:xmpmeta/>")
    picture = opened(encode(random_levels(4, 5, 3, bits), format_name, TEXTS, metadata))
    exif = picture.getexif()
    assert (exif[0x010F], exif[0x0131]) == ("Maker", "stylize")
    assert exif.get_ifd(0x8769)[0x9286] == WORDS
    assert picture.info["xmp"] == b"<x:xmpmeta/>"
    assert picture.info["icc_profile"] == srgb_profile()
    if format_name == "PNG":
        assert {name: picture.info[name] for name in TEXTS} == TEXTS


@pytest.mark.parametrize("bits", [8, 16])
def test_a_png_has_no_exif_of_its_own(bits: int) -> None:
    picture = opened(encode(random_levels(4, 5, 3, bits), "PNG", TEXTS, None))
    assert set(picture.info) == {"icc_profile", *TEXTS}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("format_name", ["JPEG", "WEBP", "TIFF"])
def test_words_beyond_ascii_are_in_unicode(format_name: str, order: str) -> None:
    levels = random_levels(4, 5, 3, 8)
    data = encode(levels, format_name, {"a": "日本", "b": "é"}, Metadata(Exif(order=order)))
    comment = opened(data).getexif().get_ifd(0x8769)[0x9286]
    assert comment[:8] == b"UNICODE\0"
    assert comment[8:].decode("utf-16-le" if order == "<" else "utf-16-be") == "日本\né"


def test_what_is_painted_under_clear_parts_of_a_webp_stays() -> None:
    levels = np.full((16, 16, 4), (200, 100, 50, 0), np.uint8)
    kept = np.asarray(opened(encode(levels, "WEBP", {}, None))).astype(int)
    assert abs(kept - levels).max() < 10
    assert (kept[..., 3] == 0).all()


def test_the_opacity_of_a_webp_is_exact() -> None:
    levels = random_levels(16, 16, 4, 8)
    assert np.array_equal(
        np.asarray(opened(encode(levels, "WEBP", {}, None)))[..., 3], levels[..., 3]
    )


def test_metadata_too_long_for_a_jpeg_is_an_error() -> None:
    metadata = Metadata(Exif(image={0x010E: Entry(TEXT, b"a" * 70_000)}))
    with pytest.raises(ValueError, match="too long"):
        encode(random_levels(4, 5, 3, 8), "JPEG", {}, metadata)
