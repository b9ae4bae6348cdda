"""What the report shares with the page of a running job: colours, styles, and the viewer."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from string import Template

from styletransfer.report.loss_chart import DARK, LIGHT

_FOLDER = Path(__file__).resolve().parent / "templates" / "shared"


def style_sheet() -> str:
    """Return the styles of text, controls and viewer, in the colours of the loss chart."""
    colours = {
        f"{scheme}_{name}": colour
        for scheme, palette in {"light": LIGHT, "dark": DARK}.items()
        for name, colour in asdict(palette).items()
    }
    return Template(_read("page.css")).substitute(colours)


def viewer_script() -> str:
    """Return the script that defines ``createViewer(viewer, width, height, start)``."""
    return _read("viewer.js")


def viewer_parts() -> dict[str, str]:
    """Return the elements that the script needs, as HTML: ``stage`` and ``controls``."""
    return {name: _read(f"{name}.html") for name in ("stage", "controls")}


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")
