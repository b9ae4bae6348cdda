"""Write the option reference of README.md from the command itself.

python scripts/option_reference.py           # write it
python scripts/option_reference.py --check   # only say whether it is up to date
"""

import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer

from styletransfer.cli.app import app
from styletransfer.settings import Settings

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- options: written by scripts/option_reference.py -->"
END = "<!-- end of options -->"

_HEAD = "| option | value | default | what it does |\n|---|---|---|---|"
_DEFAULT = re.compile(r" \(default: (.+)\)$| Default: (.+)\.$", re.DOTALL)


def main() -> None:
    """Write the reference, or check it."""
    before = README.read_text(encoding="utf-8")
    after = with_reference(before)
    if before == after:
        return
    if "--check" in sys.argv[1:]:
        sys.exit("README.md is behind the options: run python scripts/option_reference.py")
    README.write_text(after, encoding="utf-8")


def with_reference(text: str) -> str:
    """Put the reference between its two markers."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{reference()}\n\n{END}{tail}"


def reference() -> str:
    """Lay out the options as one table for each panel of the help."""
    command: Any = typer.main.get_command(app)
    panels: dict[str, list[str]] = {}
    for option in command.params:
        if option.opts[0].startswith("-"):
            panels.setdefault(option.rich_help_panel or "Command", []).append(row(option))
    return "\n\n".join(
        "\n".join([f"**{panel}**\n", _HEAD, *rows]) for panel, rows in panels.items()
    )


def row(option: Any) -> str:
    """Describe one option as a line of a table."""
    found = _DEFAULT.search(option.help)
    default = (found[1] or found[2]) if found else _unspoken_default(option)
    meaning = option.help[: found.start()] if found else option.help
    flags = ", ".join(f"`{flag}`" for flag in [*option.opts, *option.secondary_opts])
    cells = (flags, _value(option), default, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _unspoken_default(option: Any) -> str:
    if option.required:
        return "required"
    return "off" if option.is_flag else "none"


def _value(option: Any) -> str:
    """What the option takes: choices, a name for it, or a kind of number."""
    if option.is_flag:
        return ""
    if option.metavar:
        return str(option.metavar)
    hint = get_type_hints(Settings)[option.name]
    if get_origin(hint) is Literal:
        return ", ".join(map(str, get_args(hint)))
    return "whole number" if int in (hint, *get_args(hint)) else "number"


if __name__ == "__main__":
    main()
