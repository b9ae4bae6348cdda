"""The numbers of the study of total variation, as tables within its page.

Part of `scripts/tv_study.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from scripts.tv_denoising import Denoised
from scripts.tv_runs import PAIRS, Found, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from styletransfer.settings import TVForm

    Runs = Mapping[Run, Found]

SIZE = 256
"""Longest side in pixels, of all runs but those that compare sizes."""

SIZES = (256, 512, 1024, 2048)
"""Longest sides in pixels, of those that compare sizes."""

WEIGHTS = (0.0, 0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""TV weights of the isotropic form."""

GRIDS: Mapping[TVForm, Sequence[float]] = {
    "isotropic": WEIGHTS,
    "anisotropic": (2.0, 10.0, 20.0, 50.0),
    "squared": (3.0, 10.0, 30.0, 100.0, 300.0),
}
"""TV weights that each form is tried with."""

WEIGHTS_OF_SIZES = (0.0, 2.0, 10.0)
"""TV weights of the isotropic form that are painted at every size."""

TARGETS = (20.0, 50.0)
"""Weights of the isotropic form, to whose noise the weights of the others are matched."""


class Numbers(NamedTuple):
    """All that the study found."""

    runs: Runs
    """Of pictures painted."""

    denoised: Sequence[Denoised]
    """Of photographs freed of noise."""

    def as_json(self) -> str:
        """Write the numbers, to five digits."""
        runs = [{**run._asdict(), **what._asdict()} for run, what in self.runs.items()]
        lists = {"runs": runs, "denoised": [each._asdict() for each in self.denoised]}
        rounded = {
            name: [{key: _rounded(value) for key, value in each.items()} for each in objects]
            for name, objects in lists.items()
        }
        return json.dumps(rounded, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `as_json` wrote."""
        stored = json.loads(text)
        runs = {Run(*_fields(Run, each)): Found(*_fields(Found, each)) for each in stored["runs"]}
        return cls(runs, [Denoised(*_fields(Denoised, each)) for each in stored["denoised"]])


def _fields(kind: type[NamedTuple], stored: Mapping[str, Any]) -> list[Any]:
    return [stored[name] for name in kind._fields]


def _rounded(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def with_tables(page: str, numbers: Numbers, sizes: Sequence[int] = SIZES) -> str:
    """Put each table between its two markers.

    Args:
        page: The text, with ``<!-- NAME: written by scripts/tv_study.py -->``
            and ``<!-- end of NAME -->`` around each table.
        numbers: What goes into them.
        sizes: Longest sides in pixels: the one of most runs, and those compared with it.
    """
    for name, table in tables(numbers, sizes).items():
        begin = f"<!-- {name}: written by scripts/tv_study.py -->"
        end = f"<!-- end of {name} -->"
        if begin in page:
            before, _, rest = page.partition(begin)
            page = f"{before}{begin}\n\n{table}\n\n{end}{rest.partition(end)[2]}"
    return page


def tables(numbers: Numbers, sizes: Sequence[int] = SIZES) -> dict[str, str]:
    """Lay out the numbers as tables in Markdown, by name."""
    found = numbers.runs
    compared = len({run.size for run in found}) > 1
    return ({"sizes": _sizes(found, sizes)} if compared else {}) | {
        "denoised": _denoised(numbers.denoised),
        "forms": _forms(found, sizes[0]),
        "variation": _by_weight(
            found,
            sizes[0],
            {
                "TV per pixel": lambda what: f"{what.tv:.2f}",
                "TV's share of the loss": lambda what: f"{what.tv_share:.0%}",
                "edge sharpness": lambda what: f"{what.edges:.2f}",
            },
        ),
        "noise": _by_weight(
            found,
            sizes[0],
            {
                "noise": lambda what: f"{what.noise:.2f}",
                "columns": lambda what: f"{what.columns:.2f}",
                "rows": lambda what: f"{what.rows:.2f}",
                "checkerboard": lambda what: f"{what.checkerboard:.2f}",
            },
        ),
        "colours": _by_weight(
            found,
            sizes[0],
            {
                "pixels": lambda what: f"{what.spread:.1f}",
                "means of 4×4": lambda what: f"{what.blotches:.1f}",
            },
        ),
    }


def of_form(found: Runs, content: str, size: int, form: TVForm) -> list[tuple[Run, Found]]:
    """The runs of one picture, size and form at the default content and style weights.

    Those of weight 0, which has no form, are isotropic.

    Returns:
        Runs and what was found, by rising TV weight.
    """
    same = Run(content, size, form)
    return sorted(
        (run, what) for run, what in found.items() if run._replace(tv_weight=same.tv_weight) == same
    )


def matched(found: Runs, content: str, size: int, target: float) -> list[tuple[Run, Found]]:
    """The run of each form whose noise is nearest to that of the isotropic form.

    Args:
        found: The numbers.
        content: Of the pair.
        size: Longest side in pixels.
        target: Weight of the isotropic form.
    """
    reference = found[Run(content, size, tv_weight=target)].noise
    each = [of_form(found, content, size, form) for form in GRIDS]
    return [min(runs, key=lambda run: abs(run[1].noise - reference)) for runs in each if runs]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _forms(found: Runs, size: int) -> str:
    head = ("picture", "form", "weight", "noise", "edge sharpness", "TV per pixel")
    rows = []
    for pair in PAIRS:
        plain = Run(pair.content, size, tv_weight=0.0)
        known = [target for target in TARGETS if Run(pair.content, size, tv_weight=target) in found]
        for run, what in [(plain, found[plain])] if plain in found else []:
            rows.append(_form_row(run, what, "none"))
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


def _form_row(run: Run, what: Found, form: str = "") -> Sequence[str]:
    numbers = (f"{run.tv_weight:g}", f"{what.noise:.2f}", f"{what.edges:.3f}", f"{what.tv:.2f}")
    return run.content, form or run.form, *numbers


def _by_weight(found: Runs, size: int, columns: Mapping[str, Callable[[Found], str]]) -> str:
    """A row for each weight of the isotropic form, a cell for all pictures."""
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
                f"{what.noise:.2f}",
                f"{what.noise / first.noise:.0%}",
                f"{what.tv:.2f}",
                f"{what.tv / first.tv:.0%}",
                f"{what.tv_share:.0%}",
                f"{what.edges:.2f}",
            )
            for run, what in runs
            if run.tv_weight in WEIGHTS_OF_SIZES
        ]
    return _table(head, rows)
