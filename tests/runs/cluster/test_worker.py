"""What runs on a worker, called in this process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.errors import ImageError
from styletransfer.runs.batches.outcomes import Failure
from styletransfer.runs.cluster import worker
from styletransfer.runs.cluster.order import Answer, NotAdmitted, Order
from styletransfer.runs.cluster.sending import read_shared
from styletransfer.runs.cluster.worker import (
    admit,
    ask_to_stop,
    begin,
    end,
    make,
)
from styletransfer.runs.jobs import Job, PictureResult, partial_path
from styletransfer.settings import Settings
from tests.support.commands import files

SETTINGS = Settings(size=24, min_size=24, iterations=(1,), style_form="gram", threads=1)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job in a folder that is not the current one."""
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "style.png"):
        Image.linear_gradient("L").resize((24, 16)).convert("RGB").save(name)
    return Job(
        content=Path("a.png"),
        styles=(Path("style.png"),),
        settings=SETTINGS,
        output=Path("out/b.png"),
        unfinished=partial_path(Path("out/b.png")),
    )


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """An order of a client whose files are seen."""
    return Order(key="key", folder=tmp_path, files=None, verbose=False, is_prepared=False)


@pytest.fixture
def away(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another current folder; the order is forgotten at the end."""
    monkeypatch.chdir(tmp_path / "away")
    yield tmp_path / "away"
    end("key")


def admitted(order: Order, folder: Path) -> None:
    """Begin an order, as if the client had checked this worker."""
    begin(order, "0", folder)
    admit(order.key)


def test_a_worker_that_was_not_checked_makes_no_picture(
    job: Job, order: Order, away: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ADMISSION", 0.0)
    assert make(0, job, None, {}, "key") == NotAdmitted(), "it does not even know the order"
    begin(order, "0", away)

    assert make(0, job, None, {}, "key") == NotAdmitted()
    assert not (tmp_path / "out").exists()


def test_after_a_request_to_stop_no_picture_is_begun(job: Job, order: Order, away: Path) -> None:
    admitted(order, away)
    ask_to_stop("key")

    assert make(0, job, None, {}, "key") is None


def test_a_bad_picture_is_answered_as_a_failure(job: Job, order: Order, away: Path) -> None:
    admitted(order, away)

    answer = make(0, replace(job, content=Path("none.png")), None, {}, "key")

    assert isinstance(answer, Answer)
    line = "none.png: No such file or directory"
    assert answer.outcome.failure is not None
    assert (answer.outcome.failure.kind, answer.outcome.number) == (ImageError, 0)
    assert answer.outcome.failure.line.startswith(line[:22])
    assert isinstance(answer.outcome.failure, Failure)


@pytest.mark.weights
def test_sent_contents_give_the_bytes_of_seen_files(
    job: Job, order: Order, away: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        content, shared = job.content.read_bytes(), read_shared(job)
    admitted(order, away)
    seen = make(0, job, None, {}, "key")
    admitted(replace(order, files=shared), away)
    sent = make(0, job, None, {job.content: content}, "key")

    assert isinstance(seen, Answer)
    assert isinstance(sent, Answer)
    assert isinstance(sent.outcome.result, PictureResult)
    assert sent.outcome.result.path == job.output
    assert sent.files == {job.output: (tmp_path / job.output).read_bytes()}
    assert sent.lines == seen.lines == (("announce", "stylizing at 24×16 on cpu in bfloat16"),) or (
        "float32" in str(sent.lines)
    )
    assert files(away) == {}
