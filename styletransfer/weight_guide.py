"""The three weights in words: what each does, and what some of its values look like.

Help, README and report say what stands here.
"""

from collections.abc import Mapping
from typing import NamedTuple


class WeightGuide(NamedTuple):
    """A weight, told by three of its values."""

    meaning: str
    """What more of it gives, and its unit."""

    looks: Mapping[float, str]
    """What is seen, by value, rising."""

    @property
    def help(self) -> str:
        """All of it in a line.

        Example:
            >>> WeightGuide("Loudness, in dB", {0: "a breath", 60: "a talk"}).help
            'Loudness, in dB: 0 a breath, 60 a talk.'
        """
        looks = ", ".join(f"{value:g} {look}" for value, look in self.looks.items())
        return f"{self.meaning}: {looks}."


WEIGHT_GUIDE: Mapping[str, WeightGuide] = {
    "content_weight": WeightGuide(
        "Faithfulness to the photograph, a pure number",
        {0.0: "none", 1.0: "default", 5.0: "hardly repainted"},
    ),
    "style_weight": WeightGuide(
        "Strength of the painter's manner, a pure number",
        {1.0: "a tint", 5.0: "default", 50.0: "dissolves the photograph"},
    ),
    "tv_weight": WeightGuide(
        "Total variation, a pure number that smooths noise and keeps edges",
        {0.0: "none", 2.0: "default", 20.0: "smears detail"},
    ),
}
"""By the name of the setting."""
