"""Files that a run writes."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from styletransfer.output_files import refuse_replacing, save_file
from tests.support.commands import ROOT
from tests.support.pictures import refusal

LEFTOVER = ".out.png.0123456789abcdef.tmp"

KILLED = """
    import os, signal, sys
    from pathlib import Path
    from styletransfer.output_files import save_file

    os.fsync = lambda number: os.kill(os.getpid(), signal.SIGKILL)
    save_file(b"new", Path(sys.argv[1]))
"""


def test_what_a_killed_run_left_is_removed_by_the_next_to_the_same_output(tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    output.write_bytes(b"old")
    program = [sys.executable, "-c", textwrap.dedent(KILLED), str(output)]
    killed = subprocess.run(program, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert killed.returncode == -signal.SIGKILL
    left = {path.name for path in tmp_path.iterdir()} - {"out.png"}
    assert [bool(re.fullmatch(r".out.png.[0-9a-f]{16}.tmp", name)) for name in left] == [True]
    assert output.read_bytes() == b"old"

    save_file(b"new", output)

    assert list(tmp_path.iterdir()) == [output]
    assert output.read_bytes() == b"new"


def test_the_temporary_file_of_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    with (tmp_path / LEFTOVER).open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        save_file(b"new", tmp_path / "out.png")
        assert (tmp_path / LEFTOVER).exists()
    save_file(b"new", tmp_path / "out.png")
    assert not (tmp_path / LEFTOVER).exists()


@pytest.mark.parametrize(
    "name", [".other.png.0123456789abcdef.tmp", ".out.png.tmp", ".out.png.a.tmp"]
)
def test_other_hidden_files_are_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    save_file(b"new", tmp_path / "out.png")
    assert (tmp_path / name).exists()


def link_folder(folder: Path) -> Path:
    (folder / "out").symlink_to("photos")
    return folder / "out" / "a.png"


def link_hard(folder: Path) -> Path:
    (folder / "b.png").hardlink_to(folder / "photos" / "a.png")
    return folder / "b.png"


@pytest.mark.parametrize("make", [link_folder, link_hard, lambda folder: folder / "photos/a.png"])
@pytest.mark.parametrize("linked", [False, True])
def test_an_input_is_refused_at_the_moment_of_writing(
    make: Callable[[Path], Path], linked: bool, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    content = tmp_path / "photos" / "a.png"
    if linked:
        (tmp_path / "real.png").touch()
        content.symlink_to("../real.png")
    else:
        content.touch()
    output = make(tmp_path)
    line = refusal(refuse_replacing, output, [content])
    assert line == f"{output}: this is also an input; choose another output"


def test_a_link_to_an_input_is_not_refused_since_the_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"photograph")
    (tmp_path / "out.png").symlink_to("a.png")
    refuse_replacing(tmp_path / "out.png", [tmp_path / "a.png"])
    save_file(b"new", tmp_path / "out.png")
    assert (tmp_path / "a.png").read_bytes() == b"photograph"
