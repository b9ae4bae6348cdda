"""Files to tensors and back."""

import errno
import os
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin
from torch import Tensor

from styletransfer.errors import ImageError
from styletransfer.images import (
    OUTPUT_SUFFIXES,
    check_output,
    open_picture,
    read_image,
    save_image,
    to_picture,
    to_tensor,
)

ROOT = Path(__file__).parents[1]
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(256, (height, width, 3), generator=generator).byte()
    return Image.fromarray(levels.numpy())


def noise_image(side: int = 16, seed: int = 0) -> Tensor:
    return to_tensor(noise(side, side, seed))


def refusal(call: Callable[..., object], *arguments: object) -> str:
    """The one line with which a call refuses its arguments."""
    with pytest.raises(ImageError) as caught:
        call(*arguments)
    line = str(caught.value)
    assert "\n" not in line
    assert ";" in line, "a remedy follows the complaint"
    return line


# Reading


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "PPM", "TGA", "PCX", "QOI"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (640, 3), (33, 17)])
def test_a_lossless_file_of_any_size_is_read_exactly(
    tmp_path: Path, file_format: str, size: tuple[int, int]
) -> None:
    path = tmp_path / f"picture.{file_format.lower()}"
    noise(*size).save(path, file_format)
    picture = open_picture(path)
    assert picture.mode == "RGB"
    assert picture.size == size
    assert picture.tobytes() == noise(*size).tobytes()


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "GIF", "JPEG2000", "MPO", "ICO"])
def test_the_content_of_a_file_tells_its_format(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "picture.png"
    Image.new("RGB", (32, 16), RED).save(path, file_format)
    picture = open_picture(path)
    assert picture.mode == "RGB"
    red, green, blue = picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]  # an RGB picture's pixel is a triple
    assert (red > 250, green < 5, blue < 5) == (True, True, True)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, WHITE),
        ("L", 100, (100, 100, 100)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("LA", (100, 255), (100, 100, 100)),
        ("LA", (100, 0), WHITE),
        ("RGBA", (1, 2, 3, 255), (1, 2, 3)),
        ("RGBA", (1, 2, 3, 0), WHITE),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
    ],
)
def test_every_8_bit_mode_becomes_rgb_on_white(
    tmp_path: Path, mode: str, colour: Any, expected: tuple[int, int, int]
) -> None:
    path = tmp_path / "picture.png"
    Image.new(mode, (4, 3), colour).save(path)
    picture = open_picture(path)
    assert picture.mode == "RGB"
    assert picture.getpixel((2, 1)) == expected


@pytest.mark.parametrize("transparency", [0, b"\x00\xff\xff"])
def test_a_palette_becomes_rgb_and_its_transparent_entry_white(
    tmp_path: Path, transparency: int | bytes
) -> None:
    palette = Image.new("P", (3, 1))
    palette.putpalette([*RED, *GREEN, *BLUE])
    palette.putdata([0, 1, 2])
    palette.save(tmp_path / "solid.png")
    palette.save(tmp_path / "clear.png", transparency=transparency)
    assert open_picture(tmp_path / "solid.png").tobytes() == bytes([*RED, *GREEN, *BLUE])
    assert open_picture(tmp_path / "clear.png").tobytes() == bytes([*WHITE, *GREEN, *BLUE])


@pytest.mark.parametrize(("mode", "clear"), [("L", 7), ("RGB", (7, 7, 7))])
def test_the_colour_that_a_file_declares_transparent_becomes_white(
    tmp_path: Path, mode: str, clear: Any
) -> None:
    path = tmp_path / "picture.png"
    Image.new(mode, (2, 2), clear).save(path, transparency=clear)
    assert open_picture(path).getpixel((0, 0)) == WHITE


