"""Plans of runs."""

import torch

from styletransfer.device.device import Precision
from styletransfer.settings import Settings
from styletransfer.transfer.plan import RunPlan
from styletransfer.transfer.pyramid import plan_scales

CPU = torch.device("cpu")


def plan(
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device = CPU,
    budget: int | None = None,
    **values: object,
) -> RunPlan:
    """A run of a content of 600×400 pixels and a style of 300×300."""
    settings = Settings().with_values(values)
    return RunPlan(
        content=(600, 400),
        styles=((300, 300),),
        settings=settings,
        scales=tuple(plan_scales(600, 400, settings)),
        device=device,
        precision=Precision(dtype, "for the test"),
        budget=budget,
    )
