"""A run from the command line, steered by its page in headless Chromium."""

import base64
import csv
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("aiohttp")
pytest.importorskip("selenium.webdriver")

from selenium.webdriver.common.keys import Keys  # after the skip

from styletransfer.images.provenance import read_record  # after the skip
from tests.support.browser import MARKS, Browser, chromium  # after the skip
from tests.support.commands import ROOT, run_python  # after the skip

pytestmark = [*MARKS, pytest.mark.weights, pytest.mark.long]

SAMPLES = ROOT / "samples"
PICTURES = (SAMPLES / "content" / "coffee.jpg", SAMPLES / "style" / "night_cafe.jpg")
ENDLESS = ("--size", "96", "--iterations", "100000", "--style-form", "gram")
WITH_DRAFT = ("--size", "272", "--min-size", "136", "--iterations", "20,3", "--style-form", "gram")
PATIENCE = 60.0  # seconds

FRAME = """
const image = document.querySelector('.after img');
const canvas = Object.assign(document.createElement('canvas'),
  { width: image.naturalWidth, height: image.naturalHeight });
canvas.getContext('2d').drawImage(image, 0, 0);
return canvas.toDataURL('image/png');
"""


class Run:
    """The command with a page, and its log.

    Args:
        folder: For its files.
        options: Its options.
    """

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        self.output = folder / "out.png"
        self.log = folder / "out.csv"
        files = (*map(str, PICTURES), "-o", str(self.output), "--log", str(self.log))
        # Its browser does nothing, beside the one of the tests.
        changes = {"BROWSER": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "styletransfer", *files, *options, "--quiet", "--live"],
            env=os.environ | changes,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self.process.stderr is not None
        found = re.search(r"http\S+", self.process.stderr.readline())
        assert found is not None
        self.address = found[0]

    def rows(self) -> list[dict[str, float]]:
        """The whole rows of the log so far."""
        text = self.log.read_text("utf-8")
        lines = text[: text.rindex("\n")].splitlines()
        rows = csv.DictReader(lines)
        return [{name: float(cell or "nan") for name, cell in row.items()} for row in rows]

    def wait_for_rows(self, more: int) -> None:
        """Wait until so many more steps were taken."""
        wanted = len(self.rows()) + more
        wait_until(lambda: len(self.rows()) >= wanted)


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def running(folder: Path, options: Sequence[str] = ENDLESS) -> Iterator[Run]:
    run = Run(folder, options)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.communicate()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run without an end, which the tests leave painting."""
    with running(tmp_path_factory.mktemp("run")) as made:
        yield made


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_in_the_console(browser: Browser) -> Iterator[None]:
    yield
    assert browser.driver.get_log("browser") == []
    browser.driver.get("about:blank")


def click(browser: Browser, selector: str) -> None:
    browser.wait_for(f"const b = document.querySelector('{selector}'); return b && !b.disabled")
    browser.run(f"document.querySelector('{selector}').click()")


def wait_for_state(browser: Browser, state: str) -> None:
    browser.wait_for(f"return document.querySelector('#state').textContent.startsWith('{state}')")


def pause(browser: Browser) -> None:
    click(browser, "[data-do=pause]")
    wait_for_state(browser, "Paused")


def go_on(browser: Browser) -> None:
    click(browser, "[data-do=resume]")
    wait_for_state(browser, "Painting")


def text(browser: Browser, selector: str) -> str:
    return str(browser.run(f"return document.querySelector('{selector}').textContent"))


def value(browser: Browser, selector: str) -> str:
    return str(browser.run(f"return document.querySelector('{selector}').value"))


def move(browser: Browser, slider: str, key: str, weight: int) -> None:
    """Move a slider by a key, and wait until the run has taken the weight."""
    browser.find(f"#{slider}-range").send_keys(key)
    taken = f"document.querySelector('#command').textContent.includes('--{slider}-weight {weight}')"
    browser.wait_for(f"return {taken}")


def test_a_pause_pauses(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    pause(browser)
    steps = len(run.rows())
    time.sleep(0.5)
    assert len(run.rows()) == steps
    go_on(browser)
    run.wait_for_rows(3)


def test_a_moved_slider_changes_the_loss_of_the_next_step_as_the_weight_says(
    browser: Browser, run: Run
) -> None:
    browser.open(run.address)
    move(browser, "tv", Keys.HOME, 0)
    pause(browser)
    steps = len(run.rows())
    move(browser, "tv", Keys.END, 100)
    assert len(run.rows()) == steps, "not before the next step"
    go_on(browser)
    run.wait_for_rows(1)
    before, after = run.rows()[steps - 1 : steps + 1]
    assert (before["tv_weight"], before["weighted_tv"]) == (0, 0)
    assert after["tv_weight"] == 100
    assert after["weighted_tv"] == pytest.approx(100 * after["tv"])

    pause(browser)
    shown = re.search(r"tv ([\d.e+-]+)", text(browser, "#legend"))
    assert shown is not None
    assert float(shown[1]) == pytest.approx(run.rows()[-1]["weighted_tv"], rel=0.01)
    move(browser, "tv", Keys.HOME, 0)
    go_on(browser)


def test_back_restores_the_picture_and_the_weights_of_the_mark(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    move(browser, "style", Keys.END, 700)
    move(browser, "tv", Keys.HOME, 0)
    run.wait_for_rows(30)
    pause(browser)
    click(browser, "[data-do=mark]")
    marked = run.rows()[-1]
    mark = f"[data-mark='{marked['iteration']:.0f}']"
    browser.wait_for(f'return !!document.querySelector("{mark}")')
    move(browser, "style", Keys.HOME, 0)
    go_on(browser)
    run.wait_for_rows(30)
    browser.run(f'document.querySelector("{mark}").click()')
    browser.wait_for("return document.querySelector('#style-number').value === '700'")
    wait_until(lambda: run.rows()[-1]["style_weight"] == 700)

    rows = run.rows()
    back = next(n for n in reversed(range(len(rows))) if rows[n]["style_weight"] == 0) + 1
    assert rows[back]["size_iteration"] == marked["size_iteration"] + 1
    strayed, restored = rows[back - 1], rows[back]
    assert restored["content"] == pytest.approx(marked["content"], rel=0.2)
    assert strayed["content"] < 0.5 * marked["content"]
    assert value(browser, "#tv-number") == "0"


def test_save_writes_a_whole_picture_and_goes_on(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    click(browser, "[data-do=save]")
    browser.wait_for("return document.querySelector('#saved').textContent.includes('is saved')")
    with Image.open(run.output) as saved:
        saved.load()
        assert max(saved.size) == 96
    run.wait_for_rows(3)


def test_a_reload_and_a_second_page_find_the_run_again(browser: Browser, run: Run) -> None:
    def seen() -> list[str]:
        browser.wait_for("return !!document.querySelector('.after img')")
        wait_for_state(browser, "Paused")
        names = ("#state", "#facts", "#legend", "#chart", "#marks", "#command")
        return [text(browser, name) for name in names] + [value(browser, "#tv-number")]

    browser.open(run.address)
    run.wait_for_rows(3)
    pause(browser)
    first = seen()
    browser.driver.refresh()
    assert seen() == first
    here = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("window")
    browser.open(run.address)
    assert seen() == first
    go_on(browser)
    browser.driver.close()
    browser.driver.switch_to.window(here)
    wait_for_state(browser, "Painting")


def test_the_page_can_be_closed(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    browser.driver.get("about:blank")
    run.wait_for_rows(10)


def test_stop_shows_the_picture_that_was_written_and_which_can_be_repeated(
    browser: Browser, tmp_path: Path
) -> None:
    with running(tmp_path) as run:
        browser.open(run.address)
        move(browser, "tv", Keys.END, 100)
        run.wait_for_rows(5)
        click(browser, "[data-do=stop]")
        wait_for_state(browser, "Stopped: ")
        assert run.process.wait(PATIENCE) == 0
        check_frame(browser, run.output)
        assert browser.shot().std() > 10, "not blank"

    assert str(read_record(run.output)["history"][-1]).endswith(":stop")
    assert painted(tmp_path / "again.png", "--config", str(run.output)) == run.output.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_the_picture_with_the_promised_code(
    number: signal.Signals, browser: Browser, tmp_path: Path
) -> None:
    with running(tmp_path) as run:
        browser.open(run.address)
        pause(browser)
        run.process.send_signal(number)
        wait_for_state(browser, "Stopped: ")
        assert run.process.wait(PATIENCE) == 128 + number
        with Image.open(run.output) as saved:
            saved.load()
            assert max(saved.size) == 96


def test_a_style_scale_waits_for_a_new_start_and_is_repeated(
    browser: Browser, tmp_path: Path
) -> None:
    with running(tmp_path) as run:
        browser.open(run.address)
        browser.find("#later summary").click()
        field = browser.find("#later-scale")
        field.clear()
        field.send_keys("0.5\n")
        browser.wait_for("return document.querySelector('#waiting').textContent.includes('0.5')")
        assert "--style-scale" not in text(browser, "#command")
        click(browser, "[data-do=restart]")
        browser.wait_for("return !document.querySelector('#waiting').textContent")
        assert "--style-scale 0.5" in text(browser, "#command")
        run.wait_for_rows(2)
        click(browser, "[data-do=stop]")
        wait_for_state(browser, "Stopped: ")
        assert run.process.wait(PATIENCE) == 0
    assert painted(tmp_path / "again.png", "--config", str(run.output)) == run.output.read_bytes()


def test_a_draft_is_painted_large_and_gives_the_bytes_of_the_command_without_a_page(
    browser: Browser, tmp_path: Path
) -> None:
    with running(tmp_path, WITH_DRAFT) as run:
        browser.open(run.address)
        wait_for_state(browser, "Paused: The draft is done")
        assert not run.output.exists()
        click(browser, "[data-do=advance]")
        wait_for_state(browser, "Finished: ")
        assert run.process.wait(PATIENCE) == 0
        check_frame(browser, run.output)
        browser.run("document.querySelector('[data-zoom=in]').click()")
        assert browser.run("return document.querySelector('.stage').matches('.zoomed')")
        assert browser.shot(".stage").std() > 10, "not blank"
    assert painted(tmp_path / "plain.png", *WITH_DRAFT) == run.output.read_bytes()


def painted(output: Path, *options: str) -> bytes:
    """What the command writes without a page."""
    files = (*map(str, PICTURES), "-o", str(output))
    ran = run_python("-m", "styletransfer", *files, "--quiet", *options)
    assert ran.code == 0, ran.err
    return output.read_bytes()


def check_frame(browser: Browser, output: Path) -> None:
    """Check that the page has a whole picture, but for the losses of JPEG."""
    written = np.asarray(Image.open(output).convert("RGB")).astype(float)
    width = written.shape[1]
    browser.wait_for(f"return document.querySelector('.after img').naturalWidth === {width}")
    data = base64.b64decode(str(browser.run(FRAME)).partition(",")[2])
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(float)
    assert np.abs(shown - written).mean() < 4, "levels"
