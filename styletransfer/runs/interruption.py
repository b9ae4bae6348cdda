"""Graceful handling of Ctrl-C, SIGTERM and SIGHUP."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from styletransfer.errors import InterruptionError

# Windows has no SIGHUP.
SIGNALS = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""The signals that end a run: Ctrl-C, `kill`, and a terminal or connection that is gone."""

NOTHING_YET = "interrupted before the first result; nothing was written"
"""The message if a signal ends a run before its first result."""


class StopRequest:
    """Turns the first of `SIGNALS` into a request to stop; the second ends the process.

    While there is nothing to save, the first signal raises `InterruptionError`
    at once. After a call of `hold` it is held until the end of the block
    ``with stop.deferred(message)``, and `requested` is true meanwhile. Once
    nothing remains to be done, signals have no effect.

    Handlers are installed within ``with stop.handlers():``, or for good by `install`.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._held = False
        self._postponed = False
        self._message: Callable[[], str | None] = lambda: NOTHING_YET

    @property
    def requested(self) -> bool:
        """Whether a signal came."""
        return self._number is not None

    @contextlib.contextmanager
    def handlers(self) -> Iterator[None]:
        """Handle the signals within the block."""
        previous = self.install()
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def install(self) -> dict[signal.Signals, Any]:
        """Handle the signals from now on.

        SIGHUP stays ignored if it is, since `nohup` asks for that.

        Returns:
            The previous handlers.
        """
        return {
            number: signal.signal(number, self._receive)
            for number in SIGNALS
            if number.name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN
        }

    def finish(self) -> None:
        """Let signals have no effect from now on: the run has ended, and its exit code is known."""
        self._message, self._held, self._postponed = lambda: None, False, False

    @contextlib.contextmanager
    def postponed(self) -> Iterator[None]:
        """Note a signal within the block, and act on it at its end.

        For imports: an exception from a signal handler gets lost in some of
        Python's callbacks, and aborts the process in some of torch's.

        Raises:
            InterruptionError: At the end of the block if a signal came.
        """
        self._postponed = True
        try:
            yield
        finally:
            self._postponed = False
        self._raise()

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
        if self._number is None or self._held or self._postponed:
            return
        message = self._message()
        if message is not None:
            raise InterruptionError(self._number, message)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if not (self._held or self._postponed) and self._message() is None:
            return
        if self.requested:
            # The second signal: no clean-up, no waiting for a long computation.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._number = number
        self._raise()
