"""The options of the command: one for each setting."""

from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import typer
from typer.main import get_command

from styletransfer import cli
from styletransfer import options as opt
from styletransfer.config import Settings, field_names
from styletransfer.presets import presets

COMMAND = get_command(cli.app)
PARAMETERS: dict[str, Any] = {str(each.name): each for each in COMMAND.params}
CHOICES = {
    name: get_args(hint)
    for name, hint in get_type_hints(Settings).items()
    if get_origin(hint) is Literal
}


@pytest.mark.parametrize("name", field_names())
def test_every_setting_has_an_option_of_its_name(name: str) -> None:
    assert f"--{name.replace('_', '-')}" in PARAMETERS[name].opts


@pytest.mark.parametrize("name", field_names())
def test_an_option_that_is_not_given_says_nothing(name: str) -> None:
    """Otherwise it would go over the configuration."""
    assert PARAMETERS[name].default is None


@pytest.mark.parametrize("name", field_names())
def test_the_help_of_a_setting_tells_its_default(name: str) -> None:
    default = getattr(Settings(), name)
    text = " ".join(PARAMETERS[name].help.split())

    if default is None:
        assert "Default: " in text
    elif isinstance(default, bool):
        assert text.endswith(f"(default: {'on' if default else 'off'})")
    elif isinstance(default, tuple):
        assert text.endswith(f"(default: {','.join(map(str, default))})")
    else:
        assert text.endswith(f"(default: {default})")


def test_every_literal_setting_is_found() -> None:
    assert {"tv_form", "optimizer", "network", "precision"} <= set(CHOICES)


@pytest.mark.parametrize("name", CHOICES)
def test_the_choices_of_an_option_are_those_of_its_setting(name: str) -> None:
    literal, _ = get_args(get_type_hints(cli.stylize)[name])

    assert get_args(literal) == CHOICES[name]


def test_the_help_of_config_names_every_preset() -> None:
    text = PARAMETERS["config"].help

    assert [name for name in presets() if name not in text] == []


def test_options_are_written_with_dashes() -> None:
    flags = [flag for each in COMMAND.params for flag in each.opts if flag.startswith("-")]

    assert [flag for flag in flags if "_" in flag] == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("3", (3.0,)), ("3,1", (3.0, 1.0)), ("0.5, 1e-2", (0.5, 0.01))],
)
def test_numbers_have_commas_between(text: str, numbers: tuple[float, ...]) -> None:
    assert opt._numbers(text) == numbers


@pytest.mark.parametrize("text", ["", "3,", "three", "3;1", "3 1"])
def test_other_than_numbers_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a number"):
        opt._numbers(text)


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3.0), ("0,0.3, 1e1", (0.0, 0.3, 10.0)), ("-0", 0.0)]
)
def test_a_weight_is_a_number_or_several_with_commas(
    text: str, value: float | tuple[float, ...]
) -> None:
    assert repr(opt._weight(text)) == repr(value)


@pytest.mark.parametrize("name", ["content_weight", "style_weight", "tv_weight"])
def test_the_help_of_a_weight_tells_of_lists(name: str) -> None:
    assert "A list tries each." in PARAMETERS[name].help


def test_whole_numbers_have_commas_between() -> None:
    assert opt._whole_numbers("60, 50") == (60, 50)


@pytest.mark.parametrize("text", ["", "60,", "1.5", "1e3", "many"])
def test_other_than_whole_numbers_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a whole number"):
        opt._whole_numbers(text)


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("original", "original")])
def test_a_size_is_a_number_of_pixels_or_original(text: str, size: int | str) -> None:
    assert opt._size(text) == size


@pytest.mark.parametrize("text", ["", "12.5", "Original", "5e2", "large"])
def test_another_size_is_wrong_usage_and_the_line_says_so(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="neither a whole number of pixels nor original"):
        opt._size(text)


def test_names_have_commas_and_perhaps_blanks_between() -> None:
    assert opt._names("relu1_1, relu2_1,relu3_1") == ("relu1_1", "relu2_1", "relu3_1")
