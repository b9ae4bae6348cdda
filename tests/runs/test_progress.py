"""Progress on stderr: a bar on a terminal, plain lines elsewhere."""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch

from styletransfer.runs.progress import BatchProgress, Progress, bars_paused, describe_losses
from styletransfer.transfer.objective import Losses
from styletransfer.transfer.pyramid import Scale
from styletransfer.transfer.stylize import Step

SMALL, LARGE = Scale(24, 16, 4), Scale(48, 32, 2)
LOSSES = Losses(0.5, 1.5, 0.25)


def step(scale: Scale, iteration: int, losses: Losses = LOSSES) -> Step:
    return Step(scale, iteration, losses, torch.zeros(1, 3, scale.height, scale.width))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Callable[[], str]]]:
    """Makes stderr a terminal of so many columns; returns a function that reads its text."""
    ours, theirs = pty.openpty()
    stderr = os.fdopen(theirs, "w", encoding="utf-8")

    def make(columns: int) -> Callable[[], str]:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        monkeypatch.setattr("sys.stderr", stderr)

        def read() -> str:
            os.set_blocking(ours, False)
            chunks = []
            while True:
                try:
                    chunks.append(os.read(ours, 65_536))
                except BlockingIOError:
                    return b"".join(chunks).decode()

        return read

    yield make
    stderr.close()
    os.close(ours)


def pictures_of(text: str) -> list[str]:
    """The successive contents of the terminal's line, except blank ones."""
    return [part for part in text.replace("\n", "\r").split("\r") if part.strip()]


# Words


def test_the_shares_of_the_losses_sum_to_one() -> None:
    shares = re.findall(r"\((\d+)%\)", describe_losses(step(SMALL, 1, Losses(1.0, 2.0, 1.0))))

    assert [int(share) for share in shares] == [25, 50, 25]


def test_the_losses_are_listed_with_value_and_share() -> None:
    assert describe_losses(step(SMALL, 1, Losses(1.0, 2.5, 0.5))) == (
        "content 1 (25%), style 2.5 (62%), tv 0.5 (12%)"
    )


def test_shares_of_a_zero_loss_are_zero() -> None:
    assert describe_losses(step(SMALL, 1, Losses(0.0, 0.0, 0.0))).count("0 (0%)") == 3


# Without a terminal


def test_each_size_has_one_plain_line_at_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Progress([SMALL, LARGE], quiet=False)) as progress:
        for iteration in range(1, 5):
            progress.show(step(SMALL, iteration))
        progress.show(step(LARGE, 1))
        before = capsys.readouterr().err
        progress.show(step(LARGE, 2))
    after = capsys.readouterr().err

    assert before.startswith(
        "24×16: 4 iterations, content 0.5 (22%), style 1.5 (67%), tv 0.25 (11%), "
    )
    assert after.startswith("48×32: 2 iterations, ")
    assert before.count("\n") == after.count("\n") == 1
    assert not re.search(r"[\r\x1b]", before + after)


def test_a_size_that_ended_early_has_a_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Progress([SMALL, LARGE], quiet=False)) as progress:
        progress.show(step(SMALL, 1))
        progress.show(step(LARGE, 1))

    lines = capsys.readouterr().err.splitlines()
    assert [line.split(", ")[0] for line in lines] == ["24×16: 1 iterations", "48×32: 1 iterations"]


def test_a_run_without_an_iteration_has_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Progress([SMALL], quiet=False)):
        pass

    assert capsys.readouterr().err == ""


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Progress([SMALL], quiet=True)) as progress:
        progress.show(step(SMALL, 4))

    assert capsys.readouterr() == ("", "")


# On a terminal


def test_quiet_shows_nothing_on_a_terminal(
    terminal: Callable[[int], Callable[[], str]],
) -> None:
    read = terminal(80)
    with closing(Progress([SMALL], quiet=True)) as progress:
        progress.show(step(SMALL, 4))

    assert read() == ""


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    ("scales", "losses"),
    [
        ([SMALL, LARGE], LOSSES),
        ([Scale(1024, 683, 50), Scale(2048, 1365, 50)], Losses(1.23e-5, 1.23e4, 1.23e-4)),
    ],
    ids=["small", "large"],
)
def test_the_bar_shows_size_time_left_and_losses_on_one_line(
    terminal: Callable[[int], Callable[[], str]],
    columns: int,
    scales: list[Scale],
    losses: Losses,
) -> None:
    read = terminal(columns)
    with closing(Progress(scales, quiet=False)) as progress:
        for scale in scales:
            progress.show(step(scale, 1, losses))
            progress.bar.refresh()

    first, *_, last = pictures_of(read())
    assert first.startswith(f"{scales[0].width}×{scales[0].height}   0%|")
    assert max(map(len, (first, last))) <= columns
    terms = ", ".join(f"{name} {value:.3g}" for name, value in losses.terms.items())
    width, height = scales[-1].size
    assert re.fullmatch(rf"{width}×{height} +\d+%\|.*\| [\d:]+ left, {re.escape(terms)}", last)


def test_the_bar_disappears_at_the_end(terminal: Callable[[int], Callable[[], str]]) -> None:
    read = terminal(80)
    with closing(Progress([SMALL], quiet=False)) as progress:
        progress.show(step(SMALL, 4))
        progress.bar.refresh()

    text = read()
    assert "\n" not in text
    assert text.split("\r")[-2].strip() == ""


