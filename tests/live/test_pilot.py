"""Real runs that pages steer."""

import csv
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from styletransfer.errors import InterruptionError
from styletransfer.history import Event
from styletransfer.images.provenance import read_record
from styletransfer.live import pilot as live
from styletransfer.live.commands import (
    Advance,
    Command,
    GoBack,
    Mark,
    Pause,
    Restart,
    Resume,
    Save,
    Stop,
    Weigh,
)
from styletransfer.runs.execute import execute
from styletransfer.runs.interruption import StopRequest
from styletransfer.runs.jobs import PictureResult, Request
from styletransfer.runs.steering import Helm
from styletransfer.settings import Settings
from styletransfer.transfer.stylize import Step
from tests.support.commands import Refusal, run_command
from tests.support.pictures import noise

pytest.importorskip("aiohttp")

SETTINGS = Settings(size=40, min_size=20, iterations=(3, 4), style_form="gram", precision="float32")
WEIGH = Weigh(1.0, 14.0, 50.0)

Script = Mapping[int, Sequence[Command | Callable[[], None]]]


class Scripted(live.LivePilot):
    """Asks what a page would ask, after given steps."""

    def __init__(self, script: Script, notify: Callable[[str], None]) -> None:
        super().__init__(notify)
        self._script = script
        self.states: list[str] = []

    def events(self, step: Step, helm: Helm) -> list[Event]:
        assert self._session is not None
        for each in self._script.get(helm.steps, ()):
            if callable(each):
                each()
            else:
                self._session.request(each)
        return super().events(step, helm)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures in the current folder, and no browser."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(live, "open_browser", lambda _: None)
    noise(40, 28).save("content.png")
    noise(30, 30, seed=7).save("style.png")
    return


def make(
    output: str,
    script: Script | None,
    stop: StopRequest | None = None,
    lines: list[str] | None = None,
    pilot: Scripted | None = None,
    **more: Any,
) -> PictureResult:
    """Make a picture; without a script or a pilot, without a page."""
    lines = [] if lines is None else lines
    request = Request(
        content=Path("content.png"),
        is_folder=False,
        styles=(Path("style.png"),),
        settings=SETTINGS.with_values(more),
        output=Path(output),
        log=Path(output).with_suffix(".csv"),
    )
    notify = lines.append if pilot is None else pytest.fail
    if script is not None:
        pilot = Scripted(script, lines.append)
    (result,) = execute(request, stop or StopRequest(), notify, quiet=True, pilot=pilot)
    assert isinstance(result, PictureResult)
    return result


def rows(log: str) -> list[dict[str, str]]:
    with Path(log).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.weights
def test_a_run_that_nobody_touches_gives_the_bytes_of_one_without_a_page() -> None:
    lines: list[str] = []
    make("plain.png", None)
    make("live.png", {}, lines=lines)
    assert Path("live.png").read_bytes() == Path("plain.png").read_bytes()
    (line,) = lines
    assert line.startswith("live at http://127.0.0.1:")


@pytest.mark.weights
def test_the_picture_records_what_was_done_and_repeats_it_to_the_same_bytes() -> None:
    lines: list[str] = []
    script: Script = {2: [Mark()], 4: [WEIGH], 5: [GoBack(2)], 6: [Advance()], 7: [Restart()]}
    make("live.png", script, lines=lines)
    history = Settings().with_values(read_record(Path("live.png"))).history
    assert history == ("2:mark", "4:weigh=1/14/50", "5:back=2", "6:next", "7:first")
    make("again.png", None, history=history)
    assert Path("again.png").read_bytes() == Path("live.png").read_bytes()
    assert lines[-1] == (
        "the weights at the end: --content-weight 1 --style-weight 14 --tv-weight 2"
    )


@pytest.mark.weights
def test_new_weights_act_at_the_next_step() -> None:
    make("live.png", {5: [WEIGH]})
    assert [row["tv_weight"] for row in rows("live.csv")] == ["2.0"] * 5 + ["50.0"] * 2


@pytest.mark.slow
@pytest.mark.weights
def test_a_pause_lasts_until_the_page_lets_it_go_on() -> None:
    waited = threading.Event()
    pilot_of: list[Scripted] = []

    def resume_later() -> None:
        session = pilot_of[0]._session
        assert session is not None

        def resume() -> None:
            waited.set()
            session.request(Resume())

        threading.Timer(0.3, resume).start()

    pilot_of.append(Scripted({2: [Pause(), resume_later]}, lambda _: None))
    make("live.png", None, pilot=pilot_of[0])
    assert waited.is_set()
    make("plain.png", None)
    assert Path("live.png").read_bytes() == Path("plain.png").read_bytes()


@pytest.mark.weights
def test_save_writes_a_whole_picture_and_goes_on() -> None:
    seen: list[tuple[int, int]] = []

    def look() -> None:
        with Image.open("live.png") as picture:
            seen.append(picture.size)

    make("live.png", {2: [Save()], 3: [look]})
    assert seen == [(40, 28)]
    assert len(rows("live.csv")) == 7


@pytest.mark.weights
def test_stop_saves_the_picture_and_ends_the_run() -> None:
    result = make("live.png", {5: [Stop()]})
    assert result.stopped
    assert len(rows("live.csv")) == 5
    assert Path("live.png").exists()


@pytest.mark.weights
def test_a_signal_ends_a_pause_and_saves_the_picture() -> None:
    stop = StopRequest()

    def interrupt() -> None:
        stop._number = signal.SIGINT

    with pytest.raises(InterruptionError, match=r"stopped early: live.png holds the best"):
        make("live.png", {3: [Pause(), interrupt]}, stop)
    assert Path("live.png").exists()


@pytest.mark.weights
@pytest.mark.slow
@pytest.mark.parametrize("command", [Advance(), Resume(), WEIGH, None])
def test_a_draft_waits_for_its_page(
    command: Command | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "DRAFT", 20)
    monkeypatch.setattr(live, "_RELOAD", 0.5)
    pilot = Scripted({}, lambda _: None)
    waited: list[float] = []

    def open_page() -> None:
        assert pilot._session is not None
        pilot._session.frames.join("page")

        def ask() -> None:
            assert pilot._session is not None
            waited.append(1)
            if command is not None:
                pilot._session.request(command)
            pilot._session.frames.forget("page")

        threading.Timer(0.4, ask).start()

    pilot._script = {3: [open_page]}
    make("live.png", None, pilot=pilot)
    assert waited
    # New weights take the iterations of the draft once more.
    sizes = [row["width"] for row in rows("live.csv")]
    more = 3 if command == WEIGH else 0
    assert sizes == ["20"] * (3 + more) + ["40"] * 4


REFUSED: list[Refusal] = [
    ("folder style.png -o out --live", 2, "a folder as CONTENT makes no sense with --live"),
    ("content.png style.png -o out.png --live --tv-weight 1,2", 2, "a list of weights makes no"),
    ("content.png style.png -o out.png --live --skip-existing", 2, "--skip-existing makes no"),
    ("content.png style.png -o out.png --live --checkpoint a", 2, "--checkpoint makes no sense"),
    ("content.png style.png -o out.png --live --history 3:next", 2, "--history makes no sense"),
    ("content.png style.png -o - --live", 2, "-o - makes no sense with --live"),
]


@pytest.mark.parametrize("refusal", REFUSED, ids=[line for line, *_ in REFUSED])
def test_what_has_no_page_is_refused(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    line, code, message = refusal
    Path("folder").mkdir()
    noise(8, 8).save("folder/a.png")
    ran = run_command(line, monkeypatch, capfd)
    assert (ran.code, message in ran.err) == (code, True), ran.err
