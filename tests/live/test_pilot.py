"""Real runs that pages steer."""

import csv
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from styletransfer.errors import InterruptionError, StyleTransferError
from styletransfer.history import Event
from styletransfer.images.provenance import read_record
from styletransfer.live import pilot as live
from styletransfer.live.commands import (
    Advance,
    Change,
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
from tests.support.commands import Refusal, fill_disk, run_command
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
    *,
    quiet: bool = True,
    styles: tuple[Path, ...] = (Path("style.png"),),
    **more: Any,
) -> PictureResult:
    """Make a picture; without a script or a pilot, without a page."""
    lines = [] if lines is None else lines
    request = Request(
        content=Path("content.png"),
        is_folder=False,
        styles=styles,
        settings=SETTINGS.with_values(more),
        output=Path(output),
        log=Path(output).with_suffix(".csv"),
    )
    notify = lines.append if pilot is None or not quiet else pytest.fail
    stop = stop or StopRequest()
    if script is not None:
        pilot = Scripted(script, lines.append)
    (result,) = execute(request, stop, notify, quiet=quiet, pilot=pilot)
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


@pytest.mark.slow
@pytest.mark.weights
def test_the_picture_records_what_was_done_and_repeats_it_to_the_same_bytes() -> None:
    lines: list[str] = []
    script: Script = {2: [Mark()], 4: [WEIGH], 5: [GoBack(2)], 6: [Advance()], 7: [Restart()]}
    make("live.png", script, lines=lines, quiet=False)
    history = Settings().with_values(read_record(Path("live.png"))).history
    assert history == ("2:mark", "4:weigh=1/14/50", "5:back=2", "6:next", "7:first")
    make("again.png", None, history=history)
    assert Path("again.png").read_bytes() == Path("live.png").read_bytes()


@pytest.mark.weights
def test_the_last_line_is_the_command_with_the_last_settings_from_the_start() -> None:
    lines: list[str] = []
    make("live.png", {2: [WEIGH], 4: [Weigh(1.0, 20.0, 3.0)]}, lines=lines, quiet=False)
    assert lines[-1] == (
        "with the last settings from the start: stylize content.png style.png -o live.png "
        "--size 40 --min-size 20 --iterations 3,4 --style-weight 20 --style-form gram "
        "--tv-weight 3 --precision float32"
    )


@pytest.mark.weights
def test_over_ssh_the_terminal_says_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    lines: list[str] = []
    make("live.png", {}, lines=lines)
    assert "first run there: ssh -L " in lines[1]


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
def test_what_save_wrote_is_repeated_to_the_same_bytes() -> None:
    def keep() -> None:
        Path("saved.png").write_bytes(Path("live.png").read_bytes())

    make("live.png", {2: [WEIGH], 5: [Save()], 6: [keep]})
    history = Settings().with_values(read_record(Path("saved.png"))).history
    assert history == ("2:weigh=1/14/50", "5:stop")
    make("again.png", None, history=history)
    assert Path("again.png").read_bytes() == Path("saved.png").read_bytes()


@pytest.mark.weights
def test_a_full_disk_at_save_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.MonkeyPatch.context() as disk:

        def fill() -> None:
            fill_disk(disk, "live.png")

        make("live.png", {2: [fill, Save()], 3: [disk.undo]}, lines=lines)
    assert "the picture was saved as" in lines[-1]
    assert lines[-1].endswith("; the run continues")
    assert len(rows("live.csv")) == 7


@pytest.mark.weights
def test_the_last_frame_is_the_picture_that_was_written() -> None:
    pilot = Scripted({}, lambda _: None)

    def open_page() -> None:
        assert pilot._session is not None
        pilot._session.frames.join("page")

    pilot._script = {2: [open_page]}
    make("live.png", None, pilot=pilot)
    assert pilot._session is not None
    frame = pilot._session.frames.newest
    assert frame is not None
    with Image.open("live.png") as written:
        assert ImageChops.difference(frame._picture, written).getbbox() is None


@pytest.mark.weights
@pytest.mark.parametrize("command", [GoBack(2), Restart(), Advance()])
def test_moving_on_ends_a_pause_and_says_so(command: Command) -> None:
    pilot = Scripted({}, lambda _: None)
    states: list[str] = []

    def look() -> None:
        assert pilot._session is not None
        states.append(pilot._session.snapshot()["state"])

    pilot._script = {2: [Mark()], 3: [Pause(), command], 4: [look]}
    make("live.png", None, pilot=pilot)
    assert states == ["painting"]


