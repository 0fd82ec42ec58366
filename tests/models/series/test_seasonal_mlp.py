"""Networks that forecast: they start as the seasonal naive forecast, and do not care for the level."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.models import catalogue
from gradschool.nn.inputs import WrongInput
from gradschool.ops import switch

NAMES = sorted(catalogue.listing("history"))


def built(name, history=24, horizon=12, period=12):
    torch.manual_seed(0)
    return catalogue.find(name, "history")(history, horizon, period)


def trained(name, **shape):
    """With a last layer that is not zero any more."""
    model = built(name, **shape).eval()
    torch.nn.init.normal_(model.layers[-1].weight, std=0.1)
    return model


def pasts(history=24, seed=1):
    return torch.randn(4, history, generator=torch.Generator().manual_seed(seed))


def test_the_names_are_found():
    assert NAMES == ["seasonal_linear", "seasonal_mlp"]
    assert sum(p.numel() for p in built("seasonal_mlp").parameters()) == 24 * 256 + 256 + 256 * 12 + 12


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(0, 12), st.integers(1, 30))
def test_it_starts_as_the_seasonal_naive_forecast(name, period, more, horizon):
    x = pasts(period + more)
    model = built(name, period + more, horizon, period)
    wanted = x[:, -period:].repeat(1, 1 + horizon // period)[:, :horizon]
    assert torch.equal(model.eval()(x), wanted)


@pytest.mark.parametrize("name", NAMES)
def test_a_higher_level_gives_the_same_forecast_at_that_level(name):
    model, x = trained(name), pasts()
    torch.testing.assert_close(
        model(x + 7), model(x) + 7, rtol=0, atol=1e-5
    )  # rounding at seven times the size


@pytest.mark.parametrize("name", NAMES)
def test_layers_agree_and_every_weight_learns(name):
    model, x = trained(name), pasts()
    with switch.using("plain"):
        plain = model(x)
    torch.testing.assert_close(plain, model(x), rtol=0, atol=1e-5)  # float32 sums in another order
    model(x).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(4, 23), (24,), (4, 1, 24)])
def test_another_past_is_refused_in_a_sentence(name, shape):
    with pytest.raises(WrongInput, match=r"input has shape .*, \(batch, 24\) was wanted"):
        built(name)(torch.zeros(shape))
