"""What runs on a worker, called in this process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.errors import ClusterError, ImageError
from styletransfer.runs.batches.outcomes import Failure
from styletransfer.runs.cluster.order import Order, versions
from styletransfer.runs.cluster.sending import read_shared
from styletransfer.runs.cluster.worker import ask_to_stop, begin, end, make
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


def test_another_version_is_refused(job: Job, order: Order, away: Path) -> None:
    begin(replace(order, versions=versions() | {"torch": "1.0"}), "0", "tcp://worker", away)

    answer = make(0, job, None, {}, "key")

    assert answer is not None
    assert answer.outcome.failure is not None
    assert answer.outcome.failure.kind is ClusterError
    assert answer.outcome.failure.line.startswith("the worker tcp://worker has torch 2")


def test_after_a_request_to_stop_no_picture_is_begun(job: Job, order: Order, away: Path) -> None:
    begin(order, "0", "tcp://worker", away)
    ask_to_stop("key")

    assert make(0, job, None, {}, "key") is None


def test_a_bad_picture_is_answered_as_a_failure(job: Job, order: Order, away: Path) -> None:
    begin(order, "0", "tcp://worker", away)

    answer = make(0, replace(job, content=Path("none.png")), None, {}, "key")

    assert answer is not None
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
    begin(order, "0", "tcp://worker", away)
    seen = make(0, job, None, {}, "key")
    begin(replace(order, files=shared), "0", "tcp://worker", away)
    sent = make(0, job, None, {job.content: content}, "key")

    assert seen is not None
    assert sent is not None
    assert isinstance(sent.outcome.result, PictureResult)
    assert sent.outcome.result.path == job.output
    assert sent.files == {job.output: (tmp_path / job.output).read_bytes()}
    assert sent.lines == seen.lines == (("announce", "stylizing at 24×16 on cpu in bfloat16"),) or (
        "float32" in str(sent.lines)
    )
    assert files(away) == {}
