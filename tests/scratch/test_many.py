"""Tables in the plane and the many small nets that learn them, against geometry, torch and differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.scratch.backpropagation.descent import Adam
from gradschool.scratch.backpropagation.gradcheck import check_gradient
from gradschool.scratch.neurons.many import PLAIN, SHORTCUTS, Nets, all_right, gradients, train, viewed
from gradschool.scratch.neurons.plane import fractal_cross, polar, twin_spirals

FLOAT32 = {"rtol": 1e-4, "atol": 1e-6}  # sums of some ten float32 products


def test_spirals_are_those_of_the_benchmark():
    x, labels = twin_spirals()
    # Lang and Witbrock's loop, written out.
    for i in range(97):
        angle, radius = i * np.pi / 16, 6.5 * (104 - i) / 104
        np.testing.assert_allclose(x[2 * i], [radius * np.sin(angle), radius * np.cos(angle)], atol=1e-12)
    np.testing.assert_allclose(x[1::2], -x[::2])
    assert labels.sum() == 97
    assert len(x) == 194


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 5), st.integers(2, 60))
def test_spirals_never_meet_and_shrink(turns, points):
    x, labels = twin_spirals(turns, points)
    assert x.shape == (2 * points, 2)
    radius = polar(x)[labels == 1, 0]
    np.testing.assert_allclose(radius[[0, -1]], [6.5, 0.5], rtol=1e-12)
    assert (np.diff(radius) < 0).all()
    assert len(np.unique(x.round(9), axis=0)) == 2 * points


@pytest.mark.parametrize("levels", range(4))
def test_a_cross_keeps_five_parts_of_nine_at_each_level(levels):
    x, on = fractal_cross(levels, 27)
    assert on.sum() == 27**2 * 5**levels // 9**levels
    picture = on.reshape(27, 27)
    for same in (picture.T, picture[::-1], picture[:, ::-1]):
        np.testing.assert_array_equal(picture, same)
    assert abs(x).max() == pytest.approx(26 / 27)


def test_a_fractal_is_its_own_middle():
    whole = fractal_cross(1, 9)[1].reshape(9, 9)
    finer = fractal_cross(2, 27)[1].reshape(27, 27)
    np.testing.assert_array_equal(finer[9:18, 9:18], whole)
    np.testing.assert_array_equal(finer[:9, 9:18], whole)
    assert not finer[:9, :9].any()


def test_polar_coordinates_are_those_of_complex_numbers():
    x = np.random.default_rng(0).normal(size=(40, 2))
    z = x[:, 0] + 1j * x[:, 1]
    np.testing.assert_allclose(polar(x), np.stack([np.abs(z), np.angle(z)], 1), rtol=1e-12)


def torch_logits(form, weights, x):
    """The nets of a batch one after the other, by torch."""
    rows = []
    for run in range(len(weights[0])):
        h = seen = torch.tensor(x)
        for weight in (w[run] for w in weights):
            view = seen if form is SHORTCUTS else h
            z = view @ weight[:, 1:].T + weight[:, 0]
            h = z.tanh()
            seen = torch.cat([seen, h], 1)
        rows.append(z[:, 0])
    return torch.stack(rows)


@pytest.mark.parametrize("form", [PLAIN, SHORTCUTS])
@pytest.mark.parametrize("hidden", [(4,), (3, 5), (2, 3, 4)])
def test_gradients_of_all_nets_equal_torch(form, hidden):
    rng = np.random.default_rng(len(hidden))
    x, t = rng.normal(size=(7, 2)), rng.integers(0, 2, 7).astype(float)
    nets = Nets(form, hidden, weight_size=0.7)
    weights = nets.first(2, 3, rng)
    leaves = [torch.tensor(w, dtype=torch.float64, requires_grad=True) for w in weights]
    logits = torch_logits(form, leaves, x)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(t).expand(3, 7))
    (loss * 3).backward()
    np.testing.assert_allclose(form.forward(weights, viewed(x, 3))[-1][:, 0], logits.detach(), **FLOAT32)
    for got, leaf in zip(gradients(form, weights, x, t), leaves, strict=True):
        np.testing.assert_allclose(got, leaf.grad, **FLOAT32)
    right = ((logits > 0) == torch.tensor(t > 0.5)).all(1).numpy()
    np.testing.assert_array_equal(all_right(form, weights, x, t), right)
    assert nets.parameters(2) == sum(w[0].size for w in weights)


def test_shortcut_gradients_are_those_of_differences():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1, 3, 6))
    weights = [rng.normal(size=(1, 3, 3)), rng.normal(size=(1, 2, 6)), rng.normal(size=(1, 1, 8))]
    up = rng.normal(size=(1, 1, 6))
    views = SHORTCUTS.forward(weights, x)[:-1]
    claimed = SHORTCUTS.backward(weights, views, up)
    check = check_gradient(lambda *w: float((SHORTCUTS.forward(w, x)[-1] * up).sum()), claimed, weights)
    assert check.error < 1e-6


@settings(deadline=None, max_examples=10)
@given(st.floats(1e-3, 0.5), st.floats(0.0, 0.95), st.floats(0.5, 0.999), st.integers(0, 99))
def test_adam_is_torchs(rate, beta1, beta2, seed):
    rng = np.random.default_rng(seed)
    w = [rng.normal(size=(3, 2)), rng.normal(size=4)]
    leaves = [torch.tensor(part, requires_grad=True) for part in w]
    peer, adam = torch.optim.Adam(leaves, rate, (beta1, beta2)), Adam(rate, (beta1, beta2))
    for _ in range(4):
        g = [rng.normal(size=part.shape) for part in w]
        for leaf, grad in zip(leaves, g, strict=True):
            leaf.grad = torch.tensor(grad)
        peer.step()
        adam.step(w, g)
        for part, leaf in zip(w, leaves, strict=True):
            np.testing.assert_allclose(part, leaf.detach(), rtol=1e-9, atol=1e-12)


def test_who_is_done_leaves_and_the_others_go_on():
    x, t = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])
    nets = Nets(PLAIN, (3,), 0.5, 0.05, 4, 400, 10)
    epochs, weights = train(nets, x, t, 12, np.random.default_rng(0))
    np.testing.assert_array_equal(all_right(PLAIN, weights, x, t), epochs > 0)
    assert (epochs > 0).sum() >= 8
    assert set(epochs[epochs > 0] % 10) == {0}
    alone, _ = train(Nets(PLAIN, (3,), 0.5, 0.05, 4, 1, 10), x, t, 12, np.random.default_rng(0))
    assert (alone < 0).all()


def test_spirals_are_learned_by_shortcuts():
    x, t = twin_spirals(1, 33)
    epochs, _ = train(
        Nets(SHORTCUTS, (8, 8), 0.3, 0.02, 66, 1500, 25), x / 6.5, t, 4, np.random.default_rng(0)
    )
    assert (epochs > 0).all()


def test_batches_must_divide_the_table():
    with pytest.raises(ValueError, match="equal parts"):
        train(Nets(batch=10), *twin_spirals(), 2, np.random.default_rng(0))
