import io

import pytest
from PIL import Image

from styletransfer.live.frames import LONGEST_SIDE, Frames
from tests.support.painter import drawn


class Clock:
    """A clock that moves only when told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sizes() -> list[tuple[int, int]]:
    """The sizes of the pictures that were rendered."""
    return []


def test_nothing_is_rendered_while_no_page_waits(sizes: list[tuple[int, int]]) -> None:
    def picture(size: tuple[int, int]) -> Image.Image:
        sizes.append(size)
        return drawn(size)

    frames = Frames()
    frames.join("page")
    assert not frames.offer(picture)
    assert not frames.offer(picture, at_once=True), "in which size?"
    frames.want("page", (30, 20))
    assert frames.offer(picture)
    frames.took("page")
    assert not frames.offer(picture), "until the page has shown the last one"
    frames.forget("page")
    assert not frames.has_pages
    assert not frames.offer(picture, at_once=True)
    assert sizes == [(30, 20)]


def test_two_pages_get_the_same_frame_at_the_larger_size() -> None:
    frames = Frames()
    frames.want("small", (30, 20))
    frames.want("large", (LONGEST_SIDE + 1, 10))
    assert frames.offer(drawn)
    assert frames.newest is not None
    shown = Image.open(io.BytesIO(frames.newest.encode()))
    assert (shown.format, shown.size) == ("JPEG", (LONGEST_SIDE, 20))


def test_frames_take_no_more_than_their_share_of_the_time(clock: Clock) -> None:
    def picture(size: tuple[int, int]) -> Image.Image:
        clock.now += 0.03
        return drawn(size)

    frames = Frames(clock)
    frames.want("page", (30, 20))
    rendered = 0
    while clock.now < 200:
        clock.now += 0.01
        rendered += frames.offer(picture)
    assert 50 < rendered <= 67, "of 30 ms each in 100 s"


def test_a_picture_that_will_stay_is_rendered_whenever_a_page_is_open(clock: Clock) -> None:
    frames = Frames(clock)
    frames.join("page")
    frames.want("page", (30, 20))
    assert frames.offer(drawn)
    frames.took("page")
    assert frames.offer(drawn, at_once=True)
    assert frames.newest is not None
    assert frames.newest.version == 2


def test_the_result_is_rendered_as_large_as_it_is(sizes: list[tuple[int, int]]) -> None:
    def picture(size: tuple[int, int]) -> Image.Image:
        sizes.append(size)
        return drawn((50, 40))

    frames = Frames()
    frames.finish(picture)
    assert sizes == [], "no page is open"
    frames.join("page")
    frames.finish(picture)
    assert sizes == [(LONGEST_SIDE, LONGEST_SIDE)]
    assert frames.newest is not None


def test_the_same_picture_is_rendered_again_only_if_it_is_old_or_too_small() -> None:
    frames = Frames()
    frames.want("page", (30, 20))
    frames.offer(drawn)
    assert not frames.renew(drawn)
    frames.want("page", (60, 40))
    assert frames.renew(drawn)
    frames.took("page")
    frames.offer(drawn)  # which no page waits for
    assert not frames.renew(drawn)
    frames.want("page", (30, 20))
    assert frames.renew(drawn)
