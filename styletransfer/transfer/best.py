"""The best image of an optimization, and the check for divergence."""

import math
from dataclasses import asdict
from typing import Any

from torch import Tensor

from styletransfer.errors import DivergenceError
from styletransfer.transfer.objective import Losses

State = dict[str, Any]
"""Where a run stands: plain values and tensors."""


DIVERGENCE_RATIO = 100.0
"""A loss this many times the best so far counts as a divergence, if it also exceeds
the sum of the weights, an error of 100 % in every term. From a best of almost 0, such
as when the image starts as the content, an honest step may raise it by any factor."""

MAX_DIVERGENCES = 2
"""Divergences at one size that are rejected; the next one ends the run."""


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

    def state(self) -> State:
        """What `restore` needs."""
        return {
            "image": self.image,
            "gradient": self.gradient,
            "losses": asdict(self.losses),
            "divergences": self.divergences,
        }

    def restore(self, state: State) -> None:
        """Take over what was found before."""
        self.image = state["image"].to(self.image, copy=True)
        self.gradient = state["gradient"].to(self.image, copy=True)
        self.losses = Losses(**state["losses"])
        self.divergences = state["divergences"]
