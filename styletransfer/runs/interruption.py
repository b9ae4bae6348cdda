"""Graceful handling of Ctrl-C and SIGTERM."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from styletransfer.errors import InterruptionError

SIGNALS = (signal.SIGINT, signal.SIGTERM)

NOTHING_YET = "interrupted before the first result; nothing was written"
"""The message if a signal ends a run before its first result."""


class StopRequest:
    """Turns the first SIGINT or SIGTERM into a request to stop; the second ends the process.

    While there is nothing to save, the first signal raises `InterruptionError`
    at once. After a call of `hold` it is held until the end of the block
    ``with stop.deferred(message)``, and `requested` is true meanwhile.

    Handlers are installed within ``with stop.handlers():``.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._held = False
        self._message: Callable[[], str | None] = lambda: NOTHING_YET

    @property
    def requested(self) -> bool:
        """Whether a signal came."""
        return self._number is not None

    @contextlib.contextmanager
    def handlers(self) -> Iterator[None]:
        """Handle both signals within the block."""
        previous = {number: signal.signal(number, self._receive) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self, message: Callable[[], str | None]) -> Iterator[None]:
        """Hold a signal, once `hold` is called, until the end of the block; then raise.

        If an exception leaves the block, the signal stays held: the exception
        ends the run and says why.

        Args:
            message: Returns the line for the user if a signal ended the run
                now, or None if nothing remains to be done: then the signal has
                no effect. Applies until the next block begins.

        Raises:
            InterruptionError: At the end of the block if a signal was held.
        """
        self._message, self._held = message, False
        yield
        self._held = False
        self._raise()

    def hold(self) -> None:
        """Hold a signal until the end of the block: from now on there is something to save."""
        self._held = True

    def _raise(self) -> None:
        if self._number is None or self._held:
            return
        message = self._message()
        if message is not None:
            raise InterruptionError(self._number, message)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            # The second signal: no clean-up, no waiting for a long computation.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._number = number
        self._raise()
