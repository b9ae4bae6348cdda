"""The other ranks: they evaluate their share of the tiles for rank 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from styletransfer.device.device import set_threads
from styletransfer.transfer.objective import Objective
from styletransfer.transfer.plan import encoder_on
from styletransfer.transfer.tiling import ranks
from styletransfer.transfer.tiling.statistics import TiledStatistics

if TYPE_CHECKING:
    from torch import Tensor


def follow() -> None:
    """Do what rank 0 tells, until its run ends.

    Raises:
        LostRankError: If another rank is gone.
    """
    statistics: TiledStatistics | None = None
    image: Tensor | None = None
    while (message := ranks.hear()) is not None:
        if isinstance(message, ranks.Size):
            statistics = _statistics(message)
        elif isinstance(message, ranks.Measure) and statistics is not None:
            image = ranks.receive(statistics.shape, statistics.encoder.mean.dtype)
            _ = [*statistics.measure(image)]
        elif isinstance(message, ranks.Pulls) and statistics is not None and image is not None:
            statistics.pull(image, message.by_layer)


def _statistics(size: ranks.Size) -> TiledStatistics:
    exact = torch.promote_types(size.dtype, torch.float32)
    content, *styles = (ranks.receive(shape, exact) for shape in size.shapes)
    settings = size.settings
    set_threads(settings.threads)
    encoder = encoder_on(content.device, size.dtype, settings)
    objective = Objective(
        encoder,
        content,
        styles,
        settings,
        regions=size.regions,
        tile=size.tile,
        recompute=size.recompute,
    )
    assert isinstance(objective.statistics, TiledStatistics)
    objective.statistics.shape = content.shape
    return objective.statistics
