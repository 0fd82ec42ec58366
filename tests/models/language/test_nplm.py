"""The neural probabilistic language model against its formula in NumPy."""

import numpy as np
import pytest
import torch

from gradschool.models import catalogue
from gradschool.models.language.nplm import nplm
from gradschool.nn.inputs import WrongInput


def test_is_equation_1_of_its_paper():
    """y = b + U tanh(d + H x), with x the vectors of the context side by side; in float64, to rounding."""
    torch.manual_seed(0)
    model = nplm(7, context=3, embedding=4, hidden=5).double().eval()
    c, h, d, u, b = (p.detach().numpy() for p in model.parameters())
    contexts = np.random.default_rng(0).integers(0, 7, (6, 3))
    x = c[contexts].reshape(6, 12)
    wanted = b + np.tanh(d + x @ h.T) @ u.T
    np.testing.assert_allclose(model(torch.from_numpy(contexts)).detach().numpy(), wanted, rtol=1e-12)


def test_a_context_of_another_length_is_a_sentence():
    with pytest.raises(WrongInput, match=r"shape \(2, 4\), \(batch, 5\) tokens were wanted"):
        nplm(7)(torch.zeros(2, 4, dtype=torch.int64))


def test_is_found_by_name_and_as_large_as_stated():
    assert catalogue.listing("vocabulary")["nplm"] == "gradschool.models.language.nplm"
    assert catalogue.find("nplm", "vocabulary") is nplm
    size = 27 * 16 + (5 * 16 + 1) * 200 + (200 + 1) * 27
    assert sum(p.numel() for p in nplm(27).parameters()) == size == 22059
