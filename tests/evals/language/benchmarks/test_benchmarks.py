"""Costs of texts, multiple choice, contamination and memory against loops that are written another way."""

import math
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.tokens.words import Words
from gradschool.data.text.vocabulary import Vocabulary
from gradschool.errors import UserError
from gradschool.evals.classification.calibration import equal_width
from gradschool.evals.language.benchmarks.bits import cost, token_sizes
from gradschool.evals.language.benchmarks.choice import (
    Question,
    answered,
    log_likelihoods,
    request,
    twenty,
    with_shots,
)
from gradschool.evals.language.benchmarks.contamination import overlaps, words
from gradschool.evals.language.benchmarks.memory import exposure, recited
from gradschool.models.language.gpt import gpt

TEXT = "Question: What do bees make? Answer: honey, 中文 é and ice in water " * 5
BPE = ByteBPE.train([TEXT], 290, special=["<|end|>"])
END = BPE.special["<|end|>"]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    net = gpt(len(BPE), depth=1).eval()
    for p in net.parameters():
        p.data += 0.3 * torch.randn(p.shape)  # it begins with every answer equally probable
    return net


@settings(max_examples=50)
@given(st.text(max_size=12))
def test_sizes_of_tokens_sum_to_the_bytes_of_the_text(text):
    sizes = token_sizes(BPE)
    assert sizes[BPE.encode(text)].sum() == len(text.encode()) and sizes[END] == 0
    alphabet = Characters(Vocabulary("".join(sorted(set(TEXT)))))
    known = "".join(c for c in text if c in TEXT)
    assert token_sizes(alphabet)[alphabet.encode(known)].sum() == len(known.encode())


def test_a_token_that_is_half_a_character_has_its_own_length():
    """Decoded, each of the four bytes of an emoji would be U+FFFD, of three bytes."""
    ids = BPE.encode("😀")
    assert len(ids) == 4 and token_sizes(BPE)[ids].tolist() == [1, 1, 1, 1]
    with pytest.raises(UserError, match="words do not give back"):
        token_sizes(Words.train([TEXT], 9))


def test_a_uniform_model_costs_log2_of_the_vocabulary_a_token():
    sizes, tokens = token_sizes(BPE), np.array([*BPE.encode("bees 中"), END])
    found = cost(np.full(len(tokens), math.log(len(BPE)), np.float32), tokens, sizes)
    assert found.perplexity == pytest.approx(len(BPE), rel=1e-5)
    # The end token is no text: it has no bytes, and its cost is left out of the bits.
    assert found.bits_per_byte == pytest.approx(
        (len(tokens) - 1) * math.log2(len(BPE)) / len("bees 中".encode())
    )
    with pytest.raises(UserError, match="no text"):
        cost(np.ones(1), np.array([END]), sizes)


def one_by_one(model, question: Question, longest: int | None = None):
    """Without batches and padding, and token by token."""
    found = []
    for choice in question.choices:
        context = question.context
        spaces = len(context) - len(context.rstrip())
        before = BPE.encode(context[: len(context) - spaces])
        whole = BPE.encode(context + " " + choice)
        first = max(0, len(whole) - longest - 1) if longest else 0
        logits = model(torch.tensor([whole[first:]]))[0].double()
        nats = 0.0
        for i in range(len(before), len(whole)):
            nats += logits[i - 1 - first].log_softmax(0)[whole[i]].item()
        found.append(nats)
    return found


@pytest.mark.parametrize("longest", [None, 40])
@torch.no_grad()
def test_twenty_questions_are_answered_as_one_by_one(model, longest):
    questions = twenty()
    found = answered(model, BPE, questions, longest=longest)
    right = [0, 0]
    for question, row, normal in zip(questions, found.log_p, found.by_character, strict=True):
        wanted = one_by_one(model, question, longest)
        # float32: rows of another length are other sums.
        assert row == pytest.approx(wanted, abs=2e-3, rel=1e-5)
        lengths = [len(choice) for choice in question.choices]
        assert normal == pytest.approx([a / n for a, n in zip(wanted, lengths, strict=True)], abs=1e-3)
        right[0] += int(np.argmax(wanted)) == question.answer
        right[1] += int(np.argmax([a / n for a, n in zip(wanted, lengths, strict=True)])) == question.answer
    assert found.accuracy == right[0] / 20 and found.normalised_accuracy == right[1] / 20
    confidence, hits = found.confidences()
    assert hits.mean() == found.accuracy and ((confidence >= 0.25) & (confidence <= 1)).all()
    assert 0 <= equal_width(confidence, hits).error <= 1


