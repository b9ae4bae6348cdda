"""The order in which jobs can be begun."""

from pathlib import Path

from styletransfer.runs.cluster.waiting import Waiting
from styletransfer.runs.jobs import Job
from styletransfer.settings import Settings

JOBS = [
    Job(
        content=Path(f"{number}.png"),
        styles=(),
        settings=Settings(),
        output=Path(f"out/{number}.png"),
        unfinished=Path(f"out/{number}.png"),
    )
    for number in range(5)
]


def test_jobs_of_their_own_can_all_be_begun_at_once() -> None:
    waiting = Waiting(JOBS, [[number] for number in range(5)], existing={1, 3})
    assert [waiting.take() for _ in range(3)] == [(0, None), (2, None), (4, None)]
    assert not waiting


def test_a_frame_waits_for_the_one_before_it_and_starts_from_the_last_good_one() -> None:
    waiting = Waiting(JOBS, [[0, 1, 2], [3, 4]], existing=())
    assert [waiting.take(), waiting.take()] == [(0, None), (3, None)]
    assert not waiting
    waiting.finish(0, is_good=True)
    assert waiting.take() == (1, JOBS[0])
    waiting.finish(1, is_good=False)
    assert waiting.take() == (2, JOBS[0])
    waiting.finish(3, is_good=False)
    assert waiting.take() == (4, None)
    waiting.finish(4, is_good=True)
    assert not waiting


def test_a_frame_starts_from_an_existing_result() -> None:
    waiting = Waiting(JOBS, [[0, 1, 2, 3, 4]], existing={0, 1, 3})
    assert waiting.take() == (2, JOBS[1])
    waiting.finish(2, is_good=True)
    assert waiting.take() == (4, JOBS[3])


def test_what_is_put_back_is_next_and_starts_from_the_same_frame() -> None:
    waiting = Waiting(JOBS, [[0, 1], [2]], existing={0})
    taken = waiting.take()
    waiting.put_back(taken[0])
    assert waiting.take() == taken == (1, JOBS[0])
