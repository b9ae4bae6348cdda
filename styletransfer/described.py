"""A result in JSON, for scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from styletransfer.errors import ImageError
from styletransfer.images import open_picture
from styletransfer.naming import Job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from styletransfer.painter import Painting


def describe(result: Painting | Job, styles: Sequence[Path], seed: int) -> dict[str, Any]:
    """Describe a result by the same keys, whether it was painted or there already.

    Args:
        result: A painting, or a job whose result was there already.
        styles: The style pictures.
        seed: Of the run.

    Returns:
        Values by key; None where only painting would tell.
    """
    common = {
        "path": str(result.path),
        "content": str(result.content),
        "styles": [str(style) for style in styles],
    }
    if isinstance(result, Job):
        unknown = dict.fromkeys(("seconds", "seed", "losses", "device", "precision"))
        return {**common, "size": _size(result.path), **unknown, "stopped": False, "skipped": True}
    return {
        **common,
        "size": [result.width, result.height],
        "seconds": round(result.seconds, 3),
        "seed": seed,
        "losses": {**result.losses._asdict(), "total": result.losses.total},
        "device": result.device,
        "precision": result.precision,
        "stopped": result.stopped,
        "skipped": False,
    }


def to_line(values: dict[str, Any], encoding: str) -> str:
    """Write an object as one line of JSON.

    Args:
        values: What to write.
        encoding: Of the stream that the line goes to.

    Returns:
        The line, without its end. What the stream cannot hold, such as bytes
        of a file's name that are no text, is escaped.
    """
    line = json.dumps(values, ensure_ascii=False)
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(values)
    return line


def _size(path: Path) -> list[int] | None:
    try:
        return list(open_picture(path).size)
    except ImageError:
        return None
