"""What the results of a folder are called, and that none takes another's place."""

from __future__ import annotations

import os
import sys
import unicodedata
from string import Formatter
from typing import TYPE_CHECKING, NamedTuple

from styletransfer.errors import ConfigError, ImageError
from styletransfer.images.tensors import OUTPUT_SUFFIXES, PICTURE_SUFFIXES, refuse_inputs
from styletransfer.runs.folder import is_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

DEFAULT_NAME = "{content}-{style}.png"
"""The template that is used when none is given."""

FIELDS = ("content", "style", "suffix", "seed")
"""What may stand in braces in a template."""

_APART = "{content}-{suffix}-{style}.png"


class Job(NamedTuple):
    """A picture to paint, and where its result goes."""

    content: Path
    """The picture file to repaint."""

    output: Path
    """Where to save the result."""

    @property
    def path(self) -> Path:
        """Where the result is, as a painting says it."""
        return self.output

    @property
    def unfinished(self) -> Path:
        """Where a picture goes that was not finished: beside the result, never in its place."""
        return self.output.with_name(f"{self.output.stem}.partial{self.output.suffix}")


class Template:
    """Names results, as in ``{content}-{style}.png``.

    Args:
        text: A file name with fields in braces; doubled braces are plain ones.

    Raises:
        ConfigError: If a field is unknown, a brace is alone, or the name leads
            to another folder.
    """

    def __init__(self, text: str) -> None:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise ConfigError(
                f"--name {text!r}: a brace is alone; fields are {known}, and {{{{ is a plain brace"
            ) from error
        for _, name, form, conversion in parts:
            if name is not None and (name not in FIELDS or form or conversion):
                wrong = (
                    name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
                )
                raise ConfigError(f"--name {text!r}: no field {{{wrong}}}; fields are {known}")
        if any(mark in text for mark in (os.sep, os.altsep) if mark):
            raise ConfigError(
                f"--name {text!r} must be a file name; choose the folder with --output, "
                "and keep the folders of the contents with --recursive"
            )
        self.text = text
        self.parts = [(literal, name) for literal, name, _, _ in parts]

    def fill(self, values: Mapping[str, str]) -> str:
        """Name a result.

        Args:
            values: Words by field; braces in them mean nothing.

        Raises:
            ConfigError: If the name ends in no suffix that can be saved.
        """
        name = "".join(literal + (values[field] if field else "") for literal, field in self.parts)
        if not name.lower().endswith(OUTPUT_SUFFIXES) or name.lower() in OUTPUT_SUFFIXES:
            raise ConfigError(
                f"--name {self.text!r} gives {name!r}; end it in one of {' '.join(OUTPUT_SUFFIXES)}"
            )
        return name


def check_folder(folder: Path, output: Path) -> None:
    """Refuse an output that is no folder, or the one of the contents.

    Args:
        folder: Of the contents.
        output: Of the results; may be missing.

    Raises:
        ImageError: If it is refused.
    """
    if is_folder(output):
        if output.samefile(folder):
            raise ImageError(f"{output}: the contents are in this folder; choose another")
        return
    if os.path.lexists(output):
        raise ImageError(f"{output}: this is a file; {folder} is a folder, so name one")
    if output.suffix.lower() in {*OUTPUT_SUFFIXES, *PICTURE_SUFFIXES}:
        raise ImageError(
            f"{output}: this is a picture's name; {folder} is a folder, so name one, "
            "and the pictures in it with --name"
        )


def name_results(
    contents: Iterable[Path],
    folder: Path,
    output: Path,
    template: Template,
    styles: Sequence[Path],
    seed: int,
) -> list[Job]:
    """Give each content a result, in the same place under the output folder.

    Args:
        contents: Picture files.
        folder: Where they lie, perhaps some folders deeper.
        output: The folder of the results.
        template: Their names.
        styles: Picture files; their stems are joined with ``+``.
        seed: Of the run.

    Returns:
        The jobs, in the order of the contents.

    Raises:
        ConfigError: If two contents would share a result, or a suffix is unknown.
    """
    common = {"style": "+".join(style.stem for style in styles), "seed": str(seed)}
    jobs = []
    for content in contents:
        own = {"content": content.stem, "suffix": content.suffix.removeprefix(".")}
        place = output / content.parent.relative_to(folder)
        jobs.append(Job(content, place / template.fill(common | own)))
    _refuse_clashes(jobs)
    return jobs


def refuse_overwriting(jobs: Sequence[Job], inputs: Sequence[Path]) -> None:
    """Refuse results that would take the place of an input, were it through links.

    Args:
        jobs: Their contents are inputs as well.
        inputs: All other pictures that are read.

    Raises:
        ImageError: If one would.
    """
    refuse_inputs(
        [path for job in jobs for path in (job.output, job.unfinished)],
        [*inputs, *(job.content for job in jobs)],
    )


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    taken: dict[str, Path] = {}
    for job in jobs:
        for path in (job.output, job.unfinished):
            other = taken.setdefault(_on_disk(path), job.content)
            if other != job.content:
                raise ConfigError(
                    f"{other} and {job.content} would both be saved as {path}; "
                    f'tell them apart with --name "{_APART}"'
                )


def _on_disk(path: Path) -> str:
    """A path as its file system sees it: these two take capitals and accents for the same."""
    text = str(path)
    if sys.platform in {"darwin", "win32"}:
        return unicodedata.normalize("NFC", text).casefold()
    return text
