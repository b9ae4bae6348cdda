"""The names of a folder's results, and the checks that none overwrites another file."""

from __future__ import annotations

import os
import sys
import unicodedata
from string import Formatter
from typing import TYPE_CHECKING

from styletransfer.errors import ConfigError, quote
from styletransfer.images.tensors import OUTPUT_SUFFIXES, refuse_inputs
from styletransfer.runs.jobs import Job, partial_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from styletransfer.runs.jobs import Request

DEFAULT_NAME = "{content}-{style}.png"
"""The default template."""

FIELDS = ("content", "style", "suffix", "seed")
"""The fields of a template."""

_UNIQUE = "{content}-{suffix}-{style}.png"


class Template:
    """A template of file names, such as ``{content}-{style}.png``.

    Args:
        text: A file name with fields in braces; doubled braces are literal ones.

    Raises:
        ConfigError: If a field is unknown, a brace is unmatched, or the name
            contains a folder.
    """

    def __init__(self, text: str) -> None:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            raise ConfigError(
                f"--name {quote(text)}: unmatched brace; write {{{{ for a literal one; "
                f"the fields are {known}"
            ) from error
        for _, name, spec, conversion in parts:
            if name is not None and (name not in FIELDS or spec or conversion):
                field = (
                    name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
                )
                raise ConfigError(
                    f"--name {quote(text)}: unknown field {{{field[:50]}}}; the fields are {known}"
                )
        if any(mark in text for mark in (os.sep, os.altsep) if mark):
            raise ConfigError(
                f"--name {quote(text)} must be a file name; choose the folder with --output, "
                "and keep the folders of the contents with --recursive"
            )
        self._text = text
        self._parts = [(literal, name) for literal, name, _, _ in parts]

    def fill(self, values: Mapping[str, str]) -> str:
        """Make a file name.

        Args:
            values: Words by field; braces in them are literal.

        Raises:
            ConfigError: If the name has no suffix of a format that can be saved.
        """
        name = "".join(literal + (values[field] if field else "") for literal, field in self._parts)
        if not name.lower().endswith(OUTPUT_SUFFIXES) or name.lower() in OUTPUT_SUFFIXES:
            raise ConfigError(
                f"--name {quote(self._text)} gives {quote(name)}; "
                f"end it in one of {' '.join(OUTPUT_SUFFIXES)}"
            )
        return name


def name_results(contents: Iterable[Path], request: Request) -> list[Job]:
    """Make a job for each picture of a folder, with its result at the same relative path.

    Args:
        contents: The pictures in the content folder and its subfolders.
        request: A request for the folder.

    Returns:
        The jobs, in the order of the contents.

    Raises:
        ConfigError: If the template is refused, or two contents would share a result.
    """
    template = Template(DEFAULT_NAME if request.name is None else request.name)
    style, seed = "+".join(style.stem for style in request.styles), str(request.settings.seed)
    jobs = []
    for content in contents:
        suffix = content.suffix.removeprefix(".")
        name = template.fill(
            {"content": content.stem, "style": style, "suffix": suffix, "seed": seed}
        )
        output = request.output / content.parent.relative_to(request.content) / name
        jobs.append(
            Job(
                content=content,
                styles=request.styles,
                settings=request.settings,
                output=output,
                unfinished=partial_path(output),
                config=request.config,
                save_every=request.save_every,
            )
        )
    _refuse_clashes(jobs)
    return jobs


def refuse_overwriting(jobs: Sequence[Job]) -> None:
    """Refuse jobs of which one would overwrite an input of any, also through links.

    Args:
        jobs: The jobs.

    Raises:
        ImageError: If one would.
    """
    refuse_inputs(
        [path for job in jobs for path in (job.output, job.unfinished)],
        dict.fromkeys(path for job in jobs for path in job.inputs),
    )


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    taken: dict[str, Path] = {}
    for job in jobs:
        for path in (job.output, job.unfinished):
            other = taken.setdefault(_on_disk(path), job.content)
            if other != job.content:
                raise ConfigError(
                    f"{other} and {job.content} would both be saved as {path}; "
                    f'distinguish them with --name "{_UNIQUE}"'
                )


def _on_disk(path: Path) -> str:
    """Return a path as its file system compares it: some ignore case and accents' encoding."""
    text = str(path)
    if sys.platform in {"darwin", "win32"}:
        return unicodedata.normalize("NFC", text).casefold()
    return text
