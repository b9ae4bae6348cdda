"""The page of a running job in headless Chromium."""

import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

pytest.importorskip("aiohttp")
webdriver = pytest.importorskip("selenium.webdriver")

from selenium.webdriver.common.keys import Keys  # noqa: E402  # after the skip

from styletransfer.live.commands import (  # noqa: E402  # after the skip
    Advance,
    Change,
    GoBack,
    Mark,
    Pause,
    Restart,
    Resume,
    Save,
    Stop,
    Weigh,
)
from styletransfer.live.server import Server  # noqa: E402  # after the skip
from styletransfer.live.session import Session  # noqa: E402  # after the skip
from styletransfer.settings import Settings  # noqa: E402  # after the skip
from tests.support.browser import MARKS, Browser, chromium  # noqa: E402  # after the skip
from tests.support.painter import Painter, drawn, made_session  # noqa: E402  # after the skip

WIDTHS = (400, 1280)  # CSS pixels

pytestmark = MARKS


class Run:
    """A painting with its server."""

    def __init__(self, session: Session, painter: Painter, address: str) -> None:
        self.session = session
        self.painter = painter
        self.address = address

    def commands(self, kind: type) -> list[object]:
        return [each for each in self.painter.commands if isinstance(each, kind)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_in_the_console(browser: Browser) -> Iterator[None]:
    yield
    assert browser.driver.get_log("browser") == []
    browser.driver.get("about:blank")


@pytest.fixture
def run() -> Iterator[Run]:
    session = made_session(("café.jpg", "nuit.jpg"))
    with Server(session) as server, Painter(session) as painter:
        yield Run(session, painter, server.address)


def state(browser: Browser) -> str:
    return str(browser.run("return document.querySelector('#state').textContent"))


def click(browser: Browser, command: str) -> None:
    browser.wait_for(f"return !document.querySelector('[data-do={command}]').disabled")
    browser.run(f"document.querySelector('[data-do={command}]').click()")


def wait(browser: Browser, holds: str) -> None:
    """Wait until an expression in JavaScript holds, where `$` finds an element."""
    browser.wait_for(f"const $ = (s) => document.querySelector(s); return {holds}")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window(
    width: int, dark: bool, browser: Browser, run: Run
) -> None:
    browser.open(run.address, width, dark=dark)
    wait(browser, "$('#chart polyline')")
    metrics = browser.send("Page.getLayoutMetrics")
    assert (
        metrics["cssContentSize"]["width"] <= metrics["cssLayoutViewport"]["clientWidth"] <= width
    )
    shot = browser.shot()
    assert shot.std() > 10, "not blank"
    assert (shot[:5].mean() < 60) == dark


def test_the_picture_grows_beside_the_photograph(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    browser.wait_for("return Number(document.querySelector('.stage').dataset.shown) > 3")
    red, green, _ = browser.colour(0.1, 0.9)
    assert green > red + 50
    browser.run("document.querySelector('#split').focus()")
    browser.press(Keys.END)
    assert max(browser.colour(0.1, 0.9)) < 20, "the photograph"
    browser.run("document.querySelectorAll('#pickers input')[1].click()")
    wait(browser, "$('.before img').className === 'covering'")
    red, green, _ = browser.colour(0.1, 0.9)
    assert red > green + 50, "the painting"


def test_frames_have_the_size_at_which_they_are_displayed(browser: Browser, run: Run) -> None:
    run.painter.picture = drawn  # type: ignore[method-assign]  # as large as it is asked for
    fits = (
        "Math.abs($('.after img').naturalWidth"
        " - parseFloat($('.stage').style.getPropertyValue('--w'))) <= 1"
    )
    browser.open(run.address)
    wait(browser, fits)
    click(browser, "pause")
    wait(browser, "$('#state').textContent === 'Paused'")
    browser.run("document.querySelector('[data-zoom=in]').click()")
    wait(browser, f"$('.stage').classList.contains('zoomed') && {fits}")


def test_a_moved_slider_changes_the_weights_and_is_marked_in_the_curves(
    browser: Browser, run: Run
) -> None:
    browser.open(run.address)
    wait(browser, "$('#chart polyline') && !$('#chart .change')")
    browser.run("document.querySelector('#style-range').focus()")
    browser.press(Keys.HOME)
    wait(browser, "$('#chart .change')")
    assert run.commands(Weigh) == [Weigh(1.0, 0.0, 2.0)]
    assert browser.run("return document.querySelector('#style-number').value") == "0"

    browser.run("document.querySelector('#tv-range').focus()")
    browser.press(Keys.END)
    wait(browser, "document.querySelectorAll('#chart .change').length === 2")
    assert run.commands(Weigh)[-1] == Weigh(1.0, 0.0, 100.0)


def test_anchors_and_numbers_set_a_weight_exactly(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    middle = browser.run("return document.querySelector('#style-range').value")
    assert abs(int(middle) - 500) <= 1, "the default"
    browser.run(
        "const anchors = [...document.querySelectorAll('.anchor')];"
        "anchors.find((each) => each.textContent.startsWith('60')).click()"
    )
    wait(browser, "$('#chart .change')")
    assert run.commands(Weigh) == [Weigh(1.0, 60.0, 2.0)]
    number = browser.find("#share-1-number")
    number.clear()
    number.send_keys("1.5")
    wait(browser, "document.querySelectorAll('#chart .change').length === 2")
    assert run.session.snapshot()["weights"]["shares"] == (0.5, 1.5)


def test_a_refused_change_is_explained_and_taken_back(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    browser.run(
        "for (const name of ['content', 'style', 'tv']) {"
        "  const range = document.querySelector(`#${name}-range`);"
        "  range.value = 0;"
        "  range.dispatchEvent(new Event('input'));"
        "}"
    )
    wait(browser, "$('#refused').textContent.includes('all three weights are 0')")
    wait(browser, "$('#style-number').value === '14'")
    assert run.commands(Weigh) == []


def type_in(browser: Browser, selector: str, text: str) -> None:
    field = browser.find(selector)
    field.clear()
    field.send_keys(text)


def test_what_needs_new_targets_is_sent_at_once_and_shown_as_waiting(
    browser: Browser, run: Run
) -> None:
    browser.open(run.address)
    browser.find("#later summary").click()
    assert browser.run("return document.querySelector('#later-size').value") == "384"
    type_in(browser, "#later-scale", "0.5, 1")
    type_in(browser, "#later-size", "768")
    browser.run("document.querySelector('#later-layers [value=relu1_1]').click()")
    browser.find("#later button").click()
    wait(browser, "$('#waiting').textContent.startsWith('At the next size or start: ')")
    layers = ("relu2_1", "relu3_1", "relu4_1", "relu5_1")
    assert run.commands(Change) == [
        Change({"style_scale": (0.5, 1.0), "size": 768, "style_layers": layers})
    ]
    said = browser.find("#waiting").text
    assert "style scale 0.5, 1 · size 768 · style layers relu2_1" in said
    assert browser.find("#later button").get_property("disabled")
    browser.driver.refresh()
    wait(browser, "$('#later-scale').value === '0.5, 1' && $('#waiting').textContent")


def test_a_refused_change_for_later_is_one_line_and_stays_in_the_form(
    browser: Browser, run: Run
) -> None:
    def refuse(changes: Mapping[str, Any]) -> None:
        Settings().with_values(changes)

    run.session.later.check = refuse
    browser.open(run.address)
    browser.find("#later summary").click()
    for text, words in (("30", "from 0.05 to 20, not 30"), ("wide", "must be a list of numbers")):
        type_in(browser, "#later-scale", text)
        browser.find("#later button").click()
        wait(browser, f"$('#refused').textContent.includes('{words}')")
        assert browser.run("return document.querySelector('#later-scale').value") == text
    assert run.commands(Change) == []
    assert not browser.find("#waiting").text


def test_the_stage_follows_the_size_of_the_result(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    run.session.sizes = [*run.session.sizes[:2], (768, 256, 400)]
    wait(browser, "document.body.style.getPropertyValue('--width') === '768'")
    wait(browser, "$('.stage').clientWidth > 2.5 * $('.stage').clientHeight")
    wait(browser, "$('.after img') && $('.before img')")
    assert browser.run("return document.querySelectorAll('.stage, #pickers fieldset').length") == 2


def test_pause_and_the_marks_lead_back(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    click(browser, "mark")
    wait(browser, "$('[data-mark]')")
    click(browser, "pause")
    wait(browser, "$('#state').textContent === 'Paused' && $('#pause').textContent === 'Go on'")
    browser.run("document.querySelector('[data-mark]').click()")
    click(browser, "resume")
    wait(browser, "$('#state').textContent === 'Painting'")
    steps = int(browser.find("[data-mark]").get_attribute("data-mark"))
    kinds = (Mark, Pause, GoBack, Resume)
    assert [each for kind in kinds for each in run.commands(kind)] == [
        *(Mark(), Pause(), GoBack(steps), Resume())
    ]


def test_saving_larger_and_smaller_and_stopping(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    click(browser, "save")
    wait(browser, "$('#saved').textContent.startsWith('saved to out.png')")
    for larger in ("192×128", "384×256"):
        click(browser, "advance")
        wait(browser, f"$('#facts').textContent.includes('{larger}')")
    wait(browser, "$('[data-do=advance]').disabled")
    click(browser, "restart")
    wait(browser, "$('#facts').textContent.includes('96×64')")
    click(browser, "stop")
    wait(browser, "$('#state').textContent === 'Stopped: saved to out.png'")
    controls = "document.querySelectorAll('[data-do], #sliders input, #sliders button')"
    assert browser.run(f"return [...{controls}].every((each) => each.disabled)")
    assert len(run.commands(Advance)) == 2
    assert run.commands(Restart) == [Restart()]
    assert run.commands(Save) == [Save()]
    assert run.commands(Stop) == [Stop()]


def test_keys_command_except_in_a_number(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    browser.find("#tv-number").send_keys("p")
    browser.run("document.activeElement.blur()")
    browser.press("p")
    wait(browser, "$('#state').textContent === 'Paused'")
    browser.press("p")
    wait(browser, "$('#state').textContent === 'Painting'")
    assert len(run.painter.commands) == 2


def test_a_reload_and_a_second_page_find_the_whole_run(browser: Browser, run: Run) -> None:
    browser.open(run.address)
    run.session.request(Weigh(1.0, 40.0, 2.0))
    wait(browser, "$('#chart .change')")
    click(browser, "pause")
    wait(browser, "$('#state').textContent === 'Paused'")

    def seen() -> tuple[str, ...]:
        wait(browser, "$('.after img') && $('#chart .change')")
        names = ("#facts", "#legend", "#chart", "#state")
        texts = [browser.run(f"return document.querySelector('{n}').textContent") for n in names]
        return (*texts, browser.run("return document.querySelector('#style-number').value"))

    first = seen()
    browser.driver.refresh()
    assert seen() == first
    browser.driver.switch_to.new_window("window")
    browser.open(run.address)
    assert seen() == first
    browser.driver.close()
    browser.driver.switch_to.window(browser.driver.window_handles[0])


def test_a_lost_connection_is_told_and_comes_back(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = made_session()
    with Painter(session):
        with Server(session) as server:
            browser.open(server.address)
            assert not browser.find("#connection").is_displayed()
        wait(browser, "$('#connection').textContent.startsWith('Connection lost')")
        assert browser.find("#pause").get_property("disabled")
        assert browser.find("#tv-range").get_property("disabled")

        open_port = socket.create_server
        port = int(server.address.split(":")[2].partition("/")[0])
        monkeypatch.setattr(socket, "create_server", lambda _: open_port(("127.0.0.1", port)))
        again = Server(session)
        monkeypatch.setattr(again, "_token", server._token)
        with again:
            wait(browser, "$('#connection').textContent === 'Connection is back.'")
            wait(browser, "!$('#pause').disabled && $('#chart polyline')")
    browser.driver.get_log("browser")  # of the failed attempts
