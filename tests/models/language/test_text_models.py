"""Networks of texts: padding changes nothing, neighbours count where they should, vectors can be given."""

import pytest
import torch

from gradschool.models.language.bag import bag
from gradschool.models.language.compact_text import compact_text
from gradschool.models.language.tagger import tagger
from gradschool.models.language.text_cnn import text_cnn
from gradschool.nn.inputs import WrongInput

MAKERS = {
    "bag": lambda: bag(30, 3),
    "pairs": lambda: bag(30, 3, pairs=50),
    "compact": lambda: compact_text(30, 3, width=16),
    "cnn": lambda: text_cnn(30, 3, filters=8),
    "tagger": lambda: tagger(30, 3),
}


@pytest.fixture(params=list(MAKERS))
def model(request):
    torch.manual_seed(0)
    return MAKERS[request.param]().eval()


@pytest.mark.parametrize("length", [1, 2, 6])
def test_padding_changes_nothing(model, length):
    x = torch.randint(2, 30, (4, length))
    padded = torch.cat([x, torch.randint(0, 30, (4, 5))], 1)
    lengths = torch.full((4,), length)
    found = model(padded, lengths)
    found = found[:, :length] if found.dim() == 3 else found
    torch.testing.assert_close(found, model(x), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(model(x, lengths), model(x), rtol=1e-5, atol=1e-6)


def test_gradients_reach_every_parameter(model):
    model(torch.randint(2, 30, (4, 7))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_wrong_shape_is_refused(model):
    with pytest.raises(WrongInput, match="tokens were wanted"):
        model(torch.zeros(3, dtype=torch.int64))


def test_order_counts_for_pairs_and_filters_only():
    x = torch.tensor([[3, 4, 5, 6, 7]])
    for name, counts in (("bag", False), ("pairs", True), ("cnn", True), ("compact", True)):
        model = MAKERS[name]().eval()
        assert torch.allclose(model(x), model(x.flip(1)), atol=1e-6) != counts


def test_vectors_are_given_and_may_be_frozen():
    model, vectors = bag(30, 3, width=4), torch.randn(30, 4)
    model.give_vectors(vectors, frozen=True)
    assert torch.equal(model.embedding.weight, vectors) and not model.embedding.weight.requires_grad
