"""Frames put together to a video."""

from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from styletransfer.errors import ImageError
from styletransfer.runs.frames.decoding import Timing
from styletransfer.runs.frames.encoding import check_streams, encode_video
from tests.support.commands import files, fill_disk
from tests.support.videos import RATE, TIME_BASE, read_video, sequence, write_video

TIMING = Timing(time_base=TIME_BASE, rate=RATE, times=(0, 1001, 2500), durations=(1001, 1499, 1001))


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    """Three frames, each of one colour."""
    paths = [tmp_path / f"{colour}.png" for colour in ("crimson", "seagreen", "royalblue")]
    for path in paths:
        Image.new("RGB", (64, 48), path.stem).save(path)
    return paths


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_colours_times_and_sound_are_kept(tmp_path: Path, frames: list[Path], suffix: str) -> None:
    silent = suffix == ".webm"
    content = write_video(tmp_path / "a.mp4", sequence(3), sound=None if silent else "aac")
    output = tmp_path / f"out{suffix}"

    encode_video(frames, TIMING, content, output, keep_metadata=False)

    made = read_video(output)
    millisecond = Fraction(1, 1000)  # what Matroska counts in
    # Matroska has no negative times, at which sound may begin: there all is later alike.
    delay = made.times[0]
    for time, units in zip(made.times, TIMING.times, strict=True):
        assert abs(time - delay - units * TIME_BASE) <= millisecond
    for picture, path in zip(made.pictures, frames, strict=True):
        levels = zip(picture.resize((1, 1)).tobytes(), ImageColor.getrgb(path.stem), strict=True)
        assert all(abs(level - expected) <= 4 for level, expected in levels)
    assert made.colours == (1, 1, 1, 1)
    original = read_video(content).sound
    assert [data for data, _ in made.sound] == [data for data, _ in original]
    for (_, time), (_, expected) in zip(made.sound, original, strict=True):
        assert abs(time - delay - expected) <= millisecond


def test_a_video_is_as_long_as_its_frames_are_shown(tmp_path: Path, frames: list[Path]) -> None:
    uneven = (0, 500, 1000, 1500, 2000, 2500, 30_000, 60_000, 90_000)
    timing = Timing(time_base=TIME_BASE, rate=RATE, times=uneven, durations=(0,) * 9)
    content = write_video(tmp_path / "a.mp4", sequence(3), sound=None)

    encode_video(frames * 3, timing, content, tmp_path / "out.mp4", keep_metadata=False)

    made = read_video(tmp_path / "out.mp4")
    assert made.times == [time * TIME_BASE for time in uneven]
    assert made.seconds >= 90_000 * TIME_BASE


def test_all_of_a_sound_that_is_longer_than_the_pictures_is_copied(
    tmp_path: Path, frames: list[Path]
) -> None:
    content = write_video(tmp_path / "a.mp4", sequence(3), seconds=2)

    encode_video(frames, TIMING, content, tmp_path / "out.mp4", keep_metadata=False)

    assert read_video(tmp_path / "out.mp4").sound == read_video(content).sound


def test_sound_that_a_container_cannot_hold_is_refused(tmp_path: Path) -> None:
    content = write_video(tmp_path / "a.mp4", sequence(1))
    check_streams(content, tmp_path / "out.mkv")

    with pytest.raises(ImageError, match=r"a \.webm file cannot hold the sound .*; use \.mkv"):
        check_streams(content, tmp_path / "out.webm")


def test_an_older_video_stays_if_the_new_one_cannot_be_saved(
    tmp_path: Path, frames: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = write_video(tmp_path / "a.mp4", sequence(3))
    (tmp_path / "out.mp4").write_bytes(b"old")
    before = files(tmp_path)
    fill_disk(monkeypatch)

    with pytest.raises(ImageError, match=r"out\.mp4: cannot be saved"):
        encode_video(frames, TIMING, content, tmp_path / "out.mp4", keep_metadata=False)

    assert files(tmp_path) == before
