"""A decoder with a cache draws what it draws without one, alone and in a padded batch."""

import pytest
import torch

from gradschool.evals.language.stepping import CachedStep
from gradschool.models.language.gpt import gpt
from gradschool.ops.decoding.search import beam_search, decode

END = 0


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    net = gpt(12, depth=2, kv_heads=1).eval()
    for p in net.parameters():
        p.data += 0.1 * torch.randn(p.shape)  # it begins with every layer adding nothing
    return net


@torch.no_grad()
@pytest.mark.parametrize("beams", [1, 4])
def test_beam_search_with_a_cache(model, beams):
    prompt = torch.tensor([3, 7, 1])
    plain = beam_search(lambda tokens, rows: model(tokens)[:, -1], prompt, beams, 8, END)
    cached = beam_search(CachedStep(model, 11), prompt, beams, 8, END)
    assert [text.tokens for text in plain] == [text.tokens for text in cached]
    for a, b in zip(plain, cached, strict=True):
        assert a.score == pytest.approx(b.score, abs=1e-5)


@torch.no_grad()
def test_a_padded_batch_goes_on_as_each_text_alone(model):
    prompts = [[5], [3, 7, 1, 1], [2, 9]]
    tokens = torch.tensor([[END] * (4 - len(p)) + p for p in prompts])
    valid = torch.arange(4) >= torch.tensor([[4 - len(p)] for p in prompts])
    logits: list[torch.Tensor] = []

    def greedy(x, _):
        logits.append(x)
        return x.argmax(1)

    together = torch.stack([*decode(CachedStep(model, 10, valid), tokens, greedy, 6)], 1)
    found = torch.stack(logits, 1)
    for i, prompt in enumerate(prompts):
        whole = torch.tensor([prompt + together[i].tolist()])
        alone = model(whole)[0, len(prompt) - 1 : -1]
        torch.testing.assert_close(found[i], alone, atol=1e-5, rtol=1e-5)
        assert alone.argmax(1).tolist() == together[i].tolist()
