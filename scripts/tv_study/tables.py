"""The numbers of the study as JSON, and as Markdown tables in docs/total-variation.md."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

from scripts.tv_study.denoising import Denoised
from scripts.tv_study.runs import PAIRS, Found, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from styletransfer.choices import TVForm

    Runs = Mapping[Run, Found]

SIZES = (256, 512, 1024, 2048)
"""Longest sides in pixels. All runs have the first size, except those that compare sizes."""

WEIGHTS = (0.0, 0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""TV weights of the isotropic form."""

GRIDS: Mapping[TVForm, Sequence[float]] = {
    "isotropic": WEIGHTS,
    "anisotropic": (2.0, 10.0, 20.0, 50.0),
    "squared": (3.0, 10.0, 30.0, 100.0, 300.0),
}
"""TV weights of each form."""

WEIGHTS_OF_SIZES = (0.0, 2.0, 10.0)
"""TV weights of the isotropic form at every size."""

TARGETS = (20.0, 50.0)
"""TV weights of the isotropic form to whose noise the other forms are matched."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """All measurements of the study."""

    runs: Runs
    """Measurements of style transfer runs."""

    denoised: Sequence[Denoised]
    """Measurements of denoised photographs."""

    def as_json(self) -> str:
        """Format the numbers as JSON, rounded to five digits."""
        runs = [{**asdict(run), **asdict(found)} for run, found in self.runs.items()]
        lists = {"runs": runs, "denoised": [asdict(each) for each in self.denoised]}
        rounded = {
            name: [{key: _rounded(value) for key, value in each.items()} for each in objects]
            for name, objects in lists.items()
        }
        return json.dumps(rounded, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the output of `as_json`."""
        stored = json.loads(text)
        runs = {Run(**_fields(Run, each)): Found(**_fields(Found, each)) for each in stored["runs"]}
        return cls(runs, [Denoised(**each) for each in stored["denoised"]])


def _fields(kind: type[Run | Found], stored: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: stored[field.name] for field in fields(kind)}


