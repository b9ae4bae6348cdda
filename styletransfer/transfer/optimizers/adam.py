"""Adam, in preconditioned coordinates."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class Adam:
    """Adam: steps of about one learning rate in every coordinate.

    It optimizes z, where the image is ``P z``. As P is symmetric, the gradient
    with respect to z is P applied to the gradient with respect to the image.

    Args:
        like: A tensor of the shape, dtype and device of the variable.
        learning_rate: Length of a step in every coordinate of z.
        change_of_variable: A symmetric P. None: the identity.

    References:
        Kingma & Ba (2015), algorithm 1. Differs: β₂ is 0.99, since the
        gradient of a picture changes faster than that of a network.
    """

    def __init__(
        self,
        like: Tensor,
        learning_rate: float,
        change_of_variable: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.change_of_variable = change_of_variable or (lambda field: field)
        self.betas = (0.9, 0.99)
        self.mean = torch.zeros_like(like)
        self.square = torch.zeros_like(like)
        self.count = 0

    def step(self, gradient: Tensor) -> Tensor:
        """Return the displacement to the next point, see `choice.Optimizer`."""
        self.count += 1
        gradient = self.change_of_variable(gradient)
        first, second = self.betas
        self.mean.lerp_(gradient, 1 - first)
        self.square.lerp_(gradient.square(), 1 - second)
        mean = self.mean / (1 - first**self.count)
        spread = (self.square / (1 - second**self.count)).sqrt() + 1e-12
        return self.change_of_variable(mean / spread * -self.learning_rate)

    def back_off(self) -> None:
        """Reset the moments and halve the learning rate."""
        self.learning_rate /= 2
        self.mean.zero_()
        self.square.zero_()
        self.count = 0

    def state(self) -> dict[str, Any]:
        """The moments, see `choice.Optimizer`."""
        names = ("learning_rate", "mean", "square", "count")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over moments, see `choice.Optimizer`."""
        self.mean.copy_(state["mean"])
        self.square.copy_(state["square"])
        self.count, self.learning_rate = state["count"], state["learning_rate"]
