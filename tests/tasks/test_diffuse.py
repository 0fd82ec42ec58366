"""Three ways to learn denoising: their losses against plain formulas, and what they make of known data."""

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import nn

from gradschool.ops.diffusion import NoiseSchedule, cosine_betas, linear_betas
from gradschool.tasks.diffuse import Ddpm, Edm, Flow, nearest_starts

MEAN, SPREAD = 0.4, 0.5  # of pictures whose pixels are independent Gaussians


def pictures(n, seed=0):
    return MEAN + SPREAD * torch.randn(n, 1, 2, 2, generator=torch.Generator().manual_seed(seed))


class Told(nn.Module):
    """Remembers how it was asked; answers 0, or 1 for pictures of class 0."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.asked = []

    def forward(self, x, time, y=None):
        self.asked.append((x, time, y))
        answer = torch.zeros_like(x) + self.weight
        return answer if y is None else answer + (y == 0).float().view(-1, 1, 1, 1)


class Wise(nn.Module):
    """The best answer there is for Gaussian pixels, in the terms of one task."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x, time, y=None):
        return self.answer(x, time.view(-1, 1, 1, 1))


def wise_clean(x, a):
    seen = a / (1 - a)
    return (MEAN / SPREAD**2 + seen * x / a**0.5) / (1 / SPREAD**2 + seen)


def wise_ddpm(schedule, predicts):
    def answer(x, clock):
        t = (clock * len(schedule) / 1000).round().long().flatten()
        a = schedule.at(t, 4)
        x0 = wise_clean(x, a)
        noise = (x - a**0.5 * x0) / (1 - a) ** 0.5
        return {"noise": noise, "clean": x0, "v": a**0.5 * noise - (1 - a) ** 0.5 * x0}[predicts]

    return Wise(answer)


def wise_edm(x, clock):
    sigma = (4 * clock / 1000).exp()
    scaled = x * (sigma**2 + 0.25) ** 0.5
    clean = (MEAN / SPREAD**2 + scaled / sigma**2) / (1 / SPREAD**2 + 1 / sigma**2)
    skip, out = 0.25 / (sigma**2 + 0.25), sigma * 0.5 / (sigma**2 + 0.25) ** 0.5
    return (clean - skip * scaled) / out


def wise_flow(x, clock):
    t = clock / 1000
    slope = (t * SPREAD**2 - (1 - t)) / ((1 - t) ** 2 + (t * SPREAD) ** 2)
    return MEAN + slope * (x - t * MEAN)


def tasks():
    schedule = NoiseSchedule(cosine_betas(100))
    made = {name: Ddpm(wise_ddpm(schedule, name), schedule, name) for name in ("noise", "clean", "v")}
    return made | {"edm": Edm(Wise(wise_edm)), "flow": Flow(Wise(wise_flow))}


@pytest.mark.parametrize("name", ["noise", "clean", "v", "edm", "flow"])
@pytest.mark.parametrize("a", [0.05, 0.5, 0.95])
def test_every_task_reads_its_network_alike(name, a):
    """The clean picture that the task reads out of the best network is the conditional mean; the DDPM's
    network knows whole times only, so the level is one of the table."""
    task = tasks()[name]
    if isinstance(task, Ddpm):
        table = task.schedule.alpha_bar
        a = table[(table - a).abs().argmin()].item()
    x = torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(task.clean(x, a), wise_clean(x, a), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["noise", "clean", "v", "edm", "flow"])
def test_the_loss_is_least_at_the_best_network(name):
    """An answer that is off by 0.1 everywhere costs 0.01 more, as far as 40,000 numbers can tell."""
    task, x = tasks()[name], pictures(10_000)
    torch.manual_seed(0)
    best = task.errors(x, None).mean()
    wise = task.parts["model"]
    task.parts["model"] = Wise(lambda x, clock: wise.answer(x, clock) + 0.1)
    torch.manual_seed(0)
    worse = task.errors(x, None).mean()
    assert (worse - best).item() == pytest.approx(0.01, abs=0.003)


def test_the_loss_of_a_silent_network_is_the_variance():
    x = pictures(20_000)
    schedule = NoiseSchedule(linear_betas(1000))
    torch.manual_seed(0)
    assert Ddpm(Told(), schedule).errors(x, None).mean().item() == pytest.approx(1, abs=0.02)
    square = MEAN**2 + SPREAD**2
    clean = Ddpm(Told(), schedule, "clean").errors(x, None).mean().item()
    assert clean == pytest.approx(square, abs=0.02)
    assert Flow(Told()).errors(x, None).mean().item() == pytest.approx(1 + square, abs=0.03)


def test_min_snr_weighs_by_the_time():
    x, schedule = pictures(50_000), NoiseSchedule(linear_betas(10))
    torch.manual_seed(0)
    found = Ddpm(Told(), schedule, "clean", min_snr=5.0).errors(x, None).mean().item()
    wanted = (MEAN**2 + SPREAD**2) * schedule.snr.clamp(max=5).mean().item()
    assert found == pytest.approx(wanted, rel=0.03)


def test_classes_are_hidden_as_often_as_said():
    task = Ddpm(Told(), NoiseSchedule(linear_betas(10)), classes=3, drop=0.25)
    torch.manual_seed(0)
    told = task.told(torch.zeros(20_000, dtype=torch.int64))
    assert set(told.tolist()) == {0, 3}
    assert (told == 3).float().mean().item() == pytest.approx(0.25, abs=0.015)
    assert Ddpm(Told(), task.schedule).told(torch.zeros(4, dtype=torch.int64)) is None


def test_guidance_goes_on_where_the_class_points():
    model = Told()
    task = Flow(model, classes=3)
    x, y = torch.zeros(2, 1, 2, 2), torch.tensor([0, 1])
    v = task.velocity(x, 0.5, y, guidance=3.0)
    assert v[0].mean().item() == 3 and v[1].mean().item() == 0
    asked = model.asked[-1]
    assert asked[2].tolist() == [0, 1, 3, 3] and len(model.asked) == 1
    assert task.velocity(x, 0.5, y, guidance=1.0)[0].mean().item() == 1
    assert model.asked[-1][1].tolist() == [500, 500]


def test_a_look_is_the_same_every_time_and_leaves_the_generator_alone():
    task = Ddpm(Told(), NoiseSchedule(linear_betas(10)), held_out="test")
    batches = [(pictures(8), torch.zeros(8, dtype=torch.int64))]
    torch.manual_seed(5)
    first = task.evaluate(iter(batches))
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))
    assert first == task.evaluate(iter(batches)) and set(first) == {"test_loss"}


def test_transport_pairs_are_the_cheapest():
    noise, data = pictures(6, 1), pictures(6, 2)
    paired = nearest_starts(noise, data)
    costs = torch.cdist(noise.flatten(1), data.flatten(1)) ** 2
    wanted = costs[linear_sum_assignment(costs.numpy())].sum()
    torch.testing.assert_close((paired - data).square().sum(), wanted)
    assert sorted(paired.flatten(1).sum(1).tolist()) == pytest.approx(
        sorted(noise.flatten(1).sum(1).tolist())
    )
    assert nearest_starts(data.flip(0), data).equal(data)
