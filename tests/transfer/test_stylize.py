from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from styletransfer.errors import ConfigError, DivergenceError, ImageError
from styletransfer.settings import DEFAULT_SIZE, Settings
from styletransfer.transfer.pyramid import Scale, fit
from styletransfer.transfer.resizing import enlarge_change, resize
from styletransfer.transfer.stylize import Result, Step, stylize
from styletransfer.transfer.targets import SharedTargets
from styletransfer.vgg.encoder import Encoder

Picture = Callable[[int, int, int], Tensor]

QUICK = Settings(size=48, min_size=24, iterations=(3,))


class Runs:
    """Quick runs in the narrow network, of pictures that may be replaced."""

    def __init__(self, encoder: Encoder, smooth: Picture, noisy: Picture) -> None:
        self.encoder = encoder
        self.content = smooth(60, 80, 0)
        self.styles: list[Tensor] = [noisy(40, 30, 1)]
        self.start: Tensor | None = None
        self.targets: SharedTargets | None = None
        self.on_step: Callable[[Step], bool | None] | None = None

    def __call__(self, **values: Any) -> Result:
        return stylize(
            self.content,
            self.styles,
            replace(QUICK, **values),
            init=self.start,
            encoder=self.encoder,
            targets=self.targets,
            on_step=self.on_step,
        )


@pytest.fixture
def run(encoder: Encoder, smooth: Picture, noisy: Picture) -> Runs:
    return Runs(encoder, smooth, noisy)


# Start and seed


@pytest.mark.parametrize("init", ["content", "noise"])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_same_seed_gives_the_same_bytes(init: str, optimizer: str, run: Runs) -> None:
    first = run(init=init, optimizer=optimizer, seed=7).image
    torch.rand(3)  # The state of the global generator does not matter.
    assert torch.equal(run(init=init, optimizer=optimizer, seed=7).image, first)


def test_another_seed_gives_another_picture_from_noise(run: Runs) -> None:
    first, second = (run(init="noise", seed=seed).image for seed in (0, 1))
    assert (first - second).abs().mean() > 0.01


def test_a_start_from_the_content_has_no_use_for_the_seed(run: Runs) -> None:
    assert torch.equal(run(seed=0).image, run(seed=1).image)


def test_a_run_leaves_the_global_generator_alone(run: Runs) -> None:
    before = torch.get_rng_state()
    run(init="noise")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_picture_to_start_from_is_started_from(run: Runs, noisy: Picture) -> None:
    run.start = run.content
    assert torch.equal(run(init="noise").image, run(init="content").image)
    run.start = noisy(7, 200, 3)
    assert run().image.shape == (1, 3, 36, 48)


def test_a_path_to_start_from_is_refused_since_files_are_read_elsewhere(run: Runs) -> None:
    with pytest.raises(ConfigError, match=r"init 'sketch\.png' is a file"):
        run(init="sketch.png")


def test_the_pictures_are_left_as_they_were(run: Runs) -> None:
    before = run.content.clone(), run.styles[0].clone()
    run()
    assert torch.equal(run.content, before[0])
    assert torch.equal(run.styles[0], before[1])


# Sizes


@pytest.mark.parametrize(
    ("content", "size", "expected"),
    [
        ((60, 80), 48, (36, 48)),
        ((80, 60), 48, (48, 36)),
        ((60, 80), 47, (35, 47)),
        ((31, 17), 31, (31, 17)),
        ((20, 20), 50, (50, 50)),
        ((4, 200), 50, (1, 50)),
        ((200, 4), 50, (50, 1)),
        ((1, 1), 1, (1, 1)),
        ((15, 15), 15, (15, 15)),
        ((3, 64), 64, (3, 64)),
    ],
)
def test_the_result_has_exactly_the_size_asked_for(
    content: tuple[int, int], size: int, expected: tuple[int, int], run: Runs, smooth: Picture
) -> None:
    run.content = smooth(*content, 0)
    image = run(size=size, iterations=(1,)).image
    assert image.shape == (1, 3, *expected)
    assert image.isfinite().all()


