"""Multiple choice without a word from the model: it chooses the answer that it finds most probable.

Accuracy compares the log-probabilities of whole answers, which favours short ones; normalised accuracy
divides by the number of characters first. Both are defined as in lm-evaluation-harness.
Source: Brown et al. 2020, section 2.4; Gao et al. 2021 (lm-evaluation-harness).
"""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.errors import UserError
from gradschool.ops.activation import log_softmax

Logits = Callable[[Int64[Tensor, "b t"]], Float[Tensor, "b t v"]]
TWENTY = Path(__file__).with_name("twenty.json")
BETWEEN = " "  # question and answer
APART = "\n\n"  # examples


@dataclass(frozen=True)
class Question:
    """A question with answers to choose from.

    Args:
        context: what stands before the answer.
        choices: the answers, two or more.
        answer: number of the right one.
    """

    context: str
    choices: tuple[str, ...]
    answer: int


@dataclass(frozen=True)
class Request:
    """Tokens whose probability is wanted, and those before them."""

    context: list[int]
    continuation: list[int]


@dataclass(frozen=True)
class Answered:
    """What a model chose.

    Args:
        log_p: log-probability of every choice of every question, in nats.
        by_character: the same divided by the number of characters.
        answers: the right choices.
    """

    log_p: list[list[float]]
    by_character: list[list[float]]
    answers: list[int]

    @property
    def accuracy(self) -> float:
        """The share of questions whose right answer is the most probable one ("acc")."""
        return share_right(self.log_p, self.answers)

    @property
    def normalised_accuracy(self) -> float:
        """The same with log-probabilities per character ("acc_norm")."""
        return share_right(self.by_character, self.answers)

    def confidences(self) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Probability of the chosen answer among the choices, and 1 where it is right: for calibration."""
        best = [torch.tensor(row, dtype=torch.float64).softmax(0).max(0) for row in self.log_p]
        right = [float(int(b.indices) == answer) for b, answer in zip(best, self.answers, strict=True)]
        return torch.stack([b.values for b in best]), torch.tensor(right, dtype=torch.float64)


def share_right(scores: Sequence[Sequence[float]], answers: Sequence[int]) -> float:
    """How often the first of the largest scores is that of the right answer."""
    return sum(row.index(max(row)) == answer for row, answer in zip(scores, answers, strict=True)) / len(
        answers
    )


def twenty() -> list[Question]:
    """Twenty easy questions about the world, to try an evaluation with."""
    rows = json.loads(TWENTY.read_text(encoding="utf-8"))
    return [
        Question(f"Question: {row['question']}\nAnswer:", tuple(row["choices"]), row["answer"])
        for row in rows
    ]


def with_shots(
    questions: Sequence[Question], pool: Sequence[Question], shots: int, seed: int
) -> list[Question]:
    """Questions with solved examples before them.

    Args:
        questions: to be asked.
        pool: to take examples from; a question is never its own example.
        shots: examples for each.
        seed: of the choice of examples; question i has the same whatever else is asked.

    Raises:
        UserError: the pool is too small.
    """
    found = []
    for i, question in enumerate(questions):
        others = [each for each in pool if each != question]
        if len(others) < shots:
            raise UserError(f"{len(others)} examples are there for {shots} shots", "as many or more")
        chosen = random.Random(f"{seed} {i}").sample(others, shots)
        solved = [each.context + BETWEEN + each.choices[each.answer] for each in chosen]
        found.append(replace(question, context=APART.join([*solved, question.context])))
    return found


def request(tokeniser: Tokeniser, context: str, continuation: str, start: int | None) -> Request:
    """Cut a text into tokens of the context and of the continuation.

    The two are encoded together, since a token may begin with the space between them; spaces at the end of
    the context go to the continuation, where most vocabularies have them.

    Args:
        tokeniser: of the model.
        context: before the continuation.
        continuation: whose probability is wanted.
        start: token that stands before an empty context, such as the one that ends texts.

    Raises:
        UserError: nothing stands before the first token of the continuation.
    """
    kept = context.rstrip()
    continuation = context[len(kept) :] + continuation
    before = tokeniser.encode(kept)
    whole = tokeniser.encode(kept + continuation)
    if not before and start is None:
        raise UserError("a context is empty", "a text, or a start token")
    return Request(before or [start or 0], whole[len(before) :])


@torch.inference_mode()
def log_likelihoods(
    model: Logits, requests: Sequence[Request], longest: int | None = None, at_once: int = 32
) -> tuple[list[float], list[bool]]:
    """Log-probability of each continuation, in nats, and whether greedy decoding would write it.

    Args:
        model: tokens to logits, causal: what stands behind a token changes nothing for it.
        requests: none has an empty continuation.
        longest: tokens that the model can read; a longer context loses its beginning. None: any number.
        at_once: rows of a batch.

    Raises:
        UserError: a continuation alone is longer than the model can read.
    """
    most = max((len(each.continuation) for each in requests), default=0)
    if longest is not None and most > longest:
        raise UserError(f"a continuation has {most} tokens", f"at most {longest}, which the model can read")
    # 1. The last token is predicted, not read. Long ones first: little padding, and memory runs out at once.
    order = sorted(range(len(requests)), key=lambda i: -len(requests[i].context + requests[i].continuation))
    nats, greedy = [0.0] * len(requests), [False] * len(requests)
    for start in range(0, len(order), at_once):
        part = order[start : start + at_once]
        rows = [requests[i].context + requests[i].continuation for i in part]
        rows = [row[-(longest + 1) :] if longest else row for row in rows]
        x = torch.zeros(len(rows), max(map(len, rows)) - 1, dtype=torch.int64)
        for row, place in zip(rows, x, strict=True):
            place[: len(row) - 1] = torch.tensor(row[:-1])
        logits = model(x)
        # 2. Padding stands behind each text, where causal models do not look.
        for i, row, each in zip(part, rows, logits, strict=True):
            wanted = torch.tensor(requests[i].continuation, device=each.device)
            log_p = log_softmax(each[len(row) - 1 - len(wanted) : len(row) - 1].double(), 1)
            nats[i] = float(log_p.gather(1, wanted[:, None]).sum())
            greedy[i] = bool((log_p.argmax(1) == wanted).all())
    return nats, greedy


def answered(
    model: Logits, tokeniser: Tokeniser, questions: Sequence[Question], start: int | None = None,
    longest: int | None = None,
) -> Answered:  # fmt: skip
    """Let a model choose.

    Args:
        model: tokens to logits, in eval mode.
        tokeniser: of the model.
        questions: one or more.
        start: see `request`.
        longest: see `log_likelihoods`.
    """
    # 1. All choices of all questions in one list.
    asked = [(question, choice) for question in questions for choice in question.choices]
    requests = [request(tokeniser, q.context, BETWEEN + choice, start) for q, choice in asked]
    nats, _ = log_likelihoods(model, requests, longest)
    # 2. Question by question; the length is of the answer without the space before it.
    rows, found = iter(zip(asked, nats, strict=True)), []
    for question in questions:
        found.append([next(rows)[1] for _ in question.choices])
    lengths: Iterable[list[int]] = ([len(choice) for choice in q.choices] for q in questions)
    by_character = [
        [a / n for a, n in zip(row, size, strict=True)] for row, size in zip(found, lengths, strict=True)
    ]
    return Answered(found, by_character, [question.answer for question in questions])
