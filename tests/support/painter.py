"""A painting without a network: it draws shapes, and obeys the commands of a page."""

import threading
import time
from collections.abc import Sequence
from typing import Any, Self

from PIL import Image, ImageDraw

from styletransfer.live.commands import (
    Advance,
    Change,
    Command,
    GoBack,
    Mark,
    Pause,
    Restart,
    Resume,
    Save,
    Stop,
    Weights,
)
from styletransfer.live.session import Session
from styletransfer.settings import Settings

SIZES = ((96, 64, 40), (192, 128, 40), (384, 256, 400))
WEIGHTS = Weights(1.0, 14.0, 2.0)


def made_session(
    styles: Sequence[str] = ("café.jpg",),
    sizes: Sequence[tuple[int, int, int]] = SIZES,
    **more: Any,
) -> Session:
    """A session with a black photograph and red paintings."""
    paintings = [Image.new("RGB", (120, 90), "crimson") for _ in styles]
    return Session(styles, WEIGHTS, sizes, Image.new("RGB", (384, 256), "black"), paintings, **more)


def drawn(size: tuple[int, int], share: float = 1.0) -> Image.Image:
    """A picture that is green up to a share of its width."""
    picture = Image.new("RGB", size, "royalblue")
    ImageDraw.Draw(picture).rectangle((0, 0, round(size[0] * share), size[1]), fill="seagreen")
    return picture


class Painter:
    """Paints in a thread while it is entered as a context.

    Args:
        session: Its session.
        seconds: For each step.
    """

    def __init__(self, session: Session, seconds: float = 0.03) -> None:
        self.session = session
        self.seconds = seconds
        self.commands: list[Command] = []
        self.size = self.iteration = self.steps = 0
        self.waiting: dict[str, Any] = {}
        self._is_over = False
        self._is_paused = False
        self._thread = threading.Thread(target=self._paint)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.session.request(Stop())
        self._thread.join()

    def step(self) -> None:
        """Take a step and publish it."""
        self.iteration += 1
        self.steps += 1
        if self.iteration > self.session.sizes[self.size][2]:
            self.size, self.iteration = min(self.size + 1, len(self.session.sizes) - 1), 1
        weights = self.session.snapshot()["weights"]
        self.tell()
        losses = {
            "content": weights["content"] * (0.3 + 0.2 * self.steps / (self.steps + 9)),
            "style": weights["style"] / (2 + self.steps),
            "tv": weights["tv"] * 0.02,
        }
        self.session.publish(
            size_index=self.size,
            iteration=self.iteration,
            steps=self.steps,
            losses=losses,
            picture=self.picture,
            seconds_left=self.seconds * 300,
        )

    def tell(self) -> None:
        """Tell what waits for the next size."""
        larger = [max(size[:2]) for size in self.session.sizes[self.size + 1 :]]
        self.session.later.tell(Settings(), self.waiting, larger[0] if larger else None)

    def picture(self, size: tuple[int, int]) -> Image.Image:
        """The present picture, at most of its own size."""
        width, height, _ = self.session.sizes[self.size]
        return drawn((min(width, size[0]), min(height, size[1])))

    def _paint(self) -> None:
        while not self._is_over:
            if not self._is_paused:
                self.step()
                time.sleep(self.seconds)
            for command in self.session.take(block=self._is_paused, picture=self.picture):
                self.commands.append(command)
                if isinstance(command, Change):
                    self.waiting |= command.settings
                    self.tell()
                else:
                    self._obey(command)

    def _obey(self, command: Command) -> None:
        session = self.session
        match command:
            case Pause() | Resume():
                self._is_paused = isinstance(command, Pause)
                session.say("paused" if self._is_paused else "painting", "")
            case Mark():
                session.marked(self.steps)
            case GoBack(steps):
                self.steps = steps
            case Advance():
                self.size, self.iteration = self.size + 1, 0
            case Restart():
                self.size = self.iteration = 0
            case Save():
                session.say("saved", f"saved to out.png after step {self.steps}")
            case Stop():
                self._is_over = True
                session.say("stopped", "saved to out.png")
            case _:
                pass
