"""The command, run in the tests' own process."""

import errno
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from styletransfer import cli


class Ran(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


Command = Callable[[str], Ran]


def run_command(
    line: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Ran:
    """Run `stylize` with a command line, read as a shell would."""
    monkeypatch.setattr("sys.argv", ["stylize", *shlex.split(line)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert isinstance(caught.value.code, int)
    return Ran(caught.value.code, *capfd.readouterr())


def fill_disk(monkeypatch: pytest.MonkeyPatch, name: str = "") -> None:
    """From now on, no file of a name that holds these letters can be saved."""
    replace = Path.replace

    def full(source: Path, target: Path) -> Path:
        if name in target.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", full)


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, with its bytes."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
