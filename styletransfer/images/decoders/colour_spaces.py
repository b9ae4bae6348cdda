"""RGB colour spaces that are known by their numbers, as ICC profiles.

References:
    ITU-T H.273, tables 2 and 3, which number primaries and transfer functions;
    SMPTE ST 2084 (PQ); ITU-R BT.2100 (HLG) and BT.2408, section 2.1 (white at
    203 cd/m²); ICC.1:2001-04. Differs: the light of HLG is scaled for each
    channel, and highlights are compressed for each channel.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Points = tuple[float, ...]
"""Chromaticities x and y of white, red, green and blue."""

_D65, _C, _DCI = (0.3127, 0.329), (0.31, 0.316), (0.314, 0.351)
SRGB: Points = (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
"""The primaries of sRGB and BT.709."""

_P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
_NTSC = (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07)
_PRIMARIES: dict[int, Points] = {
    1: SRGB,
    2: SRGB,  # not specified
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),
    6: _NTSC,
    7: _NTSC,
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (*_DCI, *_P3),
    12: (*_D65, *_P3),
    22: (*_D65, 0.63, 0.34, 0.295, 0.605, 0.155, 0.077),
}
SRGB_CURVE, PQ, HLG = 13, 16, 18
"""Numbers of transfer functions."""

# Those of video are shown as sRGB by viewers, as is what is not specified.
_LIKE_SRGB = (1, 2, 6, 14, 15, SRGB_CURVE)
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}

_STEPS = 4096
_WHITE, _HLG_PEAK, _HLG_GAMMA = 203, 1000, 1.2  # cd/m²
_KNEE = 0.9  # of white; what is brighter is compressed


@dataclass(frozen=True, slots=True)
class ColourSpace:
    """How levels mean colours."""

    points: Points
    """Its white and its primaries."""

    transfer: int = SRGB_CURVE
    """`SRGB_CURVE`, `PQ` or `HLG`; of no account if there is a gamma."""

    gamma: float | None = None
    """Light is the level to this power; `None`: as `transfer` says."""

    @property
    def is_srgb(self) -> bool:
        """Whether levels mean what they mean in sRGB."""
        return self.gamma is None and self.transfer == SRGB_CURVE and self.points == SRGB

    @property
    def is_hdr(self) -> bool:
        """Whether it has colours brighter than white."""
        return self.gamma is None and self.transfer in (PQ, HLG)


def from_numbers(primaries: int, transfer: int) -> ColourSpace | None:
    """Return the colour space of two numbers of H.273; `None` if one is not known here."""
    points = _PRIMARIES.get(primaries)
    if points is None:
        return None
    if transfer in _LIKE_SRGB:
        return ColourSpace(points)
    if transfer in (PQ, HLG):
        return ColourSpace(points, transfer)
    gamma = _GAMMAS.get(transfer)
    return None if gamma is None else ColourSpace(points, gamma=gamma)


def make_profile(space: ColourSpace) -> bytes:
    """Make an ICC profile of a colour space.

    Raises:
        ValueError: If the primaries are on one line.
    """
    import numpy as np

    levels = np.linspace(0, 1, _STEPS)
    gamma = space.gamma
    light = _CURVES[space.transfer](levels) if gamma is None else levels**gamma
    curve = np.round(light.clip(0, 1) * 65535).astype(">u2").tobytes()
    red, green, blue = (_xyz(*column) for column in _matrix(space.points).T)
    text = b"Declared by the picture\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text" + bytes(4) + b"No copyright\0",
        b"wtpt": _xyz(0.9642, 1, 0.8249),
        b"rXYZ": red,
        b"gXYZ": green,
        b"bXYZ": blue,
    }
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + struct.pack(">II", 0, _STEPS))
    return _assemble(tags | {name: head + curve for name, head in curves.items()})


def _assemble(tags: dict[bytes, bytes]) -> bytes:
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = struct.pack(">I4xI4s4s4s", start + len(data), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp"
    light = _xyz(0.9642, 1, 0.8249)[8:]
    return head.ljust(68, b"\0") + light + bytes(48) + table + data


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _matrix(points: Points) -> NDArray[Any]:
    """The primaries in XYZ, one a column, adapted to D50 after Bradford."""
    import numpy as np

    columns = np.array(
        [[x / y, 1, (1 - x - y) / y] for x, y in zip(points[::2], points[1::2], strict=True)]
    ).T
    white, primaries = columns[:, 0], columns[:, 1:]
    cone = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    d50 = np.array([0.9642, 1, 0.8249])
    adapted = np.linalg.inv(cone) @ np.diag(cone @ d50 / (cone @ white)) @ cone
    return np.asarray(adapted @ primaries @ np.diag(np.linalg.solve(primaries, white)))


def _srgb_light(levels: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def _pq_light(levels: NDArray[Any]) -> NDArray[Any]:
    root = levels ** (32 / 2523)
    light = ((root - 0.8359375).clip(0) / (18.8515625 - 18.6875 * root)) ** (16384 / 2610)
    return _compress(light * 10_000 / _WHITE)


def _hlg_light(levels: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(levels <= 0.5, levels**2 / 3, (np.exp((levels - c) / a) + b) / 12)
    return _compress(scene**_HLG_GAMMA * _HLG_PEAK / _WHITE)


def _compress(light: NDArray[Any]) -> NDArray[Any]:
    """Bend what is above the knee, so that it approaches 1."""
    import numpy as np

    room = 1 - _KNEE
    excess = (light - _KNEE).clip(0) / room
    return np.where(light > _KNEE, _KNEE + room * (1 - np.exp(-excess)), light)


_CURVES: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    SRGB_CURVE: _srgb_light,
    PQ: _pq_light,
    HLG: _hlg_light,
}
