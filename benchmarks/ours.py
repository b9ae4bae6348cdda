"""Our own side, through the library and with the memory settings of the command."""

from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any, Literal

import torch
from torch import Tensor

from benchmarks import CONTENT, STYLE
from benchmarks.judge import PeerObjective
from benchmarks.process import peak_memory
from styletransfer.device.device import choose_precision, retain_memory
from styletransfer.images.tensors import read_image
from styletransfer.settings import Settings
from styletransfer.transfer.objective import Objective
from styletransfer.transfer.optimize import Losses, optimize
from styletransfer.transfer.pyramid import Scale, plan
from styletransfer.transfer.resizing import pad_to_multiple
from styletransfer.transfer.stylize import Step, encoder_for, enlarge, resize, stylize

Precision = Literal["auto", "float32", "bfloat16"]

NEAR = 1.5
"""Where our own account of the loss is within this factor of one to be reached,
the judge is asked after every step."""


def iteration(size: int, warm_up: int, steps: int) -> float:
    """Time an iteration of a run at one size, with everything that belongs to it.

    Args:
        size: Longest side in pixels.
        warm_up: Steps before those that are timed.
        steps: Steps that are timed.

    Returns:
        The median, in seconds.
    """
    retain_memory()
    ticks: list[float] = []

    def tick(step: Step) -> None:
        ticks.append(perf_counter())

    settings = Settings(size=size, min_size=size, iterations=(warm_up + steps,), device="cpu")
    stylize(read_image(CONTENT), read_image(STYLE), settings, on_step=tick)
    seconds = [after - before for before, after in pairwise(ticks)]
    return median(seconds[-steps:])


def memory(size: int, steps: int) -> int:
    """The peak of memory of a run from coarse to fine, in bytes above that of the imports.

    Args:
        size: Longest side in pixels.
        steps: Steps at each size of the run.
    """
    imported = peak_memory()
    retain_memory()
    settings = Settings(size=size, iterations=(steps,), device="cpu")
    stylize(read_image(CONTENT), read_image(STYLE), settings)
    return peak_memory() - imported


def judge(pictures: str) -> dict[str, Any]:
    """Evaluate the peer's loss of the peer's images, in float32.

    Args:
        pictures: The file that `peer.run` wrote.

    Returns:
        The loss of the content, where the peer starts, and of each image.
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
    """Minimize the peer's loss with our optimizer and kernels, from the same start.

    Args:
        pictures: The file that `peer.run` wrote.
        losses: To be reached by the float32 judge's account, descending.
        limit: Steps to take at most, at the pictures' own size.
        precision: Of our network.
        coarse_to_fine: Whether to begin with smaller pictures, as the command does.

    Returns:
        Seconds from the start, with all targets of the first size computed, to
        each loss; None where it was not reached. The judge's own time does not count.
    """
    retain_memory()
    stored = torch.load(pictures, weights_only=True)
    longest = max(stored["content"].shape[2:])
    settings = Settings(device="cpu", precision=precision, size=longest)
    if not coarse_to_fine:
        settings = settings.with_values({"min_size": longest})
    race = _Race(losses, _peer_objective(stored, "float32"))
    first = stored["content"]
    scales = plan(first.shape[3], first.shape[2], settings)
    image = resize(first, scales[0].width, scales[0].height)
    for scale in scales:
        objective = _peer_objective(_resized(stored, scale), precision)
        race.started = race.started or perf_counter()
        at_last = scale is scales[-1]
        image = optimize(
            objective,
            enlarge(image, first, scale.width, scale.height),
            limit if at_last else scale.iterations,
            settings,
            race.on_step if at_last else None,
        ).image
    return [*race.seconds, *[None] * (len(losses) - len(race.seconds))]


def _resized(stored: dict[str, Tensor], scale: Scale) -> dict[str, Tensor]:
    """Both pictures at another size; the style has as many pixels in proportion."""
    content, style = stored["content"], stored["style"]
    share = scale.width / content.shape[3]
    return {
        "content": resize(content, scale.width, scale.height),
        "style": resize(style, round(style.shape[3] * share), round(style.shape[2] * share)),
    }


class _Race:
    """Tells when the losses were reached, with the judge's time taken out."""

    def __init__(self, losses: list[float], judge: PeerObjective) -> None:
        self.losses = losses
        self.judge = judge
        self.seconds: list[float] = []
        self.started = 0.0

    def on_step(self, step: int, losses: Losses, image: Tensor) -> bool:
        now = perf_counter()
        if losses.total <= NEAR * self.losses[len(self.seconds)]:
            judged = self.judge.loss(image)
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
    """Paint the same picture in float32 and in bfloat16.

    Args:
        size: Longest side in pixels.
        iterations: Steps at each size; None: the defaults.

    Returns:
        The float32 loss of both results; the mean and the largest difference
        of their pixels, in levels of 255. None: the processor would only
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
    ratio = size / max(style.shape[2:])
    objective = Objective(
        encoder_for(base.with_values({"precision": "float32"})),
        pad_to_multiple(resize(content, width, height)),
        [resize(style, round(style.shape[3] * ratio), round(style.shape[2] * ratio))],
        base,
    )
    with torch.no_grad():
        losses = [torch.stack(objective(pad_to_multiple(image))).sum().item() for image in images]
    difference = (images[0] - images[1]).abs() * 255
    return {
        "losses": dict(zip(names, losses, strict=True)),
        "mean": difference.mean().item(),
        "largest": difference.max().item(),
    }
