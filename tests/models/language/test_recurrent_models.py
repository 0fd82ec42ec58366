"""Recurrent language models and text classifiers: states, padding, ties, given vectors."""

import pytest
import torch

from gradschool.models import catalogue
from gradschool.models.language import recurrent_classifier as classifier
from gradschool.models.language import recurrent_lm as lm

LENGTHS = torch.tensor([9, 2, 5])


def tokens(b=3, t=9, k=11, seed=0):
    return torch.randint(k, (b, t), generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_the_catalogue_finds_both():
    assert catalogue.find("recurrent_lm", "tokens") is lm.recurrent_lm
    assert catalogue.find("recurrent_classifier", "words") is classifier.recurrent_classifier


@pytest.mark.parametrize("core", lm.CORES)
def test_a_language_model_reads_a_text_in_pieces_and_sees_no_future(core):
    net, x = lm.recurrent_lm(11, core, 8, 12, layers=2).double(), tokens()
    y, _ = net(x)
    assert y.shape == (3, 9, 11)
    first, state = net(x[:, :4])
    torch.testing.assert_close(torch.cat([first, net(x[:, 4:], state)[0]], 1), y)
    later = x.clone()
    later[:, 5:] = (later[:, 5:] + 1) % 11
    torch.testing.assert_close(net(later)[0][:, :5], y[:, :5])
    y.sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_tied_weights_are_one_matrix_counted_once():
    net = lm.recurrent_lm(11, "gru", 12, 12, tied=True)
    assert net.output.weight is net.embedding.weight
    loose = sum(p.numel() for p in lm.recurrent_lm(11, "gru", 12, 12).parameters())
    assert loose - sum(p.numel() for p in net.parameters()) == 11 * 12
    with pytest.raises(ValueError, match="equal sizes were wanted"):
        lm.recurrent_lm(11, "gru", 8, 12, tied=True)


@pytest.mark.parametrize("core", classifier.CORES)
@pytest.mark.parametrize("pool", classifier.POOLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_classifier_sees_nothing_of_the_padding(core, pool, bidirectional):
    net = classifier.recurrent_classifier(11, 4, core, 6, 5, 2, bidirectional, pool=pool).double()
    x = tokens()
    y = net(x, LENGTHS)
    assert y.shape == (3, 4)
    torch.testing.assert_close(y, torch.cat([net(x[i : i + 1, :n]) for i, n in enumerate(LENGTHS.tolist())]))
    y.sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_the_last_state_of_both_directions_is_what_the_core_returns():
    net = classifier.recurrent_classifier(11, 4, "gru")
    y, state = net.core(net.embedding(tokens()), None, LENGTHS)
    torch.testing.assert_close(net(tokens(), LENGTHS), net.output(torch.cat([state[0], state[1]], 1)))


def test_given_vectors_are_taken_and_may_be_frozen():
    net, vectors = classifier.recurrent_classifier(11, 2, embedding=6), torch.randn(11, 6)
    net.give_vectors(vectors, frozen=True)
    assert torch.equal(net.embedding.weight, vectors)
    net(tokens()).sum().backward()
    assert net.embedding.weight.grad is None
    with pytest.raises(ValueError, match=r"\(11, 6\) was wanted"):
        net.give_vectors(vectors[:, :2])


def test_unknown_names_and_shapes_are_sentences():
    for call in (
        lambda: lm.recurrent_lm(5, "lstn"),
        lambda: classifier.recurrent_classifier(5, 2, pool="sum"),
    ):
        with pytest.raises(ValueError, match="one of rnn, lstm"):
            call()
    for net in (lm.recurrent_lm(11), classifier.recurrent_classifier(11, 2)):
        with pytest.raises(ValueError, match=r"\(batch, steps\) tokens were wanted"):
            net(tokens()[0])
