"""Memory that is predicted: parts in closed form, rungs that keep the gradient, and measured growth."""

import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from gradschool.engine.device import Machine
from gradschool.engine.recompute import blocks, recompute
from gradschool.errors import UserError
from gradschool.nn.attention.lora import adapt
from gradschool.practice.plan.memory import WORKSPACE, Memory, Opened, Step, predict
from gradschool.practice.plan.rungs import ladder, sharded
from gradschool.recipes import find
from gradschool.runs.classification.image import ImageRun
from gradschool.tasks.classify import Classify

ROWS, WIDE, CLASSES = 256, 512, 10


class Wide(nn.Module):
    """Two large layers, so that small things do not count."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, WIDE), nn.ReLU(), nn.Linear(WIDE, CLASSES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class WideRun(ImageRun):
    kind = "wide"

    def start_model(self, images: Any, pipeline: Any) -> nn.Module:
        return Wide()

    def task(self, model: nn.Module, splits: Any, held_out: str) -> Classify:
        return Classify(model)


def made(**words: Any) -> WideRun:
    usual = {"data": "digits", "model": find("digits")().model, "batch_size": ROWS, "precision": "fp32"}
    return WideRun(**(usual | {"optimizer": "adamw"} | words))


@pytest.fixture(scope="module")
def known() -> Opened:
    batch = (torch.zeros(4, 1, 8, 8), torch.zeros(4, dtype=torch.int64))
    return Opened(SimpleNamespace(train=None), None, batch, 10, Machine("cpu", "fp32", False))


def test_weights_state_and_batch_are_counted_to_the_byte(known):
    weights = 4 * (64 * WIDE + WIDE + WIDE * CLASSES + CLASSES)
    found = predict(made(), known)
    # Torch's tracker rounds each tensor up to 512 bytes; there are four, and twice four of state and a count.
    assert weights <= found.parameters <= weights + 4 * 512
    assert 2 * weights <= found.optimiser <= 2 * weights + 12 * 512
    assert found.batch == ROWS * (64 * 4 + 8)
    assert found.peak == sum(found.facts().values()) - found.peak
    assert found.workspace == WORKSPACE
    few = replace(known, most=4)
    assert predict(made(), few).batch == 4 * (64 * 4 + 8)  # of a set with four examples
    plain = predict(made(optimizer="sgd"), known)
    assert plain.optimiser == 0 and plain.parameters == found.parameters
    averaged = predict(made(ema=0.9), known)
    assert averaged.parameters - found.parameters == pytest.approx(weights, abs=4 * 512)


def test_activations_grow_with_the_batch_and_shrink_with_micro_batches(known):
    # Forward keeps the hidden layer before and after the rectifier; its gradient is temporary.
    hidden = 4 * ROWS * WIDE
    found, twice = predict(made(), known), predict(made(batch_size=2 * ROWS), known)
    assert found.activations + found.temporary >= hidden
    more = twice.activations + twice.temporary - found.activations - found.temporary
    # Behind the rectifier's backward pass: its output, and the gradients behind and before it.
    assert more == pytest.approx(3 * hidden, rel=0.1)
    half = predict(made(accumulate=2), known)
    assert half.peak < found.peak and half.batch == found.batch


def gradient_of(model: nn.Module, batch: tuple[torch.Tensor, ...], accumulate: int = 1) -> list[torch.Tensor]:
    """What a step of plain descent with rate 1 takes off the weights."""
    task, before = Classify(model), [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    run = SimpleNamespace(accumulate=accumulate, clip=None, ema=None, learning_rate=1.0)
    torch.manual_seed(3)
    task.step(batch, Step(task, {"model": optimizer}, Machine("cpu", "fp32", False), run, None))
    return [a - b.detach() for a, b in zip(before, model.parameters(), strict=True)]


def batch_of(n: int) -> tuple[torch.Tensor, ...]:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(n, 1, 8, 8, generator=draw), torch.randint(0, CLASSES, (n,), generator=draw)


@pytest.mark.parametrize("pieces", [2, 3, 7])
def test_accumulation_takes_the_step_of_the_whole_batch(pieces):
    torch.manual_seed(0)
    model = Wide()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    whole = gradient_of(model, batch_of(22))  # pieces of unequal size, too
    model.load_state_dict(state)
    # Sums in another order: the last digits of float32 differ.
    torch.testing.assert_close(gradient_of(model, batch_of(22), pieces), whole, rtol=1e-4, atol=1e-6)


class Deep(nn.Module):
    """Blocks with batch normalisation and dropout, which recomputation must not disturb."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Flatten()
        self.body = nn.Sequential(*(self.block(64) for _ in range(6)))
        self.head = nn.Linear(64, CLASSES)

    @staticmethod
    def block(width: int) -> nn.Module:
        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = nn.Sequential(
                    nn.Linear(width, 4 * width), nn.BatchNorm1d(4 * width), nn.ReLU(), nn.Dropout(0.5),
                    nn.Linear(4 * width, width),
                )  # fmt: skip

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x + self.inner(x)

        return Block()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(self.stem(x)))


