"""The layout of the package: who may import whom, and how large folders and modules are."""

import ast
from pathlib import Path

import pytest

from tests.support.commands import run_python

PACKAGE = Path(__file__).parents[1] / "styletransfer"
MODULES = sorted(PACKAGE.rglob("*.py"))

ALLOWED = {
    "cli": {"live", "report", "runs", "masks", "images", "transfer", "vgg", "device"},
    "live": {"report", "runs", "masks", "images", "transfer", "vgg", "device"},
    "report": {"runs", "masks", "images", "transfer", "vgg", "device"},
    "runs": {"masks", "images", "transfer", "vgg", "device"},
    "masks": {"images", "transfer"},
    "images": set(),
    "transfer": {"vgg", "device"},
    "vgg": {"device"},
    "device": set(),
    "base": set(),
}
"""What each folder may import besides itself and the base modules at the package's top."""

ENTRY = {"__init__.py", "__main__.py"}
"""The package's front doors, which import what they offer."""


def folder(parts: tuple[str, ...]) -> str:
    """The folder of a module, or ``base`` for one at the package's top."""
    return parts[0] if parts and parts[0] in ALLOWED else "base"


def imported(path: Path) -> set[str]:
    """The folders that a module imports, inside its functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        parts = [name.split(".") for name in names]
        found |= {folder(tuple(each[1:])) for each in parts if each[0] == "styletransfer"}
    return found


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.parent != PACKAGE or path.name not in ENTRY],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_imports_follow_the_direction_of_the_folders(path: Path) -> None:
    here = folder(path.relative_to(PACKAGE).parts)
    assert imported(path) <= ALLOWED[here] | {here, "base"}


def test_no_folder_has_more_than_17_modules_and_none_over_250_lines() -> None:
    for place in {path.parent for path in MODULES}:
        modules = [path for path in place.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= 17, place
    long = {path: path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert [str(path) for path, lines in long.items() if lines > 250] == []


def test_each_folder_says_in_its_docstring_what_belongs_there() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_importing_the_package_loads_no_torch() -> None:
    program = "import sys, styletransfer; assert not {'torch', 'typer'} & set(sys.modules)"
    assert run_python("-c", program).code == 0


def test_python_users_need_one_import() -> None:
    program = "from styletransfer import Settings, read_image, save_image, stylize"
    assert run_python("-c", program).code == 0
