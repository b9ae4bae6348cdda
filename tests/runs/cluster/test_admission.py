"""Which workers get jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from styletransfer.errors import ClusterError
from styletransfer.runs.cluster.address import LocalWorkers
from styletransfer.runs.cluster.admission import Admission
from styletransfer.runs.cluster.order import versions
from styletransfer.runs.context import RunContext
from styletransfer.runs.interruption import StopRequest

HERE = "tcp://here"
LATE = "tcp://late"


@dataclass
class Worker:
    """Stands for a worker: what it answers to the client."""

    versions: dict[str, str | None] | Exception
    """An error of the system: it does not answer."""
    sees: bool = True
    threads: int = 1
    is_admitted: bool = False

    def admit(self) -> None:
        self.is_admitted = True


class Client:
    """Stands for Dask's client."""

    def __init__(self, **workers: Worker) -> None:
        self.workers = {f"tcp://{name}": worker for name, worker in workers.items()}

    def nthreads(self) -> dict[str, int]:
        return {address: worker.threads for address, worker in self.workers.items()}

    def run(
        self, function: Callable[..., Any], *_: Any, workers: list[str], on_error: str
    ) -> dict[str, Any]:
        found = {name: getattr(self.workers[name], function.__name__) for name in workers}
        return {name: each() if callable(each) else each for name, each in found.items()}


class Stopped(StopRequest):
    requested = True


def good(**values: Any) -> Worker:
    return Worker(versions(), **values)


def admission(
    client: Client,
    lines: list[str],
    stop: StopRequest | None = None,
    where: LocalWorkers | str = "tcp://host:1",
) -> Admission:
    context = RunContext(
        styles=[],
        init=None,
        background="white",
        stop=stop or StopRequest(),
        notify=lines.append,
    )
    return Admission(client, where, context, [], is_film=False)  # type: ignore[arg-type]  # stands for one


UNFIT = [
    (Worker(versions() | {"torch": "1.0"}), "has torch 1.0, but here is 2."),
    (Worker({}), "has no stylize, but here is"),
    (Worker(ModuleNotFoundError("No module named 'styletransfer'")), "cannot import stylize"),
    (good(threads=2), "would make 2 pictures at once in one process; start it with --nthreads 1"),
]


@pytest.mark.parametrize(("unfit", "part"), UNFIT)
def test_a_worker_that_does_not_fit_is_refused_at_the_start(unfit: Worker, part: str) -> None:
    with pytest.raises(ClusterError, match=f"the worker {LATE} {part}"):
        admission(Client(here=good(), late=unfit), []).check()


@pytest.mark.parametrize(
    ("unfit", "part"),
    [
        *UNFIT,
        (good(sees=False), "does not see the files of this command, as others do; "),
    ],
)
def test_one_that_comes_later_is_left_out(unfit: Worker, part: str) -> None:
    lines: list[str] = []
    client = Client(here=good())
    workers = admission(client, lines)
    workers.check()
    workers.begin("key")
    assert workers.wait() == 1

    client.workers[LATE] = unfit

    assert (workers.wait(), workers.wait()) == (1, 1)
    assert [line.split(f"{LATE} ")[0] for line in lines] == ["not used: the worker "]
    assert part in lines[0]
    assert workers.preferred() == [HERE]
    assert client.workers[HERE].is_admitted


def test_one_that_comes_later_and_fits_is_admitted() -> None:
    lines: list[str] = []
    client = Client(here=good())
    workers = admission(client, lines)
    workers.check()
    workers.begin("key")
    client.workers[LATE] = good()

    assert (workers.wait(), lines) == (2, [])
    assert workers.preferred() is None
    assert client.workers[LATE].is_admitted


def test_if_contents_are_sent_nobody_needs_to_see_files() -> None:
    client = Client(here=good(sees=False))
    workers = admission(client, [])
    workers.check()
    workers.begin("key")
    assert not workers.must_see
    client.workers[LATE] = good(sees=False)

    assert workers.wait() == 2


def test_a_worker_that_ended_is_not_counted() -> None:
    client = Client(here=good(), late=good())
    workers = admission(client, [])
    workers.check()
    workers.begin("key")
    assert workers.wait() == 2
    del client.workers[LATE]

    assert workers.wait() == 1


def test_one_that_does_not_answer_yet_is_asked_again() -> None:
    client = Client(here=good())
    workers = admission(client, [])
    workers.check()
    workers.begin("key")
    client.workers[LATE] = Worker(OSError("timed out"))
    assert workers.wait() == 1

    client.workers[LATE] = good()

    assert workers.wait() == 2


def test_without_workers_that_fit_the_run_ends_in_one_line() -> None:
    client = Client(here=good())
    workers = admission(client, [])
    workers.check()
    workers.begin("key")
    workers.wait()
    client.workers[LATE] = good(threads=2)
    workers.wait()
    del client.workers[HERE]

    with pytest.raises(ClusterError, match="the workers that fit have ended; --skip-existing"):
        workers.wait()


def test_a_worker_that_is_started_again_at_its_address_is_checked_again() -> None:
    lines: list[str] = []
    client = Client(here=good(), late=good())
    workers = admission(client, lines)
    workers.check()
    workers.begin("key")
    workers.wait()
    client.workers[LATE] = good(sees=False)

    workers.begin_again()

    assert workers.wait() == 1
    assert "does not see" in lines[0]


def test_a_signal_ends_the_waiting() -> None:
    lines: list[str] = []

    assert admission(Client(), lines, Stopped()).wait() == 0
    assert lines == []


def test_workers_here_that_have_ended_are_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = iter((0.0, 30.0, 61.0))
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    monkeypatch.setattr("time.sleep", lambda _: None)
    lines: list[str] = []

    with pytest.raises(ClusterError, match="the workers have ended, perhaps for lack of memory; "):
        admission(Client(), lines, where=LocalWorkers(1)).wait()

    assert lines == []