@pytest.mark.weights
def test_changes_wait_for_the_next_size_and_are_in_the_command_and_repeated() -> None:
    lines: list[str] = []
    waiting: list[dict[str, Any]] = []
    pilot = Scripted({}, lines.append)

    def look() -> None:
        assert pilot._session is not None
        seen = pilot._session.later.snapshot()
        waiting.append({**seen["waiting"], "larger": seen["larger"]})

    change = Change({"style_scale": (0.5,), "style_layers": ("relu1_1",), "size": 56})
    pilot._script = {2: [Change({"detail": 0.5}), change], 3: [look], 5: [look]}
    make("live.png", None, pilot=pilot, lines=lines, quiet=False)
    assert waiting == [{"detail": 0.5, **change.settings, "larger": 28}, {"larger": 56}]
    assert lines[-1] == (
        "with the last settings from the start: stylize content.png style.png -o live.png "
        "--size 56 --min-size 20 --iterations 3,4 --style-form gram --style-scale 0.5 "
        "--detail 0.5 --style-layers relu1_1 --precision float32"
    )
    history = Settings().with_values(read_record(Path("live.png"))).history
    assert history == ("2:detail=0.5", "2:scale=0.5", "2:layers=relu1_1", "2:size=56")
    make("again.png", None, history=history)
    assert Path("again.png").read_bytes() == Path("live.png").read_bytes()


@pytest.mark.weights
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"style_scale": (30.0,)}, "style_scale must be from 0.05 to 20, not 30"),
        ({"detail": 2.0}, "detail must be from 0 to 1"),
        ({"style_layers": ()}, "style_layers must name at least one layer"),
        ({"size": 64.5}, "size must be"),
        ({"size": 60_000}, "out of memory at 60000×42000"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(changes: dict[str, Any], words: str) -> None:
    pilot = Scripted({}, lambda _: None)

    def ask() -> None:
        assert pilot._session is not None
        with pytest.raises(StyleTransferError, match=words):
            pilot._session.request(Change(changes))

    pilot._script = {2: [ask]}
    make("live.png", None, pilot=pilot, max_memory="3GB")
    assert "history" in read_record(Path("live.png"))
    assert read_record(Path("live.png"))["history"] is None


@pytest.mark.weights
def test_the_page_hears_of_any_failure() -> None:
    def fail() -> None:
        raise ZeroDivisionError("division\nby zero")

    pilot = Scripted({3: [fail]}, lambda _: None)
    with pytest.raises(ZeroDivisionError):
        make("live.png", None, pilot=pilot)
    assert pilot._session is not None
    seen = pilot._session.snapshot()
    assert (seen["state"], "\n" in seen["note"]) == ("failed", False)


@pytest.mark.weights
def test_paint_larger_does_not_end_the_largest_size() -> None:
    make("live.png", {5: [Advance()]})
    assert len(rows("live.csv")) == 7


@pytest.mark.weights
def test_paint_larger_goes_on_to_a_size_that_waits() -> None:
    make("live.png", {5: [Change({"size": 80}), Advance()]})
    assert [row["width"] for row in rows("live.csv")] == ["20"] * 3 + ["40"] * 2 + ["80"] * 4
    with Image.open("live.png") as picture:
        assert picture.size == (80, 56)


@pytest.mark.weights
def test_shares_are_offered_only_where_styles_are_blended() -> None:
    halves = Image.new("RGB", (40, 28), "white")
    halves.paste("black", (0, 0, 20, 28))
    halves.save("mask.png")
    styles = (Path("style.png"), Path("style.png"))
    for mask, is_blended in ((None, True), ("mask.png", False)):
        pilot = Scripted({2: [Weigh(1.0, 14.0, 3.0)]}, lambda _: None)
        make("live.png", None, pilot=pilot, styles=styles, content_mask=mask)
        assert pilot._session is not None
        assert pilot._session.is_blended == is_blended


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
    still: list[str] = []

    def open_page() -> None:
        assert pilot._session is not None
        pilot._session.frames.join("page")

        def ask() -> None:
            assert pilot._session is not None
            waited.append(1)
            pilot._session.request(Mark())  # which ends no pause
            time.sleep(0.3)
            still.append(pilot._session.snapshot()["state"])
            if command is not None:
                pilot._session.request(command)
            pilot._session.frames.forget("page")

        threading.Timer(0.4, ask).start()

    pilot._script = {3: [open_page]}
    make("live.png", None, pilot=pilot)
    assert waited
    assert still == ["paused"]
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
    ("content.png style.png -o out.png --live -c a.toml", 2, "--history as in a.toml makes no"),
    ("content.png style.png -o - --live", 2, "-o - makes no sense with --live"),
]


@pytest.mark.parametrize("refusal", REFUSED, ids=[line for line, *_ in REFUSED])
def test_what_has_no_page_is_refused(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    line, code, message = refusal
    Path("folder").mkdir()
    noise(8, 8).save("folder/a.png")
    Path("a.toml").write_text("history = ['3:next']", "utf-8")
    ran = run_command(line, monkeypatch, capfd)
    assert (ran.code, message in ran.err) == (code, True), ran.err
