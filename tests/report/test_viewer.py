import re

from styletransfer.report.loss_chart import DARK, LIGHT
from styletransfer.report.viewer import style_sheet, viewer_parts, viewer_script


def test_the_style_sheet_has_the_colours_of_the_chart_in_both_schemes() -> None:
    light, dark = style_sheet().split("prefers-color-scheme: dark")
    assert f"--tv: {LIGHT.tv};" in light
    assert f"--tv: {DARK.tv};" in dark
    assert "$" not in light + dark


def test_the_parts_have_every_element_that_the_script_looks_for() -> None:
    parts = "".join(viewer_parts().values())
    names = re.findall(r'querySelector(?:All)?\("[.#\[]?([\w-]+)', viewer_script())
    assert {"stage", "split", "zoom", "data-zoom"} <= set(names)
    assert [name for name in names if name not in parts] == []
