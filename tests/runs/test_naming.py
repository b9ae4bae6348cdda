"""What the results of a folder are called."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from styletransfer.errors import ConfigError, ImageError
from styletransfer.runs.naming import (
    DEFAULT_NAME,
    FIELDS,
    Job,
    Template,
    check_folder,
    name_results,
    refuse_overwriting,
)


def outputs(
    names: Sequence[str], template: str = DEFAULT_NAME, styles: Sequence[str] = ("art/night.jpg",)
) -> list[str]:
    """The results of contents in ``photos``, relative to their folder."""
    jobs = name_results(
        [Path("photos") / name for name in names],
        Path("photos"),
        Path("out"),
        Template(template),
        [Path(style) for style in styles],
        seed=7,
    )
    return [job.output.relative_to("out").as_posix() for job in jobs]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (DEFAULT_NAME, "cat-night.png"),
        ("{content}.{suffix}", "cat.jpg"),
        ("{style}, {content} {seed}.WEBP", "night, cat 7.WEBP"),
        ("{{{content}}} 100%.tif", "{cat} 100%.tif"),
        ("fixed.png", "fixed.png"),
    ],
)
def test_fields_are_filled_in(template: str, name: str) -> None:
    assert outputs(["cat.jpg"], template) == [name]


def test_several_styles_are_joined() -> None:
    assert outputs(["cat.jpg"], styles=["a/night.jpg", "b/day.png"]) == ["cat-night+day.png"]


@pytest.mark.parametrize("stem", ["{style}", "{0}", "{{}}", "100%", "%s", "a, b", "ä", "x.y", "-n"])
def test_what_stands_in_a_stem_means_nothing(stem: str) -> None:
    assert outputs([f"{stem}.jpg"], styles=[f"{stem}.png"]) == [f"{stem}-{stem}.png"]


def test_folders_of_the_contents_are_kept() -> None:
    assert outputs(["trip/day 2/cat.jpg"]) == ["trip/day 2/cat-night.png"]


@pytest.mark.parametrize(
    "template",
    ["{contents}.png", "{}.png", "{0}.png", "{content:>9}.png", "{content!r}.png", "{style.x}.png"],
)
def test_an_unknown_field_is_refused_with_the_known_ones(template: str) -> None:
    with pytest.raises(ConfigError, match=r"no field \{") as caught:
        Template(template)
    assert [name for name in FIELDS if f"{{{name}}}" not in str(caught.value)] == []


@pytest.mark.parametrize("template", ["{content.png", "content}.png", "{content}{.png"])
def test_a_brace_alone_is_refused(template: str) -> None:
    with pytest.raises(ConfigError, match=r"a brace is alone; fields are \{content\}"):
        Template(template)


@pytest.mark.parametrize("template", ["", "{content}", "{content}.bmp", ".png", "{content}.png.x"])
def test_a_name_must_end_in_a_suffix_that_can_be_saved(template: str) -> None:
    with pytest.raises(ConfigError, match=r"end it in one of \.png \.jpg"):
        outputs(["cat.jpg"], template)


@pytest.mark.parametrize("template", ["a/{content}.png", "../{content}.png", "/{content}.png"])
def test_a_name_may_not_leave_its_folder(template: str) -> None:
    with pytest.raises(ConfigError, match="must be a file name"):
        Template(template)


def test_two_contents_with_one_result_are_refused_with_a_remedy_that_works() -> None:
    with pytest.raises(ConfigError) as caught:
        outputs(["cat.jpg", "dog.jpg", "cat.png"])
    line = str(caught.value)
    assert line.startswith("photos/cat.jpg and photos/cat.png would both be saved as out/cat-night")
    remedy = line.partition("--name ")[2].strip('"')
    assert outputs(["cat.jpg", "cat.png"], remedy) == ["cat-jpg-night.png", "cat-png-night.png"]


def test_one_name_in_two_folders_is_no_clash() -> None:
    assert outputs(["a/cat.jpg", "b/cat.jpg"]) == ["a/cat-night.png", "b/cat-night.png"]


def test_an_unfinished_picture_of_one_is_no_result_of_another() -> None:
    with pytest.raises(ConfigError, match=r"would both be saved as out/cat\.partial\.png"):
        outputs(["cat.jpg", "cat.partial.jpg"], "{content}.png")


@pytest.mark.parametrize(("platform", "clash"), [("linux", False), ("darwin", True)])
def test_capitals_tell_results_apart_where_they_tell_files_apart(
    platform: str, clash: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    if clash:
        with pytest.raises(ConfigError, match="would both be saved"):
            outputs(["Cat.jpg", "cat.png"])
    else:
        assert len(outputs(["Cat.jpg", "cat.png"])) == 2


@pytest.mark.parametrize("kind", ["same", "symbolic link", "hard link"])
@pytest.mark.parametrize("which", ["content", "style"])
@pytest.mark.parametrize("place", ["output", "unfinished"])
def test_a_result_that_would_overwrite_an_input_is_refused(
    place: str, which: str, kind: str, tmp_path: Path
) -> None:
    job = Job(tmp_path / "content.png", tmp_path / "out.png")
    target: Path = getattr(job, place)
    original = tmp_path / f"{which}.png"
    if kind == "same":
        original = target
        job = Job(target, job.output) if which == "content" else job
    original.touch()
    if kind == "symbolic link":
        target.symlink_to(original)
    elif kind == "hard link":
        target.hardlink_to(original)

    with pytest.raises(ImageError, match="this is also an input; choose another output"):
        refuse_overwriting([job], [original] if which == "style" else [])


def test_an_old_result_may_be_overwritten(tmp_path: Path) -> None:
    job = Job(tmp_path / "content.png", tmp_path / "out.png")
    for path in job:
        path.touch()

    refuse_overwriting([job], [tmp_path / "missing style.png"])


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("photos", "the contents are in this folder"),
        ("photos/../photos", "the contents are in this folder"),
        ("old.png", "this is a file"),
        ("words", "this is a file"),
        ("new.png", "this is a picture's name"),
        ("new.JPEG", "this is a picture's name"),
        ("new.bmp", "this is a picture's name"),
    ],
)
def test_an_output_that_is_no_folder_for_results_is_refused(
    output: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "old.png").touch()
    (tmp_path / "words").touch()

    with pytest.raises(ImageError, match=says):
        check_folder(tmp_path / "photos", tmp_path / output)


@pytest.mark.parametrize("output", ["new", "new/deep", "a.b", "there.png", "photos/out"])
def test_a_folder_of_any_name_may_be_there_and_a_missing_one_is_taken(
    output: str, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "there.png").mkdir()

    check_folder(tmp_path / "photos", tmp_path / output)