# A 3 × 2 picture, its top row red, green, blue and its bottom row black, stored
# so that each EXIF orientation turns it upright.
STORED = {
    1: ["RGB", "KKK"],
    2: ["BGR", "KKK"],
    3: ["KKK", "BGR"],
    4: ["KKK", "RGB"],
    5: ["RK", "GK", "BK"],
    6: ["BK", "GK", "RK"],
    7: ["KB", "KG", "KR"],
    8: ["KR", "KG", "KB"],
}
COLOURS = {"R": RED, "G": GREEN, "B": BLUE, "K": (0, 0, 0)}


def stored(orientation: int, scale: int = 1) -> Image.Image:
    rows = STORED[orientation]
    picture = Image.new("RGB", (len(rows[0]), len(rows)))
    picture.putdata([COLOURS[letter] for row in rows for letter in row])
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_exif_orientation_is_honoured(tmp_path: Path, file_format: str, orientation: int) -> None:
    path = tmp_path / "picture"
    stored(orientation, scale=16).save(path, file_format, exif=oriented(orientation), quality=95)
    picture = open_picture(path)
    assert picture.size == (48, 32)
    difference = to_tensor(picture) - to_tensor(stored(1, scale=16))
    assert difference.abs().mean() < 0.02


def test_an_orientation_is_applied_once(tmp_path: Path) -> None:
    stored(6).save(tmp_path / "turned.png", exif=oriented(6))
    save_image(read_image(tmp_path / "turned.png"), tmp_path / "upright.png")
    assert open_picture(tmp_path / "upright.png").tobytes() == stored(1).tobytes()


def test_a_picture_with_unreadable_exif_is_read_as_it_lies(tmp_path: Path) -> None:
    noise(5, 4).save(tmp_path / "picture.png", exif=b"Exif\0\0garbage")
    assert open_picture(tmp_path / "picture.png").tobytes() == noise(5, 4).tobytes()


def test_an_orientation_counts_though_the_rest_of_its_exif_is_damaged(tmp_path: Path) -> None:
    # The second entry calls text (type 2) a resolution, which is a fraction.
    entries = struct.pack("<HHII", 0x0112, 3, 1, 6) + struct.pack("<HHI4s", 0x011A, 2, 4, b"abc\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    stored(6).save(tmp_path / "picture.png", exif=exif)
    assert open_picture(tmp_path / "picture.png").tobytes() == stored(1).tobytes()


@pytest.mark.parametrize(
    ("mode", "file_format"), [("CMYK", "JPEG"), ("I;16", "PNG"), ("I;16", "TIFF"), ("F", "TIFF")]
)
def test_a_mode_that_would_lose_colours_is_refused_by_name(
    tmp_path: Path, mode: str, file_format: str
) -> None:
    path = tmp_path / "picture"
    Image.new(mode, (4, 4)).save(path, file_format)
    line = refusal(open_picture, path)
    assert line == f"{path}: mode {mode} is not supported; convert it to 8-bit RGB"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    line = refusal(open_picture, tmp_path / "none.jpg")
    assert line.startswith(f"{tmp_path / 'none.jpg'}: No such file")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(open_picture, tmp_path).startswith(f"{tmp_path}: ")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the file is empty"),
        (b"\0", "not a whole picture in a known format"),
        (b"<!DOCTYPE html><title>404</title>", "not a whole picture in a known format"),
        (b"\x89PNG\r\n\x1a\n", "not a whole picture in a known format"),
        (b"\xff\xd8\xff\xe0", "not a whole picture in a known format"),
    ],
)
def test_a_file_that_is_no_picture_is_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    assert refusal(open_picture, path).startswith(f"{path}: {complaint}")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_cut_file_is_refused(tmp_path: Path, file_format: str, part: float) -> None:
    path = tmp_path / "picture"
    noise(64, 64).save(path, file_format)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    assert refusal(open_picture, path).startswith(f"{path}: ")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_file_cut_anywhere_is_refused_or_loses_no_pixel(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "picture"
    noise(9, 9).save(path, file_format)
    expected, whole = open_picture(path).tobytes(), path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            assert open_picture(path).tobytes() == expected
        except ImageError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017  # both ways out are right


@pytest.mark.parametrize("limit", [60, 40], ids=["warned of by Pillow", "refused by Pillow"])
def test_a_decompression_bomb_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    path = tmp_path / "picture.png"
    noise(10, 10).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert refusal(open_picture, path).startswith(f"{path}: over {limit} pixels")


def test_refusing_an_input_takes_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from styletransfer.images import open_picture, check_output, ImageError\n"
        "picture = pathlib.Path(sys.argv[1])\n"
        "open_picture(picture)\n"
        "check_output(picture.with_name('out.png'), [picture])\n"
        "print('torch' in sys.modules)\n"
    )
    noise(4, 4).save(tmp_path / "picture.png")
    command = [sys.executable, "-c", script, str(tmp_path / "picture.png")]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout == "False\n"


