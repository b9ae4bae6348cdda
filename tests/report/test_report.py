"""The report: a self-contained page in which file names cannot inject markup."""

import base64
import hashlib
import html
import re
import shlex
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import markupsafe
import pytest
from PIL import Image

from styletransfer.errors import ConfigError, ImageError
from styletransfer.masks.region_masks import open_masks
from styletransfer.report.page import terms_table
from styletransfer.report.report import Report, render
from styletransfer.runs.jobs import PictureResult
from styletransfer.settings import Settings, field_names
from styletransfer.weight_guide import WEIGHT_GUIDE
from tests.support.commands import run_python
from tests.support.pictures import refusal
from tests.support.results import FOUR, ONE, SIX, entries, entry, results, styles

ODD_NAMES = [
    "<img src=x onerror=alert(1)>.png",
    "\"quotes\" & 'quotes'.png",
    "</script><script>alert(1)</script>.png",
    "{{ 7 * 7 }}{% raw %}.png",
    "ä 日本.png",
]


class Page(HTMLParser):
    """The elements of a page with their attributes; checks that tags are nested properly."""

    VOID = frozenset({"br", "img", "input", "link", "meta", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.words.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> str:
        return " ".join(self.words.get(tag, []))


def charts(shown: Page) -> list[str | None]:
    """The colour scheme of each chart on a page."""
    images = shown.all("img")
    return [each["class"] for each in images if "svg+xml" in (each["src"] or "")]


def page(folder: Path, settings: list[Settings], **more: Any) -> Page:
    return Page(render(results(folder, settings, **more), styles(folder)))


@pytest.mark.parametrize("settings", [ONE, FOUR, SIX], ids=["1", "4", "2x3"])
def test_the_page_shows_results_charts_content_styles_and_the_weight_guide(
    settings: list[Settings], tmp_path: Path
) -> None:
    shown = page(tmp_path, settings)

    assert len(shown.all("article")) == len(settings)
    assert len(shown.all("img")) == 3 * len(settings) + 2 + len(WEIGHT_GUIDE)
    assert all(image["alt"] for image in shown.all("img"))
    assert charts(shown) == ["light", "dark"] * len(settings)
    assert len(shown.all("h1")) == 1


def test_the_page_shows_masks_and_says_what_each_region_takes(tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    half = Image.new("RGB", (20, 10), "white")
    half.paste("black", (0, 0, 5, 10))
    half.save(mask)
    settings = Settings(content_mask=str(mask))
    text = render(results(tmp_path, [settings], regions=open_masks(settings, 1)), styles(tmp_path))

    assert "mask.png: mask" in [image["alt"] for image in Page(text).all("img")]
    assert "regions: white 75 % style 1, black 25 % kept" in text


@pytest.mark.parametrize("name", WEIGHT_GUIDE)
def test_the_page_explains_each_weight_with_three_values(name: str, tmp_path: Path) -> None:
    text = render(results(tmp_path, ONE), styles(tmp_path))

    assert f"<b>{name}</b>: {markupsafe.escape(WEIGHT_GUIDE[name].meaning)}" in text
    for value, look in WEIGHT_GUIDE[name].looks.items():
        assert f"<span><b>{value:g}</b> {look}</span>" in text


@pytest.mark.parametrize("settings", [ONE, FOUR, SIX], ids=["1", "4", "2x3"])
def test_the_page_refers_to_no_other_file(settings: list[Settings], tmp_path: Path) -> None:
    text = render(results(tmp_path, settings), styles(tmp_path))

    assert re.findall(r"https?:|//[a-z]+\.", re.sub(r"base64,[\w+/=]+", "", text)) == []
    for tag, attributes in Page(text).elements:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    assert {found[:1] for found in re.findall(r"url\(([^)]*)\)", text)} <= {"#"}
    assert "@import" not in text


def test_the_security_policy_allows_only_data_images_and_the_pages_own_script(
    tmp_path: Path,
) -> None:
    text = render(results(tmp_path, ONE), styles(tmp_path))
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    (policy,) = [
        meta["content"] for meta in Page(text).all("meta") if meta.get("http-equiv") is not None
    ]

    assert policy is not None
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
    ]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_name_is_shown_as_text_and_never_as_markup(name: str, tmp_path: Path) -> None:
    plain = page(tmp_path, FOUR[:2])
    odd = Page(render(results(tmp_path, FOUR[:2], name), styles(tmp_path, name + "2")))

    assert [tag for tag, _ in odd.elements] == [tag for tag, _ in plain.elements]
    assert not any(key.startswith("on") for _, attributes in odd.elements for key in attributes)
    last = Path(name).name
    assert last in odd.text("title")
    assert last in odd.text("h1")
    assert f"{last}: the content" in [image["alt"] for image in odd.all("img")]


def test_each_result_has_the_command_that_repeats_it(tmp_path: Path) -> None:
    text = render(results(tmp_path, SIX, "it's a photo.png"), styles(tmp_path))
    found = re.findall(r'<pre class="command".*?>(.*?)</pre>', text, re.DOTALL)
    commands = [shlex.split(html.unescape(re.sub("<[^>]+>", "", each))) for each in found]

    assert commands[5] == [
        *("stylize", str(tmp_path / "it's a photo.png"), str(tmp_path / "style.png")),
        *("-o", str(tmp_path / "out-6.png"), "--tv-weight", "3"),
    ]
    assert commands[0][5:] == ["--style-weight", "1", "--tv-weight", "0"]


def test_each_setting_is_listed_and_marked_if_it_is_not_the_default(tmp_path: Path) -> None:
    text = render(results(tmp_path, FOUR), styles(tmp_path))
    rows = re.findall(r"<div( class=\"differs\")?><dt>(\w+)</dt><dd>([^<]*)", text)

    assert [name for _, name, _ in rows] == field_names()
    assert [(name, value.strip()) for mark, name, value in rows if mark] == [
        ("tv_weight", "0 | 0.3 | 1 | 3")
    ]


def test_each_weight_that_varies_has_a_row_of_radio_buttons(tmp_path: Path) -> None:
    def radios(settings: list[Settings]) -> list[tuple[str | None, str | None]]:
        inputs = page(tmp_path, settings).all("input")
        return [(each["name"], each["value"]) for each in inputs if each["type"] == "radio"]

    assert radios(ONE) == []
    assert radios(FOUR) == [("choice-tv_weight", str(number)) for number in range(4)]
    assert radios(SIX) == [
        *(("choice-style_weight", str(number)) for number in range(2)),
        *(("choice-tv_weight", str(number)) for number in range(3)),
    ]
    # Without a result for each combination, there is one button for each result.
    assert radios(SIX[:5]) == [("choice-result", str(number)) for number in range(5)]


def test_loss_terms_have_value_weight_product_and_share(tmp_path: Path) -> None:
    text = render(results(tmp_path, ONE), styles(tmp_path))
    rows = re.findall(r"<tr><th scope=\"row\"><i.*?</i>(\w+)</th>(.*?)</tr>", text)
    cells = {name: re.findall(r"<td>(.*?)</td>", rest) for name, rest in rows}

    last = entries(ONE[0])[-1]
    assert last.total == pytest.approx(0.4875 + 1.75)
    assert cells["content"] == ["0.487", "1", "0.487", "22 %"]
    assert cells["style"] == ["0.125", "14", "1.75", "78 %"]
    assert cells["tv"] == ["–", "0", "0.00", "0 %"]


def test_the_terms_of_a_steered_run_have_the_weights_of_its_last_iteration(
    tmp_path: Path,
) -> None:
    (result,) = results(tmp_path, ONE)
    last = entry(9, Settings(style_weight=50.0))
    table = terms_table(replace(result, entries=[*result.entries, last]))
    style = next(row for row in table if row["name"] == "style")
    assert style["weight"] == "50"
    assert style["term"] * 50 == pytest.approx(style["weighted"])


def test_a_run_that_was_stopped_before_its_first_iteration_has_no_chart(tmp_path: Path) -> None:
    shown = page(tmp_path, ONE, entries=[], stopped=True)

    assert charts(shown) == []
    assert "stopped early" in shown.text("strong")


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".png", "png"), (".jpg", "jpeg"), (".webp", "webp"), (".tif", "png")],
)
def test_a_result_is_embedded_unchanged_if_browsers_show_its_format(
    suffix: str, kind: str, tmp_path: Path
) -> None:
    (result,) = results(tmp_path, ONE, suffix=suffix)
    text = render([result], styles(tmp_path))

    (found,) = re.findall(rf'class="picture">\s*<img src="data:image/{kind};base64,([^"]+)"', text)
    data = base64.b64decode(found)
    if suffix == ".tif":
        (tmp_path / "again.png").write_bytes(data)
        with Image.open(tmp_path / "again.png") as again, Image.open(result.path) as made:
            assert again.tobytes() == made.tobytes()
    else:
        assert data == result.path.read_bytes()


