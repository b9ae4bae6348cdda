"""How much memory a run takes, and what is said where that is more than there is.

Linux hands out memory that it does not have, and kills who then uses it; so the
need is forecast before the work begins. What fails nevertheless is said in the
same words.
"""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from styletransfer.device.free_memory import available
from styletransfer.errors import ShortageError
from styletransfer.transfer.pyramid import fit, history_length, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch

    from styletransfer.settings import Settings
    from styletransfer.transfer.pyramid import Scale

# Bytes; all but the first two of a pixel. Measured, see `estimate_memory`.
_FIXED = 96 << 20
_KERNELS = {"bfloat16": 128 << 20, "float32": 224 << 20}
_ORDERED = 64 << 20
_IMAGE = 12
_STATE = 170
_PAIR = 30
_FEATURES = {"bfloat16": 630, "float32": 1270}
_DIRECT = 1.1
_TARGET = {"bfloat16": 340, "float32": 590}
_SHALLOW = 0.3
_WITHOUT_STYLE = 0.7

# The words of torch's allocators, of oneDNN's (its kernels' too), of Intel's FFT and of C++.
_SHORTAGE = re.compile(
    r"alloc|out of memory|not enough memory|could not create a primitive", re.IGNORECASE
)


class Extent(NamedTuple):
    """Width and height of a picture."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""


class RunShape(NamedTuple):
    """What decides how much memory a run takes."""

    content: Extent
    """The content picture, before it is resized."""

    styles: Sequence[Extent]
    """The style pictures, before they are resized."""

    settings: Settings
    """Sizes, style scale, optimizer and weights."""

    precision: str
    """The number format of the convolutions: ``bfloat16`` or ``float32``."""

    use_winograd: bool = True
    """Whether the wide convolutions go by `winograd`, see `runtime.prefers_winograd`."""


def estimate_memory(work: RunShape, size: int) -> int:
    """Forecast the memory of a run, beyond that of a Python with torch.

    96 MiB; with content or style, 128 or 224 MiB for the transformed weights of
    the network's wide convolutions (see `winograd`), or 64 MiB for weights in
    oneDNN's order where they are direct; 12 bytes for each pixel of
    all pictures; and the larger of these: for each pixel of the result, the
    state of the optimizer and the activations; for each pixel of the largest
    style, the activations alone. L-BFGS takes 30 bytes more for each pair that
    it remembers.

    Measured with the bundled weights in two threads on an Intel Xeon with AMX,
    torch 2.14: the peak of resident memory, in MiB above that after the imports,
    of a square picture of so many pixels a side.

    ============================  ======  ======  =======  =======  ========
    convolutions, optimizer       256 px  512 px  1024 px  1024 px  1024 px
    steps                              5       5        1        5        12
    ============================  ======  ======  =======  =======  ========
    bfloat16 direct, lbfgs           223     496     1299     1467      1557
    bfloat16 direct, adam            249     435     1234     1371         .
    bfloat16 by Winograd, lbfgs      358     697     1080     1354      1611
    bfloat16 by Winograd, adam       345     587     1105     1274         .
    float32 by Winograd, lbfgs       559     948     2047     2143      2265
    float32 by Winograd, adam        492     943     1955     1984         .
    ============================  ======  ======  =======  =======  ========

    The forecast lies below, by up to a quarter at 1024 px and by up to a third of
    smaller pictures, so that nothing is refused that works.

    Args:
        work: The pictures and the settings.
        size: Longest side of the result, in pixels.

    Returns:
        Bytes.
    """
    settings = work.settings
    side = max(1, round(size * settings.style_scale))
    styles = [_area(fit(*style, side)) for style in work.styles]
    images = _area(work.content) + sum(map(_area, work.styles)) + sum(styles)
    step = _step(work, size) * _area(fit(*work.content, size))
    evaluated = settings.content_weight or settings.style_weight
    kernels = _KERNELS[work.precision] if work.use_winograd else _ORDERED
    fixed = _FIXED + (kernels if evaluated else 0)
    return round(fixed + max(step, _target(work) * max(styles)) + _IMAGE * images)


def _step(work: RunShape, size: int) -> float:
    """Bytes that a step takes for each pixel of the result."""
    state = _STATE + _PAIR * _pairs(work.settings, size)
    features = _FEATURES[work.precision] * (1 if work.use_winograd else _DIRECT)
    if work.settings.style_weight:
        return state + features
    return state + _WITHOUT_STYLE * features if work.settings.content_weight else state


def _pairs(settings: Settings, size: int) -> int:
    """Pairs that the optimizer remembers in the end."""
    if settings.optimizer != "lbfgs":
        return 0
    steps = plan(size, size, replace(settings, size=size))[-1].iterations
    return min(history_length(steps), steps - 1)


def _target(work: RunShape) -> float:
    """Bytes that the Gram matrices of a style take for each of its pixels."""
    if not work.settings.style_weight:
        return 0
    shallow = all(layer[4] == "1" for layer in work.settings.style_layers)
    return _TARGET[work.precision] * (_SHALLOW if shallow else 1)


def check_memory(work: RunShape, device: torch.device) -> None:
    """Refuse a run that takes more memory than there is.

    Args:
        work: The pictures and the settings.
        device: Where the network is evaluated.

    Raises:
        ShortageError: If the forecast is above what is available.
    """
    room = available(device)
    if room is None:
        return
    width, height, _ = plan(*work.content, work.settings)[-1]
    size = max(width, height)
    needed = estimate_memory(work, size)
    if needed > room:
        figures = f"it takes about {_gigabytes(needed)} and {_gigabytes(room)} are free"
        remedy = _remedy(largest_size(work, size, room))
        raise ShortageError(f"out of memory at {width}×{height} on {device}: {figures}; {remedy}")


def largest_size(work: RunShape, size: int, room: int) -> int:
    """The largest size below another at which a run should fit.

    Args:
        work: The pictures and the settings.
        size: Longest side that is too large, in pixels.
        room: What is available, in bytes.

    Returns:
        Longest side in pixels, a multiple of 64 from 64 up; 0 if none fits.
    """
    candidates = range((size - 1) // 64 * 64, 0, -64)
    return next((side for side in candidates if estimate_memory(work, side) <= room), 0)


@contextlib.contextmanager
def explain_out_of_memory(
    work: RunShape, device: torch.device, at: Callable[[], Scale]
) -> Iterator[None]:
    """Turn a failed allocation into the one line that the user can act on.

    Args:
        work: The pictures and the settings.
        device: Where the network is evaluated.
        at: Tells the size at work, once memory has run out.

    Raises:
        ShortageError: If memory runs out inside the block.
    """
    room = available(device)
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _SHORTAGE.search(str(error)):
            raise
        width, height, _ = at()
        # What failed does not fit, whatever the forecast says of it.
        size = max(1, max(width, height) * 3 // 4)
        remedy = _remedy(largest_size(work, size, sys.maxsize if room is None else room))
        raise ShortageError(f"out of memory at {width}×{height} on {device}; {remedy}") from None


def _area(extent: tuple[int, int]) -> int:
    return extent[0] * extent[1]


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _remedy(size: int) -> str:
    if size:
        return f"--size {size} should fit"
    return "free some memory, or take another machine"
