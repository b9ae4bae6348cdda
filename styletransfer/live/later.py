"""The settings that act at the next size or start, as the pages see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from styletransfer.history import LATER
from styletransfer.layers import BLOCKS
from styletransfer.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Later:
    """What holds, and what waits until the run leaves its size.

    Args:
        settings: The settings at the beginning.
        check: Refuses changes, by field of `Settings`, with a `StyleTransferError`.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        check: Callable[[Mapping[str, Any]], object] = lambda changes: None,
    ) -> None:
        settings = settings or Settings()
        first_of_blocks = {f"relu{n}_1" for n in range(1, len(BLOCKS[settings.network]) + 1)}
        self.layers = sorted(first_of_blocks | {*settings.style_layers})
        """The style layers that a page offers, shallow ones first."""
        self.check = check
        self._told: dict[str, Any] = {}
        self.tell(settings, {}, None)

    def tell(self, settings: Settings, waiting: Mapping[str, Any], larger: int | None) -> None:
        """Tell how things stand.

        Args:
            settings: Those that hold now.
            waiting: What is to change, by field.
            larger: Longest side in pixels of the size that follows. None: none does.
        """
        holding = {name: getattr(settings, name) for name in LATER.values()}
        changed = {name: value for name, value in waiting.items() if value != holding[name]}
        self._told = {"holding": holding, "waiting": changed, "larger": larger}

    def snapshot(self) -> dict[str, Any]:
        """Return how things stand, in values of JSON."""
        return self._told
