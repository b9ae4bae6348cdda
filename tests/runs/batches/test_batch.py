"""Folders: the command on all pictures of a folder."""

import json
import os
import re
import shlex
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from styletransfer.cli import app as cli
from styletransfer.errors import ShortageError
from styletransfer.images.tensors import Decoded, decode_picture
from tests.support.commands import (
    Command,
    Ran,
    Refusal,
    check_refusals,
    files,
    fill_disk,
    run_python,
)

QUICK = "--size 24 --min-size 24 -n 1 --style-form gram"
DIVERGING = "--size 24 --min-size 24 -n 40 --optimizer adam --learning-rate 100 --preconditioning 2"
RESUMED = ("photos", "style.png", "-o", "out", "--skip-existing")

REFUSALS: list[Refusal] = [
    ("photos style.png -o old.png", 1, "old.png: this is a file, but photos is a folder"),
    ("photos style.png -o new.png", 1, "new.png: this is the name of a picture"),
    ("photos style.png -o photos", 1, "photos: this is the content folder"),
    ("photos style.png -o old.png/out", 1, "cannot be saved"),
    ("photos none.png -o out", 1, "none.png: No such file"),
    ("photos photos -o out", 1, "photos: Is a directory"),
    ("photos style.png -o out --init none.png", 1, "none.png: No such file"),
    ("empty style.png -o out", 1, "empty: contains no pictures; choose another folder"),
    ("deep style.png -o out", 1, "deep: contains no pictures; --recursive enters folders"),
    (
        "photos style.png -o out --name {}.png",
        2,
        "unknown field {}; the fields are {content}, {style}",
    ),
    ("photos style.png -o out --name {content", 2, "unmatched brace; write {{ for a literal one"),
    ("photos style.png -o out --name {content}.bmp", 2, "end it in one of .png"),
    ("photos style.png -o out --name new/{content}.png", 2, "must be a file name"),
    ("photos style.png -o out --name same.png", 2, "would both be saved as out/same.png"),
    ("deep style.png -o . -r --name {content}.png", 1, "inner/c.png: this is also an input"),
    ("photos style.png -o photos/no/.. --name {content}.png", 1, "b9.png: this is also an input"),
    ("photos/a.jpg style.png -o . --skip-existing", 1, ".: this is a folder"),
    ("photos/a.jpg style.png -o / --skip-existing", 1, "/: this is a folder"),
    ("photos/a.jpg style.png -o out.bmp --skip-existing", 1, "out.bmp: unknown suffix"),
    ("photos/a.jpg style.png -o out.png --recursive", 2, "--recursive has no effect: CONTENT"),
    ("photos/a.jpg style.png -o out.png --name {content}.png", 2, "--name has no effect"),
    ("photos/a.jpg style.png -o out.png --fail-fast", 2, "--fail-fast has no effect"),
]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of photographs and a style, as the current folder."""
    gradient = Image.linear_gradient("L").convert("RGB")
    for name in ("photos/a.jpg", "photos/b10.png", "photos/b9.png", "deep/inner/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        gradient.resize((24, 16)).save(tmp_path / name)
    (tmp_path / "empty").mkdir()
    (tmp_path / "inner").symlink_to("deep/inner")
    Image.radial_gradient("L").resize((32, 32)).convert("RGB").save(tmp_path / "style.png")
    gradient.resize((8, 8)).save(tmp_path / "old.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(names: str) -> str:
    """The stdout of a run with these results in ``out``."""
    return "".join(f"out/{name}-style.png\n" for name in names.split())


def objects(out: str) -> list[dict[str, Any]]:
    """The JSON objects on stdout, one a line."""
    return [json.loads(line) for line in out.splitlines()]


# Refusals


def test_bad_input_is_refused_in_one_line_without_torch_and_without_a_new_file(
    workspace: Path,
) -> None:
    check_refusals(REFUSALS, workspace)


@pytest.mark.parametrize("option", ["", " --skip-existing"])
@pytest.mark.parametrize("template", ["{content}.png", "{content}-{style}.png"])
def test_a_result_with_too_long_a_name_is_refused_in_one_line(
    template: str, option: str, workspace: Path, command: Command
) -> None:
    Path("photos/a.jpg").rename(f"photos/{'x' * 250}.jpg")

    ran = command(f"photos style.png -o out --name {template}{option}")

    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"stylize: error: [^\n]+ \(File name too long\); [^\n]+\n", ran.err)


@pytest.mark.parametrize("option", ["", " --skip-existing"])
@pytest.mark.parametrize(
    "line", ["{}.png style.png -o new.png", "photos/a.jpg style.png -o {}.png"]
)
def test_a_path_with_too_long_a_name_is_refused_in_one_line(
    line: str, option: str, workspace: Path, command: Command
) -> None:
    ran = command(line.format("x" * 300) + option)

    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"stylize: error: [^\n]+File name too long[^\n]+\n", ran.err)


@pytest.mark.parametrize(
    ("option", "part"),
    [("--weights none.pth", "none.pth"), ("--device cuda:99", "device 'cuda:99' is not available")],
)
def test_an_error_that_all_pictures_would_meet_ends_the_run_at_once(
    option: str, part: str, workspace: Path, command: Command
) -> None:
    ran = command(f"photos style.png -o out {option}")

    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"stylize: error: [^\n]+\n", ran.err)
    assert part in ran.err


# A run


@pytest.mark.weights
def test_the_results_of_a_folder_are_made_in_natural_order(
    workspace: Path, command: Command
) -> None:
    ran = command(f"photos style.png -o out {QUICK}")

    assert (ran.code, ran.out) == (0, paths("a b9 b10"))
    assert len(list((workspace / "out").iterdir())) == 3
    lines = [line for line in ran.err.splitlines() if "→" in line]
    assert re.fullmatch(r"1/3 photos/a\.jpg → out/a-style\.png, \d+ s", lines[0])
    assert [line.split()[0] for line in lines] == ["1/3", "2/3", "3/3"]
    assert not re.search(r"[\r\x1b]", ran.err), "no control codes off a terminal"


@pytest.mark.weights
def test_a_picture_of_a_folder_equals_its_run_alone_to_the_byte(
    workspace: Path, command: Command
) -> None:
    noise = f"{QUICK} --init noise --seed 3 -q"

    assert command(f"photos style.png -o out {noise}") == Ran(0, paths("a b9 b10"), "")
    assert command(f"photos/b9.png style.png -o alone.png {noise}").code == 0
    assert Path("alone.png").read_bytes() == Path("out/b9-style.png").read_bytes()


@pytest.mark.weights
def test_recursive_keeps_the_folders_and_ignores_the_results(
    workspace: Path, command: Command
) -> None:
    line = f"deep style.png -o deep/out -r {QUICK} -q"
    expected = Ran(0, "deep/out/inner/c-style.png\n", "")

    assert command(line) == expected
    assert command(line) == expected


@pytest.mark.weights
def test_files_that_are_not_images_are_skipped_with_one_message(
    workspace: Path, command: Command
) -> None:
    (workspace / "photos" / "notes.txt").write_text("words")
    (workspace / "photos" / "more").mkdir()

    ran = command(f"photos style.png -o out {QUICK}")

    assert (ran.code, ran.out) == (0, paths("a b9 b10"))
    assert ran.err.splitlines()[0] == (
        "stylize: photos: skipped 1 file that is not an image (notes.txt) and 1 folder (more/); "
        "--recursive enters folders"
    )
    assert command(f"photos style.png -o out {QUICK} --quiet").err == ""


@pytest.mark.weights
@pytest.mark.parametrize(
    "name", ["two words", "ä 日本", "a,b", "100%", "%s", "{style}", "{", "-lead", "~", "#;'&"]
)
def test_names_may_contain_any_characters(name: str, workspace: Path, command: Command) -> None:
    Path("odd").mkdir()
    Path("photos/a.jpg").rename(f"odd/{name}.jpg")
    style = Path("style.png").rename(f"{name}.png")
    result = f"odd out/{name}-{name}.png"

    ran = command(f"{QUICK} -q -o 'odd out' -- odd {shlex.quote(str(style))}")
    assert ran == Ran(0, f"{result}\n", "")
    alone = f"{name} alone.png"
    ran = command(
        f"{QUICK} -q --json -o {shlex.quote(alone)} -- "
        f"{shlex.join([f'odd/{name}.jpg', str(style)])}"
    )
    assert objects(ran.out)[0]["path"] == alone
    assert Path(alone).read_bytes() == Path(result).read_bytes()


@pytest.mark.weights
@pytest.mark.parametrize("json_option", ["", "--json"])
def test_names_that_are_not_utf_8_are_printed_unchanged(
    json_option: str,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    content = Path(os.fsdecode(b"photos/\xff.jpg"))
    try:
        Path("photos/a.jpg").rename(content)
    except OSError:
        pytest.skip("this file system takes text only")
    line = [str(content), "style.png", "-o", os.fsdecode(b"\xfe.png"), *QUICK.split()]
    monkeypatch.setattr("sys.argv", ["stylize", *line, *json_option.split()])
    with pytest.raises(SystemExit) as caught:
        cli.main()

    out, _ = capfdbinary.readouterr()
    assert caught.value.code == 0
    path = os.fsencode(json.loads(out)["path"]) if json_option else out.removesuffix(b"\n")
    assert path == b"\xfe.png"


@pytest.mark.weights
def test_a_tilde_in_a_path_is_the_home_folder(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(workspace))
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")

    ran = command(f"'~/photos' '~/style.png' -o='~/out' {QUICK} -q")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == str(workspace / "out" / "a-style.png")
    assert list((workspace / "elsewhere").iterdir()) == []


# JSON


@pytest.mark.weights
def test_json_is_one_object_per_result(workspace: Path, command: Command) -> None:
    ran = command(f"photos style.png style.png -o out {QUICK} --json -q")

    assert (ran.code, ran.err) == (0, "")
    described = objects(ran.out)
    assert [each["path"] for each in described] == [
        f"out/{name}-style+style.png" for name in ("a", "b9", "b10")
    ]
    first = described[0]
    assert (first["content"], first["styles"]) == ("photos/a.jpg", ["style.png", "style.png"])
    assert (first["size"], first["seed"], first["stopped"]) == ([24, 16], 0, False)
    losses = first["losses"]
    assert losses["total"] == pytest.approx(losses["content"] + losses["style"] + losses["tv"])
    assert first["seconds"] > 0


# Failures


@pytest.mark.weights
def test_after_a_bad_picture_the_others_are_made(workspace: Path, command: Command) -> None:
    (workspace / "photos" / "b1.jpg").write_text("words")

    ran = command(f"photos style.png -o out {QUICK} -q")

    assert (ran.code, ran.out) == (1, paths("a b9 b10"))
    bad, summary = ran.err.splitlines()
    assert bad.startswith("stylize: error: photos/b1.jpg: not a complete picture")
    assert summary == "stylize: error: 1 of 4 pictures failed: b1.jpg"


def test_all_failures_are_counted_and_the_first_five_named(
    workspace: Path, command: Command
) -> None:
    Path("bad").mkdir()
    for number in range(20):
        Path(f"bad/{number}.jpg").write_text("words")

    ran = command("bad style.png -o out")

    assert (ran.code, ran.out) == (1, "")
    *each, summary = ran.err.splitlines()
    assert len(each) == 20
    assert summary.endswith(
        "20 of 20 pictures failed: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 15 more"
    )


def test_fail_fast_ends_at_the_first_failure(workspace: Path, command: Command) -> None:
    Path("photos/a.jpg").write_text("words")

    ran = command("photos style.png -o out --fail-fast")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[1:] == [
        "stylize: error: 1 of 3 pictures failed: a.jpg; --fail-fast skipped the other 2"
    ]


@pytest.mark.weights
def test_a_diverged_picture_is_made_again_by_skip_existing(
    workspace: Path, command: Command
) -> None:
    ran = command(f"photos style.png -o out {DIVERGING} -q")

    assert (ran.code, ran.out) == (1, "")
    first = ran.err.splitlines()[0]
    assert first.startswith("stylize: error: photos/a.jpg: the optimization diverged")
    assert first.endswith("; the best picture is in out/a-style.partial.png")
    assert {path.name for path in Path("out").iterdir()} == {
        f"{name}-style.partial.png" for name in ("a", "b9", "b10")
    }
    assert command(f"photos style.png -o out {QUICK} -q --skip-existing") == Ran(
        *(0, paths("a b9 b10")),
        "",
    )
    assert len(list(Path("out").iterdir())) == 3, "the unfinished pictures are deleted"


@pytest.mark.weights
def test_a_full_disk_ends_the_run(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch, "b9-style.png")
    monkeypatch.setattr("tempfile.tempdir", str(workspace / "empty"))

    ran = command(f"photos style.png -o out {QUICK} -q")

    assert (ran.code, ran.out) == (1, paths("a"))
    how_far, error = ran.err.splitlines()
    assert how_far == "stylize: 1 of 3 pictures are done; --skip-existing resumes"
    assert error.startswith("stylize: error: out/b9-style.png: cannot be saved (No space left")
    assert error.endswith(" instead")
    assert len(list(Path("empty").iterdir())) == 1


@pytest.mark.weights
def test_a_full_disk_and_temporary_folder_end_the_run(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch)

    ran = command(f"photos style.png -o out {QUICK} -q")

    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"stylize: error: [^\n]+; nor could it be saved as [^\n]+\n", ran.err)


@pytest.mark.weights
def test_after_a_picture_too_large_for_memory_the_others_are_made(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crowded(path: Path, **options: Any) -> Decoded:
        if path.name == "b9.png":
            raise ShortageError("out of memory")
        return decode_picture(path, **options)

    monkeypatch.setattr("styletransfer.runs.context.decode_picture", crowded)

    ran = command(f"photos style.png -o out {QUICK} -q")

    assert (ran.code, ran.out) == (1, paths("a b10"))
    assert ran.err.splitlines() == [
        "stylize: error: photos/b9.png: out of memory",
        "stylize: error: 1 of 3 pictures failed: b9.png",
    ]


# Resuming


@pytest.mark.weights
def test_skip_existing_makes_missing_and_truncated_results_and_prints_all(
    workspace: Path, command: Command
) -> None:
    line = f"photos style.png -o out {QUICK}"
    assert command(line).code == 0
    whole = files(workspace)
    Path("out/a-style.png").write_bytes(Path("out/a-style.png").read_bytes()[:200])
    Path("out/b9-style.png").unlink()

    ran = command(f"{line} --skip-existing --json")

    assert ran.code == 0
    assert [(each["path"], each["skipped"]) for each in objects(ran.out)] == [
        ("out/a-style.png", False),
        ("out/b9-style.png", False),
        ("out/b10-style.png", True),
    ]
    assert ran.err.splitlines()[-1] == "stylize: 1 of 3 results already exist"
    assert files(workspace) == whole


def test_nothing_left_to_do_is_a_success(workspace: Path, command: Command) -> None:
    _make_all_results()

    ran = command("photos style.png -o out --skip-existing")

    assert (ran.code, ran.out) == (0, paths("a b9 b10"))
    assert ran.err == "stylize: 3 of 3 results already exist\n"
    assert command("photos style.png -o out --skip-existing -q").err == ""


def test_a_single_existing_result_is_printed_and_kept(workspace: Path, command: Command) -> None:
    before = files(workspace)

    assert command("photos/a.jpg style.png -o old.png --skip-existing") == Ran(0, "old.png\n", "")
    assert objects(command("photos/a.jpg style.png -o old.png --skip-existing --json").out) == [
        {
            "path": "old.png",
            "content": "photos/a.jpg",
            "styles": ["style.png"],
            "size": [8, 8],
            **dict.fromkeys(("seconds", "seed", "weights", "losses", "device", "precision")),
            "regions": [],
            "stopped": False,
            "skipped": True,
            "sheet": False,
        }
    ]
    assert files(workspace) == before


def test_an_input_is_not_an_existing_result(workspace: Path, command: Command) -> None:
    ran = command("photos/a.jpg style.png -o style.png --skip-existing")

    assert (ran.code, ran.out) == (1, "")
    assert "style.png: this is also an input" in ran.err


@pytest.mark.weights
def test_a_single_diverged_run_is_made_again_by_skip_existing(
    workspace: Path, command: Command
) -> None:
    line = "photos/a.jpg style.png -o new.png --skip-existing -q"

    assert command(f"{line} {DIVERGING}").code == 1
    assert Path("new.partial.png").exists()
    assert command(f"{line} {QUICK}") == Ran(0, "new.png\n", "")
    assert not Path("new.partial.png").exists()


# Scripts


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_stdout_that_cannot_be_written_is_an_error_in_one_line(workspace: Path) -> None:
    _make_all_results()
    with Path("/dev/full").open("w") as full:
        ran = run_python("-m", "styletransfer", *RESUMED, stdout=full)

    assert ran.code == 1
    assert ran.err == (
        "stylize: error: stdout: cannot be written (No space left on device), so the run ends; "
        "out/a-style.png is saved, and --skip-existing resumes\n"
    )


@pytest.mark.parametrize("option", ["-q", "--json"])
def test_a_closed_pipe_ends_the_run_without_a_traceback(option: str, workspace: Path) -> None:
    _make_all_results()
    reading, writing = os.pipe()
    os.close(reading)
    ran = run_python("-m", "styletransfer", *RESUMED, option, stdout=writing)
    os.close(writing)

    assert ran.code == 1
    assert ran.err == (
        "stylize: error: stdout: cannot be written (Broken pipe), so the run ends; "
        "out/a-style.png is saved, and --skip-existing resumes\n"
    )


@pytest.mark.parametrize("option", ["-q", "--json"])
def test_without_stdout_the_run_succeeds(option: str, workspace: Path) -> None:
    _make_all_results()
    line = shlex.join([sys.executable, "-m", "styletransfer", *RESUMED, "-q", option])
    shell = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1], shell=True))"
    ran = run_python("-c", shell, f"{line} >&-")

    assert (ran.code, ran.err) == (0, "")


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc")
def test_many_pictures_need_no_more_memory_than_five(workspace: Path) -> None:
    Path("many").mkdir()
    for number in range(20):
        Image.effect_noise((64, 64), 80).convert("RGB").save(f"many/{number}.png")
    program = """
        import sys
        from pathlib import Path
        from styletransfer.cli import app as cli

        sizes = []
        print_result = cli._print

        def measure(*arguments, **options):
            print_result(*arguments, **options)
            sizes.append(int(Path("/proc/self/statm").read_text().split()[1]))

        cli._print = measure
        sys.argv = ["stylize", *sys.argv[1:]]
        try:
            cli.main()
        finally:
            print(sizes[4], max(sizes[5:]), len(sizes), file=sys.stderr)
    """
    line = shlex.split("many style.png -o out --size 64 --min-size 64 -n 1 -q")

    ran = run_python("-c", textwrap.dedent(program), *line)

    assert ran.code == 0
    fifth, largest, count = (int(word) for word in ran.err.split())
    assert count == 20
    assert largest < 1.05 * fifth


def _make_all_results() -> None:
    """Make all results exist, so that a run needs no torch."""
    Path("out").mkdir()
    for name in ("a", "b9", "b10"):
        shutil.copy("old.png", f"out/{name}-style.png")
