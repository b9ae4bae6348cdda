"""Checkpoints: a run that was interrupted goes on, to the result of an unbroken one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from styletransfer.errors import CheckpointError, ImageError, InterruptionError
from styletransfer.images.tensors import read_image
from styletransfer.runs.execute import execute
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.jobs import Request
from styletransfer.settings import Settings
from tests.support.commands import ROOT
from tests.support.pictures import noise

QUICK: dict[str, Any] = {
    "size": 40,
    "min_size": 20,
    "iterations": (4, 5),
    "style_form": "gram",
    "precision": "float32",
}
KEPT = Path("run.ckpt")

Make = Callable[..., list[str]]


class StopAfter(StopRequest):
    """A signal after some steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._left = steps

    def hold(self) -> None:
        super().hold()
        self._left -= 1
        if not self._left:
            self._number = signal.SIGTERM


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a picture, up to a signal after some steps; returns the reported lines."""
    monkeypatch.chdir(tmp_path)
    noise(40, 28).save("content.png")
    noise(30, 30, seed=7).save("style.png")

    def run(output: str, stop_after: int = 0, *, every: float = 1e6, **more: Any) -> list[str]:
        lines: list[str] = []
        keep = more.pop("keep", True)
        request = Request(
            content=Path("content.png"),
            is_folder=False,
            styles=(Path("style.png"),),
            settings=Settings(**QUICK | more),
            output=Path(output),
            checkpoint=KEPT if keep else None,
            checkpoint_every=every if keep else None,
            log=Path(output).with_suffix(".csv"),
            save_every=2,
        )
        stop = StopAfter(stop_after)
        try:
            list(execute(request, stop, lines.append, quiet=False))
        except InterruptionError as error:
            lines.append(str(error))
        return lines

    return run


def losses(log: str) -> list[str]:
    """The rows of a log without their times."""
    return [row.rpartition(",")[0] for row in Path(log).read_text("utf-8").splitlines()]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("settings", "stops"),
    [
        ({}, (1, 2, 1)),
        pytest.param({}, (4, 3), marks=pytest.mark.slow),
        ({"optimizer": "adam", "init": "noise"}, (3, 3)),
        pytest.param({"preconditioning": 0.0}, (7,), marks=pytest.mark.slow),
        pytest.param({"learning_rate": 30.0}, (2, 5), marks=pytest.mark.slow),
        pytest.param({"max_memory": "100GB", "tileable": True}, (5,), marks=pytest.mark.slow),
    ],
)
def test_a_run_that_goes_on_gives_the_bytes_of_an_unbroken_one(
    make: Make, settings: dict[str, Any], stops: tuple[int, ...]
) -> None:
    make("whole.png", keep=False, **settings)
    for stop in stops:
        *_, said = make("part.png", stop, **settings)
        assert said == (
            "stopped early: part.png holds the best picture so far; "
            "the same command goes on from run.ckpt"
        )
    lines = make("part.png", **settings)
    assert f"going on from run.ckpt, {sum(stops)} of 9 iterations" in lines
    assert Path("part.png").read_bytes() == Path("whole.png").read_bytes()
    assert losses("part.csv") == losses("whole.csv")
    for number in "2468":
        parts = (Path(f"{name}-{number}.png") for name in ("part", "whole"))
        assert len({part.read_bytes() for part in parts}) == 1
    assert not KEPT.exists()


@pytest.mark.weights
def test_a_checkpoint_is_written_after_the_minutes_that_were_asked_for(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr("styletransfer.runs.checkpoint.Checkpoint._write", written.append)
    make("out.png", every=1e6)
    assert not written


@pytest.mark.weights
def test_what_does_not_decide_the_picture_may_change(make: Make) -> None:
    make("whole.png", keep=False)
    make("part.png", 3)
    make("part.png", max_memory="8GB", threads=torch.get_num_threads())
    assert torch.equal(read_image("part.png"), read_image("whole.png"))


@pytest.mark.weights
def test_the_checkpoint_of_another_command_is_refused_and_kept(make: Make) -> None:
    make("out.png", 3)
    before = KEPT.read_bytes()
    noise(30, 30, seed=8).save("style.png")
    with pytest.raises(CheckpointError) as caught:
        make("out.png", tv_weight=0.5, learning_rate=0.9)
    assert str(caught.value) == (
        "run.ckpt: this checkpoint is of another command (--tv-weight was 2, not 0.5; "
        "--learning-rate was the default, not 0.9; style.png is another file); "
        "repeat that command to go on, or delete the file to start anew"
    )
    assert KEPT.read_bytes() == before


@pytest.mark.weights
@pytest.mark.parametrize("cut", [10, 5000])
def test_a_damaged_checkpoint_is_refused_and_kept(make: Make, cut: int) -> None:
    make("out.png", 3)
    whole = KEPT.read_bytes()
    KEPT.write_bytes(whole[:cut])
    with pytest.raises(CheckpointError, match=r"^run.ckpt: this is no whole checkpoint; delete it"):
        make("out.png")
    assert KEPT.read_bytes() == whole[:cut]


@pytest.mark.weights
def test_another_file_of_torch_is_no_checkpoint(make: Make) -> None:
    torch.save({"weights": torch.zeros(3)}, KEPT)
    with pytest.raises(CheckpointError, match="this is no whole checkpoint"):
        make("out.png")


def test_a_file_that_is_no_checkpoint_is_never_replaced(make: Make) -> None:
    KEPT.write_text("my notes", "utf-8")
    with pytest.raises(CheckpointError, match=r"^run.ckpt: this is no checkpoint; choose another"):
        make("out.png")
    assert KEPT.read_text("utf-8") == "my notes"


@pytest.mark.weights
def test_a_checkpoint_that_cannot_be_written_is_reported_once(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ImageError("run.ckpt: cannot be saved (disk full)")

    monkeypatch.setattr("styletransfer.runs.checkpoint.Checkpoint._write", fail)
    lines = make("out.png", every=0)
    complaint = "run.ckpt: cannot be saved (disk full); the run continues without this checkpoint"
    assert lines.count(complaint) == 1
    assert Path("out.png").exists()


@pytest.mark.weights
def test_a_full_disk_leaves_the_last_checkpoint(make: Make) -> None:
    import resource

    make("out.png", 3)
    before = KEPT.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        lines = make("out.png", 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert any("run.ckpt: cannot be saved" in line for line in lines)
    assert KEPT.read_bytes() == before


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.weights
def test_killed_five_times_and_resumed_the_picture_is_that_of_an_unbroken_run(
    make: Make, tmp_path: Path
) -> None:
    def command(output: str, *more: str) -> list[str]:
        return [
            *(sys.executable, "-m", "styletransfer", "content.png", "style.png", "-o", output),
            *("--size", "96", "--min-size", "48", "--iterations", "12,12", "--precision"),
            *("float32", "--quiet", *more),
        ]

    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command("whole.tif"), env=env, check=True)
    resumable = command("part.tif", "--checkpoint", "run.ckpt", "--checkpoint-every", "0")
    for _ in range(5):
        run = subprocess.Popen(resumable, env=env)
        for _ in range(2):  # until two more steps are kept
            before = _changed()
            while _changed() == before:
                assert run.poll() is None
                time.sleep(0.005)
        run.kill()
        run.wait()
    subprocess.run(resumable, env=env, check=True)
    assert Path("part.tif").read_bytes() == Path("whole.tif").read_bytes()


def _changed() -> int:
    return KEPT.stat().st_mtime_ns if KEPT.exists() else 0
