"""Made-up results for the tests of the report."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from styletransfer.runs.jobs import PictureResult
from styletransfer.runs.loss_log import Entry
from styletransfer.settings import Settings
from styletransfer.transfer.objective import Losses
from tests.support.pictures import noise

SIZE = (96, 64)
COLOURS = ("crimson", "seagreen", "royalblue", "goldenrod", "purple", "teal")
"""Colours of the results, in order."""

ONE = [Settings(tv_weight=0.0, size=96)]
FOUR = [Settings(tv_weight=value) for value in (0.0, 0.3, 1.0, 3.0)]
SIX = [Settings(style_weight=s, tv_weight=t) for s, t in product((1.0, 14.0), (0.0, 1.0, 3.0))]


def entry(number: int, settings: Settings, **changes: Any) -> Entry:
    """The log entry of an iteration, from 1: four at a small size, the others at `SIZE`.

    The TV term is evaluated only if it has a weight.
    """
    width, height = (48, 32) if number < 5 else SIZE
    content, style, tv = 0.5 - 0.1 / number, 1.0 / number, 0.01 * number
    losses = Losses(
        content * settings.content_weight,
        style * settings.style_weight,
        tv * settings.tv_weight,
    )
    values: dict[str, Any] = {
        "iteration": number,
        "size_iteration": (number - 1) % 4 + 1,
        "width": width,
        "height": height,
        "content": content,
        "style": style,
        "tv": tv if settings.tv_weight else None,
        "weighted_content": losses.content,
        "weighted_style": losses.style,
        "weighted_tv": losses.tv,
        "total": losses.total,
        "content_weight": settings.content_weight,
        "style_weight": settings.style_weight,
        "tv_weight": settings.tv_weight,
        "seconds": 0.25 * number,
    }
    return Entry(**values | changes)


def entries(settings: Settings, **changes: Any) -> list[Entry]:
    """A run of eight iterations at two sizes."""
    return [entry(number, settings, **changes) for number in range(1, 9)]


def results(
    folder: Path,
    settings: Sequence[Settings],
    name: str = "content.png",
    suffix: str = ".png",
    **changes: Any,
) -> list[PictureResult]:
    """Saved results of a single colour with fine noise; the content is half black, half white."""
    content = Image.new("RGB", (192, 128), "white")
    ImageDraw.Draw(content).rectangle((0, 0, 95, 127), fill="black")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    content.save(folder / name, "PNG")
    made = []
    for number, (each, colour) in enumerate(zip(settings, COLOURS, strict=False), 1):
        path = folder / f"out-{number}{suffix}"
        grain = np.asarray(noise(*SIZE, seed=number), np.float64) - 127.5
        levels = np.asarray(Image.new("RGB", SIZE, colour), np.float64) + 0.1 * grain
        Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(path)
        run = entries(each)
        values: dict[str, Any] = {
            "path": path,
            "settings": each,
            "content": folder / name,
            "width": SIZE[0],
            "height": SIZE[1],
            "losses": Losses(run[-1].weighted_content, run[-1].weighted_style, run[-1].weighted_tv),
            "seconds": 12.3,
            "device": "cpu",
            "precision": "float32",
            "stopped": False,
            "entries": run,
        }
        made.append(PictureResult(**values | changes))
    return made


def styles(folder: Path, *names: str) -> list[Path]:
    """Saved style pictures of noise."""
    paths = [folder / name for name in names or ("style.png",)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise(40, 56, seed=9).save(path, "PNG")
    return paths
