"""What a finished language model is examined in: texts, questions, calibration, contamination, memory.

Sources: of each measure, see `evals.language.benchmarks`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.text.passages import passages_of
from gradschool.data.text.running.corpus import Corpus
from gradschool.data.text.running.running import open_running
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.errors import UserError
from gradschool.evals.classification.calibration import Bins, equal_width
from gradschool.evals.classification.metrics import wilson
from gradschool.evals.language.benchmarks import choice
from gradschool.evals.language.benchmarks.bits import Cost, cost, token_sizes
from gradschool.evals.language.benchmarks.certainty import certainties
from gradschool.evals.language.benchmarks.contamination import overlaps
from gradschool.evals.language.benchmarks.memory import recited
from gradschool.evals.language.benchmarks.questions import read_questions
from gradschool.evals.language.reading import has_state, surprisals
from gradschool.evals.language.scored import listed
from gradschool.phrases import command, counted
from gradschool.runs.kind import Exam, Finding
from gradschool.runs.language.ask import beginning, shortened

LOOKED = 200_000  # tokens of the test part whose certainty is measured
PASSAGES = 256  # of the training and of the test text, to be recited
PIECE, SHARED = 500_000, 2_000  # tokens of the training text that are read at once, and again
BINS, SHOWN = 10, 3


@dataclass(frozen=True)
class Examined:
    """A finished run that is asked.

    Args:
        model: on its device, in eval mode.
        tokeniser: of the run.
        context: tokens of a chunk.
        splits: opens the data of the run.
        part: what its test part is called.
    """

    model: nn.Module
    tokeniser: Tokeniser
    context: int
    splits: Callable[[], Splits[Corpus]]
    part: str = "the test part"

    def logits(self, x: Tensor) -> Tensor:
        """Of the next tokens, whatever the model carries along."""
        found = self.model(x.to(next(self.model.parameters()).device))
        return (found[0] if has_state(self.model) else found).float().cpu()

    @property
    def longest(self) -> int | None:
        """Tokens that the model can read; None: any number."""
        return None if has_state(self.model) else self.context


def text(asked: Examined, exam: Exam) -> Finding:
    """Perplexity of a token and bits per byte of text files, or of the run's test part."""
    # 1. Every text in tokens, and what had to be left out.
    texts: Iterable[tuple[str, np.ndarray, int]]
    if exam.files:
        texts = ((str(file), *tokens_of(asked.tokeniser, file)) for file in listed(exam.files))
    else:
        texts = [(asked.part, asked.splits().test.tokens, 0)]
    # 2. Its cost.
    lines, rows = [], []
    for name, tokens, unknown in texts:
        found = cost_of(asked, tokens)
        left = f" · {counted(unknown, 'character')} that the run never saw left out" if unknown else ""
        lines.append(f"{in_words(found)} · {name}{left}")
        rows.append({"text": name, "tokens": found.tokens, "bytes": found.size or None, "left_out": unknown,
                     "nats_per_token": found.nats / found.tokens, "perplexity": found.perplexity,
                     "bits_per_byte": found.bits_per_byte if found.size else None})  # fmt: skip
    return Finding(lines, {"texts": rows})


def tokens_of(tokeniser: Tokeniser, file: Path) -> tuple[np.ndarray, int]:
    """The tokens of a file, which begins as if a line had ended, and how many characters were left out."""
    known = set(tokeniser.vocabulary.characters) if isinstance(tokeniser, Characters) else None
    parts, unknown = [beginning(tokeniser, "")[-1:]], 0
    for block in open_running(file).blocks():
        kept = block if known is None else "".join(filter(known.__contains__, block))
        unknown += len(block) - len(kept)
        parts.append(tokeniser.encode(kept))
    found = np.concatenate([np.asarray(part, np.uint32) for part in parts])
    if len(found) < 2:
        raise UserError(f"{file} has no token that the run knows", "a text with a word in it")
    return found, unknown


