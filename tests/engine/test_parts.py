"""Schedules, averaged weights and optimisers against closed forms and torch's own."""

import math

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR

from gradschool.engine import device
from gradschool.engine.ema import Ema
from gradschool.engine.optim import Optim, make_optimizer, parameter_groups
from gradschool.engine.schedule import Plateau, Schedule
from gradschool.engine.seeds import mix
from gradschool.errors import UserError


def reference(make):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("schedule", "make"),
    [
        (Schedule("cosine"), lambda o: CosineAnnealingLR(o, 100)),
        (Schedule("cosine", final=0.1), lambda o: CosineAnnealingLR(o, 100, eta_min=0.1)),
        (Schedule("step", drops=(0.5, 0.75)), lambda o: MultiStepLR(o, [50, 75])),
    ],
)
def test_schedules_equal_torch(schedule, make):
    ours = [schedule.factor(step / 100) for step in range(100)]
    assert ours == pytest.approx(reference(make), abs=1e-9)  # the recursion of torch rounds a little


def test_warm_up_rises_linearly_and_one_cycle_peaks_at_its_warm_up():
    cosine = Schedule("cosine", warmup=0.2)
    assert [cosine.factor(p) for p in (0, 0.1, 0.2, 1)] == pytest.approx([0, 0.5, 1, 0])
    cycle = Schedule("one_cycle", warmup=0.3, final=0.04)
    assert [cycle.factor(p) for p in (0, 0.15, 0.3, 1)] == pytest.approx([0.04, 0.52, 1, 0.04])
    assert all(
        0 <= Schedule(kind).factor(p / 50) <= 1
        for kind in ("constant", "linear", "plateau")
        for p in range(51)
    )


def test_plateau_equals_torch():
    torch_rate = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([torch_rate], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=3, threshold=0, eps=0)
    ours = Plateau(Schedule("plateau", wait=3, drop=0.1))
    generator = torch.Generator().manual_seed(0)
    for value in torch.rand(60, generator=generator).tolist():
        theirs.step(value)
        ours.observe(value)
        assert ours.factor == pytest.approx(optimizer.param_groups[0]["lr"])


def test_ema_follows_its_recursion_and_gives_the_weights_back():
    layer = nn.BatchNorm1d(2)
    ema, wanted = Ema(layer, 0.5), layer.weight.detach().clone()
    for step in range(1, 6):
        with torch.no_grad():
            layer.weight.add_(1)
            layer.num_batches_tracked.add_(1)
        ema.update(layer)
        decay = min(0.5, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * layer.weight.detach()
    torch.testing.assert_close(ema.shadow["weight"], wanted)
    with ema.applied(layer):
        torch.testing.assert_close(layer.weight.detach(), wanted)
        assert layer.num_batches_tracked == 5
    assert layer.weight.tolist() == [6, 6]
    with pytest.raises(ValueError, match=r"0\.999"):
        Ema(layer, 1.0)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "adamax"])
def test_every_optimiser_learns(name):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = make_optimizer(net, Optim(name, 0.02))
    x, y = torch.randn(64, 3), torch.randn(64, 2)
    first = (net(x) - y).square().mean()
    for _ in range(60):
        optimizer.zero_grad()
        loss = (net(x) - y).square().mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.98 * first


def test_decay_spares_biases_and_gains_and_rates_follow_prefixes():
    net = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    groups = parameter_groups(net, Optim("adamw", 0.1, weight_decay=0.5, rates=(("0.", 0.1),)))
    found = {(g["weight_decay"], round(g["lr"], 6)): len(g["params"]) for g in groups}
    assert found == {(0.5, 0.01): 1, (0.0, 0.01): 1, (0.0, 0.1): 3, (0.5, 0.1): 1}
    with pytest.raises(UserError, match="no parameter starts with"):
        parameter_groups(net, Optim(rates=(("body", 0.1),)))
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(UserError, match="no trainable"):
        parameter_groups(net, Optim())


def test_seeds_of_neighbours_are_unrelated():
    seeds = {mix(0, step) for step in range(1000)} | {mix(1, step) for step in range(1000)}
    assert len(seeds) == 2000
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_probe_decides_and_is_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "crowded", lambda: False)
    slow = {"fp32": 10.0, "fp32 last": 10.5, "bf16": 4.0, "bf16 last": 5.0}
    assert device.machine_for_cpu(slow, "auto").precision == "fp32"
    assert not device.machine_for_cpu(slow, "auto").channels_last
    assert device.machine_for_cpu(slow, "bf16").precision == "bf16"
    fast = slow | {"bf16 last": 25.0}
    chosen = device.machine_for_cpu(fast, "auto")
    assert (chosen.precision, chosen.channels_last) == ("bf16", True)
    assert "2.5x" in chosen.reason
    assert device.machine_for_cpu(fast, "fp32").reason == "float32 was asked for"
    assert device.machine_for_cpu(slow, "fp32").reason == "float32 is fastest here"
    first = device.probed(tmp_path)
    assert all(math.isfinite(v) and v > 0 for v in first.values())
    assert device.probed(tmp_path) == first


def test_a_probe_of_a_crowded_moment_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "crowded", lambda: True)
    first = device.probed(tmp_path)
    assert first and not list(tmp_path.iterdir())
    assert device.probed(tmp_path) == first  # but every run of this process computes alike


@pytest.mark.parametrize(
    ("word", "wanted"), [("gpu", "one of cpu"), ("cuda:99", "one of|cuda:0"), ("cpu", "")]
)
def test_devices_are_found_or_refused(word, wanted):
    if not wanted:
        assert device.find_device(word) == "cpu"
        return
    with pytest.raises(UserError, match=wanted):
        device.find_device(word)


def test_half_precision_on_a_cpu_is_refused():
    with pytest.raises(UserError, match="bf16"):
        device.choose("cpu", "fp16")
