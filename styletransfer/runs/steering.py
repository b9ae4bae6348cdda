"""What is done to a run while it goes on, by a person or from its history."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

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
from styletransfer.images.tensors import check_side
from styletransfer.runs.repeat_command import repeat_command
from styletransfer.transfer.pyramid import plan_scales

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from torch import Tensor

    from styletransfer.runs.picture import PictureRun
    from styletransfer.runs.result_writer import ResultWriter
    from styletransfer.settings import Settings
    from styletransfer.transfer.steering import Place, Turn
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
        """Refuse what it cannot go on with, before its first step."""
        settings = run.job.settings
        for event in self._events:
            if event.later:
                settings = replace(settings, **event.later)
                check_going_on(run, settings)
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
        self.waiting: dict[str, Any] = {}
        """What is to change once the run leaves its size, by field of `Settings`."""
        self.steps = 0
        """Steps of the run so far, also those that were taken back."""
        self.has_ended = False
        """Whether the pilot ended the run."""
        self.result: Tensor | None = None
        """The result once it is saved, shape (1, 3, H, W), RGB in [0, 1]."""
        self._start = settings
        self._pilot = pilot
        self._marks: dict[int, tuple[Place, Settings]] = {}
        self._size: tuple[int, int] | None = None
        self._leaves = False

    @property
    def command(self) -> str | None:
        """What gives the settings that hold now from the start, whatever the files are called.

        None: the settings at the start.
        """
        if self.settings == self._start:
            return None
        files = Path("CONTENT"), [Path("STYLE")], Path("OUT")
        return shlex.join(repeat_command(*files, replace(self.settings, history=None)))

    def recorded(self, *, ends_here: bool) -> Settings:
        """The settings at the start, with what was done since: they repeat the run.

        Args:
            ends_here: Whether to end it after the present step.
        """
        events = [event for event in self.history if event.kind != STOP]
        if ends_here:
            events.append(Event(self.steps, STOP))
        return replace(self._start, history=tuple(map(str, events)) or None)

    def piloting(self, run: PictureRun) -> AbstractContextManager[None]:
        """Let the pilot know of a run that is made in the block."""
        return self._pilot.piloting(run)

    def turn(self, step: Step) -> Turn | bool | None:
        """Return what `stylize` is to be told after a step."""
        from styletransfer.transfer.steering import Place, Turn

        self.steps += 1
        if self._leaves or step.scale.size != self._size:
            self.settings, self.waiting = replace(self.settings, **self.waiting), {}
        self._size = step.scale.size
        turn: Turn | None = None
        for event in self._pilot.events(step, self):
            self.history.append(event)
            if event.kind == STOP:
                self.has_ended = True
                return True
            if event.kind == MARK:
                # Steps do not write to it, so it is no copy.
                place = Place(
                    size=step.scale.size, iteration=step.iteration, image=step.image.cpu()
                )
                self._marks[self.steps] = (place, self.settings)
                continue
            self.waiting |= event.later
            turn = Turn() if turn is None else turn
            turn = turn if event.later else self._apply(event, turn)
        self._leaves = turn is not None and turn.to is not None
        if turn is not None and self.waiting:
            turn = replace(turn, later=replace(self.settings, **self.waiting))
        return turn

    def _apply(self, event: Event, turn: Turn) -> Turn:
        """What becomes of a turn through an event."""
        if event.kind == BACK:
            place, self.settings = self._marks[int(event.values[0])]
            self._size = place.size
            return replace(turn, settings=self.settings, back=place, to=None)
        if event.kind in {WEIGH, BLEND}:
            self.settings = reweighed(self.settings, event)
            return replace(turn, settings=self.settings)
        if event.kind == REPEAT:
            return replace(turn, repeat=True)
        return replace(turn, to="next size" if event.kind == NEXT else "first size")


def recorded_settings(
    settings: Settings, helm: Helm | None, *, ends_here: bool = False
) -> Settings:
    """The settings of a run, with what was done to it; see `Helm.recorded`."""
    return settings if helm is None else helm.recorded(ends_here=ends_here)


def writer_for(writer: ResultWriter, helm: Helm | None, *, ends_here: bool = False) -> ResultWriter:
    """Return a writer that also records what was done to the run so far, and the command."""
    if helm is None:
        return writer
    settings = helm.recorded(ends_here=ends_here)
    return replace(writer, settings=settings, command=helm.command)


def recording(writer: ResultWriter, helm: Helm | None) -> Callable[[Tensor, Path], None]:
    """Return what writes an image, shape (1, 3, H, W), with what was done to the run so far."""
    return lambda image, path: writer_for(writer, helm).write(image, path)


def helm_for(settings: Settings, pilot: Pilot | None) -> Helm | None:
    """Return what steers a run: a pilot, its history, or nothing."""
    if pilot is None and settings.history is not None:
        pilot = Recorded(settings.history)
        for event in parse_history(settings.history):
            replace(settings, **event.later)  # which refuses what settings do not hold
    return None if pilot is None else Helm(settings, pilot)


def check_going_on(run: PictureRun, settings: Settings) -> None:
    """Refuse settings with which a run cannot go on, for the size of its result.

    Args:
        run: The run, once it is planned.
        settings: What is to hold from a later size on.

    Raises:
        ImageError: If the format of the result has no such size.
        ShortageError: If it needs more memory than the run may take.
    """
    from styletransfer.transfer.workspace import check_memory

    scales = tuple(plan_scales(*run.content.size, settings))
    check_side(run.job.output, scales[-1].longest_side)
    check_memory(replace(run.plan(), settings=settings, scales=scales))


def reweighed(settings: Settings, event: Event) -> Settings:
    """Return settings with the weights, or the shares of the styles, of an event."""
    if event.kind == BLEND:
        return replace(settings, style_blend=event.values)
    content, style, tv = event.values
    return replace(settings, content_weight=content, style_weight=style, tv_weight=tv)
