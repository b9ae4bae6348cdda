"""A look at the finished image: one colour, or the picture that it started from."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from styletransfer.images.tensors import read_image
from styletransfer.presets import load_settings, presets
from styletransfer.runs.sanity import find_problem
from styletransfer.settings import Settings
from styletransfer.transfer.optimize import Losses
from styletransfer.transfer.stylize import Result, resize, stylize
from tests.support.commands import Command

SAMPLES = Path(__file__).parents[2] / "samples"
UNMET, MET = Losses(0.1, 3.0, 0.1), Losses(0.1, 0.001, 0.1)
BLACK, GREY = torch.zeros(1, 3, 32, 48), torch.full((1, 3, 32, 48), 0.5)

Picture = Callable[[int, int, int], Tensor]


@pytest.fixture
def content(smooth: Picture) -> Tensor:
    return smooth(32, 48, 0)


@pytest.fixture
def style(noisy: Picture) -> Tensor:
    return noisy(40, 40, 1)


def judge(
    image: Tensor,
    content: Tensor,
    *styles: Tensor,
    start: Tensor | None = None,
    losses: Losses = UNMET,
    **values: Any,
) -> str | None:
    """What is said of an image, painted from the content unless from another start."""
    settings = Settings().with_values(values)
    start = None if settings.init == "noise" else content if start is None else start
    return find_problem(Result(image, losses, False), content, styles, start, settings)


# One colour


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"tv_weight": 1000.0}, "lower --tv-weight, now 1000"),
        ({"tv_weight": 20.0}, "lower --tv-weight, now 20"),
        (
            {"content_weight": 0.0, "style_weight": 0.0},
            "--content-weight and --style-weight are 0: raise one of them",
        ),
        ({"tv_weight": 0.0, "content_weight": 0.1}, "raise --content-weight, now 0.1"),
    ],
)
def test_one_colour_is_told_with_the_weight_to_change(
    values: dict[str, Any], remedy: str, content: Tensor, style: Tensor
) -> None:
    line = judge(GREY + 0.01 * content, content, style, **values)

    assert line == f"the result is nearly one colour; {remedy}"


def test_one_colour_in_the_manner_of_one_colour_is_the_styles_doing(content: Tensor) -> None:
    line = judge(GREY, content, GREY, BLACK)

    assert line is not None
    assert line.endswith("so is the style: choose another, or raise --content-weight")


def test_one_colour_from_one_colour_is_no_fault(style: Tensor) -> None:
    assert judge(GREY, BLACK, style) is None
    assert judge(BLACK, BLACK, BLACK) is None


def test_one_colour_from_noise_is_told_as_well(content: Tensor, style: Tensor) -> None:
    assert judge(GREY, content, style, init="noise", tv_weight=1000.0)


def test_a_calm_picture_is_not_one_colour(content: Tensor, style: Tensor) -> None:
    assert judge(0.2 * content, content, style) is None


# What it started from


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"style_weight": 0.0}, "--style-weight is 0: raise it"),
        (
            {"style_weight": 0.001},
            "raise --style-weight, now 0.001, or lower --content-weight, now 1",
        ),
        ({"content_weight": 1e6}, "raise --style-weight, now 5, or lower --content-weight, now 1e"),
        ({"learning_rate": 1e-6}, "raise --learning-rate, now 1e-06; 1 is usual"),
        (
            {"learning_rate": 1e-4, "optimizer": "adam"},
            "raise --learning-rate, now 0.0001; 0.02 is usual",
        ),
        ({"iterations": 1}, "raise --iterations, now 1, or --style-weight, now 5"),
        ({"learning_rate": 0.02, "optimizer": "adam"}, "raise --iterations, now 40,20,30"),
    ],
)
def test_the_start_again_is_told_with_the_setting_to_change(
    values: dict[str, Any], remedy: str, content: Tensor, style: Tensor
) -> None:
    line = judge(content + 0.4 / 255, content, style, **values)

    assert line is not None
    assert line.startswith(f"the result is almost the picture it started from; {remedy}")


def test_another_picture_to_start_from_is_what_it_is_held_against(
    content: Tensor, style: Tensor, smooth: Picture
) -> None:
    start = smooth(20, 30, 5)

    assert judge(resize(start, 48, 32), content, style, start=start)
    assert judge(content, content, style, start=start) is None


def test_noise_is_no_start_to_be_held_against(content: Tensor, style: Tensor) -> None:
    assert judge(content, content, style, init="noise") is None


def test_a_start_that_has_the_style_already_is_no_fault(content: Tensor) -> None:
    assert judge(content, content, content, losses=MET) is None


def test_a_picture_that_has_moved_is_no_fault(content: Tensor, style: Tensor) -> None:
    assert judge((content + 2 / 255).clamp(0, 1), content, style) is None


# Real runs


def painted(**values: Any) -> str | None:
    """What is said of the sample cup, painted small."""
    content = resize(read_image(SAMPLES / "content/coffee.jpg"), 64, 43)
    style = read_image(SAMPLES / "style/cafe_terrace_at_night.jpg")
    settings = Settings().with_values(
        {"min_size": 32, "iterations": [12, 6], "precision": "float32"} | values
    )
    start = None if settings.init == "noise" else content
    return find_problem(stylize(content, style, settings), content, [style], start, settings)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize("name", presets())
def test_no_preset_raises_a_doubt(name: str) -> None:
    preset = load_settings(name)
    look = {
        name: getattr(preset, name)
        for name in ("content_weight", "style_weight", "tv_weight", "init", "preconditioning")
    }
    assert painted(**look) is None


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"style_weight": 0, "tv_weight": 0}, "--style-weight is 0"),
        ({"style_weight": 1e-6, "tv_weight": 0}, "raise --style-weight"),
        ({"content_weight": 1e7, "tv_weight": 0}, "raise --style-weight"),
        ({"learning_rate": 1e-6}, "raise --learning-rate"),
        ({"optimizer": "adam", "learning_rate": 1e-4}, "raise --learning-rate"),
        ({"optimizer": "adam", "tv_weight": 1e6, "iterations": 60}, "lower --tv-weight"),
    ],
)
def test_a_weight_that_outgrew_the_others_raises_one(values: dict[str, Any], says: str) -> None:
    line = painted(**values)

    assert line is not None
    assert says in line


@pytest.mark.weights
def test_the_command_warns_in_one_line_though_quiet_and_exits_0(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save("content.png")
    Image.radial_gradient("L").resize((40, 40)).convert("RGB").save("style.png")

    code, out, err = command(
        "content.png style.png -o out.png --style-weight 0 --tv-weight 0 -n 2 -q"
    )

    assert (code, out) == (0, "out.png\n")
    assert re.fullmatch(r"stylize: out\.png: the result is almost [^\n]+\n", err)
    assert "--style-weight is 0: raise it" in err
