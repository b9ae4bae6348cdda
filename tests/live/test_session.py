import json
import math
import threading
import time
from typing import Any

import pytest
from PIL import Image

from styletransfer.errors import ConfigError
from styletransfer.live.commands import GoBack, Mark, Pause, Save, Stop, Weigh, Weights
from styletransfer.live.session import Session
from tests.support.painter import WEIGHTS, drawn, made_session


def publish(session: Session, steps: int, **changes: Any) -> None:
    values: dict[str, Any] = {
        "size_index": 0,
        "iteration": steps,
        "steps": steps,
        "losses": {"content": 0.5, "style": 1.0, "tv": 0.25},
        "picture": drawn,
        "seconds_left": 12.0,
    }
    session.publish(**values | changes)


def test_commands_are_taken_once_and_in_order() -> None:
    session = made_session()
    for command in (Mark(), Save()):
        session.request(command)
    assert session.take(block=False) == [Mark(), Save()]
    assert session.take(block=False) == []


def test_of_several_new_weights_in_a_row_the_last_counts() -> None:
    session = made_session()
    for command in (Weigh(1, 1, 1), Weigh(2, 2, 2), Mark(), Weigh(3, 3, 3)):
        session.request(command)
    assert session.take(block=False) == [Weigh(2, 2, 2), Mark(), Weigh(3, 3, 3)]


def test_a_blocking_take_waits_for_a_command() -> None:
    session = made_session()
    asking = threading.Timer(0.05, session.request, [Pause()])
    asking.start()
    assert session.take(block=True) == [Pause()]
    asking.join()


def test_a_page_gets_a_larger_frame_while_the_painting_waits() -> None:
    session = made_session()
    session.want_frame("page", (30, 20))
    publish(session, 1)
    sizes: list[tuple[int, int]] = []

    def picture(size: tuple[int, int]) -> Image.Image:
        sizes.append(size)
        session.request(Pause())
        return drawn(size)

    asking = threading.Timer(0.05, session.want_frame, ["page", (60, 40)])
    asking.start()
    session.take(block=True, picture=picture)
    asking.join()
    assert sizes == [(60, 40)]


def test_a_blocking_take_can_be_given_up() -> None:
    assert made_session().take(block=True, give_up=lambda: True) == []


def test_new_weights_are_asked_for_until_they_are_taken() -> None:
    session = made_session()
    publish(session, 1)
    session.request(Weigh(2.0, 14.0, 2.0))
    assert session.snapshot()["asked"]["content"] == 2.0
    assert session.snapshot()["weights"]["content"] == WEIGHTS.content
    session.take(block=False)
    assert session.snapshot()["asked"] is None
    assert session.snapshot()["weights"]["content"] == 2.0


def test_a_change_of_weights_is_marked_in_the_curves_once() -> None:
    session = made_session()
    publish(session, 1)
    session.request(Weigh(2.0, 14.0, 2.0))
    session.take(block=False)
    session.changed(Weights(2.0, 14.0, 2.0))
    publish(session, 2)
    assert session.curve(0) == [[1, 96, 0.5, 1.0, 0.25], [1], [2, 96, 0.5, 1.0, 0.25]]
    assert session.curve(2) == [[2, 96, 0.5, 1.0, 0.25]]


def test_weights_without_shares_leave_the_shares_as_they_are() -> None:
    session = made_session(("a", "b"))
    session.changed(Weights(1, 14, 2, (0.75, 0.25)))
    session.request(Weigh(2, 14, 2))
    session.take(block=False)
    assert session.snapshot()["weights"]["shares"] == (0.75, 0.25)


def test_shares_that_are_not_yet_taken_outlast_other_weights() -> None:
    session = made_session(("a", "b"))
    session.request(Weigh(1, 1, 1, (1.0, 0.0)))
    session.request(Weigh(2, 2, 2))
    assert session.snapshot()["asked"]["shares"] == (1.0, 0.0)
    assert session.take(block=False) == [Weigh(2, 2, 2, (1.0, 0.0))]


def test_the_command_is_that_of_the_weights_in_effect() -> None:
    session = made_session(command_of=lambda weights: f"stylize --tv-weight {weights.tv}")
    session.request(Weigh(1.0, 14.0, 5.0))
    assert session.snapshot()["command"] == "stylize --tv-weight 2.0"
    session.take(block=False)
    assert session.snapshot()["command"] == "stylize --tv-weight 5.0"


def test_going_back_to_where_there_is_no_mark_is_refused() -> None:
    session = made_session()
    session.marked(3)
    session.request(GoBack(3))
    with pytest.raises(ConfigError, match="there is no mark after 4 steps"):
        session.request(GoBack(4))
    assert session.take(block=False) == [GoBack(3)]


def test_steps_left_count_this_size_and_the_further_ones() -> None:
    session = made_session(sizes=[(48, 32, 30), (96, 64, 20), (192, 128, 12)])
    publish(session, 35, size_index=1, iteration=5)
    assert session.snapshot()["step"]["left"] == 15 + 12


def test_saving_leaves_it_painting_and_the_end_takes_no_commands() -> None:
    session = made_session()
    session.say("saved", "saved to out.png")
    assert (session.snapshot()["state"], session.snapshot()["saved"]) == (
        "painting",
        "saved to out.png",
    )
    session.say("finished", "saved to out.png")
    session.request(Stop())
    assert session.take(block=False) == []
    assert session.snapshot()["state"] == "finished"


def test_marks_are_listed_once_in_ascending_order() -> None:
    session = made_session()
    for steps in (9, 3, 9):
        session.marked(steps)
    assert session.snapshot()["marks"] == [3, 9]


def test_a_snapshot_is_json_even_if_the_losses_are_not_finite() -> None:
    session = made_session()
    publish(session, 1, losses={"content": math.nan, "style": math.inf}, seconds_left=math.inf)
    text = json.dumps([session.snapshot(), session.curve(0)], allow_nan=False)
    assert "[1, 96, null, null, 0.0]" in text


@pytest.mark.parametrize("command", [Pause(), Mark(), Save(), Stop()])
def test_a_step_that_will_stay_is_rendered_at_once(command: Pause | Mark | Save | Stop) -> None:
    session = made_session()
    session.frames.join("page")
    session.want_frame("page", (30, 20))
    publish(session, 1)
    session.frames.took("page")
    publish(session, 2)
    session.request(command)
    publish(session, 3)
    assert session.frames.newest is not None
    assert session.frames.newest.version == 2


def test_listeners_hear_of_everything() -> None:
    session = made_session()
    heard: list[float] = []
    session.listen(lambda: heard.append(time.monotonic()))
    publish(session, 1)
    session.say("paused", "")
    session.marked(1)
    session.changed(WEIGHTS)
    session.request(Save())
    assert len(heard) == 5
