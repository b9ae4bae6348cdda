"""Tiles shared among the processes of torch.distributed, its ranks.

Rank 0 runs the whole method. The others follow: they are told the pictures of each size,
and then, for each evaluation, the image and the gradients of its statistics. Every rank
evaluates its share of the tiles. So all memory but that of the tiles, and all files, are
those of rank 0.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from styletransfer.errors import LostRankError
from styletransfer.settings import Settings
from styletransfer.transfer.regions import Regions
from styletransfer.transfer.tiling.sums import Pull

PATIENCE = timedelta(days=7)
"""How long a rank waits for another. One that has ended is noticed at once."""

_Any = TypeVar("_Any")


@dataclass(frozen=True, slots=True)
class Size:
    """What the other ranks are told about a size of a run."""

    settings: Settings
    """The settings of the run."""

    dtype: torch.dtype
    """Rank 0's number format of the convolutions."""

    tile: int
    """Side of the tiles in pixels."""

    recompute: bool
    """As in `Objective`."""

    shapes: tuple[tuple[int, ...], ...]
    """Of the content and the styles, which follow."""

    regions: Regions | None
    """As in `Objective`."""


@dataclass(frozen=True, slots=True)
class Measure:
    """The statistics of an image are wanted, which follows."""


@dataclass(frozen=True, slots=True)
class Pulls:
    """The gradient of that image is wanted."""

    by_layer: Mapping[str, Pull]
    """As in `TiledStatistics.pull`."""


Message = Size | Measure | Pulls | None
"""What rank 0 tells the others. None: the run has ended."""


def join() -> None:
    """Join the ranks that ``torchrun`` started.

    Raises:
        LostRankError: If they do not meet.
    """
    with _noticing():
        distributed.init_process_group("gloo", timeout=PATIENCE)


def leave() -> None:
    """Part from the other ranks, once all know that the run has ended."""
    with _noticing():
        distributed.destroy_process_group()


def count() -> int:
    """The number of ranks; 1 without torch.distributed."""
    return distributed.get_world_size() if _joined() else 1


def is_first() -> bool:
    """Whether this process is rank 0, or there are no others."""
    return _rank() == 0


def own(items: Sequence[_Any]) -> Sequence[_Any]:
    """This rank's share of tiles."""
    return items[_rank() :: count()]


def collected(
    items: Sequence[_Any], find: Callable[[_Any], Tensor], shape: Callable[[_Any], Sequence[int]]
) -> Iterator[tuple[_Any, Tensor]]:
    """Find a tensor for each of some items, which the ranks share in turn.

    Args:
        items: The same on each rank.
        find: Finds that of an item.
        shape: Tells its shape beforehand.

    Yields:
        On rank 0, each item and its tensor, in their order; so a sum of them is the same
        to the bit for any number of ranks. On others, nothing.
    """
    rank = _rank()
    for first in range(0, len(items), count()):
        turn = items[first : first + count()]
        if rank >= len(turn):
            return
        own = find(turn[rank])
        if rank:
            with _noticing():
                distributed.send(own.contiguous(), 0)
            continue
        yield turn[0], own
        for sender, item in enumerate(turn[1:], 1):
            yield item, receive(shape(item), own.dtype, sender)


def tell(message: Message, *tensors: Tensor) -> None:
    """Tell the other ranks what to do, and send tensors that the message announces."""
    if count() == 1:
        return
    with _noticing():
        distributed.broadcast_object_list([message], 0)
        for tensor in tensors:
            distributed.broadcast(tensor.contiguous(), 0)


def hear() -> Message:
    """Wait for what rank 0 tells."""
    heard: list[Any] = [None]
    with _noticing():
        distributed.broadcast_object_list(heard, 0)
    message: Message = heard[0]
    return message


def receive(shape: Sequence[int], dtype: torch.dtype, sender: int | None = None) -> Tensor:
    """Wait for a tensor that a message has announced to all, or for one of a sender."""
    tensor = torch.empty(*shape, dtype=dtype)
    with _noticing():
        if sender is None:
            distributed.broadcast(tensor, 0)
        else:
            distributed.recv(tensor, sender)
    return tensor


def gathered(value: _Any) -> list[_Any]:
    """What each rank has found, in their order; the same on all."""
    if count() == 1:
        return [value]
    found: list[Any] = [None] * count()
    with _noticing():
        distributed.all_gather_object(found, value)
    return found


def total(values: Tensor) -> Tensor:
    """Sum tensors of the same shape over the ranks, in place."""
    if count() > 1:
        with _noticing():
            distributed.all_reduce(values)
    return values


def _joined() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _rank() -> int:
    return distributed.get_rank() if _joined() else 0


@contextlib.contextmanager
def _noticing() -> Iterator[None]:
    """Turn the errors of a broken connection into one line."""
    try:
        yield
    except RuntimeError as error:
        raise LostRankError from error
