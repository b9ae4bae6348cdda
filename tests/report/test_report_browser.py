"""The report in headless Chromium."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageColor

from styletransfer.report.report import render
from tests.support.results import COLOURS, FOUR, ONE, SIX, results, styles

webdriver = pytest.importorskip("selenium.webdriver")

from selenium.webdriver.common.by import By  # noqa: E402  # after the skip
from selenium.webdriver.common.keys import Keys  # noqa: E402  # after the skip

from tests.support.browser import MARKS, Browser, chromium  # noqa: E402  # after the skip

WIDTHS = (360, 1280)  # CSS pixels
TOLERANCE = 20.0  # levels by which the noise on a result may shift a mean

pytestmark = MARKS


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    made = {}
    for name, settings in {"one": ONE, "four": FOUR, "six": SIX}.items():
        folder = tmp_path_factory.mktemp(name)
        page = folder / "report.html"
        page.write_text(render(results(folder, settings), styles(folder)), "utf-8")
        made[name] = page.as_uri()
    return made


@pytest.fixture(autouse=True)
def _nothing_in_the_console(browser: Browser) -> Iterator[None]:
    yield
    assert browser.driver.get_log("browser") == []


def near(colour: tuple[float, ...], name: str) -> bool:
    expected = ImageColor.getrgb(name)[:3]
    return all(
        abs(found - level) < TOLERANCE for found, level in zip(colour, expected, strict=True)
    )


@pytest.mark.parametrize("name", ["one", "four", "six"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("script", [True, False])
def test_nothing_is_wider_than_the_window(
    name: str, width: int, script: bool, browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages[name], width, script=script)
    metrics = browser.send("Page.getLayoutMetrics")
    # The viewport may be narrower than the window by a scroll bar.
    assert (
        metrics["cssContentSize"]["width"] <= metrics["cssLayoutViewport"]["clientWidth"] <= width
    )
    assert browser.shot().std() > 10, "not blank"


def test_the_dividing_line_follows_keys_and_the_pointer(
    browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages["one"])
    assert near(browser.colour(0.05, 0.4), "black"), "the left half of the content"
    assert near(browser.colour(0.6, 0.95), COLOURS[0])

    browser.find("#split").click()
    browser.press(Keys.HOME)
    assert near(browser.colour(0.1, 0.9), COLOURS[0])
    browser.press(Keys.END)
    assert near(browser.colour(0.1, 0.4), "black")
    assert near(browser.colour(0.6, 0.9), "white")

    stage = browser.find(".stage")
    quarter = stage.size["width"] // 4
    drag = webdriver.ActionChains(browser.driver).move_to_element(stage).click_and_hold()
    drag.move_by_offset(-quarter, 0).release().perform()
    assert browser.run("return document.querySelector('#split').value") in {"24", "25", "26"}
    assert near(browser.colour(0.05, 0.2), "black")
    assert near(browser.colour(0.35, 0.95), COLOURS[0])


def test_the_arrow_keys_change_the_result_and_its_heading(
    browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages["four"])
    assert near(browser.colour(0.2, 0.9), COLOURS[0])
    browser.run("document.querySelector('input[type=radio]').focus()")
    for number in (2, 3, 4):
        browser.press(Keys.ARROW_RIGHT)
        browser.settle(f"result-{number}")
        assert near(browser.colour(0.2, 0.9), COLOURS[number - 1])
        headings = browser.driver.find_elements(By.CSS_SELECTOR, "article h2")
        assert [each.text for each in headings if each.is_displayed()] == [
            f"tv_weight {('0', '0.3', '1', '3')[number - 1]}"
        ]


def test_with_two_weights_each_row_changes_its_own(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["six"])
    for field, value, number in (("style_weight", 1, 4), ("tv_weight", 2, 6)):
        browser.find(f"input[name=choice-{field}][value='{value}']").click()
        browser.settle(f"result-{number}")
        assert near(browser.colour(0.2, 0.9), COLOURS[number - 1])


def test_zoom_and_position_are_kept_between_results(
    browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages["four"])
    fitted = browser.zoom()
    for _ in range(4):
        browser.find("[data-zoom=in]").click()
    stage = browser.find(".stage")
    drag = webdriver.ActionChains(browser.driver).move_to_element(stage).click_and_hold()
    drag.move_by_offset(40, 30).release().perform()
    placed, zoomed = browser.place(), browser.zoom()
    assert zoomed != fitted
    before = browser.shot(".stage")

    browser.find("input[type=radio][value='2']").click()
    browser.settle("result-3")
    assert (browser.place(), browser.zoom()) == (placed, zoomed)
    assert near(browser.colour(0.2, 0.9), COLOURS[2])
    browser.find("input[type=radio][value='0']").click()
    browser.settle("result-1")
    assert np.array_equal(browser.shot(".stage"), before)

    browser.find("[data-zoom=fit]").click()
    assert browser.zoom() == fitted


def test_the_keyboard_zooms_and_pans_the_focused_picture(
    browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages["four"])
    fitted = browser.place()
    browser.run("document.querySelector('.stage').focus()")
    browser.press("+", "+")
    zoomed = browser.place()
    assert float(zoomed[2][:-2]) == pytest.approx(2.25 * float(fitted[2][:-2]))
    browser.press(Keys.ARROW_RIGHT)
    assert float(browser.place()[0][:-2]) < float(zoomed[0][:-2])
    browser.press("0")
    assert browser.place() == fitted


def test_the_wheel_zooms_only_once_the_picture_has_the_focus(
    browser: Browser, pages: dict[str, str]
) -> None:
    def wheel(down: int) -> None:
        origin = webdriver.common.actions.wheel_input.ScrollOrigin.from_element(
            browser.find(".stage")
        )
        webdriver.ActionChains(browser.driver).scroll_from_origin(origin, 0, down).perform()

    browser.open(pages["one"])
    fitted = browser.zoom()
    wheel(-200)
    assert browser.zoom() == fitted
    browser.run("document.querySelector('.stage').focus({preventScroll: true})")
    wheel(200)
    browser.wait_for("return window.scrollY > 0")
    assert browser.zoom() == fitted, "while the whole picture is visible, the page scrolls"
    wheel(-200)
    browser.wait_for(f"return document.querySelector('.zoom output').value !== '{fitted}'")


def test_two_fingers_zoom(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["one"], 360)
    fitted = browser.zoom()
    box = browser.find(".stage").rect
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind: str, apart: float) -> None:
        points = [{"x": middle + side * apart, "y": y, "id": n} for n, side in enumerate((-1, 1))]
        browser.send(
            "Input.dispatchTouchEvent", type=kind, touchPoints=points if kind != "touchEnd" else []
        )

    touch("touchStart", 30)
    for apart in (40, 60, 90):
        touch("touchMove", apart)
    touch("touchEnd", 90)
    assert int(browser.zoom().split()[0]) > 2 * int(fitted.split()[0])


def test_tab_reaches_every_control_and_the_focus_is_visible(
    browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages["four"])
    browser.run("document.activeElement.blur()")
    reached = []
    for _ in range(8):
        browser.press(Keys.TAB)
        reached.append(
            browser.run(
                "const e = document.activeElement;"
                "const s = getComputedStyle(e.type === 'radio' ? e.nextElementSibling : e);"
                "return [e.className || e.type, s.outlineStyle, s.outlineWidth]"
            )
        )
    assert [name for name, _, _ in reached] == [
        *("stage", "radio", "range", "button", "button", "button", "button", "command")
    ]
    assert {(style, width) for _, style, width in reached} == {("solid", "3px")}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_chart_is_readable_in_light_and_dark_mode(
    width: int, browser: Browser, pages: dict[str, str]
) -> None:
    for dark in (False, True):
        browser.open(pages["four"], width, dark=dark)
        chart = browser.shot("article.chosen .chart")
        paper = np.median(chart, axis=(0, 1)).mean()
        assert (paper < 60) == dark
        assert abs(chart.mean(2) - paper).max() > 150, "the curves contrast with the background"


def test_without_script_all_results_are_listed(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["four"], script=False)
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    images = browser.driver.find_elements(By.CSS_SELECTOR, "article .picture img")
    tops = [image.rect["y"] for image in images]
    assert tops == sorted(set(tops))
    assert all(image.is_displayed() for image in images)
    assert not browser.find(".viewer").is_displayed()
    assert browser.find("#result-4 .chart").is_displayed()
    for number, image in enumerate(images):
        browser.run("arguments[0].scrollIntoView({block: 'center'})", image)
        browser.wait_for("return [...document.images].every((i) => i.complete)")
        seen = browser.shot(f"#result-{number + 1} .picture img")
        assert near(tuple(seen.mean((0, 1))), COLOURS[number])


def test_print_shows_all_results_with_light_charts_and_no_controls(
    browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages["four"], dark=True)
    browser.send("Emulation.setEmulatedMedia", media="print")
    images = browser.driver.find_elements(By.CSS_SELECTOR, "article .picture img")
    assert [image.is_displayed() for image in images] == [True] * 4
    assert not browser.find(".viewer").is_displayed()
    assert browser.find("article.chosen .chart .light").is_displayed()
    pdf = base64.b64decode(browser.send("Page.printToPDF")["data"])
    assert pdf.startswith(b"%PDF")
    browser.send("Emulation.setEmulatedMedia", media="")


def test_no_request_leaves_the_page(browser: Browser, pages: dict[str, str]) -> None:
    browser.open(pages["six"])
    script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    assert [name for name in browser.run(script) if not name.startswith("data:")] == []


def test_a_name_with_markup_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    page = tmp_path / "report.html"
    page.write_text(render(results(tmp_path, FOUR, name), styles(tmp_path)), "utf-8")
    browser.open(page.as_uri())
    assert name in browser.driver.title
    assert name in browser.find("h1").text