def cost_of(asked: Examined, tokens: np.ndarray) -> Cost:
    """What every token but the first costs; its size is 0 where tokens do not give back the text."""
    nats = surprisals(asked.model, tokens, asked.context)
    try:
        return cost(nats, tokens[1:], token_sizes(asked.tokeniser))
    except UserError:
        return Cost(float(nats.astype(float).sum()), len(nats), 0.0, 0)


def in_words(found: Cost) -> str:
    """A cost for a terminal."""
    per_byte = f" · {found.bits_per_byte:.4f} bits a byte" if found.size else ""
    return f"perplexity {found.perplexity:.3f} a token{per_byte} · {found.tokens:,} tokens"


def questions(asked: Examined, exam: Exam) -> Finding:
    """Multiple choice: the shares of right answers, by log-probability and by log-probability a character."""
    # 1. The questions whose characters are known, with solved examples before them.
    every = [each for file in exam.files for each in read_questions(file)] or choice.twenty()
    kept = [question for question in every if is_known(asked.tokeniser, question)]
    if not kept:
        raise UserError(
            f"all {len(every)} questions have characters that the run never saw",
            "questions in its alphabet",
            f"Example: {command('eval RUN choice FILE.jsonl')}",
        )
    shown = choice.with_shots(kept, kept, exam.shots, exam.seed)
    # 2. What the model chooses.
    found = choice.answered(asked.logits, asked.tokeniser, shown, longest=asked.longest)
    cut = sum(
        asked.longest is not None and len(asked.tokeniser.encode(q.context)) > asked.longest for q in shown
    )
    right = round(found.accuracy * len(kept))
    low, high = wilson(right, len(kept))
    guess = float(np.mean([1 / len(q.choices) for q in kept]))
    error = equal_width(*found.confidences(), bins=BINS).error
    # 3. In words.
    lines = [
        f"acc       {100 * found.accuracy:.1f} %, 95 % interval {100 * low:.1f} to {100 * high:.1f} %",
        f"acc_norm  {100 * found.normalised_accuracy:.1f} %: by log-probability a character",
        f"guessing  {100 * guess:.1f} %; {counted(len(kept), 'question')}, {exam.shots} shots; "
        f"calibration error {100 * error:.1f} points",
    ]
    if len(kept) < len(every):
        lines.append(f"left out  {len(every) - len(kept)} with characters that the run never saw")
    if cut:
        lines.append(
            f"cut       {counted(cut, 'context')} to the last {asked.longest} tokens, all that is read"
        )
    return Finding(lines, {
        "questions": len(kept), "left_out": len(every) - len(kept), "cut": cut, "shots": exam.shots,
        "acc": found.accuracy, "acc_interval": [low, high], "acc_norm": found.normalised_accuracy,
        "guessing": guess, "calibration_error": error, "log_p": found.log_p,
    })  # fmt: skip


def is_known(tokeniser: Tokeniser, question: choice.Question) -> bool:
    """Whether the tokeniser knows all characters of a question."""
    try:
        tokeniser.encode(choice.BETWEEN.join([question.context, *question.choices]))
        return True
    except UserError:
        return False


def calibration(asked: Examined, exam: Exam) -> Finding:
    """Whether a next token that is given 80 % comes 8 times of 10: bins, and the calibration error."""
    if exam.files:
        parts = [tokens_of(asked.tokeniser, file)[0] for file in listed(exam.files)]
    else:
        parts = [asked.splits().test.tokens]
    pairs = [certainties(asked.model, part[:LOOKED], asked.context) for part in parts]
    sure, right = (torch.cat(column) for column in zip(*pairs, strict=True))
    found = equal_width(sure, right, bins=BINS)
    lines = [
        f"calibration error {100 * found.error:.2f} points over {len(sure):,} tokens; the most probable "
        f"token comes {100 * float(right.mean()):.1f} % of the time, said {100 * float(sure.mean()):.1f} %"
    ]
    return Finding([*lines, *map(row_of, bins_of(found))], {
        "tokens": len(sure), "calibration_error": found.error, "accuracy": float(right.mean()),
        "confidence": float(sure.mean()), "bins": bins_of(found),
    })  # fmt: skip


