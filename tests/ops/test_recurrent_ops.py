"""Recurrent ops against torch's own kernels: outputs, states and every gradient; lengths in three ways."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradschool.ops.sequence import lengths as masks
from gradschool.ops.sequence import recurrent as ops
from gradschool.ops.switch import using

KINDS = {"rnn": (nn.RNN, 1), "lstm": (nn.LSTM, 4), "gru": (nn.GRU, 3)}
CLOSE = {torch.float32: (1e-5, 1e-5), torch.float64: (1e-9, 1e-10)}  # sums of a few hundred terms


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def torchs(kind, d, h, dtype=torch.float64, bias=True):
    """torch's network and its weights as ours."""
    torch.manual_seed(0)
    net = KINDS[kind][0](d, h, batch_first=True, bias=bias).to(dtype)
    return net, ops.Weights(*net.parameters())


def pair(state, kind):
    return (state, state.flip(1)) if kind == "lstm" else state


def tensors(y, state):
    return [y, *(state if isinstance(state, tuple) else (state,))]


def slopes(found, leaves):
    """Gradients of a sum in which outputs and states have weights of their own."""
    total = sum((each * torch.linspace(0.5, 1.5, each.numel(), dtype=each.dtype).view(each.shape)).sum()
                for each in found)  # fmt: skip
    return torch.autograd.grad(total, leaves)


def packed(net, x, state, lengths, reverse=False):
    """torch's own way: packed sequences, with torch's reversed direction where that is asked for."""
    pack = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    own = tuple(each[None] for each in state) if isinstance(state, tuple) else state[None]
    if reverse:  # the second direction of a bidirectional network with the same weights in both
        both = type(net)(net.input_size, net.hidden_size, batch_first=True, bidirectional=True).to(x.dtype)
        own = tuple(each.repeat(2, 1, 1) for each in own) if isinstance(own, tuple) else own.repeat(2, 1, 1)
        names = {f"{n}{end}": p for n, p in net.named_parameters() for end in ("", "_reverse")}
        y, last = torch.func.functional_call(both, names, (pack, own))
    else:
        y, last = net(pack, own)
    y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    y = y[..., net.hidden_size :] if reverse else y
    return y, tuple(each[-1] for each in last) if isinstance(last, tuple) else last[-1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["plain", "fast"])
@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, (6, 1, 4)])
def test_sequences_equal_torchs_with_all_gradients(kind, form, dtype, reverse, lengths):
    net, weights = torchs(kind, 5, 4, dtype)
    x, h = noise(3, 6, 5, dtype=dtype), noise(3, 4, seed=1, dtype=dtype)
    lengths = torch.tensor(lengths or (6, 6, 6))
    wanted = tensors(*packed(net, x, pair(h, kind), lengths, reverse))
    given_lengths = None if lengths.min() == 6 else lengths
    op = getattr(ops, kind)
    with using(form):
        found = tensors(*op(x, pair(h, kind), weights, given_lengths, reverse))
    leaves = [x, h, *net.parameters()]
    for ours, theirs in zip(
        [*found, *slopes(found, leaves)], [*wanted, *slopes(wanted, leaves)], strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=CLOSE[dtype][0], atol=CLOSE[dtype][1])


@given(b=st.integers(1, 4), t=st.integers(1, 9), d=st.integers(1, 4), h=st.integers(1, 5),
       kind=st.sampled_from(sorted(KINDS)), reverse=st.booleans(), data=st.data())  # fmt: skip
def test_both_forms_agree_on_any_shape(b, t, d, h, kind, reverse, data):
    lengths = torch.tensor(data.draw(st.lists(st.integers(1, t), min_size=b, max_size=b)))
    _, weights = torchs(kind, d, h)
    op, x, state = getattr(ops, kind), noise(b, t, d), pair(noise(b, h, seed=1), kind)
    found = [tensors(*form(x, state, weights, lengths, reverse)) for form in (op.plain, op.fast)]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["plain", "fast"])
