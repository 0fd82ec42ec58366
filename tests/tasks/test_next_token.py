"""The task of the next token: its loss and scores against torch's, over batches of unequal size."""

import pytest
import torch
from torch import nn

from gradschool.tasks.next_token import NextToken


class Table(nn.Module):
    """Logits by the last token alone."""

    def __init__(self, k=5):
        super().__init__()
        self.logits = nn.Parameter(torch.randn(k, k, generator=torch.Generator().manual_seed(0)))

    def forward(self, x):
        return self.logits[x[:, -1]]


def test_scores_are_means_over_tokens_not_over_batches():
    g = torch.Generator().manual_seed(1)
    x, y = torch.randint(5, (11, 3), generator=g), torch.randint(5, (11,), generator=g)
    task = NextToken(Table(), "test")
    with torch.no_grad():
        found = task.evaluate(iter([(x[:8], y[:8]), (x[8:], y[8:])]))
        wanted = nn.functional.cross_entropy(Table()(x), y).item()
        assert task.loss((x, y))["loss"].item() == pytest.approx(wanted, rel=1e-6)
    assert found == pytest.approx({"test_loss": wanted, "test_perplexity": 2.718281828**wanted}, rel=1e-6)


def test_a_step_goes_down_the_loss_of_its_one_part():
    task = NextToken(Table())
    batch = torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, dtype=torch.int64)
    told = task.step(batch, lambda part, batch, loss_of: {"part": part, **loss_of(batch)})
    assert told["part"] == "model" and told["loss"].requires_grad
