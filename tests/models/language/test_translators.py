"""Networks that read a text and write another: against torch.nn.Transformer, token by token, and padded."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gradschool.models import catalogue
from gradschool.models.language.seq2seq import seq2seq
from gradschool.models.language.transformer import transformer

sys.path.insert(0, str(Path(__file__).parents[2] / "nn/attention"))
import peers

SOURCES, TARGETS = 17, 19
MAKERS = {
    "transformer": lambda: transformer(SOURCES, TARGETS, 24, 2, 4, 0.0),
    "norms first": lambda: transformer(SOURCES, TARGETS, 24, 2, 4, 0.0, norm_first=True),
    "seq2seq": lambda: seq2seq(SOURCES, TARGETS, 8, 12, 0.0),
    "one vocabulary": lambda: transformer(TARGETS, TARGETS, 24, 2, 4, 0.0, norm_first=True, tied=True),
    "one vocabulary, seq2seq": lambda: seq2seq(TARGETS, TARGETS, 8, 12, 0.0, tied=True),
}
LENGTHS = torch.tensor([7, 3, 5])


@pytest.fixture(params=MAKERS)
def net(request):
    torch.manual_seed(0)
    return MAKERS[request.param]().double().eval()


def texts(b=3, m=7, n=6):
    draw = torch.Generator().manual_seed(1)
    return torch.randint(SOURCES, (b, m), generator=draw), torch.randint(TARGETS, (b, n), generator=draw)


@pytest.mark.parametrize("norm_first", [False, True])
def test_it_is_torchs_transformer_with_these_weights(norm_first):
    torch.manual_seed(0)
    more = {"dropout": 0.0, "batch_first": True, "norm_first": norm_first}
    # torch adds a norm at both ends, which the paper has not: it is left out where norms come after the sums.
    coders = {} if norm_first else {
        "custom_encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(24, 4, 96, **more), 2),
        "custom_decoder": nn.TransformerDecoder(nn.TransformerDecoderLayer(24, 4, 96, **more), 2),
    }  # fmt: skip
    peer = nn.Transformer(24, 4, 2, 2, 96, **more, **coders).double()
    for p in peer.parameters():
        nn.init.normal_(p, std=0.3)
    net, state = transformer(SOURCES, TARGETS, 24, 2, 4, 0.0, norm_first).double(), peer.state_dict()
    held = {}
    for i in range(2):
        held |= peers.under(f"encoder.{i}", peers.encoder_layer(state, f"encoder.layers.{i}."))
        held |= peers.under(f"decoder.{i}", peers.decoder_layer(state, f"decoder.layers.{i}."))
    if norm_first:
        held |= peers.under("read_norm", peers.norm(state, "encoder.norm"))
        held |= peers.under("write_norm", peers.norm(state, "decoder.norm"))
    missing = net.load_state_dict(held, strict=False)
    assert not missing.unexpected_keys
    assert missing.missing_keys == ["reads.weight", "writes.weight", "logits.weight"]
    source, target = texts()
    hidden = torch.arange(7) >= LENGTHS[:, None]
    wanted = peer(
        net.placed(net.reads, source, torch.arange(7)), net.placed(net.writes, target, torch.arange(6)),
        tgt_mask=~torch.ones(6, 6, dtype=torch.bool).tril(),
        src_key_padding_mask=hidden, memory_key_padding_mask=hidden,
    ) @ net.writes.weight.T  # fmt: skip
    torch.testing.assert_close(net(source, target, LENGTHS), wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("maker", [transformer, seq2seq])
def test_one_vocabulary_has_one_table(maker):
    tied, apart = maker(50, 50, tied=True), maker(50, 50)
    assert tied.reads.weight is tied.writes.weight and apart.reads.weight is not apart.writes.weight
    assert sum(p.shape == tied.writes.weight.shape for p in tied.parameters()) == 1
    with pytest.raises(ValueError, match="50 and 51"):
        maker(50, 51, tied=True)


@torch.no_grad()
def test_what_is_read_once_is_what_is_read_every_time():
    torch.manual_seed(0)
    net, source = MAKERS["transformer"]().double().eval(), texts()[0]
    memory = net.encode(source, LENGTHS)
    block = net.decoder[0]
    keys, values = block.read(memory.vectors)
    h = torch.randn(3, 6, 24, dtype=torch.float64)
    assert keys.shape == (3, 4, 7, 6) and torch.equal(block(h, memory.vectors), block(h, (keys, values)))


def test_the_catalogue_finds_them():
    assert catalogue.find("transformer", "sources") is transformer
    assert catalogue.find("seq2seq", "sources") is seq2seq


@torch.no_grad()
def test_a_text_in_a_batch_is_itself_alone(net):
    source, target = texts()
    y = net(source, target, LENGTHS)
    assert y.shape == (3, 6, TARGETS)
    alone = [net(source[i : i + 1, :m], target[i : i + 1]) for i, m in enumerate(LENGTHS.tolist())]
    torch.testing.assert_close(y, torch.cat(alone))


@torch.no_grad()
def test_token_by_token_is_all_at_once_also_after_rows_are_chosen(net):
    source, target = texts()
    y, memory = net(source, target, LENGTHS), net.encode(source, LENGTHS)
    state = net.state(memory, 6)
    first = net.decode(target[:, :2], memory, state)
    steps = [net.decode(target[:, t : t + 1], memory, state) for t in (2, 3)]
    torch.testing.assert_close(torch.cat([first, *steps], 1), y[:, :4])
    rows = torch.tensor([1, 1, 2, 0])
    state.choose(rows)
    later = net.decode(target[rows, 4:], memory.choose(rows), state)
    torch.testing.assert_close(later, y[rows, 4:])


@torch.no_grad()
def test_what_is_written_later_changes_nothing_before(net):
    source, target = texts()
    other = target.clone()
    other[:, 3] = (target[:, 3] + 1) % TARGETS
    assert torch.equal(net(source, other)[:, :3], net(source, target)[:, :3])
    source[:, 6] = (source[:, 6] + 1) % SOURCES
    assert not torch.allclose(net(source, other)[:, 0], net(source[:, :6], other)[:, 0])


def test_gradients_reach_every_parameter(net):
    source, target = texts()
    F.cross_entropy(net(source, target[:, :-1], LENGTHS).flatten(0, 1), target[:, 1:].flatten()).backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_weights_of_the_looks_are_kept():
    net, (source, target) = MAKERS["seq2seq"](), texts()
    net(source, target, LENGTHS)
    assert net.seen.shape == (3, 6, 7) and not net.seen[1, :, 3:].any()
    torch.testing.assert_close(net.seen.sum(2), torch.ones(3, 6))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["norms first", "seq2seq"])
def test_they_learn_to_reverse(name, unchecked):
    torch.manual_seed(0)
    net = MAKERS[name]()
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for step in range(250):
        x = torch.randint(1, 6, (32, 4), generator=torch.Generator().manual_seed(step))
        target = torch.cat([torch.zeros(32, 1, dtype=torch.int64), x.flip(1)], 1)
        loss = F.cross_entropy(net(x, target[:, :-1]).flatten(0, 1), target[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.5, "guessing costs 1.61"


@pytest.mark.parametrize("case", ["source", "target"])
def test_refusals_are_sentences(net, case):
    source, target = texts()
    with pytest.raises(ValueError, match=r"\(batch, steps\) tokens were wanted"):
        net(source[0] if case == "source" else source, target[0] if case == "target" else target)
