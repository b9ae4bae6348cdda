"""The command, run in the tests' own process or in a fresh one."""

import errno
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]

_VARIABLES = {"PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "100"}

_WITHOUT_TORCH = """
import json, shlex, sys
from styletransfer.cli import app as cli

refused, *lines = json.loads(sys.argv[1])
for line in lines:
    sys.argv = ["stylize", *shlex.split(line)]
    code = 0
    try:
        cli.main()
    except SystemExit as end:
        code = end.code
    assert bool(code) == refused, line
    assert "torch" not in sys.modules, line
"""


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
    from styletransfer.cli import app as cli

    monkeypatch.setattr("sys.argv", ["stylize", *shlex.split(line)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert isinstance(caught.value.code, int)
    return Ran(caught.value.code, *capfd.readouterr())


def run_python(*arguments: str, stdout: int | IO[str] = subprocess.PIPE) -> Ran:
    """Run a Python that has the package in reach; what goes elsewhere is no `out`."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | _VARIABLES | {"PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    return Ran(done.returncode, done.stdout or "", done.stderr)


def run_without_torch(lines: Sequence[str], *, refused: bool) -> Ran:
    """Run `stylize` with several command lines in one fresh process, which may not import torch."""
    ran = run_python("-c", _WITHOUT_TORCH, json.dumps([refused, *lines]))
    assert ran.code == 0, ran.err
    return ran


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
