"""Recurrent layers against torch.nn's with the same weights: layers, directions, states, lengths."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn as theirs

from gradschool import nn as ours
from gradschool.ops.switch import using

PEERS = ["RNN", "LSTM", "GRU"]
STACKS = [*PEERS, "MinGRU", "MinLSTM"]
ALL = [*STACKS, "StateSpace"]


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def given_state(name, rows, b, h, dtype=torch.float64):
    one = noise(rows, b, h, seed=1, dtype=dtype)
    return (one, noise(rows, b, h, seed=2, dtype=dtype)) if name == "LSTM" else one


def tensors(y, state):
    return [y, *(state if isinstance(state, tuple) else (state,))]


def total(found):
    return sum((each * torch.linspace(0.5, 1.5, each.numel(), dtype=each.dtype).view(each.shape)).sum()
               for each in found)  # fmt: skip


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("form", ["plain", "fast"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lengths", [None, (5, 1, 3)])
def test_equals_torchs_layer_with_all_gradients(name, form, layers, bidirectional, dtype, lengths):
    peer = getattr(theirs, name)(4, 3, layers, batch_first=True, bidirectional=bidirectional).to(dtype)
    mine = getattr(ours, name)(4, 3, layers, bidirectional).to(dtype)
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in peer.named_parameters()]
    mine.load_state_dict(peer.state_dict())
    x = noise(3, 5, 4, dtype=dtype)
    state = given_state(name, layers * (2 if bidirectional else 1), 3, 3, dtype)
    results = []
    for net in (mine, peer):
        leaf = x.clone().requires_grad_()
        if net is mine:
            with using(form):
                found = tensors(*net(leaf, state, None if lengths is None else torch.tensor(lengths)))
        elif lengths is None:
            found = tensors(*net(leaf, state))
        else:
            pack = theirs.utils.rnn.pack_padded_sequence(leaf, torch.tensor(lengths), True, False)
            y, last = net(pack, state)
            found = tensors(theirs.utils.rnn.pad_packed_sequence(y, True)[0], last)
        results.append([*found, *torch.autograd.grad(total(found), [leaf, *net.parameters()])])
    rtol = 1e-5 if dtype == torch.float32 else 1e-9
    torch.testing.assert_close(*results, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", PEERS)
def test_the_same_seed_draws_torchs_weights(name):
    torch.manual_seed(3)
    peer = getattr(theirs, name)(4, 3, 2, bidirectional=True)
    torch.manual_seed(3)
    mine = getattr(ours, name)(4, 3, 2, True)
    assert all(torch.equal(value, mine.state_dict()[key]) for key, value in peer.state_dict().items())


@settings(max_examples=40)
@given(
    b=st.integers(1, 3),
    t=st.integers(2, 8),
    layers=st.integers(1, 2),
    name=st.sampled_from(ALL),
    data=st.data(),
)
def test_a_sequence_in_pieces_is_the_whole(b, t, layers, name, data):
    cut = data.draw(st.integers(1, t - 1))
    torch.manual_seed(0)
    net, x = getattr(ours, name)(3, 4, layers).double(), noise(b, t, 3)
    y, last = net(x)
    first, state = net(x[:, :cut])
    second, end = net(x[:, cut:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), y, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(end, last, rtol=1e-9, atol=1e-10)


DIRECTIONS = [(name, both) for name in ALL for both in (False, True) if not (name == "StateSpace" and both)]


@pytest.mark.parametrize(("name", "bidirectional"), DIRECTIONS)
def test_a_short_sequence_in_a_batch_is_itself_alone(name, bidirectional):
    torch.manual_seed(0)
    more = {"bidirectional": True} if bidirectional else {}
    net, x, lengths = (
        getattr(ours, name)(3, 4, layers=2, **more).double(),
        noise(3, 6, 3),
        torch.tensor([2, 6, 4]),
    )
    y, state = net(x, lengths=lengths)
    for row, n in enumerate(lengths.tolist()):
        alone, last = net(x[row : row + 1, :n])
        torch.testing.assert_close(y[row, :n], alone[0], rtol=1e-9, atol=1e-10)
        assert y[row, n:].abs().sum() == 0
        for one, other in zip(tensors(y, state)[1:], tensors(alone, last)[1:], strict=True):
            torch.testing.assert_close(one[:, row], other[:, 0], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", STACKS)
def test_both_forms_of_all_stacks_agree(name):
    torch.manual_seed(0)
    net = getattr(ours, name)(3, 4, layers=2, bidirectional=True).double()
    x, state = noise(3, 6, 3), given_state(name, 4, 3, 4)
    found = []
    for form in ("plain", "fast"):
        with using(form):
            y = tensors(*net(x, state, torch.tensor([2, 6, 4])))
        found.append([*y, *torch.autograd.grad(total(y), list(net.parameters()))])
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", PEERS)
def test_layer_normalised_networks_ignore_the_scale_of_their_products(name):
    torch.manual_seed(0)
    net, x = getattr(ours, name)(3, 4, layers=2, norm=True).double(), noise(2, 5, 3)
    y, _ = net(x)
    assert not any("bias" in n for n, _ in net.named_parameters())
    with torch.no_grad():
        net.weight_ih_l0.mul_(1000)
        net.weight_hh_l1.mul_(1000)
    torch.testing.assert_close(net(x)[0], y, rtol=1e-2, atol=1e-2)  # eps counts at the smaller scale
    assert all(
        g is not None and g.any() for g in torch.autograd.grad(net(x)[0].sum(), list(net.parameters()))
    )


def test_a_forget_bias_is_the_sum_of_both_biases():
    for norm, word in ((False, "bias"), (True, "shift")):
        net = ours.LSTM(3, 4, layers=2, bidirectional=True, norm=norm, forget_bias=2.5)
        for end in ("_l0", "_l0_reverse", "_l1", "_l1_reverse"):
            both = [net.get_parameter(f"{word}_{part}{end}")[4:8] for part in ("ih", "hh")]
            assert (both[0] + both[1]).tolist() == [2.5] * 4


def test_dropout_is_between_layers_only_and_in_training_only():
    torch.manual_seed(0)
    net, x = ours.GRU(3, 200, layers=2, dropout=0.5), noise(2, 5, 3, dtype=torch.float32)
    assert not torch.equal(net(x)[0], net(x)[0])
    torch.manual_seed(0)
    assert (net(x)[0] != 0).all(), "the last layer's outputs are not silenced"
    assert torch.equal(net.eval()(x)[0], net(x)[0])
    one = ours.GRU(3, 4, dropout=0.9)
    assert torch.equal(one(x)[0], one(x)[0])


@pytest.mark.parametrize("name", ALL)
def test_bfloat16_autocast_keeps_the_state_in_float32(name):
    net, x = getattr(ours, name)(8, 16, layers=2), noise(2, 6, 8, dtype=torch.float32)
    wanted = net(x)[0]
    with torch.autocast("cpu", torch.bfloat16):
        y, state = net(x)
        net(x, state)
    torch.testing.assert_close(y.float(), wanted, rtol=0.1, atol=0.1)
    assert all(each.dtype == torch.float32 for each in tensors(y, state)[1:])
    y.float().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_a_convolutional_lstm_on_one_pixel_is_an_lstm():
    torch.manual_seed(0)
    net, peer = ours.ConvLSTM(3, 4, 1).double(), theirs.LSTM(3, 4, batch_first=True).double()
    with torch.no_grad():
        peer.weight_ih_l0.copy_(net.of_input.weight[..., 0, 0])
        peer.weight_hh_l0.copy_(net.of_state.weight[..., 0, 0])
        peer.bias_ih_l0.copy_(net.of_input.bias)
        peer.bias_hh_l0.zero_()
    x, h, c = noise(2, 5, 3), noise(1, 2, 4, seed=1), noise(1, 2, 4, seed=2)
    y, last = peer(x, (h, c))
    film, maps = net(x[..., None, None], (h[0, ..., None, None], c[0, ..., None, None]))
    torch.testing.assert_close(film[..., 0, 0], y)
    torch.testing.assert_close([m[..., 0, 0] for m in maps], [s[0] for s in last])


def test_a_convolutional_lstm_keeps_the_size_and_can_be_cut():
    torch.manual_seed(0)
    net, x = ours.ConvLSTM(2, 3).double(), noise(2, 6, 2, 5, 4)
    y, last = net(x)
    first, state = net(x[:, :2])
    second, end = net(x[:, 2:], state)
    assert y.shape == (2, 6, 3, 5, 4)
    torch.testing.assert_close(torch.cat([first, second], 1), y)
    torch.testing.assert_close(end, last)


REFUSED = {
    "features": (lambda: ours.GRU(3, 4)(torch.zeros(2, 5, 2)), r"\(batch, steps, 3\) was wanted"),
    "axes": (lambda: ours.StateSpace(3, 4)(torch.zeros(5, 3)), r"\(batch, steps, 3\) was wanted"),
    "one state": (lambda: ours.LSTM(3, 4)(torch.zeros(2, 5, 3), torch.zeros(1, 2, 4)), r"2 x \(1, 2, 4\)"),
    "state": (lambda: ours.GRU(3, 4)(torch.zeros(2, 5, 3), torch.zeros(2, 2, 4)), r"1 x \(1, 2, 4\)"),
    "wide state": (lambda: ours.StateSpace(3, 4)(torch.zeros(2, 5, 3), torch.zeros(1, 2, 4)), "was wanted"),
    "hidden": (lambda: ours.RNN(3, 0), "hidden is 0"),
    "dropout": (lambda: ours.MinGRU(3, 4, dropout=1.5), "a probability"),
    "kernel": (lambda: ours.ConvLSTM(3, 4, 2), "an odd number"),
    "film": (lambda: ours.ConvLSTM(3, 4)(torch.zeros(2, 3, 5, 5)), r"\(batch, steps, 3, height, width\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_sentences(case):
    call, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        call()
