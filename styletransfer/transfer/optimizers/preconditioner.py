"""Diagonal preconditioners for the optimizers.

The curvature of the loss differs by orders of magnitude between low and high
frequencies, between brightness and hue, and between textured and flat regions.
"""

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from styletransfer.transfer.optimizers.frequency import frequencies_of, gain_of

_DECAY = 0.9
"""Weight of a pair relative to the next one."""

_WARM_UP = 2
"""Pairs before the learned diagonal is used."""

_DENSE_UPDATES = 6
"""The first pairs update the diagonal one by one; of later ones, every other is enough."""

_CELL = 4
"""Side of the square cells of the spatial diagonal, in pixels."""

_RELATIVE_FLOOR = 1e-4
"""Added to mean squares, as a share of their mean, so that every ratio is bounded."""

_OPPONENT = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))
"""Brightness and two colour differences, before normalization."""


class Preconditioner(Protocol):
    """A symmetric positive estimate of the inverse Hessian, updated during the run."""

    def __call__(self, gradient: Tensor) -> Tensor:
        """Apply it to a gradient; the result has its shape."""
        ...

    def update(self, step: Tensor, change: Tensor) -> None:
        """Update the estimate from a step and the change of the gradient along it.

        Args:
            step: Of the gradient's shape.
            change: Of the same shape; ``s·y`` is positive.
        """
        ...

    def reset(self) -> None:
        """Return to the initial estimate."""
        ...

    def state(self) -> dict[str, Any]:
        """What was learned, see `choice.Optimizer`."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, see `choice.Optimizer`."""
        ...


