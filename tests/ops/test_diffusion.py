"""Noise schedules, the forward process, samplers and flows against closed forms: of Gaussian data every
denoiser is known exactly, so samplers must land on the data's mean and spread.
"""

import math
from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.ops import diffusion as ops
from gradschool.ops import edm, flow
from gradschool.ops.sampling import SAMPLERS, ddim_step, ddpm_step, dpm_step

MEAN, SPREAD = 0.7, 0.3  # of the one-dimensional data
levels = st.floats(1e-3, 0.999)
SCHEDULES = {"linear": ops.linear_betas, "cosine": ops.cosine_betas}


def pictures(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def exact(x, a):
    """E[x_0 | x] for data N(MEAN, SPREAD^2): precisions add."""
    prior, seen = 1 / SPREAD**2, a / (1 - a)
    return (prior * MEAN + seen * x / a**0.5) / (prior + seen)


def exact_velocity(x, t):
    """E[data - noise | x] at time t, by regression on x = (1 - t) noise + t data."""
    variance = (1 - t) ** 2 + (t * SPREAD) ** 2
    slope = (t * SPREAD**2 - (1 - t)) / variance
    return MEAN + slope * (x - t * MEAN)


def landed(path):
    """Mean and spread that an affine map gives to N(0, 1): its value at 0 and its slope."""
    *_, ends = path(torch.tensor([0.0, 1.0], dtype=torch.float64))
    return ends[0].item(), (ends[1] - ends[0]).item()


def sigma(half_log_snr):
    """Spread of the noise, sqrt(1 - a), where lambda = ln(sqrt(a) / sqrt(1 - a))."""
    return (1 + math.exp(2 * half_log_snr)) ** -0.5


def never():
    raise AssertionError("a sampler without fresh noise asked for some")


def grid(n):
    """Levels from nearly all noise to clean, as EDM spaces them."""
    return (1 / (1 + edm.karras_sigmas(n, 0.002, 80.0) ** 2)).tolist()


# Schedules.


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_runs_from_picture_to_noise(name):
    schedule = ops.NoiseSchedule(SCHEDULES[name](1000))
    a = schedule.alpha_bar
    assert len(schedule) == 1000 and (a.diff() < 0).all()
    assert a[0] > 0.999 and a[-1] < 1e-4
    torch.testing.assert_close(schedule.snr, a / (1 - a))
    slow, product = [], 1.0
    for beta in schedule.beta.tolist():
        product *= 1 - beta
        slow.append(product)
    torch.testing.assert_close(a, torch.tensor(slow, dtype=torch.float64), rtol=1e-12, atol=0)


def test_linear_has_the_papers_ends_and_scales():
    beta = ops.linear_betas(1000)
    assert beta[0] == pytest.approx(1e-4) and beta[-1] == pytest.approx(0.02)
    assert beta.diff().std() < 1e-12
    assert ops.linear_betas(250).sum().item() == pytest.approx(beta.sum().item())


def test_cosine_is_a_cosine():
    a = ops.NoiseSchedule(ops.cosine_betas(1000)).alpha_bar
    f = [math.cos((t / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(1001)]
    wanted = torch.tensor(f[1:-1], dtype=torch.float64) / f[0]
    torch.testing.assert_close(a[:-1], wanted, rtol=1e-9, atol=0)  # only the last beta is cut off


def test_times_of_levels_are_the_tables_read_backwards():
    schedule = ops.NoiseSchedule(ops.cosine_betas(100))
    for t in (0, 1, 50, 98, 99):
        assert schedule.time_of(schedule.alpha_bar[t].item()) == pytest.approx(t, abs=1e-6)
    between = schedule.time_of(float(schedule.alpha_bar[50:52].mean()))
    assert 50 < between < 51
    assert schedule.time_of(1.0) == 0 and schedule.time_of(1e-30) == 99


@pytest.mark.parametrize("steps", [1, 3, 7, 100])
def test_levels_rise_from_the_last_time_to_clean(steps):
    schedule = ops.NoiseSchedule(ops.linear_betas(100))
    chosen = schedule.levels(steps)
    assert len(chosen) == steps + 1 and chosen[-1] == 1.0
    assert chosen[0] == schedule.alpha_bar[-1]
    assert all(a < b for a, b in pairwise(chosen))


def test_at_stands_beside_pictures():
    schedule = ops.NoiseSchedule(ops.linear_betas(10))
    a = schedule.at(torch.tensor([0, 9]), 4)
    assert a.shape == (2, 1, 1, 1) and a.dtype == torch.float32
    assert a[1].item() == pytest.approx(schedule.alpha_bar[9].item(), rel=1e-6)


# The forward process and its posterior.


def test_a_jump_is_all_the_steps():
    """Mean and variance after t small steps, by recursion, equal those of one jump."""
    schedule = ops.NoiseSchedule(ops.linear_betas(50))
    scale, variance = 1.0, 0.0
    for beta, a in zip(schedule.beta.tolist(), schedule.alpha_bar.tolist(), strict=True):
        scale, variance = scale * (1 - beta) ** 0.5, (1 - beta) * variance + beta
        one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        assert ops.q_sample(one, zero, a).item() == pytest.approx(scale)
        assert ops.q_sample(zero, one, a).item() == pytest.approx(variance**0.5)


@given(a=levels, share=st.floats(0.01, 0.99))
def test_posterior_is_bayes_rule(a, share):
    """The product of N(x_{t-1}; sqrt(before) x0, 1 - before) and N(x; sqrt(alpha) x_{t-1}, beta), by
    completing the square."""
    before = a + share * (1 - a)
    x0, x = pictures(0, 5), pictures(1, 5)
    alpha, beta = a / before, 1 - a / before
    precision = 1 / (1 - before) + alpha / beta
    mean, variance = ops.posterior(x0, x, a, before)
    assert variance == pytest.approx(1 / precision, rel=1e-6)
    wanted = (before**0.5 * x0 / (1 - before) + alpha**0.5 * x / beta) / precision
    torch.testing.assert_close(mean, wanted, rtol=1e-6, atol=1e-8)


def test_posterior_for_whole_batches():
    x0, x = pictures(0, 3, 1, 2, 2), pictures(1, 3, 1, 2, 2)
    a = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64).view(3, 1, 1, 1)
    mean, variance = ops.posterior(x0, x, a, a + 0.05)
    for i in range(3):
        one, spread = ops.posterior(x0[i], x[i], a[i].item(), a[i].item() + 0.05)
        torch.testing.assert_close(mean[i], one)
        assert variance[i].item() == pytest.approx(spread)


@given(a=levels, predicts=st.sampled_from(["noise", "clean", "v"]))
def test_predictions_are_three_names_of_one_thing(a, predicts):
    x0, noise = pictures(0, 4, 3), pictures(1, 4, 3)
    x = ops.q_sample(x0, noise, a)
    out = ops.target(x0, noise, a, predicts)
    torch.testing.assert_close(ops.to_clean(out, x, a, predicts), x0, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(ops.to_noise(x0, x, a), noise, rtol=1e-6, atol=1e-9)


def test_v_is_the_velocity_on_the_circle():
    x0, noise = pictures(0, 6), pictures(1, 6)
    angle, h = 0.9, 1e-6
    ahead, behind = (ops.q_sample(x0, noise, math.cos(angle + s) ** 2) for s in (h, -h))
    slope = (ahead - behind) / (2 * h)
    torch.testing.assert_close(ops.target(x0, noise, math.cos(angle) ** 2, "v"), slope, rtol=1e-7, atol=1e-8)


@given(a=levels, predicts=st.sampled_from(["noise", "v"]))
def test_min_snr_weights_weigh_the_same_error(a, predicts):
    """The weighted error is the same in whatever terms it is measured."""
    x0, noise, wrong = pictures(0, 5), pictures(1, 5), pictures(2, 5)
    x = ops.q_sample(x0, noise, a)
    out = ops.target(x0, noise, a, predicts) + wrong
    error = (ops.to_clean(out, x, a, predicts) - x0).square().sum()
    snr = torch.tensor([a / (1 - a)], dtype=torch.float64)
    here = ops.min_snr_weight(snr, 5.0, predicts) * wrong.square().sum()
    torch.testing.assert_close(here, ops.min_snr_weight(snr, 5.0, "clean") * error, rtol=1e-6, atol=0)


def test_min_snr_is_cut_off():
    snr = torch.tensor([0.5, 5.0, 50.0])
    torch.testing.assert_close(ops.min_snr_weight(snr, 5.0, "clean"), torch.tensor([0.5, 5.0, 5.0]))
    torch.testing.assert_close(ops.min_snr_weight(snr, 5.0, "noise"), torch.tensor([1.0, 1.0, 0.1]))


def test_guidance_between_and_beyond():
    told, untold = pictures(0, 4), pictures(1, 4)
    assert torch.equal(ops.guide(told, untold, 0.0), untold)
    torch.testing.assert_close(ops.guide(told, untold, 1.0), told)
    torch.testing.assert_close(ops.guide(told, untold, 3.0), 3 * told - 2 * untold)


def test_times_become_waves():
    t = torch.tensor([0.0, 1.0, 999.0])
    waves = ops.time_embedding(t, 8)
    for row, time in zip(waves.double(), t.tolist(), strict=True):
        angles = [time / 10_000 ** (i / 4) for i in range(4)]
        wanted = [math.sin(v) for v in angles] + [math.cos(v) for v in angles]
        torch.testing.assert_close(row, torch.tensor(wanted, dtype=torch.float64), rtol=0, atol=1e-4)


# Steps.


def test_ddpm_with_ddims_noise_is_the_posterior():
    """eta = 1 is the posterior of Ho et al.: both steps agree, noise by noise."""
    x, x0, noise = pictures(0, 5), pictures(1, 5), pictures(2, 5)
    ours = ddpm_step(x, x0, 0.2, 0.3, noise)
    torch.testing.assert_close(ddim_step(x, x0, 0.2, 0.3, noise, eta=1.0), ours, rtol=1e-9, atol=1e-12)


def test_the_last_step_is_the_clean_picture():
    x, x0, noise = pictures(0, 5), pictures(1, 5), pictures(2, 5)
    torch.testing.assert_close(ddpm_step(x, x0, 0.9, 1.0, noise), x0)
    torch.testing.assert_close(ddim_step(x, x0, 0.9, 1.0), x0)


def test_dpm_step_is_exact_where_the_picture_moves_evenly():
    """For a predicted picture that is linear in lambda the integral is elementary; 2M leaves a third-order
    error, so an eighth remains at half the step."""

    def miss(h):
        now = 0.2
        then, before = now + h, now - h
        x, slope, x0 = 0.4, 0.5, 0.8
        # x(then) = sigma_then/sigma_now x + sigma_then * int e^l x0(l) dl, x0(l) = x0 + slope (l - now)
        integral = math.exp(then) * (x0 + slope * h - slope) - math.exp(now) * (x0 - slope)
        wanted = sigma(then) / sigma(now) * x + sigma(then) * integral
        one = torch.ones(1, dtype=torch.float64)
        after = 1 / (1 + math.exp(-2 * then))
        ours = dpm_step(x * one, x0 * one, (x0 - slope * h) * one, (before, now, then), after)
        return abs(ours.item() - wanted)

    assert miss(0.1) < 1e-3
    assert miss(0.1) / miss(0.05) == pytest.approx(8, rel=0.1)


def test_edm_keeps_unit_variance():
    sigma_data = 0.5
    sigma = torch.tensor([0.002, 0.1, 0.5, 3.0, 80.0], dtype=torch.float64)
    c_skip, c_out, c_in, c_noise = edm.edm_scalings(sigma, sigma_data)
    torch.testing.assert_close(c_in**2 * (sigma_data**2 + sigma**2), torch.ones_like(sigma))
    # The target of the network, (x_0 - c_skip x) / c_out, has unit variance: eq. 138 of the paper.
    variance = ((1 - c_skip) ** 2 * sigma_data**2 + (c_skip * sigma) ** 2) / c_out**2
    torch.testing.assert_close(variance, torch.ones_like(sigma))
    torch.testing.assert_close(edm.edm_weight(sigma, sigma_data) * c_out**2, torch.ones_like(sigma))
    torch.testing.assert_close(c_noise, sigma.log() / 4)


def test_karras_sigmas():
    sigmas = edm.karras_sigmas(18, 0.002, 80.0)
    assert len(sigmas) == 19 and sigmas[-1] == 0 and (sigmas.diff() < 0).all()
    assert sigmas[0] == pytest.approx(80) and sigmas[17] == pytest.approx(0.002)
    even = edm.karras_sigmas(5, 1.0, 5.0, rho=1.0)
    torch.testing.assert_close(even, torch.tensor([5.0, 4, 3, 2, 1, 0], dtype=torch.float64))


# Whole samplers on data whose denoiser is known.


@pytest.mark.parametrize(
    ("name", "steps", "near"), [("ddim", 1000, 5e-3), ("heun", 36, 5e-3), ("dpm", 40, 5e-3)]
)
def test_deterministic_samplers_land_on_the_data(name, steps, near):
    mean, spread = landed(lambda x: SAMPLERS[name](exact, x, grid(steps), never))
    assert mean == pytest.approx(MEAN, abs=near) and spread == pytest.approx(SPREAD, abs=near)


@pytest.mark.parametrize(("name", "order"), [("ddim", 1), ("heun", 2), ("dpm", 2)])
def test_samplers_are_of_their_order(name, order):
    """Twice the steps, an error 2^order times smaller. The noise range is short, or the first steps,
    whose error is not yet in its asymptotic regime, would hide it."""
    sigma_high, sigma_low = 3.0, 0.3

    def error(n):
        sigmas = torch.linspace(math.log(sigma_high), math.log(sigma_low), n + 1).exp().double()
        chosen = (1 / (1 + sigmas**2)).tolist()
        _, slope = landed(lambda x: SAMPLERS[name](exact, x, chosen, never))
        # The exact flow scales x - sqrt(a) MEAN by the ratio of the marginal spreads.
        spreads = [(a * SPREAD**2 + 1 - a) ** 0.5 for a in (chosen[0], chosen[-1])]
        return abs(slope - spreads[1] / spreads[0])

    assert error(40) / error(80) == pytest.approx(2**order, rel=0.15)


@pytest.mark.long
def test_ancestral_sampling_lands_on_the_data():
    """100,000 walks: standard errors 0.001 (mean) and 0.0007 (spread); a thousand steps leave about 0.005."""
    n, generator = 100_000, torch.Generator().manual_seed(0)
    fresh = partial(torch.randn, n, generator=generator, dtype=torch.float64)
    chosen = ops.NoiseSchedule(ops.linear_betas(500)).levels(500)
    *_, ends = SAMPLERS["ddpm"](exact, fresh(), chosen, fresh)
    assert ends.mean().item() == pytest.approx(MEAN, abs=0.01)
    assert ends.std().item() == pytest.approx(SPREAD, abs=0.01)


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_yield_every_step(name):
    x = pictures(0, 2, 1, 4, 4)
    path = list(SAMPLERS[name](exact, x, grid(5), lambda: pictures(1, 2, 1, 4, 4)))
    assert len(path) == 5 and all(step.shape == x.shape for step in path)


# Flows.


def test_a_line_has_one_velocity():
    noise, data = pictures(0, 3, 2), pictures(1, 3, 2)
    t = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)[:, None]
    x, v = flow.flow_pair(noise, data, t)
    torch.testing.assert_close(x[0], noise[0])
    torch.testing.assert_close(x[2], data[2])
    torch.testing.assert_close(x + (1 - t) * v, data)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2)])
def test_flows_land_on_the_data_at_their_order(method, order):
    def error(n):
        mean, spread = landed(lambda x: flow.integrate(exact_velocity, x, flow.even_times(n), method))
        assert mean == pytest.approx(MEAN, abs=0.05)
        return abs(spread - SPREAD)

    assert error(200) < 2e-2
    assert error(400) / error(800) == pytest.approx(2**order, rel=0.2)


def test_transport_costs_are_squared_distances():
    noise, data = pictures(0, 5, 1, 3, 3), pictures(1, 5, 1, 3, 3)
    wanted = torch.cdist(noise.flatten(1), data.flatten(1)) ** 2
    torch.testing.assert_close(flow.transport_costs(noise, data), wanted)
