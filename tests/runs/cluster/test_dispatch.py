"""Folders and sweeps on a cluster: the same files, output and exit code as without one."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from styletransfer.vgg.weight_files import BUNDLED_PATH
from tests.support.commands import ROOT, Ran, run_python
from tests.support.dask_processes import scheduler, worker

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.weights]

QUICK = "--size 24 --min-size 24 -n 2 --style-form gram --threads 1"
LONG = "--size 64 --min-size 64 -n 400 --style-form gram --threads 1"
UNSEEN = """
import sys
from styletransfer.cli import app as cli
from styletransfer.runs.cluster import admission

admission.workers_see = lambda *_: False
sys.argv[0] = "stylize"
cli.main()
"""
"""The command, with workers that do not see its files."""

DEADLY = """
import os
from styletransfer.runs.cluster.worker import Session

run = Session.run
Session.run = lambda self, job, start: (
    os._exit(9) if job.content.name == "1.png" else run(self, job, start)
)
"""
"""A program of workers: one picture ends them, as a lack of memory would."""

HELD = """
import time
from pathlib import Path
from styletransfer.runs.cluster.worker import Session

run = Session.run

def held(self, job, start):
    Path("{0}").touch()
    while not Path("{1}").exists():
        time.sleep(0.1)
    return run(self, job, start)

Session.run = held
"""
"""A program of workers: pictures wait for a file."""

OTHER = "import styletransfer\nstyletransfer.__version__ = '0.0.1'"
WITHOUT = "import sys\nsys.modules['styletransfer'] = None"
BLIND = "from styletransfer.runs.cluster import sending\nsending.sees = lambda *_: False"
"""Programs of workers: of another version, without the package, on another file system."""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of four photographs and a style, as the current folder; `away` is for workers."""
    gradient = Image.linear_gradient("L").convert("RGB")
    for name in ("away", "here/photos"):
        (tmp_path / name).mkdir(parents=True)
    for number in range(4):
        gradient.rotate(90 * number).resize((24, 16)).save(tmp_path / f"here/photos/{number}.png")
    Image.radial_gradient("L").resize((32, 32)).convert("RGB").save(tmp_path / "here/style.png")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def stylize(line: str) -> Ran:
    return run_python("-m", "styletransfer", *shlex.split(line))


def results(folder: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).iterdir()}


