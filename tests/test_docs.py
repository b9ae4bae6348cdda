"""What the documents say, held against what the code does."""

import ast
import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import typer

import styletransfer
from styletransfer.cli.app import app
from styletransfer.images.provenance import record
from styletransfer.images.tensors import save_image
from styletransfer.presets import preset_folder, presets
from styletransfer.runs.resolve import INITS
from styletransfer.runs.weight_grid import sweep_from
from styletransfer.settings import Settings, field_names, load_settings

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "samples/README.md",
    "docs/scripts.md",
    "docs/total-variation.md",
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of a document in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", read(name), re.DOTALL | re.MULTILINE)


def command_lines(name: str) -> list[str]:
    """Every line that runs `stylize`, in a block or in backticks."""
    lines = [line for block in blocks(name, "sh") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", read(name))
    return [line for line in lines if line.startswith("stylize ")]


README_LINES = command_lines("README.md")
SAMPLE_LINES = command_lines("samples/README.md")
STUDY_LINES = command_lines("docs/total-variation.md")
PAGE_LINES = command_lines("docs/scripts.md") + STUDY_LINES
LINES = list(dict.fromkeys(README_LINES + SAMPLE_LINES + PAGE_LINES))


class Parsed(NamedTuple):
    inputs: list[Path]
    output: Path
    settings: Settings


def parse(line: str) -> Parsed:
    """Read a command line as `stylize` would, short of opening a picture."""
    command: Any = typer.main.get_command(app)
    values = command.make_context("stylize", shlex.split(line)[1:]).params
    given = {name: values[name] for name in field_names()}
    sweep = sweep_from(values["config"], given, len(values["styles"]), values["output"])
    settings = sweep.variants[0].settings
    inits = [] if settings.init in INITS else [Path(settings.init)]
    return Parsed([values["content"], *values["styles"], *inits], values["output"], settings)


@pytest.fixture
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's own example of a configuration, as a file in the current folder.

    And beside it the result that the page for scripts takes the settings from.
    """
    (text,) = blocks("README.md", "toml")
    monkeypatch.chdir(tmp_path)
    path = Path(text.splitlines()[0].removeprefix("# "))
    path.write_text(text, encoding="utf-8")
    save_image(torch.zeros(1, 3, 2, 3), Path("painted/a.png"), text=record(Settings()))
    return path


def test_the_option_reference_is_what_the_command_says() -> None:
    command = [sys.executable, "-m", "scripts.option_reference", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", field_names())
def test_each_setting_is_in_the_reference_with_its_default(name: str) -> None:
    flag = f"| `--{name.replace('_', '-')}`"
    (row,) = [line for line in read("README.md").splitlines() if line.startswith(flag)]
    default = re.split(r" (?<!\\)\| ", row)[2]
    value = getattr(Settings(), name)
    if value is None:
        assert default not in {"", "none", "required"}
    elif isinstance(value, bool):
        assert default == ("on" if value else "off")
    else:
        assert default == (",".join(map(str, value)) if isinstance(value, tuple) else str(value))


@pytest.mark.usefixtures("own_settings")
@pytest.mark.parametrize("line", LINES)
def test_each_command_line_parses(line: str) -> None:
    parsed = parse(line)
    assert parsed.output.suffix in {".png", ".jpg", ""}


@pytest.mark.parametrize("line", [line for line in LINES if "samples/" in line])
def test_each_command_line_names_files_that_exist(line: str) -> None:
    parsed = parse(line)
    assert [path for path in parsed.inputs if not (ROOT / path).is_file()] == []
    # What the study of total variation tries is none of the samples.
    assert line in STUDY_LINES or parsed.output.parent == Path("samples/output")


def test_each_recipe_is_among_the_samples() -> None:
    recipes = [line for line in README_LINES if "samples/" in line]
    assert len(recipes) >= 6
    assert set(recipes) <= set(SAMPLE_LINES)


def test_the_demo_is_the_first_sample() -> None:
    demo = dict(re.findall(r"^(CONTENT|STYLE) +\?= (\S+)$", read("Makefile"), re.MULTILINE))
    assert [Path(demo["CONTENT"]), Path(demo["STYLE"])] == parse(SAMPLE_LINES[0]).inputs


def test_each_sample_result_has_its_command_line() -> None:
    made = {parse(line).output for line in SAMPLE_LINES}
    present = {path.relative_to(ROOT) for path in (ROOT / "samples" / "output").glob("*.jpg")}
    assert present == made


def test_each_sample_picture_is_credited() -> None:
    text = read("samples/README.md")
    for kind in ("content", "style"):
        for path in (ROOT / "samples" / kind).iterdir():
            assert f"| `{kind}/{path.name}` |" in text


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_picture_and_link_leads_to_a_file(name: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", read(name))
    local = [link for pair in links for link in pair if link and "://" not in link]
    folder = (ROOT / name).parent
    assert [link for link in local if not (folder / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("name", presets())
def test_each_preset_loads_and_is_in_the_readme(name: str) -> None:
    load_settings(name)
    assert f"| `{name}` |" in read("README.md")


def test_the_help_names_each_preset() -> None:
    command: Any = typer.main.get_command(app)
    (option,) = [option for option in command.params if option.name == "config"]
    assert set(presets()) <= set(re.findall(r"\w+", option.help))


def test_the_default_preset_spells_out_the_defaults() -> None:
    values = tomllib.loads((preset_folder() / "default.toml").read_text(encoding="utf-8"))
    assert values
    assert load_settings("default") == Settings()


def test_the_readmes_configuration_loads(own_settings: Path) -> None:
    assert load_settings(str(own_settings)) != Settings()


def test_the_readmes_python_uses_what_there_is() -> None:
    (code,) = blocks("README.md", "python")
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            assert all(hasattr(module, alias.name) for alias in node.names)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Settings":
            assert {keyword.arg for keyword in node.keywords} <= set(field_names())


def test_all_is_what_the_package_exports() -> None:
    eager = {
        name
        for name, value in vars(styletransfer).items()
        if getattr(value, "__module__", "").startswith("styletransfer.") and name[0] != "_"
    }
    assert eager <= set(styletransfer.__all__)
    assert all(hasattr(styletransfer, name) for name in styletransfer.__all__)
    assert styletransfer.__all__ == sorted(styletransfer.__all__)
