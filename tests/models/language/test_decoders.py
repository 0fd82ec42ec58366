"""What every decoder promises: a text has the same logits however it comes, and sees no future."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from gradschool.models import catalogue
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2
from gradschool.nn.attention.experts import Experts
from gradschool.ops.switch import using

K = 13
CLOSE = 1e-5  # float32 logits of about 1; sums in another order differ by some 1e-6
MAKERS = {
    "gpt2": lambda: gpt2(K, 32, 24, 2, 4, dropout=0.0),
    "gpt": lambda: gpt(K, 2),
    "shared keys": lambda: gpt(K, 2, kv_heads=1, feed="relu2"),
    "tied": lambda: gpt(K, 2, tied=True),
    "experts": lambda: gpt(K, 1, feed="experts"),
    "grams": lambda: gpt(K, 1, grams=4),
}
SOME = settings(max_examples=6)


def awake(name):
    """A network whose layers all add something."""
    torch.manual_seed(0)
    net = MAKERS[name]()
    with torch.no_grad():
        for p in net.parameters():
            if not p.any():
                torch.nn.init.normal_(p, std=p.shape[-1] ** -0.5)
    return net.eval()


@pytest.fixture(scope="module", params=MAKERS)
def net(request):
    return awake(request.param)


def tokens(*shape, seed=0):
    return torch.randint(K, shape, generator=torch.Generator().manual_seed(seed))


def near(found, wanted, close=CLOSE):
    torch.testing.assert_close(found, wanted, rtol=0, atol=close)


def test_the_catalogue_finds_them():
    assert catalogue.find("gpt", "pieces") is gpt and catalogue.find("gpt2", "pieces") is gpt2


@SOME
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4), seed=st.integers(0, 99), data=st.data())
@torch.no_grad()
def test_alone_padded_cached_and_in_pieces_are_the_same(net, lengths, seed, data):
    n = max(lengths)
    texts = [tokens(1, length, seed=seed + i) for i, length in enumerate(lengths)]
    alone = [net(text)[0] for text in texts]
    # 1. One batch, padded on the left with any tokens.
    x = torch.cat([torch.cat([tokens(1, n - t.shape[1], seed=seed + 77), t], 1) for t in texts])
    valid = torch.arange(n) >= n - torch.tensor(lengths)[:, None]
    for row, wanted in zip(net(x, valid), alone, strict=True):
        near(row[n - len(wanted) :], wanted)
    # 2. The same in pieces, into a cache that has room for more.
    cache, found, before = net.cache(len(texts), n + 3), [], 0
    while before < n:
        size = data.draw(st.integers(1, n - before))
        found.append(net(x[:, before : before + size], valid[:, before : before + size], cache=cache))
        before += size
    for row, wanted in zip(torch.cat(found, 1), alone, strict=True):
        near(row[n - len(wanted) :], wanted)
    # 3. One text, token by token.
    cache = net.cache(1, n)
    steps = [net(texts[0][:, t : t + 1], cache=cache) for t in range(texts[0].shape[1])]
    near(torch.cat(steps, 1)[0], alone[0])


@SOME
@given(n=st.integers(2, 24), seed=st.integers(0, 99), data=st.data())
@torch.no_grad()
def test_a_changed_token_leaves_all_before_it_as_they_were_to_the_bit(net, n, seed, data):
    x, t = tokens(2, n, seed=seed), data.draw(st.integers(1, n - 1))
    other = x.clone()
    other[:, t] = (x[:, t] + 1) % K
    y, z = net(x), net(other)
    if any(isinstance(each, Experts) for each in net.modules()):
        near(y[:, :t], z[:, :t])  # an expert that gets another number of tokens multiplies in another order
    else:
        assert torch.equal(y[:, :t], z[:, :t])
    assert not torch.allclose(y[:, t], z[:, t])


def losses(net, rows, **given):
    logits = net(rows, **given)
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), rows[:, 1:].flatten(), reduction="none")


@SOME
@given(lengths=st.lists(st.integers(2, 7), min_size=1, max_size=4), seed=st.integers(0, 99))
@torch.no_grad()
def test_a_packed_row_has_the_losses_of_its_texts(net, lengths, seed):
    texts = [tokens(1, length, seed=seed + i) for i, length in enumerate(lengths)]
    row = torch.cat(texts, 1)
    number = torch.arange(len(texts)).repeat_interleave(torch.tensor(lengths))[None]
    inside = (number[:, 1:] == number[:, :-1]).flatten()  # the first token of a text is not predicted
    packed = losses(net, row, texts=number)[inside].double().mean()
    apart = torch.cat([losses(net, text) for text in texts]).double().mean()
    near(packed / apart, torch.ones_like(apart), 1e-6)  # a loss near 7 is off by 5e-7 where its last bit is


@torch.no_grad()
def test_both_forms_agree(net):
    x = tokens(2, 9)
    valid = torch.arange(9) >= torch.tensor([[0], [4]])
    fast = net(x, valid)
    with using("plain"):
        near(net(x, valid)[valid], fast[valid])


def test_gradients_reach_every_parameter(net):
    net.zero_grad()
    losses(net, tokens(8, 12)).mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    net.zero_grad()


def test_the_gradient_is_that_of_float64():
    for name in ("gpt2", "shared keys"):
        net = awake(name)
        losses(net, tokens(2, 8)).mean().backward()
        wide = awake(name).double()
        losses(wide, tokens(2, 8)).mean().backward()
        for p, q in zip(net.parameters(), wide.parameters(), strict=True):
            # float32 keeps 7 digits; sums over two layers lose one or two.
            torch.testing.assert_close(
                p.grad.double(), q.grad, rtol=1e-3, atol=1e-6 + 1e-4 * q.grad.abs().max()
            )


def test_a_new_gpt_predicts_every_token_alike():
    net, x = gpt(K, 2), tokens(4, 10)
    assert losses(net, x).mean().item() == pytest.approx(torch.tensor(float(K)).log().item(), rel=1e-6)
    loose, tied = (sum(p.numel() for p in gpt(K, 2, tied=each).parameters()) for each in (False, True))
    assert loose - tied == K * 128


@pytest.mark.parametrize("feed", ["swiglu", "relu2"])
def test_depth_is_the_one_dial(feed):
    sizes = []
    for depth in (2, 4):
        with torch.device("meta"):
            sizes.append(sum(p.numel() for p in gpt(K, depth, feed=feed).blocks.parameters()) / depth**3)
    # Four matrices of attention and eight of the feed-forward layer, 64^2 each, a block.
    assert sizes == pytest.approx([12 * 64**2] * 2, rel=0.05)


@pytest.mark.slow
def test_a_gpt_learns_to_repeat(unchecked):
    """The second half of a row is its first half: it takes two layers to look where the last one stood."""
    torch.manual_seed(0)
    net = gpt(K, 2)
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for step in range(150):
        half = tokens(32, 6, seed=step)
        x = torch.cat([half, half], 1)
        loss = losses(net, x).view(32, 11)[:, 6:].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 1.0, "far below the 2.56 nats of guessing"


REFUSED = {
    "shape": (lambda: gpt(K, 1)(tokens(3)), r"\(batch, steps\) tokens were wanted"),
    "context": (lambda: MAKERS["gpt2"]()(tokens(1, 33)), "33 steps, 32 or fewer"),
    "valid": (lambda: gpt(K, 1)(tokens(1, 3), torch.ones(1, 2).bool()), "valid has shape"),
    "packed": (lambda: full(texts=torch.zeros(1, 4, dtype=torch.int64)), "one text a row was wanted"),
    "full": (lambda: full(), "the cache is full"),
    "feed": (lambda: gpt(K, feed="glu"), "one of swiglu, relu2, experts was wanted"),
    "heads": (lambda: gpt(K, 4, kv_heads=3), "divides the one before"),
}  # fmt: skip


def full(**given):
    net = gpt(K, 1)
    return net(tokens(1, 4), cache=net.cache(1, 3), **given)


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_sentences(case):
    call, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        call()
