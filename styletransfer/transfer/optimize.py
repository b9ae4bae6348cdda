"""One size: an image is moved until the objective is low."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from styletransfer.errors import DivergenceError
from styletransfer.settings import Settings
from styletransfer.transfer.descent import LBFGS, Adam, Descent
from styletransfer.transfer.objective import Terms
from styletransfer.transfer.preconditioner import CurvaturePreconditioner, FrequencyPreconditioner
from styletransfer.transfer.pyramid import history_length

WINDOW = 10
"""Steps over which `Settings.tolerance` is judged."""

DIVERGENCE_RATIO = 100.0
"""A loss this many times the best so far is a divergence, if it also exceeds the
sum of the weights: an error of 100 % in every term. From a best of almost 0, as
where a picture starts as the content, an honest step may rise by any factor."""

MAX_DIVERGENCES = 2
"""So many divergences of one size are taken back; the next ends the run."""

REJECT_RATIO = 2.0
"""A loss this many times the best so far is taken back."""

ADAM_EXPONENT_FACTOR = 0.7
"""Factor of the preconditioner's exponent for Adam, which keeps it to the end."""

FIRST_STEP = 0.02
"""Root mean square of the first L-BFGS step, in units of [0, 1]."""


class Losses(NamedTuple):
    """The three weighted terms of one evaluation, as numbers."""

    content: float
    style: float
    tv: float

    @property
    def total(self) -> float:
        """The loss: their sum."""
        return sum(self)


OnStep = Callable[[int, Losses, Tensor], bool | None]
"""Takes the steps taken at this size, the losses and the image after them;
returning True ends the run."""


class Optimized(NamedTuple):
    """What the optimization of one size came to."""

    image: Tensor
    """The best image, shape (1, 3, H, W), clamped to [0, 1]."""

    losses: Losses
    """Its weighted terms, before the clamp."""

    iterations: int
    """Steps taken."""

    stopped: bool
    """Whether the caller asked to stop."""


def optimize(
    objective: Callable[[Tensor], Terms],
    start: Tensor,
    iterations: int,
    settings: Settings,
    on_step: OnStep | None = None,
) -> Optimized:
    """Move an image until an objective is low.

    The image may leave [0, 1] on the way and is clamped at the end: a clamp
    inside the loop makes the loss explode.

    Args:
        objective: Gives the weighted terms of an image (1, 3, H, W).
        start: The first image, shape (1, 3, H, W), RGB in [0, 1].
        iterations: Steps to take.
        settings: Optimizer, learning rate, preconditioning and tolerance.
        on_step: Called with the number of steps taken, the losses and the image
            after them; returning True ends the run after this step. The image,
            of the start's shape, may lie outside [0, 1]. It is no copy, and so
            not to be written to.

    Returns:
        The best image that was evaluated.

    Raises:
        DivergenceError: If a loss is not finite, or jumps far above the best
            again and again; the error holds the best image.
    """
    best = Best(start, settings.content_weight + settings.style_weight + settings.tv_weight)
    descent = _descent(settings, start, iterations)
    image = start
    history: list[float] = []
    stopped = False
    for step in range(iterations + 1):
        losses, gradient = _evaluate(objective, image)
        best.offer(image, gradient, losses)
        history.append(losses.total)
        stopped = step > 0 and on_step is not None and on_step(step, losses, image) is True
        if stopped or step == iterations or _settled(history, settings.tolerance):
            break
        if losses.total > REJECT_RATIO * best.losses.total:
            image, gradient = best.image, best.gradient
            descent.back_off()
        image = image + descent.step(gradient)
    return Optimized(best.image.clamp(0, 1), best.losses, step, stopped)


class Best:
    """The best image so far, and the guard against what is far worse.

    Args:
        image: What there is before the first evaluation, shape (1, 3, H, W).
        harmless: A loss up to this is no divergence, however low the best.
    """

    def __init__(self, image: Tensor, harmless: float = 0.0) -> None:
        self.image = self.gradient = image
        self.harmless = harmless
        self.divergences = 0
        self.losses = Losses(math.inf, math.inf, math.inf)

    def offer(self, image: Tensor, gradient: Tensor, losses: Losses) -> None:
        """Keep an image if it is the best.

        Args:
            image: What was evaluated, shape (1, 3, H, W).
            gradient: Of the loss in the image, of the same shape.
            losses: Its weighted terms.

        Raises:
            DivergenceError: If it or its loss is not finite, or the loss is once
                more far above the best.
        """
        # oneDNN's ReLU makes 0 of what is no number, so the loss alone does not tell.
        total = losses.total if image.isfinite().all() else math.nan
        self.divergences += total > max(DIVERGENCE_RATIO * self.losses.total, self.harmless)
        if not math.isfinite(total) or self.divergences > MAX_DIVERGENCES:
            raise DivergenceError(
                f"the loss left the road: {total:.3g} after a best of "
                f"{self.losses.total:.3g}; lower --learning-rate, the largest weight, "
                "or use --optimizer adam",
                image=self.image.clamp(0, 1),
            )
        if total < self.losses.total:
            self.image, self.gradient, self.losses = image, gradient, losses


def _evaluate(objective: Callable[[Tensor], Terms], image: Tensor) -> tuple[Losses, Tensor]:
    image = image.detach().requires_grad_()
    terms = objective(image)
    (gradient,) = torch.autograd.grad(torch.stack(terms).sum(), image)
    return Losses(*(term.item() for term in terms)), gradient


def _descent(settings: Settings, start: Tensor, iterations: int) -> Descent:
    """The method of descent, in which no wave of the image is easier to move than another.

    Adam moves all of z by one learning rate, which the filter makes up to
    `peak` times larger in the slowest wave and smaller in the fastest; the
    square root is between.
    """
    height, width = start.shape[2:]
    exponent, rate = settings.preconditioning, settings.learning_rate
    if settings.optimizer == "adam":
        filtered = FrequencyPreconditioner(
            height, width, ADAM_EXPONENT_FACTOR * exponent, start.device
        )
        return Adam(start, (rate or 0.02) / filtered.peak**0.5, filtered)
    learnt = CurvaturePreconditioner(height, width, exponent, start.device) if exponent else None
    return LBFGS(
        start,
        rate or 1.0,
        history=history_length(iterations),
        first_step=FIRST_STEP,
        preconditioner=learnt,
    )


def _settled(history: list[float], tolerance: float) -> bool:
    """Whether the loss fell by less than a share over the last steps."""
    if not tolerance or len(history) <= WINDOW:
        return False
    before = min(history[:-WINDOW])
    return before - min(history) < tolerance * before