@pytest.mark.parametrize("style", [(1, 1), (1, 300), (200, 4), (15, 15)])
def test_a_style_may_be_of_any_shape(style: tuple[int, int], run: Runs, noisy: Picture) -> None:
    run.styles = [noisy(*style, 0)]
    assert run().image.isfinite().all()


ODD = [(1, 1), (15, 15), (4, 2000), (2000, 4), (1, 3000), (3000, 1)]
"""Heights and widths that no layer of the network was made for."""


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("style", ODD)
@pytest.mark.parametrize("content", ODD)
def test_any_content_goes_with_any_style(
    content: tuple[int, int],
    style: tuple[int, int],
    optimizer: str,
    run: Runs,
    smooth: Picture,
    noisy: Picture,
) -> None:
    run.content, run.styles = smooth(*content, 0), [noisy(*style, 1)]
    image = run(size=None, iterations=(1,), optimizer=optimizer).image
    height, width = content
    assert image.shape[2:] == fit(width, height, min(DEFAULT_SIZE, max(content)))[::-1]
    assert image.isfinite().all()


@pytest.mark.parametrize(
    ("content", "size", "expected"),
    [((2000, 4), None, (512, 1)), ((4, 2000), 2000, (4, 2000)), ((1, 1), 40, (40, 40))],
)
def test_a_thin_picture_keeps_its_long_side(
    content: tuple[int, int],
    size: int | None,
    expected: tuple[int, int],
    run: Runs,
    smooth: Picture,
) -> None:
    run.content = smooth(*content, 0)
    image = run(size=size, iterations=(1,)).image
    assert image.shape == (1, 3, *expected)
    assert image.isfinite().all()


def test_the_result_is_a_picture_on_the_cpu(run: Runs) -> None:
    image = run().image
    assert image.dtype == torch.float32
    assert image.device.type == "cpu"
    assert not image.requires_grad
    assert 0 <= image.min() <= image.max() <= 1


def test_every_step_at_every_size_is_reported_with_its_losses(run: Runs) -> None:
    told: list[Step] = []
    run.on_step = told.append
    result = run(iterations=(3, 2))
    small, large = Scale(24, 18, 3), Scale(48, 36, 2)
    expected = [(small, 1), (small, 2), (small, 3), (large, 1), (large, 2)]
    assert [(step.scale, step.iteration) for step in told] == expected
    assert [tuple(step.image.shape) for step in told] == [
        (1, 3, step.scale.height, step.scale.width) for step in told
    ]
    assert result.losses.total == min(step.losses.total for step in told[3:])


def test_a_size_starts_from_the_enlarged_change_of_the_last_one(
    run: Runs,
) -> None:
    small = run(size=24, min_size=24, preconditioning=0.8, init="content")
    run.start = enlarge_change(small.image, run.content, 48, 36)
    second = run(size=48, min_size=48, preconditioning=0.8)
    run.start = None
    assert torch.equal(run(preconditioning=0.8, init="content").image, second.image)


def test_the_change_is_measured_from_the_picture_that_the_run_started_from(run: Runs) -> None:
    run.start = 1 - run.content
    result = run()
    first = resize(run.start, result.image.shape[3], result.image.shape[2])
    assert result.change == pytest.approx((result.image - first).abs().mean().item())


def test_the_style_scale_is_the_styles_longest_side_over_the_current_size(run: Runs) -> None:
    whole, halved = (run(size=24, style_scale=(scale,)).image for scale in (1.0, 0.5))
    assert not torch.equal(whole, halved)
    # The style is 30 pixels wide and 40 high: 12 is half of the current size.
    run.styles = [resize(run.styles[0], 9, 12)]
    assert torch.equal(run(size=24, style_scale=(0.5,)).image, halved)