def test_the_bar_counts_pixels_times_iterations_of_the_run(
    terminal: Callable[[int], Callable[[], str]],
) -> None:
    terminal(80)
    with closing(Progress([SMALL, LARGE], quiet=False)) as progress:
        assert progress.bar.total == 24 * 16 * 4 + 48 * 32 * 2
        for iteration in range(1, 5):
            progress.show(step(SMALL, iteration))
        assert progress.bar.n == 24 * 16 * 4
        progress.show(step(LARGE, 1))
        progress.show(step(LARGE, 2))
        assert progress.bar.n == progress.bar.total == 24 * 16 * 4 + 48 * 32 * 2


def test_the_rest_of_a_size_that_ended_early_is_subtracted(
    terminal: Callable[[int], Callable[[], str]],
) -> None:
    terminal(80)
    with closing(Progress([SMALL, LARGE], quiet=False)) as progress:
        progress.show(step(SMALL, 1))
        progress.show(step(LARGE, 1))
        assert progress.bar.n == 24 * 16 + 48 * 32
        assert progress.bar.total == 24 * 16 + 48 * 32 * 2


# Batches


def test_each_picture_has_a_plain_line_without_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with closing(BatchProgress(3, quiet=False)) as batch:
        batch.begin("a.jpg")
        batch.drop()
        batch.begin("odd\nname.jpg")
        batch.advance(0.5)
        batch.finish("odd\nname.jpg", Path("out/b.png"), 12.3)

    assert capsys.readouterr() == ("", "2/3 odd name.jpg → out/b.png, 12 s\n")


def test_quiet_shows_nothing_of_a_batch(terminal: Callable[[int], Callable[[], str]]) -> None:
    read = terminal(80)
    with closing(BatchProgress(1, quiet=True)) as batch:
        batch.begin("a.jpg")
        batch.finish("a.jpg", Path("b.png"), 1.0)

    assert read() == ""


def test_the_bar_of_the_batch_is_above_that_of_the_run_and_both_fit(
    terminal: Callable[[int], Callable[[], str]],
) -> None:
    read = terminal(80)
    with closing(BatchProgress(20, quiet=False)) as batch:
        batch.begin(f"{'long name ' * 20}.jpg")
        with closing(Progress([SMALL], quiet=False, batch=batch)) as progress:
            read()
            progress.show(step(SMALL, 1))
            progress.bar.refresh()
            batch.bar.refresh()
            shown = pictures_of(read().replace("\x1b[A", ""))

    assert max(map(len, shown)) <= 80
    (above,) = {text for text in shown if text.startswith("1/20")}
    assert above.startswith("1/20 long name long name long name… ")
    assert any(text.startswith("24×16") for text in shown)
    assert (batch.bar.pos, progress.bar.pos) == (0, 1)


def test_the_bar_counts_the_current_picture_by_its_share(
    terminal: Callable[[int], Callable[[], str]],
) -> None:
    terminal(80)
    with closing(BatchProgress(4, quiet=False)) as batch:
        batch.begin("a.jpg")
        with closing(Progress([SMALL], quiet=False, batch=batch)) as progress:
            progress.show(step(SMALL, 1))
            assert batch.bar.n == 250
        batch.finish("a.jpg", Path("a.png"), 1.0)
        assert batch.bar.n == 1000


def test_pictures_in_work_elsewhere_are_counted(
    terminal: Callable[[int], Callable[[], str]],
) -> None:
    written = terminal(80)
    with closing(BatchProgress(4, quiet=False)) as batch:
        batch.show_in_work(2)
        batch.begin("a.jpg")
        batch.finish("a.jpg", Path("a.png"), 1.0)
        batch.show_in_work(3)

    shown = written()
    assert "0/4, 2 in work" in shown
    assert "1/4, 3 in work" in shown


def test_pictures_without_a_result_are_subtracted(
    terminal: Callable[[int], Callable[[], str]],
) -> None:
    terminal(80)
    with closing(BatchProgress(4, quiet=False)) as batch:
        batch.begin("existing.jpg")
        batch.drop()
        batch.begin("fails half way.jpg")
        batch.advance(0.5)
        batch.drop()
        assert (batch.bar.n, batch.bar.total) == (500, 2500)


def test_the_shares_of_a_picture_add_up_exactly(
    terminal: Callable[[int], Callable[[], str]],
) -> None:
    terminal(80)
    with closing(BatchProgress(7, quiet=False)) as batch:
        for _ in range(7):
            batch.begin("a.jpg")
            for step_taken in range(1, 37):
                batch.advance(step_taken / 36)
            batch.finish("a.jpg", Path("a.png"), 1.0)
        assert batch.bar.n == batch.bar.total


@pytest.mark.parametrize("name", ["two\nlines.jpg", "\x1b[2J.jpg", "\udcff.jpg"])
def test_an_unprintable_name_does_not_break_the_bar(
    name: str, terminal: Callable[[int], Callable[[], str]]
) -> None:
    read = terminal(80)
    with closing(BatchProgress(1, quiet=False)) as batch:
        read()
        batch.begin(name)
        shown = read()

    assert "?" in shown
    assert not re.search(r"[\n\x1b]", shown)


def test_bars_are_hidden_while_a_line_is_printed(
    terminal: Callable[[int], Callable[[], str]],
) -> None:
    read = terminal(80)
    with closing(BatchProgress(2, quiet=False)) as batch:
        batch.begin("a.jpg")
        with closing(Progress([SMALL], quiet=False, batch=batch)):
            read()
            with bars_paused():
                before = read()
                sys.stderr.write("a line\n")
                sys.stderr.flush()
                line = read()
            after = read()

    assert before.strip("\r\n\x1b[A ") == ""
    assert line == "a line\r\n"
    assert "1/2 a.jpg" in after
    assert "24×16" in after
