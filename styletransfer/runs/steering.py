"""What is done to a run while it goes on, by a person or from its history."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from styletransfer.history import (
    BACK,
    BLEND,
    MARK,
    NEXT,
    REPEAT,
    STOP,
    WEIGH,
    Event,
    parse_history,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from styletransfer.runs.picture import PictureRun
    from styletransfer.settings import Settings
    from styletransfer.transfer.best import State
    from styletransfer.transfer.steering import Turn
    from styletransfer.transfer.stylize import Step


class Pilot(Protocol):
    """Says what is to be done."""

    def piloting(self, run: PictureRun) -> AbstractContextManager[None]:
        """Pilot a run that is made in the block."""
        ...

    def events(self, step: Step, helm: Helm) -> Iterable[Event]:
        """Return what is done after a step.

        Args:
            step: The step.
            helm: What holds now.
        """
        ...


class Recorded:
    """Does what a history says.

    Args:
        history: See `Settings.history`.
    """

    def __init__(self, history: Sequence[str]) -> None:
        self._events = parse_history(history)

    def piloting(self, run: PictureRun) -> AbstractContextManager[None]:
        """Do nothing before and after it."""
        return nullcontext()

    def events(self, step: Step, helm: Helm) -> list[Event]:
        """Return what was done after so many steps."""
        return [event for event in self._events if event.steps == helm.steps]


class Helm:
    """Does to a run what a pilot says, and remembers it.

    Args:
        settings: The settings at the start of the run.
        pilot: Says what is to be done.
    """

    def __init__(self, settings: Settings, pilot: Pilot) -> None:
        self.settings = settings
        """Those that hold now."""
        self.history: list[Event] = []
        """What was done so far."""
        self.steps = 0
        """Steps of the run so far, also those that were taken back."""
        self.has_ended = False
        """Whether the pilot ended the run."""
        self._start = settings
        self._pilot = pilot
        self._marks: dict[int, tuple[State, Settings]] = {}

    @property
    def recorded(self) -> Settings:
        """The settings at the start, with what was done since: they repeat the run."""
        return replace(self._start, history=tuple(map(str, self.history)) or None)

    def piloting(self, run: PictureRun) -> AbstractContextManager[None]:
        """Let the pilot know of a run that is made in the block."""
        return self._pilot.piloting(run)

    def turn(self, step: Step) -> Turn | bool | None:
        """Return what `stylize` is to be told after a step."""
        from styletransfer.transfer.steering import Turn

        self.steps += 1
        turn: Turn | None = None
        for event in self._pilot.events(step, self):
            self.history.append(event)
            if event.kind == STOP:
                self.has_ended = True
                return True
            if event.kind == MARK:
                self._marks[self.steps] = (deepcopy(step.state()), self.settings)
                continue
            turn = self._apply(event, Turn() if turn is None else turn)
        return turn

    def _apply(self, event: Event, turn: Turn) -> Turn:
        """What becomes of a turn through an event."""
        if event.kind == BACK:
            state, self.settings = self._marks[int(event.values[0])]
            return replace(turn, settings=self.settings, state=deepcopy(state), to=None)
        if event.kind in {WEIGH, BLEND}:
            self.settings = reweighed(self.settings, event)
            return replace(turn, settings=self.settings)
        if event.kind == REPEAT:
            return replace(turn, repeat=True)
        return replace(turn, to="next size" if event.kind == NEXT else "first size")


def recorded_settings(settings: Settings, helm: Helm | None) -> Settings:
    """The settings of a run, with what was done to it."""
    return settings if helm is None else helm.recorded


def helm_for(settings: Settings, pilot: Pilot | None) -> Helm | None:
    """Return what steers a run: a pilot, its history, or nothing."""
    if pilot is None and settings.history is not None:
        pilot = Recorded(settings.history)
    return None if pilot is None else Helm(settings, pilot)


def reweighed(settings: Settings, event: Event) -> Settings:
    """Return settings with the weights, or the shares of the styles, of an event."""
    if event.kind == BLEND:
        return replace(settings, style_blend=event.values)
    content, style, tv = event.values
    return replace(settings, content_weight=content, style_weight=style, tv_weight=tv)