def test_the_image_is_optimized_with_mirrored_padding_up_to_multiples_of_16(
    run: Runs, encoder: Encoder
) -> None:
    seen: list[Tensor] = []
    hook = encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    run.content, run.styles = run.content[:, :, :41, :48], [run.styles[0][:, :, :30, :30]]
    image = run(size=48, min_size=48, style_weight=0, tv_weight=0).image
    hook.remove()
    assert {tuple(each.shape[2:]) for each in seen} == {(48, 48)}
    assert torch.equal(seen[0][:, :, :41], run.content)
    assert torch.equal(seen[0][:, :, 41:], run.content.flip(2)[:, :, :7])
    assert image.shape[2:] == (41, 48)


# Several styles


@pytest.mark.parametrize(("blend", "which"), [((1.0, 0.0), 0), ((0.0, 5.0), 1)])
def test_a_style_of_all_the_share_is_that_style_alone(
    blend: tuple[float, ...], which: int, run: Runs, smooth: Picture
) -> None:
    both = [run.styles[0], smooth(30, 50, 5)]
    run.styles = both
    blended = run(style_blend=blend).image
    run.styles = [both[which]]
    assert torch.equal(blended, run().image)


def test_a_blend_is_neither_of_its_styles(run: Runs, smooth: Picture) -> None:
    both = [run.styles[0], smooth(30, 50, 5)]
    pictures = []
    for styles in (both, both[:1], both[1:]):
        run.styles = styles
        pictures.append(run().image)
    assert not torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])


def test_one_style_need_not_stand_in_a_list(run: Runs) -> None:
    alone = stylize(run.content, run.styles[0], QUICK, encoder=run.encoder)
    assert torch.equal(alone.image, run().image)


# Runs that share their targets


def test_runs_that_share_their_targets_equal_their_runs_alone_to_the_bit(run: Runs) -> None:
    weights = [
        {"tv_weight": 0.0},
        {"content_weight": 0.0},
        {"style_weight": 0.0},
        {"tv_weight": 9.0},
        {"content_weight": 0.5, "style_weight": 20.0},
    ]
    # 20 and 28 pixels are padded to the same size.
    sizes = {"size": 28, "min_size": 20, "iterations": (2,)}
    for values in (sizes, {"size": 48}):
        alone = [run(**values, **each) for each in weights]
        run.targets = SharedTargets()
        for single, each in zip(alone, weights, strict=True):
            shared = run(**values, **each)
            assert torch.equal(shared.image, single.image)
            assert shared.losses == single.losses
        run.targets = None


def test_targets_are_computed_once_for_all_runs_that_share_them(
    run: Runs, encoder: Encoder, noisy: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.styles = [noisy(40, 30, 1), noisy(20, 30, 2)]
    run.targets = SharedTargets()
    calls: list[object] = []
    counts = []
    fast = encoder.fast
    assert fast is not None
    walk = fast.walk

    def spy(*rest: Any, **named: Any) -> None:
        calls.append(rest)
        walk(*rest, **named)

    monkeypatch.setattr(fast, "walk", spy)
    for tv_weight in (0.0, 1.0, 2.0):
        calls.clear()
        run(tv_weight=tv_weight)
        counts.append(len(calls))

    pictures, sizes, evaluations = 3, 2, 4
    assert counts == [sizes * (pictures + evaluations)] + [sizes * evaluations] * 2


# The end before the end


@pytest.mark.parametrize(("at", "steps"), [(24, 2), (48, 5)])
def test_a_run_that_is_stopped_gives_a_whole_picture(at: int, steps: int, run: Runs) -> None:
    told: list[Step] = []

    def stop_in_the_second_step(step: Step) -> bool:
        told.append(step)
        return step.scale.width == at and step.iteration == 2

    run.on_step = stop_in_the_second_step
    result = run()
    assert result.stopped
    assert len(told) == steps
    assert result.image.shape == (1, 3, 36, 48)
    assert not torch.equal(result.image, resize(run.content, 48, 36))


def test_a_run_to_the_end_was_not_stopped(run: Runs) -> None:
    assert not run().stopped


def test_a_run_that_diverges_has_a_whole_picture_to_save(run: Runs) -> None:
    with pytest.raises(DivergenceError) as caught:
        run(optimizer="adam", learning_rate=100.0)
    image = caught.value.image
    assert image.shape == (1, 3, 36, 48)
    assert image.device.type == "cpu"
    assert 0 <= image.min() <= image.max() <= 1


# Refusals


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 3, 8, 8), (1, 4, 8, 8), (1, 3, 0, 8), (8, 8)])
@pytest.mark.parametrize("name", ["content", "style", "init"])
def test_what_is_no_image_is_refused_with_its_shape(
    name: str, shape: tuple[int, ...], run: Runs
) -> None:
    wrong = torch.zeros(shape)
    if name == "content":
        run.content = wrong
    elif name == "style":
        run.styles.append(wrong)
    else:
        run.start = wrong
    with pytest.raises(ImageError) as caught:
        run()
    assert str(caught.value) == f"{name} must have shape (1, 3, H, W), not {shape}"


