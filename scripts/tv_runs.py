"""The runs of the study of total variation: what is painted, kept, and measured.

Part of `scripts/tv_study.py`.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from scripts.tv_measures import crop, nyquist, spread
from styletransfer.images.tensors import read_image
from styletransfer.report.quality import edge_sharpness, noise
from styletransfer.settings import Settings
from styletransfer.transfer.pyramid import fit
from styletransfer.transfer.stylize import SharedTargets, encoder_for, resize, stylize
from styletransfer.transfer.total_variation import total_variation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from styletransfer.settings import TVForm


class Pair(NamedTuple):
    """A sample photograph and a sample painting, and where in the photograph to look."""

    content: str
    """Name of the file in samples/content, without suffix."""

    style: str
    """Name of the file in samples/style, without suffix."""

    region: tuple[float, float, float, float]
    """Left, top, right and bottom of a part of one colour, as shares of the sides."""

    detail: tuple[float, float]
    """The middle of what is shown enlarged, as shares of the sides."""


PAIRS = (
    Pair("coffee", "langlois_bridge", (0.19, 0.56, 0.31, 0.76), (0.33, 0.62)),
    Pair("cat", "night_cafe", (0.91, 0.03, 0.995, 0.22), (0.42, 0.42)),
)
"""The coffee's part of one colour is its saucer, the cat's the blurred room behind it."""


class Run(NamedTuple):
    """What is painted; all else is the defaults."""

    content: str
    """Of a pair, by the name of its content."""

    size: int
    """Longest side in pixels."""

    form: TVForm = "isotropic"
    tv_weight: float = Settings().tv_weight
    content_weight: float = Settings().content_weight
    style_weight: float = Settings().style_weight


class Found(NamedTuple):
    """What is measured on a run; levels are of 255."""

    noise: float
    """`quality.noise`, in levels."""

    edges: float
    """`quality.edge_sharpness`."""

    tv: float
    """Isotropic total variation per pixel and channel, in levels."""

    tv_share: float
    """The TV term's share of the loss, 0 to 1."""

    columns: float
    """`nyquist` along x, in levels."""

    rows: float
    """`nyquist` along y, in levels."""

    checkerboard: float
    """`nyquist` along both, in levels."""

    spread: float
    """`spread` of single pixels, in levels."""

    blotches: float
    """`spread` of the means of 4×4 pixels, in levels."""


class Studio:
    """Paints runs, each only once: the images are kept in a folder.

    Args:
        samples: The folder of the samples.
        kept: Where the images are kept. It must be emptied by hand when the
            method has changed.
        iterations: Steps at each size.
    """

    def __init__(self, samples: Path, kept: Path, iterations: tuple[int, ...]) -> None:
        self.kept = kept
        self.iterations = iterations
        kept.mkdir(parents=True, exist_ok=True)
        self.pairs = {pair.content: pair for pair in PAIRS}
        self.contents = {
            pair.content: read_image(samples / "content" / f"{pair.content}.jpg") for pair in PAIRS
        }
        self.styles = {
            pair.content: read_image(samples / "style" / f"{pair.style}.jpg") for pair in PAIRS
        }
        self.targets = {pair.content: SharedTargets() for pair in PAIRS}
        self.found: dict[Run, Found] = {}

    def content(self, run: Run) -> Tensor:
        """The photograph of a run, at its size."""
        content = self.contents[run.content]
        return resize(content, *fit(content.shape[3], content.shape[2], run.size))

    def paint(self, run: Run) -> tuple[Tensor, tuple[float, float, float]]:
        """Paint a run, or fetch it.

        Returns:
            The result, shape (1, 3, H, W), RGB in [0, 1], and its weighted
            content, style and TV terms.
        """
        words = (*run, *self.iterations)
        path = self.kept / f"{'-'.join(map(str, words))}.pt"
        if not path.exists():
            started = time.perf_counter()
            settings = Settings(
                size=run.size,
                iterations=self.iterations,
                tv_form=run.form,
                tv_weight=run.tv_weight,
                content_weight=run.content_weight,
                style_weight=run.style_weight,
            )
            result = stylize(
                self.contents[run.content],
                self.styles[run.content],
                settings,
                encoder=encoder_for(settings),
                targets=self.targets[run.content],
            )
            unfinished = path.with_suffix(".part")
            torch.save((result.image, tuple(result.losses)), unfinished)
            unfinished.rename(path)
            print(f"{time.perf_counter() - started:6.1f} s  {' '.join(map(str, run))}", flush=True)
        image, losses = torch.load(path, weights_only=True)
        return image, losses

    def measure(self, run: Run) -> Found:
        """Paint a run, and measure it."""
        if run not in self.found:
            image, losses = self.paint(run)
            content = self.content(run)
            edges = edge_sharpness(image, content)
            region = crop(image, self.pairs[run.content].region)
            columns, rows, checkerboard = nyquist(image, content)
            self.found[run] = Found(
                noise=255 * noise(image, content),
                edges=math.nan if edges is None else edges,
                tv=255 * total_variation(image).item() / (image.shape[2] * image.shape[3]),
                tv_share=losses[2] / sum(losses),
                columns=columns,
                rows=rows,
                checkerboard=checkerboard,
                spread=spread(region),
                blotches=spread(functional.avg_pool2d(region, 4)),
            )
        return self.found[run]

    def match(self, run: Run, tried: Sequence[Run], target: float) -> None:
        """Paint a run with the weights at which its noise should come to a target.

        Args:
            run: Its weight is what is looked for, up to three times beyond those tried.
            tried: Such runs with other weights above 0, from small to large.
            target: Noise in levels.
        """
        points = [(each.tv_weight, self.measure(each).noise) for each in tried]
        least, most = points[0][0] / 3, points[-1][0] * 3
        for _ in range(2):
            if min(abs(noise / target - 1) for _, noise in points) < 0.03:
                return
            weight = float(f"{min(max(weight_at(target, points), least), most):.3g}")
            noise = self.measure(run._replace(tv_weight=weight)).noise
            points = sorted({*points, (weight, noise)})


def weight_at(left: float, points: Sequence[tuple[float, float]]) -> float:
    """The weight that leaves so much of a measure, read between the nearest known ones.

    Args:
        left: Of the measure, above 0.
        points: Weights above 0, from small to large, and what each leaves, above 0.

    Returns:
        A weight on the line through two points, both axes being logarithms:
        those on either side of it, or the nearest where there is but one side.

    Example:
        >>> round(weight_at(4, [(1, 8), (4, 2), (16, 1)]), 6)
        2.0
    """
    places = range(1, len(points))
    last = next((place for place in places if points[place][1] <= left), len(points) - 1)
    (weight, before), (heavier, after) = points[last - 1 : last + 1]
    if before == after:
        return weight
    share = math.log(left / before) / math.log(after / before)
    return weight * math.exp(share * math.log(heavier / weight))
