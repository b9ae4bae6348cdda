"""The borders of a picture are painted like its inside."""

from pathlib import Path

import pytest
import torch

from styletransfer import Settings, read_image, stylize

STYLES = Path(__file__).parents[2] / "samples" / "style"

MARGIN = 8
"""Pixels from the border."""


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize("style", ["church_at_auvers", "langlois_bridge"])
@pytest.mark.parametrize("level", [0.2, 0.8])
def test_a_flat_picture_gets_no_frame(level: float, style: str) -> None:
    flat = torch.full((1, 3, 80, 112), level)
    image = stylize(flat, read_image(STYLES / f"{style}.jpg"), Settings(precision="float32")).image
    change = (image - flat).abs()
    inside = change[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    outside = (change.sum() - inside.sum()) / (change.numel() - inside.numel())
    assert outside <= 1.5 * inside.mean()


@pytest.mark.slow
@pytest.mark.weights
def test_a_pattern_has_no_seam() -> None:
    settings = Settings(
        tileable=True, content_weight=0.0, init="noise", size=96, precision="float32"
    )
    style = read_image(STYLES / "church_at_auvers.jpg")
    image = stylize(torch.zeros(1, 3, 64, 96), style, settings).image
    for dim in (2, 3):
        steps = (image.roll(-1, dim) - image).abs().mean([0, 1, 5 - dim])
        assert steps[-1] <= 1.5 * steps[:-1].mean()
