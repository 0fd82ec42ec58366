"""What fine-tuning has changed: answers right before and after, the divergence between both, examples."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.rows import in_order
from gradschool.data.text.dialogues.dialogue import Dialogue
from gradschool.data.text.dialogues.dialogues import Dialogues
from gradschool.data.text.dialogues.rows import packed, questions
from gradschool.data.text.dialogues.template import answer_of, tidy
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.evals.language.stepping import CachedStep
from gradschool.ops.activation import log_softmax
from gradschool.ops.decoding.search import decode
from gradschool.ops.tuning.supervised import IGNORED, next_token_targets
from gradschool.tasks.sft import whole_answers

AT_ONCE = 32  # rows at once
SHOWN = 12  # answers before and after that are kept for the report
LONGEST = 100  # tokens of such an answer


@torch.inference_mode()
def measured(
    before: nn.Module, after: nn.Module, tokeniser: Tokeniser, splits: Splits[Dialogues], context: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """Scores of the test part, and facts for the result.

    Args:
        before: the network at the start, in eval mode.
        after: the fine-tuned one, in eval mode.
        tokeniser: of both.
        splits: the run's data.
        context: tokens of a row.

    Returns:
        "test_right" and "test_kl", the mean KL divergence of `after` from `before` at the tokens of the right
        answers, in nats a token. Baselines by name, and examples.
    """
    # 1. Both networks on the same rows.
    part, place = splits.test, next(after.parameters()).device
    right = {"before": 0, "after": 0}
    divergence = scored = 0.0
    for batch in in_order(packed(part.items, tokeniser, context), AT_ONCE):
        tokens, document, answer = (each.to(place) for each in batch)
        targets = next_token_targets(tokens, answer, document)
        logits = {"before": before(tokens, texts=document), "after": after(tokens, texts=document)}
        for name, each in logits.items():
            right[name] += whole_answers(each, targets, document)[0]
        asked = targets != IGNORED
        divergence += kl(logits["after"][asked], logits["before"][asked])
        scored += int(asked.sum())
    # 2. What needs no network: always the most frequent answer.
    [(most, _)] = Counter(tidy(each.answer) for each in splits.train.items).most_common(1)
    frequent = sum(tidy(each.answer) == most for each in part.items) / len(part)
    baselines = {"before fine-tuning": right["before"] / len(part),
                 f"always {most!r}, the most frequent answer": frequent}  # fmt: skip
    scores = {"test_right": right["after"] / len(part), "test_kl": divergence / scored}
    return scores, {
        "baselines": baselines,
        "answers": shown(before, after, tokeniser, part.items[:SHOWN], context),
    }


def kl(logits: Tensor, others: Tensor) -> float:
    """The KL divergence of the first distributions from the second, summed over rows, in nats."""
    p, q = log_softmax(logits.double(), 1), log_softmax(others.double(), 1)
    return float((p.exp() * (p - q)).sum())


def shown(
    before: nn.Module, after: nn.Module, tokeniser: Tokeniser, dialogues: Sequence[Dialogue], context: int
) -> list[dict[str, str]]:
    """Questions with the right answer and those of both networks."""
    was, now = (answers_to(model, tokeniser, dialogues, context) for model in (before, after))
    return [
        {"question": each.question, "wanted": tidy(each.answer), "before": first, "after": second}
        for each, first, second in zip(dialogues, was, now, strict=True)
    ]


@torch.inference_mode()
def answers_to(
    model: nn.Module, tokeniser: Tokeniser, dialogues: Sequence[Dialogue], context: int
) -> list[str]:
    """What a network answers to the last questions, by greedy decoding.

    Args:
        model: in eval mode.
        tokeniser: of the model.
        dialogues: each fits into the context with its answer.
        context: tokens that the model reads.
    """
    # 1. Questions side by side; each alone where padding would leave no room for the answers.
    place = next(model.parameters()).device
    tokens, valid = (each.to(place) for each in questions(dialogues, tokeniser))
    longest = 2 + max(len(tokeniser.encode(each.answer)) for each in dialogues)
    length, room = min(2 * longest, LONGEST), context - tokens.shape[1]
    if room < length and len(dialogues) > 1:
        return [answers_to(model, tokeniser, [each], context)[0] for each in dialogues]
    # 2. Answers, up to their ends.
    length = min(length, room)
    step = CachedStep(model, tokens.shape[1] + length, valid)
    drawn = torch.stack([*decode(step, tokens, lambda x, _: x.argmax(1), length)], 1)
    return [answer_of(row, tokeniser) for row in drawn.tolist()]
