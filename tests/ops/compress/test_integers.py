"""Weights as whole numbers: bounds of the error in closed form, products against the dequantised weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.nn import Linear
from gradschool.nn.integers import IntegerLinear, bytes_of, to_integers
from gradschool.ops.compress.integers import (
    dequantise_weight,
    pack_int4,
    quantise_weight,
    quantised_linear,
    unpack_int4,
)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


shapes = st.tuples(st.integers(1, 5), st.sampled_from([1, 2, 3]), st.integers(1, 8))
bits = st.integers(2, 8)


@settings(max_examples=40)
@given(shape=shapes, bits=bits, seed=st.integers(0, 999), size=st.floats(1e-3, 1e3))
def test_no_weight_is_off_by_more_than_half_a_scale(shape, bits, seed, size):
    rows, groups, group = shape
    w = size * noise(rows, groups * group, seed=seed)
    codes, scale = quantise_weight(w, bits, group)
    assert codes.abs().max() <= 2 ** (bits - 1) - 1
    # The scale by hand: the largest of a group over the largest code.
    for o in range(rows):
        for g in range(groups):
            largest = max(abs(v) for v in w[o, g * group : (g + 1) * group].tolist())
            assert scale[o, g].item() == pytest.approx(largest / (2 ** (bits - 1) - 1))
    error = (dequantise_weight(codes, scale) - w).abs()
    assert (error <= scale.repeat_interleave(group, 1) / 2 * (1 + 1e-9)).all()
    # A second time nothing changes.
    again, _ = quantise_weight(dequantise_weight(codes, scale), bits, group)
    assert torch.equal(again, codes)


@settings(max_examples=40)
@given(shape=shapes, bits=bits, seed=st.integers(0, 999), batch=st.lists(st.integers(1, 3), max_size=2))
def test_a_product_is_that_of_the_dequantised_weights(shape, bits, seed, batch):
    rows, groups, group = shape
    w, x = noise(rows, groups * group, seed=seed), noise(*batch, groups * group, seed=seed + 1)
    codes, scale = quantise_weight(w, bits, group)
    wanted = torch.nn.functional.linear(x, dequantise_weight(codes, scale), noise(rows, seed=2))
    # float64: the same terms, multiplied by the scale after the sum.
    torch.testing.assert_close(quantised_linear(x, codes, scale, noise(rows, seed=2)), wanted)


@given(st.lists(st.tuples(st.integers(-8, 7), st.integers(-8, 7)), max_size=6))
def test_two_codes_to_a_byte(pairs):
    codes = torch.tensor([[v for pair in pairs for v in pair]] * 2, dtype=torch.int8).view(2, -1)
    packed = pack_int4(codes)
    assert packed.shape == (2, len(pairs)) and torch.equal(unpack_int4(packed), codes)
    assert packed[0].tolist() == [(low % 16) + 16 * (high % 16) for low, high in pairs]


def test_groups_and_bits_make_the_error_smaller():
    w = noise(32, 128)
    w[:, 0] = 20  # an outlier in every row spoils the scale of its whole row
    errors = [
        (dequantise_weight(*quantise_weight(w, *how)) - w).square().mean().item()
        for how in ((4, None), (4, 32), (8, None), (8, 32))
    ]
    assert errors == sorted(errors, reverse=True) and errors[1] < errors[0] / 2
    # Rounding errors are nearly uniform: a variance of scale^2 / 12.
    codes, scale = quantise_weight(noise(64, 512, seed=1), 8)
    error = dequantise_weight(codes, scale) - noise(64, 512, seed=1)
    assert error.square().mean().item() == pytest.approx((scale.square() / 12).mean().item(), rel=0.05)


def test_a_layer_of_integers_is_smaller_and_nearly_the_same():
    torch.manual_seed(0)
    layer, x = Linear(64, 48), torch.randn(5, 64)
    for bits, ratio, near in ((8, 0.30, 0.02), (4, 0.20, 0.3)):
        small = IntegerLinear(layer, bits, 32)
        assert bytes_of(small) < ratio * bytes_of(layer) and not list(small.parameters())
        assert (small(x) - layer(x)).abs().max() < near
        codes, scale = small.whole_numbers(), small.scale
        wanted = torch.nn.functional.linear(x, dequantise_weight(codes, scale), layer.bias)
        torch.testing.assert_close(small(x), wanted, atol=1e-5, rtol=1e-5)
        again = IntegerLinear(Linear(64, 48), bits, 32)
        again.load_state_dict(small.state_dict())
        assert torch.equal(again(x), small(x))


def test_shared_weights_stay_as_they_are():
    model = torch.nn.Sequential(torch.nn.Embedding(6, 4), Linear(4, 4), torch.nn.Linear(4, 6, bias=False))
    model[2].weight = model[0].weight
    to_integers(model)
    assert isinstance(model[1], IntegerLinear) and isinstance(model[2], torch.nn.Linear)
    assert model(torch.tensor([1])).shape == (1, 6)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: quantise_weight(noise(2, 6), 9), "bits is 9"),
        (lambda: quantise_weight(noise(2, 6), 8, 4), "group is 4, a divisor of the 6 inputs"),
        (lambda: pack_int4(torch.zeros(1, 3, dtype=torch.int8)), "even number"),
        (lambda: pack_int4(torch.tensor([[8, 0]], dtype=torch.int8)), "holds 8"),
        (lambda: IntegerLinear(Linear(4, 4), 3), "bits is 3, 4 or 8"),
        (lambda: quantised_linear(noise(3), *quantise_weight(noise(2, 6))), "6 numbers|did not pass"),
    ],
)
def test_what_does_not_fit_is_refused(call, sentence):
    with pytest.raises(Exception, match=sentence):
        call()
