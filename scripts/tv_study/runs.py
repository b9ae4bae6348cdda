"""The runs of the study and their measurements."""

from __future__ import annotations

import math
import time
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from scripts.tv_study.measures import alternation, crop, spread
from styletransfer.images.tensors import read_image
from styletransfer.report.quality import edge_sharpness, noise
from styletransfer.settings import Settings
from styletransfer.transfer.plan import encoder_for
from styletransfer.transfer.resizing import resize_to_side
from styletransfer.transfer.stylize import stylize
from styletransfer.transfer.targets import SharedTargets
from styletransfer.transfer.total_variation import total_variation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from styletransfer.choices import TVForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A sample content with a sample style."""

    content: str
    """Name of the file in samples/content, without suffix."""

    style: str
    """Name of the file in samples/style, without suffix."""

    region: tuple[float, float, float, float]
    """Left, top, right and bottom of a part of uniform colour, as fractions of the sides."""

    detail: tuple[float, float]
    """Centre of the crop that is shown enlarged, as fractions of the sides."""


PAIRS = (
    Pair(  # The region is the saucer.
        content="coffee",
        style="langlois_bridge",
        region=(0.19, 0.56, 0.31, 0.76),
        detail=(0.33, 0.62),
    ),
    Pair(  # The region is the blurred background.
        content="cat", style="night_cafe", region=(0.91, 0.03, 0.995, 0.22), detail=(0.42, 0.42)
    ),
)


@dataclass(frozen=True, slots=True)
class Run:
    """The settings of a run that differ from the defaults."""

    content: str
    """Name of the content; it also determines the style."""

    size: int
    """Longest side in pixels."""

    form: TVForm = "isotropic"
    tv_weight: float = Settings().tv_weight
    content_weight: float = Settings().content_weight
    style_weight: float = Settings().style_weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The measurements of a run, in levels of 255 unless stated otherwise."""

    noise: float
    """`quality.noise`."""

    edges: float
    """`quality.edge_sharpness`, relative to the content."""

    tv: float
    """Isotropic total variation per pixel and channel."""

    tv_share: float
    """Share of the TV term in the loss, 0 to 1."""

    columns: float
    """`Alternation.columns`."""

    rows: float
    """`Alternation.rows`."""

    checkerboard: float
    """`Alternation.checkerboard`."""

    spread: float
    """`spread` of the pixels of the uniform region."""

    blotches: float
    """`spread` of means over 4×4 pixels of the uniform region."""


@dataclass(frozen=True, slots=True)
class Stylized:
    """The result of a run."""

    image: Tensor
    """Shape (1, 3, H, W), RGB in [0, 1]."""

    losses: tuple[float, float, float]
    """Weighted content, style and TV loss."""


class Runner:
    """Computes and measures runs; results are cached in a folder.

    Args:
        samples: The folder of the samples.
        cache: The folder of the results. Delete it when the method has changed.
        iterations: Iterations at each size.
    """

    def __init__(self, samples: Path, cache: Path, iterations: tuple[int, ...]) -> None:
        self.cache = cache
        self.iterations = iterations
        cache.mkdir(parents=True, exist_ok=True)
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
        """The content of a run at its size, shape (1, 3, H, W), RGB in [0, 1]."""
        return resize_to_side(self.contents[run.content], run.size)

    def stylize(self, run: Run) -> Stylized:
        """Return the result of a run, from the cache if it is there."""
        words = map(str, (*astuple(run), *self.iterations))
        path = self.cache / f"{'-'.join(words)}.pt"
        if not path.exists():
            started = time.perf_counter()
            result = self._compute(run)
            partial = path.with_suffix(".part")
            torch.save((result.image, result.losses), partial)
            partial.rename(path)
            print(f"{time.perf_counter() - started:6.1f} s  {path.stem}", flush=True)
        image, losses = torch.load(path, weights_only=True)
        return Stylized(image, losses)

    def _compute(self, run: Run) -> Stylized:
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
        losses = result.losses
        return Stylized(result.image, (losses.content, losses.style, losses.tv))

    def measure(self, run: Run) -> Found:
        """Measure the result of a run."""
        if run not in self.found:
            self.found[run] = self._measure(run)
        return self.found[run]

    def _measure(self, run: Run) -> Found:
        result, content = self.stylize(run), self.content(run)
        image = result.image
        _, _, tv = result.losses
        edges = edge_sharpness(image, content)
        region = crop(image, self.pairs[run.content].region)
        patterns = alternation(image, content)
        return Found(
            noise=255 * noise(image, content),
            edges=math.nan if edges is None else edges,
            tv=255 * total_variation(image).item() / (image.shape[2] * image.shape[3]),
            tv_share=tv / sum(result.losses),
            columns=patterns.columns,
            rows=patterns.rows,
            checkerboard=patterns.checkerboard,
            spread=spread(region),
            blotches=spread(functional.avg_pool2d(region, 4)),
        )

    def match(self, run: Run, tried: Sequence[Run], target: float) -> None:
        """Measure runs with weights that should bring the noise to a target.

        Args:
            run: The run; its weight is varied, up to a factor of 3 beyond those tried.
            tried: The same run with other positive weights, in ascending order.
            target: The noise in levels of 255.
        """
        points = [(each.tv_weight, self.measure(each).noise) for each in tried]
        least, most = points[0][0] / 3, points[-1][0] * 3
        for _ in range(2):
            if min(abs(noise / target - 1) for _, noise in points) < 0.03:
                return
            weight = float(f"{min(max(weight_at(target, points), least), most):.3g}")
            noise = self.measure(replace(run, tv_weight=weight)).noise
            points = sorted({*points, (weight, noise)})


def weight_at(value: float, points: Sequence[tuple[float, float]]) -> float:
    """Interpolate the weight at which a falling measure has a given value.

    Both axes are logarithmic. Beyond the points, the nearest two are extrapolated.

    Args:
        value: The value of the measure, positive.
        points: Weights in ascending order and the measure at each, all positive.

    Example:
        >>> round(weight_at(4, [(1, 8), (4, 2), (16, 1)]), 6)
        2.0
    """
    places = range(1, len(points))
    last = next((place for place in places if points[place][1] <= value), len(points) - 1)
    (weight, before), (heavier, after) = points[last - 1 : last + 1]
    if before == after:
        return weight
    share = math.log(value / before) / math.log(after / before)
    return weight * math.exp(share * math.log(heavier / weight))
