"""What is refused of frames and videos."""

import importlib.util
from pathlib import Path

import pytest

from styletransfer.errors import ConfigError
from styletransfer.runs.frames import refusals
from styletransfer.runs.frames.refusals import check_frames, is_video
from styletransfer.runs.jobs import Request
from styletransfer.settings import Settings
from tests.support.commands import Refusal, check_refusals
from tests.support.videos import sequence, write_video

REFUSALS: list[Refusal] = [
    ("photos style.png -o out --shots 1,2", 2, "--shots has no effect: there is no --frames"),
    ("style.png style.png -o out.png --frames", 2, "--frames has no effect: CONTENT is not"),
    ("photos style.png -o out --frames --shots 2,2", 2, "from 1 and in order, such as 1,120"),
    ("photos style.png -o out --frames --shots 0,2", 2, "from 1 and in order, such as 1,120"),
    ("photos style.png -o out --frames --shots 1,4", 2, "--shots 4: there are 3 frames"),
    ("photos style.png -o out --frames --tv-weight 1,2", 2, "photos is a folder"),
    ("photos style.png -o out.mp4 --frames", 1, "out.mp4: this is the name of a video, but"),
    ("video.mp4 style.png -o out.png", 1, "video.mp4: this is a video; save one of its frames"),
    ("style.png video.mp4 -o out.png", 1, "video.mp4: this is a video; save one of its frames"),
    ("style.png style.png -o out.mp4", 1, "out.mp4: unknown suffix"),
    ("video.mp4 style.png -o video.mp4", 1, "video.mp4: this is also an input"),
    ("video.mp4 style.png -o out.webm", 1, "a .webm file cannot hold the sound of video.mp4"),
    ("video.mp4 style.png -o out.mp4 --log a.csv", 2, "--log does not apply to videos"),
    ("video.mp4 style.png -o out.mp4 --report a.html", 2, "--report does not apply to videos"),
    ("video.mp4 style.png -o out.mp4 --checkpoint a", 2, "--checkpoint does not apply to videos"),
    ("video.mp4 style.png -o out.mp4 --tv-weight 1,2", 2, "a list of weights does not apply"),
    ("video.mp4 style.png -o out.mp4 --bits 16", 2, "--bits 16 does not apply to videos"),
    ("video.mp4 style.png -o out.mp4 --name a.png", 2, "--name does not apply to videos"),
    ("video.mp4 none.png -o out.mp4", 1, "none.png: No such file"),
    ("sound.mp4 style.png -o out.mp4", 1, "sound.mp4: this file has no pictures, only sound"),
    ("cut.mp4 style.png -o out.mp4", 1, "cut.mp4: this video cannot be read"),
]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Frames, a style and videos, as the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    pictures = sequence(3)
    for number, picture in enumerate(pictures):
        picture.save(f"photos/{number}.png")
    pictures[0].save("style.png")
    write_video(Path("sound.mp4"), [])
    whole = write_video(Path("video.mp4"), pictures).read_bytes()
    Path("cut.mp4").write_bytes(whole[: len(whole) // 3])
    return tmp_path


def test_bad_input_is_refused_in_one_line_without_torch_and_without_a_new_file(
    workspace: Path,
) -> None:
    check_refusals(REFUSALS, workspace)


def test_a_picture_named_as_a_video_is_no_video(workspace: Path) -> None:
    assert is_video(Path("video.mp4"), Path("out.MP4"))
    assert not is_video(Path("video.mp4"), Path("out.png"))
    Path("style.png").rename("style.mp4")
    assert not is_video(Path("style.mp4"), Path("out.mp4"))


@pytest.mark.parametrize(
    ("video", "line"),
    [
        (False, "need opencv-python-headless; pip install opencv-python-headless"),
        (
            True,
            "need opencv-python-headless and av; pip install opencv-python-headless av",
        ),
    ],
)
def test_missing_packages_are_named_in_one_line(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, video: bool, line: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        refusals, "find_spec", lambda name: None if name in {"av", "cv2"} else find(name)
    )
    request = Request(
        content=Path("video.mp4" if video else "photos"),
        is_folder=not video,
        is_video=video,
        frames=not video,
        styles=(Path("style.png"),),
        settings=Settings(),
        output=Path("out.mp4" if video else "out"),
    )

    with pytest.raises(ConfigError, match=line):
        check_frames(request)
