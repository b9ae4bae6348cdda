"""A change of variable in which low frequencies move as easily as high ones."""

import torch
from torch import Tensor


class FrequencyPreconditioner:
    """A symmetric filter that lifts low frequencies: ``P z = irfft2(rfft2(z) · gain)``.

    ``gain = (f / 0.5)^(−α)`` with ``f = max(|frequency|, 1 / longest side)`` in
    cycles per pixel. An image is optimized as ``start + P z``. As P is its own
    transpose, the gradient in z is P applied to the gradient in the image.

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
            down = torch.fft.fftfreq(height, device=device)
            right = torch.fft.rfftfreq(width, device=device)
            frequency = (down[:, None].square() + right.square()).sqrt()
            self.gain = (frequency.clamp_min(1 / max(height, width)) / 0.5) ** -exponent
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
        filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(field) * self.gain, s=self.shape)
        return filtered