def test_a_run_without_a_style_is_refused(run: Runs) -> None:
    run.styles = []
    with pytest.raises(ImageError, match="there is no style picture"):
        run()


@pytest.mark.parametrize("blend", [(1.0,), (1.0, 2.0, 3.0)])
def test_a_blend_needs_one_number_for_each_style(blend: tuple[float, ...], run: Runs) -> None:
    run.styles *= 2
    with pytest.raises(ConfigError) as caught:
        run(style_blend=blend)
    expected = f"style_blend needs one number for each of the 2 styles, not {len(blend)}"
    assert str(caught.value) == expected


# The real network


@pytest.mark.weights
def test_the_default_settings_repaint_a_picture(smooth: Picture, noisy: Picture) -> None:
    content, style = smooth(48, 64, 0), noisy(64, 64, 1)
    settings = replace(Settings(), size=64, iterations=(15,))
    told: list[Step] = []
    result = stylize(content, style, settings, on_step=told.append)
    assert result.image.shape == (1, 3, 48, 64)
    assert result.losses.style < 0.5 * told[0].losses.style
    again = stylize(content, style, settings)
    assert torch.equal(again.image, result.image)


# What a caller of Python may do


@pytest.mark.parametrize("other", ["content", "styles", "settings"])
def test_targets_of_another_run_are_refused(other: str, run: Runs, noisy: Picture) -> None:
    run.targets = SharedTargets()
    run(tv_weight=1.0)
    values: dict[str, Any] = {"tv_weight": 2.0}
    if other == "settings":
        values["style_scale"] = (0.5,)
    else:
        setattr(run, other, noisy(60, 80, 5) if other == "content" else [noisy(40, 30, 5)])
    with pytest.raises(ConfigError, match="targets can be shared only by runs on the same pictur"):
        run(**values)


def test_a_run_needs_no_gradients_from_outside(run: Runs) -> None:
    expected = run().image
    run.content = run.content.requires_grad_()
    with torch.no_grad():
        found = run().image
    assert torch.equal(found, expected)
    assert not found.requires_grad


def test_anything_true_from_a_step_stops_the_run(run: Runs) -> None:
    run.on_step = lambda step: cast("bool", np.bool_(step.iteration == 2))
    assert run().stopped


@pytest.mark.parametrize("extra", [3.0, torch.ones(2)])
def test_an_extra_loss_must_be_one_number(extra: Any, run: Runs) -> None:
    with pytest.raises(ConfigError, match="extra_loss must return a tensor of one number, not "):
        stylize(run.content, run.styles, QUICK, encoder=run.encoder, extra_loss=lambda _: extra)
