"""Gradient times input: of a model that is linear in its vectors the products add up to the logit."""

import pytest
import torch

from gradschool.evals.language.saliency import word_saliency
from gradschool.models.language.bag import bag
from gradschool.models.language.recurrent_classifier import recurrent_classifier
from gradschool.models.language.text_cnn import text_cnn


def test_of_a_bag_of_words_they_add_up_to_the_logit():
    model = bag(20, 3).eval()
    weights = word_saliency(model, model.embedding, [4, 7, 7, 2], 1)
    logit = model(torch.tensor([[4, 7, 7, 2]]))[0, 1] - model.head.bias[1]
    torch.testing.assert_close(weights.sum(), logit.detach())
    torch.testing.assert_close(weights[1], weights[2])


@pytest.mark.parametrize("make", [text_cnn, recurrent_classifier])
def test_any_network_can_be_asked_and_is_left_as_it_was(make):
    model = make(20, 3).train()
    assert word_saliency(model, model.embedding, [4, 7], 1).shape == (2,)
    assert model.training and all(p.grad is None for p in model.parameters())
