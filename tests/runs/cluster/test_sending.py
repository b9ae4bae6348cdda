"""The files of jobs: seen by workers, or sent."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from styletransfer.errors import ImageError, UnsavedError
from styletransfer.runs.batches.outcomes import Failure, Outcome
from styletransfer.runs.cluster.order import Answer
from styletransfer.runs.cluster.sending import (
    Moved,
    read_input,
    read_shared,
    read_weights,
    save_answer,
    sees,
    workers_see,
)
from styletransfer.runs.jobs import Job, partial_path
from styletransfer.settings import Settings
from tests.support.commands import files

DONE = Outcome(0)


class Workers:
    """Stands for a client whose only worker is this process, in another current folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(
        self, function: Callable[..., Any], *arguments: Any, workers: list[str], on_error: str
    ) -> dict[str, Any]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            return {name: function(*arguments) for name in workers}


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job with all kinds of inputs, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "style.png", "init.png", "mask.png"):
        Image.new("RGB", (4, 4), "red").save(name)
    Path("weights.pth").write_bytes(b"weights")
    return Job(
        content=Path("a.png"),
        styles=(Path("style.png"),),
        settings=Settings(init="init.png", content_mask="mask.png", weights="weights.pth"),
        output=Path("out/b.png"),
        unfinished=partial_path(Path("out/b.png")),
    )


def test_a_worker_in_another_folder_sees_the_same_files(job: Job, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()

    assert workers_see(Workers(tmp_path / "away"), [job], ["tcp://worker"])  # type: ignore[arg-type]  # stands for one
    assert not any(name.startswith("out/") for name in files(tmp_path))


def test_a_file_that_differs_is_not_seen(job: Job, tmp_path: Path) -> None:
    mark = (job.content.stat().st_size, job.content.stat().st_mtime_ns)

    assert sees(tmp_path, {job.content: mark})
    assert not sees(tmp_path, {job.content: (mark[0], mark[1] + 1)})
    assert not sees(tmp_path, {job.content: (mark[0] + 1, mark[1])})
    assert not sees(tmp_path / "away", {job.content: mark})


def test_a_missing_input_makes_no_difference(job: Job, tmp_path: Path) -> None:
    job.content.unlink()

    assert workers_see(Workers(tmp_path), [job], ["tcp://worker"])  # type: ignore[arg-type]  # stands for one


def test_a_pipe_is_not_seen(job: Job, tmp_path: Path) -> None:
    job.content.unlink()
    os.mkfifo(job.content)

    assert not workers_see(Workers(tmp_path), [job], ["tcp://worker"])  # type: ignore[arg-type]  # stands for one


def test_the_weights_of_a_user_are_sent_with_their_suffix(job: Job) -> None:
    bundled = replace(job, settings=job.settings.with_values({"weights": "bundled"}))

    assert read_weights(job) == (".pth", b"weights")
    assert read_weights(bundled) is None


def test_styles_masks_and_the_picture_to_start_from_are_sent(job: Job) -> None:
    assert set(read_shared(job)) == {Path("style.png"), Path("mask.png"), Path("init.png")}


def test_a_missing_file_is_refused_as_when_it_is_decoded() -> None:
    with pytest.raises(ImageError, match=r"^none\.png: No such file"):
        read_input(Path("none.png"))


def test_what_a_worker_writes_is_answered_under_the_paths_of_the_command(
    job: Job, tmp_path: Path
) -> None:
    (tmp_path / "temporary").mkdir()
    sent = tmp_path / "weights-key.pth"
    moved = Moved(job, tmp_path / "temporary", sent)
    moved.job.output.write_bytes(b"picture")
    failure = Failure(ImageError, f"{moved.job.unfinished}: this, for {sent}")

    answer = moved.answer(Outcome(3, failure=failure), [("notify", f"{moved.job.output}: that")])

    assert answer.outcome.failure == Failure(ImageError, "out/b.partial.png: this, for weights.pth")
    assert answer.lines == (("notify", "out/b.png: that"),)
    assert answer.files == {Path("out/b.png"): b"picture"}


def test_what_a_worker_sent_is_saved(job: Job) -> None:
    assert save_answer(Answer(DONE, (), {job.output: b"picture"}), job) == DONE
    assert job.output.read_bytes() == b"picture"


def test_an_input_is_not_replaced_by_what_a_worker_sent(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    before = job.content.read_bytes()

    outcome = save_answer(Answer(DONE, (), {job.content: b"picture"}), job)

    assert outcome.failure is not None
    assert outcome.failure.kind is UnsavedError
    assert "a.png: this is also an input" in outcome.failure.line
    assert job.content.read_bytes() == before
    assert list(files(tmp_path / "temporary").values()) == [b"picture"], "it is not lost"
