"""The LSTM that reads a context, against torch's own layers."""

import pytest
import torch

from gradschool.models import catalogue
from gradschool.models.language.context_lstm import context_lstm
from gradschool.nn.inputs import WrongInput


def test_reads_a_context_as_torchs_lstm_does():
    """Same weights, same contexts: logits equal in float64, to rounding."""
    torch.manual_seed(0)
    model = context_lstm(7, context=4, embedding=3, hidden=5).double().eval()
    peer = torch.nn.LSTM(3, 5, batch_first=True).double()
    peer.load_state_dict(dict(model.core.named_parameters()))
    contexts = torch.randint(7, (6, 4))
    _, (h, _) = peer(torch.nn.functional.embedding(contexts, model.embedding.weight))
    wanted = torch.nn.functional.linear(h[0], model.output.weight, model.output.bias)
    torch.testing.assert_close(model(contexts), wanted, rtol=1e-12, atol=1e-12)


def test_a_context_of_another_length_is_a_sentence():
    with pytest.raises(WrongInput, match=r"shape \(2, 4\), \(batch, 12\) tokens were wanted"):
        context_lstm(7)(torch.zeros(2, 4, dtype=torch.int64))


def test_is_found_by_name_and_as_large_as_stated():
    assert catalogue.find("context_lstm", "vocabulary") is context_lstm
    size = 27 * 32 + 4 * 96 * (32 + 96 + 2) + (96 + 1) * 27
    assert sum(p.numel() for p in context_lstm(27).parameters()) == size == 53403