class CurvaturePreconditioner:
    """A diagonal in frequency between two diagonals in space, learned from the steps taken.

    ``H g = c R Cᵀ F⁻¹ (h · F C R g)`` with the Fourier transform F, opponent
    colours C, a gain h for each octave of frequency and each opponent colour,
    a factor R for each pixel, and a scale c. Steps may be long where previous
    steps s were long and changed the gradient little, by y:
    ``h = √(Σ|s|² / Σ|y|²)`` over the frequencies of an octave, interpolated
    between octaves, and likewise ``R² ∝ √(Σ s² / Σ y²)`` over the pixels of a
    cell. The sums run over all pairs (every other one after the first few), each
    divided by its ``|y|²``, with exponentially fading weights. As h carries the
    unit already, c is not ``s·y / y·H y`` of the newest pair but its square root,
    halfway to 1.

    Until two pairs are known, H is the filter of `FrequencyPreconditioner`, applied twice.

    Args:
        height: In pixels.
        width: In pixels.
        exponent: α of that filter.
        device: Where to compute.

    References:
        Barzilai & Borwein (1988) for ``|s| / |y|``, here per frequency band and
        per cell.
    """

    def __init__(self, height: int, width: int, exponent: float, device: torch.device) -> None:
        self.shape = (height, width)
        self.exponent = exponent
        frequencies = frequencies_of(height, width, device)
        octaves = (frequencies * max(height, width)).log2()
        self.bands = [
            (octaves.int() == octave).flatten().nonzero().flatten().int()
            for octave in range(int(octaves.max()) + 1)
        ]
        # The gain of an octave applies at its middle.
        position = (octaves - 0.5).clamp(0, len(self.bands) - 1)
        self.below, self.between = position.int(), position.frac()
        # A real FFT leaves out the mirror images of most frequencies: these count twice.
        mirrored = torch.arange(width // 2 + 1, device=device)
        mirrored = (mirrored > 0) & (2 * mirrored < width)
        self.share = (1.0 + mirrored) / (height * width)
        colours = torch.tensor(_OPPONENT, device=device)
        self.colours = colours / colours.norm(dim=1, keepdim=True)
        self.reset()

    def reset(self) -> None:
        """Return to the fixed filter."""
        frequencies = frequencies_of(*self.shape, self.share.device)
        self.gain = gain_of(frequencies, 2 * self.exponent)
        self.factor = self.scale = self.share.new_ones(())
        self.pairs = 0
        self.squares = self.powers = self.share.new_zeros(())

    def state(self) -> dict[str, Any]:
        """The sums from which the diagonals follow, see `choice.Optimizer`."""
        names = ("pairs", "squares", "powers", "scale")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: dict[str, Any]) -> None:
        """Learn the diagonals from sums, see `choice.Optimizer`."""
        self.reset()
        self.pairs = state["pairs"]
        self.squares, self.powers, self.scale = (
            state[name].to(self.share, copy=True) for name in ("squares", "powers", "scale")
        )
        if self.pairs >= _WARM_UP:
            self.factor, self.gain = self._factor(), self._gain()

    def __call__(self, gradient: Tensor) -> Tensor:
        """Apply H to a gradient of shape (1, 3, H, W), float32."""
        result = torch.zeros_like(gradient)
        # One colour at a time, and in place: a large picture's spectra take gigabytes, and a
        # product of complex and real numbers in new memory ten times as long.
        for colour, gain in zip(self.colours, self.gain.expand(3, -1, -1), strict=True):
            spectrum = self._spectrum(gradient, colour, self.factor).mul_(gain)
            filtered = torch.fft.irfft2(spectrum, s=self.shape)
            result.addcmul_(filtered, colour.view(1, 3, 1, 1))
        return result.mul_(self.factor * self.scale)

    def update(self, step: Tensor, change: Tensor) -> None:
        """Update the diagonals from a step and the gradient's change, each (1, 3, H, W)."""
        self.pairs += 1
        if self.pairs > _DENSE_UPDATES and self.pairs % 2:
            return
        weight = 1 / torch.dot(change.flatten(), change.flatten())
        squares = torch.cat([self._by_cell(step), self._by_cell(change)])
        self.squares = _DECAY * self.squares + weight * squares
        if self.pairs >= _WARM_UP:
            self.factor = self._factor()
        of_step = self._by_band(self._powers(step, 1 / self.factor))
        of_change = self._powers(change, self.factor)
        powers = torch.stack([of_step, self._by_band(of_change)])
        self.powers = _DECAY * self.powers + weight * powers
        if self.pairs >= _WARM_UP:
            self.gain = self._gain()
        agreement = torch.dot(step.flatten(), change.flatten()) / of_change.mul_(self.gain).sum()
        self.scale = agreement.sqrt() if self.pairs >= _WARM_UP else agreement

    def _by_cell(self, field: Tensor) -> Tensor:
        """Mean squares in each cell, shape (1, 1, H / 4, W / 4)."""
        grid = [max(1, extent // _CELL) for extent in self.shape]
        squares = field.square().mean(1, keepdim=True)
        return functional.interpolate(squares, grid, mode="bilinear", antialias=True)

    def _factor(self) -> Tensor:
        """R for each pixel, with a geometric mean of 1."""
        level = _level(self.squares, (1, 2, 3)) / 2
        level = functional.interpolate((level - level.mean())[None], self.shape, mode="bilinear")
        return level.exp()

    def _powers(self, field: Tensor, factor: Tensor) -> Tensor:
        """The power of each colour and frequency of `_spectrum`, shape (3, H, W / 2 + 1)."""
        height, width = self.shape
        powers = field.new_empty(3, height, width // 2 + 1)
        for colour, power in zip(self.colours, powers, strict=True):
            spectrum = self._spectrum(field, colour, factor)
            torch.square(spectrum.real, out=power)
            power.addcmul_(spectrum.imag, spectrum.imag).mul_(self.share)
        return powers

    def _by_band(self, powers: Tensor) -> Tensor:
        """Means over each octave, from shape (3, H, W / 2 + 1) to (3, octaves)."""
        flat = powers.flatten(1)
        return torch.stack([flat[:, band].mean(-1) for band in self.bands], -1)

    def _gain(self) -> Tensor:
        """The gain h for each colour and frequency, shape (3, H, W / 2 + 1)."""
        level = _level(self.powers, (1, 2))
        rise = level.diff(append=level[:, -1:])
        gain: Tensor = level[:, self.below].addcmul_(rise[:, self.below], self.between).exp_()
        return gain

    def _spectrum(self, field: Tensor, colour: Tensor, factor: Tensor) -> Tensor:
        """The Fourier transform of one opponent colour of a field times a factor of each pixel.

        Returns:
            Shape (H, W / 2 + 1).
        """
        mixed = torch.einsum("j,jhw->hw", colour, field[0])
        spectrum: Tensor = torch.fft.rfft2(mixed.mul_(factor.squeeze()))
        return spectrum


def _level(sums: Tensor, dims: tuple[int, ...]) -> Tensor:
    """``ln √(Σ|s|² / Σ|y|²)`` from both sums, stacked, each bounded from below."""
    steps, changes = (sums + _RELATIVE_FLOOR * sums.mean(dims, keepdim=True)).log()
    level: Tensor = (steps - changes) / 2
    return level
