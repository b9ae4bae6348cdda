"""Large blocks are used again, and none is lent twice."""

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from styletransfer.device import allocator as arena
from styletransfer.device.allocator import LEAST, Segment, empty_channels_last

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch allocates")

MIB = 1 << 20
ONE = torch.zeros(1, 1, 512, 512)
"""A MiB in float32."""


def resident() -> int:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096


def test_a_block_is_used_again_once_nobody_holds_it() -> None:
    segment = Segment(4 * MIB)
    first = segment.lend(4 * MIB)
    assert first is not None
    assert segment.lend(1) is None

    del first

    assert segment.lend(4 * MIB) is not None


def test_holes_that_touch_become_one() -> None:
    segment = Segment(4 * MIB)
    blocks = [segment.lend(MIB) for _ in range(4)]
    assert None not in blocks

    del blocks[1:3]

    assert segment.lend(2 * MIB) is not None
    assert segment.holes == []


def test_the_smallest_hole_is_taken() -> None:
    segment = Segment(8 * MIB)
    blocks = [segment.lend(size * MIB) for size in (2, 1, 1, 1)]
    blocks[0] = None
    blocks[2] = None

    block = segment.lend(MIB)

    assert block is not None
    assert segment.holes == [(0, 2 * MIB), (5 * MIB, 8 * MIB)]


def test_blocks_in_use_do_not_overlap() -> None:
    generator = torch.Generator().manual_seed(0)
    held: list[tuple[Tensor, int]] = []
    for number in range(200):
        channels = int(torch.randint(1, 6, (), generator=generator))
        held.append((empty_channels_last(ONE, channels).fill_(number), number))
        if len(held) > 8:
            del held[int(torch.randint(8, (), generator=generator))]
        assert all(bool((tensor == value).all()) for tensor, value in held)


def test_a_view_keeps_its_block() -> None:
    view = empty_channels_last(ONE, 2).fill_(7)[:, 1:, 10:20]

    others = [empty_channels_last(ONE, 2).fill_(0) for _ in range(4)]

    assert len(others) == 4
    assert torch.equal(view, torch.full_like(view, 7))


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_it_looks_like_any_tensor_with_channels_last(dtype: torch.dtype, channels: int) -> None:
    values = torch.zeros(2, 3, 500, 600, dtype=dtype)

    room = empty_channels_last(values, channels, 700)

    expected = torch.empty(2, channels, 700, 600, dtype=dtype, memory_format=torch.channels_last)
    assert room.shape == expected.shape
    assert room.stride() == expected.stride()
    assert room.dtype == dtype
    assert not room._is_view()


def test_small_ones_are_torchs_own() -> None:
    before = [list(segment.holes) for segment in arena._segments]

    rooms = [empty_channels_last(ONE[:, :, :, :100], 1) for _ in range(10)]

    assert rooms[0].nbytes < LEAST
    assert [list(segment.holes) for segment in arena._segments] == before


def test_autograd_adds_gradients_in_place() -> None:
    made: list[int] = []

    class Ones(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, values: Tensor) -> Tensor:
            return values.sum()

        @staticmethod
        def backward(ctx: object, *grad_outputs: Tensor) -> Tensor:
            room = empty_channels_last(ONE, 1).fill_(1)
            made.append(room.data_ptr())
            return room

    leaf = ONE.clone().requires_grad_()
    values = leaf * 1
    values.register_hook(lambda gradient: made.append(gradient.data_ptr()))

    (Ones.apply(values) + Ones.apply(values)).backward()

    assert leaf.grad is not None
    assert torch.equal(leaf.grad, torch.full_like(ONE, 2))
    assert made[2] == made[0]


def test_where_address_space_is_limited_torch_allocates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arena, "_is_limited", lambda: True)

    assert arena._lend(MIB) is None
    assert empty_channels_last(ONE, 2).shape == (1, 2, 512, 512)
