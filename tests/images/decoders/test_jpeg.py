"""JPEG files that lack their last bytes."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from styletransfer.images.decoders.jpeg import CUT_SHORT
from styletransfer.images.reading import decode_picture, is_complete
from tests.support.pictures import noise, refusal

KINDS: list[dict[str, Any]] = [
    {},
    {"subsampling": 0},
    {"progressive": True},
    {"restart_marker_rows": 1},
]


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture = noise(160, 120).convert(mode)
    if mode == "CMYK":
        picture = Image.merge("CMYK", [*noise(160, 120).split(), *noise(160, 120, 1).split()[:1]])
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("missing", [1, 2, 3, 5])
def test_a_jpeg_that_lacks_its_last_bytes_is_painted_with_a_note(
    tmp_path: Path, missing: int, mode: str, options: dict[str, Any]
) -> None:
    whole = jpeg(mode, **options)
    (tmp_path / "whole.jpg").write_bytes(whole)
    path = tmp_path / "cut.jpg"
    path.write_bytes(whole[:-missing])
    notes: list[str] = []
    painted = np.asarray(decode_picture(path, note=notes.append).colours)
    expected = np.asarray(decode_picture(tmp_path / "whole.jpg").colours)
    assert notes == [f"{path}: {CUT_SHORT}"]
    assert np.array_equal(painted[:-17], expected[:-17])
    assert (painted != expected).any(axis=2).mean() < 0.02
    assert not is_complete(path)


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("part", [0.5, 0.7, 0.9])
def test_a_jpeg_that_lacks_more_is_refused(
    tmp_path: Path, part: float, options: dict[str, Any]
) -> None:
    whole = jpeg(**options)
    path = tmp_path / "half.jpg"
    path.write_bytes(whole[: int(part * len(whole))])
    assert refusal(decode_picture, path) == (
        f"{path}: the picture is damaged or truncated (its end is missing); download it again"
    )


def test_a_progressive_jpeg_that_lacks_a_scan_is_refused(tmp_path: Path) -> None:
    """Its last scan has the last bit of most coefficients, so all rows are there before."""
    whole = jpeg(progressive=True)
    path = tmp_path / "coarse.jpg"
    path.write_bytes(whole[: whole.rindex(b"\xff\xda")])
    assert refusal(decode_picture, path).endswith("(its end is missing); download it again")


def test_the_orientation_of_a_jpeg_that_lacks_its_end_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "cut.jpg").write_bytes(jpeg(exif=exif)[:-2])
    assert decode_picture(tmp_path / "cut.jpg").colours.size == (120, 160)


@pytest.mark.parametrize(
    ("start", "name"),
    [(b"\xff\xc1\0\x11\x0c", "a JPEG with 12 bits"), (b"\xff\xf7\0\x11\x08", "a JPEG-LS picture")],
)
def test_a_variant_that_is_not_read_is_named(tmp_path: Path, start: bytes, name: str) -> None:
    whole = jpeg()
    place = whole.index(b"\xff\xc0\0\x11\x08")
    (tmp_path / "a.jpg").write_bytes(whole[:place] + start + whole[place + 5 :])
    assert refusal(decode_picture, tmp_path / "a.jpg").endswith(
        f"this is {name}; convert it to PNG"
    )
