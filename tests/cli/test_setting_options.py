"""The options of the settings."""

from typing import Any, get_args, get_type_hints

from typer.main import get_command

from styletransfer.cli import app as cli
from styletransfer.settings import Settings, field_names

PARAMETERS: dict[str, Any] = {str(each.name): each for each in get_command(cli.app).params}


def test_an_option_that_is_not_given_does_not_override_the_configuration() -> None:
    assert {name: PARAMETERS[name].default for name in field_names()} == dict.fromkeys(
        field_names()
    )


def test_an_option_has_the_choices_of_its_setting() -> None:
    options, settings = get_type_hints(cli.stylize), get_type_hints(Settings)
    names = ["tv_form", "optimizer", "network", "weights_layout", "pooling", "precision", "bits"]
    assert {name: get_args(options[name])[0] for name in names} == {
        name: settings[name] for name in names
    }
