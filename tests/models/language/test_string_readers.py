"""Networks that read strings: what they return, that they do not look ahead, their sizes."""

import pytest
import torch

from gradschool.models import catalogue
from gradschool.models.language.string_reader import lstm_reader, mingru_reader

NAMES = {"srn": {"hidden": 2}, "lstm_reader": {"hidden": 4}, "gru_reader": {"hidden": 4},
         "mingru_reader": {"hidden": 8}, "attention_reader": {"width": 8, "heads": 2}}  # fmt: skip
SIZES = {"srn": 7 * 2 + 2 * 2 + 2 + 2 + (2 + 1) * 7, "lstm_reader": 4 * 4 * (7 + 4 + 2) + (4 + 1) * 7}


def built(name):
    torch.manual_seed(0)
    return catalogue.find(name, "symbols")(7, 7, **NAMES[name])


def strings(seed=0):
    return torch.randint(7, (3, 6), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NAMES)
def test_answers_after_every_symbol_and_does_not_look_ahead(name):
    model, x = built(name), strings()
    logits, hidden = model(x)
    assert logits.shape == (3, 6, 7) and hidden.shape == (
        3,
        6,
        NAMES[name].get("hidden", 8),
    )
    other = x.clone()
    other[:, 4:] = (other[:, 4:] + 1) % 7
    # Sums in another order differ by rounding in float32.
    torch.testing.assert_close(model(other)[0][:, :4], logits[:, :4])
    assert not torch.allclose(model(other)[0][:, 4:], logits[:, 4:])
    logits.square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_all_are_found_by_name_and_as_large_as_stated():
    assert set(catalogue.listing("symbols")) == set(NAMES)
    for name, size in SIZES.items():
        assert sum(p.numel() for p in built(name).parameters()) == size


def test_an_srn_is_elmans_equation():
    """h = tanh(W x + b + U h + b'), in float64, to rounding."""
    model, x = built("srn").double(), strings()
    weights = [p.detach() for p in model.recurrent.parameters()]
    w, u, b, c = weights
    h = torch.zeros(3, 2, dtype=torch.float64)
    for t in range(6):
        h = torch.tanh(w.T[x[:, t]] + b + h @ u.T + c)
        torch.testing.assert_close(model(x)[1][:, t], h)


def test_cell_states_lead_to_the_hidden_states():
    model, x = lstm_reader(7, 7, hidden=4), strings()
    cells = model.cells(x)
    _, (_, c) = model.recurrent(torch.nn.functional.one_hot(x, 7).float())
    torch.testing.assert_close(cells[:, -1], c[-1])
    assert cells.shape == (3, 6, 4) and (model(x)[1].abs() <= cells.tanh().abs() + 1e-6).all()


def test_minimal_gates_do_not_see_the_state():
    """What stays of the old state depends on the symbol alone: states of two strings draw closer."""
    model = mingru_reader(2, 2, hidden=5)
    _, hidden = model(torch.tensor([[0, 1, 1, 1], [1, 1, 1, 1]]))
    apart = (hidden[0] - hidden[1]).abs()
    assert (apart[1:] <= apart[:-1]).all()
