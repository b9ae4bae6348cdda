"""A run that its pages steer."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from styletransfer.errors import ConfigError, UnsavedError, one_line
from styletransfer.images.pipes import STDOUT
from styletransfer.live.browser import open_browser
from styletransfer.live.clock import Clock
from styletransfer.live.commands import Advance, Change, Mark, Pause, Resume, Save, Weigh
from styletransfer.live.events import MOVES, events_of, joined
from styletransfer.live.facts import command, is_blended, sizes_of, weights_of, with_weights
from styletransfer.live.later import Later
from styletransfer.live.rendering import render_result, render_step
from styletransfer.live.server import Server, check_live
from styletransfer.live.session import Session
from styletransfer.runs.steering import check_going_on
from styletransfer.transfer.pyramid import plan_scales

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from styletransfer.history import Event
    from styletransfer.live.commands import Command, Weights
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
        self._holding: Settings | None = None
        self._expected: Settings | None = None  # at the next size or start

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
            sizes_of(run.scales),
            run.content.decoded.colours,
            [style.decoded.colours for style in styles],
            is_blended=is_blended(run),
            command_of=self._command,
            later=Later(run.job.settings, self._check),
        )
        self._session, self._run, self._holding = session, run, run.job.settings
        with Server(session) as server:
            self._notify(f"live at {server.address}")
            if "SSH_CONNECTION" in os.environ:
                self._notify(f"to open it from where you are, first run there: {server.tunnel}")
            open_browser(server.link)
            try:
                yield
            except BaseException as error:
                _finish(session, run)
                session.say("failed", one_line(str(error) or type(error).__name__))
                raise
            _finish(session, run)
            stopped = run.context.stop.requested or (run.helm is not None and run.helm.has_ended)
            session.say("stopped" if stopped else "finished", f"{run.job.output} is saved")
        helm = run.helm
        if helm is not None and helm.settings != run.job.settings and not run.context.quiet:
            words = command(run.job, helm.settings)
            self._notify(f"with the last settings from the start: {words}")

    def events(self, step: Step, helm: Helm) -> list[Event]:
        """Tell the pages of a step, and return what they ask for; waits while it is paused."""
        session, run = self._session, self._run
        if session is None or run is None:
            raise RuntimeError("no run is piloted")
        self._holding = helm.settings
        session.sizes = sizes_of(step.scales)
        grows = self._look_ahead(session, run, step, helm, [])
        # After going back, they are those of the mark.
        session.changed(weights_of(helm.settings))
        session.publish(
            size_index=step.scales.index(step.scale),
            iteration=step.iteration,
            steps=helm.steps,
            losses=step.losses.terms,
            picture=partial(render_step, step),
            seconds_left=self._clock.seconds_left(step),
        )
        is_draft = _ends_draft(step) and session.has_pages
        if is_draft:
            self._seen = time.monotonic()
            session.say("paused", "The draft is done: paint it large, or go on tuning.")
        return self._ask(session, run, step, helm, is_draft=is_draft, grows=grows)

    def _look_ahead(
        self, session: Session, run: PictureRun, step: Step, helm: Helm, found: Sequence[Event]
    ) -> bool:
        """Tell what is to change at the next size; return whether there will be one."""
        waiting = dict(helm.waiting)
        for event in found:
            waiting |= event.later
        self._expected = replace(helm.settings, **waiting)
        sides = [each.longest_side for each in plan_scales(*run.content.size, self._expected)]
        larger = next((side for side in sides if side > step.scale.longest_side), None)
        session.later.tell(helm.settings, waiting, larger)
        return larger is not None

    def _check(self, changes: Mapping[str, Any]) -> None:
        """Refuse changes with which the run cannot go on at its next size."""
        if self._run is None or self._expected is None:
            raise ConfigError("settings can change once the first step is done")
        check_going_on(self._run, self._expected.with_values(changes))

    def _command(self, weights: Weights) -> str:
        if self._run is None or self._holding is None:
            raise RuntimeError("no run is piloted")
        return command(self._run.job, with_weights(self._holding, weights))

    def _ask(
        self, session: Session, run: PictureRun, step: Step, helm: Helm, is_draft: bool, grows: bool
    ) -> list[Event]:
        """Take the commands of the pages; wait for them at a draft's end, and while paused."""
        found: list[Event] = []
        waits = is_draft
        has_waited = is_draft or self._paused
        steps = helm.steps
        while True:
            commands = session.take(
                block=waits or self._paused,
                picture=partial(render_step, step),
                give_up=lambda: run.context.stop.requested or (is_draft and self._is_alone()),
            )
            for asked in commands:
                self._follow(asked, session, run, step, steps)
                has_waited = has_waited or isinstance(asked, Pause)
                events = events_of(asked, steps, is_draft=waits, is_largest=not grows)
                found = joined(found, events)
                if isinstance(asked, Change):
                    grows = self._look_ahead(session, run, step, helm, found)
                moves = isinstance(asked, Advance) or not MOVES.isdisjoint(e.kind for e in events)
                self._paused = self._paused and not moves
                waits = waits and not (moves or isinstance(asked, Resume | Weigh))
            if not (commands and (waits or self._paused)):
                break
        if has_waited:
            self._clock.skip()
            session.say("painting", "")
        return found

    def _is_alone(self) -> bool:
        """Whether all pages are closed, and not only to be loaded again."""
        now = time.monotonic()
        if self._session is not None and self._session.has_pages:
            self._seen = now
        return now - self._seen > _RELOAD

    def _follow(
        self, command: Command, session: Session, run: PictureRun, step: Step, steps: int
    ) -> None:
        """Do what needs no turn of the run."""
        if isinstance(command, Pause | Resume):
            self._paused = isinstance(command, Pause)
            session.say("paused" if self._paused else "painting", "")
        elif isinstance(command, Save):
            session.say("saving", f"{run.job.output} is being saved")
            try:
                run.save(step.result(), run.job.output, ends_here=True)
                session.say("saved", f"{run.job.output} is saved, as after step {steps}")
            except UnsavedError as error:
                session.say("saved", str(error))
                self._notify(f"{error}; the run continues")
        elif isinstance(command, Mark):
            session.marked(steps)


def pilot_for(request: Request, notify: Callable[[str], None]) -> LivePilot:
    """Return the pilot of a request, and refuse what has no page.

    Args:
        request: What is asked for.
        notify: Called with each line for the user.

    Raises:
        ConfigError: If an option makes no sense with ``--live``, or a package is missing.
    """
    source = "" if request.config is None else f" as in {request.config}"
    refused = {
        "a folder as CONTENT": request.is_folder,
        "a video as CONTENT": request.is_video,
        "a list of weights": request.sweep,
        "--skip-existing": request.skip_existing,
        "--checkpoint": request.checkpoint,
        f"--history{source}": request.settings.history,
        "-o -": request.output == STDOUT,
    }
    for name in (name for name, value in refused.items() if value not in (None, False)):
        raise ConfigError(
            f"{name} makes no sense with --live, which steers a run; omit one of the two"
        )
    check_live()
    return LivePilot(notify)


def _ends_draft(step: Step) -> bool:
    """Whether a step is the last one of a draft that is to become larger."""
    sizes = [scale.longest_side for scale in step.scales]
    drafts = [side for side in sizes if side <= DRAFT]
    is_last = drafts and step.scale.longest_side == drafts[-1]
    return bool(is_last and step.iteration == step.scale.iterations and drafts != sizes)


def _finish(session: Session, run: PictureRun) -> None:
    """Show the result, if there is one."""
    if run.helm is not None and run.helm.result is not None:
        session.finish(partial(render_result, run.helm.result))
