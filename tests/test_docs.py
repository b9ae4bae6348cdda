"""The documents agree with the code and with each other."""

import ast
import importlib
import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import typer

import styletransfer
from scripts import option_reference
from styletransfer.cli.app import app
from styletransfer.images.provenance import record
from styletransfer.images.tensors import save_image
from styletransfer.option_text import format_value
from styletransfer.presets import load_settings, preset_folder, presets
from styletransfer.runs.batches.weight_grid import sweep_from
from styletransfer.runs.resolve import INITS
from styletransfer.settings import Settings, field_names

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "styletransfer"
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md")),
    "samples/README.md",
    "styletransfer/vgg/weights/README.md",
]


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


SAMPLE_LINES = command_lines("samples/README.md")
LINES = list(dict.fromkeys(line for name in DOCUMENTS for line in command_lines(name)))


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command line, as `stylize` reads it."""

    inputs: list[Path]
    output: Path
    settings: Settings


def parse(line: str) -> Parsed:
    """Read a command line as `stylize` does, without opening a picture."""
    command: Any = typer.main.get_command(app)
    values = command.make_context("stylize", shlex.split(line, comments=True)[1:]).params
    given = {name: values[name] for name in field_names()}
    sweep = sweep_from(values["config"], given, len(values["styles"]), values["output"])
    settings = sweep.variants[0].settings
    inits = [] if settings.init in INITS else [Path(settings.init)]
    return Parsed([values["content"], *values["styles"], *inits], values["output"], settings)


@pytest.fixture
def readme_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's settings file, in the current folder."""
    (text,) = blocks("README.md", "toml")
    monkeypatch.chdir(tmp_path)
    path = Path(text.splitlines()[0].removeprefix("# "))
    path.write_text(text, encoding="utf-8")
    return path


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def messages() -> list[str]:
    """Every string of the package, those of f-strings in parts."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    constants = [
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)
    ]
    return [node.value for node in constants if isinstance(node.value, str)]


def test_the_option_reference_is_up_to_date() -> None:
    assert read("docs/options.md") == option_reference.page()


def test_the_option_reference_has_each_setting_with_its_default() -> None:
    lines = [line for line in read("docs/options.md").splitlines() if line.startswith("| `--")]
    rows = [re.split(r" (?<!\\)\| ", line) for line in lines]
    defaults = {re.findall(r"--([\w-]+)", row[0])[0]: row[2] for row in rows}
    for name in field_names():
        default, value = defaults[name.replace("_", "-")], getattr(Settings(), name)
        if value is None:
            assert default not in {"", "none", "required"}, name
        else:
            assert default == format_value(value, separator=","), name


@pytest.mark.usefixtures("readme_settings")
@pytest.mark.parametrize("line", LINES)
def test_each_command_line_parses(line: str) -> None:
    save_image(torch.zeros(1, 3, 2, 3), Path("painted/a.png"), text=record(Settings()))
    assert parse(line).output.suffix in {".png", ".jpg", ".mp4", ""}


@pytest.mark.parametrize("line", [line for line in LINES if "samples/" in line])
def test_each_command_on_samples_finds_its_inputs(line: str) -> None:
    assert [path for path in parse(line).inputs if not (ROOT / path).is_file()] == []


def test_each_sample_result_has_its_command() -> None:
    made = {parse(line).output for line in SAMPLE_LINES}
    present = {path.relative_to(ROOT) for path in (ROOT / "samples" / "output").glob("*.jpg")}
    assert present == made


def test_each_command_that_writes_a_sample_result_is_listed_with_the_samples() -> None:
    assert {line for line in LINES if "-o samples/output/" in line} == set(SAMPLE_LINES)


def test_the_readme_has_six_recipes_each_followed_by_a_picture() -> None:
    _, _, rest = read("README.md").partition("## Recipes\n")
    recipes, _, _ = rest.partition("**More.**")
    parts = re.split(r"^stylize samples/", recipes, flags=re.MULTILINE)[1:]
    assert len(parts) == 6
    assert all(re.search(r"samples/\S+\.jpg\"|\(samples/\S+\.jpg\)", part) for part in parts)


def test_the_demo_is_the_first_sample() -> None:
    demo = dict(re.findall(r"^(CONTENT|STYLE) +\?= (\S+)$", read("Makefile"), re.MULTILINE))
    assert [Path(demo["CONTENT"]), Path(demo["STYLE"])] == parse(SAMPLE_LINES[0]).inputs


def test_each_sample_picture_is_credited() -> None:
    paths = [path for kind in ("content", "style") for path in ROOT.glob(f"samples/{kind}/*")]
    credited = re.findall(r"^\| `([\w/]+\.jpg)` \|", read("samples/README.md"), re.MULTILINE)
    assert {path.relative_to(ROOT / "samples").as_posix() for path in paths} == set(credited)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_link_and_picture_resolves(name: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", read(name))
    for link in ("".join(pair) for pair in links):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert "://" in link or target.exists(), link
        assert "://" in link or not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_file_that_a_document_names_exists(name: str) -> None:
    named = re.findall(r"`(?:python )?((?:styletransfer|scripts|tests|docs)/[\w./-]+)", read(name))
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_make_target_that_a_document_names_exists(name: str) -> None:
    targets = re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", read(name), re.MULTILINE)) <= set(targets)


def test_the_readme_is_at_most_180_lines_long() -> None:
    assert len(read("README.md").splitlines()) <= 180


def test_the_readme_lists_the_presets() -> None:
    _, _, section = read("README.md").partition("## Presets")
    table, _, _ = section.partition("```")
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(presets())


def test_the_default_preset_sets_the_defaults() -> None:
    values = tomllib.loads((preset_folder() / "default.toml").read_text(encoding="utf-8"))
    assert values
    assert load_settings("default") == Settings()


def test_the_readmes_settings_file_loads(readme_settings: Path) -> None:
    assert load_settings(str(readme_settings)) != Settings()


def test_the_readmes_python_uses_existing_names() -> None:
    (code,) = blocks("README.md", "python")
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            assert all(hasattr(module, alias.name) for alias in node.names)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Settings":
            assert {keyword.arg for keyword in node.keywords} <= set(field_names())


def test_each_message_in_troubleshooting_is_one_of_the_package() -> None:
    _, _, section = read("docs/troubleshooting.md").partition("## Messages")
    quoted = re.findall(r"\"([^\"]+)\"", section)
    texts = messages()
    assert quoted
    assert [quote for quote in quoted if not any(quote in text for text in texts)] == []


def test_contributing_describes_each_folder_in_the_words_of_its_docstring() -> None:
    folders = [path.parent.name for path in PACKAGE.glob("*/__init__.py")]
    docstrings = {
        name: importlib.import_module(f"styletransfer.{name}").__doc__ for name in folders
    }
    rows = re.findall(r"^\| `(\w+)/` \| (.+) \|$", read("CONTRIBUTING.md"), re.MULTILINE)
    summaries = {name: (text or "").splitlines()[0] for name, text in docstrings.items()}
    assert dict(rows) == {name: text.replace("``", "`") for name, text in summaries.items()}


def test_contributing_lists_the_markers_of_the_tests() -> None:
    tools = tomllib.loads(read("pyproject.toml"))["tool"]
    markers = [marker.partition(":")[0] for marker in tools["pytest"]["ini_options"]["markers"]]
    listed = re.findall(r"^\| `(\w+)` \|", read("CONTRIBUTING.md"), re.MULTILINE)
    assert set(listed) == set(markers)


def test_all_is_what_the_package_exports() -> None:
    eager = {
        name
        for name, value in vars(styletransfer).items()
        if getattr(value, "__module__", "").startswith("styletransfer.") and name[0] != "_"
    }
    assert eager <= set(styletransfer.__all__)
    assert all(hasattr(styletransfer, name) for name in styletransfer.__all__)
    assert styletransfer.__all__ == sorted(styletransfer.__all__)
