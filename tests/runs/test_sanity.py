"""The two sanity checks: nearly one colour, hardly changed."""

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
from styletransfer.transfer.objective import Losses
from styletransfer.transfer.resizing import resize
from styletransfer.transfer.stylize import Result, stylize
from tests.support.commands import Command

SAMPLES = Path(__file__).parents[2] / "samples"
UNMATCHED, MATCHED = Losses(0.1, 3.0, 0.1), Losses(0.1, 0.001, 0.1)
BLACK, GREY = torch.zeros(1, 3, 32, 48), torch.full((1, 3, 32, 48), 0.5)

Picture = Callable[[int, int, int], Tensor]


@pytest.fixture
def content(smooth: Picture) -> Tensor:
    return smooth(32, 48, 0)


def check(image: Tensor, content: Tensor, losses: Losses = UNMATCHED, **values: Any) -> str | None:
    """The problem of an image whose run started from the content."""
    change = (image - content).abs().mean().item()
    settings = Settings().with_values(values)
    return find_problem(Result(image, losses, False, change), content, settings)


# One colour


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"tv_weight": 1000.0}, "lower --tv-weight (now 1000)"),
        ({"tv_weight": 0.0, "content_weight": 0.1}, "raise --content-weight (now 0.1)"),
        ({"tv_weight": 20.0, "init": "noise"}, "lower --tv-weight (now 20)"),
    ],
)
def test_one_colour_is_reported_with_the_weight_to_change(
    values: dict[str, Any], remedy: str, content: Tensor
) -> None:
    line = check(GREY + 0.01 * content, content, **values)

    assert line == f"the result is nearly one colour; {remedy}"


def test_one_colour_from_a_content_of_one_colour_is_accepted() -> None:
    assert check(GREY, BLACK) is None
    assert check(BLACK, BLACK) is None


def test_low_contrast_is_not_one_colour(content: Tensor) -> None:
    assert check(0.2 * content, content) is None


# Hardly changed


def test_an_unchanged_picture_is_reported_with_the_settings_to_change(content: Tensor) -> None:
    assert check(content + 0.4 / 255, content, style_weight=0.001) == (
        "the result is almost the picture it started from; "
        "raise --style-weight (now 0.001), --iterations or --learning-rate"
    )


def test_a_start_that_matches_the_style_already_is_accepted(content: Tensor) -> None:
    assert check(content, content, losses=MATCHED) is None


@pytest.mark.parametrize(("painted", "reported"), [(1.0, True), (0.1, False)])
def test_what_is_kept_is_not_expected_to_change(
    painted: float, reported: bool, content: Tensor
) -> None:
    image = content.clone()
    image[..., :4] += 4 / 255
    change = (image - content).abs().mean().item()
    result = Result(image, UNMATCHED, False, change)
    found = find_problem(result, content, Settings(), painted)
    assert (found is not None) == reported


def test_a_picture_that_changed_is_accepted(content: Tensor) -> None:
    assert check((content + 2 / 255).clamp(0, 1), content) is None


# Real runs


def run(**values: Any) -> str | None:
    """The problem of a small run on the sample cup."""
    content = resize(read_image(SAMPLES / "content/coffee.jpg"), 64, 43)
    style = read_image(SAMPLES / "style/cafe_terrace_at_night.jpg")
    settings = Settings().with_values(
        {"min_size": 32, "iterations": [12, 6], "precision": "float32"} | values
    )
    return find_problem(stylize(content, style, settings), content, settings)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize("name", presets())
def test_no_preset_has_a_problem(name: str) -> None:
    preset = load_settings(name)
    fields = ("content_weight", "style_weight", "tv_weight", "init", "preconditioning")
    assert run(**{field: getattr(preset, field) for field in fields}) is None


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"style_weight": 0, "tv_weight": 0}, "raise --style-weight (now 0)"),
        ({"content_weight": 1e7, "tv_weight": 0}, "raise --style-weight (now 14)"),
        ({"learning_rate": 1e-6}, "--learning-rate"),
        ({"optimizer": "adam", "tv_weight": 1e6, "iterations": 60}, "lower --tv-weight"),
    ],
)
def test_a_setting_far_off_is_reported(values: dict[str, Any], part: str) -> None:
    line = run(**values)

    assert line is not None
    assert part in line


@pytest.mark.weights
def test_the_command_warns_in_one_line_also_with_quiet_and_exits_with_0(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save("content.png")
    Image.radial_gradient("L").resize((40, 40)).convert("RGB").save("style.png")

    ran = command("content.png style.png -o out.png --style-weight 0 --tv-weight 0 -n 2 -q")

    assert (ran.code, ran.out) == (0, "out.png\n")
    assert re.fullmatch(r"stylize: out\.png: the result is almost [^\n]+\n", ran.err)