def test_the_same_results_give_the_same_page(tmp_path: Path) -> None:
    made = results(tmp_path, FOUR)
    assert render(made, styles(tmp_path)) == render(made, styles(tmp_path))


def test_no_two_elements_share_an_id(tmp_path: Path) -> None:
    names = [attributes.get("id") for _, attributes in page(tmp_path, FOUR).elements]
    given = [name for name in names if name is not None]
    assert len(given) == len(set(given))


def test_a_missing_result_is_an_error_of_one_line(tmp_path: Path) -> None:
    (result,) = results(tmp_path, ONE)
    result.path.unlink()
    with pytest.raises(
        ImageError, match=r"out-1\.png: cannot be read for the report \(No such file"
    ):
        render([result], styles(tmp_path))


# Saving


def report(path: Path | None, folder: Path, said: list[str], *, quiet: bool = False) -> Report:
    return Report(path, styles(folder), said.append, quiet=quiet)


def interrupted(gathered: Report, result: PictureResult) -> None:
    with gathered:
        gathered.add(result)
        raise KeyboardInterrupt


def test_the_page_is_saved_and_announced_at_the_end(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "new" / "report.html"
    with report(path, tmp_path, said) as gathered:
        for result in results(tmp_path, FOUR):
            gathered.add(result)
            assert not path.exists()

    assert len(Page(path.read_text("utf-8")).all("article")) == 4
    assert said == [f"report saved to {path}"]


def test_an_interrupted_run_still_gets_a_page_of_its_results(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "report.html"
    (result,) = results(tmp_path, ONE)
    with pytest.raises(KeyboardInterrupt):
        interrupted(report(path, tmp_path, said, quiet=True), result)

    assert Page(path.read_text("utf-8")).all("article")
    assert said == []


def test_a_failure_to_save_does_not_hide_an_earlier_failure(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "report.html"
    path.mkdir()
    (result,) = results(tmp_path, ONE)
    with pytest.raises(KeyboardInterrupt):
        interrupted(report(path, tmp_path, said), result)
    assert said == [f"error: {path}: this is a folder; name a file in it"]

    with pytest.raises(ImageError, match="this is a folder"), report(path, tmp_path, said) as after:
        after.add(result)


def test_without_a_result_a_message_says_that_there_is_no_page(tmp_path: Path) -> None:
    said: list[str] = []
    with report(tmp_path / "report.html", tmp_path, said):
        pass
    assert said == [f"{tmp_path / 'report.html'}: not written, there is no new result to show"]
    with report(None, tmp_path, said):
        pass
    assert len(said) == 1
    assert not (tmp_path / "report.html").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow only text")
def test_a_file_name_that_is_not_valid_text_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    (result,) = results(tmp_path, ONE, "\udcff.png")
    with report(path, tmp_path, []) as gathered:
        gathered.add(result)
    assert "?.png" in Page(path.read_text("utf-8")).text("h1")


@pytest.mark.parametrize("name", ["report", "report.txt", "report.png"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    line = refusal(report(tmp_path / name, tmp_path, []).check, [])
    assert line == f"{tmp_path / name}: unknown suffix; use one of .html .htm"


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "report.html").touch()
    line = refusal(report(tmp_path / "report.html", tmp_path, []).check, [tmp_path / "report.html"])
    assert "this is also an input" in line


def test_missing_packages_are_named_with_the_pip_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("styletransfer.report.report.find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        report(tmp_path / "report.html", tmp_path, []).check([])
    assert str(caught.value) == (
        "--report needs jinja2 and matplotlib; pip install jinja2 matplotlib"
    )


def test_importing_the_report_loads_no_heavy_package() -> None:
    program = (
        "import sys; import styletransfer.report.report\n"
        "assert not {'torch', 'jinja2', 'matplotlib'} & set(sys.modules)"
    )
    assert run_python("-c", program).code == 0
