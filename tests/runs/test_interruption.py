"""Ctrl-C, SIGTERM and SIGHUP."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.errors import InterruptionError
from styletransfer.runs.interruption import NOTHING_YET, SIGNALS, StopRequest

ROOT = Path(__file__).parents[2]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@contextlib.contextmanager
def start(*arguments: str, folder: Path = ROOT) -> "Iterator[subprocess.Popen[str]]":
    """Run Python with the package on its path and its output in pipes; killed at the end."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder with a content and a style."""
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(tmp_path / "content.png")
    Image.radial_gradient("L").resize((40, 40)).convert("RGB").save(tmp_path / "style.png")
    return tmp_path


def test_the_exit_codes_are_those_that_shells_use() -> None:
    assert {number: InterruptionError(number, "").exit_code for number in SIGNALS} == CODES


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_before_the_first_result_ends_the_run_at_once(number: signal.Signals) -> None:
    with pytest.raises(InterruptionError, match=NOTHING_YET) as caught, StopRequest().handlers():
        signal.raise_signal(number)

    assert caught.value.exit_code == CODES[number]


def test_except_exception_does_not_catch_the_interruption() -> None:
    with (
        pytest.raises(InterruptionError),
        StopRequest().handlers(),
        contextlib.suppress(Exception),
    ):
        signal.raise_signal(signal.SIGINT)


def work(stop: StopRequest, *, hold: bool, error: Exception | None = None) -> None:
    """A block that is interrupted after one of two pictures."""
    with stop.deferred(lambda: "1 of 2 done"):
        if hold:
            stop.hold()
        signal.raise_signal(signal.SIGTERM)
        assert hold, "the block went on"
        assert stop.requested
        if error is not None:
            raise error


@pytest.mark.parametrize("hold", [False, True])
def test_a_signal_ends_the_block_at_once_or_if_held_at_its_end(hold: bool) -> None:
    stop = StopRequest()
    with stop.handlers(), pytest.raises(InterruptionError, match=r"^1 of 2 done$") as caught:
        work(stop, hold=hold)

    assert caught.value.exit_code == CODES[signal.SIGTERM]


def test_an_error_that_leaves_the_block_is_not_replaced_by_the_signal() -> None:
    stop = StopRequest()
    with stop.handlers(), pytest.raises(ValueError, match="diverged"):
        work(stop, hold=True, error=ValueError("diverged"))


def test_a_signal_has_no_effect_once_nothing_remains_to_be_done() -> None:
    stop = StopRequest()
    with stop.handlers(), stop.deferred(lambda: None):
        stop.hold()
        signal.raise_signal(signal.SIGINT)


def test_the_message_applies_until_the_next_block() -> None:
    stop = StopRequest()
    with stop.handlers():
        with stop.deferred(lambda: "1 of 2 done"):
            stop.hold()
        with pytest.raises(InterruptionError, match=r"^1 of 2 done$"):
            signal.raise_signal(signal.SIGINT)


def test_nohup_still_works() -> None:
    """It has the process ignore SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopRequest().handlers():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def import_slowly(stop: StopRequest, error: Exception) -> None:
    """An import that is interrupted, and then fails."""
    with stop.postponed():
        signal.raise_signal(signal.SIGTERM)
        raise error


def test_a_signal_during_an_import_is_acted_on_afterwards() -> None:
    stop, done = StopRequest(), list[str]()

    def import_all() -> None:
        with stop.postponed():
            signal.raise_signal(signal.SIGTERM)
            done.append("imported")

    with stop.handlers(), pytest.raises(InterruptionError, match=NOTHING_YET):
        import_all()
    assert done == ["imported"]


def test_an_import_that_fails_says_why_despite_a_signal() -> None:
    stop = StopRequest()
    with stop.handlers(), pytest.raises(ImportError, match="no torch"):
        import_slowly(stop, ImportError("no torch"))


@pytest.mark.parametrize("number", SIGNALS)
def test_signals_have_no_effect_once_the_run_has_ended(number: signal.Signals) -> None:
    stop = StopRequest()
    with stop.handlers():
        with stop.deferred(lambda: "1 of 2 done"):
            stop.hold()
        stop.finish()
        signal.raise_signal(number)
        signal.raise_signal(number)


IMPORTING = """
    import signal, sys
    from styletransfer import __main__ as command

    class Finder:
        def find_spec(self, name, path, target=None):
            if name == MODULE:
                ACTION

    sys.meta_path.insert(0, Finder())
    sys.argv = ["stylize", *sys.argv[1:]]
    command.main()
