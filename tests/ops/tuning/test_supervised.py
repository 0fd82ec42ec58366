"""The loss of fine-tuning against loops over tokens; packed rows against texts alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.text.packing import pack, rows_of
from gradschool.errors import UserError
from gradschool.models.language.gpt import gpt
from gradschool.ops.tuning.supervised import IGNORED, answer_log_prob, next_token_targets, supervised_loss


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_hand(logits, tokens, answer) -> float:
    """Token by token: the probability of token i from the logits at i - 1, for i in the answer."""
    nats = []
    for b in range(len(tokens)):
        for i in range(1, tokens.shape[1]):
            if answer[b, i]:
                row = logits[b, i - 1].tolist()
                nats.append(torch.tensor(row).double().logsumexp(0).item() - row[tokens[b, i]])
    return sum(nats) / len(nats)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), t=st.integers(2, 6), question=st.integers(0, 4))
def test_exactly_the_tokens_of_the_answer_count(seed, t, question):
    g = torch.Generator().manual_seed(seed)
    tokens = torch.randint(7, (3, t), generator=g)
    answer = (torch.arange(t) >= min(question, t - 1)).expand(3, -1)
    logits = noise(3, t, 7, seed=seed)
    assert supervised_loss(logits, tokens, answer).item() == pytest.approx(by_hand(logits, tokens, answer))
    assert supervised_loss(logits, tokens).item() == pytest.approx(
        by_hand(logits, tokens, torch.ones(3, t, dtype=torch.bool))
    )


def test_the_first_token_of_the_answer_counts_and_the_last_of_the_question_does_not():
    """The classic fault is one place off: it would be seen in both."""
    tokens = torch.tensor([[5, 6, 7, 8]])
    answer = torch.tensor([[False, False, True, True]])
    assert next_token_targets(tokens, answer).tolist() == [[IGNORED, 7, 8, IGNORED]]
    logits = noise(1, 4, 9).requires_grad_()
    (slope,) = torch.autograd.grad(supervised_loss(logits, tokens, answer), logits)
    assert (slope[0].abs().sum(1) > 0).tolist() == [False, True, True, False]


def test_texts_of_a_row_do_not_predict_each_other():
    tokens, document = torch.tensor([[5, 6, 7, 8, 9, 0, 0]]), torch.tensor([[0, 0, 3, 3, 3, -1, -1]])
    wanted = [[6, IGNORED, 8, 9, IGNORED, IGNORED, IGNORED]]
    assert next_token_targets(tokens, None, document).tolist() == wanted


def test_gradients_and_log_probabilities():
    tokens = torch.tensor([[1, 2, 0, 3], [3, 3, 1, 0]])
    answer = torch.tensor([[False, True, True, True], [False, False, False, True]])
    logits = noise(2, 4, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: supervised_loss(x, tokens, answer), logits)
    assert torch.autograd.gradcheck(lambda x: answer_log_prob(x, tokens, answer), logits)
    # The mean over tokens is the sum over rows divided by the number of tokens.
    total = -answer_log_prob(logits, tokens, answer).sum() / 4
    torch.testing.assert_close(total, supervised_loss(logits, tokens, answer))


def small_gpt():
    torch.manual_seed(0)
    model = gpt(11, depth=2).eval()
    for p in model.parameters():
        p.data += 0.05 * torch.randn(p.shape)  # it begins with every layer adding nothing
    return model


@settings(max_examples=5, deadline=None)
@given(lengths=st.lists(st.integers(2, 12), min_size=1, max_size=7), seed=st.integers(0, 999))
def test_packed_is_unpacked_to_1e6(lengths, seed):
    g = torch.Generator().manual_seed(seed)
    texts = [torch.randint(11, (n,), generator=g).tolist() for n in lengths]
    questions = [n // 3 for n in lengths]
    model, packed = small_gpt(), pack(texts, 14, questions)
    with torch.no_grad():
        found = supervised_loss(
            model(packed.tokens, texts=packed.document), packed.tokens, packed.answer, packed.document
        )
        # Every text alone, in a row of its own.
        total, count = 0.0, 0
        for text, question in zip(texts, questions, strict=True):
            tokens = torch.tensor([text])
            answer = torch.arange(len(text))[None] >= question
            total -= answer_log_prob(model(tokens).double(), tokens, answer).item()
            count += len(text) - max(question, 1)
    assert found.item() == pytest.approx(total / count, abs=1e-6, rel=1e-6)


def test_no_text_of_a_row_leaks_into_another():
    model, packed = small_gpt(), pack([[1, 2, 3, 4], [5, 6, 7], [8, 9, 10]], 10)
    assert len(packed.tokens) == 1
    changed = packed.tokens.clone()
    changed[packed.document == 1] = 0
    with torch.no_grad():
        before, after = (model(x, texts=packed.document) for x in (packed.tokens, changed))
    others = packed.document != 1
    # Weights of hidden positions are exactly 0 and the shapes are the same.
    assert torch.equal(before[others], after[others]) and not torch.equal(before[~others], after[~others])


@given(st.lists(st.integers(1, 10), max_size=30))
def test_every_text_is_in_one_row_and_rows_are_nearly_as_few_as_possible(lengths):
    rows = rows_of(lengths, 10)
    assert sorted(i for row in rows for i in row) == list(range(len(lengths)))
    loads = [sum(lengths[i] for i in row) for row in rows]
    assert all(0 < load <= 10 for load in loads)
    # Best fit decreasing never needs more than 11/9 of the optimum and 4 rows (Johnson 1973).
    assert len(rows) <= 11 / 9 * -(-sum(lengths) // 10) + 4 or len(rows) <= sum(n > 5 for n in lengths)


def test_packing_keeps_texts_and_refuses_what_does_not_fit():
    texts = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10]]
    packed = pack(texts, 5, [1, 0, 1, 2])
    for i, text in enumerate(texts):
        assert packed.tokens[packed.document == i].tolist() == text
    assert packed.filled == pytest.approx(10 / packed.tokens.numel())
    assert packed.answer[packed.document == 3].tolist() == [False, False, True, True]
    assert not packed.answer[packed.document == -1].any()
    for wrong in ([[]], [[1] * 6]):
        with pytest.raises(UserError, match="text 0 has"):
            pack(wrong, 5)


def test_masks_of_another_shape_or_type_are_refused():
    tokens = torch.zeros(2, 3, dtype=torch.int64)
    with pytest.raises(Exception, match="answer"):
        next_token_targets(tokens, torch.ones(2, 2, dtype=torch.bool))
    with pytest.raises(Exception, match="answer"):
        next_token_targets(tokens, torch.ones(2, 3))
    with pytest.raises(ValueError, match="logits have shape"):
        supervised_loss(noise(2, 4, 5), tokens)
