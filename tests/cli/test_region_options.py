"""The options of regions."""

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from styletransfer.cli import app as cli
from styletransfer.cli.option_parsing import read_files
from tests.support.commands import check_refusals, run_without_torch

PARAMETERS: dict[str, Any] = {str(each.name): each for each in get_command(cli.app).params}


def test_a_file_whose_name_has_a_comma_is_one_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_files("left,right.png") == ("left", "right.png")
    Path("left,right.png").touch()
    assert read_files("left,right.png") == ("left,right.png",)


def test_masks_are_separated_by_commas_and_optional_spaces() -> None:
    assert read_files("a.png, b.png,~/c.png") == ("a.png", "b.png", "~/c.png")


@pytest.mark.parametrize(
    ("name", "metavar"),
    [("content_mask", "FILE"), ("style_mask", "FILES"), ("regions", "COLOURS")],
)
def test_the_options_stand_in_a_panel_of_their_own(name: str, metavar: str) -> None:
    option = PARAMETERS[name]
    assert option.rich_help_panel == "Regions"
    assert option.metavar == metavar


def test_the_help_shows_how_regions_are_written() -> None:
    (ran,) = run_without_torch(["--help"])
    text = " ".join(ran.out.replace("│", " ").split())
    assert "white=1,red=2,black=keep" in text
    assert "--content-mask" in text


def test_regions_of_another_form_are_refused_in_one_line(tmp_path: Path) -> None:
    line = "content.png style.png -o out.png --content-mask mask.png --regions"
    form = "regions must be colours with the number of a style or keep"
    check_refusals(
        [
            (f"{line} white", 2, form),
            (f"{line} white=1,white=2", 2, "regions names white twice; name each colour once"),
            (f"{line} white=1,,", 2, form),
            (f"{line} rouge=1", 2, "not 'rouge=1'"),
            (f"{line} ''", 2, form),
        ],
        tmp_path,
    )
