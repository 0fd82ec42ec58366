"""Linear attention against the table of its weights, step by step, by chunks; performers against softmax."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from gradschool.ops.attention import attend, performer
from gradschool.ops.attention import linear as ops

LAYERS = [ops.linear_attend.plain, ops.linear_attend.fast]


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def table(q, k, v, valid, causal):
    """The quadratic form: all n m weights, then their mean."""
    w = q @ k.transpose(-2, -1)
    if causal:
        w = w.tril()
    if valid is not None:
        w = w * valid[..., None, :]
    return (w / w.sum(-1, keepdim=True).clamp(min=1e-300)) @ v


@pytest.mark.parametrize("layer", LAYERS)
@given(n=st.sampled_from([1, 5, 64, 65, 130]), causal=st.booleans(), padded=st.booleans())
@settings(max_examples=12)
def test_sums_are_the_quadratic_form_in_value_and_gradient(layer, n, causal, padded):
    q, k, v = noise(2, 2, n, 3), noise(2, 2, n, 3, seed=1), noise(2, 2, n, 4, seed=2)
    valid = noise(2, 1, n, seed=3) > -0.3 if padded else None
    ours, wanted = (f(ops.elu_features(q), ops.elu_features(k), v, valid, causal) for f in (layer, table))
    torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-11)  # float64, sums of at most 130 terms
    up = noise(*ours.shape, seed=4).detach()
    ways = [torch.autograd.grad(y, (q, k, v), up) for y in (ours, wanted)]
    for one, other in zip(*ways, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("layer", LAYERS)
def test_more_keys_than_queries(layer):
    q, k, v = (x.abs() for x in (noise(2, 3, 5), noise(2, 7, 5, seed=1), noise(2, 7, 2, seed=2)))
    torch.testing.assert_close(layer(q, k, v), table(q, k, v, None, False))


def test_it_is_a_recurrent_network():
    q, k, v = noise(2, 6, 3).abs(), noise(2, 6, 3, seed=1).abs(), noise(2, 6, 4, seed=2)
    S, z, steps = torch.zeros(2, 3, 4, dtype=q.dtype), torch.zeros(2, 3, dtype=q.dtype), []
    for t in range(6):
        y, S, z = ops.linear_attend_step(q[:, t], k[:, t], v[:, t], S, z)
        steps.append(y)
    torch.testing.assert_close(torch.stack(steps, 1), ops.linear_attend(q, k, v, None, True))
    leaves = [x.detach().requires_grad_() for x in (q[:, 1], k[:, 1], v[:, 1], S, z)]
    assert gradcheck(ops.linear_attend_step, leaves)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("causal", [False, True])
def test_nothing_to_look_at_gives_zeros_whatever_is_padded(layer, causal):
    q, k, v = (noise(1, 4, 2, seed=s).detach().abs() for s in range(3))
    valid = torch.tensor([[False, False, True, True]])
    k[:, :2], v[:, :2] = torch.inf, torch.nan
    q.requires_grad_()
    y = layer(q, k, v, valid, causal)
    assert y.isfinite().all() and torch.autograd.grad(y.sum(), q)[0].isfinite().all()
    assert not causal or not y[:, :2].any()
    assert not layer(q, k, v, torch.zeros(1, 4, dtype=torch.bool), causal).any()


@pytest.mark.parametrize("layer", LAYERS)
def test_half_precision_is_summed_in_float32(layer):
    x = torch.ones(1, 4096, 1, dtype=torch.bfloat16)
    for causal in (False, True):
        y = layer(x, x, x, None, causal)
        assert y.dtype == torch.bfloat16 and (y == 1).all()


@pytest.mark.parametrize("layer", LAYERS)
def test_later_tokens_change_no_earlier_bit(layer):
    q, k, v = (noise(1, 70, 3, seed=s, dtype=torch.float32).detach().abs() for s in range(3))
    before = layer(q, k, v, None, True)
    for x in (q, k, v):
        x[:, 66:] += 100
    assert torch.equal(layer(q, k, v, None, True)[:, :66], before[:, :66])


def test_features_of_the_paper_and_refusals():
    x = torch.tensor([-1e4, -2.0, 0.0, 3.0])
    for form in (ops.elu_features.plain, ops.elu_features.fast):
        torch.testing.assert_close(form(x), torch.tensor([0, math.exp(-2), 1, 4]))
    x = torch.ones(1, 3, 2)
    for layer in LAYERS:
        with pytest.raises(ValueError, match="2 queries and 3 keys, equal numbers"):
            layer(x[:, :2], x, x, None, True)
        with pytest.raises(ValueError, match=r"valid has shape \(4,\)"):
            layer(x, x, x, torch.ones(4, dtype=torch.bool))


@pytest.mark.parametrize("orthogonal", [False, True])
def test_products_of_random_features_are_the_exponential_on_average(orthogonal):
    """The mean of thousands of draws lies within 5 of its own standard errors of exp(q·k / √d)."""
    d, draws = 4, 20_000
    for seed in range(4):
        q, k = (noise(1, d, seed=2 * seed + s).detach() for s in range(2))
        if orthogonal:
            w = torch.cat(
                [performer.random_directions(4, d, drawn(i), dtype=torch.float64) for i in range(500)]
            )
        else:
            w = performer.random_directions(draws, d, drawn(seed), False, torch.float64)
        one, other = ((performer.exponents(x, w)).exp()[0] for x in (q, k))
        product = (one * other).view(-1, 4).mean(1)  # within 4 at right angles they depend on each other
        error = product.std() / len(product) ** 0.5
        assert abs(product.mean() - math.exp((q @ k.T).item() / d**0.5)) < 5 * error
        features = [performer.positive_features(x, w) for x in (q, k)]
        torch.testing.assert_close((features[0] @ features[1].T).squeeze(), product.mean())


def test_right_angles_and_the_lengths_of_normal_vectors():
    w = performer.random_directions(10, 4, drawn(), dtype=torch.float64)
    assert w.shape == (10, 4)
    for block in (w[:4], w[4:8], w[8:]):
        product = block @ block.T
        torch.testing.assert_close(product, product.diagonal().diag(), rtol=0, atol=1e-12)
    many = torch.cat([performer.random_directions(4, 4, drawn(i)) for i in range(2000)])
    # 8,000 vectors: mean and covariance of a normal distribution, to 5 standard errors
    torch.testing.assert_close(many.mean(0), torch.zeros(4), rtol=0, atol=5 / 8000**0.5)
    torch.testing.assert_close(many.T @ many / 8000, torch.eye(4), rtol=0, atol=5 * (2 / 8000) ** 0.5)


def test_the_error_falls_with_the_number_of_features_and_with_right_angles():
    """Four times the features about halve it: a slope of -1/2 on logarithmic axes."""
    q, k, v = (0.5 * noise(4, 8, 8, seed=s).detach() for s in range(3))
    counts = [16, 64, 256, 1024]
    errors = [performer.feature_errors(q, k, v, counts, drawn(), flag) for flag in (False, True)]
    for found in errors:
        assert all(found[a] > 1.3 * found[b] for a, b in itertools.pairwise(counts))
        assert 4 < found[16] / found[1024] < 10  # 8 by the law; at 16 the error is no longer small
    assert sum(errors[1].values()) < sum(errors[0].values())
    assert errors[1][1024] < 0.08  # of the size of attention itself


@pytest.mark.parametrize("causal", [False, True])
def test_many_features_are_softmax_attention_and_the_gradient_is_right(causal):
    q, k, v = (0.4 * noise(1, 2, 5, 4, seed=s).detach() for s in range(3))
    w = performer.random_directions(16384, 4, drawn(), dtype=torch.float64)
    ours, wanted = performer.performer_attend(q, k, v, w, None, causal), attend(q, k, v, causal=causal)
    # 16,384 features: an error of less than one in a hundred of values of about 0.4
    torch.testing.assert_close(ours, wanted, rtol=0, atol=8e-3)
    leaves, few = [x[:, :1].clone().requires_grad_() for x in (q, k, v)], w[:6]
    valid = torch.tensor([False, True, True, False, True])
    assert gradcheck(performer.positive_features, (leaves[0], few.detach().requires_grad_()))
    assert gradcheck(lambda *x: performer.performer_attend(*x, few, valid, causal), leaves)
    features = [performer.positive_features(x, few) for x in (q, k)]
    torch.testing.assert_close(
        performer.performer_attend(q, k, v, few, valid, causal), table(*features, v, valid, causal)
    )


@pytest.mark.parametrize("causal", [False, True])
def test_long_vectors_do_not_overflow(causal):
    q, k, v = (30 * noise(1, 6, 64, seed=s, dtype=torch.float32).detach() for s in range(3))
    w = performer.random_directions(64, 64, drawn())
    y = performer.performer_attend(q, k, v, w, None, causal)
    assert y.isfinite().all()
    assert not performer.performer_attend(q, k, v, w, torch.zeros(1, 6, dtype=torch.bool), causal).any()
    if causal:  # a later key changes no earlier bit
        k[:, 5] /= 100
        assert torch.equal(performer.performer_attend(q, k, v, w, None, True)[:, :5], y[:, :5])
    low = performer.performer_attend(*(x.bfloat16() for x in (q, k, v, w)), None, causal)
    assert low.dtype == torch.bfloat16


def test_directions_that_do_not_fit_are_refused():
    x = torch.ones(1, 3, 4)
    with pytest.raises(ValueError, match=r"directions have shape \(5, 3\), one or more of 4"):
        performer.performer_attend.plain(x, x, x, torch.ones(5, 3))
    with pytest.raises(ValueError, match="r is 0 and d 4"):
        performer.random_directions(0, 4, drawn())
