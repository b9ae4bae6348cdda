"""The command, run in the tests' own process or in a fresh one."""

import errno
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parents[2]

_VARIABLES = {"PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "100"}

_WITHOUT_TORCH = """
import contextlib, io, json, shlex, sys
from styletransfer.cli import app as cli

done = []
for line in json.loads(sys.argv[1]):
    sys.argv = ["stylize", *shlex.split(line)]
    code = 0
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    assert "torch" not in sys.modules, line
    done.append((code or 0, *(each.buffer.getvalue().decode() for each in (out, err))))
print(json.dumps(done))
"""

Refusal = tuple[str, int, str]
"""A command line, its exit code, and a part of its message."""


@dataclass(frozen=True, slots=True)
class Ran:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


Command = Callable[[str], Ran]


def run_command(
    line: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Ran:
    """Run `stylize` with a command line, split as in a shell."""
    from styletransfer.cli import app as cli

    monkeypatch.setattr("sys.argv", ["stylize", *shlex.split(line)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert isinstance(caught.value.code, int)
    return Ran(caught.value.code, *capfd.readouterr())


def run_python(*arguments: str, stdout: int | IO[str] = subprocess.PIPE) -> Ran:
    """Run Python with the package on its path; `out` is empty if stdout goes elsewhere."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | _VARIABLES | {"PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    return Ran(done.returncode, done.stdout or "", done.stderr)


def run_without_torch(lines: Sequence[str]) -> list[Ran]:
    """Run `stylize` with each command line in one fresh process that must not import torch."""
    ran = run_python("-c", _WITHOUT_TORCH, json.dumps(lines))
    assert ran.code == 0, ran.err
    return [Ran(*each) for each in json.loads(ran.out)]


def check_refusals(refusals: Sequence[Refusal], folder: Path) -> None:
    """Check that each line is refused in one line, without torch and without a new file."""
    before = files(folder)
    done = run_without_torch([line for line, _, _ in refusals])
    for (line, code, part), ran in zip(refusals, done, strict=True):
        assert ran.code == code, (line, ran)
        assert ran.out == "", line
        assert re.fullmatch(r"stylize: error: [^\n]+\n", ran.err), (line, ran.err)
        assert part in ran.err, (line, ran.err)
    assert files(folder) == before


def fill_disk(monkeypatch: pytest.MonkeyPatch, name: str = "") -> None:
    """Let saving fail, with a full disk, for each file whose name contains some letters."""
    replace = Path.replace

    def full(source: Path, target: Path) -> Path:
        if name in target.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", full)


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder, also hidden ones, with their bytes."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
