"""Looks inside a network: what they must agree with in the network itself, and what they must leave alone."""

import pytest
import torch

from gradschool.errors import UserError
from gradschool.evals.language.interpret.inside import (
    changed,
    logit_lens,
    patching_effects,
    recorded,
    watched_heads,
)
from gradschool.models.language.gpt import gpt
from gradschool.ops.attention.heads import attend_in_groups
from gradschool.ops.interpret.heads import induction_score

BLOCKS = ["blocks.0", "blocks.1"]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    net = gpt(9, depth=2, kv_heads=1).eval()
    for p in net.parameters():
        p.data += 0.1 * torch.randn(p.shape)  # it begins with every layer adding nothing
    return net


TOKENS = torch.tensor([[1, 5, 2, 8, 3], [4, 4, 0, 7, 6]])


@torch.no_grad()
def test_after_the_last_layer_the_lens_shows_the_models_own_logits(model):
    found = logit_lens(model, TOKENS, ["enter", *BLOCKS], lambda h: model.output(model.norm(h)))
    assert found.shape == (3, 2, 5, 9)
    torch.testing.assert_close(found[-1], model(TOKENS))
    # Before the first block a position knows its own token alone.
    assert torch.equal(found[0][1, 0], found[0][1, 1]) and not torch.equal(found[1][1, 0], found[1][1, 1])


@torch.no_grad()
def test_watched_weights_are_those_that_are_used(model):
    plain = model(TOKENS)
    with watched_heads() as weights, recorded(model, ["blocks.0.attention.layer.value"]) as values:
        assert torch.equal(model(TOKENS), plain), "watching changes nothing"
    assert attend_in_groups.mine is None and len(weights) == 2
    for each in weights:
        assert each.shape == (2, 2, 5, 5) and not each.triu(1).any()
        torch.testing.assert_close(each.sum(-1), torch.ones(2, 2, 5))
    # The first block again, with a query's weights by hand.
    layer, h = model.blocks[0].attention.layer, model.enter(model.tokens(TOKENS))
    with recorded(model, ["blocks.0.attention.layer"]) as given:
        model(TOKENS)
    v = values["blocks.0.attention.layer.value"]
    heads = torch.cat([weights[0][:, i] @ v for i in range(2)], -1)
    torch.testing.assert_close(layer.output(heads), given["blocks.0.attention.layer"], atol=1e-5, rtol=1e-4)
    assert h.shape == (2, 5, 128)


@torch.no_grad()
def test_a_change_lasts_as_long_as_its_block(model):
    plain = model(TOKENS)
    with changed(model, {"blocks.1": lambda h: 0 * h}):
        dead = model(TOKENS)
    torch.testing.assert_close(dead, model.output(model.norm(torch.zeros(2, 5, 128))))
    assert torch.equal(model(TOKENS), plain)
    with pytest.raises(UserError, match=r"no part 'blocks\.7'"), recorded(model, ["blocks.7"]):
        pass


@torch.no_grad()
def test_patching_repairs_where_the_difference_is(model):
    clean, corrupt = torch.tensor([[1, 5, 2, 8, 3]]), torch.tensor([[1, 6, 2, 8, 3]])
    score = lambda x: x[0, -1, 2] - x[0, -1, 4]  # noqa: E731
    found = patching_effects(model, clean, corrupt, ["enter", *BLOCKS], score)
    # What the texts have in common repairs nothing; the one token that differs repairs everything.
    torch.testing.assert_close(found[0], torch.tensor([0.0, 1, 0, 0, 0]), atol=1e-4, rtol=0)
    # Before the change nothing differs, at any layer; after the last block only the last position is read.
    assert (found[:, 0].abs() < 1e-4).all()
    torch.testing.assert_close(found[-1], torch.tensor([0.0, 0, 0, 0, 1]), atol=1e-4, rtol=0)
    with pytest.raises(UserError, match="same score"):
        patching_effects(model, clean, clean, BLOCKS, score)


@pytest.mark.slow
def test_a_network_that_learnt_to_repeat_has_induction_heads_in_its_second_layer():
    """Random tokens twice: two layers learn to look at what followed, one layer cannot."""
    losses, p = [], 8
    for depth in (1, 2):
        torch.manual_seed(0)
        model = gpt(16, depth=depth)
        optim = torch.optim.AdamW(model.parameters(), 3e-3)
        for _ in range(60):
            half = torch.rand(32, 16).argsort(1)[:, :p]
            x = torch.cat([half, half], 1)
            loss = torch.nn.functional.cross_entropy(model(x)[:, p:-1].flatten(0, 1), x[:, p + 1 :].flatten())
            optim.zero_grad()
            loss.backward()
            optim.step()
        losses.append(loss.item())
    half = torch.rand(64, 16).argsort(1)[:, :p]
    with torch.no_grad(), watched_heads() as weights:
        model(torch.cat([half, half], 1))
    assert losses[1] < 0.1 and losses[0] > 1
    first, second = (induction_score(each, p).max() for each in weights)
    assert second > 0.7 and second > first
