"""Teacher forcing: the loss is the mean over the true tokens, however the batch is cut."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gradschool.data.text.pairs.batches import PairBatches, rectangle
from gradschool.models.language.transformer import transformer
from gradschool.tasks.translate import Translate

SOURCES = [[3, 4, 5], [6, 1], [2, 2, 2, 2, 7], [9]]
TARGETS = [[0, 5, 1], [0, 6, 7, 8, 1], [0, 1], [0, 3, 4, 1]]


@pytest.fixture
def net():
    torch.manual_seed(0)
    return transformer(12, 12, 16, 1, 2, 0.0).double().eval()


def alone(net, smoothing=0.0):
    """The loss of every true token of each pair by itself."""
    found = []
    for source, target in zip(SOURCES, TARGETS, strict=True):
        logits = net(torch.tensor([source]), torch.tensor([target[:-1]]))[0]
        true = torch.tensor(target[1:])
        found.append(F.cross_entropy(logits, true, reduction="none", label_smoothing=smoothing))
    return torch.cat(found)


def test_padding_counts_nothing(net):
    batch = rectangle(SOURCES, TARGETS, range(4), 10.0)
    loss = Translate(net, label_smoothing=0.1).loss(batch)["loss"]
    torch.testing.assert_close(loss, alone(net, 0.1).mean(), check_dtype=False, rtol=1e-5, atol=1e-6)


def test_pieces_weighted_by_their_rows_give_the_whole(net):
    task, batch = Translate(net), rectangle(SOURCES, TARGETS, range(4), 10.0)
    pieces = zip(*(value.split([3, 1]) for value in batch), strict=True)
    losses = [task.loss(piece)["loss"] * len(piece[0]) / 4 for piece in pieces]
    torch.testing.assert_close(sum(losses), task.loss(batch)["loss"], rtol=1e-5, atol=1e-6)


def test_processes_give_the_mean_of_the_whole(net):
    task = Translate(net)
    [whole] = PairBatches(SOURCES, TARGETS, 100, 0).epoch(0)
    parts = [next(PairBatches(SOURCES, TARGETS, 100, 0, (rank, 3)).epoch(0)) for rank in range(3)]
    losses = [task.loss(part)["loss"] for part in parts]
    torch.testing.assert_close(sum(losses) / 3, task.loss(whole)["loss"], rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_scores_are_means_over_all_tokens(net):
    batches = [rectangle(SOURCES, TARGETS, chosen, 1.0) for chosen in ([0, 1], [2, 3])]
    found = Translate(net, 0.1, "test").evaluate(iter(batches))
    assert found["test_loss"] == pytest.approx(float(alone(net).mean()), rel=1e-5)
    assert found["test_perplexity"] == pytest.approx(float(alone(net).mean().exp()), rel=1e-5)


def test_a_step_updates_the_one_part(net):
    def update(part, batch, loss_of):
        return {"part": part, **loss_of(batch)}

    assert Translate(net).step(rectangle(SOURCES, TARGETS, [0], 2.0), update)["part"] == "model"
    assert isinstance(Translate(net).parts["model"], nn.Module)
