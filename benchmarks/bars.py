"""The limits that measurements must keep, by the class of the processor, on two cores."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.table import Bar


@dataclass(frozen=True, slots=True)
class Bars:
    """The limits of one class; None or missing: no limit."""

    convolutions: Bar | None = None
    """Of the time of all convolutions, relative to PyTorch's own in the same format."""

    iteration: Bar | None = None
    """Of the peer's time for an iteration, relative to ours."""

    to_loss: Bar | None = None
    """Of the peer's time to its loss after 300 iterations, relative to ours."""

    start: Bar | None = None
    """Of the command's time without targets and iterations, in seconds."""

    command: Mapping[str, Bar] = field(default_factory=dict)
    """Of the time of the whole command by preset, in seconds."""


BARS: Mapping[str, Bars] = {
    "AVX2": Bars(Bar("≤", 0.62), Bar("≥", 2.2), Bar("≥", 5)),
    "AVX512-BF16": Bars(Bar("≤", 0.75), Bar("≥", 4), Bar("≥", 8)),
    "AMX": Bars(
        iteration=Bar("≥", 6.5),
        to_loss=Bar("≥", 12),
        start=Bar("<", 4),
        command={"default": Bar("≤", 25), "draft": Bar("≤", 8)},
    ),
}
"""Limits by `machine.processor_class`. Other classes have none."""
