"""What the page of a report tells about results: numbers, curves, settings, commands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import ImageColor

from styletransfer.images.tensors import open_picture, to_picture, to_tensor
from styletransfer.report.choices import picker
from styletransfer.report.data_uri import embed_file, embed_picture
from styletransfer.report.repeat_command import repeat_command
from styletransfer.runs.resolve import shown
from styletransfer.settings import Settings, field_names
from styletransfer.weight_guide import WEIGHT_GUIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from torch import Tensor

    from styletransfer.report.quality import Quality
    from styletransfer.runs.loss_log import Entry
    from styletransfer.runs.painting import PictureResult

TEMPLATES = Path(__file__).resolve().parent / "templates"
"""Folder of what every page is made of."""

STYLE_SIDE = 512
"""The longest side of an embedded style in pixels."""

LEVELS = 255
"""Noise is told in levels of 8 bits."""

_DEFAULTS = Settings()


def page(paintings: Sequence[PictureResult], styles: Sequence[Path]) -> dict[str, Any]:
    """Gather what the template shows.

    Args:
        paintings: The results, one or more, all of one content and of one size.
        styles: The style pictures.

    Returns:
        Values by the names that the template knows.

    Raises:
        ImageError: If a picture cannot be read again.
    """
    from styletransfer.report.loss_chart import limits

    first, background = paintings[0], paintings[0].settings.background
    content = _content(first, background)
    choices, places, titles = picker([painting.settings for painting in paintings])
    within = limits([painting.entries for painting in paintings])
    red, green, blue = ImageColor.getrgb(background)[:3]
    return {
        "content": {"name": first.content.name, "uri": embed_picture(to_picture(content))},
        "styles": [
            {
                "name": path.name,
                "uri": embed_picture(open_picture(path, background=background), STYLE_SIDE),
            }
            for path in styles
        ],
        "width": first.width,
        "height": first.height,
        "background": f"#{red:02x}{green:02x}{blue:02x}",
        "choices": choices,
        "before": _quality(content, content),
        "exhibits": [
            {
                "title": title,
                "place": " ".join(map(str, place)),
                "labels": [choice.labels[at] for choice, at in zip(choices, place, strict=True)],
                **_result(number, painting, styles, content, within),
            }
            for number, (painting, place, title) in enumerate(
                zip(paintings, places, titles, strict=True), 1
            )
        ],
        "weights": _weights(),
        "settings": settings_table([painting.settings for painting in paintings]),
    }


def _weights() -> list[dict[str, Any]]:
    """What some values of the three weights look like, with a picture for each weight."""
    return [
        {
            "name": name,
            "uri": embed_file(TEMPLATES / f"{name}.jpg"),
            "meaning": anchors.meaning,
            "looks": [(shown(value), look) for value, look in anchors.looks.items()],
        }
        for name, anchors in WEIGHT_GUIDE.items()
    ]


def settings_table(settings: Sequence[Settings]) -> list[dict[str, Any]]:
    """List all settings: the values they have, the default, and whether those are the same.

    Args:
        settings: Of the results.

    Returns:
        Rows with the keys ``name``, ``value``, ``default`` and ``differs``.
    """
    rows = []
    for name in field_names():
        values = list(dict.fromkeys(getattr(each, name) for each in settings))
        default = getattr(_DEFAULTS, name)
        rows.append(
            {
                "name": name,
                "value": " | ".join(map(_word, values)),
                "default": _word(default),
                "differs": values != [default],
            }
        )
    return rows


def _result(
    number: int,
    painting: PictureResult,
    styles: Sequence[Path],
    content: Tensor,
    within: tuple[float, float] | None,
) -> dict[str, Any]:
    """What the template shows of one result, apart from its place in the picker."""
    settings = painting.settings
    command = repeat_command(painting.content, styles, painting.path, settings)
    return {
        "id": f"result-{number}",
        "name": painting.path.name,
        "uri": embed_file(painting.path),
        "curves": _curves(painting.entries, within, number),
        "terms": terms_table(painting, settings),
        "total": painting.losses.total,
        "quality": _quality(_image(painting, settings, content), content),
        "facts": _facts(painting),
        "stopped": painting.stopped,
        "command": [shlex.quote(word) for word in command],
    }


def _curves(
    entries: Sequence[Entry], within: tuple[float, float] | None, number: int
) -> Markup | None:
    from markupsafe import Markup

    from styletransfer.report.loss_chart import draw

    if within is None or not entries:
        return None
    return Markup(draw(entries, within, f"curves-{number}"))


def terms_table(painting: PictureResult, settings: Settings) -> list[dict[str, Any]]:
    """List the terms of a result: without weight, the weight, their product, its share.

    Returns:
        Rows with the keys ``name``, ``term`` (None: not evaluated), ``weight``,
        ``weighted`` and ``share``.
    """
    total = painting.losses.total or 1.0
    rows = []
    for name, weighted in painting.losses._asdict().items():
        weight: float = getattr(settings, f"{name}_weight")
        rows.append(
            {
                "name": name,
                "term": weighted / weight if weight else None,
                "weight": shown(weight),
                "weighted": weighted,
                "share": weighted / total,
            }
        )
    return rows


def _facts(painting: PictureResult) -> list[str]:
    steps = len(painting.entries)
    return [
        f"{painting.width}×{painting.height} px",
        *([f"{steps} steps"] if steps else []),
        f"{painting.seconds:.0f} s" if painting.seconds >= 10 else f"{painting.seconds:.1f} s",
        f"{painting.device}, {painting.precision}",
    ]


def _content(painting: PictureResult, background: str) -> Tensor:
    """The content at the size of its result, shape (1, 3, H, W), as painting saw it."""
    from styletransfer.transfer.stylize import resize

    picture = open_picture(painting.content, background=background)
    return resize(to_tensor(picture), painting.width, painting.height)


def _image(painting: PictureResult, settings: Settings, content: Tensor) -> Tensor:
    """The result as it was saved, of the content's shape."""
    from styletransfer.transfer.stylize import resize

    picture = open_picture(painting.path, background=settings.background)
    height, width = content.shape[2:]
    return resize(to_tensor(picture), width, height)


def _quality(image: Tensor, content: Tensor) -> dict[str, str]:
    from styletransfer.report.quality import measure

    found: Quality = measure(image, content)
    edges = found.edge_sharpness
    return {
        "noise": f"{found.noise * LEVELS:.2f}",
        "edges": "–" if edges is None else f"{edges:.2f}",
        "tv": f"{found.tv:.4f}",
    }


def _word(value: Any) -> str:
    return "not set" if value is None else shown(value)
