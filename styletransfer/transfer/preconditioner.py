"""What makes all directions equally easy: estimates of the inverse Hessian, of the cheap kind.

Curvature differs by orders of magnitude between large areas and fine detail,
between brightness and hue, and between busy places and calm ones.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

_DECAY = 0.9
"""What a pair counts beside the next one."""

_WARM_UP = 2
"""Pairs before what they tell is believed."""

_DENSE_UPDATES = 6
"""Pairs that are all learnt from; of later ones every other is enough for the same descent."""

_CELL = 4
"""Pixels a side of the places that are told apart."""

_RELATIVE_FLOOR = 1e-4
"""Of the mean: what is added to a mean square, so that no ratio is out of bounds."""

_OPPONENT = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))
"""Brightness and two differences of hue, before they are brought to length 1."""


class Preconditioner(Protocol):
    """A symmetric positive estimate of the inverse Hessian, which learns on the way."""

    def __call__(self, gradient: Tensor) -> Tensor:
        """Apply it to a gradient; the result has its shape."""
        ...

    def learn(self, step: Tensor, change: Tensor) -> None:
        """Take notice of a step and of how it changed the gradient.

        Args:
            step: Of the gradient's shape.
            change: Of the same shape; its product with the step is positive.
        """
        ...

    def forget(self) -> None:
        """Go back to the beginning."""
        ...


class ScaledIdentity:
    """``γ I`` with ``γ = s·y / y·y`` of the newest step s and change y.

    References:
        Nocedal & Wright (2006), eq. 7.20.
    """

    def __init__(self) -> None:
        self.scale = torch.ones(())

    def __call__(self, gradient: Tensor) -> Tensor:
        """Apply it to a gradient of any shape."""
        return gradient * self.scale

    def learn(self, step: Tensor, change: Tensor) -> None:
        """Take the scale from a step and the change of the gradient along it."""
        self.scale = (step * change).sum() / change.square().sum()

    def forget(self) -> None:
        """Go back to a scale of 1."""
        self.scale = torch.ones(())


class FrequencyPreconditioner:
    """A fixed symmetric filter that lifts low frequencies: ``P z = irfft2(rfft2(z) · gain)``.

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
            self.gain = _gain(_frequencies(height, width, device), exponent)
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


