"""Videos: the command on a video file."""

import json
import shlex
import signal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from styletransfer.cli import app as cli
from styletransfer.runs.frames import decoding, encoding, video
from styletransfer.runs.frames.decoding import Timing, decode_video
from styletransfer.runs.interruption import StopRequest
from styletransfer.settings import Settings
from tests.support.commands import Command, files
from tests.support.videos import (
    RATE,
    TIME_BASE,
    add_subtitles,
    read_video,
    sequence,
    write_video,
)

QUICK = "--size 32 --min-size 32 -n 3 --style-form gram --quiet"
LINE = f"a.mp4 style.png -o out.mp4 {QUICK}"
TIMES = [0, 1001, 2500, 3003]

pytestmark = pytest.mark.weights


class StopAfter(StopRequest):
    """Asked for after a number of looks, of which each iteration takes one."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    @property
    def requested(self) -> bool:
        self.looks -= 1
        if self.looks == 0:
            self._number = 2
        return super().requested


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A style, and a video of four frames with sound, as the current folder."""
    monkeypatch.chdir(tmp_path)
    Image.radial_gradient("L").resize((32, 32)).convert("RGB").save("style.png")
    write_video(Path("a.mp4"), sequence(4, (64, 48), 1), TIMES)
    return tmp_path


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The results in the folder of frames at the moment when it is deleted."""
    found: dict[str, bytes] = {}
    remove = video.FrameFolder.remove

    def look(folder: video.FrameFolder) -> None:
        found.update(files(folder.path / "painted"))
        remove(folder)

    monkeypatch.setattr(video.FrameFolder, "remove", look)
    return found


def test_a_video_keeps_its_times_and_its_sound(workspace: Path, command: Command) -> None:
    ran = command(f"{LINE} --json")

    assert ran.code == 0, ran.err
    described = json.loads(ran.out)
    assert (described["path"], described["size"]) == ("out.mp4", [32, 24])
    content, made = read_video(Path("a.mp4")), read_video(Path("out.mp4"))
    assert made.size == (32, 24)
    assert made.times == content.times == [time * TIME_BASE for time in TIMES]
    assert made.sound == content.sound
    assert not list(workspace.glob("out.mp4.*"))


def test_a_turned_video_is_made_upright(workspace: Path, command: Command) -> None:
    write_video(Path("a.mp4"), sequence(2), rotation=90, sound=None)

    assert command(LINE).code == 0

    made = read_video(Path("out.mp4"))
    assert (made.size, made.rotation, made.rate) == ((24, 32), 0, RATE)


@pytest.mark.slow
@pytest.mark.long
def test_an_interrupted_run_goes_on_to_the_same_frames(
    workspace: Path,
    command: Command,
    kept: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert command(LINE).code == 0
    whole = dict(kept)
    Path("out.mp4").unlink()

    monkeypatch.setattr("sys.argv", ["stylize", *shlex.split(LINE)])
    with pytest.raises(SystemExit) as caught:
        cli.main(StopAfter(5))  # three iterations of the first frame, one of each other

    assert caught.value.code == 130
    assert "interrupted: 2 of 4 frames are done" in capfd.readouterr().err
    assert not Path("out.mp4").exists()
    kept.clear()
    assert command(LINE).code == 0
    assert kept == whole


@pytest.mark.parametrize(
    ("index", "part"),
    [
        (None, "out.mp4.frames: this folder is in the way; delete it"),
        ("no JSON", "out.mp4.frames: this folder is in the way; delete it"),
        ('{"command": "another"}', "out.mp4.frames: these frames are of another command; repeat"),
    ],
)
def test_a_folder_of_something_else_is_refused_and_kept(
    workspace: Path, command: Command, index: str | None, part: str
) -> None:
    Path("out.mp4.frames/painted").mkdir(parents=True)
    Path("out.mp4.frames/painted/000001.png").write_bytes(b"mine")
    if index is not None:
        Path("out.mp4.frames/frames.json").write_text(index, encoding="utf-8")
    before = files(workspace)

    ran = command(LINE)

    assert (ran.code, ran.out) == (1, "")
    assert part in ran.err
    assert files(workspace) == before


def test_a_video_with_a_frame_that_fails_is_not_made(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(path: Path, folder: Path, settings: Settings) -> Timing:
        timing = decode_video(path, folder, settings)
        (folder / "000002.png").write_bytes(b"no picture")
        return timing

    monkeypatch.setattr(video, "decode_video", damaged)
    Path("out.mp4").write_bytes(b"old")

    ran = command(LINE)

    assert (ran.code, ran.out) == (1, "")
    assert "1 of 4 frames failed: 000002.png" in ran.err
    assert Path("out.mp4").read_bytes() == b"old"


def test_a_video_that_exists_is_skipped(workspace: Path, command: Command) -> None:
    old = write_video(Path("out.mp4"), sequence(1)).read_bytes()

    ran = command(f"{LINE} --skip-existing --json")

    assert json.loads(ran.out)["skipped"]
    assert Path("out.mp4").read_bytes() == old


def test_something_else_of_its_name_is_not_skipped(workspace: Path, command: Command) -> None:
    Path("out.mp4").write_bytes(b"no video")

    ran = command(f"{LINE} --skip-existing --json")

    assert not json.loads(ran.out)["skipped"]
    assert len(read_video(Path("out.mp4")).times) == 4


@pytest.mark.parametrize(
    ("module", "name", "line"),
    [
        (
            decoding,
            "save_picture",
            "interrupted before a frame was painted; the same command goes on",
        ),
        (
            encoding,
            "open_picture",
            "interrupted: all frames are painted; the same command saves the video",
        ),
    ],
)
def test_ctrl_c_between_the_frames_leaves_what_the_same_command_goes_on_from(
    workspace: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    name: str,
    line: str,
) -> None:
    work, calls = getattr(module, name), 0

    def interrupted(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            signal.raise_signal(signal.SIGINT)
        return work(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, interrupted)
        ran = command(LINE)

    assert (ran.code, ran.out, ran.err) == (130, "", f"stylize: {line}\n")
    assert [path.name for path in workspace.glob("*out.mp4*")] == ["out.mp4.frames"]
    assert command(LINE).code == 0
    assert len(read_video(Path("out.mp4")).times) == 4


def test_a_video_without_sound_stays_so_and_what_is_left_out_is_told(
    workspace: Path, command: Command
) -> None:
    silent = write_video(Path("silent.mp4"), sequence(2), sound=None, transfer=16)
    add_subtitles(silent, Path("a.mkv"))

    ran = command(LINE.replace("a.mp4", "a.mkv"))

    assert ran.code == 0
    hdr, subtitles = ran.err.splitlines()
    assert hdr.startswith("stylize: a.mkv: this is HDR (PQ)")
    assert subtitles.startswith("stylize: a.mkv: its subtitles are left out")
    assert read_video(Path("out.mp4")).sound == []
