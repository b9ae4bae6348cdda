"""TIFF files that Pillow misreads."""

import contextlib
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from styletransfer.errors import ImageError
from styletransfer.images.exif import LITTLE_ENDIAN, LONG, SHORT, Entry, Exif
from styletransfer.images.opening import is_picture, is_raw
from styletransfer.images.reading import decode_picture, open_picture
from tests.support.pictures import noise, refusal
from tests.support.tiffs import DEFLATE, FLOAT, HEIGHT, NONE, SIGNED, WIDTH, tiff

RISING = np.linspace(0, 1, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)


def packed_12(values: Any) -> bytes:
    return b"".join(((int(a) << 12) | int(b)).to_bytes(3, "big") for a, b in values.reshape(-1, 2))


def grey(bits: int, sample_format: int, order: str) -> bytes:
    """The rising values, from black to white, in a type."""
    if sample_format == FLOAT:
        return bytes(RISING.astype(f"{order}f4").tobytes())
    top = {1: 2**bits - 1, SIGNED: 2 ** (bits - 1) - 1}[sample_format]
    if bits == 32:
        top = 65535
    values = (RISING * top).round().astype(np.int64)
    if bits == 12:
        return packed_12(values)
    return bytes(values.astype(f"{order}{'iu'[sample_format == 1]}{bits // 8}").tobytes())


@pytest.mark.parametrize("compression", [NONE, DEFLATE])
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("bits", "sample_format"), [(8, 1), (12, 1), (16, 1), (16, SIGNED), (32, 1), (32, 2), (32, 3)]
)
def test_white_is_zero_is_the_inverse_of_black_is_zero(
    tmp_path: Path, bits: int, sample_format: int, order: str, planar: int, compression: int
) -> None:
    shown = []
    for photometric in (0, 1):
        path = tmp_path / f"{photometric}.tif"
        strip = grey(bits, sample_format, order)
        tags: Any = {"bits": bits, "sample_format": sample_format, "compression": compression}
        path.write_bytes(tiff([strip], order=order, photometric=photometric, planar=planar, **tags))
        shown.append(np.asarray(open_picture(path)).astype(int)[..., 0])
    assert shown[0][0, 0] > 250
    assert abs(255 - shown[0] - shown[1]).max() <= 1


def test_white_is_zero_of_16_bits_has_its_exact_levels(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 65535 - 257, 65535]], ">u2")
    path = tmp_path / "scan.tif"
    path.write_bytes(tiff([levels.tobytes()], order=">", size=(4, 1), bits=16, photometric=0))
    assert np.asarray(open_picture(path))[0, :, 0].tolist() == [255, 254, 1, 0]


# RAW


def directory_rows(whole: bytearray) -> range:
    """Where the entries of the first directory start."""
    (place,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, place)
    return range(place + 2, place + 2 + 12 * count, 12)


def raw(preview: tuple[int, int], *, where: str) -> bytes:
    """A preview in the first directory, and sensor values as a maker stores them."""
    exif = Exif(block=LITTLE_ENDIAN)
    pixels = bytes([200]) * (3 * preview[0] * preview[1])
    more = {}
    if where == "version":
        more[50706] = Entry(1, b"\1\4\0\0")
    if where == "sub-directory":
        more[330] = exif.numbers(LONG, 0)
    whole = bytearray(
        tiff([pixels], size=preview, bits=[8] * 3, samples=3, photometric=2, more=more)
    )
    tag, value = (259, 34713) if where == "compression" else (262, 32803)
    directory = struct.pack("<HHHIHHI", 1, tag, SHORT, 1, value, 0, 0)
    start = len(whole)
    rows = directory_rows(whole)
    for row in rows:
        if where == "sub-directory" and struct.unpack_from("<H", whole, row)[0] == 330:
            struct.pack_into("<I", whole, row + 8, start)
    if where in ("next directory", "compression"):
        struct.pack_into("<I", whole, rows.stop, start)
    return bytes(whole) + directory


@pytest.mark.parametrize("where", ["version", "sub-directory", "next directory", "compression"])
@pytest.mark.parametrize("suffix", [".nef", ".tif", ".jpg"])
def test_a_raw_file_on_the_frame_of_a_tiff_is_refused_by_its_tags(
    tmp_path: Path, where: str, suffix: str
) -> None:
    path = tmp_path / f"DSC_1{suffix}"
    path.write_bytes(raw((12, 8), where=where))
    assert "this is a camera's RAW file; develop it first" in refusal(decode_picture, path)
    assert is_picture(path)
    assert is_raw(path)


def test_the_suffix_of_a_raw_file_is_not_enough(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), "red").save(tmp_path / "DSC_1.nef", "TIFF")
    assert not is_raw(tmp_path / "DSC_1.nef")
    assert open_picture(tmp_path / "DSC_1.nef").getpixel((0, 0)) == (255, 0, 0)


def test_directories_that_point_to_each_other_come_to_an_end(tmp_path: Path) -> None:
    whole = bytearray(tiff([bytes(WIDTH * HEIGHT)]))
    struct.pack_into("<I", whole, directory_rows(whole).stop, int.from_bytes(whole[4:8], "little"))
    (tmp_path / "loop.tif").write_bytes(whole)
    assert not is_raw(tmp_path / "loop.tif")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "group4"])
def test_the_lines_of_libtiff_do_not_reach_stderr(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], compression: str
) -> None:
    path = tmp_path / "damaged.tif"
    picture = noise(64, 64).convert("1" if compression == "group4" else "RGB")
    picture.save(path, compression=compression)
    whole = bytearray(path.read_bytes())
    whole[20:200] = bytes(range(180))
    path.write_bytes(whole)
    with contextlib.suppress(ImageError):  # a fax shows what it can
        decode_picture(path)
    os.write(2, b"our own line")
    assert capfd.readouterr().err == "our own line"
