"""The report: an HTML page about the results of a run, in a single file."""

from __future__ import annotations

import base64
import hashlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from styletransfer import __version__
from styletransfer.errors import ConfigError, StyleTransferError
from styletransfer.output_files import check_file, refuse_replacing, save_file
from styletransfer.report.page import TEMPLATES, page_values
from styletransfer.report.viewer import style_sheet, viewer_script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from styletransfer.runs.jobs import PictureResult

REPORT_SUFFIXES = (".html", ".htm")
"""Suffixes of a report file, in lower or upper case."""

_PACKAGES = ("jinja2", "matplotlib")


class Report:
    """Collects results and saves a page about them at the end of the run.

    Use it as a context manager: on exit it saves the page, even if the run
    failed or was interrupted, provided there is at least one result.

    Args:
        path: The file to write; None disables the report.
        styles: The style pictures.
        say: Called with each line for the user.
        quiet: Do not announce the saved file.
    """

    def __init__(
        self,
        path: Path | None,
        styles: Sequence[Path],
        say: Callable[[str], None],
        *,
        quiet: bool = False,
    ) -> None:
        self.path = path
        self.styles = styles
        self.say = say
        self.quiet = quiet
        self.inputs: Sequence[Path] = ()
        self.results: list[PictureResult] = []

    def check(self, inputs: Sequence[Path]) -> None:
        """Refuse a report that cannot be made or saved, before the run starts.

        Args:
            inputs: The files of the run, which the report must not overwrite.

        Raises:
            ConfigError: If a package is missing.
            ImageError: If the path is refused.
        """
        self.inputs = inputs
        if self.path is None:
            return
        check_file(self.path, REPORT_SUFFIXES, inputs)
        missing = [name for name in _PACKAGES if find_spec(name) is None]
        if missing:
            raise ConfigError(
                f"--report needs {' and '.join(missing)}; pip install {' '.join(missing)}"
            )

    def add(self, result: PictureResult) -> None:
        """Add a result to the end of the page."""
        if self.path is not None:
            self.results.append(result)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self.path is None:
            return
        if not self.results:
            if failure is None:
                self.say(f"{self.path}: not written, there is no new result to show")
            return
        try:
            refuse_replacing(self.path, self.inputs)
            # A file name may contain bytes that are not valid text.
            save_file(render(self.results, self.styles).encode("utf-8", "replace"), self.path)
        except StyleTransferError as error:
            if failure is None:
                raise
            self.say(f"error: {error}")
            return
        if not self.quiet:
            self.say(f"report saved to {self.path}")


def render(results: Sequence[PictureResult], styles: Sequence[Path]) -> str:
    """Render the report page.

    If the settings of the results differ, the page has radio buttons to switch
    between them.

    Args:
        results: At least one result; all of the same content and size.
        styles: The style pictures.

    Returns:
        A self-contained HTML document. The same arguments give the same text.

    Raises:
        ImageError: If a picture cannot be read.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = viewer_script() + (TEMPLATES / "report.js").read_text("utf-8")
    return environment.get_template("report.html.j2").render(
        style_sheet=Markup(style_sheet()),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        version=__version__,
        **page_values(results, styles),
    )
