"""The settings of a single command line."""

from collections.abc import Mapping
from typing import Any

from styletransfer.runs.resolve import settings_of_each
from styletransfer.settings import Settings


def settings_from(config: str | None, given: Mapping[str, Any], styles: int) -> Settings:
    (settings,) = settings_of_each(config, [given], styles)
    return settings
