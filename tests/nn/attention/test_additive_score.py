"""A score is a linear function of what a decoder expects after a text's last token."""

import torch

from gradschool.models.language.gpt import gpt
from gradschool.nn.attention.score import Score


def test_a_score_begins_at_0_and_does_not_see_what_follows_the_text():
    torch.manual_seed(0)
    model = Score(gpt(9, depth=1), 9).eval()
    tokens, last = torch.randint(9, (3, 6)), torch.tensor([2, 5, 0])
    assert model(tokens, last).tolist() == [0.0, 0.0, 0.0]
    torch.nn.init.normal_(model.decoder.output.weight)
    torch.nn.init.normal_(model.head.weight)
    before = model(tokens, last)
    torch.testing.assert_close(before, model.head(model.decoder(tokens)[torch.arange(3), last])[:, 0])
    behind = torch.arange(6) > last[:, None]
    after = model(torch.where(behind, (tokens + 1) % 9, tokens), last)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-6)
