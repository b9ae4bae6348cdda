"""The command line that repeats a run."""

from pathlib import Path
from typing import Any

import pytest

from styletransfer.runs.repeat_command import repeat_command
from styletransfer.settings import Settings


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ({}, []),
        ({"tv_weight": 0.3}, ["--tv-weight", "0.3"]),
        ({"tv_weight": 3.0, "size": "original"}, ["--size", "original", "--tv-weight", "3"]),
        ({"style_weight": 1e-07}, ["--style-weight", "1e-07"]),
        ({"iterations": (3, 1)}, ["--iterations", "3,1"]),
        ({"style_blend": (3.0, 1.5)}, ["--style-blend", "3,1.5"]),
        ({"style_layers": ("relu1_1", "relu2_1")}, ["--style-layers", "relu1_1,relu2_1"]),
        ({"keep_metadata": True}, ["--keep-metadata"]),
        ({"init": "-start.png"}, ["--init=-start.png"]),
        ({"init": "noise", "seed": 7}, ["--init", "noise", "--seed", "7"]),
        ({"seed": 7}, []),
        ({"tv_weight": 0.0, "tv_form": "squared"}, ["--tv-weight", "0"]),
    ],
)
def test_only_settings_that_make_a_difference_become_options(
    values: dict[str, Any], options: list[str]
) -> None:
    words = repeat_command(
        Path("a.png"), [Path("b.png"), Path("c.png")], Path("o.png"), Settings(**values)
    )
    assert words == ["stylize", "a.png", "b.png", "c.png", "-o", "o.png", *options]


@pytest.mark.parametrize("name", ["-a.png", "=a.png", "~a.png"])
def test_a_path_with_a_special_first_character_gets_a_leading_dot_slash(name: str) -> None:
    words = repeat_command(Path(name), [Path(name)], Path(name), Settings())
    assert words == ["stylize", f"./{name}", f"./{name}", "-o", f"./{name}"]
