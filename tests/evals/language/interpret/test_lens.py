"""The logit lens and the scores of heads on repeated tokens, each against the long way round."""

import math

import pytest
import torch

from gradschool.evals.language.interpret.inside import watched_heads
from gradschool.evals.language.interpret.lens import lens_of
from gradschool.evals.language.interpret.repeats import LEAST, repeats_of
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2

SENTENCE = [1, 5, 2, 8, 3]
NETS = {"gpt": lambda: gpt(9, depth=2, kv_heads=1), "gpt2": lambda: gpt2(9, 16, 32, 2, 2)}
ENDS = {"gpt": lambda net, h: net.output(net.norm(h)), "gpt2": lambda net, h: net.logits(net.norm(h))}


def stirred(name):
    torch.manual_seed(0)
    net = NETS[name]().eval()
    for p in net.parameters():
        p.data += 0.1 * torch.randn(p.shape)  # some begin with every layer adding nothing
    return net


@pytest.mark.parametrize("name", NETS)
@torch.no_grad()
def test_the_lens_applies_the_networks_own_last_layers_to_every_block(name):
    net, x = stirred(name), torch.tensor([SENTENCE])
    kept = []
    for block in net.blocks:
        block.register_forward_hook(lambda module, inputs, output: kept.append(output))
    whole = net(x)
    wanted = [torch.log_softmax(ENDS[name](net, h)[0], 1) for h in kept[:2]]
    found = lens_of(net, SENTENCE)
    torch.testing.assert_close(wanted[-1], torch.log_softmax(whole[0], 1))
    for block, logs in enumerate(wanted):
        assert found.best[block] == logs.argmax(1).tolist()
        assert found.sure[block] == pytest.approx(logs.amax(1).exp().tolist(), abs=1e-5)
        surprise = [-logs[i, token].item() for i, token in enumerate(SENTENCE[1:])]
        assert found.nats[block] == pytest.approx(sum(surprise) / 4, abs=1e-5)
    assert math.isnan(lens_of(net, [3]).nats[0])


@torch.no_grad()
def test_the_scores_of_heads_are_means_over_random_tokens_that_come_twice():
    net = stirred("gpt")
    found = repeats_of(net, 9, 11, torch.Generator().manual_seed(3))
    assert found.period == 5
    # The same texts, place by place.
    draw = torch.Generator().manual_seed(3)
    halves = [torch.randperm(9, generator=draw)[:5].tolist() for _ in range(16)]
    texts = torch.tensor([half + half for half in halves])
    with watched_heads() as layers:
        logits = net(texts)
    for layer, weights in enumerate(layers):
        for head in range(2):
            looks = [weights[t, head, i, i - 4].item() for t in range(16) for i in range(5, 10)]
            assert found.induction[layer][head] == pytest.approx(sum(looks) / len(looks), abs=1e-5)
            back = [weights[t, head, i, i - 1].item() for t in range(16) for i in range(1, 10)]
            assert found.previous[layer][head] == pytest.approx(sum(back) / len(back), abs=1e-5)
    assert found.chance == pytest.approx(sum(1 / (i + 1) for i in range(5, 10)) / 5, abs=1e-6)
    logs = torch.log_softmax(logits, 2)
    surprise = [[-logs[t, i, texts[t, i + 1]].item() for i in range(9)] for t in range(16)]
    assert found.first == pytest.approx(sum(sum(row[:4]) for row in surprise) / 64, abs=1e-5)
    assert found.second == pytest.approx(sum(sum(row[5:]) for row in surprise) / 64, abs=1e-5)


def test_too_few_tokens_or_places_have_no_scores():
    net, draw = stirred("gpt2"), torch.Generator()
    assert repeats_of(net, 9, 2 * LEAST - 1, draw) is None
    assert repeats_of(net, LEAST - 1, 16, draw) is None
