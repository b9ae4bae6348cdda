"""A fixed diagonal in frequency."""

import torch
from torch import Tensor


class FrequencyPreconditioner:
    """A fixed filter that amplifies low frequencies: ``P z = irfft2(rfft2(z) · gain)``.

    ``gain = (f / 0.5)^(−α)`` with ``f = max(|frequency|, 1 / longest side)`` in
    cycles per pixel.

    Args:
        height: In pixels.
        width: In pixels.
        exponent: α; 0 makes P the identity.
        device: Where to compute.
    """

    def __init__(self, height: int, width: int, exponent: float, device: torch.device) -> None:
        self.shape = (height, width)
        self.gain: Tensor | None = None
        self.peak = 1.0
        if exponent:
            self.gain = gain_of(frequencies_of(height, width, device), exponent)
            self.peak = self.gain.max().item()

    def __call__(self, field: Tensor) -> Tensor:
        """Apply the filter.

        Args:
            field: Shape (…, H, W), float32.

        Returns:
            The same shape.
        """
        if self.gain is None:
            return field
        filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(field).mul_(self.gain), s=self.shape)
        return filtered


def frequencies_of(height: int, width: int, device: torch.device) -> Tensor:
    """Cycles per pixel, shape (H, W / 2 + 1); the lowest is one in the longest side."""
    down = torch.fft.fftfreq(height, device=device)
    right = torch.fft.rfftfreq(width, device=device)
    frequency: Tensor = (down[:, None].square() + right.square()).sqrt()
    return frequency.clamp_min(1 / max(height, width))


def gain_of(frequencies: Tensor, exponent: float) -> Tensor:
    """``(f / 0.5)^(−exponent)`` of each frequency."""
    gain: Tensor = (frequencies / 0.5) ** -exponent
    return gain
