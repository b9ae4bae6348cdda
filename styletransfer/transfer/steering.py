"""How a run goes through its sizes, and how it is steered meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from styletransfer.errors import ConfigError
from styletransfer.transfer.resizing import crop, enlarge_change, pad_to_multiple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from styletransfer.settings import Settings
    from styletransfer.transfer.best import State
    from styletransfer.transfer.optimize import Optimized
    from styletransfer.transfer.pyramid import Scale

GoTo = Literal["next size", "first size"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What `on_step` returns to let a run go on otherwise than planned.

    The image is kept. The optimizer begins anew: its pairs and its best image are of another
    objective, or of another place.
    """

    settings: Settings | None = None
    """Settings with other weights or shares of the styles. None: those so far."""

    state: State | None = None
    """A copy of what `Step.state` returned earlier in this run, to go back there, with
    the optimizer that it had. None: from here."""

    to: GoTo | None = None
    """Leave this size: for the next one, or for the first one to start anew from this
    picture. None: stay."""

    repeat: bool = False
    """Take all iterations of this size once more. False: those that are left."""


class Course:
    """Where a run is among its sizes, and what it goes on from.

    Args:
        scales: The sizes, smallest first.
        settings: The settings of the run.
        first: What the run starts from, shape (1, 3, H, W), RGB in [0, 1].
        image: The same at the first size.
        resume: As in `stylize`.

    Raises:
        ConfigError: If the state is of a run at other sizes.
    """

    def __init__(
        self,
        scales: Sequence[Scale],
        settings: Settings,
        first: Tensor,
        image: Tensor,
        resume: State | None = None,
    ) -> None:
        self.scales = scales
        self.settings = settings
        """Those that hold now."""
        self.image = image
        """The best image of the last size, or the first one."""
        self.taken = 0
        """Steps that were taken at this size."""
        self.state: State | None = None
        """Where the optimization at this size goes on. None: from `start`."""
        self._first = first
        self._newest: Tensor | None = None
        self._index = 0
        if resume is not None:
            self._go_to(resume)

    @property
    def scale(self) -> Scale | None:
        """The size to work on; None at the end."""
        return self.scales[self._index] if self._index < len(self.scales) else None

    def start(self, scale: Scale) -> Tensor:
        """What the optimization at this size starts from, padded as `pad_to_multiple` does."""
        if self._newest is not None:
            return self._newest
        return pad_to_multiple(self.enlarged(self.image, scale))

    def enlarged(self, image: Tensor, scale: Scale) -> Tensor:
        """An image of the run at another size, see `resizing.enlarge_change`."""
        return enlarge_change(image, self._first, *scale.size, circular=self.settings.tileable)

    def go_on(self, optimized: Optimized, scale: Scale) -> None:
        """Go on after the optimization at a size, to the next one or as the caller turned."""
        self.image = crop(optimized.image, *scale.size).cpu()
        self.state = self._newest = None
        self.taken = 0
        turn = optimized.turn
        if turn is None or turn.to == "next size":
            self._index += 1
        elif turn.to == "first size":
            self._index = 0
        elif turn.state is not None:
            self._go_to(turn.state)
        else:
            self._newest = optimized.newest
            self.taken = 0 if turn.repeat else optimized.iterations
        if turn is not None and turn.settings is not None:
            self.settings = turn.settings

    def _go_to(self, state: State) -> None:
        sizes = [scale.size for scale in self.scales]
        size = tuple(state.get("size", ()))
        if size not in sizes:
            raise ConfigError(f"the state is of a run at other sizes: {size} is not in {sizes}")
        self._index = sizes.index(size)
        self.state = state["descent"]
