"""A run of one picture: its refusals, and what it transfers from the inputs to the result."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from styletransfer.errors import ConfigError, DeviceError, ImageError, UnsavedError
from styletransfer.images.provenance import record
from styletransfer.images.tensors import OUTPUT_SUFFIXES
from styletransfer.runs.context import RunContext
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.jobs import Job
from styletransfer.runs.picture import PictureRun
from styletransfer.settings import Settings
from tests.support.pictures import THUMBNAIL, XMP, block_of_a_camera, noise, read_png, read_tiff
from tests.support.settings import settings_from

QUICK: dict[str, Any] = {"size": 24, "min_size": 24, "iterations": (4,), "style_form": "gram"}
KINDS = [(suffix, 8) for suffix in OUTPUT_SUFFIXES] + [(".png", 16), (".tif", 16)]

Run = Callable[..., list[str]]


def context_of(settings: Settings, *styles: str, **more: Any) -> RunContext:
    notify = more.pop("notify", pytest.fail)
    return RunContext.open(list(map(Path, styles)), settings, StopRequest(), notify, **more)


def job_of(content: str, output: str, settings: Settings, **more: Any) -> Job:
    job = Job(
        content=Path(content),
        styles=(Path("style.png"),),
        settings=settings,
        output=Path(output),
        unfinished=Path(output),
    )
    return replace(job, **more)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one picture with a few iterations; returns the reported lines."""
    monkeypatch.chdir(tmp_path)
    noise(20, 20, seed=7).save("style.png")

    def make(content: str, output: str, **more: Any) -> list[str]:
        lines: list[str] = []
        settings = Settings(**QUICK | more)
        context = context_of(settings, "style.png", notify=lines.append, quiet=True)
        PictureRun.prepare(job_of(content, output, settings), context).run()
        return lines

    return make


def clear_to_opaque(hidden: int = 90) -> Image.Image:
    """Noise, transparent on the left, where its colour must not matter, and opaque on the right."""
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
def test_the_colour_of_transparent_parts_changes_no_byte_of_the_result(
    run: Run, output: str
) -> None:
    results = []
    for hidden in (0, 255):
        clear_to_opaque(hidden).save("content.png")
        run("content.png", output, background="teal")
        results.append(Path(output).read_bytes())
    assert results[0] == results[1]


@pytest.mark.weights
def test_the_background_shows_in_the_result(run: Run) -> None:
    clear_to_opaque().save("content.png")
    means = []
    for background in ("white", "black"):
        run("content.png", "out.png", background=background)
        means.append(np.asarray(opened("out.png"))[:, :6, :3].mean())
    assert means[0] > means[1] + 50


@pytest.mark.weights
@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_the_result_has_the_transparency_of_the_content(run: Run, suffix: str, bits: int) -> None:
    clear_to_opaque().save("content.png")
    lines = run("content.png", f"out{suffix}", bits=bits)
    result = opened(f"out{suffix}")
    assert result.size == (24, 16)
    if suffix in (".jpg", ".jpeg"):
        assert result.mode == "RGB"
        assert lines == [
            f"out{suffix}: JPEG has no transparency, so content.png is composited on white; "
            ".png, .webp and .tif keep it"
        ]
        return
    assert lines == []
    assert result.mode == "RGBA"
    alpha = np.asarray(result)[..., 3]
    assert (alpha[:, :7] == 0).all()
    assert (alpha[:, 17:] == 255).all()
    assert (np.diff(alpha.astype(int), axis=1) >= 0).all()


@pytest.mark.weights
@pytest.mark.parametrize("size", ["original", 17, None])
def test_an_opaque_result_has_the_requested_size_and_three_channels(run: Run, size: Any) -> None:
    noise(31, 22).convert("RGBA").save("content.png")
    assert run("content.png", "out.jpg", size=size) == []
    run("content.png", "out.png", size=size)
    assert opened("out.png").mode == "RGB"
    assert opened("out.png").size == ((17, 12) if size == 17 else (31, 22))


@pytest.mark.weights
def test_the_transparency_of_style_and_init_is_not_transferred(run: Run) -> None:
    noise(24, 16).save("content.png")
    clear_to_opaque().save("init.png")
    clear_to_opaque().save("style.png")
    assert run("content.png", "out.jpg", init="init.png") == []
    run("content.png", "out.png", init="init.png")
    assert opened("out.png").mode == "RGB"


