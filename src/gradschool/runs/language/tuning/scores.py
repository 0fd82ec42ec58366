"""What a reward model says of answers: a score for each, of JSON lines or of what was typed.

Scores of one prompt can be compared: the difference of two is the log-odds that people choose the first
(Bradley and Terry 1952). Scores of different prompts cannot, since the loss never compares them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gradschool.data.text.dialogues.dialogue import Dialogue, Turn
from gradschool.data.text.dialogues.read import Row, read_dialogues
from gradschool.data.text.dialogues.rows import padded
from gradschool.data.text.dialogues.template import answered, tidy
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.errors import UserError, WorkFailed
from gradschool.phrases import command
from gradschool.tasks.reward import last_token

AT_ONCE = 32  # answers that are scored together
EXAMPLE = 'Example of a line: {"prompt": "12+7", "chosen": "19", "rejected": "20"}'


@dataclass(frozen=True)
class ScoredAnswer:
    """An answer with its score, its file and where it stands there; one that was typed has no file."""

    prompt: str
    answer: str
    score: float
    file: Path | None = None
    place: str = ""

    def line(self) -> str:
        """For a terminal."""
        prompt, answer = (" / ".join(text.splitlines()) for text in (self.prompt, self.answer))
        where = f"  ({self.place})" if self.place else ""
        return f"{self.score:8.3f}  {prompt} -> {answer}{where}"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        told = {"prompt": self.prompt, "answer": self.answer, "score": self.score}
        return told if self.file is None else {"file": self.file, "place": self.place, **told}


@dataclass(frozen=True)
class Scorer:
    """A trained reward model.

    Args:
        model: in eval mode, as `nn.attention.score`.
        tokeniser: of the model.
        context: tokens that it reads, >= 1.
    """

    model: nn.Module
    tokeniser: Tokeniser
    context: int

    def refusal(self, dialogue: Dialogue) -> str:
        """Why a dialogue cannot be scored; "" where it can."""
        try:
            tokens, _ = answered(dialogue, self.tokeniser)
        except UserError as error:
            return error.what
        return f"has {len(tokens)} tokens, {self.context} are read" if len(tokens) > self.context else ""

    @torch.inference_mode()
    def scores(self, dialogues: Sequence[Dialogue]) -> list[float]:
        """The score of the last answer of each dialogue; each has to fit (`refusal`)."""
        place, found = next(self.model.parameters()).device, []
        for start in range(0, len(dialogues), AT_ONCE):
            texts = [answered(each, self.tokeniser) for each in dialogues[start : start + AT_ONCE]]
            tokens, answer = padded(texts, max(len(text) for text, _ in texts))
            found += self.model(tokens.to(place), last_token(answer.to(place))).float().tolist()
        return found

    def told(self, dialogues: Sequence[Dialogue]) -> list[ScoredAnswer]:
        """The same with their texts, as the model read them."""
        found = zip(dialogues, self.scores(dialogues), strict=True)
        return [ScoredAnswer(tidy(each.question), tidy(each.answer), score) for each, score in found]


def of_words(scorer: Scorer, words: Sequence[str]) -> list[ScoredAnswer]:
    """The scores of answers that were typed: the first word is the prompt, the others are answers to it.

    Raises:
        UserError: there is no answer, a text is empty, too long, or has characters that the model does not
            know.
    """
    prompt, *answers = words
    example = f"Example: {command('predict', 'RUN', '12+7', '19', '20')}"
    if not answers:
        raise UserError(f"the prompt {prompt!r} came without an answer", "a prompt and answers", example)
    if not all(map(tidy, words)):
        raise UserError("a text is empty", "a prompt and answers", example)
    dialogues = [Dialogue([Turn("user", prompt), Turn("assistant", answer)]) for answer in answers]
    for answer, dialogue in zip(answers, dialogues, strict=True):
        if reason := scorer.refusal(dialogue):
            raise UserError(f"{prompt!r} with the answer {answer!r}: {reason}")
    return scorer.told(dialogues)


def of_files(
    scorer: Scorer, files: Sequence[Path], progress: Callable[[int, int], None],
    skip: Callable[[Path, str], None],
) -> Iterator[ScoredAnswer]:  # fmt: skip
    """The scores of all answers of files of JSON lines, of a chosen and a rejected answer both.

    Args:
        scorer: of the answers.
        files: such files, and folders whose .jsonl files are taken.
        progress: told how many files are done.
        skip: told of every file or line that is left out.

    Raises:
        WorkFailed: no answer could be scored.
    """
    items = [each for file in files for each in (sorted(file.rglob("*.jsonl")) if file.is_dir() else [file])]
    done = 0
    for number, file in enumerate(items, 1):
        # 1. Answers that the model can read.
        try:
            found = read_dialogues(file)
        except UserError as error:
            skip(file, error.what)
            continue
        for place, reason in found.skipped:
            skip(file, f"{short(place, file)}: {reason}")
        fitting = []
        for place, dialogue in answers_of(found.rows, file):
            if reason := scorer.refusal(dialogue):
                skip(file, f"{place}: {reason}")
            else:
                fitting.append((place, dialogue))
        # 2. Their scores.
        scored = scorer.told([dialogue for _, dialogue in fitting])
        yield from (replace(each, file=file, place=at) for each, (at, _) in zip(scored, fitting, strict=True))
        done += len(fitting)
        progress(number, len(items))
    if not done:
        raise WorkFailed("no answer could be scored", "JSON lines with a prompt and answers", EXAMPLE)


def answers_of(rows: Sequence[Row], file: Path) -> Iterator[tuple[str, Dialogue]]:
    """Every answer of a file with where it stands; a rejected one after the chosen one."""
    for row in rows:
        place, rejected = short(row.place, file), row.dialogue.rejected
        if rejected is None:
            yield place, row.dialogue
        else:
            yield f"{place}, chosen", row.dialogue
            yield f"{place}, rejected", row.dialogue.with_answer(rejected)


def short(place: str, file: Path) -> str:
    """A place without the name of its file."""
    return place.removeprefix(f"{file.name}, ")
