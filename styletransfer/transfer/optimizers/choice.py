"""The optimizer that the settings name, and what all optimizers have in common."""

from typing import Any, Protocol

from torch import Tensor

from styletransfer.settings import ADAM_LEARNING_RATE, LBFGS_LEARNING_RATE, Settings
from styletransfer.transfer.optimizers.adam import Adam
from styletransfer.transfer.optimizers.frequency import FrequencyPreconditioner
from styletransfer.transfer.optimizers.lbfgs import LBFGS
from styletransfer.transfer.optimizers.preconditioner import CurvaturePreconditioner

ADAM_EXPONENT_FACTOR = 0.7
"""Factor of the preconditioner's exponent for Adam, whose filter stays fixed."""

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

    def state(self) -> dict[str, Any]:
        """What was learned, of plain values and tensors that the next step may change."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as the optimizer that had a state."""
        ...


def choose_optimizer(settings: Settings, start: Tensor, pairs: int) -> Optimizer:
    """Make the optimizer that the settings name.

    Args:
        settings: Optimizer, learning rate and preconditioning.
        start: The first image, shape (1, 3, H, W).
        pairs: Pairs that L-BFGS keeps.

    Returns:
        The optimizer, of images of that shape.
    """
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