def bins_of(found: Bins) -> list[dict[str, float]]:
    """The bins that hold something."""
    names = ("low", "high", "confidence", "accuracy", "count")
    rows = zip(*(getattr(found, name).tolist() for name in names), strict=True)
    return [row for row in (dict(zip(names, values, strict=True)) for values in rows) if row["count"]]


def row_of(row: dict[str, float]) -> str:
    """A bin for a terminal."""
    share = f"{100 * row['low']:3.0f} to {100 * row['high']:3.0f} %"
    said = f"says {100 * row['confidence']:5.1f} %, right {100 * row['accuracy']:5.1f} %"
    return f"  {share}: {said} ({row['count']:,})"


def contamination(asked: Examined, exam: Exam) -> Finding:
    """Which passages or questions have n words in a row that the training text has, too."""
    # 1. What is looked for, and where.
    splits = asked.splits()
    named = [each for file in exam.files for each in tests_of(file)]
    if not exam.files:
        named = [each.text for each in passages_of(splits.test.text(), Path("test"))]
    found = overlaps(named, training_texts(splits.train), exam.words)
    # 2. How much of it there is.
    dirty = [test for test, each in zip(named, found, strict=True) if each.dirty]
    covered = sum(each.covered for each in found) / max(1, sum(each.words for each in found))
    shorter = " (shorter ones: all their words)" if any(each.words < exam.words for each in found) else ""
    lines = [
        f"{len(dirty)} of {counted(len(named), 'text')} have {exam.words} words in a row{shorter} that the "
        f"training text has, too; these cover {100 * covered:.2f} % of all words",
        *(f"  {shortened(test)}" for test in dirty[:SHOWN]),
    ]
    return Finding(lines, {
        "texts": len(named), "contaminated": len(dirty), "words_covered": covered, "words": exam.words,
        "first": dirty[:SHOWN],
    })  # fmt: skip


def tests_of(file: Path) -> list[str]:
    """The questions of a .jsonl file with their right answers, or the passages of a text."""
    if file.suffix == ".jsonl":
        return [f"{q.context} {q.choices[q.answer]}" for q in read_questions(file)]
    return [each.text for each in passages_of("".join(open_running(file).blocks()), file)]


def training_texts(train: Corpus) -> Iterator[str]:
    """The training text in pieces that overlap, so that no sequence of words is lost between two."""
    for start in range(0, len(train), PIECE):
        yield train.text(start, start + PIECE + SHARED)


def memory(asked: Examined, exam: Exam) -> Finding:
    """How many passages of the training text the model recites, beside passages that it never saw."""
    # 1. As many places of both texts, evenly spread; of a short text short passages.
    splits = asked.splits()
    least = min(len(splits.train), len(splits.test))
    prompt = max(1, min(asked.context, least) // 2)
    length, lines = prompt + min(prompt, 32), []
    facts: dict[str, Any] = {"prompt": prompt}
    for name, part in (("training", splits.train), ("test", splits.test)):
        places = np.unique(np.linspace(0, len(part) - length, PASSAGES).astype(int).clip(0))
        rows = torch.from_numpy(part.tokens[places[:, None] + np.arange(length)].astype(np.int64))
        # 2. How much of each is written by itself.
        shares = {
            str(more): float(recited(asked.logits, rows[:, : prompt + more], prompt).double().mean())
            for more in recitals(length - prompt)
        }
        told = ", ".join(f"{more} tokens {100 * share:.1f} %" for more, share in shares.items())
        lines.append(f"{name:<9} {counted(len(rows), 'passage')} after {prompt} tokens: recited {told}")
        facts[name] = {"passages": len(rows), "recited": shares}
    return Finding(lines, facts)


def recitals(most: int) -> Sequence[int]:
    """How many tokens are to be recited: 4, 8, 16, 32, as far as there are."""
    return [more for more in (4, 8, 16, 32) if more <= most] or [most]


TASKS: dict[str, Callable[[Examined, Exam], Finding]] = {
    "text": text, "choice": questions, "calibration": calibration, "contamination": contamination,
    "memory": memory,
}  # fmt: skip
