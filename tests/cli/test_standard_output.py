"""`-o -`: the result goes to standard output."""

import os
import shlex
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.support.commands import ROOT, Refusal, check_refusals

LINE = "content.png style.png --size 24 -n 1 -o"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    picture = Image.linear_gradient("L").resize((48, 32)).convert("RGB")
    (tmp_path / "photos").mkdir()
    for name in ("content.png", "style.png", "photos/a.png"):
        picture.save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_in_bash(line: str, ending: str = "") -> "subprocess.CompletedProcess[bytes]":
    command = shlex.join([sys.executable, "-m", "styletransfer", *shlex.split(line)])
    return subprocess.run(
        ["bash", "-c", f"{command} {ending}; exit ${{PIPESTATUS[0]}}"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize("output", ["-", "/dev/stdout"])
def test_a_png_is_written_to_standard_output_and_nothing_else(output: str, workspace: Path) -> None:
    before = set(workspace.iterdir())
    ran = run_in_bash(f"{LINE} {output} --log losses.csv --bits 16")
    named = run_in_bash(f"{LINE} out.png -q --bits 16")

    assert (ran.returncode, named.returncode) == (0, 0)
    assert ran.stdout == (workspace / "out.png").read_bytes()
    with Image.open(BytesIO(ran.stdout)) as picture:
        assert (picture.format, picture.size) == ("PNG", (24, 16))
    assert set(workspace.iterdir()) - before == {workspace / "out.png", workspace / "losses.csv"}


@pytest.mark.slow
@pytest.mark.weights
def test_a_picture_that_nobody_reads_is_rescued(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(workspace / "tmp"))
    ran = run_in_bash(f"{LINE} - -q", "| true")

    (rescued,) = (workspace / "tmp").glob("*.png")
    assert ran.returncode == 1
    assert ran.stderr.startswith(b"stylize: error: /dev/stdout: cannot be saved (Broken pipe); ")
    assert ran.stderr.endswith(f"the picture was saved as {rescued} instead\n".encode())
    with Image.open(rescued) as picture:
        assert picture.size == (24, 16)


def test_what_needs_files_is_refused(workspace: Path) -> None:
    part = "needs results in files, but -o - writes to standard output"
    refusals: list[Refusal] = [
        ("photos style.png -o -", 2, f"a folder as CONTENT {part}"),
        (f"{LINE} - --tv-weight 1,2", 2, f"a list of weights {part}"),
        (f"{LINE} - --skip-existing", 2, f"--skip-existing {part}"),
        (f"{LINE} - --save-every 1", 2, f"--save-every {part}"),
        (f"{LINE} - --json", 2, f"--json {part}"),
        (f"{LINE} - --report r.html", 2, f"--report {part}"),
    ]
    check_refusals(refusals, workspace)


def test_a_closed_standard_output_is_refused(workspace: Path) -> None:
    ran = run_in_bash(f"{LINE} -", ">&-")

    assert ran.returncode == 1
    assert ran.stderr.startswith(b"stylize: error: /dev/stdout: this is closed; name a file")


def test_the_terminal_is_refused(workspace: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "styletransfer", *shlex.split(LINE), "-"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        command, env=environment, stdout=theirs, stderr=subprocess.PIPE, check=False
    )
    os.close(theirs)
    os.close(ours)

    assert ran.returncode == 1
    assert ran.stderr.startswith(b"stylize: error: /dev/stdout: this is the terminal; name a file")