# Tensors


def test_an_image_is_a_batch_of_one_in_float32() -> None:
    image = to_tensor(noise(5, 3))
    assert image.shape == (1, 3, 3, 5)
    assert image.dtype == torch.float32
    assert image.is_contiguous()


def test_the_levels_of_a_picture_span_0_to_1() -> None:
    picture = Image.new("RGB", (3, 1))
    picture.putdata([RED, GREEN, (51, 102, 255)])
    expected = torch.tensor([[[1, 0, 0.2]], [[0, 1, 0.4]], [[0, 0, 1]]])
    assert torch.equal(to_tensor(picture)[0], expected)


def test_a_picture_survives_the_tensor_exactly() -> None:
    levels = Image.new("RGB", (256, 1))
    levels.putdata([(level, 255 - level, level) for level in range(256)])
    assert to_picture(to_tensor(levels)).tobytes() == levels.tobytes()


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (-3.0, 0),
        (0.499 / 255, 0),
        (0.5 / 255, 1),
        (1.5 / 255, 2),
        (2.499 / 255, 2),
        (0.5, 128),
        (1, 255),
        (9, 255),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_are_clamped_and_rounded_half_up(
    value: float, level: int, dtype: torch.dtype
) -> None:
    picture = to_picture(torch.full((1, 3, 2, 2), value, dtype=dtype))
    assert picture.getpixel((1, 1)) == (level, level, level)


def test_an_image_in_any_memory_layout_or_graph_becomes_the_same_picture() -> None:
    image = noise_image()
    expected = to_picture(image).tobytes()
    assert to_picture(image.to(memory_format=torch.channels_last)).tobytes() == expected
    assert to_picture(image.clone().requires_grad_()).tobytes() == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused_and_never_black(
    tmp_path: Path, value: float
) -> None:
    image = noise_image()
    image[0, 1, 2, 3] = value
    assert "NaN or infinite" in refusal(to_picture, image)
    assert "NaN or infinite" in refusal(save_image, image, tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 3, 4, 4), (1, 1, 4, 4), (1, 4, 4, 3)])
def test_another_shape_is_no_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, H, W\)"):
        to_picture(torch.zeros(shape))


# Checking the output


