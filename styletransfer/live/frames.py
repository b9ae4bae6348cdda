"""Pictures for the pages: rendered only when one waits, and at a bounded cost."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from PIL import Image

    Picture = Callable[[tuple[int, int]], Image.Image]
    """Renders the present picture at no more than a size (width, height)."""

LONGEST_SIDE = 4096
"""Of a frame, in pixels, whatever a page asks for."""

_SHARE = 0.02
"""Share of the time that may go into frames, so that painting is hardly slowed."""

_QUALITY = 92  # of the JPEG


class Frame:
    """A picture as a page takes it.

    Args:
        version: Larger than that of every earlier frame.
        picture: The picture.
        spent: Called with the seconds that encoding took.
    """

    def __init__(self, version: int, picture: Image.Image, spent: Callable[[float], None]) -> None:
        self.version = version
        self._picture = picture
        self._spent = spent
        self._lock = threading.Lock()
        self._data = b""

    def encode(self) -> bytes:
        """Return the picture as a JPEG. It is encoded once, for all pages."""
        with self._lock:
            if not self._data:
                started = time.monotonic()
                self._data = encode_jpeg(self._picture)
                self._spent(time.monotonic() - started)
            return self._data


class Frames:
    """The newest frame, and the pages that wait for the next one.

    Args:
        clock: Seconds from any start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.newest: Frame | None = None
        self._clock = clock
        self._waiting: dict[Hashable, tuple[int, int]] = {}
        self._pages: set[Hashable] = set()
        self._lock = threading.Lock()
        self._size = (0, 0)  # that the newest frame was rendered for
        self._is_stale = True
        self._not_before = 0.0

    def join(self, page: Hashable) -> None:
        """Remember a page that was opened."""
        with self._lock:
            self._pages.add(page)

    def want(self, page: Hashable, size: tuple[int, int]) -> None:
        """Remember that a page waits for a frame of at most a size (width, height)."""
        with self._lock:
            self._waiting[page] = size

    @property
    def has_pages(self) -> bool:
        """Whether a page is open."""
        with self._lock:
            return bool(self._pages)

    def took(self, page: Hashable) -> None:
        """Remember that a page got a frame; it waits for none until it asks again."""
        with self._lock:
            self._waiting.pop(page, None)

    def forget(self, page: Hashable) -> None:
        """Forget a page that was closed."""
        with self._lock:
            self._waiting.pop(page, None)
            self._pages.discard(page)

    def offer(self, picture: Picture, *, at_once: bool = False) -> bool:
        """Render a new picture if a page waits for it and the time is due.

        Args:
            picture: Renders it.
            at_once: Even if none waits yet, as long as one is open: the picture will stay.

        Returns:
            Whether there is a new frame.
        """
        self._is_stale = True
        with self._lock:
            is_due = bool(self._waiting) and self._clock() >= self._not_before
            has_size = bool(self._waiting) or self.newest is not None
            if not (is_due or (at_once and self._pages and has_size)):
                return False
            size = self._largest()
        self._render(picture, size)
        return True

    def renew(self, picture: Picture) -> bool:
        """Render the same picture again if a page waits for a larger or a newer frame."""
        with self._lock:
            if not self._waiting:
                return False
            size = self._largest()
            if not self._is_stale and size[0] <= self._size[0] and size[1] <= self._size[1]:
                return False
        self._render(picture, size)
        return True

    def finish(self, picture: Picture) -> None:
        """Render the result as large as it is, if a page is open: it can be zoomed later."""
        if self.has_pages:
            self._render(picture, (LONGEST_SIDE, LONGEST_SIDE))

    def _largest(self) -> tuple[int, int]:
        sizes = list(self._waiting.values()) or [self._size]
        width, height = (max(side) for side in zip(*sizes, strict=True))
        return max(1, min(width, LONGEST_SIDE)), max(1, min(height, LONGEST_SIDE))

    def _render(self, picture: Picture, size: tuple[int, int]) -> None:
        started = self._clock()
        rendered = picture(size)
        version = 1 if self.newest is None else self.newest.version + 1
        self.newest = Frame(version, rendered, self._add_cost)
        self._size, self._is_stale = size, False
        self._not_before = self._clock()
        self._add_cost(self._not_before - started)

    def _add_cost(self, seconds: float) -> None:
        self._not_before += seconds / _SHARE


def encode_jpeg(picture: Image.Image) -> bytes:
    """Return a picture as a JPEG with full resolution of its colours."""
    data = io.BytesIO()
    picture.convert("RGB").save(data, "JPEG", quality=_QUALITY, subsampling=0)
    return data.getvalue()
