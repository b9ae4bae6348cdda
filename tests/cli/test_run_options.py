"""The options of a run, and what holds of all options."""

from typing import Any

from typer.main import get_command

from styletransfer.cli import app as cli
from styletransfer.presets import presets

COMMAND = get_command(cli.app)
PARAMETERS: dict[str, Any] = {str(each.name): each for each in COMMAND.params}


def test_the_help_of_config_names_every_preset() -> None:
    text = PARAMETERS["config"].help

    assert [name for name in presets() if name not in text] == []


def test_options_are_written_with_dashes() -> None:
    flags = [flag for each in COMMAND.params for flag in each.opts if flag.startswith("-")]

    assert [flag for flag in flags if "_" in flag] == []
