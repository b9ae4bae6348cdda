"""The optimization at one image size."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from styletransfer.errors import DivergenceError
from styletransfer.settings import ADAM_LEARNING_RATE, LBFGS_LEARNING_RATE, Settings
from styletransfer.transfer.objective import Terms
from styletransfer.transfer.optimizers.adam import Adam
from styletransfer.transfer.optimizers.lbfgs import LBFGS
from styletransfer.transfer.optimizers.preconditioner import (
    CurvaturePreconditioner,
    FrequencyPreconditioner,
)
from styletransfer.transfer.pyramid import history_length

WINDOW = 10
"""Iterations over which `Settings.tolerance` is judged."""

REJECT_RATIO = 2.0
"""A loss this many times the best so far is rejected: the best image is restored."""

DIVERGENCE_RATIO = 100.0
"""A loss this many times the best so far counts as a divergence, if it also exceeds
the sum of the weights, an error of 100 % in every term. From a best of almost 0, such
as when the image starts as the content, an honest step may raise it by any factor."""

MAX_DIVERGENCES = 2
"""Divergences at one size that are rejected; the next one ends the run."""

ADAM_EXPONENT_FACTOR = 0.7
"""Factor of the preconditioner's exponent for Adam, whose filter stays fixed."""

GAMUT_WEIGHT = 100.0
"""Weight of the mean squared distance to [0, 1], as a multiple of the sum of the weights.
Values that are cut off at the end show as neon colours."""

FIRST_STEP = 0.02
"""Root mean square of the first L-BFGS step, in units of [0, 1]."""


class Optimizer(Protocol):
    """Turns the gradient at each point into the step to the next."""

    def step(self, gradient: Tensor) -> Tensor:
        """Return the displacement to the next point. The caller takes it.

        Args:
            gradient: The gradient at the current point. It must not be written
                to afterwards.

        Returns:
            A tensor of the same shape.
        """
        ...

    def back_off(self) -> None:
        """Drop what was learned and go on with shorter steps."""
        ...


@dataclass(frozen=True, slots=True)
class Losses:
    """The weighted terms of one evaluation, as numbers."""

    content: float
    style: float
    tv: float

    gamut: float = 0.0
    """Penalty of values outside [0, 1], next to nothing at the end."""

    extra: float = 0.0
    """A term of the caller of `stylize`."""

    @property
    def terms(self) -> dict[str, float]:
        """The three terms by name."""
        return {"content": self.content, "style": self.style, "tv": self.tv}

    @property
    def total(self) -> float:
        """The loss: the sum of the terms, and of the caller's."""
        return sum(self.terms.values()) + self.extra

    @property
    def penalized(self) -> float:
        """What is minimized: the loss and the penalty."""
        return self.total + self.gamut


OnStep = Callable[[int, Losses, Tensor], bool | None]
"""Receives the number of steps taken at this size, the losses and the image after
them; returning True ends the run."""


@dataclass(frozen=True, slots=True)
class Optimized:
    """The outcome of the optimization at one size."""

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
    *,
    pairs: int | None = None,
) -> Optimized:
    """Minimize an objective over an image.

    The image may leave [0, 1], is drawn back by a penalty, and is clamped at the end.

    Args:
        objective: Gives the weighted terms of an image (1, 3, H, W).
        start: The first image, shape (1, 3, H, W), RGB in [0, 1].
        iterations: Steps to take.
        settings: Optimizer, learning rate, preconditioning and tolerance.
        on_step: Called after each step; returning True ends the run. The image has the
            start's shape, may lie outside [0, 1], and must not be written to.
        pairs: Pairs that L-BFGS keeps. None: `pyramid.history_length`.

    Returns:
        The best image that was evaluated.

    Raises:
        DivergenceError: If a loss is not finite, or exceeds the best one by far
            repeatedly. The error holds the best image.
    """
    weights = settings.content_weight + settings.style_weight + settings.tv_weight
    best = Best(start, weights)
    pairs = history_length(iterations) if pairs is None else pairs
    optimizer = _optimizer(settings, start, pairs)
    image = start
    history: list[float] = []
    stopped = False
    for step in range(iterations + 1):
        losses, gradient = _evaluate(objective, image, GAMUT_WEIGHT * weights)
        best.update(image, gradient, losses)
        history.append(losses.penalized)
        stopped = step > 0 and on_step is not None and bool(on_step(step, losses, image))
        if stopped or step == iterations or _has_converged(history, settings.tolerance):
            break
        if losses.penalized > REJECT_RATIO * best.losses.penalized:
            image, gradient = best.image, best.gradient
            optimizer.back_off()
        image = image + optimizer.step(gradient)
    return Optimized(best.image.clamp(0, 1), best.losses, step, stopped)


