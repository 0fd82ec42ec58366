"""GPT-2 against torch's encoder layers of the same weights, and transformers where it is installed."""

import pytest
import torch
from torch import nn

from gradschool.models.language.gpt2 import from_transformers, gpt2

K, CONTEXT, WIDTH, DEPTH, HEADS = 31, 16, 24, 3, 4


def their_weights(seed=0):
    """Random weights under the names and in the shapes of transformers' files, Conv1D being (in, out)."""
    draw = torch.Generator().manual_seed(seed)

    def noise(*shape):
        return 0.3 * torch.randn(*shape, generator=draw)

    state = {"wte.weight": noise(K, WIDTH), "wpe.weight": noise(CONTEXT, WIDTH)}
    for i in range(DEPTH):
        for name, shape in (("attn.c_attn", (WIDTH, 3 * WIDTH)), ("attn.c_proj", (WIDTH, WIDTH)),
                            ("mlp.c_fc", (WIDTH, 4 * WIDTH)),
                            ("mlp.c_proj", (4 * WIDTH, WIDTH))):  # fmt: skip
            state |= {f"h.{i}.{name}.weight": noise(*shape), f"h.{i}.{name}.bias": noise(shape[1])}
        for name in ("ln_1", "ln_2"):
            state |= {f"h.{i}.{name}.weight": 1 + noise(WIDTH), f"h.{i}.{name}.bias": noise(WIDTH)}
    return state | {"ln_f.weight": 1 + noise(WIDTH), "ln_f.bias": noise(WIDTH)}


def ours(state):
    net = gpt2(K, CONTEXT, WIDTH, DEPTH, HEADS)
    net.load_state_dict(from_transformers(state))
    return net.eval()


def by_torch(state, x, valid=None, at=None):
    """GPT-2's equations with torch's own layers: pre-norm, GELU by tanh, a causal mask."""
    at = torch.arange(x.shape[1]) if at is None else at
    h = state["wte.weight"][x] + state["wpe.weight"][at]
    hidden = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    for i in range(DEPTH):
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, 0.0, lambda z: nn.functional.gelu(z, approximate="tanh"),
            batch_first=True, norm_first=True,
        )  # fmt: skip
        mine = {name.removeprefix(f"h.{i}."): value for name, value in state.items()}
        names = {"self_attn.in_proj_": "attn.c_attn.", "self_attn.out_proj.": "attn.c_proj.",
                 "linear1.": "mlp.c_fc.", "linear2.": "mlp.c_proj.",
                 "norm1.": "ln_1.", "norm2.": "ln_2."}  # fmt: skip
        layer.load_state_dict({
            their + kind: mine[name + kind].T if mine[name + kind].dim() == 2 else mine[name + kind]
            for their, name in names.items() for kind in ("weight", "bias")
        })  # fmt: skip
        h = layer(h, hidden, None if valid is None else ~valid)
    h = nn.functional.layer_norm(h, (WIDTH,), state["ln_f.weight"], state["ln_f.bias"])
    return h @ state["wte.weight"].T


def tokens(*shape):
    return torch.randint(K, shape, generator=torch.Generator().manual_seed(1))


def near(found, wanted):
    """Float32 logits of up to 10 after three layers, in another order of sums."""
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)


def test_it_is_torchs_layers_with_these_weights():
    state, x = their_weights(), tokens(2, 11)
    y = ours(state)(x)
    near(y, by_torch(state, x))
    assert y.abs().max() > 1
    net, prefixed = gpt2(K, CONTEXT, WIDTH, DEPTH, HEADS), {f"transformer.{k}": v for k, v in state.items()}
    net.load_state_dict(from_transformers(prefixed | {"lm_head.weight": state["wte.weight"]}))
    near(net.eval()(x), y)


def test_padding_on_the_right_is_a_mask_and_on_the_left_a_shift_of_positions():
    state, x = their_weights(), tokens(2, 11)
    right = torch.arange(11) < torch.tensor([[11], [6]])
    near(ours(state)(x, right)[right], by_torch(state, x, right)[right])
    left = right.flip(1)
    at = torch.stack([torch.arange(11), (torch.arange(11) - 5).clamp(min=0)])
    # torch's layer gives NaN where a token may look at nothing, so the padding may look at itself there.
    text = ours(state)(x, left)
    near(text[0], by_torch(state, x, at=at)[0])
    near(text[1, 5:], by_torch(state, x[1:, 5:])[0])


def test_published_sizes():
    with torch.device("meta"):
        for sizes, count in (
            ({}, 124_439_808),
            ({"width": 1024, "depth": 24, "heads": 16}, 354_823_168),
            ({"width": 1600, "depth": 48, "heads": 25}, 1_557_611_200),
        ):
            assert sum(p.numel() for p in gpt2(50257, **sizes).parameters()) == count


def test_it_begins_as_radford_et_al_say():
    torch.manual_seed(0)
    net = gpt2(500, depth=8, width=128, heads=4)
    assert net.tokens.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert net.blocks[3].feed.layer.output.weight.std().item() == pytest.approx(0.02 / 4, rel=0.05)
    assert not net.blocks[3].attention.layer.query.bias.any()


def test_it_is_transformers_gpt2():
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    config = transformers.GPT2Config(
        vocab_size=K, n_positions=CONTEXT, n_embd=WIDTH, n_layer=DEPTH, n_head=HEADS
    )
    torch.manual_seed(0)
    peer = transformers.GPT2LMHeadModel(config).eval()
    for p in peer.parameters():
        nn.init.normal_(p, std=0.3)
    net, x = ours(peer.state_dict()), tokens(2, 11)
    with torch.no_grad():
        near(net(x), peer(x).logits)
        for valid in (
            torch.arange(11) < torch.tensor([[11], [6]]),
            torch.arange(11) >= torch.tensor([[0], [5]]),
        ):
            at = (valid.cumsum(1) - 1).clamp(min=0)
            theirs = peer(x, attention_mask=valid.long(), position_ids=at).logits
            near(net(x, valid)[valid], theirs[valid])
