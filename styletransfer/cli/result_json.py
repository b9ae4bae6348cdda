"""Results as JSON objects, for `--json`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from styletransfer.errors import ConfigError, ImageError, one_line
from styletransfer.images.provenance import read_record
from styletransfer.images.tensors import open_picture
from styletransfer.runs.jobs import ExistingResult, SheetResult, VideoResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from styletransfer.runs.jobs import AnyResult

_TERMS = ("content", "style", "tv")

_UNKNOWN: dict[str, Any] = {
    **dict.fromkeys(("size", "seconds", "seed", "weights", "losses", "device", "precision")),
    "regions": [],
    **dict.fromkeys(("stopped", "skipped", "sheet"), False),
}


def describe(result: AnyResult, styles: Sequence[Path]) -> dict[str, Any]:
    """Describe a result by a fixed set of keys.

    Args:
        result: A new result, one that already existed, or a contact sheet.
        styles: The style pictures.

    Returns:
        Values by key; None for what does not apply or is not known.
    """
    return {
        "path": str(result.path),
        "content": str(result.content),
        "styles": [str(style) for style in styles],
        **_UNKNOWN,
        **_known(result),
    }


def _known(result: AnyResult) -> dict[str, Any]:
    if isinstance(result, SheetResult):
        return {"size": [result.width, result.height], "sheet": True}
    if isinstance(result, ExistingResult):
        return {"size": _size(result.path), "weights": _recorded(result.path), "skipped": True}
    made = {
        "size": [result.width, result.height],
        "seconds": round(result.seconds, 3),
        "seed": result.settings.seed,
        "weights": _weights(asdict(result.settings)),
    }
    if isinstance(result, VideoResult):
        return made
    return {
        **made,
        # Those of the last iteration, where a steered run had others at the start.
        "weights": _weights(asdict(result.entries[-1] if result.entries else result.settings)),
        "losses": {**result.losses.terms, "total": result.losses.total},
        "device": result.device,
        "precision": result.precision,
        "regions": [] if result.regions is None else result.regions.describe(),
        "stopped": result.stopped,
    }


def to_line(values: dict[str, Any], encoding: str) -> str:
    """Format an object as one line of JSON.

    Args:
        values: The object.
        encoding: The encoding of the output stream.

    Returns:
        The line without a line break. It is ASCII if the stream cannot encode
        it, for example because a file name is not valid text, or if a terminal
        would take a part of it for a command.
    """
    line = json.dumps(values, ensure_ascii=False)
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(values)
    return line if line == one_line(line) else json.dumps(values)


def _size(path: Path) -> list[int] | None:
    try:
        return list(open_picture(path).size)
    except ImageError:
        return None


def _recorded(path: Path) -> dict[str, float] | None:
    """The loss weights that are recorded in the metadata of a result."""
    try:
        return _weights(read_record(path))
    except (ConfigError, LookupError):
        return None


def _weights(settings: Mapping[str, Any]) -> dict[str, float]:
    return {name: settings[f"{name}_weight"] for name in _TERMS}
