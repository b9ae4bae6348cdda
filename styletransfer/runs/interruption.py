"""Ctrl-C and SIGTERM as a request to stop, not as a blow."""

import signal
from types import FrameType, TracebackType
from typing import Self

from styletransfer.errors import InterruptionError

SIGNALS = (signal.SIGINT, signal.SIGTERM)

NOTHING_YET = "interrupted before the first result; nothing was written"
"""What is said when a signal ends a run at its start."""


class StopRequest:
    """Turns the first SIGINT or SIGTERM into a request, and the second into the end.

    Within ``with StopRequest() as stop:``, `signal_number` says whether a
    signal came. Unless `hold` is set there is nothing to lose, and a signal
    ends the program at once, with `message` for the user.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self.hold = False
        self.message = NOTHING_YET
        self._previous = {number: signal.getsignal(number) for number in SIGNALS}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def release(self) -> None:
        """Have nothing to lose any more, and end if a signal came in the meantime.

        Raises:
            InterruptionError: If one did.
        """
        self.hold = False
        if self.signal_number is not None:
            raise InterruptionError(self.signal_number, self.message)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None:
            # The second one: no clean-up, no waiting for a long computation.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal_number = number
        if not self.hold:
            raise InterruptionError(number, self.message)
