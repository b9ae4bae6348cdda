"""The options of a run, and shell completion."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from styletransfer.cli import app as cli
from styletransfer.cli.run_options import complete_config
from styletransfer.presets import presets

ROOT = Path(__file__).parents[2]
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
sys.argv[0] = "stylize"
from styletransfer.cli.app import main
main()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with some files that may hold settings and some that may not."""
    for name in ("mine.toml", "drawn.png", "photo.jpg", ".hidden.toml"):
        (tmp_path / name).touch()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def completions(line: str) -> list[str]:
    """The completions that bash gets for the last word of a line."""
    request = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
        "_STYLIZE_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | request,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("stylize --tv-", ["--tv-weight", "--tv-form"]),
        ("stylize a.png b.png --optimizer ", ["lbfgs", "adam"]),
        ("stylize a.png b.png --config dra", ["draft"]),
    ],
)
def test_options_choices_and_presets_are_completed(line: str, expected: list[str]) -> None:
    assert completions(line) == expected


@pytest.mark.parametrize(
    "line", ["stylize pho", "stylize a.png b.png -o ", "stylize a.png b.png --config mine"]
)
def test_without_completions_bash_completes_paths_itself(line: str) -> None:
    assert completions(line) == []


@pytest.mark.usefixtures("folder")
def test_config_is_completed_to_presets_files_and_folders() -> None:
    assert complete_config("") == [*presets(), "drawn.png", "mine.toml", "deep/"]
    assert complete_config("d") == ["default", "draft", "drawn.png", "deep/"]


def test_options_are_written_with_dashes() -> None:
    flags = [flag for each in get_command(cli.app).params for flag in each.opts if flag[0] == "-"]
    assert [flag for flag in flags if "_" in flag] == []
