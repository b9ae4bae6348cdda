"""A request: what its runs share, and what a single picture yields."""

from pathlib import Path

import pytest

from styletransfer.runs.context import RunContext
from styletransfer.runs.execute import execute
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.jobs import ExistingResult, PictureResult, Request
from styletransfer.settings import Settings
from tests.support.pictures import noise

SETTINGS = Settings(size=24, min_size=24, iterations=(1,))


@pytest.fixture
def request_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """A request for one picture in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("content.png", "style.png"):
        noise(24, 16).save(name)
    return Request(
        content=Path("content.png"),
        is_folder=False,
        styles=(Path("style.png"),),
        settings=SETTINGS,
        output=Path("out.png"),
        skip_existing=True,
    )


@pytest.mark.weights
def test_a_picture_is_made_once_and_then_skipped(request_of_one: Request) -> None:
    (made,) = execute(request_of_one, StopRequest(), pytest.fail, quiet=True)
    (skipped,) = execute(request_of_one, StopRequest(), pytest.fail, quiet=True)

    assert isinstance(made, PictureResult)
    assert (made.path, made.settings, made.stopped) == (Path("out.png"), SETTINGS, False)
    assert skipped == ExistingResult(path=Path("out.png"), content=Path("content.png"))


@pytest.mark.parametrize(("quiet", "reported"), [(False, ["a", "b", "a"]), (True, [])])
def test_an_announcement_is_reported_only_if_it_differs_from_the_last(
    quiet: bool, reported: list[str]
) -> None:
    lines: list[str] = []
    context = RunContext.open([], SETTINGS, StopRequest(), lines.append, quiet=quiet)

    for line in ("a", "a", "b", "a"):
        context.announce(line)

    assert lines == reported
