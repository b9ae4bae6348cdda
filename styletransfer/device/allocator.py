"""The memory of large activations and gradients, used again step after step.

Every step asks for the same large blocks. glibc aligns a block by asking for a
little more, so that the hole which a block leaves is too small for the next of
the same size: its heap grows to twice what is in use. And where freed memory
goes back to the system instead, a step spends a quarter of its time on getting
it again. Here blocks leave holes that fit, which join their neighbours.
"""

import contextlib
import ctypes
import mmap
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from math import prod

import torch
from torch import Tensor

LEAST = 1 << 20
"""Bytes of a block, at least; smaller ones are torch's own."""

_SEGMENT = 1 << 30
"""Bytes of address space to ask for at once. Only what is written to becomes memory."""

_GRAIN = mmap.PAGESIZE


class Segment:
    """A stretch of address space that lends blocks.

    Args:
        size: In bytes.

    Raises:
        OSError: If the system does not have it.
    """

    def __init__(self, size: int) -> None:
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.memory = mmap.mmap(-1, size, flags=private)
        # Kernels without huge pages refuse; with them, fewer addresses have to be looked up.
        with contextlib.suppress(OSError, AttributeError):
            self.memory.madvise(mmap.MADV_HUGEPAGE)
        self.holes = [(0, size)]
        # Blocks may die at any moment, in the middle of `lend` too: what then
        # happens must neither wait nor touch the list of holes.
        self.returned: deque[tuple[int, int]] = deque()

    def lend(self, size: int) -> memoryview | None:
        """Lend a block, until the last reference to it is gone.

        Args:
            size: In bytes.

        Returns:
            A block of at least that size, of any content, from the smallest
            hole that holds it; None if none does.
        """
        self._join()
        size += -size % _GRAIN
        fitting = [(end - start, start) for start, end in self.holes if end - start >= size]
        if not fitting:
            return None
        room, start = min(fitting)
        self.holes.remove((start, start + room))
        if room > size:
            self.holes.append((start + size, start + room))
        block = memoryview(self.memory)[start : start + size]
        weakref.finalize(block, self.returned.append, (start, start + size)).atexit = False
        return block

    def release(self) -> None:
        """Give the memory of the holes back to the system, and keep their addresses."""
        self._join()
        for start, end in self.holes:
            self.memory.madvise(mmap.MADV_DONTNEED, start, end - start)

    def _join(self) -> None:
        """Make one hole of those that touch, with what has been returned."""
        if not self.returned:
            return
        while self.returned:
            self.holes.append(self.returned.popleft())
        joined: list[tuple[int, int]] = []
        for start, end in sorted(self.holes):
            if joined and joined[-1][1] == start:
                start, _ = joined.pop()
            joined.append((start, end))
        self.holes = joined


_segments: list[Segment] = []
_lock = threading.Lock()


def empty_channels_last(
    values: Tensor, channels: int, height: int | None = None, width: int | None = None
) -> Tensor:
    """Room for other channels, at the same positions or at so many; channels last.

    Args:
        values: Shape (B, C, H, W).
        channels: D.
        height: H' in positions; None: H.
        width: W' in positions; None: W.

    Returns:
        Shape (B, D, H', W') of any content, in the number format and on the
        device of `values`. It is dense, and no view.
    """
    height = values.shape[2] if height is None else height
    width = values.shape[3] if width is None else width
    shape = (len(values), channels, height, width)
    size = prod(shape) * values.element_size()
    block = _lend(size) if size >= LEAST and values.device.type == "cpu" else None
    if block is None:
        layout = torch.channels_last
        return torch.empty(shape, dtype=values.dtype, device=values.device, memory_format=layout)
    strides = (channels * height * width, 1, channels * width, channels)
    # In place, since autograd lets nobody overwrite a view that a function of ours returns.
    return torch.frombuffer(block, dtype=values.dtype).as_strided_(shape, strides)


def release() -> None:
    """Give all that is not in use back to the system, glibc's freed memory included.

    To be called where other sizes are about to come, or none: what is given
    back has to be faulted in again, page by page.
    """
    if sys.platform != "linux":
        return
    with _lock:
        for segment in _segments:
            segment.release()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextlib.contextmanager
def released() -> Iterator[None]:
    """`release` at the end of the block, however it ends."""
    try:
        yield
    finally:
        release()


def _lend(size: int) -> memoryview | None:
    """Lend a block of so many bytes; None where torch is to find the memory itself."""
    if sys.platform != "linux" or _is_limited():
        return None
    with _lock:
        for segment in _segments:
            block = segment.lend(size)
            if block is not None:
                return block
        try:
            _segments.append(Segment(max(_SEGMENT, 4 * size)))
        except OSError:
            return None
        return _segments[-1].lend(size)


def _is_limited() -> bool:
    """Whether address space is scarce, by ``ulimit -v``."""
    import resource  # not on Windows

    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
