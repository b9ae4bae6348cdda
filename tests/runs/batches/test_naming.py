"""The names of a folder's results, and that they overwrite nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from styletransfer.errors import ConfigError, ImageError
from styletransfer.runs.batches.naming import (
    DEFAULT_NAME,
    FIELDS,
    Template,
    name_results,
    refuse_overwriting,
)
from styletransfer.runs.jobs import Job, Request, partial_path
from styletransfer.settings import Settings


def outputs(
    names: Sequence[str], template: str | None = None, styles: Sequence[str] = ("art/night.jpg",)
) -> list[str]:
    """The results of contents in ``photos``, relative to their folder."""
    request = Request(
        content=Path("photos"),
        is_folder=True,
        styles=tuple(map(Path, styles)),
        settings=Settings(seed=7),
        output=Path("out"),
        name=template,
    )
    jobs = name_results([Path("photos") / name for name in names], request)
    return [job.output.relative_to("out").as_posix() for job in jobs]


def job_in(folder: Path) -> Job:
    output = folder / "out.png"
    return Job(
        content=folder / "content.png",
        styles=(folder / "style.png",),
        settings=Settings(),
        output=output,
        unfinished=partial_path(output),
    )


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
def test_the_fields_of_a_template_are_filled_in(template: str, name: str) -> None:
    assert outputs(["cat.jpg"], template) == [name]


def test_several_styles_are_joined() -> None:
    assert outputs(["cat.jpg"], styles=["a/night.jpg", "b/day.png"]) == ["cat-night+day.png"]


@pytest.mark.parametrize("stem", ["{style}", "{0}", "{{}}", "100%", "%s", "a, b", "ä", "x.y", "-n"])
def test_braces_in_a_stem_are_literal(stem: str) -> None:
    assert outputs([f"{stem}.jpg"], styles=[f"{stem}.png"]) == [f"{stem}-{stem}.png"]


def test_the_folders_of_the_contents_are_kept() -> None:
    assert outputs(["trip/day 2/cat.jpg"]) == ["trip/day 2/cat-night.png"]


@pytest.mark.parametrize(
    "template",
    ["{contents}.png", "{}.png", "{0}.png", "{content:>9}.png", "{content!r}.png", "{style.x}.png"],
)
def test_an_unknown_field_is_refused_with_the_known_ones(template: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown field \{") as caught:
        Template(template)
    assert [name for name in FIELDS if f"{{{name}}}" not in str(caught.value)] == []


@pytest.mark.parametrize("template", ["{content.png", "content}.png", "{content}{.png"])
def test_an_unmatched_brace_is_refused(template: str) -> None:
    with pytest.raises(ConfigError, match=r"unmatched brace; write \{\{ for a literal one"):
        Template(template)


@pytest.mark.parametrize("template", ["", "{content}", "{content}.bmp", ".png", "{content}.png.x"])
def test_a_name_needs_the_suffix_of_a_known_format(template: str) -> None:
    with pytest.raises(ConfigError, match=r"end it in one of \.png \.jpg"):
        outputs(["cat.jpg"], template)


@pytest.mark.parametrize("template", ["a/{content}.png", "../{content}.png", "/{content}.png"])
def test_a_name_may_not_leave_its_folder(template: str) -> None:
    with pytest.raises(ConfigError, match="must be a file name"):
        Template(template)


def test_two_contents_with_one_result_are_refused_with_a_remedy() -> None:
    with pytest.raises(ConfigError) as caught:
        outputs(["cat.jpg", "dog.jpg", "cat.png"])
    line = str(caught.value)
    assert line.startswith("photos/cat.jpg and photos/cat.png would both be saved as out/cat-night")
    remedy = line.partition("--name ")[2].strip('"')
    assert outputs(["cat.jpg", "cat.png"], remedy) == ["cat-jpg-night.png", "cat-png-night.png"]


def test_the_same_name_in_two_folders_is_accepted() -> None:
    assert outputs(["a/cat.jpg", "b/cat.jpg"]) == ["a/cat-night.png", "b/cat-night.png"]


def test_the_unfinished_picture_of_one_may_not_be_the_result_of_another() -> None:
    with pytest.raises(ConfigError, match=r"would both be saved as out/cat\.partial\.png"):
        outputs(["cat.jpg", "cat.partial.jpg"], "{content}.png")


@pytest.mark.parametrize(("platform", "clash"), [("linux", False), ("darwin", True)])
def test_upper_and_lower_case_differ_where_the_file_system_distinguishes_them(
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
    job = job_in(tmp_path)
    target: Path = getattr(job, place)
    original = tmp_path / f"{which}.png"
    if kind == "same":
        original = target
        job = replace(job, **({"content": target} if which == "content" else {"styles": (target,)}))
    original.touch()
    if kind == "symbolic link":
        target.symlink_to(original)
    elif kind == "hard link":
        target.hardlink_to(original)

    with pytest.raises(ImageError, match="this is also an input; choose another output"):
        refuse_overwriting([job])


def test_an_old_result_may_be_overwritten(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    for path in (job.content, job.output, job.unfinished):
        path.touch()

    refuse_overwriting([job])
