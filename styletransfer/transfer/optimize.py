"""The optimization at one image size."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from styletransfer.errors import LostRankError, UnfinishedError
from styletransfer.settings import Settings
from styletransfer.transfer.best import Best, State
from styletransfer.transfer.objective import Losses, Terms
from styletransfer.transfer.optimizers.choice import choose_optimizer
from styletransfer.transfer.optimizers.penalties import Penalties
from styletransfer.transfer.pyramid import history_length
from styletransfer.transfer.steering import Turn

WINDOW = 10
"""Iterations over which `Settings.tolerance` is judged."""

REJECT_RATIO = 2.0
"""A loss this many times the best so far is rejected: the best image is restored."""


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

    turn: Turn | None = None
    """How the caller asked to go on. None: as planned."""

    newest: Tensor | None = None
    """Then also the newest image, which may lie outside [0, 1]."""


def optimize(
    objective: Callable[[Tensor], Terms],
    start: Tensor,
    iterations: int,
    settings: Settings,
    on_step: "OnStep | None" = None,
    *,
    pairs: int | None = None,
    resume: State | None = None,
    taken: int = 0,
) -> Optimized:
    """Minimize an objective over an image.

    The image may leave [0, 1], is drawn back by a penalty, and is clamped at the end.
    Another penalty keeps colours from changing from pixel to pixel.

    Args:
        objective: Gives the weighted terms of an image (1, 3, H, W).
        start: The first image, shape (1, 3, H, W), RGB in [0, 1].
        iterations: Steps to take, with those taken before.
        settings: Optimizer, learning rate, preconditioning and tolerance.
        on_step: Called after each step; returning True or a `Turn` ends the
            optimization. The image has the start's shape, may lie outside [0, 1], and
            must not be written to.
        pairs: Pairs that L-BFGS keeps. None: `pyramid.history_length`.
        resume: What `Descent.state` gave after a step of an optimization with the same
            arguments, to go on from there. None: from the start.
        taken: Steps that were taken at this size before.

    Returns:
        The best image that was evaluated.

    Raises:
        DivergenceError: If a loss is not finite, or exceeds the best one by far
            repeatedly. The error holds the best image.
        UnfinishedError: If a rank is lost. The error holds the state, too.
    """
    pairs = history_length(iterations) if pairs is None else pairs
    descent = Descent(objective, start, settings, pairs, taken)
    del start  # which is as large as all else that the descent forgets
    answer: bool | Turn | None = None
    try:
        if resume is None:
            descent.evaluate()
        else:
            descent.restore(resume)
        while not (
            answer or descent.steps == iterations or descent.has_converged(settings.tolerance)
        ):
            descent.move()
            answer = None if on_step is None else on_step(descent)
    except LostRankError as error:
        state = None if descent.steps < taken else descent.state()
        raise UnfinishedError(str(error), descent.best.image.clamp(0, 1), state) from error
    best = descent.best
    turn = answer if isinstance(answer, Turn) else None
    return Optimized(
        best.image.clamp(0, 1),
        best.losses,
        descent.steps,
        stopped=bool(answer) and turn is None,
        turn=turn,
        newest=None if turn is None else descent.image,
    )


class Descent:
    """An image on its way down: where it is, and what the optimizer has learned.

    Args:
        objective: As in `optimize`, like the following.
        start: The first image.
        settings: Optimizer, learning rate, preconditioning and weights.
        pairs: Pairs that L-BFGS keeps.
        taken: Steps that were taken at this size before.
    """

    def __init__(
        self,
        objective: Callable[[Tensor], Terms],
        start: Tensor,
        settings: Settings,
        pairs: int,
        taken: int = 0,
    ) -> None:
        self.image = self.gradient = start
        """Where it is, and the gradient there, each of shape (1, 3, H, W)."""
        self.losses = Losses(math.inf, math.inf, math.inf)
        """The weighted terms there."""
        weights = settings.content_weight + settings.style_weight + settings.tv_weight
        self.best = Best(start, weights)
        self._objective = objective
        self._penalties = Penalties.of(settings)
        self._optimizer = choose_optimizer(settings, start, pairs)
        self._history: list[float] = []
        self._taken = taken
        self._has_moved = True  # to a point where the objective is not evaluated yet

    @property
    def steps(self) -> int:
        """Steps taken at this size."""
        return self._taken + len(self._history) - 1

    def move(self) -> None:
        """Take a step, from the best point if the last one led astray."""
        if not self._has_moved:
            self._take_step()
        self.evaluate()

    def _take_step(self) -> None:
        if self.losses.penalized > REJECT_RATIO * self.best.losses.penalized:
            self.image, self.gradient = self.best.image, self.best.gradient
            self._optimizer.back_off()
        self.image = self.image + self._optimizer.step(self.gradient)
        self._has_moved = True

    def evaluate(self) -> None:
        """Evaluate the objective where it is."""
        self.losses, self.gradient = _evaluate(self._objective, self.image, self._penalties)
        self.best.update(self.image, self.gradient, self.losses)
        self._history.append(self.losses.penalized)
        self._has_moved = False

    def has_converged(self, tolerance: float) -> bool:
        """Whether the loss fell by less than a share over the last iterations."""
        history = self._history
        if not tolerance or len(history) <= WINDOW:
            return False
        before = min(history[:-WINDOW])
        return before - min(history) < tolerance * before

    def state(self) -> State:
        """All that decides the steps to come. The next step may change its tensors."""
        return {
            "image": self.image,
            "gradient": self.gradient,
            "losses": asdict(self.losses),
            "best": self.best.state(),
            "history": list(self._history),
            "taken": self._taken,
            "optimizer": self._optimizer.state(),
            "has_moved": self._has_moved,
        }

    def restore(self, state: State) -> None:
        """Go on from a state, as if the steps to it had been taken here."""
        self.image = state["image"].to(self.image, copy=True)
        self.gradient = state["gradient"].to(self.image, copy=True)
        self.losses = Losses(**state["losses"])
        self.best.restore(state["best"])
        self._history = list(state["history"])
        self._taken = state["taken"]
        self._optimizer.restore(state["optimizer"])
        self._has_moved = state["has_moved"]


OnStep = Callable[[Descent], bool | Turn | None]
"""Receives the descent after each step; see `optimize` for what it returns."""


def _evaluate(
    objective: Callable[[Tensor], Terms], image: Tensor, penalties: Penalties
) -> tuple[Losses, Tensor]:
    """The losses at an image, and the gradient of what is minimized."""
    with torch.enable_grad():
        image = image.detach().requires_grad_()
        terms = objective(image)
        (gradient,) = torch.autograd.grad(terms.total, image)
    penalty, of_penalty = penalties(image.detach())
    gradient = of_penalty.add_(gradient)
    extra = gradient.new_zeros(()) if terms.extra is None else terms.extra
    numbers = (term.item() for term in (terms.content, terms.style, terms.tv, penalty, extra))
    return Losses(*numbers), gradient
