"""What a shell is told when the Tab key is pressed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from styletransfer.cli.completion import complete_config
from styletransfer.presets import presets

ROOT = Path(__file__).parents[2]
COMMAND = "from styletransfer.cli.app import main; import sys; sys.argv[0] = 'stylize'; main()"
WITHOUT_TORCH = f"import sys; sys.modules['torch'] = None; {COMMAND}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with files that may hold settings and others."""
    for name in ("mine.toml", "drawn.png", "photo.jpg", ".hidden.toml"):
        (tmp_path / name).touch()
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, program: str = WITHOUT_TORCH, **environment: str) -> str:
    """What the command prints in an environment, without torch; it must exit with 0."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def bash(line: str) -> list[str]:
    """What bash offers at the end of a line."""
    words = line.split(" ")
    answer = run(COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), _STYLIZE_COMPLETE="complete_bash")
    return answer.split()


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("stylize --tv-f", ["--tv-form"]),
        ("stylize --tv-", ["--tv-weight", "--tv-form"]),
        ("stylize a.png b.png --save", ["--save-every"]),
        ("stylize a.png b.png --optimizer ", ["lbfgs", "adam"]),
        ("stylize a.png b.png --optimizer a", ["adam"]),
        ("stylize a.png b.png --config dra", ["draft"]),
        ("stylize a.png b.png -c smo", ["smooth"]),
    ],
)
def test_options_and_their_choices_are_completed(line: str, offers: list[str]) -> None:
    assert bash(line) == offers


@pytest.mark.parametrize(
    "line",
    [
        "stylize ",
        "stylize pho",
        "stylize photo.jpg ",
        "stylize a.png b.png -o ",
        "stylize a.png b.png --init ",
        "stylize a.png b.png --config mine",
        "stylize a.png b.png --config ../",
    ],
)
def test_where_a_path_may_stand_the_shell_is_left_to_complete_it(line: str) -> None:
    """Bash falls back to files, by -o default, where it is offered nothing."""
    assert bash(line) == []


def test_a_configuration_is_a_preset_or_a_file_of_this_folder(folder: Path) -> None:
    assert complete_config("") == [*presets(), "drawn.png", "mine.toml", "deep/"]
    assert complete_config("d") == ["default", "draft", "drawn.png", "deep/"]
    assert bash("stylize a.png b.png --config d") == complete_config("d")
