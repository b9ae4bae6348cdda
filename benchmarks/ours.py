"""Our side: the library with the memory settings of the command."""

from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from benchmarks import CONTENT, STYLE
from benchmarks.judge import PeerObjective
from benchmarks.process import peak_memory
from styletransfer.choices import Precision
from styletransfer.device.device import choose_precision, retain_memory
from styletransfer.images.tensors import read_image
from styletransfer.settings import Settings
from styletransfer.transfer.objective import Objective
from styletransfer.transfer.optimize import Descent, optimize
from styletransfer.transfer.plan import encoder_for
from styletransfer.transfer.pyramid import Scale, plan_scales
from styletransfer.transfer.resizing import (
    enlarge_change,
    pad_to_multiple,
    resize,
    resize_to_side,
)
from styletransfer.transfer.stylize import Step, stylize

NEAR = 1.5
"""The judge evaluates a step only if our own loss is within this factor of the next one
to reach."""


def iteration(size: int, warm_up: int, steps: int, precision: Precision) -> float:
    """Time an iteration of a run at one size, with all its overhead.

    Args:
        size: Longest side in pixels.
        warm_up: Steps before the timed ones.
        steps: Timed steps.
        precision: Number format of our network.

    Returns:
        The median in seconds.
    """
    retain_memory()
    ticks: list[float] = []

    def tick(step: Step) -> None:
        ticks.append(perf_counter())

    iterations = (warm_up + steps,)
    settings = Settings(
        size=size, min_size=size, iterations=iterations, device="cpu", precision=precision
    )
    stylize(read_image(CONTENT), read_image(STYLE), settings, on_step=tick)
    seconds = [after - before for before, after in pairwise(ticks)]
    return median(seconds[-steps:])


def memory(size: int, steps: int, precision: Precision) -> int:
    """Measure the peak memory of a coarse-to-fine run, minus that of the imports, in bytes.

    Args:
        size: Longest side in pixels.
        steps: Steps at each size.
        precision: Number format of our network.
    """
    imported = peak_memory()
    retain_memory()
    settings = Settings(size=size, iterations=(steps,), device="cpu", precision=precision)
    stylize(read_image(CONTENT), read_image(STYLE), settings)
    return peak_memory() - imported


def judge(pictures: str) -> dict[str, Any]:
    """Evaluate the peer's loss on the peer's images in float32.

    Args:
        pictures: The file that `peer.run` wrote.

    Returns:
        The loss of the content, which is the peer's start, and of each image.
    """
    stored = torch.load(pictures, weights_only=True)
    objective = _peer_objective(stored, "float32")
    return {
        "start_loss": objective.loss(stored["content"]),
        "losses": [objective.loss(image) for image in stored["images"]],
    }


def reach(
    pictures: str, losses: list[float], limit: int, precision: Precision, coarse_to_fine: bool
) -> list[float | None]:
    """Minimize the peer's loss with our optimizer and kernels, from the peer's start.

    Args:
        pictures: The file that `peer.run` wrote.
        losses: The losses to reach, as evaluated in float32, descending.
        limit: Maximum number of steps at the final size.
        precision: Number format of our network.
        coarse_to_fine: Whether to start at smaller sizes, as the command does.

    Returns:
        Seconds to each loss, without the targets of the first size and without
        the judge; None if the loss was not reached.
    """
    retain_memory()
    stored = torch.load(pictures, weights_only=True)
    longest = max(stored["content"].shape[2:])
    settings = Settings(device="cpu", precision=precision, size=longest)
    if not coarse_to_fine:
        settings = settings.with_values({"min_size": longest})
    race = _Race(losses, _peer_objective(stored, "float32"))
    first = stored["content"]
    scales = plan_scales(first.shape[3], first.shape[2], settings)
    image = resize(first, *scales[0].size)
    for scale in scales:
        objective = _peer_objective(_resized(stored, scale), precision)
        race.started = race.started or perf_counter()
        at_last = scale is scales[-1]
        image = optimize(
            objective,
            enlarge_change(image, first, *scale.size),
            limit if at_last else scale.iterations,
            settings,
            race.on_step if at_last else None,
        ).image
    return [*race.seconds, *[None] * (len(losses) - len(race.seconds))]


def _resized(stored: dict[str, Tensor], scale: Scale) -> dict[str, Tensor]:
    """Content and style at another size, scaled by the same factor."""
    content, style = stored["content"], stored["style"]
    share = scale.width / content.shape[3]
    return {
        "content": resize(content, *scale.size),
        "style": resize(style, round(style.shape[3] * share), round(style.shape[2] * share)),
    }


class _Race:
    """Records when each loss is reached, not counting the time of the judge."""

    def __init__(self, losses: list[float], judge: PeerObjective) -> None:
        self.losses = losses
        self.judge = judge
        self.seconds: list[float] = []
        self.started = 0.0

    def on_step(self, descent: Descent) -> bool:
        now = perf_counter()
        if descent.losses.total <= NEAR * self.losses[len(self.seconds)]:
            judged = self.judge.loss(descent.image)
            while len(self.seconds) < len(self.losses) and (
                judged <= self.losses[len(self.seconds)]
            ):
                self.seconds.append(now - self.started)
        self.started += perf_counter() - now
        return len(self.seconds) == len(self.losses)


def _peer_objective(stored: dict[str, Any], precision: Precision) -> PeerObjective:
    encoder = encoder_for(Settings(device="cpu", precision=precision))
    return PeerObjective(encoder, stored["content"], stored["style"])


def precisions(size: int, iterations: list[int] | None) -> dict[str, Any] | None:
    """Compare a run in float32 with one in bfloat16.

    Args:
        size: Longest side in pixels.
        iterations: Iterations at each size; None: the defaults.

    Returns:
        The loss of both results evaluated in float32, and the mean and largest
        difference of their pixels in levels of 255. None if the processor would
        emulate bfloat16, which may take hours.
    """
    if choose_precision("auto", torch.device("cpu")).dtype == torch.float32:
        return None
    retain_memory()
    base = Settings(size=size, device="cpu")
    if iterations is not None:
        base = base.with_values({"iterations": iterations})
    content, style = read_image(CONTENT), read_image(STYLE)
    names: tuple[Precision, ...] = ("float32", "bfloat16")
    images = [
        stylize(content, style, base.with_values({"precision": name})).image for name in names
    ]
    height, width = images[0].shape[2:]
    objective = Objective(
        encoder_for(base.with_values({"precision": "float32"})),
        pad_to_multiple(resize(content, width, height)),
        [resize_to_side(style, size)],
        base,
    )
    with torch.no_grad():
        losses = [objective(pad_to_multiple(image)).total.item() for image in images]
    difference = (images[0] - images[1]).abs() * 255
    return {
        "losses": dict(zip(names, losses, strict=True)),
        "mean": difference.mean().item(),
        "largest": difference.max().item(),
    }