@pytest.mark.parametrize("suffix", [*OUTPUT_SUFFIXES, ".PNG", ".Jpeg"])
def test_every_output_suffix_is_accepted_and_leaves_no_trace(tmp_path: Path, suffix: str) -> None:
    check_output(tmp_path / f"out{suffix}", [tmp_path / "content.jpg"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out", "out.gif", "out.png.txt", "out.", ".png", "png"])
def test_an_unknown_or_missing_suffix_is_refused_with_the_known_ones(
    tmp_path: Path, name: str
) -> None:
    line = refusal(check_output, tmp_path / name, [])
    assert line == f"{tmp_path / name}: unknown suffix; use one of {' '.join(OUTPUT_SUFFIXES)}"


def link_symbolically(link: Path, target: Path) -> None:
    link.symlink_to(target)


def link_hard(link: Path, target: Path) -> None:
    link.hardlink_to(target)


@pytest.mark.parametrize("link", [link_symbolically, link_hard])
def test_an_output_that_is_an_input_by_any_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: Callable[[Path, Path], None]
) -> None:
    content = tmp_path / "content.png"
    noise(4, 4).save(content)
    link(tmp_path / "link.png", content)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    for path in ("content.png", "link.png", "folder/../content.png", str(content)):
        for each in ("content.png", "link.png"):
            line = refusal(check_output, Path(path), [Path("other.jpg"), Path(each)])
            assert line == f"{path}: this is also an input; choose another output"


def test_an_output_beside_its_inputs_may_exist(tmp_path: Path) -> None:
    noise(4, 4).save(tmp_path / "content.png")
    noise(4, 4).save(tmp_path / "out.png")
    before = (tmp_path / "out.png").read_bytes()
    check_output(tmp_path / "out.png", [tmp_path / "content.png"])
    assert (tmp_path / "out.png").read_bytes() == before


@pytest.mark.parametrize("name", ["out", "out.png"])
def test_a_folder_is_no_output(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    line = refusal(check_output, tmp_path / name, [])
    assert line == f"{tmp_path / name}: this is a folder; name a file in it"


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    check_output(tmp_path / "new" / "newer" / "out.png", [])
    assert list((tmp_path / "new" / "newer").iterdir()) == []


@pytest.mark.parametrize("name", ["file/out.png", "file/new/out.png", f"{'x' * 300}.png"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    line = refusal(check_output, tmp_path / name, [])
    assert line.startswith(f"{tmp_path / name}: cannot be saved (")
    assert line.endswith("choose another folder")


@pytest.mark.skipif(not Path(os.devnull).is_char_device(), reason="no device files here")
def test_a_device_is_never_replaced_by_a_picture(tmp_path: Path) -> None:
    (tmp_path / "out.png").symlink_to(os.devnull)
    for call in (lambda path: check_output(path, []), lambda path: save_image(noise_image(), path)):
        assert "may not be overwritten" in refusal(call, tmp_path / "out.png")
    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_write_protection_is_respected(tmp_path: Path) -> None:
    (tmp_path / "out.png").touch(0o444)
    assert "may not be overwritten" in refusal(check_output, tmp_path / "out.png", [])
    (tmp_path / "shut").mkdir(0o555)
    assert "cannot be saved" in refusal(check_output, tmp_path / "shut" / "out.png", [])


# Saving


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_a_saved_picture_is_in_the_format_of_its_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix.upper()}"
    image = torch.full((1, 3, 24, 40), 0.5)
    save_image(image, path)
    with Image.open(path) as picture:
        assert f".{picture.format}".lower().startswith(suffix[:4].replace(".jpg", ".jpe"))
    assert (read_image(path) - image).abs().max() < 0.01
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (37, 5)])
def test_a_lossless_round_trip_is_exact(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    image = to_tensor(noise(*size))
    save_image(image, tmp_path / f"out{suffix}")
    assert torch.equal(read_image(tmp_path / f"out{suffix}"), image)


def test_a_jpeg_keeps_its_colours_at_full_resolution(tmp_path: Path) -> None:
    save_image(noise_image(64), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as picture:
        assert isinstance(picture, JpegImagePlugin.JpegImageFile)
        assert JpegImagePlugin.get_sampling(picture) == 0


def test_a_tiff_is_compressed(tmp_path: Path) -> None:
    save_image(torch.zeros(1, 3, 64, 64), tmp_path / "out.tif")
    assert (tmp_path / "out.tif").stat().st_size < 1000


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_the_same_image_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("first", "second"):
        save_image(noise_image(), tmp_path / f"{name}{suffix}", text={"seed": "0"})
    first, second = (tmp_path / f"{name}{suffix}" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_words_of_any_script_travel_in_a_png(
    tmp_path_factory: pytest.TempPathFactory, words: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "words.png"
    save_image(noise_image(2), path, text={"settings": words, "versions": "1"})
    with Image.open(path) as picture:
        assert picture.info == {"settings": words, "versions": "1"}


def test_a_missing_folder_is_made_for_a_picture(tmp_path: Path) -> None:
    save_image(noise_image(), tmp_path / "new" / "out.png")
    assert (tmp_path / "new" / "out.png").is_file()


@pytest.mark.parametrize("name", ["x" * 251, "é" * 125, "🖌" * 62])
def test_a_name_as_long_as_the_file_system_allows_can_be_saved(tmp_path: Path, name: str) -> None:
    check_output(tmp_path / f"{name}.png", [])
    save_image(noise_image(), tmp_path / f"{name}.png")
    assert [each.name for each in tmp_path.iterdir()] == [f"{name}.png"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        save_image(noise_image(), tmp_path / "out.png")
        (tmp_path / "plain").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "out.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "out.png"
    path.touch()
    path.chmod(mode)
    save_image(noise_image(), path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_followed_and_stays(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / "real.png", tmp_path / "link.png"
    if exists:
        real.touch()
    link.symlink_to(Path("far") / "real.png")
    check_output(link, [])
    save_image(noise_image(), link)
    assert link.is_symlink()
    assert not real.is_symlink()
    assert torch.equal(read_image(real), noise_image())


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("b.png")
    (tmp_path / "b.png").symlink_to("a.png")
    save_or_check = [
        lambda path: check_output(path, []),
        lambda path: save_image(noise_image(), path),
    ]
    for call in save_or_check:
        refusal(call, tmp_path / "a.png")


def fail(error: BaseException) -> Callable[..., None]:
    def failing(*_: object, **__: object) -> None:
        raise error

    return failing


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_failing_save_is_refused_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, code: int, suffix: str
) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, fail(OSError(code, os.strerror(code))))
    line = refusal(save_image, noise_image(), path)
    assert line.startswith(f"{path}: cannot be saved ({os.strerror(code)}); ")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(143), MemoryError()])
def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, interruption: BaseException
) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, step, fail(interruption))
    with pytest.raises(type(interruption)):
        save_image(noise_image(), path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        line = refusal(save_image, noise_image(64), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert line.startswith(f"{path}: cannot be saved ({os.strerror(errno.EFBIG)})")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_a_picture_too_large_for_its_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.webp"
    line = refusal(save_image, torch.zeros(1, 3, 1, 16384), path)
    assert line.startswith(f"{path}: cannot be saved (")
    assert line.endswith("choose another suffix")
    assert list(tmp_path.iterdir()) == []


def test_saving_to_an_unknown_suffix_or_a_folder_is_refused(tmp_path: Path) -> None:
    assert "unknown suffix" in refusal(save_image, noise_image(), tmp_path / "out.gif")
    assert "this is a folder" in refusal(save_image, noise_image(), tmp_path)


# Forks, since a child that had to import torch first would take a second to kill.
KILLED_SAVES = """
import os, pathlib, random, signal, sys, time
import torch
from styletransfer.images import save_image

torch.set_num_threads(1)
folder = pathlib.Path(sys.argv[1])
pictures = [torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(i)) for i in (0, 1)]
whole = []
for picture in pictures:
    start = time.perf_counter()
    save_image(picture, folder / "out.png")
    duration = time.perf_counter() - start
    whole.append((folder / "out.png").read_bytes())
for _ in range(60):
    child = os.fork()
    if not child:
        while True:
            for picture in pictures:
                save_image(picture, folder / "out.png")
    time.sleep(random.uniform(0, 4 * duration))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(whole.index((folder / "out.png").read_bytes()))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_save_killed_at_any_moment_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_SAVES, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split()) == {"0", "1"}
