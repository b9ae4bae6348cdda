"""Colour spaces that files declare without a profile."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features

from styletransfer.images.colour import srgb_profile
from styletransfer.images.reading import open_picture

LEVELS = (150, 120, 90)
P3_TO_SRGB = [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]
BT2020_TO_SRGB = [
    [1.6605, -0.5876, -0.0728],
    [-0.1246, 1.1329, -0.0083],
    [-0.0182, -0.1006, 1.1187],
]
"""Light to light, from BT.2087 and from CSS Color 4."""

P3_POINTS = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
SRGB_POINTS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


def light_of_srgb(levels: NDArray[Any]) -> NDArray[Any]:
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def srgb_of_light(light: NDArray[Any]) -> NDArray[Any]:
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def converted(matrix: Any, light: NDArray[Any]) -> NDArray[Any]:
    return srgb_of_light(np.asarray(matrix) @ light) * 255


STORED = np.array(LEVELS) / 255
P3 = converted(P3_TO_SRGB, light_of_srgb(STORED))
BT2020 = converted(BT2020_TO_SRGB, light_of_srgb(STORED))
LINEAR = converted(np.eye(3), STORED)
PLAIN = np.array(LEVELS)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*chunks: bytes, levels: tuple[int, ...] | int = LEVELS, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (4, 4), levels).save(buffer, "PNG")
    whole = buffer.getvalue()
    return whole[:33] + b"".join(chunks) + whole[33:]


def read(path: Path, content: bytes) -> tuple[NDArray[Any], list[str]]:
    path.write_bytes(content)
    notes: list[str] = []
    picture = open_picture(path, note=notes.append)
    return np.asarray(picture)[2, 2], [note.removeprefix(f"{path}: ") for note in notes]


def cicp(*numbers: int) -> bytes:
    return chunk(b"cICP", bytes(numbers))


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def points(values: tuple[int, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *values))


ICC = chunk(b"iCCP", b"name\0\0" + zlib.compress(srgb_profile()))
SRGB = chunk(b"sRGB", b"\0")

DECLARED = {
    "P3 by cICP": ([cicp(12, 13, 0, 1)], P3),
    "BT.2020 by cICP": ([cicp(9, 13, 0, 1)], BT2020),
    "linear by cICP": ([cicp(1, 8, 0, 1)], LINEAR),
    "sRGB by cICP": ([cicp(1, 13, 0, 1)], PLAIN),
    "video by cICP": ([cicp(1, 1, 0, 1)], PLAIN),
    "cICP before a profile": ([cicp(12, 13, 0, 1), ICC], P3),
    "P3 by cHRM": ([points(P3_POINTS)], P3),
    "P3 by cHRM and gAMA": ([points(P3_POINTS), gamma(45455)], P3),
    "linear by gAMA": ([gamma(100_000)], LINEAR),
    "Mac by gAMA": ([gamma(55556)], converted(np.eye(3), STORED**1.8)),
    "sRGB by gAMA": ([gamma(45455)], PLAIN),
    "sRGB by gAMA and cHRM": ([gamma(45455), points(SRGB_POINTS)], PLAIN),
    "sRGB before gAMA": ([SRGB, gamma(100_000), points(P3_POINTS)], PLAIN),
    "a profile before gAMA": ([ICC, gamma(100_000)], PLAIN),
    "no gamma": ([gamma(0)], PLAIN),
    "no plausible gamma": ([gamma(1)], PLAIN),
}


@pytest.mark.parametrize(("chunks", "expected"), DECLARED.values(), ids=list(DECLARED))
def test_a_png_is_converted_from_the_colour_space_that_it_declares(
    tmp_path: Path, chunks: list[bytes], expected: NDArray[Any]
) -> None:
    level, notes = read(tmp_path / "picture.png", png(*chunks))
    assert np.abs(level - expected).max() <= (0 if expected is PLAIN else 1.5)
    assert notes == []


def test_the_gamma_of_a_grey_picture_is_applied(tmp_path: Path) -> None:
    level, _ = read(tmp_path / "picture.png", png(gamma(100_000), levels=55, mode="L"))
    assert np.abs(level - srgb_of_light(np.full(3, 55 / 255)) * 255).max() <= 1


def pq(nits: float) -> int:
    power = (nits / 10_000) ** (2610 / 16384)
    level: float = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** (2523 / 32)
    return round(255 * level)


@pytest.mark.parametrize("nits", [0, 5, 20, 100, 150])
def test_pq_up_to_white_keeps_its_brightness(tmp_path: Path, nits: float) -> None:
    content = png(cicp(9, 16, 0, 1), levels=(pq(nits),) * 3)
    level, notes = read(tmp_path / "picture.png", content)
    # A step of PQ is up to six steps of sRGB.
    assert np.abs(level - srgb_of_light(np.full(3, nits / 203)) * 255).max() <= 4
    assert notes == ["it is an HDR picture; what is brighter than white is compressed"]


@pytest.mark.parametrize(("transfer", "white"), [(16, pq(203)), (18, 191)])
def test_white_at_203_candelas_is_nearly_white_and_brighter_light_is_brighter(
    tmp_path: Path, transfer: int, white: int
) -> None:
    levels = [
        read(tmp_path / "picture.png", png(cicp(9, transfer, 0, 1), levels=(each,) * 3))[0].max()
        for each in (white - 20, white, white + 20)
    ]
    assert 248 <= levels[1] <= 253
    assert levels[0] < levels[1] < levels[2]


@pytest.mark.parametrize("numbers", [(1, 9, 0, 1), (99, 13, 0, 1), (1, 13, 1, 1), (1, 13, 0, 0)])
def test_what_cannot_be_converted_is_named(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    level, notes = read(tmp_path / "picture.png", png(cicp(*numbers)))
    assert (level == PLAIN).all()
    listed = ", ".join(map(str, numbers))
    assert notes == [
        f"its colours (cICP {listed}) cannot be converted and are read as sRGB; "
        "convert it to sRGB first"
    ]


@pytest.mark.parametrize("values", [(0,) * 8, (33333,) * 8])
def test_impossible_primaries_are_named(tmp_path: Path, values: tuple[int, ...]) -> None:
    level, notes = read(tmp_path / "picture.png", png(points(values)))
    assert (level == PLAIN).all()
    assert "its primaries are impossible" in notes[0]


@pytest.mark.skipif("avif" not in features.get_supported(), reason="needs AVIF")
@pytest.mark.parametrize(
    ("primaries", "transfer", "expected"),
    [(12, 13, P3), (9, 13, BT2020), (1, 8, LINEAR), (1, 13, PLAIN), (2, 2, PLAIN)],
)
def test_an_avif_is_converted_from_the_colour_space_of_its_numbers(
    tmp_path: Path, primaries: int, transfer: int, expected: NDArray[Any]
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), LEVELS).save(buffer, "AVIF", quality=100, subsampling="4:4:4")
    head, tail = buffer.getvalue().split(b"nclx", 1)
    content = head + b"nclx" + struct.pack(">HH", primaries, transfer) + tail[4:]
    level, notes = read(tmp_path / "picture.avif", content)
    assert np.abs(level - expected).max() <= 3
    assert notes == []


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


@pytest.mark.parametrize("method", [2, 3])
def test_the_profile_of_a_jpeg_2000_is_applied(tmp_path: Path, method: int) -> None:
    swapped = srgb_profile().replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ")
    profile = swapped.replace(b"....", b"gXYZ")
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), LEVELS).save(buffer, "JPEG2000")
    whole = buffer.getvalue()
    start = whole.index(b"jp2h") - 4
    (length,) = struct.unpack_from(">I", whole, start)
    old = box(b"colr", struct.pack(">3BI", 1, 0, 0, 16))
    inner = whole[start + 8 : start + length]
    assert old in inner
    header = box(b"jp2h", inner.replace(old, box(b"colr", bytes([method, 0, 0]) + profile)))
    level, notes = read(tmp_path / "picture.jp2", whole[:start] + header + whole[start + length :])
    assert np.abs(level - np.array(LEVELS)[[1, 0, 2]]).max() <= 1
    assert notes == []
