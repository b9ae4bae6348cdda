"""EXIF, ICC and XMP blocks of any bytes: they cost no pixel, and results can carry what is left."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from styletransfer.images.colour import srgb_profile
from styletransfer.images.encoding import encode
from styletransfer.images.reading import Decoded, decode_picture
from tests.support.pictures import XMP, block_of_a_camera, noise

BLOCKS = {"exif": block_of_a_camera(), "icc_profile": srgb_profile(), "xmp": XMP}
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
CONTENT = noise(6, 5)


def written(path: Path, file_format: str, name: str, block: bytes) -> Path:
    options: dict[str, Any] = {name: block}
    if file_format == "PNG" and name == "xmp":
        options = {"pnginfo": PngImagePlugin.PngInfo()}
        # As `add_itxt` does, but with bytes that are not UTF-8.
        options["pnginfo"].add(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + block)
    if file_format == "TIFF" and name == "xmp":
        options = {"tiffinfo": {700: block}}
    if file_format == "JPEG":
        options["quality"] = 100
    CONTENT.save(path, file_format, lossless=True, **options)
    return path


def pixels(picture: Image.Image) -> list[Any]:
    """The colours in no order, since the orientation may be another one."""
    levels = np.asarray(picture).reshape(-1, 3).tolist()
    return sorted(levels)


damage = st.tuples(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    st.one_of(st.just(1.0), st.floats(0, 1)),
    st.binary(max_size=8),
)
"""Bytes that change, by their places; the part that is kept; bytes that are appended."""

cases = [
    (file_format, name)
    for file_format in FORMATS
    for name in BLOCKS
    if (file_format, name) != ("TIFF", "exif")  # its tags are the file's own
]


def damaged(block: bytes, how: tuple[list[tuple[float, int]], float, bytes]) -> bytes:
    changes, kept, tail = how
    content = bytearray(block)
    for place, value in changes:
        content[int(place * (len(content) - 1))] = value
    return bytes(content[: round(kept * len(content))]) + tail


def check(decoded: Decoded, file_format: str, name: str) -> None:
    assert decoded.colours.mode == "RGB"
    assert decoded.colours.size in ((6, 5), (5, 6))
    if name != "icc_profile" and file_format != "JPEG":
        assert pixels(decoded.colours) == pixels(CONTENT)


@settings(max_examples=150)
@given(case=st.sampled_from(cases), how=damage)
def test_a_damaged_block_costs_no_pixel(
    tmp_path_factory: pytest.TempPathFactory,
    case: tuple[str, str],
    how: tuple[list[tuple[float, int]], float, bytes],
) -> None:
    file_format, name = case
    path = tmp_path_factory.getbasetemp() / "block"
    block = damaged(BLOCKS[name], how)
    written(path, file_format, name, block or b"?")
    notes: list[str] = []
    decoded = decode_picture(path, metadata=True, note=notes.append)
    check(decoded, file_format, name)
    assert all(note.startswith(f"{path}: ") and "\n" not in note for note in notes)


@settings(max_examples=100)
@given(name=st.sampled_from(["exif", "xmp"]), how=damage, output=st.sampled_from(FORMATS))
@example("xmp", ([(0.44921875, 1)], 1.0, b""), "PNG")  # no space before an orientation
def test_what_is_left_of_a_damaged_block_can_be_saved(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    how: tuple[list[tuple[float, int]], float, bytes],
    output: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / "block"
    written(path, "WEBP", name, damaged(BLOCKS[name], how) or b"?")
    decoded = decode_picture(path, metadata=True)
    levels = np.asarray(decoded.colours)
    saved = encode(levels, output, {"stylize": "{}"}, decoded.metadata)
    with Image.open(io.BytesIO(saved)) as picture:
        picture.load()
        assert picture.size == decoded.colours.size
    path.write_bytes(saved)
    again = decode_picture(path, metadata=True)
    assert again.colours.size == decoded.colours.size, "upright"
