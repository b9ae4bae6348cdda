"""Messages that nobody reads, and streams that are closed."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.cli.streams import LossyFile
from tests.support.commands import ROOT

LOST = ["2>&-", "2>/dev/full", "2>&1 | true", "2> >(exit)", "<&- 2>&- >&-", "&>/dev/full"]
"""Ways to lose stderr, in bash."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two photographs, one of them broken, and a painting."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "out").mkdir()
    picture = Image.linear_gradient("L").resize((24, 16)).convert("RGB")
    for name in ("photos/a.png", "photos/c.png", "style.png", "out/c-style.png"):
        picture.save(tmp_path / name)
    (tmp_path / "photos/b.png").write_bytes(b"no picture")
    return tmp_path


def run_in_bash(line: str, ending: str, folder: Path) -> int:
    """Run `stylize` with a command line and what bash makes of its streams; its exit code."""
    command = shlex.join([sys.executable, "-m", "styletransfer", *shlex.split(line)])
    return subprocess.run(
        ["bash", "-c", f"{command} {ending}; exit ${{PIPESTATUS[0]}}"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_what_cannot_be_written_counts_as_written() -> None:
    with LossyFile("/dev/full", "w") as full:
        assert full.write(b"lost") == 4


def test_a_full_pipe_that_must_not_block_loses_the_rest() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with LossyFile(writing, "w") as pipe:
        while pipe.write(bytes(65_536)) and not _is_full(writing):
            pass
        assert pipe.write(b"lost") == 4
    os.close(reading)


def _is_full(writing: int) -> bool:
    try:
        os.write(writing, bytes(1))
    except BlockingIOError:
        return True
    return False


def test_what_can_be_written_arrives() -> None:
    reading, writing = os.pipe()
    with LossyFile(writing, "w") as pipe:
        pipe.write(b"kept")
    assert os.read(reading, 9) == b"kept"
    os.close(reading)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("ending", LOST)
def test_lost_messages_cost_no_picture_of_a_folder(ending: str, workspace: Path) -> None:
    line = "photos style.png -o out --skip-existing --size 16 -n 1"

    assert run_in_bash(line, ending, workspace) == 1  # for the broken photograph
    for name in ("a", "c"):
        with Image.open(workspace / f"out/{name}-style.png") as picture:
            picture.load()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("ending", LOST[:2])
def test_lost_messages_do_not_change_the_exit_code(ending: str, workspace: Path) -> None:
    assert run_in_bash("none.png style.png -o out.png", ending, workspace) == 1
    assert run_in_bash("--no-such-option", ending, workspace) == 2
