"""How a run goes through its sizes, and how it is steered meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from styletransfer.errors import ConfigError
from styletransfer.transfer.pyramid import plan_scales
from styletransfer.transfer.resizing import crop, pad_to_multiple

if TYPE_CHECKING:
    from torch import Tensor

    from styletransfer.settings import Settings
    from styletransfer.transfer.best import State
    from styletransfer.transfer.colours.recolouring import Start
    from styletransfer.transfer.optimize import Optimized
    from styletransfer.transfer.plan import RunPlan
    from styletransfer.transfer.pyramid import Scale

GoTo = Literal["next size", "first size"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run was after a step."""

    size: tuple[int, int]
    """Width and height in pixels, one of the run's sizes."""

    iteration: int
    """Steps taken at this size."""

    image: Tensor
    """The image, shape (1, 3, H, W) at that size, RGB that may lie outside [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What `on_step` returns to let a run go on otherwise than planned.

    The image is kept. The optimizer begins anew: what it has learned and its best image are
    of another objective, or of another place.
    """

    settings: Settings | None = None
    """Settings with other weights or shares of the styles. None: those so far."""

    back: Place | None = None
    """Where the run was earlier, to go on from there. None: from here."""

    to: GoTo | None = None
    """Leave this size: for the next one, or for the first one to start anew from this
    picture. None: stay."""

    repeat: bool = False
    """Take all iterations of this size once more. False: those that are left."""

    later: Settings | None = None
    """Settings that hold once the run leaves this size, for the next one or the first one;
    targets and sizes may differ. None: those so far. A turn with nothing else disturbs
    nothing; each turn replaces what the last one said."""


class Course:
    """Where a run is among its sizes, and what it goes on from.

    Args:
        plan: The plan of the run.
        settings: The settings of the run.
        first: What the run starts from.
        resume: As in `stylize`.

    Raises:
        ConfigError: If the state is of a run at other sizes.
    """

    def __init__(
        self,
        plan: RunPlan,
        settings: Settings,
        first: Start,
        resume: State | None = None,
    ) -> None:
        self.plan = plan
        """The plan of the run as it goes now."""
        self.settings = settings
        """Those that hold now."""
        self.image = first.at(*self.scales[0].size, circular=settings.tileable)
        """The best image of the last size, or the first one."""
        self.taken = 0
        """Steps that were taken at this size."""
        self.is_reweighed = False
        """Whether the objective is that of the last optimization, with other weights."""
        self.state: State | None = None
        """Where the optimization at this size goes on. None: from `start`."""
        self._first = first
        self._newest: Tensor | None = None
        self._later: Settings | None = None
        self._index = 0
        if resume is not None:
            self._index = self._index_of(tuple(resume.get("size", ())))
            self.state = resume["descent"]

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The sizes of the run as it goes now, smallest first."""
        return self.plan.scales

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
        return self._first.enlarge(image, *scale.size, circular=self.settings.tileable)

    def change(self, image: Tensor) -> float:
        """Mean absolute difference of an image of the run from the start at its size."""
        height, width = image.shape[2:]
        first = self._first.at(width, height, circular=self.settings.tileable)
        return (image - first).abs_().mean().item()

    def heed(self, answer: bool | Turn | None) -> bool | Turn | None:
        """Remember what a caller says about later; return what is to be done now."""
        if not isinstance(answer, Turn):
            return answer
        self._later = answer.later
        is_for_later = answer.later is not None and answer == Turn(later=answer.later)
        return None if is_for_later else answer

    def go_on(self, optimized: Optimized, scale: Scale) -> None:
        """Go on after the optimization at a size, to the next one or as the caller turned."""
        self.image = crop(optimized.image, *scale.size).cpu()
        self.state = self._newest = None
        self.taken = 0
        turn, before = optimized.turn, self.settings
        if optimized.stopped:
            return
        if turn is not None and turn.settings is not None:
            self._hold(turn.settings)
        if turn is None or turn.to is not None:
            self._leave(scale, None if turn is None else turn.to)
        elif turn.back is not None:
            self._go_back(turn.back)
        else:
            self._newest = optimized.newest
            self.taken = 0 if turn.repeat else optimized.iterations
        self.is_reweighed = self.scale is scale and _compare_the_same(before, self.settings)

    def _leave(self, scale: Scale, to: GoTo | None) -> None:
        if self._later is not None:
            self._hold(self._later)
            self._later = None
        smaller = sum(each.longest_side <= scale.longest_side for each in self.scales)
        self._index = 0 if to == "first size" else smaller

    def _hold(self, settings: Settings) -> None:
        """Go on with other settings, through the sizes that they ask for."""
        scales = self.scales
        if settings.size != self.settings.size:
            scales = tuple(plan_scales(*self.plan.content, settings))
        self.plan = replace(self.plan, settings=settings, scales=scales)
        self.settings = settings

    def _go_back(self, place: Place) -> None:
        self._index = self._index_of(place.size)
        self._newest = pad_to_multiple(place.image)
        # A step follows in any case, so that the caller is asked how to go on.
        self.taken = min(place.iteration, self.scales[self._index].iterations - 1)

    def _index_of(self, size: tuple[int, ...]) -> int:
        sizes = [scale.size for scale in self.scales]
        if size not in sizes:
            raise ConfigError(f"the state is of a run at other sizes: {size} is not in {sizes}")
        return sizes.index((size[0], size[1]))


def _compare_the_same(one: Settings, other: Settings) -> bool:
    """Whether settings differ at most in their weights, and the same terms are evaluated."""
    names = ("content_weight", "style_weight", "tv_weight")
    weights = {name: getattr(other, name) for name in names}
    return replace(one, **weights) == other and all(
        bool(getattr(one, name)) == bool(weight) for name, weight in weights.items()
    )
