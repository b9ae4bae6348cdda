"""A painter: what pictures carry from their files to saved results."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from styletransfer.errors import ConfigError, ImageError
from styletransfer.images.provenance import record
from styletransfer.images.tensors import OUTPUT_SUFFIXES
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.picture import Painter
from styletransfer.runs.resolve import settings_from
from styletransfer.settings import Settings
from tests.support.pictures import THUMBNAIL, XMP, block_of_a_camera, noise, read_png, read_tiff

QUICK: dict[str, Any] = {"size": 24, "min_size": 24, "iterations": (4,)}
KINDS = [(suffix, 8) for suffix in OUTPUT_SUFFIXES] + [(".png", 16), (".tif", 16)]

Paint = Callable[..., list[str]]


@pytest.fixture
def paint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paint:
    """Paints one picture with settings of one quick step; returns what was said."""
    monkeypatch.chdir(tmp_path)
    noise(20, 20, seed=7).save("style.png")

    def run(content: str, output: str, **more: Any) -> list[str]:
        said: list[str] = []
        settings = Settings(**QUICK | more)
        painter = Painter([Path("style.png")], settings, StopRequest(), said.append, quiet=True)
        painter.paint(Path(content), Path(output))
        return said

    return run


def clear_to_opaque(hidden: int = 90) -> Image.Image:
    """Noise, at its left clear, over a colour that must not matter, at its right opaque."""
    levels = np.dstack([np.asarray(noise(48, 32)), np.zeros((32, 48), np.uint8)])
    levels[:, :, 3] = np.clip(np.arange(48) * 16 - 256, 0, 255)
    levels[levels[..., 3] == 0, :3] = hidden
    return Image.fromarray(levels)


def opened(path: str) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        return picture


# Transparency


@pytest.mark.weights
@pytest.mark.parametrize("output", ["out.png", "out.jpg"])
def test_hidden_colour_changes_no_byte_of_the_result(paint: Paint, output: str) -> None:
    results = []
    for hidden in (0, 255):
        clear_to_opaque(hidden).save("content.png")
        paint("content.png", output, background="teal")
        results.append(Path(output).read_bytes())
    assert results[0] == results[1]


@pytest.mark.weights
def test_the_background_shows_in_the_result(paint: Paint) -> None:
    clear_to_opaque().save("content.png")
    means = []
    for background in ("white", "black"):
        paint("content.png", "out.png", background=background)
        means.append(np.asarray(opened("out.png"))[:, :6, :3].mean())
    assert means[0] > means[1] + 100


@pytest.mark.weights
@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_the_contents_transparency_returns_at_the_size_of_the_result(
    paint: Paint, suffix: str, bits: int
) -> None:
    clear_to_opaque().save("content.png")
    said = paint("content.png", f"out{suffix}", bits=bits)
    result = opened(f"out{suffix}")
    assert result.size == (24, 16)
    if suffix in (".jpg", ".jpeg"):
        assert result.mode == "RGB"
        assert said == [
            f"out{suffix}: a JPEG holds no transparency, so content.png is laid on white; "
            ".png, .webp and .tif keep it"
        ]
        return
    assert said == []
    assert result.mode == "RGBA"
    alpha = np.asarray(result)[..., 3]
    assert (alpha[:, :7] == 0).all()
    assert (alpha[:, 17:] == 255).all()
    assert (np.diff(alpha.astype(int), axis=1) >= 0).all()


@pytest.mark.weights
@pytest.mark.parametrize("size", ["original", 17, None])
def test_the_size_of_an_opaque_picture_is_as_asked_and_it_has_no_fourth_channel(
    paint: Paint, size: Any
) -> None:
    noise(31, 22).convert("RGBA").save("content.png")
    assert paint("content.png", "out.jpg", size=size) == []
    paint("content.png", "out.png", size=size)
    assert opened("out.png").mode == "RGB"
    assert opened("out.png").size == ((17, 12) if size == 17 else (31, 22))


@pytest.mark.weights
def test_the_opacity_of_style_and_init_is_not_the_results(paint: Paint) -> None:
    noise(24, 16).save("content.png")
    clear_to_opaque().save("init.png")
    clear_to_opaque().save("style.png")
    assert paint("content.png", "out.jpg", init="init.png") == []
    paint("content.png", "out.png", init="init.png")
    assert opened("out.png").mode == "RGB"


def test_styles_and_init_are_laid_on_the_background(paint: Paint) -> None:
    Image.new("RGBA", (4, 4), (9, 9, 9, 0)).save("style.png")
    Image.new("LA", (4, 4), (9, 0)).save("init.png")
    settings = Settings(background="#102030", init="init.png")
    painter = Painter([Path("style.png")], settings, StopRequest(), print)
    assert painter.init is not None
    assert [each.getpixel((1, 1)) for each in (painter.styles[0], painter.init)] == [
        (16, 32, 48)
    ] * 2


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_styles_and_init_are_turned_upright(
    paint: Paint, file_format: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    noise(32, 16).resize((320, 160)).save("turned", file_format, exif=exif)
    painter = Painter([Path("turned")], Settings(init="turned"), StopRequest(), print)
    assert painter.init is painter.styles[0]
    assert painter.init.size == ((320, 160) if orientation < 5 else (160, 320))


@pytest.mark.weights
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_no_result_has_a_stale_orientation(
    paint: Paint, file_format: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    noise(48, 32).save("content", file_format, exif=exif)
    paint("content", "out.tif", keep_metadata=True)
    result = opened("out.tif")
    assert result.size == ((24, 16) if orientation < 5 else (16, 24))
    assert result.getexif()[ExifTags.Base.Orientation] == 1


# 16 bits


@pytest.mark.weights
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_hold_what_8_bits_round_away(paint: Paint, suffix: str) -> None:
    noise(48, 32).save("content.png")
    paint("content.png", f"deep{suffix}", bits=16)
    paint("content.png", f"flat{suffix}", bits=8)
    levels = (read_png if suffix == ".png" else read_tiff)(Path(f"deep{suffix}").read_bytes())
    flat = np.asarray(opened(f"flat{suffix}"))
    assert abs(levels / 257 - flat).max() <= 0.51
    assert len(np.unique(levels % 257)) > 100


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_16_bits_in_a_format_without_are_refused_before_any_work(paint: Paint, suffix: str) -> None:
    noise(48, 32).save("content.png")
    with pytest.raises(ConfigError, match=r"bits 16 needs a \.png or \.tif output; choose one"):
        paint("content.png", f"out{suffix}", bits=16)


@pytest.mark.weights
def test_a_result_too_large_for_its_format_is_refused_before_the_first_step(paint: Paint) -> None:
    noise(48, 1).save("content.png")
    with pytest.raises(ImageError, match="20000 pixels exceed this format's limit of 16383"):
        paint("content.png", "out.webp", size=20_000)
    assert not Path("out.webp").exists()


# Metadata and the record


@pytest.mark.weights
@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_without_being_asked_no_result_has_anything_of_the_contents_metadata(
    paint: Paint, suffix: str, bits: int
) -> None:
    noise(48, 32).save("content.jpg", exif=block_of_a_camera(), xmp=XMP)
    paint("content.jpg", f"out{suffix}", bits=bits)
    result = opened(f"out{suffix}")
    assert result.size == (16, 24)
    assert result.getexif().get_ifd(ExifTags.IFD.GPSInfo) == {}
    data = Path(f"out{suffix}").read_bytes()
    assert [
        word for word in (b"Maker", b"rgen", b"my own", THUMBNAIL, b"Rating") if word in data
    ] == []


@pytest.mark.weights
@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_metadata_to_keep_is_in_the_result_beside_its_own_record(
    paint: Paint, suffix: str, bits: int
) -> None:
    noise(48, 32).save("content.jpg", exif=block_of_a_camera(), xmp=XMP)
    assert paint("content.jpg", f"out{suffix}", bits=bits, keep_metadata=True) == []
    result = opened(f"out{suffix}")
    exif = result.getexif()
    photo = exif.get_ifd(ExifTags.IFD.Exif)
    words = record(Settings(**QUICK | {"bits": bits, "keep_metadata": True}))["stylize"]
    assert exif[ExifTags.Base.Make] == "Maker"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
    assert photo[ExifTags.Base.ExposureTime] == 1 / 125
    assert photo[ExifTags.Base.UserComment] == b"ASCII\0\0\0" + words.encode()
    assert b"Rating" in result.info["xmp"]
    sizes = (photo[ExifTags.Base.ExifImageWidth], photo[ExifTags.Base.ExifImageHeight])
    assert sizes == result.size == (16, 24)
    assert exif[ExifTags.Base.ImageWidth] == 16
    assert exif[ExifTags.Base.Orientation] == 1
    data = Path(f"out{suffix}").read_bytes()
    assert THUMBNAIL not in data
    assert "Jürgen".encode() in data
    assert b"my own" not in data


@pytest.mark.weights
def test_a_damaged_block_is_a_warning_only_if_it_was_to_be_kept(paint: Paint) -> None:
    noise(48, 32).save("content.png", exif=block_of_a_camera()[:90])
    assert paint("content.png", "out.png") == []
    said = paint("content.png", "out.png", keep_metadata=True)
    assert said == ["content.png: its EXIF block is damaged; only the readable entries are kept"]


@pytest.mark.weights
@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_a_result_repeats_its_run_to_the_same_bytes(paint: Paint, suffix: str, bits: int) -> None:
    noise(48, 32).save("content.jpg", exif=block_of_a_camera())
    more = {"bits": bits, "keep_metadata": True, "background": "#f5e6c8", "tv_weight": 3.0}
    paint("content.jpg", f"first{suffix}", **more)
    shutil.copy(f"first{suffix}", "settings")
    settings = settings_from("settings", {}, 1)
    assert settings == Settings(**QUICK | more)
    painter = Painter([Path("style.png")], settings, StopRequest(), print, quiet=True)
    painter.paint(Path("content.jpg"), Path(f"second{suffix}"))
    assert Path(f"first{suffix}").read_bytes() == Path(f"second{suffix}").read_bytes()
