"""Runs that are steered by their history."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from styletransfer.images.provenance import read_record
from styletransfer.runs.execute import execute
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.jobs import PictureResult, Request
from styletransfer.settings import Settings
from tests.support.pictures import noise

SETTINGS = Settings(size=40, min_size=20, iterations=(3, 4), style_form="gram", precision="float32")

Make = Callable[..., PictureResult]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a picture with a history."""
    monkeypatch.chdir(tmp_path)
    noise(40, 28).save("content.png")
    noise(30, 30, seed=7).save("style.png")

    def run(output: str, *history: str) -> PictureResult:
        request = Request(
            content=Path("content.png"),
            is_folder=False,
            styles=(Path("style.png"),),
            settings=SETTINGS.with_values({"history": history or None}),
            output=Path(output),
            log=Path(output).with_suffix(".csv"),
        )
        (result,) = execute(request, StopRequest(), pytest.fail, quiet=True)
        assert isinstance(result, PictureResult)
        return result

    return run


def rows(log: str) -> list[dict[str, str]]:
    with Path(log).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.weights
def test_the_history_changes_the_weights_and_the_log_says_so(make: Make) -> None:
    make("out.png", "2:weigh=1/14/50", "5:weigh=2/14/50")
    weights = [(row["content_weight"], row["tv_weight"]) for row in rows("out.csv")]
    assert weights == [("1.0", "2.0")] * 2 + [("1.0", "50.0")] * 3 + [("2.0", "50.0")] * 2
    for row in rows("out.csv"):
        assert float(row["tv"]) * float(row["tv_weight"]) == pytest.approx(
            float(row["weighted_tv"])
        )


@pytest.mark.weights
def test_a_result_repeats_its_history_to_the_same_bytes(make: Make) -> None:
    history = ("2:mark", "4:weigh=1/14/50", "5:back=2", "6:next", "7:first", "8:repeat")
    make("out.png", *history)
    recorded = Settings().with_values(read_record(Path("out.png"))).history
    assert recorded == history
    make("again.png", *recorded)
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()
    sizes = [int(row["width"]) for row in rows("out.csv")]
    assert sizes == [20, 20, 20, 40, 40, 20, 40, 20, 20, 20, 20, 40, 40, 40, 40]


@pytest.mark.weights
def test_a_history_can_end_a_run(make: Make) -> None:
    result = make("out.png", "5:stop")
    assert result.stopped
    assert len(rows("out.csv")) == 5
