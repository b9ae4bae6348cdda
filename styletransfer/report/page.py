"""The contents of the report page: pictures, numbers, charts, settings and commands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import ImageColor

from styletransfer.images.tensors import open_picture, to_picture, to_tensor
from styletransfer.masks.region_masks import mask_files
from styletransfer.option_text import format_value
from styletransfer.report.choices import Selector, build_selector
from styletransfer.report.data_uri import embed_file, embed_picture, embed_svg
from styletransfer.report.loss_chart import DARK, LIGHT, axis_limits, draw_chart
from styletransfer.runs.repeat_command import repeat_command
from styletransfer.settings import Settings, field_names
from styletransfer.weight_guide import WEIGHT_GUIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from styletransfer.report.quality import Quality
    from styletransfer.runs.jobs import PictureResult
    from styletransfer.runs.loss_log import Entry

TEMPLATES = Path(__file__).resolve().parent / "templates"
"""The folder of the page's template, style sheet, script and example pictures."""

STYLE_SIDE = 512
"""Longest side of an embedded style picture or mask, in pixels."""

LEVELS = 255
"""Noise is shown in 8-bit levels."""

_DEFAULTS = Settings()


def page_values(results: Sequence[PictureResult], styles: Sequence[Path]) -> dict[str, Any]:
    """Collect everything that the template shows.

    Args:
        results: At least one result; all of the same content and size.
        styles: The style pictures.

    Returns:
        The template's variables by name.

    Raises:
        ImageError: If a picture cannot be read.
    """
    first, background = results[0], results[0].settings.background
    content = _content_image(first, background)
    selector = build_selector([result.settings for result in results])
    red, green, blue = ImageColor.getrgb(background)[:3]
    return {
        "content": {"name": first.content.name, "uri": embed_picture(to_picture(content))},
        "content_quality": _quality(content, content),
        "styles": [_thumbnail(path, background) for path in styles],
        "masks": [_thumbnail(path, background) for path in mask_files(first.settings)],
        "width": first.width,
        "height": first.height,
        "background": f"#{red:02x}{green:02x}{blue:02x}",
        "choices": selector.choices,
        "results": _results(results, selector, styles, content),
        "weights": _weight_guide(),
        "settings": settings_table([result.settings for result in results]),
    }


def _results(
    results: Sequence[PictureResult], selector: Selector, styles: Sequence[Path], content: Tensor
) -> list[dict[str, Any]]:
    limits = axis_limits([result.entries for result in results])
    return [
        {
            "id": f"result-{number}",
            "title": title,
            "choice": " ".join(map(str, indices)),
            "labels": [
                choice.labels[index]
                for choice, index in zip(selector.choices, indices, strict=True)
            ],
            "charts": _charts(result.entries, limits),
            **_result(result, styles, content),
        }
        for number, (result, indices, title) in enumerate(
            zip(results, selector.indices, selector.titles, strict=True), 1
        )
    ]


def _thumbnail(path: Path, background: str) -> dict[str, str]:
    picture = open_picture(path, background=background)
    return {"name": path.name, "uri": embed_picture(picture, STYLE_SIDE)}


def _weight_guide() -> list[dict[str, Any]]:
    """The three weights, each with example values and a picture of them."""
    return [
        {
            "name": name,
            "uri": embed_file(TEMPLATES / f"{name}.jpg"),
            "meaning": guide.meaning,
            "looks": [(format_value(value), look) for value, look in guide.looks.items()],
        }
        for name, guide in WEIGHT_GUIDE.items()
    ]


def settings_table(settings: Sequence[Settings]) -> list[dict[str, Any]]:
    """List every setting with its values over all results and its default.

    Args:
        settings: The settings of each result.

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
                "value": " | ".join(map(_value, values)),
                "default": _value(default),
                "differs": values != [default],
            }
        )
    return rows


def _result(result: PictureResult, styles: Sequence[Path], content: Tensor) -> dict[str, Any]:
    """What the template shows of one result, apart from its title and charts."""
    command = repeat_command(result.content, styles, result.path, result.settings)
    return {
        "name": result.path.name,
        "uri": embed_file(result.path),
        "terms": terms_table(result),
        "total": result.losses.total,
        "quality": _quality(_result_image(result, content), content),
        "facts": _facts(result),
        "stopped": result.stopped,
        "command": [shlex.quote(word) for word in command],
    }


def _charts(entries: Sequence[Entry], limits: tuple[float, float] | None) -> dict[str, str] | None:
    """The loss chart in both colour schemes; None if there is nothing to draw."""
    if limits is None or not entries:
        return None
    palettes = {"light": LIGHT, "dark": DARK}
    return {
        scheme: embed_svg(draw_chart(entries, limits, palette))
        for scheme, palette in palettes.items()
    }


def terms_table(result: PictureResult) -> list[dict[str, Any]]:
    """List the loss terms of a result.

    Returns:
        Rows with the keys ``name``, ``term`` (unweighted; None if the weight is
        0, since the term is then not evaluated), ``weight``, ``weighted`` (their
        product) and ``share`` (of the loss, 0 to 1).
    """
    losses = result.losses
    # Those of the last iteration, where a steered run had others at the start.
    last = result.entries[-1] if result.entries else result.settings
    terms = (
        ("content", losses.content, last.content_weight),
        ("style", losses.style, last.style_weight),
        ("tv", losses.tv, last.tv_weight),
    )
    return [
        {
            "name": name,
            "term": weighted / weight if weight else None,
            "weight": format_value(weight),
            "weighted": weighted,
            "share": weighted / (losses.total or 1.0),
        }
        for name, weighted, weight in terms
    ]


def _facts(result: PictureResult) -> list[str]:
    iterations = len(result.entries)
    return [
        f"{result.width}×{result.height} px",
        *([f"{iterations} iterations"] if iterations else []),
        f"{result.seconds:.0f} s" if result.seconds >= 10 else f"{result.seconds:.1f} s",
        f"{result.device}, {result.precision}",
        *([f"regions: {result.regions}"] if result.regions else []),
    ]


def _content_image(result: PictureResult, background: str) -> Tensor:
    """The content at the size of the result, shape (1, 3, H, W), RGB in [0, 1]."""
    from styletransfer.transfer.resizing import resize

    picture = open_picture(result.content, background=background)
    return resize(to_tensor(picture), result.width, result.height)


def _result_image(result: PictureResult, content: Tensor) -> Tensor:
    """The saved result, of the content's shape, RGB in [0, 1]."""
    from styletransfer.transfer.resizing import resize

    picture = open_picture(result.path, background=result.settings.background)
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


def _value(value: Any) -> str:
    return "not set" if value is None else format_value(value)