def test_styles_and_init_are_composited_on_the_background(run: Run) -> None:
    for name, mode, clear, opaque in (
        ("style.png", "RGBA", (9, 9, 9, 0), (9, 9, 9, 255)),
        ("init.png", "LA", (9, 0), (9, 255)),
    ):
        made = Image.new(mode, (4, 4), clear)
        made.putpixel((0, 0), opaque)
        made.save(name)
    settings = Settings(background="#102030", init="init.png")
    context = context_of(settings, "style.png")
    assert context.init is not None
    for picture in (context.styles[0], context.init):
        assert picture.decoded.colours.getpixel((1, 1)) == (16, 32, 48)


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_styles_and_init_are_turned_upright(run: Run, file_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    noise(32, 16).resize((320, 160)).save("turned", file_format, exif=exif)
    context = context_of(Settings(init="turned"), "turned")
    assert context.init is context.styles[0]
    assert context.init.size == ((320, 160) if orientation < 5 else (160, 320))


@pytest.mark.weights
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_no_result_has_a_stale_orientation(run: Run, file_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    noise(48, 32).save("content", file_format, exif=exif)
    run("content", "out.tif", keep_metadata=True)
    result = opened("out.tif")
    assert result.size == ((24, 16) if orientation < 5 else (16, 24))
    assert result.getexif()[ExifTags.Base.Orientation] == 1


# 16 bits


@pytest.mark.weights
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_keep_what_8_bits_round_off(run: Run, suffix: str) -> None:
    noise(48, 32).save("content.png")
    run("content.png", f"deep{suffix}", bits=16)
    run("content.png", f"flat{suffix}", bits=8)
    levels = (read_png if suffix == ".png" else read_tiff)(Path(f"deep{suffix}").read_bytes())
    flat = np.asarray(opened(f"flat{suffix}"))
    assert abs(levels / 257 - flat).max() <= 0.51
    assert len(np.unique(levels % 257)) > 100


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_16_bits_are_refused_in_a_format_with_8(run: Run, suffix: str) -> None:
    noise(48, 32).save("content.png")
    with pytest.raises(ConfigError, match=r"bits 16 needs a \.png or \.tif output; choose one"):
        run("content.png", f"out{suffix}", bits=16)


@pytest.mark.weights
def test_a_result_too_large_for_its_format_is_refused(run: Run) -> None:
    noise(48, 1).save("content.png")
    with pytest.raises(ImageError, match="20000 pixels exceed this format's limit of 16383"):
        run("content.png", "out.webp", size=20_000)
    assert not Path("out.webp").exists()


# Metadata and the record


@pytest.mark.weights
@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_by_default_no_metadata_of_the_content_is_in_the_result(
    run: Run, suffix: str, bits: int
) -> None:
    noise(48, 32).save("content.jpg", exif=block_of_a_camera(), xmp=XMP)
    run("content.jpg", f"out{suffix}", bits=bits)
    result = opened(f"out{suffix}")
    assert result.size == (16, 24)
    assert result.getexif().get_ifd(ExifTags.IFD.GPSInfo) == {}
    data = Path(f"out{suffix}").read_bytes()
    assert [
        word for word in (b"Maker", b"rgen", b"my own", THUMBNAIL, b"Rating") if word in data
    ] == []


@pytest.mark.weights
@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_kept_metadata_is_in_the_result_beside_its_record(run: Run, suffix: str, bits: int) -> None:
    noise(48, 32).save("content.jpg", exif=block_of_a_camera(), xmp=XMP)
    assert run("content.jpg", f"out{suffix}", bits=bits, keep_metadata=True) == []
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
def test_a_damaged_exif_block_is_a_warning_only_if_metadata_is_kept(run: Run) -> None:
    noise(48, 32).save("content.png", exif=block_of_a_camera()[:90])
    assert run("content.png", "out.png") == []
    lines = run("content.png", "out.png", keep_metadata=True)
    assert lines == ["content.png: its EXIF block is damaged; only the readable entries are kept"]


@pytest.mark.weights
@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_a_result_as_configuration_gives_the_same_bytes(run: Run, suffix: str, bits: int) -> None:
    noise(48, 32).save("content.jpg", exif=block_of_a_camera())
    more = {"bits": bits, "keep_metadata": True, "background": "#f5e6c8", "tv_weight": 3.0}
    run("content.jpg", f"first{suffix}", **more)
    shutil.copy(f"first{suffix}", "settings")
    settings = settings_from("settings", {}, 1)
    assert settings == Settings(**QUICK | more)
    context = context_of(settings, "style.png", quiet=True)
    PictureRun.prepare(job_of("content.jpg", f"second{suffix}", settings), context).run()
    assert Path(f"first{suffix}").read_bytes() == Path(f"second{suffix}").read_bytes()


# Refusals


@pytest.fixture
def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PictureRun]:
    """Prepares a run of two sizes with three iterations each."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (48, 32), "teal").save("content.png")
    Image.new("RGB", (20, 20)).save("style.png")

    def make(output: str = "out.png", save_every: int | None = None, **values: Any) -> PictureRun:
        settings = replace(Settings(min_size=24, iterations=(3,)), **values)
        unfinished = Path(output).with_name(f"best-{Path(output).name}")
        job = job_of("content.png", output, settings, unfinished=unfinished, save_every=save_every)
        return PictureRun.prepare(job, context_of(settings, "style.png"))

    return make


Prepare = Callable[..., PictureRun]


def test_a_prepared_run_knows_its_sizes_and_has_written_nothing(prepare: Prepare) -> None:
    run = prepare()

    assert [scale.size for scale in run.scales] == [(24, 16), (48, 32)]
    assert run.snapshots is None
    assert {path.name for path in Path().iterdir()} == {"content.png", "style.png"}


def test_snapshots_are_counted_over_all_sizes(prepare: Prepare) -> None:
    snapshots = prepare(save_every=2).snapshots

    assert snapshots is not None
    assert snapshots.path(2) == Path("out-2.png")
    with pytest.raises(ConfigError, match="the run has only 6 iterations"):
        prepare(save_every=7)


@pytest.mark.parametrize("output", ["content.png", "style.png", "out.bmp"])
def test_an_output_that_cannot_be_written_is_refused(output: str, prepare: Prepare) -> None:
    with pytest.raises(ImageError):
        prepare(output)


def test_an_unfinished_picture_that_would_overwrite_an_input_is_refused(prepare: Prepare) -> None:
    Path("style.png").rename("best-out.png")
    Path("style.png").symlink_to("best-out.png")

    with pytest.raises(ImageError, match=r"best-out\.png: this is also an input"):
        prepare()


@pytest.mark.parametrize("mask", ["out.png", "best-out.png", "out-4.png"])
@pytest.mark.parametrize("kind", ["content_mask", "style_mask"])
def test_a_mask_is_an_input_that_nothing_may_overwrite(
    kind: str, mask: str, prepare: Prepare
) -> None:
    Image.linear_gradient("L").resize((48, 32)).save(mask)
    values: dict[str, Any] = {kind: mask if kind == "content_mask" else (mask,)}

    prepare("other.png", save_every=2, **values)
    with pytest.raises(ImageError, match=f"{mask}: this is also an input"):
        prepare(save_every=2, **values)


def test_the_plan_has_the_device_and_the_number_format_and_is_made_once(prepare: Prepare) -> None:
    run = prepare(device="cpu", precision="float32")
    plan = run.plan()

    assert (plan.content, plan.styles) == ((48, 32), ((20, 20),))
    assert (plan.device.type, plan.precision.name) == ("cpu", "float32")
    assert list(plan.scales) == run.scales
    assert run.plan() is plan


def test_a_missing_device_is_refused(prepare: Prepare) -> None:
    with pytest.raises(DeviceError, match="device 'cuda:99' is not available"):
        prepare(device="cuda:99").plan()


def test_a_lack_of_memory_is_refused(prepare: Prepare) -> None:
    with pytest.raises(DeviceError, match="out of memory at 65535×43690 on cpu"):
        prepare(size=65_535, device="cpu").plan()


# Links that appear during the run


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PictureRun:
    """A run from photos/a.png to out/a.png, after its checks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Path("photos").mkdir()
    for path in ("photos/a.png", "style.png"):
        noise(24, 16).save(path)
    settings = Settings(**QUICK)
    context = context_of(settings, "style.png", quiet=True, notify=lambda _: None)
    return PictureRun.prepare(job_of("photos/a.png", "out/a.png", settings), context)


@pytest.mark.weights
def test_an_output_that_became_a_link_to_the_content_is_replaced(prepared: PictureRun) -> None:
    before = Path("photos/a.png").read_bytes()
    Path("out/a.png").symlink_to("../photos/a.png")
    prepared.run()

    assert Path("photos/a.png").read_bytes() == before
    assert not Path("out/a.png").is_symlink()


@pytest.mark.weights
def test_a_folder_that_became_a_link_to_that_of_the_content_is_refused(
    prepared: PictureRun,
) -> None:
    before = Path("photos/a.png").read_bytes()
    Path("out").rmdir()
    Path("out").symlink_to("photos")
    with pytest.raises(UnsavedError, match="this is also an input") as caught:
        prepared.run()

    assert Path("photos/a.png").read_bytes() == before
    (rescued,) = Path().glob("stylize-*.png")
    assert str(caught.value).endswith(f"{rescued} instead")
