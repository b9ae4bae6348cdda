"""TIFF files with samples that Pillow does not read."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from styletransfer.images.opening import is_picture
from styletransfer.images.reading import decode_picture
from tests.support.pictures import refusal
from tests.support.tiffs import DEFLATE, FLOAT, HEIGHT, NONE, WIDTH, tiff

RAMP = np.linspace(0, 1, WIDTH * HEIGHT * 4).reshape(HEIGHT, WIDTH, 4)
GREY, RGB, CMYK, LAB = 1, 2, 5, 8
UNASSOCIATED = 2


def write(path: Path, values: Any, order: str = "<", **tags: Any) -> Path:
    """Write an array of shape (H, W, samples) as a TIFF."""
    planes = np.moveaxis(values, 2, 0) if tags.get("planar") == 2 else [values]
    kind = f"{order}{values.dtype.str[1:]}"
    samples = values.shape[2]
    tags = {"samples": samples, "bits": [8 * values.dtype.itemsize] * samples} | tags
    if values.dtype.kind == "f":
        tags["sample_format"] = [FLOAT] * samples
    size = (values.shape[1], values.shape[0])
    strips = [np.ascontiguousarray(plane).astype(kind).tobytes() for plane in planes]
    path.write_bytes(tiff(strips, order=order, size=size, **tags))
    return path


@pytest.fixture
def tifffile() -> Any:
    return pytest.importorskip("tifffile")


@pytest.mark.usefixtures("tifffile")
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [NONE, DEFLATE])
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "u4"])
def test_rgb_of_floats_or_32_bits_has_its_levels(
    tmp_path: Path, kind: str, planar: int, compression: int, order: str
) -> None:
    scale = 1 if kind[0] == "f" else 2**32 - 1
    values = (RAMP[..., :3] * scale).astype(kind)
    path = write(
        tmp_path / "a.tif",
        *(values, order),
        photometric=RGB,
        planar=planar,
        compression=compression,
    )
    shown = np.asarray(decode_picture(path).colours).astype(float)
    assert abs(shown - 255 * RAMP[..., :3]).max() <= 1


@pytest.mark.usefixtures("tifffile")
def test_floats_out_of_range_are_rescaled_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", (RAMP[..., :3] * 4).astype("f4"), photometric=RGB)
    notes: list[str] = []
    shown = np.asarray(decode_picture(path, note=notes.append).colours)
    assert (shown.min(), shown.max()) == (0, 255)
    assert "were rescaled" in notes[0]


@pytest.mark.usefixtures("tifffile")
def test_floats_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    values = np.full((2, 2, 3), np.nan, "f4")
    path = write(tmp_path / "a.tif", values, photometric=RGB)
    assert "NaN" in refusal(decode_picture, path)


@pytest.mark.usefixtures("tifffile")
@pytest.mark.parametrize("order", "<>")
def test_grey_of_16_bits_keeps_its_alpha_channel(tmp_path: Path, order: str) -> None:
    values = (RAMP[..., :2] * 65535).astype("u2")
    decoded = decode_picture(
        write(tmp_path / "a.tif", values, order, photometric=GREY, extra=UNASSOCIATED),
        background="black",
    )
    assert decoded.alpha is not None
    assert abs(np.asarray(decoded.alpha) - 255 * RAMP[..., 1]).max() <= 1
    expected = 255 * RAMP[..., 0] * RAMP[..., 1]
    assert abs(np.asarray(decoded.colours)[..., 0] - expected).max() <= 2


@pytest.mark.usefixtures("tifffile")
def test_cmyk_with_alpha_has_the_colours_of_cmyk(tmp_path: Path) -> None:
    ink = (RAMP * 255).astype("u1")
    opaque = np.full((HEIGHT, WIDTH, 1), 128, "u1")
    path = write(tmp_path / "a.tif", np.dstack([ink, opaque]), photometric=CMYK, extra=UNASSOCIATED)
    decoded = decode_picture(path, background="black")
    assert decoded.alpha is not None
    assert set(decoded.alpha.tobytes()) == {128}
    expected = np.asarray(Image.fromarray(ink, "CMYK").convert("RGB")).astype(float) * 128 / 255
    assert abs(np.asarray(decoded.colours) - expected).max() <= 2


@pytest.mark.usefixtures("tifffile")
def test_lab_of_16_bits_has_the_colours_of_lab(tmp_path: Path) -> None:
    """White, mid grey, and the red of sRGB: 54.29, 80.81 and 69.89 under D50."""
    lab = np.array([[[100, 0, 0], [53.585, 0, 0], [54.29, 80.81, 69.89]]])
    values = np.dstack([lab[..., :1] * 655.35, lab[..., 1:] * 256]).astype("i4").astype("u2")
    shown = np.asarray(decode_picture(write(tmp_path / "a.tif", values, photometric=LAB)).colours)
    expected = [[255, 255, 255], [128, 128, 128], [255, 0, 0]]
    assert abs(shown[0].astype(int) - expected).max() <= 1


@pytest.mark.usefixtures("tifffile")
def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", RAMP[..., :3].astype("f4"), photometric=RGB, compression=8)
    whole = path.read_bytes()
    strip = whole.index(b"\x78\x9c")
    path.write_bytes(whole[: strip + 20] + bytes(60) + whole[strip + 80 :])
    assert "damaged or truncated" in refusal(decode_picture, path)


@pytest.mark.parametrize(
    ("values", "tags", "words"),
    [
        (RAMP[..., :2].astype("u2"), {"photometric": GREY, "extra": 2}, "grey with alpha, 16 bits"),
        (RAMP[..., :3].astype("f4"), {"photometric": RGB}, "RGB, 32 floating-point bits"),
        (RAMP[..., :3].astype("u2"), {"photometric": LAB}, "Lab, 16 bits"),
    ],
)
def test_without_tifffile_the_line_names_the_samples_and_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: Any, tags: Any, words: str
) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    path = write(tmp_path / "a.tif", values, **tags)
    line = refusal(decode_picture, path)
    assert line.startswith(f"{path}: reading this TIFF ({words}) needs two packages; ")
    assert "pip install tifffile imagecodecs" in line
    assert is_picture(path)
