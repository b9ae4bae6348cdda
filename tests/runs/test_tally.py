"""Pictures painted one after the other: what became of each, and how that is said."""

from pathlib import Path

import pytest

from styletransfer.errors import (
    DeviceError,
    ImageError,
    ShortageError,
    StyleTransferError,
    UnsavedError,
)
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.naming import Job
from styletransfer.runs.picture import Painter
from styletransfer.runs.tally import BatchTally
from styletransfer.settings import Settings
from tests.support.pictures import noise

BAD = ImageError("b.jpg: broken")


@pytest.fixture
def said() -> list[str]:
    """What the user is told."""
    return []


@pytest.fixture
def series(tmp_path: Path, said: list[str]) -> BatchTally:
    """Five pictures, of which nothing was begun."""
    noise(8, 8).save(tmp_path / "style.png")
    painter = Painter([tmp_path / "style.png"], Settings(), StopRequest(), said.append)
    return BatchTally(painter, 5, "pictures")


def finish(series: BatchTally, folder: Path, name: str = "a") -> Job:
    job = Job(folder / f"{name}.jpg", folder / f"{name}.png")
    series.finish(f"{name}.jpg", job, 1.0)
    return job


def test_every_picture_is_kept_painted_failed_or_untried(
    series: BatchTally, tmp_path: Path
) -> None:
    series.keep()
    finish(series, tmp_path)
    series.fail("b.jpg", str(BAD), BAD)

    assert (series.kept, series.painted, series.failed) == (1, 1, ["b.jpg"])
    assert series.remaining == 2


def test_a_signal_tells_how_many_are_done_and_where_the_one_at_work_is(
    series: BatchTally, tmp_path: Path
) -> None:
    series.keep()
    finish(series, tmp_path)
    stop = series.painter.stop

    assert stop.message == "interrupted: 2 of 5 pictures are done; --skip-existing resumes"
    series.set_stop_message(Path("c.partial.png"))
    assert stop.message.endswith("--skip-existing resumes; c.partial.png holds the one at work")


def test_a_signal_after_a_failure_does_not_tell_that_nothing_was_written(
    series: BatchTally,
) -> None:
    series.fail("b.jpg", str(BAD), BAD)

    told = "interrupted: 0 of 5 pictures are done; --skip-existing resumes"
    assert series.painter.stop.message == told


def test_a_whole_picture_takes_the_place_of_what_was_unfinished(
    series: BatchTally, tmp_path: Path
) -> None:
    (tmp_path / "a.partial.png").touch()

    assert not finish(series, tmp_path).unfinished.exists()


def test_a_failure_is_told_at_once_and_all_of_them_at_the_end(
    series: BatchTally, said: list[str]
) -> None:
    for name in ("b.jpg", "c.jpg"):
        series.fail(name, f"{name}: broken", BAD)
    series.keep()

    assert said == ["error: b.jpg: broken", "error: c.jpg: broken"]
    with pytest.raises(StyleTransferError) as caught:
        series.refuse_failures()
    assert str(caught.value) == ("2 of 5 pictures failed: b.jpg, c.jpg; --fail-fast left 2 untried")


def test_a_shortage_is_one_pictures_own(series: BatchTally) -> None:
    series.fail("b.jpg", "b.jpg: too large", ShortageError("too large"))

    assert series.failed == ["b.jpg"]


@pytest.mark.parametrize("error", [UnsavedError("disk full"), DeviceError("no cuda")])
def test_what_the_next_would_meet_as_well_ends_the_series_with_what_is_done(
    error: StyleTransferError, series: BatchTally, said: list[str]
) -> None:
    with pytest.raises(type(error)) as caught:
        series.fail("b.jpg", "b.jpg: this", error)
    assert (caught.value, said) == (error, [])

    series.keep()
    with pytest.raises(type(error)):
        series.fail("b.jpg", "b.jpg: this", error)
    assert said == ["1 of 5 pictures are done; --skip-existing resumes"]


def test_without_failures_nothing_is_refused(series: BatchTally) -> None:
    series.refuse_failures()


@pytest.mark.parametrize(
    ("kept", "quiet", "lines"),
    [(0, False, []), (2, False, ["2 of 5 results were there already"]), (2, True, [])],
)
def test_what_was_there_already_is_told_unless_quiet(
    kept: int, quiet: bool, lines: list[str], series: BatchTally, said: list[str]
) -> None:
    series.painter.quiet = quiet
    for _ in range(kept):
        series.keep()

    series.report_skipped()

    assert said == lines
