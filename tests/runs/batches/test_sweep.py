"""Sweeps: the command with lists of weights."""

import errno
import itertools
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from styletransfer.cli import app as cli
from styletransfer.images.provenance import KEYWORD
from styletransfer.images.tensors import open_picture
from styletransfer.runs.progress import Progress
from tests.support.commands import (
    Command,
    Ran,
    Refusal,
    check_refusals,
    files,
    run_without_torch,
)

QUICK = "--size 24 --min-size 24 -n 1 --style-form gram"
DIVERGING = "--size 24 --min-size 24 -n 40 --optimizer adam --learning-rate 100 --preconditioning 2"
LINE = "content.png style.png -o out.png --tv-weight 0,0.3,1"
RESULTS = ["out-tv0.png", "out-tv0.3.png", "out-tv1.png"]
ALL = "".join(f"{name}\n" for name in [*RESULTS, "out.png"])

REFUSALS: list[Refusal] = [
    # Lists
    ("-o out.png --tv-weight 1,1.0", 2, "--tv-weight has 1 twice; omit one"),
    ("-o out.png --tv-weight 0,-1", 2, "tv_weight must be 0 or more, not -1.0"),
    ("-o out.png --style-weight 1,nan", 2, "style_weight must be a number, not nan"),
    (
        "-o out.png --tv-weight 0,1 --style-weight 1,2 --content-weight 1,2",
        2,
        "all three weights are lists, but a contact sheet shows two at most; give one of",
    ),
    (
        "-o out.png --tv-weight 0,1 --style-weight 0 --content-weight 0",
        2,
        "all three weights are 0",
    ),
    # Paths
    ("-o out.bmp --tv-weight 0,1", 1, "out.bmp: unknown suffix"),
    ("-o . --tv-weight 0,1", 1, ".: this is a folder"),
    ("-o / --tv-weight 0,1", 1, "/: this is a folder"),
    ("-o content.png --tv-weight 0,1", 1, "content.png: this is also an input"),
    ("-o style.png --tv-weight 0,1 --skip-existing", 1, "style.png: this is also an input"),
    ("-o link.png --tv-weight 0,1", 1, "link.png: this is also an input"),
    ("-o in.png --tv-weight 0,1", 1, "in-tv1.png: this is also an input"),
    ("-o in.png --tv-weight 0,1 --skip-existing", 1, "in-tv1.png: this is also an input"),
    ("-o in.png --tv-weight 0,2", 1, "in-tv2.partial.png: this is also an input"),
    ("-o bad.png --tv-weight 0,1", 1, "bad-tv1.png: this is a folder"),
    ("-o two.png --tv-weight 0,1", 1, "are links to one file; remove one"),
    ("-o out.jpg --tv-weight 0,1 --bits 16", 2, "bits 16 needs a .png or .tif output"),
    (f"-o {'x' * 245}.png --tv-weight 0,1.5", 1, "File name too long"),
    # Other options
    ("-o out.png --tv-weight 0,1 --recursive", 2, "--recursive has no effect: CONTENT"),
    ("-o out.png --tv-weight 0,1 --fail-fast", 2, "--fail-fast has no effect: CONTENT"),
    ("-o out.png --tv-weight 0,1 --save-every 0", 2, "--save-every must be 1 or more"),
    ("-o out.png --tv-weight 0,1 --save-every 999", 2, "--save-every has no effect"),
    ("-o shot.png --tv-weight 0,1 --save-every 10 -n 10", 1, "shot-tv1-10.png: this is a folder"),
]
"""The options of a command line, its exit code, and a part of its message."""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content, a style, and paths that are in the way, as the current folder."""
    content = Image.linear_gradient("L").resize((24, 16)).convert("RGB")
    content.save(tmp_path / "content.png")
    Image.radial_gradient("L").resize((32, 32)).convert("RGB").save(tmp_path / "style.png")
    (tmp_path / "folder").mkdir()
    for name in ("bad-tv1.png", "shot-tv1-10.png"):
        (tmp_path / name).mkdir()
    for name in ("link.png", "in-tv1.png", "in-tv2.partial.png"):
        (tmp_path / name).symlink_to("content.png")
    for name in ("two-tv0.png", "two-tv1.png"):
        (tmp_path / name).symlink_to("elsewhere.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pictures() -> set[str]:
    """The files of a run named ``out`` in the current folder."""
    return {path.name for path in Path().iterdir() if path.name.startswith("out")}


def pixels(name: str) -> bytes:
    """The pixels of a saved picture."""
    return open_picture(Path(name)).tobytes()


def shown(number: int, of: int = 3) -> Any:
    """The pixels of a cell of a sheet of so many pictures of 24×16."""
    with Image.open("out.png") as sheet:
        # A picture of 24 pixels is enlarged four times.
        across = np.asarray(sheet)[:, :, :3]
    columns = np.flatnonzero((across[74] != 255).any(axis=1))
    places = np.split(columns, np.flatnonzero(np.diff(columns) > 20) + 1)
    assert len(places) == of
    return across[72 : 72 + 64, places[number][1] : places[number][1] + 96]


# Refusals


def test_bad_input_is_refused_in_one_line_without_torch_and_without_a_new_file(
    workspace: Path,
) -> None:
    lines = [(f"content.png style.png {options}", code, part) for options, code, part in REFUSALS]

    check_refusals(lines, workspace)


def test_a_list_for_a_folder_is_refused_with_a_remedy(workspace: Path, command: Command) -> None:
    assert command("folder style.png -o out --tv-weight 0,1") == Ran(
        2,
        "",
        "stylize: error: a list of weights needs a single content picture, but folder is a "
        "folder; give single numbers, or run the list picture by picture in a loop\n",
    )


@pytest.mark.parametrize("lists", ["--tv-weight 0,1", "--style-weight 0,5", "--style-weight 5,0"])
def test_a_sweep_is_refused_as_a_whole_if_one_run_lacks_memory(
    lists: str, workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("styletransfer.transfer.workspace.free_memory", lambda device: 600_000_000)
    options = "--size 1500 --min-size 1500 --content-weight 0 --optimizer adam --precision float32"

    ran = command(f"content.png style.png -o out.png {lists} {options}")

    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"stylize: error: out of memory at 1500×1000 [^\n]+ should fit\n", ran.err)
    assert pictures() == set()


# A run


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize(
    ("lists", "more"),
    [
        ("--tv-weight 0,0.3", ""),
        ("--content-weight 0,2 --style-weight 1,5e-1", ""),
        ("--style-weight 3,0 --tv-weight 1,0", "--init noise --style-blend 1,2"),
    ],
)
def test_each_result_equals_its_run_alone_to_the_byte(
    lists: str, more: str, suffix: str, workspace: Path, command: Command
) -> None:
    common = "content.png style.png content.png --size 28 --min-size 20 -n 2 -q"

    ran = command(f"{common} -o out{suffix} {lists} {more}")

    assert (ran.code, ran.err) == (0, "")
    *results, sheet = ran.out.splitlines()
    assert sheet == f"out{suffix}"
    assert len(results) == 2 ** lists.count(",")
    for result in results:
        values = re.findall(r"-(content|style|tv)([0-9.]+)", result.removesuffix(suffix))
        options = " ".join(f"--{name}-weight {value}" for name, value in values)
        # An option without effect is an error in a single run.
        kept = "--init noise" if "style0-" in result else more
        assert command(f"{common} {options} {kept} -o alone{suffix}").code == 0
        assert pixels(result) == pixels(f"alone{suffix}")
        if kept == more:
            assert Path(result).read_bytes() == Path(f"alone{suffix}").read_bytes()


@pytest.mark.weights
def test_the_results_are_printed_and_at_last_the_sheet(workspace: Path, command: Command) -> None:
    ran = command(f"{LINE} {QUICK}")

    assert (ran.code, ran.out) == (0, ALL)
    assert pictures() == {*RESULTS, "out.png"}
    lines = [line for line in ran.err.splitlines() if "→" in line]
    assert re.fullmatch(r"1/3 TV weight 0 → out-tv0\.png, \d+ s", lines[0])
    assert [line.split(" → ")[0] for line in lines] == [
        "1/3 TV weight 0",
        "2/3 TV weight 0.3",
        "3/3 TV weight 1",
    ]
    assert ran.err.count("stylize: ") == 1, "size and device are reported once"
    assert not re.search(r"[\r\x1b]", ran.err), "no control codes off a terminal"


@pytest.mark.weights
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_the_sheet_has_the_format_of_its_path_and_is_refused_as_a_configuration(
    suffix: str, workspace: Path, command: Command
) -> None:
    assert command(f"content.png style.png -o out{suffix} --tv-weight 0,9 {QUICK} -q").code == 0
    with Image.open(f"out{suffix}") as sheet:
        assert sheet.format == {".jpg": "JPEG", ".tif": "TIFF"}.get(suffix, suffix[1:].upper())

    assert command(f"content.png style.png -o new.png -c out{suffix}") == Ran(
        2,
        "",
        f"stylize: error: out{suffix}: this is a contact sheet; "
        f"use one of its pictures: out-tv0{suffix}, out-tv9{suffix}\n",
    )
    assert command(f"content.png style.png -o new.png -c out-tv9{suffix} -q").code == 0
    if suffix != ".webp":
        new = open_picture(Path("new.png"))
        assert suffix == ".jpg" or new == open_picture(Path(f"out-tv9{suffix}"))


@pytest.mark.slow
@pytest.mark.weights
def test_the_sheet_shows_the_results_in_their_order(workspace: Path, command: Command) -> None:
    line = "content.png style.png -o out.png --tv-weight 500,0,3 --size 24 --min-size 24 -n 20 -q"
    ran = command(line)

    assert ran.code == 0
    for number, name in enumerate(ran.out.splitlines()[:-1]):
        result = open_picture(Path(name)).resize((96, 64), Image.Resampling.LANCZOS)
        assert np.abs(shown(number).astype(int) - np.asarray(result)).mean() < 2


@pytest.mark.weights
def test_a_single_number_is_not_a_sweep(workspace: Path, command: Command) -> None:
    assert command(f"content.png style.png -o out.png --tv-weight 1 {QUICK} -q") == Ran(
        0, "out.png\n", ""
    )
    assert pictures() == {"out.png"}
    with Image.open("out.png") as picture:
        assert json.loads(picture.info[KEYWORD])["settings"]["tv_weight"] == 1


@pytest.mark.weights
def test_json_has_an_object_for_each_result_and_one_for_the_sheet(
    workspace: Path, command: Command
) -> None:
    ran = command(f"{LINE} {QUICK} --json -q")

    assert (ran.code, ran.err) == (0, "")
    *results, sheet = (json.loads(line) for line in ran.out.splitlines())
    assert [(each["path"], each["weights"], each["sheet"]) for each in results] == [
        (name, {"content": 1.0, "style": 14.0, "tv": value}, False)
        for name, value in zip(RESULTS, (0.0, 0.3, 1.0), strict=True)
    ]
    assert list(sheet) == list(results[0])
    assert (sheet["path"], sheet["sheet"], sheet["weights"]) == ("out.png", True, None)
    with Image.open("out.png") as picture:
        assert sheet["size"] == list(picture.size)


@pytest.mark.weights
def test_snapshots_are_named_after_their_result(workspace: Path, command: Command) -> None:
    options = "--tv-weight 0,1 --size 24 --min-size 24 -n 4 --save-every 2 -q"

    assert command(f"content.png style.png -o out.png {options}").code == 0
    assert pictures() == {
        *("out.png", "out-tv0.png", "out-tv0-2.png", "out-tv0-4.png"),
        *("out-tv1.png", "out-tv1-2.png", "out-tv1-4.png"),
    }


@pytest.mark.weights
def test_lost_transparency_is_reported_once(workspace: Path, command: Command) -> None:
    with Image.open("content.png") as content:
        content.putalpha(Image.linear_gradient("L").resize(content.size))
        content.save("clear.png")

    ran = command(f"clear.png style.png -o out.jpg --tv-weight 0,1 {QUICK} -q")

    assert ran.code == 0
    assert re.fullmatch(r"stylize: out\.jpg: JPEG has no transparency, [^\n]+\n", ran.err)


# Failures


@pytest.mark.weights
def test_a_diverged_variant_is_marked_on_the_sheet(workspace: Path, command: Command) -> None:
    # The first exists already; the others diverge.
    assert command(f"content.png style.png -o out.png --tv-weight 0,1 {QUICK} -q").code == 0
    Path("out-tv1.png").unlink()

    ran = command(f"{LINE} {DIVERGING} --skip-existing -q")

    assert (ran.code, ran.out) == (1, "out-tv0.png\nout.png\n")
    first, second, summary = ran.err.splitlines()
    assert first.startswith("stylize: error: TV weight 0.3: the optimization diverged")
    assert first.endswith("; the best picture is in out-tv0.3.partial.png")
    assert second.startswith("stylize: error: TV weight 1: the optimization diverged")
    assert summary == "stylize: error: 2 of 3 results failed: TV weight 0.3, TV weight 1"
    assert pictures() == {
        *("out.png", "out-tv0.png", "out-tv0.3.partial.png", "out-tv1.partial.png")
    }
    red = [(np.abs(shown(n).astype(int) - (179, 0, 27)).sum(axis=2) < 60).sum() for n in range(3)]
    assert red[0] == 0
    assert min(red[1:]) > 50
    assert command(f"{LINE} {QUICK} --skip-existing -q") == Ran(0, ALL, "")
    assert pictures() == {*RESULTS, "out.png"}, "the unfinished pictures are deleted"


@pytest.mark.weights
@pytest.mark.parametrize(
    ("full", "before", "part"),
    [
        (
            "out-tv0.3.png",
            "out-tv0.png\n",
            r"stylize: 1 of 3 results are done; --skip-existing resumes\n"
            r"stylize: error: out-tv0\.3\.png: cannot be saved \(No space left [^\n]+ instead\n",
        ),
        (
            "out.png",
            "".join(f"{name}\n" for name in RESULTS),
            r"stylize: error: out\.png: cannot be saved \(No space left [^\n]+; the results are "
            r"saved, and --skip-existing makes the sheet again\n",
        ),
    ],
)
def test_a_full_disk_ends_the_run(
    full: str,
    before: str,
    part: str,
    workspace: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replace = Path.replace

    def refuse(source: Path, target: Path) -> Path:
        if target.name == full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr("tempfile.tempdir", str(workspace / "folder"))

    ran = command(f"{LINE} {QUICK} -q")

    assert (ran.code, ran.out) == (1, before)
    assert re.fullmatch(part, ran.err)


# Interruption and resuming


@pytest.mark.weights
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_the_unfinished_picture_and_a_sheet_of_the_others(
    number: signal.Signals,
    code: int,
    workspace: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show, steps = Progress.show, itertools.count(1)

    def interrupt(self: Progress, step: Any) -> None:
        show(self, step)
        if next(steps) == 9 + 2:
            signal.raise_signal(number)

    monkeypatch.setattr(Progress, "show", interrupt)

    assert command(f"{LINE} --size 24 --min-size 24 -n 9 -q") == Ran(
        code,
        "out-tv0.png\nout.png\n",
        "stylize: interrupted: 1 of 3 results are done; --skip-existing resumes; "
        "the unfinished one is saved as out-tv0.3.partial.png\n",
    )
    assert pictures() == {"out.png", "out-tv0.png", "out-tv0.3.partial.png"}
    empty = (0xF2, 0xF2, 0xF2)
    assert [bool((shown(n)[10, 10] == empty).all()) for n in range(3)] == [False, True, True]


@pytest.mark.weights
def test_after_a_signal_between_two_variants_the_run_ends(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_result = cli._print

    def interrupt(path: Path, described: Any) -> None:
        print_result(path, described)
        if path.name == "out-tv0.3.png":
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(cli, "_print", interrupt)

    assert command(f"{LINE} {QUICK} -q") == Ran(
        130,
        "out-tv0.png\nout-tv0.3.png\nout.png\n",
        "stylize: interrupted: 2 of 3 results are done; --skip-existing resumes\n",
    )
    assert pictures() == {"out.png", "out-tv0.png", "out-tv0.3.png"}


@pytest.mark.weights
def test_a_signal_before_the_first_result_leaves_no_sheet(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = Progress.show

    def interrupt(self: Progress, step: Any) -> None:
        show(self, step)
        if step.iteration == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "show", interrupt)

    ran = command(f"{LINE} --size 24 --min-size 24 -n 9 -q")

    assert (ran.code, ran.out) == (130, "")
    assert "0 of 3 results are done" in ran.err
    assert pictures() == {"out-tv0.partial.png"}


@pytest.mark.weights
def test_skip_existing_makes_missing_and_truncated_results_and_the_sheet(
    workspace: Path, command: Command
) -> None:
    assert command(f"{LINE} {QUICK} -q").code == 0
    whole = files(workspace)
    for name in ("out.png", "out-tv1.png"):
        Path(name).unlink()
    Path("out-tv0.png").write_bytes(Path("out-tv0.png").read_bytes()[:100])

    ran = command(f"{LINE} {QUICK} --skip-existing --json")

    assert ran.code == 0
    results = [json.loads(line) for line in ran.out.splitlines()]
    assert [(each["path"], each["skipped"], each["sheet"]) for each in results] == [
        ("out-tv0.png", False, False),
        ("out-tv0.3.png", True, False),
        ("out-tv1.png", False, False),
        ("out.png", False, True),
    ]
    assert results[1]["weights"] == {"content": 1.0, "style": 14.0, "tv": 0.3}
    assert ran.err.splitlines()[-1] == "stylize: 1 of 3 results already exist"
    assert files(workspace) == whole


def test_a_sheet_of_existing_results_imports_no_torch(workspace: Path) -> None:
    for name in RESULTS:
        Image.new("RGB", (24, 16), "navy").save(name)

    assert run_without_torch([f"{LINE} --skip-existing"]) == [
        Ran(0, ALL, "stylize: 3 of 3 results already exist\n")
    ]


# Log and report


@pytest.mark.weights
def test_each_result_has_its_own_log_and_a_place_in_the_report(
    workspace: Path, command: Command
) -> None:
    line = f"content.png style.png -o out.png --tv-weight 0,1 {QUICK} -q"

    assert command(f"{line} --log losses.csv --report report.html").code == 0

    logs = {path.name: path.read_text().splitlines() for path in workspace.glob("losses*")}
    assert {name: len(rows) for name, rows in logs.items()} == {
        "losses-tv0.csv": len(logs["losses-tv0.csv"]),
        "losses-tv1.csv": len(logs["losses-tv0.csv"]),
    }
    assert logs["losses-tv0.csv"][0] == logs["losses-tv1.csv"][0]
    assert logs["losses-tv0.csv"][1].split(",")[6] == ""
    assert float(logs["losses-tv1.csv"][1].split(",")[6]) > 0
    page = Path("report.html").read_text("utf-8")
    assert page.count("<article") == 2
    assert "--tv-weight 0" in re.sub("<[^>]+>", "", page)
