"""Allocator for large CPU activations and gradients on Linux.

Every iteration allocates large blocks of the same few sizes. If freed memory
goes back to the system, page faults take time. If glibc keeps it, its heap grows:
it aligns a block by requesting slightly more, so a freed block is too small for
the next one of the same size. This allocator reuses freed blocks exactly and merges
neighbours: at 1024 px in bfloat16, 1.46 GB instead of 1.81. Smaller blocks, and
those of torch's own operations, are left to `device.retain_memory`.
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

MIN_BLOCK = 1 << 20
"""Size in bytes from which on this allocator is used; torch allocates smaller tensors."""

_SEGMENT = 1 << 30
"""Minimum size of a segment in bytes. Pages take no memory until they are written to."""


class Segment:
    """A range of address space, divided into blocks.

    Args:
        size: Size in bytes, a multiple of the page size.

    Raises:
        OSError: If the system does not provide it.
    """

    def __init__(self, size: int) -> None:
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.memory = mmap.mmap(-1, size, flags=private)
        # Huge pages need fewer page faults and address look-ups; not every kernel has them.
        with contextlib.suppress(OSError, AttributeError):
            self.memory.madvise(mmap.MADV_HUGEPAGE)
        self.free = [(0, size)]
        # A block can be garbage-collected at any moment, even inside `allocate`.
        # Its finalizer must not take a lock or change `free`; appending is atomic.
        self.returned: deque[tuple[int, int]] = deque()

    def allocate(self, size: int) -> memoryview | None:
        """Allocate a block, which is freed with the last reference to it.

        Args:
            size: Size in bytes.

        Returns:
            An uninitialized block of at least that size, from the smallest free
            range that is large enough; None if there is none.
        """
        self._merge_free()
        size += -size % mmap.PAGESIZE
        fitting = [(end - start, start) for start, end in self.free if end - start >= size]
        if not fitting:
            return None
        length, start = min(fitting)
        self.free.remove((start, start + length))
        if length > size:
            self.free.append((start + size, start + length))
        block = memoryview(self.memory)[start : start + size]
        weakref.finalize(block, self.returned.append, (start, start + size)).atexit = False
        return block

    def release(self) -> None:
        """Return the memory of the free ranges to the system, but keep their addresses."""
        self._merge_free()
        for start, end in self.free:
            self.memory.madvise(mmap.MADV_DONTNEED, start, end - start)

    def _merge_free(self) -> None:
        """Add the returned blocks to the free ranges, and merge adjacent ranges."""
        if not self.returned:
            return
        while self.returned:
            self.free.append(self.returned.popleft())
        merged: list[tuple[int, int]] = []
        for start, end in sorted(self.free):
            if merged and merged[-1][1] == start:
                start, _ = merged.pop()
            merged.append((start, end))
        self.free = merged


_segments: list[Segment] = []
_lock = threading.Lock()


def layout_of(values: Tensor) -> torch.memory_format:
    """The memory layout of a dense tensor (B, C, H, W): channels last, or first."""
    last = values.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def empty_as(
    values: Tensor, channels: int, height: int | None = None, width: int | None = None
) -> Tensor:
    """Allocate an uninitialized tensor in the memory layout of another.

    Args:
        values: Gives batch size, number format, device and layout; shape (B, C, H, W).
        channels: Number of channels D.
        height: Height H'. None: H.
        width: Width W'. None: W.

    Returns:
        Shape (B, D, H', W'), dense and not a view.
    """
    height = values.shape[2] if height is None else height
    width = values.shape[3] if width is None else width
    shape = (len(values), channels, height, width)
    layout = layout_of(values)
    size = prod(shape) * values.element_size()
    block = _allocate(size) if size >= MIN_BLOCK and values.device.type == "cpu" else None
    if block is None:
        return torch.empty(shape, dtype=values.dtype, device=values.device, memory_format=layout)
    strides = torch.empty(shape, device="meta", memory_format=layout).stride()
    # In place, because autograd forbids in-place changes of a view that a custom function returns.
    return torch.frombuffer(block, dtype=values.dtype).as_strided_(shape, strides)


def release() -> None:
    """Return unused memory to the system, including the memory that glibc keeps.

    Call it when the sizes of the tensors change and at the end of a run, not
    during the iterations: memory that was returned causes page faults again.
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
    """Call `release` at the end of the block, also after an exception."""
    try:
        yield
    finally:
        release()


def _allocate(size: int) -> memoryview | None:
    """Allocate a block of `size` bytes; None if torch has to allocate it."""
    if sys.platform != "linux" or _is_limited():
        return None
    with _lock:
        for segment in _segments:
            block = segment.allocate(size)
            if block is not None:
                return block
        try:
            _segments.append(Segment(max(_SEGMENT, 4 * size)))
        except OSError:
            return None
        return _segments[-1].allocate(size)


def _is_limited() -> bool:
    """Whether ``ulimit -v`` limits the address space, of which segments take a lot."""
    import resource  # not on Windows

    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
