"""The tally of a folder or a sweep, and its messages."""

from pathlib import Path
from typing import Any

import pytest

from styletransfer.errors import (
    DeviceError,
    ImageError,
    ShortageError,
    StyleTransferError,
    UnfinishedError,
    UnsavedError,
)
from styletransfer.runs.batches.outcomes import Failure
from styletransfer.runs.batches.tally import BatchTally
from styletransfer.runs.context import RunContext
from styletransfer.runs.interruption import NOTHING_YET, StopRequest
from tests.support.results import ONE, results

BAD = Failure(ImageError, "b.jpg: broken")


@pytest.fixture
def lines() -> list[str]:
    """The reported lines."""
    return []


@pytest.fixture
def tally(lines: list[str]) -> BatchTally:
    """A tally of five pictures before the first."""
    return make_tally(lines)


def make_tally(lines: list[str], *, quiet: bool = False, fail_fast: bool = False) -> BatchTally:
    context = RunContext(
        styles=[],
        init=None,
        background="white",
        stop=StopRequest(),
        notify=lines.append,
        quiet=quiet,
    )
    return BatchTally(context, 5, "pictures", fail_fast=fail_fast)


def finish(tally: BatchTally, folder: Path, **changes: Any) -> None:
    (result,) = results(folder, ONE, **changes)
    tally.finish("a.jpg", result)


def test_each_picture_is_skipped_made_failed_or_remaining(
    tally: BatchTally, tmp_path: Path
) -> None:
    tally.skip()
    finish(tally, tmp_path)
    tally.fail("b.jpg", BAD.line, BAD)

    assert (tally.skipped, tally.made, tally.failed) == (1, 1, ["b.jpg"])
    assert tally.remaining == 2


def test_before_the_first_result_a_signal_reports_that_nothing_was_written(
    tally: BatchTally,
) -> None:
    assert tally.stop_message() == NOTHING_YET


def test_a_signal_reports_how_many_are_done_and_where_the_unfinished_one_is(
    tally: BatchTally, tmp_path: Path
) -> None:
    tally.skip()
    finish(tally, tmp_path)
    line = "interrupted: 2 of 5 pictures are done; --skip-existing resumes"
    assert tally.stop_message() == line

    finish(tally, tmp_path, path=Path("c.partial.png"), stopped=True)
    assert tally.stop_message() == f"{line}; the unfinished one is saved as c.partial.png"


def test_several_unfinished_ones_are_named(tally: BatchTally, tmp_path: Path) -> None:
    for name in ("c.partial.png", "d.partial.png"):
        finish(tally, tmp_path, path=Path(name), stopped=True)

    message = tally.stop_message()

    assert message is not None
    assert message.endswith("; the unfinished ones are saved as c.partial.png, d.partial.png")


@pytest.mark.parametrize(("fail_fast", "ended"), [(True, True), (False, False)])
def test_the_first_failure_ends_a_batch_that_is_to_fail_fast(
    fail_fast: bool, ended: bool, lines: list[str]
) -> None:
    tally = make_tally(lines, fail_fast=fail_fast)
    assert not tally.ended

    tally.fail("b.jpg", BAD.line, BAD)

    assert tally.ended == ended


def test_a_signal_after_a_failure_does_not_report_that_nothing_was_written(
    tally: BatchTally,
) -> None:
    tally.fail("b.jpg", BAD.line, BAD)

    line = "interrupted: 0 of 5 pictures are done; --skip-existing resumes"
    assert tally.stop_message() == line


def test_a_signal_has_no_message_once_no_picture_remains(tally: BatchTally) -> None:
    for _ in range(5):
        tally.skip()

    assert tally.stop_message() is None


def test_failures_are_reported_at_once_and_listed_at_the_end(
    tally: BatchTally, lines: list[str]
) -> None:
    for name in ("b.jpg", "c.jpg"):
        tally.fail(name, f"{name}: broken", BAD)
    tally.skip()

    assert lines == ["error: b.jpg: broken", "error: c.jpg: broken"]
    with pytest.raises(StyleTransferError) as caught:
        tally.refuse_failures()
    assert (
        str(caught.value) == "2 of 5 pictures failed: b.jpg, c.jpg; --fail-fast skipped the other 2"
    )


def test_a_lack_of_memory_concerns_one_picture(tally: BatchTally) -> None:
    tally.fail("b.jpg", "b.jpg: too large", Failure(ShortageError, "too large"))

    assert tally.failed == ["b.jpg"]


@pytest.mark.parametrize("kind", [UnsavedError, DeviceError, UnfinishedError])
def test_an_error_that_all_pictures_would_meet_ends_the_batch(
    kind: type[StyleTransferError], tally: BatchTally, lines: list[str]
) -> None:
    failure = Failure(kind, "no cuda")
    with pytest.raises(kind) as caught:
        tally.fail("b.jpg", "b.jpg: this", failure)
    assert (str(caught.value), lines) == ("no cuda", [])

    tally.skip()
    with pytest.raises(kind):
        tally.fail("b.jpg", "b.jpg: this", failure)
    assert lines == ["1 of 5 pictures are done; --skip-existing resumes"]


def test_without_failures_nothing_is_refused(tally: BatchTally) -> None:
    tally.refuse_failures()


@pytest.mark.parametrize(
    ("skipped", "quiet", "reported"),
    [(0, False, []), (2, False, ["2 of 5 results already exist"]), (2, True, [])],
)
def test_existing_results_are_counted_unless_quiet(
    skipped: int, quiet: bool, reported: list[str], lines: list[str]
) -> None:
    tally = make_tally(lines, quiet=quiet)
    for _ in range(skipped):
        tally.skip()

    tally.report_skipped()

    assert lines == reported