class Best:
    """The best image so far, and the check for divergence.

    Args:
        image: The image before the first evaluation, shape (1, 3, H, W).
        harmless: A loss up to this is no divergence, however low the best one.
    """

    def __init__(self, image: Tensor, harmless: float = 0.0) -> None:
        self.image = self.gradient = image
        self.harmless = harmless
        self.divergences = 0
        self.losses = Losses(math.inf, math.inf, math.inf)

    def update(self, image: Tensor, gradient: Tensor, losses: Losses) -> None:
        """Keep an image if it is the best.

        Args:
            image: The image that was evaluated, shape (1, 3, H, W).
            gradient: Gradient of the loss, same shape.
            losses: Its weighted terms.

        Raises:
            DivergenceError: If the image or its loss is not finite, or the loss
                has exceeded the best one by far too often.
        """
        # oneDNN's ReLU turns NaN into 0, so the loss alone does not show it.
        total = losses.penalized if image.isfinite().all() else math.nan
        self.divergences += total > max(DIVERGENCE_RATIO * self.losses.penalized, self.harmless)
        if not math.isfinite(total) or self.divergences > MAX_DIVERGENCES:
            raise DivergenceError(
                f"the optimization diverged: the loss reached {total:.3g} after a best of "
                f"{self.losses.penalized:.3g}; lower --learning-rate, the largest weight, "
                "or use --optimizer adam",
                image=self.image.clamp(0, 1),
            )
        if total < self.losses.penalized:
            self.image, self.gradient, self.losses = image, gradient, losses


def _evaluate(
    objective: Callable[[Tensor], Terms], image: Tensor, gamut_weight: float
) -> tuple[Losses, Tensor]:
    """The losses at an image, and the gradient of their sum and the gamut's penalty."""
    with torch.enable_grad():
        image = image.detach().requires_grad_()
        terms = objective(image)
        (gradient,) = torch.autograd.grad(terms.total, image)
    outside = (image - image.clamp(0, 1)).detach()
    gamut = gamut_weight * outside.square().mean()
    gradient = torch.add(gradient, outside, alpha=2 * gamut_weight / image.numel(), out=outside)
    extra = outside.new_zeros(()) if terms.extra is None else terms.extra
    numbers = (term.item() for term in (terms.content, terms.style, terms.tv, gamut, extra))
    return Losses(*numbers), gradient


def _optimizer(settings: Settings, start: Tensor, pairs: int) -> Optimizer:
    """Make the optimizer that the settings name, with the pairs that L-BFGS keeps."""
    height, width = start.shape[2:]
    exponent, rate = settings.preconditioning, settings.learning_rate
    if settings.optimizer == "adam":
        exponent *= ADAM_EXPONENT_FACTOR
        # It stretches low frequencies by up to `peak`, and shortens high ones: a compromise.
        filtered = FrequencyPreconditioner(height, width, exponent, start.device)
        return Adam(start, (rate or ADAM_LEARNING_RATE) / filtered.peak**0.5, filtered)
    learned = CurvaturePreconditioner(height, width, exponent, start.device) if exponent else None
    return LBFGS(
        start,
        rate or LBFGS_LEARNING_RATE,
        history=pairs,
        first_step=FIRST_STEP,
        preconditioner=learned,
    )


def _has_converged(history: list[float], tolerance: float) -> bool:
    """Whether the loss fell by less than a share over the last iterations."""
    if not tolerance or len(history) <= WINDOW:
        return False
    before = min(history[:-WINDOW])
    return before - min(history) < tolerance * before
