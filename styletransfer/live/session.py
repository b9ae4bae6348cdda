"""What the painting and its pages tell each other."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal

from styletransfer.errors import ConfigError
from styletransfer.live.commands import Change, GoBack, Mark, Pause, Save, Stop, Weigh, Weights
from styletransfer.live.curve import Curve, finite
from styletransfer.live.frames import Frames
from styletransfer.live.later import Later

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PIL import Image

    from styletransfer.live.commands import Command
    from styletransfer.live.frames import Picture

State = Literal["painting", "paused", "saving", "saved", "finished", "stopped", "failed"]

ENDS: frozenset[State] = frozenset({"finished", "stopped", "failed"})
"""The states after which no command has an effect."""

_PATIENCE = 0.2  # seconds between two looks for commands and waiting pages


class Session:
    """A run as its pages see it; the painting and the server use it from two threads.

    Args:
        styles: The name of each style.
        weights: The weights at the beginning.
        sizes: Width and height in pixels, and iterations, of each size, smallest first.
        photograph: The content.
        paintings: The picture of each style.
        is_blended: Whether the shares of the styles have an effect.
        command_of: Gives the command that paints with other weights from the start.
        later: What is to change at the next size or start.
    """

    def __init__(
        self,
        styles: Sequence[str],
        weights: Weights,
        sizes: Sequence[tuple[int, int, int]],
        photograph: Image.Image,
        paintings: Sequence[Image.Image],
        *,
        is_blended: bool = True,
        command_of: Callable[[Weights], str] = str,
        later: Later | None = None,
    ) -> None:
        self.styles = list(styles)
        self.is_blended = is_blended and len(self.styles) > 1
        self.sizes = list(sizes)
        self.photograph = photograph
        self.paintings = list(paintings)
        self.frames = Frames()
        self.later = later or Later()
        self._weights = _only_weights(weights)
        self._command_of = command_of
        self._asked: Weights | None = None
        self._state: State = "painting"
        self._note = ""
        self._saved = ""
        self._step: dict[str, Any] | None = None
        self._steps = 0
        self._marks: list[int] = []
        self._curve = Curve()
        self._commands: list[Command] = []
        self._arrived = threading.Condition()
        self._listeners: list[Callable[[], None]] = []

    # For the painting

    def publish(
        self,
        *,
        size_index: int,
        iteration: int,
        steps: int,
        losses: Mapping[str, float],
        picture: Picture,
        seconds_left: float,
    ) -> None:
        """Tell about a step.

        Args:
            size_index: The position of the size in `sizes`, from 0.
            iteration: Steps taken at this size.
            steps: Steps taken in all; the curves go back to where it was.
            losses: The weighted terms by name: ``content``, ``style`` and ``tv``.
            picture: Renders the present picture at no more than a size (width, height).
                It is called before this returns, or not at all.
            seconds_left: Expected time to the end, in seconds.
        """
        with self._arrived:
            self._steps = steps
            self._step = {
                "size": size_index,
                "iteration": iteration,
                "steps": steps,
                "left": sum(size[2] for size in self.sizes[size_index:]) - iteration,
                "seconds": finite(seconds_left),
            }
            self._curve.add(steps, max(self.sizes[size_index][:2]), losses)
            will_stay = any(isinstance(each, Pause | Stop | Mark | Save) for each in self._commands)
        is_last = size_index == len(self.sizes) - 1 and iteration >= self.sizes[-1][2]
        self.frames.offer(picture, at_once=will_stay or is_last)
        self._notify()

    @property
    def has_pages(self) -> bool:
        """Whether a page is open."""
        return self.frames.has_pages

    def take(
        self,
        *,
        block: bool,
        picture: Picture | None = None,
        give_up: Callable[[], bool] = lambda: False,
    ) -> list[Command]:
        """Return the commands that came since the last call, in their order.

        Args:
            block: Wait for one.
            picture: Renders the present picture while this waits, for pages that ask for it
                in another size. None: they keep the last one.
            give_up: Whether to wait no longer, asked several times a second.
        """
        while True:
            if block and picture is not None and self.frames.renew(picture):
                self._notify()
            with self._arrived:
                if block and not self._commands:
                    # Not for ever: a page may wait for a frame, and signals are seen.
                    self._arrived.wait(_PATIENCE)
                if self._commands or not block or give_up():
                    taken, self._commands = self._commands, []
                    break
        for command in taken:
            if isinstance(command, Weigh):
                self.changed(self._weighed(command))
        return taken

    def say(self, state: State, text: str) -> None:
        """Tell the state in a word and a line; ``saving`` and ``saved`` leave it painting."""
        with self._arrived:
            if state in {"saving", "saved"}:
                self._saved = text
            else:
                self._state, self._note = state, text
            if state in ENDS:
                self._asked = None
        self._notify()

    def changed(self, weights: Weights) -> None:
        """Tell the weights that are in effect from the next step on."""
        with self._arrived:
            weights = _only_weights(weights)
            if weights != self._weights:
                self._curve.change(self._steps)
            self._weights = weights
            if not any(isinstance(each, Weigh) for each in self._commands):
                self._asked = None
        self._notify()

    def finish(self, picture: Picture) -> None:
        """Show the result, which can be zoomed when the run is over."""
        self.frames.finish(picture)
        self._notify()

    def marked(self, steps: int) -> None:
        """Tell that a mark was set after so many steps in all."""
        with self._arrived:
            self._marks = sorted({*self._marks, steps})
        self._notify()

    # For the server

    def request(self, command: Command) -> None:
        """Pass a command to the painting; the last of several new weights counts.

        Raises:
            StyleTransferError: If it goes back to where there is no mark, or is refused.
        """
        if isinstance(command, Change):
            self.later.check(command.settings)
        with self._arrived:
            if self._state in ENDS:
                return
            if isinstance(command, GoBack) and command.steps not in self._marks:
                raise ConfigError(f"there is no mark after {command.steps} steps")
            if isinstance(command, Weigh):
                if self._commands and isinstance(last := self._commands[-1], Weigh):
                    self._commands.pop()
                    command = replace(command, shares=command.shares or last.shares)
                self._asked = self._weighed(command)
            self._commands.append(command)
            self._arrived.notify_all()
        self._notify()

    def want_frame(self, page: object, size: tuple[int, int]) -> None:
        """Remember that a page waits for a frame of at most a size (width, height)."""
        self.frames.want(page, size)
        with self._arrived:
            self._arrived.notify_all()

    def snapshot(self) -> dict[str, Any]:
        """Return the present state for the pages, in values of JSON."""
        with self._arrived:
            return {
                "state": self._state,
                "note": self._note,
                "saved": self._saved,
                "step": self._step,
                "sizes": self.sizes,
                "marks": list(self._marks),
                "weights": asdict(self._weights),
                "command": self._command_of(self._weights),
                "asked": None if self._asked is None else asdict(self._asked),
                **self.later.snapshot(),
            }

    def curve(self, start: int) -> list[list[Any]]:
        """Return the curves from a position on, see `Curve.rows`."""
        with self._arrived:
            return self._curve.rows(start)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call a function, from any thread, whenever there is news."""
        self._listeners.append(listener)

    def _weighed(self, command: Weigh) -> Weights:
        """The weights after a command."""
        return _only_weights(replace(command, shares=command.shares or self._weights.shares))

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()


def _only_weights(weights: Weights) -> Weights:
    """The weights as the same type, whichever command they come from."""
    return Weights(weights.content, weights.style, weights.tv, weights.shares)
