"""Networks that hear: padding changes nothing, every parameter learns, and they are as large as stated."""

import pytest
import torch

from gradschool.models import catalogue
from gradschool.nn.inputs import WrongInput
from gradschool.ops import switch

NAMES = sorted(catalogue.listing("bands"))
CELLS = {  # gates, layers, directions
    "lstm_1": (4, 1, 1), "bilstm_1": (4, 1, 2), "gru_2": (3, 2, 1), "bigru_2": (3, 2, 2), "lstm_2": (4, 2, 1),
    "bilstm_2": (4, 2, 2),
}  # fmt: skip


def batch(b=4, t=9, d=6):
    g = torch.Generator().manual_seed(1)
    return torch.randn(b, t, d, generator=g), torch.tensor([9, 5, 1, 7][:b])


@pytest.fixture(params=NAMES)
def network(request):
    torch.manual_seed(0)
    return catalogue.find(request.param, "bands")(6, 3, dropout=0.0).eval()


def test_all_of_the_coursework_are_there():
    assert set(NAMES) == {*CELLS, "spoken", "time_conv"}


@pytest.mark.parametrize("name", CELLS)
def test_the_six_are_as_large_as_their_cells_say(name):
    """Each layer and direction: gates x (inputs + hidden + 2) x hidden; then the last layer."""
    gates, layers, ways = CELLS[name]
    size = sum(ways * gates * 32 * ((24 if i == 0 else 32 * ways) + 32 + 2) for i in range(layers))
    model = catalogue.find(name, "bands")(24, 10)
    assert sum(p.numel() for p in model.parameters()) == size + (32 * ways + 1) * 10


def test_padding_and_neighbours_change_nothing(network):
    x, lengths = batch()
    with torch.no_grad():
        found = network(x, lengths)
        assert found.shape == (4, 3) and found.isfinite().all()
        for i, n in enumerate(lengths.tolist()):
            torch.testing.assert_close(network(x[i : i + 1, :n], torch.tensor([n])), found[i : i + 1],
                                       rtol=1e-5, atol=1e-6)  # fmt: skip
            torch.testing.assert_close(network(x[i : i + 1, :n]), found[i : i + 1], rtol=1e-5, atol=1e-6)


def test_gradients_reach_every_parameter(network):
    x, lengths = batch()
    network(x, lengths).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_plain_and_fast_forms_agree(network):
    x, lengths = batch()
    with torch.no_grad():
        fast = network(x, lengths)
        with switch.using("plain"):
            torch.testing.assert_close(network(x, lengths), fast, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_the_state_at_the_end_is_torchs(name):
    """torch's own layers, on a recording without padding, then the same last layer."""
    model = catalogue.find(name, "bands")(6, 3, dropout=0.0).eval()
    gates, layers, ways = CELLS[name]
    kind = torch.nn.LSTM if gates == 4 else torch.nn.GRU
    peer = kind(6, 32, layers, bidirectional=ways == 2, batch_first=True)
    peer.load_state_dict(model.recurrent.state_dict())
    x = batch()[0]
    with torch.no_grad():
        state = peer(x)[1]
        state = state[0] if gates == 4 else state
        wanted = model.head(state[-ways:].transpose(0, 1).flatten(1))
        torch.testing.assert_close(model(x, torch.full((4,), 9)), wanted, rtol=1e-5, atol=1e-6)


def test_rows_of_another_size_are_a_sentence(network):
    with pytest.raises(WrongInput, match=r"shape \(2, 3, 7\), \(batch, rows, 6\) was wanted"):
        network(torch.zeros(2, 3, 7), torch.tensor([3, 3]))


def test_an_unknown_cell_is_a_sentence():
    with pytest.raises(ValueError, match="cell is 'rnn', lstm or gru was wanted"):
        catalogue.find("spoken", "bands")(6, 3, cell="rnn")