"""
"""Runs the command, and does something when it imports a module."""


@contextlib.contextmanager
def start_with(module: str, action: str, folder: Path) -> "Iterator[subprocess.Popen[str]]":
    program = textwrap.dedent(IMPORTING).replace("MODULE", repr(module)).replace("ACTION", action)
    line = ["content.png", "style.png", "-o", "out.png"]
    with start("-c", program, *line, folder=folder) as process:
        yield process


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_the_command_starts_is_reported_in_one_line(
    number: signal.Signals, workspace: Path
) -> None:
    action = f"signal.raise_signal({number:d})"
    with start_with("styletransfer.cli.app", action, workspace) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (CODES[number], "")
    assert err == f"stylize: {NOTHING_YET}\n"


@pytest.mark.slow
@pytest.mark.parametrize("module", ["torch", "torch._C", "torch.autograd"])
def test_a_signal_while_torch_is_imported_is_reported_in_one_line(
    module: str, workspace: Path
) -> None:
    with start_with(module, "signal.raise_signal(signal.SIGINT)", workspace) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, "")
    assert err == f"stylize: {NOTHING_YET}\n"


@pytest.mark.parametrize("error", ["ImportError", "OSError"])
def test_torch_that_cannot_be_loaded_is_reported_in_one_line(error: str, workspace: Path) -> None:
    with start_with("torch", f"raise {error}('libc10.so: too old')", workspace) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert err == (
        "stylize: error: PyTorch cannot be loaded (libc10.so: too old); install torch again\n"
    )


@pytest.mark.parametrize("first", SIGNALS)
def test_a_second_signal_ends_the_process_at_once(first: signal.Signals) -> None:
    program = """
        import time
        from styletransfer.runs.interruption import StopRequest

        stop = StopRequest()
        with stop.handlers(), stop.deferred(lambda: None):
            stop.hold()
            print("ready", flush=True)
            while not stop.requested:
                time.sleep(0.01)
            print("asked", flush=True)
            time.sleep(600)
    """
    with start("-c", textwrap.dedent(program)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(first)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT
        _, err = process.communicate()

    assert err == ""


@pytest.mark.parametrize("number", SIGNALS)
def test_the_command_ends_without_a_file_while_it_reads_its_inputs(
    number: signal.Signals, workspace: Path
) -> None:
    pipe = workspace / "slow.png"
    os.mkfifo(pipe)
    arguments = ["-m", "styletransfer", "slow.png", "style.png", "-o", "out.png"]
    with start(*arguments, folder=workspace) as process:
        writer = _open_for_writing(pipe)
        process.send_signal(number)
        # Python handles the signal only after the read has returned.
        os.close(writer)
        out, err = process.communicate(timeout=60)

    assert process.returncode == CODES[number]
    assert out == ""
    assert err == "stylize: interrupted before the first result; nothing was written\n"
    assert {path.name for path in workspace.iterdir()} == {"content.png", "style.png", "slow.png"}


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize(
    ("number", "printed"),
    [
        (signal.SIGINT, r"out\.png\n"),
        (signal.SIGTERM, r'\{"path": "out\.png".*"stopped": true.*\n'),
        (signal.SIGHUP, r"out\.png\n"),
    ],
)
def test_the_best_picture_so_far_is_saved_at_its_full_size(
    number: signal.Signals, printed: str, workspace: Path
) -> None:
    options = ["--size", "48", "--min-size", "24", "-n", "1,100000"]
    options += ["--json"] if "stopped" in printed else []
    arguments = ["-m", "styletransfer", "content.png", "style.png", "-o", "out.png", *options]
    with start(*arguments, folder=workspace) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline(), process.stderr.readline()]
        process.send_signal(number)
        out, err = process.communicate(timeout=60)

    assert lines[0].startswith("stylize: stylizing at 48×32 on ")
    assert lines[1].startswith("24×16: 1 iterations, ")
    assert process.returncode == CODES[number]
    assert re.fullmatch(printed, out)
    assert err.splitlines()[-1] == "stylize: stopped early: out.png holds the best picture so far"
    with Image.open(workspace / "out.png") as picture:
        picture.load()
        assert picture.size == (48, 32)
    assert len(list(workspace.iterdir())) == 3


@pytest.mark.slow
@pytest.mark.weights
def test_in_a_folder_the_unfinished_picture_is_saved_beside_its_result(workspace: Path) -> None:
    (workspace / "photos").mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(workspace / "content.png", workspace / "photos" / name)
    options = ["--size", "48", "--min-size", "24", "--skip-existing", "-n"]
    arguments = ["-m", "styletransfer", "photos", "style.png", "-o", "out", *options]
    (workspace / "out").mkdir()
    shutil.copy(workspace / "style.png", workspace / "out" / "a-style.png")
    with start(*arguments, "1,100000", folder=workspace) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("24×16: "):
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, "out/a-style.png\n")
    assert err.splitlines()[-1] == (
        "stylize: interrupted: 1 of 2 pictures are done; --skip-existing resumes; "
        "the unfinished one is saved as out/b-style.partial.png"
    )
    assert sorted(path.name for path in (workspace / "out").iterdir()) == [
        "a-style.png",
        "b-style.partial.png",
    ]


def test_signals_after_the_last_result_do_not_change_the_exit_code(workspace: Path) -> None:
    program = """
        import signal, sys
        from styletransfer import __main__ as command
        from styletransfer.cli import app as cli

        def stop(*arguments, **options):
            print_result(*arguments, **options)
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)

        print_result, cli._print = cli._print, stop
        sys.argv = ["stylize", *sys.argv[1:]]
        command.main()
    """
    line = ["content.png", "style.png", "-o", "out.png", "--skip-existing"]
    shutil.copy(workspace / "style.png", workspace / "out.png")
    with start("-c", textwrap.dedent(program), *line, folder=workspace) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (0, "out.png\n", "")


def test_a_signal_between_two_pictures_reports_how_many_are_done(workspace: Path) -> None:
    (workspace / "photos").mkdir()
    shutil.copy(workspace / "content.png", workspace / "photos" / "a.png")
    shutil.copy(workspace / "content.png", workspace / "photos" / "b.png")
    (workspace / "out").mkdir()
    shutil.copy(workspace / "style.png", workspace / "out" / "a-style.png")
    program = """
        import signal, sys
        from styletransfer.cli import app as cli

        def stop(*arguments, **options):
            print_result(*arguments, **options)
            signal.raise_signal(signal.SIGTERM)

        print_result, cli._print = cli._print, stop
        sys.argv = ["stylize", *sys.argv[1:]]
        cli.main()
    """
    line = ["photos", "style.png", "-o", "out", "--skip-existing"]
    with start("-c", textwrap.dedent(program), *line, folder=workspace) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (143, "out/a-style.png\n")
    assert err == "stylize: interrupted: 1 of 2 pictures are done; --skip-existing resumes\n"


def _open_for_writing(pipe: Path) -> int:
    """Open a named pipe for writing once another process reads from it."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.weights
def test_after_a_signal_the_log_has_whole_rows_and_the_report_shows_the_result(
    workspace: Path,
) -> None:
    arguments = [
        "-m",
        "styletransfer",
        "content.png",
        "style.png",
        "-o",
        "out.png",
        "-n",
        "1000000",
    ]
    arguments += ["--size", "24", "--min-size", "24", "--log", "l.csv", "--report", "r.html", "-q"]
    with start(*arguments, folder=workspace) as process:
        log = workspace / "l.csv"
        deadline = time.monotonic() + 120
        while not log.exists() or log.read_bytes().count(b"\n") < 4:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130

    rows = log.read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == [str(n) for n in range(1, len(rows))]
    assert "stopped early" in (workspace / "r.html").read_text("utf-8")
