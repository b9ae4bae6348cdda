"""The options of the settings: one for each."""

from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from typer.main import get_command

from styletransfer.cli import app as cli
from styletransfer.settings import Settings, field_names

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


@pytest.mark.parametrize("name", ["content_weight", "style_weight", "tv_weight"])
def test_the_help_of_a_weight_tells_of_lists(name: str) -> None:
    assert "A list tries each." in PARAMETERS[name].help
