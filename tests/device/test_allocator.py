import sys

import pytest
import torch
from torch import Tensor

from styletransfer.device import allocator
from styletransfer.device.allocator import MIN_BLOCK, Segment, empty_as

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="torch allocates on other systems")

MIB = 1 << 20
ONE = torch.zeros(1, 1, 512, 512)
"""A tensor of 1 MiB."""


def test_a_block_is_reused_after_its_last_reference_is_gone() -> None:
    segment = Segment(4 * MIB)
    first = segment.allocate(4 * MIB)
    assert first is not None
    assert segment.allocate(1) is None

    del first

    assert segment.allocate(4 * MIB) is not None


def test_adjacent_free_ranges_are_merged() -> None:
    segment = Segment(4 * MIB)
    blocks = [segment.allocate(MIB) for _ in range(4)]
    assert None not in blocks

    del blocks[1:3]

    assert segment.allocate(2 * MIB) is not None
    assert segment.free == []


def test_a_block_is_taken_from_the_smallest_free_range_that_fits() -> None:
    segment = Segment(8 * MIB)
    blocks = [segment.allocate(size * MIB) for size in (2, 1, 1, 1)]
    blocks[0] = None
    blocks[2] = None

    block = segment.allocate(MIB)

    assert block is not None
    assert segment.free == [(0, 2 * MIB), (5 * MIB, 8 * MIB)]


def test_blocks_in_use_do_not_overlap() -> None:
    generator = torch.Generator().manual_seed(0)
    held: list[tuple[Tensor, int]] = []
    for number in range(200):
        channels = int(torch.randint(1, 6, (), generator=generator))
        held.append((empty_as(ONE, channels).fill_(number), number))
        if len(held) > 8:
            del held[int(torch.randint(8, (), generator=generator))]
        assert all(bool((tensor == value).all()) for tensor, value in held)


def test_a_view_keeps_its_block_allocated() -> None:
    view = empty_as(ONE, 2).fill_(7)[:, 1:, 10:20]

    others = [empty_as(ONE, 2).fill_(0) for _ in range(4)]

    assert len(others) == 4
    assert torch.equal(view, torch.full_like(view, 7))


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_an_allocated_tensor_is_like_one_of_torch_in_the_same_layout(
    dtype: torch.dtype, layout: torch.memory_format, channels: int
) -> None:
    values = torch.zeros(2, 3, 500, 600, dtype=dtype).to(memory_format=layout)

    tensor = empty_as(values, channels, 700)

    expected = torch.empty(2, channels, 700, 600, dtype=dtype, memory_format=layout)
    assert tensor.shape == expected.shape
    assert tensor.stride() == expected.stride()
    assert tensor.dtype == dtype
    assert not tensor._is_view()


def test_torch_allocates_small_tensors() -> None:
    before = [list(segment.free) for segment in allocator._segments]

    tensors = [empty_as(ONE[:, :, :, :100], 1) for _ in range(10)]

    assert tensors[0].nbytes < MIN_BLOCK
    assert [list(segment.free) for segment in allocator._segments] == before


def test_autograd_accumulates_gradients_in_place() -> None:
    made: list[int] = []

    class Ones(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, values: Tensor) -> Tensor:
            return values.sum()

        @staticmethod
        def backward(ctx: object, *grad_outputs: Tensor) -> Tensor:
            tensor = empty_as(ONE, 1).fill_(1)
            made.append(tensor.data_ptr())
            return tensor

    leaf = ONE.clone().requires_grad_()
    values = leaf * 1
    values.register_hook(lambda gradient: made.append(gradient.data_ptr()))

    (Ones.apply(values) + Ones.apply(values)).backward()

    assert leaf.grad is not None
    assert torch.equal(leaf.grad, torch.full_like(ONE, 2))
    assert made[2] == made[0]


def test_torch_allocates_if_the_address_space_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "_is_limited", lambda: True)

    assert allocator._allocate(MIB) is None
    assert empty_as(ONE, 2).shape == (1, 2, 512, 512)
