"""The three loss weights in words, with example values, for help, README and report."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WeightGuide:
    """A loss weight, explained by three of its values."""

    meaning: str
    """What the weight does, and its unit."""

    looks: Mapping[float, str]
    """The effect of each example value, in ascending order of values."""

    @property
    def help(self) -> str:
        """Meaning and example values in one sentence.

        Example:
            >>> WeightGuide("Loudness in dB", {0: "silence", 60: "speech"}).help
            'Loudness in dB: 0 silence, 60 speech.'
        """
        looks = ", ".join(f"{value:g} {look}" for value, look in self.looks.items())
        return f"{self.meaning}: {looks}."


WEIGHT_GUIDE: Mapping[str, WeightGuide] = {
    "content_weight": WeightGuide(
        "Weight of the content loss, dimensionless",
        {0.0: "none", 1.0: "default", 5.0: "little but new colours"},
    ),
    "style_weight": WeightGuide(
        "Weight of the style loss, dimensionless",
        {3.0: "a tint", 14.0: "default", 60.0: "dissolves the content"},
    ),
    "tv_weight": WeightGuide(
        "Weight of the total variation loss, dimensionless; smooths noise, keeps edges",
        {0.0: "none", 2.0: "default", 20.0: "merges fine detail"},
    ),
}
"""The guide to each weight, by the name of its setting."""