def _rounded(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def with_tables(page: str, numbers: Numbers, sizes: Sequence[int] = SIZES) -> str:
    """Replace the tables of a page.

    Args:
        page: Markdown with ``<!-- NAME: written by scripts/tv_study -->`` and
            ``<!-- end of NAME -->`` around each table.
        numbers: The numbers for the tables.
        sizes: Longest sides in pixels, first the one of most runs.
    """
    for name, table in tables(numbers, sizes).items():
        begin = f"<!-- {name}: written by scripts/tv_study -->"
        end = f"<!-- end of {name} -->"
        if begin in page:
            before, _, rest = page.partition(begin)
            page = f"{before}{begin}\n\n{table}\n\n{end}{rest.partition(end)[2]}"
    return page


def tables(numbers: Numbers, sizes: Sequence[int] = SIZES) -> dict[str, str]:
    """Format the numbers as Markdown tables, by name."""
    found = numbers.runs
    compared = len({run.size for run in found}) > 1
    return ({"sizes": _sizes(found, sizes)} if compared else {}) | {
        "denoised": _denoised(numbers.denoised),
        "forms": _forms(found, sizes[0]),
        "variation": _by_weight(
            found,
            sizes[0],
            {
                "TV per pixel": lambda of: f"{of.tv:.2f}",
                "TV's share of the loss": lambda of: f"{of.tv_share:.0%}",
                "edge sharpness": lambda of: f"{of.edges:.2f}",
            },
        ),
        "noise": _by_weight(
            found,
            sizes[0],
            {
                "noise": lambda of: f"{of.noise:.2f}",
                "columns": lambda of: f"{of.columns:.2f}",
                "rows": lambda of: f"{of.rows:.2f}",
                "checkerboard": lambda of: f"{of.checkerboard:.2f}",
            },
        ),
        "colours": _by_weight(
            found,
            sizes[0],
            {
                "pixels": lambda of: f"{of.spread:.1f}",
                "means of 4×4": lambda of: f"{of.blotches:.1f}",
            },
        ),
    }


def of_form(found: Runs, content: str, size: int, form: TVForm) -> list[tuple[Run, Found]]:
    """The runs of one content, size and form with default content and style weight.

    Runs with weight 0 count as isotropic.

    Returns:
        Runs and measurements in ascending order of TV weight.
    """
    base = Run(content, size, form)
    runs = (run for run in found if replace(run, tv_weight=base.tv_weight) == base)
    return [(run, found[run]) for run in sorted(runs, key=lambda run: run.tv_weight)]


def matched(found: Runs, content: str, size: int, target: float) -> list[tuple[Run, Found]]:
    """For each form, find the run whose noise is closest to a run of the isotropic form.

    Args:
        found: The measurements.
        content: Name of the content.
        size: Longest side in pixels.
        target: TV weight of the isotropic run.
    """
    reference = found[Run(content, size, tv_weight=target)].noise
    each = [of_form(found, content, size, form) for form in GRIDS]
    return [min(runs, key=lambda pair: abs(pair[1].noise - reference)) for runs in each if runs]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _forms(found: Runs, size: int) -> str:
    head = ("picture", "form", "weight", "noise", "edge sharpness", "TV per pixel")
    rows = []
    for pair in PAIRS:
        plain = Run(pair.content, size, tv_weight=0.0)
        known = [target for target in TARGETS if Run(pair.content, size, tv_weight=target) in found]
        for run, measured in [(plain, found[plain])] if plain in found else []:
            rows.append(_form_row(run, measured, "none"))
        for target in known:
            rows += [_form_row(*each) for each in matched(found, pair.content, size, target)]
    return _table(head, rows)


def _denoised(denoised: Sequence[Denoised]) -> str:
    head = ("photograph", "noise left", "form", "weight", "edge sharpness", "error")
    rows = (
        (
            each.content,
            f"{each.noise:.2f}",
            each.form,
            f"{each.weight:.2g}",
            f"{each.edges:.3f}",
            f"{each.error:.2f}",
        )
        for each in denoised
    )
    return _table(head, rows)


def _form_row(run: Run, measured: Found, form: str = "") -> Sequence[str]:
    numbers = (
        f"{run.tv_weight:g}",
        f"{measured.noise:.2f}",
        f"{measured.edges:.3f}",
        f"{measured.tv:.2f}",
    )
    return run.content, form or run.form, *numbers


def _by_weight(found: Runs, size: int, columns: Mapping[str, Callable[[Found], str]]) -> str:
    """One row per weight of the isotropic form; a cell lists all contents."""
    rows = []
    for weight in WEIGHTS:
        runs = [Run(pair.content, size, tv_weight=weight) for pair in PAIRS]
        if any(run in found for run in runs):
            cells = (
                " / ".join(column(found[run]) if run in found else "–" for run in runs)
                for column in columns.values()
            )
            rows.append((f"{weight:g}", *cells))
    return _table(("TV weight", *columns), rows)


def _sizes(found: Runs, sizes: Sequence[int]) -> str:
    start = ("longest side", "TV weight", "noise", "of that at 0", "TV per pixel", "of that at 0")
    head = (*start, "TV's share of the loss", "edge sharpness")
    rows = []
    for size in sizes:
        runs = of_form(found, PAIRS[0].content, size, "isotropic")
        if not runs or runs[0][0].tv_weight:
            continue
        first = runs[0][1]
        rows += [
            (
                f"{size} px",
                f"{run.tv_weight:g}",
                f"{measured.noise:.2f}",
                f"{measured.noise / first.noise:.0%}",
                f"{measured.tv:.2f}",
                f"{measured.tv / first.tv:.0%}",
                f"{measured.tv_share:.0%}",
                f"{measured.edges:.2f}",
            )
            for run, measured in runs
            if run.tv_weight in WEIGHTS_OF_SIZES
        ]
    return _table(head, rows)