def test_recomputation_keeps_gradients_and_running_statistics():
    torch.manual_seed(0)
    first, second = Deep(), Deep()
    second.load_state_dict(first.state_dict())
    assert recompute(second) == 6 and blocks(first) == list(first.body)
    assert list(second.state_dict()) == list(first.state_dict())
    wanted, found = (gradient_of(model, batch_of(16)) for model in (first, second))
    # The same operations on the same memory layout: the same bits.
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    for a, b in zip(first.buffers(), second.buffers(), strict=True):
        assert torch.equal(a, b)
    assert first.body[0].inner[1].num_batches_tracked == 1


def test_blocks_run_twice_in_training_only():
    model, calls = Deep(), []
    model.body[2].inner[0].register_forward_hook(lambda *_: calls.append(1))
    recompute(model)
    gradient_of(model, batch_of(8))
    assert len(calls) == 2
    model.eval()
    model(batch_of(8)[0]).sum().backward()
    assert len(calls) == 3


def test_recomputation_needs_less(known):
    class DeepRun(WideRun):
        def start_model(self, images: Any, pipeline: Any) -> nn.Module:
            return Deep()

    run = DeepRun(**vars(made(batch_size=2048)))
    assert predict(replace(run, recompute=True), known).peak < 0.7 * predict(run, known).peak


def test_a_share_is_a_part_of_everything():
    whole = Memory(800, 400, 1601, 80, 16, 8)
    assert sharded(whole, 8) == Memory(100, 50, 201, 10, 2, 1)


def test_the_ladder_goes_down_and_says_what_stays_the_same(known):
    run = made(batch_size=1024)
    whole = predict(run, known)
    rungs = {each.name: each for each in ladder(run, known, whole, 0.6 * whole.peak)}
    assert rungs["gradient accumulation"].memory.peak < whole.peak
    assert rungs["gradient accumulation"].is_same and rungs["activation checkpointing"].is_same
    assert not rungs["mixed precision"].is_same
    half = rungs["an optimiser with half the state"].memory
    assert half.optimiser == pytest.approx(whole.optimiser / 2, rel=0.02)
    assert rungs["sharding over 4"].memory.parameters == -(-whole.parameters // 4)


def test_a_step_that_looks_at_numbers_is_refused(known):
    class Looking(WideRun):
        def start_model(self, images: Any, pipeline: Any) -> nn.Module:
            class Net(Wide):
                def forward(self, x: torch.Tensor) -> torch.Tensor:
                    return super().forward(x) * (2 if x.sum().item() > 0 else 1)

            return Net()

    with pytest.raises(UserError, match="cannot be followed without its numbers"):
        predict(Looking(**vars(made())), known)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_measured_growth_is_within_a_tenth():
    pytest.importorskip("psutil")
    from bench.memory import case, child

    words = ("batch_size=1024", "model_options.width=64")
    run, opened = case("digits", words)
    measured = child("digits", words)["growth"]
    assert predict(run, opened).peak == pytest.approx(measured, rel=0.1)


def test_state_of_8_bits_is_predicted_to_be_a_quarter(known):
    found = {each.words: each for each in ladder(made(), known, predict(made(), known), 1e12)}
    rung = found["optimizer=adamw8bit"]
    whole = predict(made(), known)
    # Two means of a byte and a scale for each 256, for all but the two biases and the small last layer's.
    large = 64 * WIDE + WIDE * CLASSES
    small = 2 * 4 * (WIDE + CLASSES)
    wanted = 2 * large * (1 + 4 / 256) + small
    assert rung.memory.optimiser == pytest.approx(wanted, rel=0.15) and not rung.is_same
    assert rung.memory.optimiser < 0.35 * whole.optimiser and rung.memory.peak < whole.peak
    assert "optimizer=adamw8bit" not in {
        each.words for each in ladder(made(optimizer="sgd"), known, whole, 1e12)
    }


@dataclass(frozen=True, kw_only=True)
class AdaptedRun(WideRun):
    kind = "adapted_wide"
    lora: int = 0

    def start_model(self, images: Any, pipeline: Any) -> nn.Module:
        return adapt(Wide(), self.lora, names=("1", "3")) if self.lora else Wide()


def test_adapters_leave_gradients_and_state_of_two_thin_matrices(known):
    usual = {"data": "digits", "model": find("digits")().model, "batch_size": ROWS, "precision": "fp32"}
    run = AdaptedRun(**usual, optimizer="adamw")
    found = {each.words: each for each in ladder(run, known, predict(run, known), 1e12)}
    rung = found["lora=8"]
    thin = 4 * 8 * (64 + WIDE + WIDE + CLASSES)
    assert rung.memory.optimiser == pytest.approx(2 * thin, rel=0.1, abs=12 * 512)
    assert not rung.is_same and "learning rate anew" in rung.costs
    assert "lora=8" not in {each.words for each in ladder(made(), known, predict(made(), known), 1e12)}
