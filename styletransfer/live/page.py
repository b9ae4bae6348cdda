"""The page: its files, and what it is told once."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from styletransfer import __version__
from styletransfer.report.viewer import style_sheet, viewer_parts, viewer_script
from styletransfer.settings import Settings
from styletransfer.weight_guide import WEIGHT_GUIDE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from styletransfer.live.session import Session

FILES: Mapping[str, str] = {
    "shared.css": "text/css",
    "live.css": "text/css",
    "viewer.js": "text/javascript",
    "chart.js": "text/javascript",
    "weights.js": "text/javascript",
    "later.js": "text/javascript",
    "live.js": "text/javascript",
}
"""The files that the page loads, each with its media type."""

RANGE = 50.0
"""A slider goes from a weight's default divided by this to as many times the default."""

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_DEFAULTS = Settings()


def html(token: str) -> str:
    """Return the page.

    Args:
        token: The secret in its address, which its files need, too.
    """
    text = (_TEMPLATES / "live.html").read_text("utf-8")
    return Template(text).substitute(token=token, version=__version__, **viewer_parts())


def file(name: str) -> str:
    """Return the text of one of `FILES`."""
    if name == "shared.css":
        return style_sheet()
    if name == "viewer.js":
        return viewer_script()
    return (_TEMPLATES / name).read_text("utf-8")


def about(session: Session, tunnel: str) -> dict[str, Any]:
    """Return what does not change during a run, in values of JSON.

    Args:
        session: The run.
        tunnel: The command that makes the page reachable over ssh.
    """
    return {
        "styles": session.styles,
        "blended": session.is_blended,
        "layers": session.later.layers,
        "sliders": [_slider(name) for name in WEIGHT_GUIDE],
        "tunnel": tunnel,
    }


def _slider(name: str) -> dict[str, Any]:
    """The slider of a weight: its range, and the values at which the guide has words."""
    default, guide = getattr(_DEFAULTS, name), WEIGHT_GUIDE[name]
    return {
        "name": name.removesuffix("_weight"),
        "label": name.replace("_", " "),
        "meaning": guide.meaning,
        "low": default / RANGE,
        "high": default * RANGE,
        "anchors": list(guide.looks.items()),
    }
