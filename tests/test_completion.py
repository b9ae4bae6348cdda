"""What a shell is told when the Tab key is pressed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from styletransfer.completion import complete_config
from styletransfer.presets import presets

ROOT = Path(__file__).parents[1]
COMMAND = "from styletransfer.cli import main; import sys; sys.argv[0] = 'stylize'; main()"
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


def test_fish_and_zsh_get_one_line_for_each_option_with_its_help() -> None:
    fish = run(
        _TYPER_COMPLETE_ARGS="stylize --tv",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
        _STYLIZE_COMPLETE="complete_fish",
    ).splitlines()
    assert [line.split("\t")[0] for line in fish] == ["--tv-weight", "--tv-form"]

    zsh = run(_TYPER_COMPLETE_ARGS="stylize --tv", _STYLIZE_COMPLETE="complete_zsh")
    assert [line[:13] for line in zsh.splitlines()] == ["_arguments '*", '"--tv-form":"']


def test_fish_and_zsh_complete_files_where_there_is_nothing_to_offer() -> None:
    assert run(_TYPER_COMPLETE_ARGS="stylize ", _STYLIZE_COMPLETE="complete_zsh") == "_files\n"
    with pytest.raises(AssertionError, match=r"\(1, ''\)"):
        run(
            _TYPER_COMPLETE_ARGS="stylize ",
            _TYPER_COMPLETE_FISH_ACTION="is-args",
            _STYLIZE_COMPLETE="complete_fish",
        )


def test_an_answer_comes_within_half_a_second() -> None:
    def seconds() -> float:
        started = time.monotonic()
        bash("stylize --tv-f")
        return time.monotonic() - started

    # The least of some, since the machine may be busy with other things.
    assert min(seconds() for _ in range(5)) < 0.5


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("program", [WITHOUT_TORCH, None])
def test_each_shell_gets_a_script_for_the_command_of_that_name(
    shell: str, program: str | None
) -> None:
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    runpy = "import runpy; runpy.run_module('styletransfer', run_name='__main__')"
    script = run("--show-completion", shell, program=program or runpy, **told)

    assert f"_STYLIZE_COMPLETE=complete_{shell}" in script
    assert "python" not in script


@pytest.mark.parametrize(
    ("shell", "installed"),
    [
        ("bash", ".bash_completions/stylize.sh"),
        ("zsh", ".zfunc/_stylize"),
        ("fish", ".config/fish/completions/stylize.fish"),
    ],
)
def test_completion_is_installed_at_home(shell: str, installed: str, tmp_path: Path) -> None:
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path)}
    said = run("--install-completion", shell, **told)

    assert str(tmp_path / installed) in said
    assert "_STYLIZE_COMPLETE" in (tmp_path / installed).read_text()


def test_bash_takes_the_script_and_completes_with_it(tmp_path: Path) -> None:
    command = tmp_path / "stylize"
    command.write_text(f'#!/bin/sh\nexec \'{sys.executable}\' -c "{COMMAND}" "$@"\n')
    command.chmod(0o755)
    script = run("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    program = f"{script}\nCOMP_WORDS=(stylize a.png --tv-f) COMP_CWORD=2\n"
    program += '_stylize_completion stylize\necho "${COMPREPLY[*]}"\n'
    done = subprocess.run(
        ["bash", "--norc", "-c", program],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "--tv-form\n"