class CurvaturePreconditioner:
    """A diagonal in frequency between two diagonals in space, learnt from the steps taken.

    ``H g = c R Cᵀ F⁻¹ (h · F C R g)`` with the Fourier transform F, opponent
    colours C, a gain h for each octave of frequency and each of those colours,
    a factor R for each place, and a scale c. Where steps s of the past were long
    and the gradient changed little along them, by y, the next may be long:
    ``h = √(Σ|s|² / Σ|y|²)`` over the frequencies of an octave, interpolated
    between octaves, and likewise ``R² ∝ √(Σ s² / Σ y²)`` over the pixels of a
    place. The sums run over all pairs (after the first few, every other), each
    divided by its ``|y|²``, and older ones fade. As h has a unit already, c is not
    ``s·y / y·H y`` of the newest of them, but its root: between that and 1.

    Until two pairs are known, H is the filter of `FrequencyPreconditioner`, twice.

    Args:
        height: In pixels.
        width: In pixels.
        exponent: α of that filter.
        device: Where to compute.

    References:
        Barzilai & Borwein (1988) for ``|s| / |y|``, here taken band by band and
        place by place.
    """

    def __init__(self, height: int, width: int, exponent: float, device: torch.device) -> None:
        self.shape = (height, width)
        frequencies = _frequencies(height, width, device)
        octaves = (frequencies * max(height, width)).log2()
        self.first_gain = _gain(frequencies, 2 * exponent)
        self.bands = [
            (octaves.int() == octave).flatten().nonzero().flatten()
            for octave in range(int(octaves.max()) + 1)
        ]
        # An octave's gain is that of its middle.
        place = (octaves - 0.5).clamp(0, len(self.bands) - 1)
        self.below, self.between = place.int(), place.frac()
        # Half of the frequencies stand for their mirror images as well.
        mirrored = torch.arange(width // 2 + 1, device=device)
        mirrored = (mirrored > 0) & (2 * mirrored < width)
        self.share = (1.0 + mirrored) / (height * width)
        colours = torch.tensor(_OPPONENT, device=device)
        self.colours = colours / colours.norm(dim=1, keepdim=True)
        self.forget()

    def forget(self) -> None:
        """Go back to the fixed filter."""
        self.gain = self.first_gain
        self.factor = self.scale = self.share.new_ones(())
        self.pairs = 0
        self.squares = self.powers = self.share.new_zeros(())

    def __call__(self, gradient: Tensor) -> Tensor:
        """Apply H to a gradient of shape (1, 3, H, W), float32."""
        # In place: a product of complex and real numbers in new memory takes ten times as long.
        spectrum = self._spectrum(gradient * self.factor).mul_(self.gain)
        filtered = torch.fft.irfft2(spectrum, s=self.shape)
        return self._mix(filtered, self.colours.T).mul_(self.factor * self.scale)

    def learn(self, step: Tensor, change: Tensor) -> None:
        """Take notice of a step and of the change of the gradient, each (1, 3, H, W)."""
        self.pairs += 1
        if self.pairs > _DENSE_UPDATES and self.pairs % 2:
            return
        pair = torch.cat((step, change))
        weight = 1 / torch.dot(change.flatten(), change.flatten())
        self.squares = _DECAY * self.squares + weight * self._places(pair)
        if self.pairs >= _WARM_UP:
            self.factor = self._factor()
        pair = torch.cat((step / self.factor, change * self.factor))
        spectrum = self._spectrum(pair)
        powers = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag).mul_(self.share)
        self.powers = _DECAY * self.powers + weight * self._by_band(powers)
        if self.pairs >= _WARM_UP:
            self.gain = self._gain()
        agreement = torch.dot(step.flatten(), change.flatten()) / (powers[1] * self.gain).sum()
        self.scale = agreement.sqrt() if self.pairs >= _WARM_UP else agreement

    def _places(self, pair: Tensor) -> Tensor:
        """Mean squares around each place, shape (2, 1, H / 4, W / 4)."""
        grid = [max(1, extent // _CELL) for extent in self.shape]
        squares = pair.square().mean(1, keepdim=True)
        return functional.interpolate(squares, grid, mode="bilinear", antialias=True)

    def _factor(self) -> Tensor:
        """R for each pixel, 1 in the mean of logarithms, from the squares."""
        level = _level(self.squares, (1, 2, 3)) / 2
        level = functional.interpolate((level - level.mean())[None], self.shape, mode="bilinear")
        return level.exp()

    def _by_band(self, powers: Tensor) -> Tensor:
        """Means over each octave, from shape (2, 3, H, W / 2 + 1) to (2, 3, octaves)."""
        flat = powers.flatten(2)
        return torch.stack([flat[..., band].mean(-1) for band in self.bands], -1)

    def _gain(self) -> Tensor:
        """The gain h for each colour and frequency, shape (3, H, W / 2 + 1)."""
        level = _level(self.powers, (1, 2))
        rise = level.diff(append=level[:, -1:])
        gain: Tensor = level[:, self.below].addcmul_(rise[:, self.below], self.between).exp_()
        return gain

    def _spectrum(self, fields: Tensor) -> Tensor:
        """The Fourier transform of opponent colours, shape (B, 3, H, W / 2 + 1)."""
        spectrum: Tensor = torch.fft.rfft2(self._mix(fields, self.colours))
        return spectrum

    def _mix(self, fields: Tensor, colours: Tensor) -> Tensor:
        """Turn the colours of shape (B, 3, H, W)."""
        return torch.einsum("ij,bjhw->bihw", colours, fields)


def _level(sums: Tensor, dims: tuple[int, ...]) -> Tensor:
    """``ln √(Σ|s|² / Σ|y|²)`` from both, stacked, with none of them far below their mean."""
    steps, changes = (sums + _RELATIVE_FLOOR * sums.mean(dims, keepdim=True)).log()
    level: Tensor = (steps - changes) / 2
    return level


def _frequencies(height: int, width: int, device: torch.device) -> Tensor:
    """Cycles per pixel, shape (H, W / 2 + 1); the lowest is one in the longest side."""
    down = torch.fft.fftfreq(height, device=device)
    right = torch.fft.rfftfreq(width, device=device)
    frequency: Tensor = (down[:, None].square() + right.square()).sqrt()
    return frequency.clamp_min(1 / max(height, width))


def _gain(frequencies: Tensor, exponent: float) -> Tensor:
    gain: Tensor = (frequencies / 0.5) ** -exponent
    return gain