@pytest.mark.parametrize("bias", [False, True])
def test_a_step_equals_torchs_cell(kind, form, bias):
    cell = getattr(nn, f"{kind.upper()}Cell")(5, 4, bias=bias).double()
    x, h = noise(3, 5), noise(3, 4, seed=1)
    step = getattr(getattr(ops, f"{kind}_step"), form)
    found = step(x, pair(h, kind), ops.Weights(*cell.parameters()))
    torch.testing.assert_close(found, cell(x, pair(h, kind)), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_in_three_ways(kind):
    """Masked, packed, and each sequence alone at its own length: outputs and the state at the end."""
    net, weights = torchs(kind, 5, 4)
    x, h, lengths = noise(4, 7, 5), noise(4, 4, seed=1), torch.tensor([7, 2, 1, 5])
    op = getattr(ops, kind)
    by_mask = tensors(*op(x, pair(h, kind), weights, lengths))
    by_pack = tensors(*packed(net, x, pair(h, kind), lengths))
    for row, n in enumerate(lengths.tolist()):
        alone = tensors(*op(x[row : row + 1, :n], pair(h[row : row + 1], kind), weights))
        for one, masked in zip(alone, by_mask, strict=True):
            masked = masked[row : row + 1, :n] if masked.dim() == 3 else masked[row : row + 1]
            torch.testing.assert_close(one, masked, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(by_mask, by_pack, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["plain", "fast"])
def test_what_is_padded_changes_nothing(kind, form):
    _, weights = torchs(kind, 5, 4)
    x, h, lengths = noise(3, 6, 5), noise(3, 4, seed=1), torch.tensor([6, 2, 4])
    other = torch.where(masks.valid_steps(lengths, 6)[..., None], x, 100 * noise(3, 6, 5, seed=9))
    op = getattr(getattr(ops, kind), form)
    for one, same in zip(
        *(tensors(*op(z, pair(h, kind), weights, lengths)) for z in (x, other)), strict=True
    ):
        torch.testing.assert_close(one, same, rtol=1e-12, atol=1e-12)
    (slope,) = slopes(tensors(*op(x, pair(h, kind), weights, lengths)), [x])
    assert slope[1, 2:].abs().max() == 0 and slope[1, :2].abs().min() > 0


def test_the_normalised_lstm_is_the_papers():
    """Ba et al. 2016, supplement: written out for one step."""
    _, weights = torchs("lstm", 5, 4, bias=False)
    norms = [(noise(n, seed=i), noise(n, seed=i + 9)) for i, n in enumerate((16, 16, 4))]
    x, h, c = noise(3, 5), noise(3, 4, seed=1), noise(3, 4, seed=2)
    f = torch.nn.functional.layer_norm
    sums = f(h @ weights.hh.T, (16,), *norms[1]) + f(x @ weights.ih.T, (16,), *norms[0])
    i, forget, g, o = sums.chunk(4, 1)
    c_new = torch.sigmoid(forget) * c + torch.sigmoid(i) * torch.tanh(g)
    wanted = torch.sigmoid(o) * torch.tanh(f(c_new, (4,), *norms[2])), c_new
    normed = ops.Weights(weights.ih, weights.hh, None, None, *norms)
    torch.testing.assert_close(ops.lstm_step(x, (h, c), normed), wanted)
    torch.testing.assert_close(ops.lstm(x[:, None], (h, c), normed)[1], wanted)


def test_a_learners_cell_runs_in_sequences():
    _, weights = torchs("gru", 5, 4)
    x, h = noise(3, 6, 5), noise(3, 4)
    ops.gru_cell.mine = lambda u, v, h: h + 1
    try:
        y, last = ops.gru(x, h, weights)
        assert torch.equal(ops.gru_step(x[:, 0], h, weights), h + 1)
    finally:
        ops.gru_cell.mine = None
    torch.testing.assert_close(last, h + 6)
    torch.testing.assert_close(y[:, 2], h + 3)


@given(b=st.integers(1, 3), t=st.integers(1, 7), d=st.integers(1, 3), h=st.integers(1, 4))
def test_backpropagation_through_time_by_hand_is_autograds(b, t, d, h):
    _, weights = torchs("rnn", d, h)
    x, state = noise(b, t, d), noise(b, h, seed=1)
    y, _ = ops.rnn(x, state, weights)
    wanted = torch.autograd.grad((y**3).sum(), [x, state, weights.ih, weights.hh, weights.bias_ih])
    found = ops.bptt(x, state, y, 3 * y**2, weights)
    torch.testing.assert_close([found.x, found.state, found.ih, found.hh, found.bias], list(wanted))


def test_detaching_keeps_the_numbers_and_cuts_the_graph():
    h = noise(2, 3) * 2
    assert not ops.detach_state(h).requires_grad and torch.equal(ops.detach_state(h), h)
    both = ops.detach_state((h, h + 1))
    assert isinstance(both, tuple) and not any(each.requires_grad for each in both)


@given(b=st.integers(1, 4), t=st.integers(1, 6), data=st.data())
def test_masks_against_loops(b, t, data):
    lengths = torch.tensor(data.draw(st.lists(st.integers(1, t), min_size=b, max_size=b)))
    x = noise(b, t, 2).detach()
    rows = [x[i, :n] for i, n in enumerate(lengths.tolist())]
    torch.testing.assert_close(masks.mean_over_steps(x, lengths), torch.stack([r.mean(0) for r in rows]))
    torch.testing.assert_close(masks.max_over_steps(x, lengths), torch.stack([r.amax(0) for r in rows]))
    torch.testing.assert_close(masks.last_valid(x, lengths), torch.stack([r[-1] for r in rows]))
    torch.testing.assert_close(masks.masked_mean(x[..., 0], lengths), torch.cat(rows)[:, 0].mean())
    back = masks.reversed_steps(x, lengths)
    for i, row in enumerate(rows):
        assert torch.equal(back[i, : len(row)], row.flip(0)) and torch.equal(
            back[i, len(row) :], x[i, len(row) :]
        )
    assert torch.equal(masks.reversed_steps(back, lengths), x)


def test_padding_of_nan_stays_out_of_means_and_their_gradients():
    x, lengths = torch.full((2, 3, 1), torch.nan), torch.tensor([2, 1])
    x[0, :2] = x[1, :1] = 1.0
    x.requires_grad_()
    for pooled in (masks.mean_over_steps, masks.max_over_steps):
        assert pooled(x, lengths).tolist() == [[1.0], [1.0]]
        (slope,) = torch.autograd.grad(pooled(x, lengths).sum(), x)
        assert slope.isfinite().all() and slope[1, 1:].abs().max() == 0


X, H = torch.zeros(2, 3, 5), torch.zeros(2, 4)
REFUSED = {
    "axes": (X[0], H, None, r"\(batch, steps, features\) was wanted; one example"),
    "features": (X[..., :2], H, None, r"weight of the input has shape"),
    "state": (X, H[:1], None, r"the state has shape \(1, 4\), \(2, 4\) was wanted"),
    "no steps": (X[:, :0], H, None, "one step or more"),
    "too long": (X, H, (3, 4), "lengths holds 4"),
    "empty": (X, H, (3, 0), "lengths holds 0"),
    "too few": (X, H, (3,), r"lengths has shape \(1,\)"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("form", ["plain", "fast"])
def test_refusals_are_sentences(case, form):
    x, h, lengths, words = REFUSED[case]
    _, weights = torchs("gru", 5, 4, torch.float32)
    with pytest.raises(Exception, match=words):  # ValueError; the shape checks of the tests may come first
        getattr(ops.gru, form)(x, h, weights, None if lengths is None else torch.tensor(lengths))
