"""What the commands of a page do to the run: the events of its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from styletransfer.history import (
    BACK,
    BLEND,
    FIRST,
    LATER,
    MARK,
    NEXT,
    REPEAT,
    STOP,
    WEIGH,
    Event,
    later_event,
)
from styletransfer.live.commands import Advance, Change, GoBack, Mark, Restart, Stop, Weigh

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from styletransfer.live.commands import Command

_KINDS: Mapping[type[Command], str] = {Mark: MARK, Advance: NEXT, Restart: FIRST, Stop: STOP}
"""What commands without values do to a run."""

MOVES = frozenset({BACK, NEXT, FIRST, STOP})
"""The events after which a run does not wait where it is."""


def events_of(command: Command, steps: int, *, is_draft: bool, is_largest: bool) -> list[Event]:
    """Return what a command does to a run; nothing if the run goes its way.

    Args:
        command: The command.
        steps: After how many steps of the run it came.
        is_draft: Whether the run waits at the end of its draft.
        is_largest: Whether it is at its last size.
    """
    if isinstance(command, Weigh):
        events = [Event(steps, WEIGH, (command.content, command.style, command.tv))]
        if command.shares is not None:
            events.append(Event(steps, BLEND, command.shares))
        return [*events, *([Event(steps, REPEAT)] if is_draft else [])]
    if isinstance(command, Change):
        return [later_event(steps, field, value) for field, value in command.settings.items()]
    if isinstance(command, GoBack):
        return [Event(steps, BACK, (command.steps,))]
    if isinstance(command, Advance) and (is_draft or is_largest):
        return []
    kind = _KINDS.get(type(command))
    return [] if kind is None else [Event(steps, kind)]


def joined(events: Sequence[Event], more: Sequence[Event]) -> list[Event]:
    """Return events and more after the same step, without values that were not used."""
    found, replaced = list(events), {event.kind for event in more} & {WEIGH, BLEND, *LATER}
    while found and found[-1].kind in replaced:
        found.pop()
    return [*found, *more]
