"""The command: output, exit codes, refusals."""

import errno
import os
import re
import shutil
import textwrap
from pathlib import Path

import pytest
import torch
from PIL import Image

from styletransfer import __version__
from styletransfer.images.provenance import record
from styletransfer.images.tensors import read_image, save_image
from styletransfer.settings import Settings
from styletransfer.transfer.stylize import stylize
from tests.support.commands import (
    Command,
    Ran,
    Refusal,
    check_refusals,
    files,
    fill_disk,
    run_python,
    run_without_torch,
)

REFUSALS: list[Refusal] = [
    # Pictures
    ("none.png style.png -o old.png", 1, "none.png: No such file"),
    ("content.png none.png -o old.png", 1, "none.png: No such file"),
    ("content.png style.png none.png -o old.png", 1, "none.png: No such file"),
    ("folder style.png -o old.png", 1, "old.png: this is a file, but folder is a folder"),
    ("content.png folder -o old.png", 1, "folder: Is a directory"),
    ("cut.jpg style.png -o old.png", 1, "cut.jpg: the picture is damaged or truncated"),
    ("content.png words.jpg -o old.png", 1, "words.jpg: not a complete picture"),
    ("empty.png style.png -o old.png", 1, "empty.png: the file is empty"),
    ("content.png style.png -o old.png --init none.png", 1, "none.png: No such file"),
    # Output
    ("content.png style.png -o out.bmp", 1, "out.bmp: unknown suffix"),
    ("content.png style.png -o out", 1, "out: unknown suffix"),
    ("content.png style.png -o content.png", 1, "content.png: this is also an input"),
    ("content.png style.png -o ./style.png", 1, "style.png: this is also an input"),
    ("content.png style.png -o old.png --init old.png", 1, "old.png: this is also an input"),
    (
        "content.png style.png -o folder",
        1,
        "folder: this is a folder, but CONTENT is the picture content.png; name a file in it, or "
        "give a folder of pictures as CONTENT",
    ),
    (
        "content.png style.png -o folder/new/",
        1,
        "folder/new: unknown suffix; use one of .png .jpg .jpeg .webp .tif .tiff, or give a folder",
    ),
    ("content.png style.png -o words.jpg/out.png", 1, "words.jpg/out.png: cannot be saved"),
    (
        "content.png style.png -o old.png --log old.txt",
        1,
        "old.txt: unknown suffix; use one of .csv",
    ),
    ("content.png style.png -o old.png --log folder", 1, "folder: this is a folder; name a file"),
    ("content.png style.png -o old.png --report old.txt", 1, "unknown suffix; use one of .html"),
    (
        "folder style.png -o out --log losses.csv",
        2,
        "--log needs a single content picture, but folder is a",
    ),
    (
        "folder style.png -o out --report a.html",
        2,
        "--report needs a single content picture, but folder is",
    ),
    (
        "folder style.png -o out --checkpoint run.ckpt",
        2,
        "--checkpoint needs a single content picture, but folder is",
    ),
    (
        "content.png style.png -o old.png --checkpoint run.ckpt --tv-weight 1,2",
        2,
        "--checkpoint needs a single result, but a list of weights is given; --skip-existing",
    ),
    (
        "content.png style.png -o old.png --checkpoint-every 3",
        2,
        "--checkpoint-every has no effect: there is no --checkpoint",
    ),
    (
        "content.png style.png -o old.png --checkpoint a --checkpoint-every -1",
        2,
        "--checkpoint-every must be 0 or more minutes, not -1",
    ),
    (
        "content.png style.png -o old.png --checkpoint content.png",
        1,
        "content.png: this is also an input; choose another output",
    ),
    (
        "content.png style.png -o old.png --checkpoint old.png",
        1,
        "old.png: this is also an input; choose another output",
    ),
    # Settings
    ("content.png style.png -o old.png --tv-weight -1", 2, "tv_weight must be 0 or more, not -1.0"),
    ("content.png style.png -o old.png --style-weight nan", 2, "style_weight must be a number"),
    ("content.png style.png -o old.png --content-weight inf", 2, "content_weight must be 0 or"),
    ("content.png style.png -o old.png --size 0", 2, "size must be from 1 to 65535, not 0"),
    ("content.png style.png -o old.png -n 3,0", 2, "iterations must be from 1"),
    (
        "content.png style.png -o old.png --background paper",
        2,
        "such as white or #f5e6c8, not 'pap",
    ),
    (
        "content.png style.png -o out.jpg --bits 16",
        2,
        "bits 16 needs a .png or .tif output; choose",
    ),
    ("content.png style.png -o out.webp --bits 16", 2, "choose one, or --bits 8"),
    ("content.png style.png -o old.png --style-layers relu9_1", 2, "relu9_1"),
    ("content.png style.png -o old.png --layer-weights 1,1", 2, "layer_weights needs one number"),
    ("content.png style.png -o old.png --style-blend 1,2,3", 2, "--style-blend needs one number"),
    ("content.png style.png -o old.png --seed 1", 2, "--seed has no effect"),
    ("content.png style.png -o old.png --threads 0", 2, "threads must be from 1 to 1024, not 0"),
    ("content.png style.png -o old.png -q -v", 2, "--verbose has no effect: --quiet"),
    ("content.png style.png -o old.png --network vgg16", 2, "the bundled weights are of vgg19"),
    (
        "content.png style.png -o old.png --content-weight 0 --style-weight 0 --tv-weight 0",
        2,
        "all three weights are 0",
    ),
    # Configuration
    ("content.png style.png -o old.png -c van-gogh", 2, "no configuration file or preset"),
    ("content.png style.png -o old.png -c misspelt.toml", 2, "did you mean 'tv_weight'?"),
    ("content.png style.png -o old.png -c ~no-such-user/x", 2, "no configuration file or preset"),
    ("content.png style.png -o old.png --init ~no-such-user/x", 1, "~no-such-user/x: No such file"),
    ("content.png style.png -o old.png -c words.jpg", 2, "words.jpg is not a TOML"),
    ("content.png style.png -o old.png -c whole.jpg", 2, "whole.jpg: no settings in this picture;"),
    ("content.png style.png -o old.png -c cut.jpg", 2, "cut.jpg: no settings in this picture;"),
    ("content.png style.png -o old.png -c old.png", 2, "old.png: no settings in this picture;"),
]
WRONG_USAGE = [
    "",
    "content.png",
    "content.png -o old.png",
    "content.png style.png",
    "content.png style.png -o old.png --tv-weight lots",
    "content.png style.png -o old.png --tv-weight 0,,1",
    "content.png style.png -o old.png --style-weight 1;2",
    "content.png style.png -o old.png --size 12.5",
    "content.png style.png -o old.png --size Original",
    "content.png style.png -o old.png --bits 12",
    "content.png style.png -o old.png --keep-metadata=yes",
    "content.png style.png -o old.png -n many",
    "content.png style.png -o old.png --style-blend 1;2",
    "content.png style.png -o old.png --tv-form round",
    "content.png style.png -o old.png --optimizer sgd",
    "content.png style.png -o old.png --tv-wieght 1",
    "content.png style.png -o old.png --tv-weight",
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good and bad inputs, and an old result."""
    folder = tmp_path_factory.mktemp("pictures")
    content = Image.linear_gradient("L").resize((48, 32)).convert("RGB")
    content.save(folder / "content.png")
    Image.radial_gradient("L").resize((40, 40)).convert("RGB").save(folder / "style.png")
    Image.effect_noise((256, 256), 80).save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "words.jpg").write_text("this is no picture, and no TOML either")
    (folder / "empty.png").touch()
    (folder / "folder").mkdir()
    content.save(folder / "old.png")
    (folder / "misspelt.toml").write_text("tv_wieght = 1\n")
    return folder


@pytest.fixture
def workspace(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh copy of the pictures, as the current folder."""
    folder = tmp_path / "workspace"
    shutil.copytree(pictures, folder)
    monkeypatch.chdir(folder)
    return folder


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a picture, which is decoded completely."""
    with Image.open(path) as picture:
        picture.load()
        return picture.size


# A run

QUICK = "content.png style.png --min-size 24 -n 2,1"


@pytest.mark.weights
def test_a_run_writes_the_picture_and_prints_only_its_path(
    workspace: Path, command: Command
) -> None:
    ran = command(f"{QUICK} -o new/out.png")

    assert (ran.code, ran.out) == (0, "new/out.png\n")
    assert size_of(workspace / "new/out.png") == (48, 32)
    assert [path.name for path in (workspace / "new").iterdir()] == ["out.png"]
    lines = ran.err.splitlines()
    assert re.fullmatch(r"stylize: stylizing at 48×32 on (cpu|cuda:0|mps) in b?float\d+", lines[0])
    assert [line.split(":")[0] for line in lines[1:]] == ["24×16", "48×32"]
    assert not re.search(r"[^\n -~×]", ran.err), "no control codes off a terminal"


@pytest.mark.weights
def test_quiet_leaves_stderr_empty(workspace: Path, command: Command) -> None:
    assert command(f"{QUICK} -o out.png --quiet") == Ran(0, "out.png\n", "")


@pytest.mark.parametrize("quiet", ["", " --quiet"])
def test_a_warning_about_an_input_is_one_line_also_with_quiet(
    workspace: Path, command: Command, quiet: str
) -> None:
    with Image.open("content.png") as content:
        content.save("odd.png", icc_profile=b"no profile")
    ran = command(f"odd.png style.png -o out.bmp{quiet}")
    warning, refusal = ran.err.splitlines()
    assert warning.startswith("stylize: odd.png: its colour profile is not applied (")
    assert refusal.startswith("stylize: error: out.bmp: unknown suffix")


SIX = "content.png content.png content.png content.png content.png style.png -o out.bmp"


@pytest.mark.parametrize("quiet", ["", " --quiet"])
def test_more_than_four_styles_get_a_line_on_what_the_arguments_mean(
    quiet: str, workspace: Path, command: Command
) -> None:
    """As where a shell expands photos/*.jpg."""
    warning, _ = command(f"{SIX}{quiet}").err.splitlines()
    assert warning == (
        "stylize: 5 styles are blended: CONTENT is the first picture, content.png, and all others "
        "are styles; if they should be painted themselves, give a folder of pictures as CONTENT "
        "to get a folder of results"
    )


@pytest.mark.parametrize(
    "line",
    [
        SIX.removeprefix("content.png "),  # four styles
        f"{SIX} --style-blend 1,1,1,1,2",
        SIX.replace("content.png", "folder", 1),
    ],
)
def test_a_blend_that_is_meant_gets_no_such_line(
    line: str, workspace: Path, command: Command
) -> None:
    assert "are blended" not in command(line).err


@pytest.mark.weights
def test_the_number_of_styles_is_announced(workspace: Path, command: Command) -> None:
    ran = command(f"{QUICK} style.png -o out.png")

    assert ran.code == 0
    assert ran.err.startswith("stylize: stylizing in a blend of 2 styles at 48×32 on ")


@pytest.mark.weights
def test_verbose_reports_why_the_number_format_was_chosen(
    workspace: Path, command: Command
) -> None:
    ran = command(f"{QUICK} -o out.png --verbose --precision float32 --threads 1")
    assert ran.code == 0
    assert re.match(
        r"stylize: stylizing at 48×32 on \S+ in float32 \(as requested\), threads: 1\n", ran.err
    )


@pytest.mark.weights
def test_the_same_command_gives_the_same_bytes_and_so_does_the_library(
    workspace: Path, command: Command
) -> None:
    line = f"{QUICK} style.png --style-blend 3,1 --tv-weight 2 -q"
    for name in ("one.png", "two.png"):
        assert command(f"{line} -o {name}").code == 0
    settings = Settings(min_size=24, iterations=(2, 1), style_blend=(3.0, 1.0), tv_weight=2.0)
    style = read_image(Path("style.png"))
    result = stylize(read_image(Path("content.png")), [style, style], settings)
    save_image(result.image, Path("three.png"), text=record(settings))

    one, two, three = (Path(f"{name}.png").read_bytes() for name in ("one", "two", "three"))
    assert one == two
    assert one == three
    assert command("content.png style.png style.png -q --config one.png -o four.png").code == 0
    assert Path("four.png").read_bytes() == one


@pytest.mark.weights
def test_the_command_line_wins_over_the_configuration(workspace: Path, command: Command) -> None:
    (workspace / "mine.toml").write_text("size = 24\niterations = 1\n")

    assert command("content.png style.png -o out.png -c mine.toml --size 30 -q").code == 0
    assert size_of(workspace / "out.png") == (30, 20)


@pytest.mark.weights
def test_init_can_be_a_picture_and_the_result_a_jpeg(workspace: Path, command: Command) -> None:
    line = "content.png style.png -o out.jpg --init old.png -n 1 --size 24 -q"

    assert command(line) == Ran(0, "out.jpg\n", "")
    with Image.open(workspace / "out.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (24, 16))


@pytest.mark.weights
def test_options_decide_on_bits_transparency_and_metadata(
    workspace: Path, command: Command
) -> None:
    with Image.open("content.png") as content:
        content.putalpha(Image.linear_gradient("L").resize(content.size))
        exif = Image.Exif()
        exif[0x010F] = "Maker"
        content.save("clear.png", exif=exif)
    options = "--size original --bits 16 --background black --keep-metadata -n 1 -q"

    assert command(f"clear.png style.png -o out.tif {options}") == Ran(0, "out.tif\n", "")
    with Image.open(workspace / "out.tif") as picture:
        assert (picture.mode, picture.size, picture.getexif()[0x010F]) == (
            "RGBA",
            (48, 32),
            "Maker",
        )
    again = "clear.png style.png -q -c out.tif -o out.jpg --bits 8 --no-keep-metadata"
    ran = command(again)
    assert ran.code == 0
    assert ran.err.splitlines() == [
        "stylize: out.jpg: JPEG has no transparency, so clear.png is composited on black; "
        ".png, .webp and .tif keep it"
    ]
    assert b"Maker" not in (workspace / "out.jpg").read_bytes()


# Log and report


@pytest.mark.weights
def test_a_run_can_write_a_log_and_a_report(workspace: Path, command: Command) -> None:
    ran = command(f"{QUICK} -o out.png --log new/losses.csv --report new/report.html")

    assert (ran.code, ran.out) == (0, "out.png\n")
    assert ran.err.splitlines()[-1] == "stylize: report saved to new/report.html"
    assert sorted(path.name for path in (workspace / "new").iterdir()) == [
        "losses.csv",
        "report.html",
    ]
    rows = (workspace / "new/losses.csv").read_text().splitlines()
    assert [row.split(",")[:4] for row in rows[1:]] == [
        ["1", "1", "24", "16"],
        ["2", "2", "24", "16"],
        ["3", "1", "48", "32"],
    ]
    page = (workspace / "new/report.html").read_text("utf-8")
    assert "content.png <span>in the style of</span> style.png" in page
    assert "3 iterations" in page


@pytest.mark.weights
def test_the_command_in_a_report_makes_the_same_bytes(workspace: Path, command: Command) -> None:
    (workspace / "mine.toml").write_text("size = 24\niterations = 1\ntv_weight = 0.7\n")
    assert command("content.png style.png -o out.png -c mine.toml --report r.html -q").code == 0
    made = Path("out.png").read_bytes()
    Path("out.png").unlink()
    (found,) = re.findall(r'<pre class="command".*?>(.*?)</pre>', Path("r.html").read_text("utf-8"))
    line = re.sub("<[^>]+>", "", found)
    assert line.startswith("stylize content.png style.png -o out.png --size 24")

    assert command(f"{line.removeprefix('stylize ')} -q").code == 0
    assert Path("out.png").read_bytes() == made


@pytest.mark.weights
def test_a_skipped_result_writes_no_log_and_no_report(workspace: Path, command: Command) -> None:
    line = f"{QUICK} -o old.png --skip-existing --log losses.csv --report report.html"
    before = files(workspace)

    ran = command(line)

    assert (ran.code, ran.out) == (0, "old.png\n")
    assert ran.err.splitlines() == [
        "stylize: losses.csv: not written, since old.png already exists",
        "stylize: report.html: not written, there is no new result to show",
    ]
    assert files(workspace) == before


def test_a_report_without_its_packages_is_refused_before_the_run(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("styletransfer.report.report.find_spec", lambda name: None)
    before = files(workspace)

    ran = command("content.png style.png -o out.png --report report.html")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("stylize: error: --report needs jinja2 and matplotlib; pip install ")
    assert ran.err.count("\n") == 1
    assert files(workspace) == before


# Refusals


def test_bad_input_is_refused_in_one_line_without_torch_and_without_a_new_file(
    workspace: Path,
) -> None:
    check_refusals(REFUSALS, workspace)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_picture_without_permissions_is_refused_like_any_other(
    workspace: Path, command: Command
) -> None:
    Path("content.png").chmod(0)
    (workspace / "shut").mkdir(0)
    for name in ("content.png", "shut/a.png"):
        ran = command(f"{name} style.png -o out.png")
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith(f"stylize: error: {name}: Permission denied; ")
        assert ran.err.count("\n") == 1


def test_no_file_that_is_read_or_written_otherwise_is_overwritten_through_links(
    workspace: Path,
) -> None:
    (workspace / "net.pth").touch()
    (workspace / "mine.toml").write_text("size = 24\n")
    (workspace / "losses.csv").touch()
    names = ("net.pth", "mine.toml", "losses.csv", "content.png", "style.png", "old.png")
    for number, name in enumerate(names):
        for suffix in (".png", ".csv", ".html"):
            (workspace / f"link{number}{suffix}").symlink_to(name)
    quick = "content.png style.png -o"
    refusals: list[Refusal] = [
        (f"{quick} link0.png --weights net.pth", 1, "link0.png: this is also an input"),
        (f"{quick} link1.png -c mine.toml", 1, "link1.png: this is also an input"),
        (f"{quick} link3.png", 1, "link3.png: this is also an input"),
        (f"{quick} link5.png --init old.png", 1, "link5.png: this is also an input"),
        (f"{quick} new.png -c mine.toml --log link1.csv", 1, "link1.csv: this is also an input"),
        (f"{quick} old.png --log link5.csv", 1, "link5.csv: this is also an input"),
        (f"{quick} new.png --report link4.html", 1, "link4.html: this is also an input"),
        (f"{quick} old.png --report link5.html", 1, "link5.html: this is also an input"),
        (f"{quick} a.png --log losses.csv --report link2.html", 1, "link2.html: this is also"),
    ]
    check_refusals(refusals, workspace)


def test_a_path_with_a_line_break_still_makes_one_line(workspace: Path, command: Command) -> None:
    (workspace / "odd.toml").write_text('init = "no\\nne.png"\n')

    ran = command("content.png style.png -o out.png -c odd.toml")

    assert ran.code == 1
    assert ran.err.startswith("stylize: error: no ne.png: No such file")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(("given", "found"), [(None, "10000"), ("7", "7")])
def test_idle_threads_are_told_to_sleep_soon_unless_the_user_says_otherwise(
    given: str | None, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    if given is not None:
        monkeypatch.setenv("GOMP_SPINCOUNT", given)
    program = """
        import os, sys
        from styletransfer import __main__ as command
        from styletransfer.cli import app

        assert "torch" not in sys.modules, "torch reads the variable on import"
        app.main = lambda stop: print(os.environ["GOMP_SPINCOUNT"])
        command.main()
    """
    ran = run_python("-c", textwrap.dedent(program))
    assert (ran.out, ran.err) == (f"{found}\n", "")


@pytest.mark.parametrize("option", ["-q", "--skip-existing"])
def test_a_current_folder_that_is_gone_is_one_line(option: str, workspace: Path) -> None:
    program = """
        import os, sys
        from styletransfer import __main__ as command

        os.mkdir("gone")
        os.chdir("gone")
        os.rmdir("../gone")
        sys.argv = ["stylize", *sys.argv[1:]]
        command.main()
    """
    names = [str(workspace / name) for name in ("content.png", "style.png")]
    ran = run_python("-c", textwrap.dedent(program), *names, "-o", "out.png", option)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "stylize: error: the current folder is gone (No such file or directory); "
        "change to another folder\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        f"{'x' * 5000} style.png -o out.png",
        f"content.png style.png -o {'x' * 5000}.png",
        f"content.png style.png -o out.png --size {'9' * 5000}",
        f"content.png style.png -o out.png --seed {'9' * 5000}",
        f"content.png style.png -o out.png -n {'9' * 5000}",
        f"content.png style.png -o out.png --tv-weight {'x' * 5000}",
        f"content.png style.png -o out.png --tv-form {'x' * 5000}",
        f"content.png style.png -o out.png --{'x' * 5000}",
        f"content.png style.png -o out.png -c {'x' * 5000}",
        f"content.png style.png -o out.png --device {'x' * 5000}",
        f"folder style.png -o out --name {'x' * 5000}{{y}}.png",
    ],
    ids=lambda line: line[:50],
)
def test_a_message_quotes_200_characters_at_most(
    line: str, workspace: Path, command: Command
) -> None:
    ran = command(line)

    assert ran.code in {1, 2}
    assert ran.err.count("x") + ran.err.count("9") < 450
    assert "Traceback" not in ran.err


RED, REVERSED = "\x1b[31m", "\u202e"


def test_control_characters_of_a_name_are_escaped(workspace: Path, command: Command) -> None:
    ran = command(f"'{RED}none{REVERSED}.png' style.png -o out.png")

    assert ran.code == 1
    assert ran.err.startswith("stylize: error: \\x1b[31mnone\\u202e.png: No such file")


@pytest.mark.parametrize("name", ["é ü \u00a0日本.png", "photo \U0001f469\u200d\U0001f3a8.png"])
def test_other_names_appear_as_they_are(name: str, workspace: Path, command: Command) -> None:
    ran = command(f"'{name}' style.png -o out.png")

    assert ran.err.startswith(f"stylize: error: {name}: No such file")


@pytest.mark.parametrize("option", ["", "--json"])
def test_a_terminal_gets_no_control_characters_on_stdout(option: str, workspace: Path) -> None:
    name = f"{RED}\x9b2J{REVERSED}.png"
    shutil.copy("old.png", name)
    ours, theirs = os.openpty()
    line = ["content.png", "style.png", "-o", name, "--skip-existing", *option.split()]
    ran = run_python("-m", "styletransfer", *line, stdout=theirs)
    os.close(theirs)
    printed = os.read(ours, 10_000).decode()
    os.close(ours)

    assert (ran.code, ran.err) == (0, "")
    assert "2J" in printed
    assert printed.removesuffix("\r\n").isprintable()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("-name.jpg style.png -o out.png", "./-name.jpg"),
        ("-q.jpg style.png -o out.png", "./-q.jpg"),
        ("content.png -zoo -o out.png", "./-zoo"),
    ],
)
def test_a_name_with_a_leading_dash_gets_a_hint(
    line: str, name: str, workspace: Path, command: Command
) -> None:
    shutil.copy("style.png", "-zoo")
    ran = command(line)

    assert (ran.code, ran.out) == (2, "")
    words = " ".join(ran.err.replace("│", " ").split())
    assert f"; write {name} if this is a file" in words


def test_other_wrong_usage_gets_no_such_hint(workspace: Path, command: Command) -> None:
    assert "if this is a file" not in command("content.png style.png -zoo -o out.png").err


def test_wrong_usage_exits_with_2_without_torch_and_without_a_new_file(workspace: Path) -> None:
    before = files(workspace)
    for line, ran in zip(WRONG_USAGE, run_without_torch(WRONG_USAGE), strict=True):
        assert (ran.code, ran.out) == (2, ""), line
        assert "Error" in ran.err, line
    assert files(workspace) == before


@pytest.mark.parametrize(
    "name", ["cuda:99", "gpu", *([] if torch.cuda.is_available() else ["cuda"])]
)
def test_a_missing_device_is_an_error(name: str, workspace: Path, command: Command) -> None:
    ran = command(f"content.png style.png -o old.png --device {name}")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(
        f"stylize: error: device '{name}' is not available; this machine has cpu"
    )
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("folder", ["", "~no-such-user/"])
def test_missing_weights_are_refused_in_one_line(
    folder: str, workspace: Path, command: Command
) -> None:
    ran = command(f"content.png style.png -o old.png --weights {folder}none.pth")

    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"stylize: error: [^\n]*none\.pth[^\n]*\n", ran.err)


# Failures of a run


@pytest.mark.weights
def test_a_run_that_diverges_saves_its_best_picture_and_exits_1(
    workspace: Path, command: Command
) -> None:
    method = "--optimizer adam --learning-rate 100 --min-size 24 --preconditioning 2"

    ran = command(f"content.png style.png -o out.png -n 40 -q {method}")

    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(
        r"stylize: error: the optimization diverged: [^\n]+the best picture is in out\.png\n",
        ran.err,
    )
    assert size_of(workspace / "out.png") == (48, 32)


@pytest.mark.slow
@pytest.mark.weights
def test_lbfgs_recovers_from_a_learning_rate_that_is_far_too_high(
    workspace: Path, command: Command
) -> None:
    method = "--learning-rate 10 --min-size 24 --preconditioning 2"
    assert command(f"content.png style.png -o out.png -n 40 -q {method}").code == 0


@pytest.mark.weights
def test_a_result_that_cannot_be_saved_goes_to_the_temporary_folder(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up during the run."""
    fill_disk(monkeypatch, "old.png")
    monkeypatch.setattr("tempfile.tempdir", str(workspace / "folder"))
    before = files(workspace)

    ran = command("content.png style.png -o old.png -n 1 -q")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("stylize: error: old.png: cannot be saved (No space left on device)")
    found = re.search(r"the picture was saved as (\S+) instead$", ran.err.strip())
    assert found
    assert size_of(Path(found[1])) == (48, 32)
    assert files(workspace) == before | {found[1]: Path(found[1]).read_bytes()}


@pytest.mark.weights
def test_without_a_temporary_folder_a_failed_save_is_still_one_line(
    workspace: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    fill_disk(monkeypatch, "old.png")
    with monkeypatch.context() as patch:
        patch.setattr("tempfile.gettempdir", find_none)
        ran = command("content.png style.png -o old.png -n 1 -q")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("stylize: error: old.png: cannot be saved (No space left on device)")
    assert ran.err.endswith("; nor is there a temporary folder\n")
    assert ran.err.count("\n") == 1


# Help


def test_the_help_and_the_version_are_printed() -> None:
    assert "--tv-weight" in _shown("--help")
    assert _shown("-h") == _shown("--help")
    assert _shown("--version") == f"stylize {__version__}\n"


def _shown(option: str) -> str:
    """The output of an option that makes no picture."""
    (ran,) = run_without_torch([option])
    assert ran.code == 0
    return ran.out