def test_the_twenty_are_well_made():
    questions = twenty()
    assert len(questions) == 20 == len({q.context for q in questions})
    assert all(len(set(q.choices)) == 4 and 0 <= q.answer < 4 for q in questions)
    assert sorted(q.answer for q in questions) == sorted([*range(4)] * 5), "no place is the best guess"


def test_length_matters_to_one_accuracy_and_not_to_the_other():
    """A model for which every token has the same probability: short answers win, or all are alike."""
    alphabet = Characters(Vocabulary(" abc"))
    flat = lambda x: torch.zeros(*x.shape, 5)  # noqa: E731
    question = Question("a", ("bbbb", "c"), 0)
    found = answered(flat, alphabet, [question])
    assert found.log_p[0] == pytest.approx([-5 * math.log(5), -2 * math.log(5)])
    assert found.by_character[0] == pytest.approx([-5 / 4 * math.log(5), -2 * math.log(5)])
    assert (found.accuracy, found.normalised_accuracy) == (0.0, 1.0)


def test_context_and_continuation_are_cut_together():
    asked = request(BPE, "Question: What do bees make? Answer: ", "honey", None)
    assert BPE.decode(asked.context) == "Question: What do bees make? Answer:"
    assert BPE.decode(asked.continuation) == " honey"
    assert request(BPE, "", "honey", END).context == [END]
    with pytest.raises(UserError, match="6 tokens"):
        log_likelihoods(lambda x: x, [type(asked)([1], [2] * 6)], longest=5)
    with pytest.raises(UserError, match="context is empty"):
        request(BPE, " ", "honey", None)


@torch.no_grad()
def test_greedy_is_told_apart(model):
    context = BPE.encode("bees make")
    tokens = list(context)
    for _ in range(4):
        tokens.append(int(model(torch.tensor([tokens]))[0, -1].argmax()))
    other = [*tokens[:-1], (tokens[-1] + 1) % len(BPE)]
    asked = [request(BPE, "bees make", "", None)] * 2
    asked = [type(asked[0])(context, each[len(context) :]) for each in (tokens, other)]
    assert log_likelihoods(model, asked)[1] == [True, False]
    # The same by the probe of memory.
    assert recited(model, torch.tensor([tokens, other]), len(context)).tolist() == [True, False]


def test_examples_before_a_question_are_others_and_solved():
    questions = twenty()
    found = with_shots(questions, questions, 3, seed=1)
    for before, after in zip(questions, found, strict=True):
        parts = after.context.split("\n\n")
        assert len(parts) == 4 and parts[-1] == before.context and before.context not in parts[:-1]
        for part in parts[:-1]:
            source = next(q for q in questions if part.startswith(q.context))
            assert part == f"{source.context} {source.choices[source.answer]}"
    assert with_shots(questions[:2], questions, 3, seed=1) == found[:2]
    assert with_shots(questions, questions, 3, seed=2) != found
    with pytest.raises(UserError, match="4 shots"):
        with_shots(questions[:1], questions[:3], 4, 0)


def test_exposure_by_hand():
    others = torch.arange(1.0, 16.0)
    assert exposure(0.5, others) == 4.0  # the first of 16
    assert exposure(99.0, others) == 0.0  # the last
    assert exposure(2.5, others) == pytest.approx(math.log2(16 / 3))


texts = st.lists(st.sampled_from(["a", "b", "c", "A,", "b.", "d"]), max_size=12).map(" ".join)


@settings(max_examples=100)
@given(st.lists(texts, max_size=3), st.lists(texts, max_size=3), st.integers(1, 4))
def test_overlap_is_that_of_a_search_for_every_sequence(tests, training, n):
    found = overlaps(tests, training, n)
    for text, overlap in zip(tests, found, strict=True):
        own, covered = words(text), set()
        size = min(n, len(own))
        for i in range(len(own) - size + 1 if own else 0):
            piece = f" {' '.join(own[i : i + size])} "
            if any(piece in f" {' '.join(words(other))} " for other in training):
                covered |= set(range(i, i + size))
        assert (overlap.words, overlap.covered) == (len(own), len(covered))
        assert overlap.dirty == bool(covered) and overlap.share == (len(covered) / len(own) if own else 0)


def test_thirteen_words_in_other_spelling_are_found_and_twelve_are_not():
    draw = random.Random(0)
    long = [f"w{draw.randrange(999)}" for _ in range(40)]
    test = " ".join(["x", *long[5:18], "y"])
    assert overlaps([test], [", ".join(long).upper()])[0].covered == 13
    assert overlaps([" ".join(["x", *long[5:17], "y"])], [" ".join(long)])[0].covered == 0
