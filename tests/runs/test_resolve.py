"""Settings from a configuration and the command line."""

from pathlib import Path
from typing import Any

import pytest

from styletransfer.errors import ConfigError
from styletransfer.option_text import option_name
from styletransfer.runs.resolve import (
    INEFFECTIVE,
    init_file,
    refuse_for_folder,
    settings_of_each,
)
from styletransfer.settings import Settings
from tests.support.settings import settings_from

INEFFECTIVE_LINES: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 1}, "--init is not noise"),
    "tv_form": ({"tv_form": "squared", "tv_weight": 0.0}, "--tv-weight is 0"),
    "content_layers": (
        {"content_layers": ("relu3_1",), "content_weight": 0.0},
        "--content-weight is 0",
    ),
    "style_form": ({"style_form": "gram", "style_weight": 0.0}, "--style-weight is 0"),
    "style_layers": ({"style_layers": ("relu1_1",), "style_weight": 0.0}, "--style-weight is 0"),
    "layer_weights": (
        {"layer_weights": (1.0,) * 5, "style_weight": 0.0},
        "--style-weight is 0",
    ),
    "style_scale": ({"style_scale": (0.5,), "style_weight": 0.0}, "--style-weight is 0"),
    "style_blend": ({"style_blend": (1.0,), "style_weight": 0.0}, "--style-weight is 0"),
    "style_mask": ({"style_mask": ("a.png",), "style_weight": 0.0}, "--style-weight is 0"),
    "regions": ({"regions": ("white=1",)}, "there is no --content-mask"),
    "detail": ({"detail": 0.3, "content_weight": 0.0}, "--content-weight is 0"),
    "weights_layout": ({"weights_layout": "caffe"}, "--weights is not a file"),
}
"""By setting: a command line in which it has no effect, and the reason."""


def refusal(given: dict[str, Any], *, config: str | None = None, styles: int = 1) -> str:
    """The message with which a command line is refused."""
    with pytest.raises(ConfigError) as caught:
        settings_from(config, given, styles)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text("tv_weight = 3\nsize = 64\n")
    return str(path)


def test_several_command_lines_apply_to_one_configuration(config: str) -> None:
    given = [{"tv_weight": value, "size": None} for value in (0.0, 1.0)]

    assert settings_of_each(config, given, 1) == [
        Settings(size=64, tv_weight=value) for value in (0.0, 1.0)
    ]


@pytest.mark.parametrize("name", [name for name in INEFFECTIVE_LINES if "style" in name])
def test_an_option_with_an_effect_in_one_command_line_is_accepted(name: str) -> None:
    given, _ = INEFFECTIVE_LINES[name]

    weightless, weighted = settings_of_each(None, [given, {**given, "style_weight": 1.0}], 1)

    assert getattr(weightless, name) == getattr(weighted, name) == given[name]


def test_without_options_the_settings_are_the_defaults() -> None:
    assert settings_from(None, dict.fromkeys(("size", "tv_weight")), 1) == Settings()


def test_the_command_line_wins_over_the_configuration_and_that_over_the_defaults(
    config: str,
) -> None:
    settings = settings_from(config, {"size": 32, "tv_weight": None}, 1)

    assert settings == Settings(size=32, tv_weight=3.0)


def test_a_zero_on_the_command_line_counts(config: str) -> None:
    assert settings_from(config, {"tv_weight": 0.0}, 1).tv_weight == 0


def test_every_option_that_can_be_ineffective_is_tested() -> None:
    assert set(INEFFECTIVE_LINES) == set(INEFFECTIVE)


@pytest.mark.parametrize("name", INEFFECTIVE_LINES)
def test_an_option_without_effect_is_refused_with_the_reason(name: str) -> None:
    given, reason = INEFFECTIVE_LINES[name]

    assert refusal(given) == f"{option_name(name)} has no effect: {reason}"


@pytest.mark.parametrize("name", INEFFECTIVE_LINES)
def test_the_same_value_in_a_configuration_is_accepted(name: str, tmp_path: Path) -> None:
    """A preset may set what the command line makes ineffective."""
    given, _ = INEFFECTIVE_LINES[name]
    value = given[name]
    text = repr(list(value) if isinstance(value, tuple) else value)
    path = tmp_path / "mine.toml"
    path.write_text(f"{name} = {text}\n")

    others = {key: other for key, other in given.items() if key != name}

    assert getattr(settings_from(str(path), others, 1), name) == value


@pytest.mark.parametrize(
    "given",
    [
        {"seed": 1, "init": "noise"},
        {"weights_layout": "caffe", "weights": "mine.pth"},
        {"tv_form": "squared"},
        {"style_blend": (3.0, 1.0)},
        {"regions": ("white=1",), "content_mask": "mask.png"},
        {"content_mask": "mask.png", "style_weight": 0.0},
        {"style_mask": ("a.png", "b.png")},
        {"detail": 0.3},
    ],
    ids=lambda given: "+".join(given),
)
def test_an_option_with_an_effect_is_accepted(given: dict[str, Any]) -> None:
    settings = settings_from(None, given, 2)

    assert {name: getattr(settings, name) for name in given} == given


@pytest.mark.parametrize("count", [1, 3])
def test_style_blend_needs_one_number_for_each_style(count: int) -> None:
    line = refusal({"style_blend": (1.0,) * count}, styles=2)

    assert line == f"--style-blend needs one number for each of the 2 styles, not {count}"


@pytest.mark.parametrize("count", [1, 3])
def test_style_mask_needs_one_mask_for_each_style(count: int) -> None:
    line = refusal({"style_mask": ("a.png",) * count}, styles=2)

    assert line == f"--style-mask needs one mask for each of the 2 styles, not {count}"


@pytest.mark.parametrize("init", ["content", "noise"])
def test_content_and_noise_are_not_files(init: str) -> None:
    assert init_file(Settings(init=init)) is None


def test_any_other_init_is_a_file_and_a_tilde_the_home_folder() -> None:
    assert init_file(Settings(init="start.png")) == Path("start.png")
    assert init_file(Settings(init="~/start.png")) == Path.home() / "start.png"


def test_options_for_one_picture_are_refused_for_a_folder() -> None:
    refuse_for_folder(Path("photos"), {"--log": None})
    with pytest.raises(ConfigError) as caught:
        refuse_for_folder(Path("photos"), {"--log": None, "--report": Path("report.html")})
    assert str(caught.value) == (
        "--report needs a single content picture, but photos is a folder; "
        "run its pictures one by one, each with its own --report"
    )
