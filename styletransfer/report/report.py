"""The report of a run: one page, in one file, to look at in a browser."""

from __future__ import annotations

import base64
import hashlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from styletransfer import __version__
from styletransfer.errors import ConfigError, StyleTransferError
from styletransfer.images.saving import check_file, save_file
from styletransfer.report.page import TEMPLATES, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from styletransfer.runs.painting import PictureResult

REPORT_SUFFIXES = (".html", ".htm")
"""The suffixes that a report may have; capitals will do as well."""

_PACKAGES = ("jinja2", "matplotlib")


class Report:
    """Gathers results, and saves a page about them when the run is over.

    Within ``with Report(…) as report:`` results are added; the page is saved
    at the end, also that of a run that failed or was interrupted, unless there
    is nothing to show.

    Args:
        path: Where the page goes; None: there is none.
        styles: The style pictures.
        say: Takes a line for the user.
        quiet: Do not say where the page is.
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
        self.paintings: list[PictureResult] = []

    def check(self, inputs: Sequence[Path]) -> None:
        """Refuse a page that could not be made or saved, before any work is done.

        Args:
            inputs: The files that it must not overwrite, nor through links.

        Raises:
            ConfigError: If a package is missing.
            ImageError: If the path is refused.
        """
        if self.path is None:
            return
        check_file(self.path, REPORT_SUFFIXES, inputs)
        missing = [name for name in _PACKAGES if find_spec(name) is None]
        if missing:
            raise ConfigError(
                f"--report needs {' and '.join(missing)}; pip install {' '.join(missing)}, "
                "or install stylize with its extra, as in pip install '.[report]'"
            )

    def add(self, painting: PictureResult) -> None:
        """Put a result on the page, below those before."""
        if self.path is not None:
            self.paintings.append(painting)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.path is None:
            return
        if not self.paintings:
            if error is None:
                self.say(f"{self.path}: not written, since nothing was painted")
            return
        try:
            # A name may hold bytes that are no text.
            save_file(render(self.paintings, self.styles).encode("utf-8", "replace"), self.path)
        except StyleTransferError as failure:
            if error is None:
                raise
            self.say(f"error: {failure}")
            return
        if not self.quiet:
            self.say(f"the report is {self.path}")


def render(paintings: Sequence[PictureResult], styles: Sequence[Path]) -> str:
    """Write the page about results of one content.

    Where they differ in settings, a picker on the page swaps them in place.

    Args:
        paintings: The results, one or more, all of one content and of one size.
        styles: The style pictures.

    Returns:
        HTML that holds all it needs.

    Raises:
        ImageError: If a picture cannot be read again.
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
    script = (TEMPLATES / "report.js").read_text("utf-8")
    return environment.get_template("report.html.j2").render(
        style_sheet=Markup((TEMPLATES / "report.css").read_text("utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        version=__version__,
        **page(paintings, styles),
    )
