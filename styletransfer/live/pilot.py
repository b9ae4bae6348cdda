"""A run that its pages steer."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING

from styletransfer.errors import ConfigError, InterruptionError, StyleTransferError
from styletransfer.history import BACK, BLEND, FIRST, MARK, NEXT, REPEAT, STOP, WEIGH, Event
from styletransfer.images.pipes import STDOUT
from styletransfer.images.tensors import to_picture
from styletransfer.live.browser import open_browser
from styletransfer.live.clock import Clock
from styletransfer.live.commands import (
    Advance,
    GoBack,
    Mark,
    Pause,
    Restart,
    Resume,
    Save,
    Stop,
    Weigh,
    Weights,
)
from styletransfer.live.server import Server, check_live
from styletransfer.live.session import Session
from styletransfer.option_text import format_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from PIL import Image

    from styletransfer.live.commands import Command
    from styletransfer.runs.jobs import Request
    from styletransfer.runs.picture import PictureRun
    from styletransfer.runs.steering import Helm
    from styletransfer.settings import Settings
    from styletransfer.transfer.stylize import Step

DRAFT = 256
"""Longest side in pixels up to which a picture is a draft: after it the painting waits
for its pages, if there are any and it is to become larger."""


_RELOAD = 3.0
"""Seconds for which no page may be open while one is loaded again."""

_KINDS: Mapping[type[Command], str] = {Mark: MARK, Advance: NEXT, Restart: FIRST, Stop: STOP}
"""What commands without values do to a run."""


class LivePilot:
    """Shows a run on a page, and does what is asked there.

    Args:
        notify: Called with each line for the user.
    """

    def __init__(self, notify: Callable[[str], None]) -> None:
        self._notify = notify
        self._paused = False
        self._seen = 0.0
        self._clock = Clock()
        self._session: Session | None = None
        self._run: PictureRun | None = None

    @contextlib.contextmanager
    def piloting(self, run: PictureRun) -> Iterator[None]:
        """Serve the page of a run in the block.

        Args:
            run: The run; it is to be made in the block.

        Raises:
            ConfigError: If the page cannot be served.
        """
        styles = run.context.styles
        session = Session(
            [style.path.name for style in styles],
            weights_of(run.job.settings),
            [(*scale.size, scale.iterations) for scale in run.scales],
            run.content.decoded.colours,
            [style.decoded.colours for style in styles],
        )
        self._session, self._run = session, run
        with Server(session) as server:
            self._notify(f"live at {server.address}")
            open_browser(server.address)
            try:
                yield
            except (StyleTransferError, InterruptionError) as error:
                session.say("failed", str(error))
                raise
            stopped = run.context.stop.requested or (run.helm is not None and run.helm.has_ended)
            session.say("stopped" if stopped else "finished", f"{run.job.output} is saved")
        if run.helm is not None and run.helm.history:
            self._notify(_final_weights(run.helm.settings))

    def events(self, step: Step, helm: Helm) -> list[Event]:
        """Tell the pages of a step, and return what they ask for; waits while it is paused."""
        session, run = self._session, self._run
        if session is None or run is None:
            raise RuntimeError("no run is piloted")
        # After going back, they are those of the mark.
        session.changed(weights_of(helm.settings))
        picture = partial(_render, step)
        position = run.scales.index(step.scale)
        session.publish(
            size_index=position,
            iteration=step.iteration,
            steps=helm.steps,
            losses=step.losses.terms,
            picture=picture,
            seconds_left=self._clock.seconds_left(step, run),
        )
        is_draft = _ends_draft(step, run) and session.has_pages
        if is_draft:
            self._seen = time.monotonic()
            session.say("paused", "The draft is done: paint it large, or go on tuning.")
        found: list[Event] = []
        waits = is_draft
        while waits or self._paused or not found:
            commands = session.take(
                block=waits or self._paused,
                picture=picture,
                give_up=lambda: run.context.stop.requested or (is_draft and self._is_alone()),
            )
            if not commands:
                break
            for command in commands:
                found += self._follow(command, step, helm.steps, is_draft=waits)
                waits = waits and not isinstance(command, Advance | Resume) and not found
            if found and found[-1].kind in {STOP, BACK, FIRST, NEXT}:
                self._paused = False
        if is_draft:
            session.say("painting", "")
        return found

    def _is_alone(self) -> bool:
        """Whether all pages are closed, and not only to be loaded again."""
        now = time.monotonic()
        if self._session is not None and self._session.has_pages:
            self._seen = now
        return now - self._seen > _RELOAD

    def _follow(self, command: Command, step: Step, steps: int, *, is_draft: bool) -> list[Event]:
        """Do what needs no turn of the run, and return the events of what does."""
        session, run = self._session, self._run
        assert session is not None
        assert run is not None
        if isinstance(command, Pause | Resume):
            self._paused = isinstance(command, Pause)
            session.say(*(("paused", "") if self._paused else ("painting", "")))
        elif isinstance(command, Save):
            session.say("saving", "")
            run.save(step.picture(run.scales[-1].size).cpu(), run.job.output)
            session.say("saved", f"{run.job.output} is saved")
        elif isinstance(command, Mark):
            session.marked(steps)
        return _events_of(command, steps, is_draft=is_draft)


def _events_of(command: Command, steps: int, *, is_draft: bool) -> list[Event]:
    """What a command does to the run; nothing if the run goes its way."""
    if isinstance(command, Weigh):
        events = [Event(steps, WEIGH, (command.content, command.style, command.tv))]
        if command.shares is not None:
            events.append(Event(steps, BLEND, command.shares))
        return [*events, *([Event(steps, REPEAT)] if is_draft else [])]
    if isinstance(command, GoBack):
        return [Event(steps, BACK, (command.steps,))]
    if isinstance(command, Advance) and is_draft:
        return []
    kind = _KINDS.get(type(command))
    return [] if kind is None else [Event(steps, kind)]


def pilot_for(request: Request, notify: Callable[[str], None]) -> LivePilot:
    """Return the pilot of a request, and refuse what has no page.

    Args:
        request: What is asked for.
        notify: Called with each line for the user.

    Raises:
        ConfigError: If an option makes no sense with ``--live``, or a package is missing.
    """
    refused = {
        "a folder as CONTENT": request.is_folder,
        "a video as CONTENT": request.is_video,
        "a list of weights": request.sweep,
        "--skip-existing": request.skip_existing,
        "--checkpoint": request.checkpoint,
        "--history": request.settings.history,
        "-o -": request.output == STDOUT,
    }
    for name in (name for name, value in refused.items() if value not in (None, False)):
        raise ConfigError(
            f"{name} makes no sense with --live, which steers a run; omit one of the two"
        )
    check_live()
    return LivePilot(notify)


def weights_of(settings: Settings) -> Weights:
    """The weights of settings, as the pages show them."""
    return Weights(
        settings.content_weight, settings.style_weight, settings.tv_weight, settings.style_blend
    )


def _ends_draft(step: Step, run: PictureRun) -> bool:
    """Whether a step is the last one of a draft that is to become larger."""
    sizes = [scale.longest_side for scale in run.scales]
    drafts = [side for side in sizes if side <= DRAFT]
    is_last = drafts and step.scale.longest_side == drafts[-1]
    return bool(is_last and step.iteration == step.scale.iterations and drafts != sizes)


def _render(step: Step, limit: tuple[int, int]) -> Image.Image:
    """The present picture, no larger than it is, and than a width and height."""
    width, height = step.scale.size
    share = min(1.0, limit[0] / width, limit[1] / height)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return to_picture(step.picture(size))


def _final_weights(settings: Settings) -> str:
    """The options that give the weights at the end from the start."""
    words = [
        f"--content-weight {format_value(settings.content_weight)}",
        f"--style-weight {format_value(settings.style_weight)}",
        f"--tv-weight {format_value(settings.tv_weight)}",
    ]
    if settings.style_blend is not None:
        words.append(f"--style-blend {format_value(settings.style_blend, separator=',')}")
    return f"the weights at the end: {' '.join(words)}"
