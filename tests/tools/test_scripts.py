"""The shell commands of docs/scripts.md: all are valid, and most are run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from styletransfer.cli import app as cli
from tests.support.pictures import noise

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/scripts.md").read_text(encoding="utf-8")
SHELL = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
(MAKEFILE,) = re.findall(r"^```make\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
TOOLS = ("jq", "xargs", "cmp")
SMALL = "--size 24 --min-size 24 -n 1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the pictures of the page and a `stylize` that makes tiny results."""
    for name in ("photos/a.jpg", "photos/b c.jpg", "paintings/one.png", "painting.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        noise(30, 20, len(name)).save(tmp_path / name)
    command = tmp_path / "bin/stylize"
    command.parent.mkdir()
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m styletransfer \"$@\" {SMALL}\n")
    command.chmod(0o755)
    return tmp_path


def run(folder: Path, *command: str) -> str:
    """Run a command in the folder; it must exit with 0. Returns its stdout."""
    own = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | own | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", SHELL)
def test_each_block_is_valid_shell(block: str) -> None:
    subprocess.run(["bash", "-n", "-c", block], check=True)


@pytest.mark.weights
@pytest.mark.slow
@pytest.mark.parametrize(
    "block", [block for block in SHELL if re.search("for photo|xargs|--recursive|jq|cmp", block)]
)
def test_a_block_of_several_commands_stylizes_every_photograph(block: str, folder: Path) -> None:
    known = {flag for parameter in get_command(cli.app).params for flag in parameter.opts}
    ours = [line for line in block.splitlines() if "stylize " in line]
    unknown = set(re.findall(r"--[a-z][a-z-]+", " ".join(ours))) - known
    missing = [tool for tool in TOOLS if f"{tool} " in block and shutil.which(tool) is None]
    if unknown or missing:
        pytest.skip(f"this machine has no {' '.join([*unknown, *missing])}")

    run(folder, "bash", "-c", f"set -o pipefail\n{block}")

    photographs = 1 if re.search(r"cmp|\.sheet", block) else 2
    # The results of a sweep are saved beside their contact sheet.
    painted = [path for path in folder.glob("painted/*.png") if "-tv" not in path.name]
    assert len(painted) == photographs


@pytest.mark.weights
@pytest.mark.slow
def test_make_stylizes_only_missing_results(folder: Path) -> None:
    (folder / "photos/b c.jpg").unlink()  # make does not support spaces in names
    (folder / "Makefile").write_text(MAKEFILE)

    assert "stylize photos/a.jpg" in run(folder, "make")
    assert [path.name for path in folder.glob("painted/*")] == ["a.png"]
    assert "stylize photos" not in run(folder, "make")
