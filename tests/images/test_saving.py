"""Saving files atomically."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin

from styletransfer.images.colour import srgb_profile
from styletransfer.images.saving import OUTPUT_SUFFIXES, check_output, check_side
from styletransfer.images.tensors import read_image, save_image, to_tensor
from tests.support.pictures import noise, noise_image, refusal

ROOT = Path(__file__).parents[2]


# Checking the output


@pytest.mark.parametrize("suffix", [*OUTPUT_SUFFIXES, ".PNG", ".Jpeg"])
def test_checking_an_accepted_suffix_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    check_output(tmp_path / f"out{suffix}", [tmp_path / "content.jpg"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out", "out.gif", "out.png.txt", "out.", ".png", "png"])
def test_an_unknown_or_missing_suffix_is_refused_with_the_list_of_known_ones(
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
    for path in (
        "content.png",
        "link.png",
        "folder/../content.png",
        "no/../link.png",
        str(content),
    ):
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
def test_a_folder_as_output_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    line = refusal(check_output, tmp_path / name, [])
    assert line == f"{tmp_path / name}: this is a folder; name a file in it"


def test_checking_creates_a_missing_folder(tmp_path: Path) -> None:
    check_output(tmp_path / "new" / "newer" / "out.png", [])
    assert list((tmp_path / "new" / "newer").iterdir()) == []


@pytest.mark.parametrize("name", ["file/out.png", "file/new/out.png", f"{'x' * 300}.png"])
def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    line = refusal(check_output, tmp_path / name, [])
    assert line.startswith(f"{tmp_path / name}: cannot be saved (")
    assert line.endswith("choose another folder")


def test_a_current_folder_that_is_gone_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for call in (lambda path: check_output(path, []), lambda path: save_image(noise_image(), path)):
        line = refusal(call, Path("out.png"))
        assert line.startswith("out.png: cannot be saved (No such file or directory)")


@pytest.mark.skipif(not Path(os.devnull).is_char_device(), reason="no device files here")
def test_a_device_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "out.png").symlink_to(os.devnull)
    for call in (lambda path: check_output(path, []), lambda path: save_image(noise_image(), path)):
        assert "cannot be overwritten" in refusal(call, tmp_path / "out.png")
    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_write_protection_is_respected(tmp_path: Path) -> None:
    (tmp_path / "out.png").touch(0o444)
    assert "cannot be overwritten" in refusal(check_output, tmp_path / "out.png", [])
    (tmp_path / "shut").mkdir(0o555)
    assert "cannot be saved" in refusal(check_output, tmp_path / "shut" / "out.png", [])


# Saving


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_the_suffix_selects_the_format(tmp_path: Path, suffix: str) -> None:
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


def test_a_jpeg_has_no_chroma_subsampling(tmp_path: Path) -> None:
    save_image(noise_image(64), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as picture:
        assert isinstance(picture, JpegImagePlugin.JpegImageFile)
        assert JpegImagePlugin.get_sampling(picture) == 0


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_a_saved_picture_is_tagged_as_srgb(tmp_path: Path, suffix: str) -> None:
    save_image(noise_image(), tmp_path / f"out{suffix}")
    with Image.open(tmp_path / f"out{suffix}") as picture:
        assert picture.info["icc_profile"] == srgb_profile()


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
def test_a_png_stores_texts_in_any_script(
    tmp_path_factory: pytest.TempPathFactory, words: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "words.png"
    save_image(noise_image(2), path, text={"settings": words, "versions": "1"})
    with Image.open(path) as picture:
        assert picture.info.pop("icc_profile") == srgb_profile()
        assert picture.info == {"settings": words, "versions": "1"}


def test_saving_creates_a_missing_folder(tmp_path: Path) -> None:
    save_image(noise_image(), tmp_path / "new" / "out.png")
    assert (tmp_path / "new" / "out.png").is_file()


@pytest.mark.parametrize("name", ["x" * 251, "é" * 125, "🖌" * 62])
def test_a_name_as_long_as_the_file_system_allows_can_be_saved(tmp_path: Path, name: str) -> None:
    check_output(tmp_path / f"{name}.png", [])
    save_image(noise_image(), tmp_path / f"{name}.png")
    assert [each.name for each in tmp_path.iterdir()] == [f"{name}.png"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_default_permissions(tmp_path: Path, mask: int) -> None:
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


@pytest.mark.parametrize("mode", [None, 0o400, 0o666])
def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path, mode: int | None) -> None:
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / "real.png", tmp_path / "link.png"
    if mode is not None:
        real.write_bytes(b"old")
        real.chmod(mode)
    link.symlink_to(Path("far") / "real.png")
    check_output(link, [])
    save_image(noise_image(), link)
    assert not link.is_symlink()
    assert torch.equal(read_image(link), noise_image())
    assert (real.read_bytes() if real.exists() else None) == (None if mode is None else b"old")


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to("far")
    save_image(noise_image(), tmp_path / "near" / "out.png")
    assert (tmp_path / "near").is_symlink()
    assert torch.equal(read_image(tmp_path / "far" / "out.png"), noise_image())


def test_a_circular_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("b.png")
    (tmp_path / "b.png").symlink_to("a.png")
    check_output(tmp_path / "a.png", [])
    save_image(noise_image(), tmp_path / "a.png")
    assert torch.equal(read_image(tmp_path / "b.png"), noise_image())


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


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(("suffix", "longest"), [(".webp", 16_383), (".jpg", 65_500)])
def test_a_side_too_long_for_a_format_is_refused_before_the_run(
    tmp_path: Path, suffix: str, longest: int
) -> None:
    """The limits are those of the encoders."""
    path = tmp_path / f"out{suffix}"
    check_side(path, longest)
    save_image(torch.zeros(1, 3, 1, longest), path)
    line = refusal(check_side, path, longest + 1)
    assert line.startswith(
        f"{path}: {longest + 1} pixels exceed this format's limit of {longest} per side; "
    )
    assert "cannot be saved" in refusal(save_image, torch.zeros(1, 3, 1, longest + 1), path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_png_and_tiff_have_no_size_limit(tmp_path: Path, suffix: str) -> None:
    check_side(tmp_path / f"out{suffix}", 10**6)


def test_saving_to_an_unknown_suffix_or_a_folder_is_refused(tmp_path: Path) -> None:
    assert "unknown suffix" in refusal(save_image, noise_image(), tmp_path / "out.gif")
    assert "this is a folder" in refusal(save_image, noise_image(), tmp_path)


# Forks, since importing torch takes a second in a new process.
KILLED_SAVES = """
import os, pathlib, random, signal, sys, time
import torch
from styletransfer.images.tensors import save_image

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


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_killed_while_saving_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_SAVES, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split()) <= {"0", "1"}
