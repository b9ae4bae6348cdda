"""Runs that are steered by their history."""

import csv
import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from styletransfer.errors import InterruptionError, StyleTransferError
from styletransfer.history import Event
from styletransfer.images.provenance import _stored_record, read_record
from styletransfer.runs.execute import execute
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.jobs import PictureResult, Request
from styletransfer.runs.steering import Helm, Recorded
from styletransfer.settings import Settings
from styletransfer.transfer.optimize import Descent
from styletransfer.transfer.stylize import Step
from tests.support.pictures import noise

SETTINGS = Settings(size=40, min_size=20, iterations=(3, 4), style_form="gram", precision="float32")

Make = Callable[..., PictureResult]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a picture with a history."""
    monkeypatch.chdir(tmp_path)
    noise(40, 28).save("content.png")
    noise(30, 30, seed=7).save("style.png")

    def run(
        output: str,
        *history: str,
        stop: StopRequest | None = None,
        pilot: Recorded | None = None,
        save_every: int | None = None,
        max_memory: str | None = None,
    ) -> PictureResult:
        request = Request(
            content=Path("content.png"),
            is_folder=False,
            styles=(Path("style.png"),),
            settings=SETTINGS.with_values({"history": history or None, "max_memory": max_memory}),
            output=Path(output),
            log=Path(output).with_suffix(".csv"),
            save_every=save_every,
        )
        results = execute(request, stop or StopRequest(), pytest.fail, quiet=True, pilot=pilot)
        (result,) = results
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
def test_going_back_takes_the_weights_of_the_mark(make: Make) -> None:
    make("out.png", "1:weigh=1/14/9", "2:mark", "3:weigh=1/14/50", "5:back=2")
    weights = [row["tv_weight"] for row in rows("out.csv")]
    assert weights == ["2.0", "9.0", "9.0", "50.0", "50.0", *["9.0"] * 5]


@pytest.mark.weights
def test_a_mark_keeps_nothing_of_the_optimizer(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Descent, "state", pytest.fail)
    make("out.png", "2:mark", "3:back=2")


@pytest.mark.weights
def test_a_snapshot_records_what_was_done_so_far(make: Make) -> None:
    make("out.png", "2:weigh=1/14/50", "5:weigh=1/14/9", save_every=3)
    recorded = [read_record(Path(f"out-{n}.png"))["history"] for n in (3, 6)]
    assert recorded == [["2:weigh=1/14/50"], ["2:weigh=1/14/50", "5:weigh=1/14/9"]]


@pytest.mark.weights
def test_what_waits_is_recorded_with_the_command_and_repeated_to_the_same_bytes(make: Make) -> None:
    history = (
        *("2:mark", "3:size=56", "3:scale=0.5", "5:detail=0.5", "6:layers=relu1_1/relu2_1"),
        *("6:first", "8:back=2", "9:next", "10:weigh=1/14/9"),
    )
    make("out.png", *history)
    stored = json.loads(_stored_record(Path("out.png")))
    assert stored["settings"]["history"] == [*history]
    assert stored["command"] == (
        "stylize CONTENT STYLE -o OUT --size 40 --min-size 20 --iterations 3,4 "
        "--style-form gram --tv-weight 9 --precision float32"
    ), "the mark has the settings that it was set with"
    make("again.png", *history)
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()
    sizes = [int(row["width"]) for row in rows("out.csv")]
    assert sizes == [20, 20, 20, 28, 28, 28, 28, 28, 20, 40, 40, 40, 40]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("2:scale=30", "style_scale must be from 0.05 to 20, not 30"),
        ("2:layers=relu9_1", "vgg19 has no layer 'relu9_1'"),
        ("2:size=60000", "out of memory at 60000×42000"),
    ],
)
def test_what_a_run_cannot_go_on_with_is_refused_before_its_first_step(
    event: str, words: str, make: Make
) -> None:
    with pytest.raises(StyleTransferError, match=words):
        make("out.png", event, max_memory="3GB")
    assert not Path("out.csv").exists()


@pytest.mark.weights
def test_a_history_can_end_a_run(make: Make) -> None:
    result = make("out.png", "5:stop")
    assert result.stopped
    assert len(rows("out.csv")) == 5


@pytest.mark.weights
def test_a_run_that_a_signal_ended_is_repeated_to_where_it_ended(make: Make) -> None:
    stop = StopRequest()

    class Interrupting(Recorded):
        def events(self, step: Step, helm: Helm) -> list[Event]:
            if helm.steps == 5:
                stop._number = signal.SIGINT
            return super().events(step, helm)

    pilot = Interrupting(("2:weigh=1/14/9",))
    with pytest.raises(InterruptionError, match="stopped early"):
        make("out.png", stop=stop, pilot=pilot)
    recorded = Settings().with_values(read_record(Path("out.png"))).history
    assert recorded == ("2:weigh=1/14/9", "5:stop")
    make("again.png", *recorded)
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()
