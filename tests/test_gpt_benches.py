"""The benches of language models in miniature: the peer is what its source describes, rows are in order."""

import os
from pathlib import Path

import pytest
import torch

from bench import gpt as table
from bench import nanogpt
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2

PACK = Path(os.environ.get("GRADSCHOOL_DATA", "")) / "text" / "tinyshakespeare.txt"
KINDS = 65


def size(net):
    return sum(p.numel() for p in net.parameters())


def test_both_sides_have_as_many_weights():
    peer = nanogpt.Peer(KINDS)
    ours = gpt(KINDS, nanogpt.LAYERS, width=nanogpt.WIDTH, feed="relu2")
    assert size(ours) == pytest.approx(size(peer), rel=0.01)
    assert size(peer) == 4 * 12 * 128**2 + (KINDS + 64) * 128 + 9 * 128


def test_the_peer_is_a_gpt2_without_biases():
    torch.manual_seed(0)
    peer, like = nanogpt.Peer(KINDS).eval(), gpt2(KINDS, 64, 128, 4, 4, dropout=0.0).eval()
    state = {name: torch.zeros_like(value) for name, value in like.state_dict().items()}
    state |= {name: value for name, value in peer.state_dict().items() if name in state}
    state["logits.weight"] = state["tokens.weight"]
    for i, block in enumerate(peer.blocks):
        own = f"blocks.{i}."
        rows = block.attend.weight.chunk(3)
        for part, weight in zip(("query", "key", "value"), rows, strict=True):
            state[f"{own}attention.layer.{part}.weight"] = weight
        state[f"{own}attention.layer.output.weight"] = block.join.weight
        state[f"{own}attention.norm.weight"] = state[f"{own}feed.norm.weight"] = torch.ones(128)
        state[f"{own}feed.layer.widen.weight"] = block.widen.weight
        state[f"{own}feed.layer.output.weight"] = block.narrow.weight
    like.load_state_dict(state)
    x = torch.randint(KINDS, (2, 20), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(peer(x), like(x), rtol=1e-3, atol=1e-3)  # their GELUs differ a little


def test_the_peers_rate_rises_and_falls_to_a_tenth():
    rates = [nanogpt.peer_rate(step, 2000) for step in range(2001)]
    assert max(rates) == rates[100] == 1e-3 and rates[2000] == pytest.approx(1e-4)
    assert rates[0] < 2e-5 and rates[100:] == sorted(rates[100:], reverse=True)


def test_n_gram_models_come_first():
    model = {"nats": {"median": 1.4}, "mixed": {"median": 1.3}, "mixtures": [{"beside": "7-gram"}]}
    found = table.rows({"baselines": {"1-gram": 3.3, "7-gram": 1.45}, "models": {"a_gpt": model}})
    assert found == [("1-gram", 3.3), ("7-gram", 1.45), ("a_gpt", 1.4), ("a_gpt and the 7-gram", 1.3)]


@pytest.mark.slow
@pytest.mark.skipif(not PACK.is_file(), reason="needs the data pack")
def test_both_sides_learn_in_turns():
    found = nanogpt.one(0, steps=20, ours=10)
    for side in ("ours", "peer"):
        assert 2.0 < found[side]["loss"] < 4.1 and found[side]["processor_seconds"] > 0
