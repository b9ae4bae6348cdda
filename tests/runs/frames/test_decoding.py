"""Videos taken apart into frames."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

from styletransfer.errors import ImageError
from styletransfer.images.reading import open_picture
from styletransfer.runs.frames.decoding import (
    Timing,
    decode_video,
    frame_name,
    is_video_file,
    left_behind,
)
from styletransfer.settings import Settings
from tests.support.videos import RATE, TIME_BASE, add_subtitles, sequence, write_video

_SUBSAMPLED = 6.0
"""Levels of 255 by which blobs of colour change where colour has half the resolution."""


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference in levels of 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
def test_a_video_is_recognized_by_its_content(tmp_path: Path, suffix: str) -> None:
    sound = None if suffix == ".avi" else "aac"
    path = write_video(tmp_path / f"video{suffix}", sequence(2), sound=sound)
    assert is_video_file(path.rename(tmp_path / "video.jpg"))


def test_a_picture_and_a_missing_file_are_no_videos(tmp_path: Path) -> None:
    sequence(1)[0].save(tmp_path / "picture.mp4", "PNG")
    assert not is_video_file(tmp_path / "picture.mp4")
    assert not is_video_file(tmp_path / "missing.mp4")


def test_frames_and_their_times_are_those_of_the_video(tmp_path: Path) -> None:
    pictures, times = sequence(4), [0, 1001, 2500, 3003]
    path = write_video(tmp_path / "video.mp4", pictures, times)

    timing = decode_video(path, tmp_path / "frames", Settings())

    assert timing.times == tuple(times)
    assert timing.time_base == TIME_BASE
    names = [f"00000{number}.png" for number in (1, 2, 3, 4)]
    assert sorted(each.name for each in (tmp_path / "frames").iterdir()) == names
    for name, picture in zip(names, pictures, strict=True):
        assert difference(open_picture(tmp_path / "frames" / name), picture) < _SUBSAMPLED


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_frames_that_are_stored_in_another_order_are_shown_in_theirs(
    tmp_path: Path, suffix: str
) -> None:
    pictures = sequence(9)
    path = write_video(
        tmp_path / f"video{suffix}",
        pictures,
        range(9),
        time_base=1 / RATE,
        sound=None,
        b_frames=True,
    )

    timing = decode_video(path, tmp_path / "frames", Settings())

    millisecond = Fraction(1, 1000)  # what Matroska counts in
    for number, (picture, time) in enumerate(zip(pictures, timing.times, strict=True)):
        saved = open_picture(tmp_path / "frames" / frame_name(number))
        assert difference(saved, picture) < _SUBSAMPLED
        shown = (time - timing.times[0]) * timing.time_base
        assert abs(shown - number / RATE) <= millisecond


def test_frames_that_follow_each_other_unevenly_are_told() -> None:
    def is_even(*times: int) -> bool:
        return Timing(time_base=TIME_BASE, rate=RATE, times=times, durations=()).is_even

    assert all((is_even(0, 33, 67, 100), is_even(7), is_even(7, 9)))
    assert not is_even(0, 33, 67, 200)


def test_what_does_not_come_along_is_told(tmp_path: Path) -> None:
    plain = write_video(tmp_path / "plain.mp4", sequence(2))
    pq, hlg = (
        write_video(tmp_path / f"{transfer}.mp4", sequence(2), transfer=transfer)
        for transfer in (16, 18)
    )
    subtitled = add_subtitles(plain, tmp_path / "subtitled.mkv")

    assert left_behind(plain) == []
    for path, part in (
        (pq, "this is HDR (PQ), whose brightness is not converted"),
        (hlg, "this is HDR (HLG), whose brightness is not converted"),
        (subtitled, "its subtitles are left out; "),
    ):
        (line,) = left_behind(path)
        assert line.startswith(f"{path}: {part}")


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_frames_are_turned_as_players_show_them(tmp_path: Path, rotation: int) -> None:
    picture = sequence(1)[0]
    path = write_video(tmp_path / "video.mp4", [picture] * 2, rotation=rotation)

    decode_video(path, tmp_path, Settings())

    # Both count counterclockwise.
    upright = picture.rotate(rotation, expand=True)
    assert difference(open_picture(tmp_path / "000001.png"), upright) < _SUBSAMPLED


def test_frames_have_the_size_of_the_result_with_even_sides(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", sequence(1, (66, 50)))

    timing = decode_video(path, tmp_path, Settings(size=33))

    assert open_picture(tmp_path / "000001.png").size == (32, 24)
    assert timing.rate == RATE


def test_a_video_with_odd_sides_becomes_one_with_even_sides(tmp_path: Path) -> None:
    path = tmp_path / "odd.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("ffv1", 25)
        stream.width, stream.height, stream.pix_fmt = 65, 49, "bgr0"
        frame = av.VideoFrame.from_ndarray(np.asarray(sequence(1, (65, 49))[0]))
        container.mux(stream.encode(frame.reformat(format="bgr0")))
        container.mux(stream.encode(None))

    decode_video(path, tmp_path, Settings(size="original"))

    assert open_picture(tmp_path / "000001.png").size == (64, 48)


def test_frames_have_square_pixels(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", sequence(1), aspect=Fraction(4, 3), rotation=90)

    decode_video(path, tmp_path, Settings(size="original"))

    assert open_picture(tmp_path / "000001.png").size == (48, 84)  # 85.3, and even


@pytest.mark.parametrize(
    ("damage", "part"),
    [(lambda data: data[: len(data) // 3], "cannot be read"), (lambda _: b"", "cannot be read")],
    ids=["cut", "empty"],
)
def test_a_damaged_video_is_refused_in_one_line(
    tmp_path: Path, damage: Callable[[bytes], bytes], part: str
) -> None:
    path = write_video(tmp_path / "video.mp4", sequence(3))
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(ImageError, match=part) as caught:
        decode_video(path, tmp_path, Settings())

    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value)


def test_a_file_with_sound_only_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", [])

    with pytest.raises(ImageError, match="no pictures, only sound"):
        decode_video(path, tmp_path, Settings())
