"""Pictures as data URIs."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styletransfer.errors import ImageError
from styletransfer.report.data_uri import embed_file, embed_picture, embed_svg
from tests.support.pictures import noise


def opened(uri: str, kind: str) -> Image.Image:
    data = base64.b64decode(uri.removeprefix(f"data:image/{kind};base64,"), validate=True)
    picture = Image.open(io.BytesIO(data))
    picture.load()
    assert picture.format == kind.upper()
    return picture


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "png"), (".jpg", "jpeg"), (".webp", "webp")])
def test_a_format_that_browsers_show_is_embedded_unchanged(
    suffix: str, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / f"out{suffix}"
    noise(9, 7).save(path)
    uri = embed_file(path)
    assert base64.b64decode(uri.partition(",")[2]) == path.read_bytes()
    assert opened(uri, kind).size == (9, 7)


def test_any_other_format_becomes_a_png_with_the_same_pixels(tmp_path: Path) -> None:
    noise(9, 7).save(tmp_path / "out.tif")
    assert opened(embed_file(tmp_path / "out.tif"), "png").tobytes() == noise(9, 7).tobytes()


def test_a_missing_or_broken_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("not a picture")
    for name in ("none.png", "words.png"):
        with pytest.raises(ImageError, match=rf"{name}: cannot be read for the report \([^\n]+\)$"):
            embed_file(tmp_path / name)


def test_an_svg_document_is_embedded_unchanged() -> None:
    media_type, _, data = embed_svg("<svg>×</svg>").partition(";base64,")
    assert media_type == "data:image/svg+xml"
    assert base64.b64decode(data).decode() == "<svg>×</svg>"


def test_a_picture_becomes_a_jpeg_that_looks_the_same() -> None:
    picture = Image.linear_gradient("L").convert("RGB")
    again = opened(embed_picture(picture), "jpeg")
    assert again.size == (256, 256)
    difference = np.asarray(again, np.float64) - np.asarray(picture, np.float64)
    assert np.abs(difference).max() <= 4


@pytest.mark.parametrize(("longest", "size"), [(30, (30, 15)), (60, (60, 30)), (90, (60, 30))])
def test_a_picture_is_shrunk_but_never_enlarged(longest: int, size: tuple[int, int]) -> None:
    picture = noise(60, 30)
    assert opened(embed_picture(picture, longest), "jpeg").size == size
    assert picture.size == (60, 30)
