"""Gather what the report of a finished classifier of texts shows."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.text.labelled.labelled import LabelledTexts
from gradschool.data.text.labelled.words import TextReading
from gradschool.evals.language.saliency import word_saliency
from gradschool.evals.report.text.texts import Salient, TextFacts

EXPLAINED = 3  # texts of each sort whose words are coloured
WORDS = 120  # a text whose words are coloured has at most


def facts_of(
    model: nn.Module, reading: TextReading, splits: Splits[LabelledTexts], logits: Tensor,
    baselines: Mapping[str, float],
) -> TextFacts:  # fmt: skip
    """What is shown of a finished run.

    Args:
        model: on its device, in eval mode.
        reading: how texts become tokens.
        splits: the run's own data.
        logits: what the model says of the test part.
        baselines: test accuracies of linear models.
    """
    part = splits.test
    lengths = [len(reading.shown(text)) for text in part.texts]
    return TextFacts(
        splits=splits, model=model, texts=part.texts, labels=part.labels, classes=part.classes, logits=logits,
        lengths=lengths, read=reading.longest, token=reading.sort, baselines=baselines,
        salient=explained(model, reading, part, logits, lengths),
    )  # fmt: skip


def explained(
    model: nn.Module, reading: TextReading, part: LabelledTexts, logits: Tensor, lengths: Sequence[int]
) -> list[Salient]:
    """Texts that are short enough to be read: those that the network is surest of, right and wrong."""
    embedding = getattr(model, "embedding", None)
    if embedding is None:
        return []
    sure, called = logits.softmax(1).max(1)
    right = called == part.labels
    short = torch.tensor([length <= min(WORDS, reading.longest) for length in lengths])
    order = [i for i in sure.argsort(descending=True).tolist() if short[i]]
    chosen = [i for i in order if right[i]][:EXPLAINED] + [i for i in order if not right[i]][:EXPLAINED]
    found = []
    for i in chosen:
        tokens, label = reading.of([part.texts[i]])[0], int(called[i])
        weights = word_saliency(model, embedding, tokens, label).tolist()
        names = part.classes[label], part.classes[int(part.labels[i])]
        found.append(Salient(reading.shown(part.texts[i]), weights, *names))
    return found