def started(line: str) -> "subprocess.Popen[str]":
    """The command in a process group of its own, like one in a terminal; at most two minutes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "styletransfer", *shlex.split(line)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    timer = threading.Timer(120, process.kill)
    timer.daemon = True
    timer.start()
    return process


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    """The worker processes of a command, once they compute."""
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    numbers = [int(number) for each in children for number in each.read_text().split()]
    lines = {number: Path(f"/proc/{number}/maps").read_text() for number in numbers}
    return [number for number, maps in lines.items() if "libtorch" in maps]


def wait_for_workers(process: "subprocess.Popen[str]") -> list[int]:
    while len(found := workers_of(process)) < 2:
        assert process.poll() is None
        time.sleep(0.2)
    return found


def test_local_workers_give_the_results_output_and_exit_code_of_a_run_without(
    workspace: Path,
) -> None:
    Path("photos/bad.jpg").write_text("words")
    alone = stylize(f"photos style.png -o alone {QUICK} --json")
    two = stylize(f"photos style.png -o two {QUICK} --json --cluster local:2")

    assert two.code == alone.code == 1
    assert results("two") == results("alone")
    described = [[json.loads(line) for line in ran.out.splitlines()] for ran in (alone, two)]
    for each in [*described[0], *described[1]]:
        assert each.pop("seconds") > 0
        each["path"] = Path(each["path"]).name
    assert sorted(described[1], key=lambda each: each["path"]) == described[0]
    assert two.err.splitlines()[-1] == alone.err.splitlines()[-1]
    lines = [re.sub("two/|alone/", "", line) for ran in (two, alone) for line in _stable(ran.err)]
    assert sorted(lines[: len(lines) // 2]) == sorted(lines[len(lines) // 2 :])


def _stable(err: str) -> list[str]:
    """The lines without the losses, times and counts of pictures."""
    return [
        re.sub(r"^\d/\d |, \d+ s$", "", line)
        for line in err.splitlines()
        if "iterations" not in line
    ]


def test_existing_results_are_skipped_without_a_scheduler(workspace: Path) -> None:
    made = stylize(f"photos style.png -o out {QUICK} -q")
    again = stylize(f"photos style.png -o out {QUICK} -q --skip-existing --cluster 127.0.0.1:9")

    assert again == made


def test_a_killed_worker_costs_no_picture(workspace: Path) -> None:
    with started(f"photos style.png -o out {LONG} -q --cluster local:2") as process:
        os.kill(wait_for_workers(process)[0], signal.SIGKILL)
        out, err = process.communicate()

    assert (process.returncode, err) == (0, "")
    assert sorted(out.splitlines()) == [f"out/{number}-style.png" for number in range(4)]
    assert sorted(results("out")) == [f"{number}-style.png" for number in range(4)]


def test_a_picture_that_ends_four_workers_fails_and_the_others_are_made(workspace: Path) -> None:
    away = workspace / "away"
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(scheduler(away))
        for _ in range(5):
            stack.enter_context(worker(address, away, before=DEADLY))
        ran = stylize(f"photos style.png -o out {QUICK} -q --cluster {address}")

    assert ran.code == 1
    assert sorted(ran.out.splitlines()) == [f"out/{number}-style.png" for number in (0, 2, 3)]
    assert sorted(results("out")) == [f"{number}-style.png" for number in (0, 2, 3)]
    assert ran.err.splitlines() == [
        "stylize: error: photos/1.png: ended 4 workers one after the other, perhaps for lack of "
        "memory; use a smaller --size, or fewer workers",
        "stylize: error: 1 of 4 pictures failed: 1.png",
    ]


def test_ctrl_c_keeps_what_is_done_and_leaves_no_process(workspace: Path) -> None:
    line = LONG.replace("400", "100000")
    with started(f"photos style.png -o out {line} -q --cluster local:2") as process:
        workers = wait_for_workers(process)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate()

    assert (process.returncode, out) == (130, "")
    assert re.fullmatch("stylize: interrupted[^\n]+\n", err)
    assert all(name.endswith(".partial.png") for name in results("out"))
    assert not [number for number in workers if Path(f"/proc/{number}").exists()]


def test_a_sweep_is_made_as_without_a_cluster(workspace: Path) -> None:
    line = f"photos/1.png style.png {QUICK} --tv-weight 0,1,3 --log {{0}}/log.csv -o {{0}}/a.png"
    alone = stylize(line.format("alone"))
    two = stylize(f"{line.format('two')} --cluster local:2")

    assert (two.code, two.out.splitlines()[-1]) == (alone.code, "two/a.png")
    one, other = results("alone"), results("two")
    assert sorted(one) == sorted(other)
    assert {"log-tv0.csv", "a-tv3.png"} <= set(one)
    assert all(one[name] == other[name] for name in one if name.endswith(".png"))


def test_workers_that_see_the_files_write_the_results_themselves(workspace: Path) -> None:
    alone = stylize(f"photos style.png -o alone {QUICK} -q")
    with scheduler(workspace / "away") as address, worker(address, workspace / "away"):
        ran = stylize(f"photos style.png -o out {QUICK} -q --cluster {address}")

    assert (ran.code, ran.err) == (0, "")
    assert sorted(ran.out.splitlines()) == alone.out.replace("alone/", "out/").splitlines()
    assert results("out") == results("alone")


def test_contents_are_sent_to_workers_that_do_not_see_them(workspace: Path) -> None:
    Path("photos/bad.jpg").write_text("words")
    Path("style.png").rename("init.png")
    Image.radial_gradient("L").resize((40, 40)).convert("RGB").save("style.png")
    line = f"photos style.png {QUICK} --init init.png --save-every 1"
    alone = stylize(f"{line} -o alone -q")
    with scheduler(workspace / "away") as address, worker(address, workspace / "away"):
        ran = run_python("-c", UNSEEN, *shlex.split(f"{line} -o out --cluster {address}"))

    assert "the workers do not see these files, so their contents are sent" in ran.err
    assert ran.code == alone.code == 1
    assert alone.err.splitlines()[0] in ran.err.splitlines()
    assert sorted(ran.out.splitlines()) == alone.out.replace("alone/", "out/").splitlines()
    assert results("out") == results("alone")
    assert not list((workspace / "away").rglob("*.png"))


def test_a_weights_file_is_sent_to_workers_that_do_not_see_it(workspace: Path) -> None:
    shutil.copy(BUNDLED_PATH, "mine.safetensors")
    line = f"photos style.png {QUICK} --weights mine.safetensors"
    alone = stylize(f"{line} -o alone -q")
    with scheduler(workspace / "away") as address, worker(address, workspace / "away"):
        ran = run_python("-c", UNSEEN, *shlex.split(f"{line} -o out --cluster {address}"))

    assert (ran.code, alone.code) == (0, 0)
    assert results("out") == results("alone"), "the same path is recorded, too"
    assert not list((workspace / "away").rglob("*.safetensors"))


@pytest.mark.parametrize("is_seen", [True, False])
def test_the_shots_of_a_film_are_painted_as_without_a_cluster(
    workspace: Path, is_seen: bool
) -> None:
    line = f"photos style.png --frames --shots 1,3 {QUICK}"
    alone = stylize(f"{line} -o alone --threads 1")
    cluster = f"{line} -o shared --cluster local:2"
    together = stylize(cluster) if is_seen else run_python("-c", UNSEEN, *shlex.split(cluster))

    assert (together.code, together.err.count("2 shots")) == (alone.code, 1) == (0, 1)
    assert set(together.out.split()) == {
        each.replace("alone/", "shared/") for each in alone.out.split()
    }
    assert results("shared") == results("alone")


def test_workers_that_come_later_are_used_only_if_they_fit(workspace: Path) -> None:
    away, go = workspace / "away", workspace / "go"
    stylize(f"photos style.png {QUICK} -o alone -q")
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(scheduler(away))
        # It waits in its first picture, so that the others have to be made elsewhere.
        stack.enter_context(worker(address, away, before=HELD.format(away / "held", go)))
        process = started(f"photos style.png {QUICK} -o out -q --cluster {address}")
        assert process.stderr is not None
        stack.enter_context(process)
        wait_for(lambda: (away / "held").exists(), process)
        for before in (OTHER, WITHOUT, BLIND):
            stack.enter_context(worker(address, away, before=before))
        lines = [process.stderr.readline() for _ in range(3)]
        stack.enter_context(worker(address, away))
        wait_for(lambda: list(Path("out").glob("*-style.png")), process)
        go.touch()
        out, err = process.communicate()

    assert (process.returncode, err, len(out.splitlines())) == (0, "", 4)
    assert results("out") == results("alone")
    beginnings = ["cannot import stylize", "does not see the files", "has stylize 0.0.1, but"]
    for line, beginning in zip(sorted(map(without_address, lines)), beginnings, strict=True):
        assert line.startswith(f"stylize: not used: the worker X {beginning}")


def without_address(line: str) -> str:
    return re.sub(r"tcp:\S+", "X", line)


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    while not condition():
        assert process.poll() is None
        time.sleep(0.1)


def test_workers_that_do_not_fit_are_refused_in_one_line(workspace: Path) -> None:
    line = f"photos style.png -o out {QUICK} --cluster"
    away = workspace / "away"
    for threads, before, part in (
        (1, OTHER, "has stylize 0.0.1, but here is"),
        (1, WITHOUT, "cannot import stylize"),
        (2, "", "start it with --nthreads 1"),
    ):
        with scheduler(away) as address, worker(address, away, threads=threads, before=before):
            ran = stylize(f"{line} {address}")
        (away / "scheduler.json").unlink()
        assert (ran.code, ran.out) == (1, "")
        assert part in ran.err.splitlines()[-1], ran.err


def test_a_scheduler_that_cannot_be_reached_is_refused_in_one_line(workspace: Path) -> None:
    ran = stylize("photos style.png -o out --cluster 127.0.0.1:9")

    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(
        r"stylize: error: tcp://127\.0\.0\.1:9: no Dask scheduler can be reached [^\n]+\n", ran.err
    )


def test_without_workers_it_waits_and_says_so(workspace: Path) -> None:
    away = workspace / "away"
    with scheduler(away) as address:
        process = started(f"photos style.png -o out {QUICK} -q --cluster {address}")
        assert process.stderr is not None
        line = process.stderr.readline()
        with worker(address, away):
            out, err = process.communicate()

    assert line == (
        f"stylize: waiting for workers; start one with: dask worker --nthreads 1 {address}\n"
    )
    assert (process.returncode, err, len(out.splitlines())) == (0, "", 4)
