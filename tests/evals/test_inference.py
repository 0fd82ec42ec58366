"""Collecting logits: order, modes, flipping, precision."""

import pytest
import torch
from evals_nets import small_net
from torch import nn

from gradschool.evals.inference import collect, evaluating


def test_logits_come_back_in_order_with_modes_restored():
    model = small_net().train()
    model[1].eval()
    x, y = torch.randn(10, 3, 8, 8), torch.arange(10)
    logits, labels = collect(model, zip(x.split(4), y.split(4), strict=True))
    assert labels.tolist() == list(range(10)) and model.training and not model[1].training
    with evaluating(model), torch.no_grad():
        # One batch or three: sums of some 100 products in another order, 1e-6 relative in float32.
        torch.testing.assert_close(logits, model(x), rtol=1e-5, atol=1e-6)


def test_flipping_makes_the_answer_blind_to_mirrors():
    model, x, y = small_net(), torch.randn(4, 3, 8, 8), torch.zeros(4, dtype=torch.int64)
    plain, _ = collect(model, [(x, y)])
    once, _ = collect(model, [(x, y)], flip=True)
    mirrored, _ = collect(model, [(x.flip(-1), y)], flip=True)
    torch.testing.assert_close(once, mirrored)  # the same two answers, added the other way round
    assert not torch.allclose(plain, once)


def test_precision_is_the_callers_and_the_answer_float32():
    seen = []

    class Spy(nn.Linear):
        def forward(self, x):
            out = super().forward(x)
            seen.append(out.dtype)
            return out

    batches = [(torch.randn(2, 3), torch.zeros(2, dtype=torch.int64))]
    logits, _ = collect(Spy(3, 2), batches, lambda: torch.autocast("cpu", torch.bfloat16))
    assert seen == [torch.bfloat16] and logits.dtype == torch.float32


def test_no_batch_is_refused():
    with pytest.raises(ValueError, match="0 batches"):
        collect(small_net(), [])
