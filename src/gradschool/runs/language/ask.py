"""What can be asked of a finished language model: go on with a text, and how surprising a text is."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from gradschool.data.text.running.running import open_running
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.language.reading import surprisals
from gradschool.evals.language.scored import listed
from gradschool.evals.language.surprise import Word, words_of
from gradschool.ops.sequence.counting import bits_per_byte
from gradschool.runs.kind import Wanted
from gradschool.runs.language.wishes import planned

BEGIN = "\n"  # what a text begins after
HALF = "\ufffd"  # stands for a character whose bytes are not all there yet
LONGEST = 1_000_000  # characters of a file that are read
SHOWN = 40  # characters of a text that a line shows


def sample(
    model: nn.Module, tokeniser: Tokeniser, context: int, folder: RunFolder, wanted: Wanted, out: Path | None
) -> Path:
    """Go on with a prompt, and write what comes; one text is told as it comes.

    Raises:
        UserError: something is asked for that a language model does not do, or the prompt has characters that
            it does not know.
    """
    # 1. What is asked for, and from which tokens it begins.
    plan = planned(wanted, tokeniser)
    prompt = wanted.prompt or ""
    start = beginning(tokeniser, prompt)
    # 2. Draw; with one text, tell each piece as soon as it is a text.
    texts: list[list[int]] = [[] for _ in range(plan.n)]
    told = 0
    if plan.n == 1:
        wanted.heard(prompt)
    for tokens in plan.pieces(model, start, context):
        for text, new in zip(texts, tokens, strict=True):
            text.extend(new)
        told = tell(tokeniser.decode(texts[0]), told, wanted.heard) if plan.n == 1 else 0
    if note := plan.note():
        wanted.noted(note)
    # 3. The file.
    found = [prompt + tokeniser.decode(text) for text in texts]
    name = f"text-{wanted.seed}.txt"
    out = folder.path / name if out is None else out / name if out.is_dir() else out
    with disk_errors(out.parent):
        write_whole(out, ("\n\n---\n\n".join(found) + "\n").encode("utf-8", "backslashreplace"))
    return out


def beginning(tokeniser: Tokeniser, prompt: str) -> list[int]:
    """The tokens of a prompt; of none those of a line end, or the first token there is."""
    if prompt:
        found = tokeniser.encode(prompt)
        if not found:
            raise UserError(f"the prompt {prompt!r} has no token", "a text with a word in it")
        return found
    try:
        return tokeniser.encode(BEGIN) or [0]
    except UserError:
        return [0]


def tell(text: str, told: int, heard: Callable[[str], None]) -> int:
    """Tell what is new in a text, but for a half character at its end; how much has been told now."""
    whole = text.rstrip(HALF)
    if len(whole) > told:
        heard(whole[told:])
    return max(told, len(whole))


@dataclass(frozen=True)
class Read:
    """What a model says of a text: `count` are the tokens that it predicted, `size` the bytes that they give
    back, or None where they do not give back the text (as words without their spaces).
    """

    name: str
    nats: float
    count: int
    size: int | None
    words: Sequence[Word]

    @property
    def bits_per_byte(self) -> float | None:
        """Bits for each byte of the text in UTF-8."""
        return None if self.size is None else float(bits_per_byte(self.nats, self.count, self.size))

    def line(self) -> str:
        """For a terminal."""
        words = ", ".join(f"{word.text} ({word.nats:.1f})" for word in self.words)
        per_byte = "" if self.bits_per_byte is None else f", {self.bits_per_byte:.3f} bits a byte"
        return (
            f"{self.nats:6.3f} nats a token{per_byte}  {self.name}\n"
            f"         most surprising, in nats: {words}"
        )

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        words = [{"word": word.text, "nats": word.nats} for word in self.words]
        known = {"text": self.name, "nats_per_token": self.nats, "bits_per_byte": self.bits_per_byte}
        return known | {"tokens": self.count, "bytes": self.size, "most_surprising": words}


def read(model: nn.Module, tokeniser: Tokeniser, context: int, top: int, name: str, text: str) -> Read:
    """How surprised a model is by a text, which begins as if a line had ended before it.

    Args:
        model: in eval mode.
        tokeniser: of the run.
        context: tokens of a chunk.
        top: how many words to name.
        name: of the text.
        text: any.

    Raises:
        UserError: it has characters that the model does not know, or no token.
    """
    # 1. Every token, and the one that stands before the first.
    own = tokeniser.encode(text)
    tokens = np.array(beginning(tokeniser, "")[-1:] + own, np.uint32)
    if len(tokens) < 2:
        raise UserError(f"{name!r} has no token", "a text with a word in it")
    # 2. Their surprise, by tokens and by words.
    nats = surprisals(model, tokens, context)
    worst = sorted(words_of(tokeniser, tokens[1:], nats), key=lambda word: -word.nats)[:top]
    size = len(text.encode("utf-8", "replace")) if tokeniser.decode(own) == text else None
    return Read(name, float(nats.mean()), len(nats), size, worst)


def read_files(
    reads: Callable[[str, str], Read], files: Sequence[Path], progress: Callable[[int, int], None],
    skip: Callable[[Path, str], None],
) -> Iterator[Read]:  # fmt: skip
    """What a model says of text files; of a long one the beginning is read.

    Args:
        reads: from a name and a text to what is said of it.
        files: text files, and folders whose .txt files are taken.
        progress: told how far it is.
        skip: told of every file that is left out.

    Raises:
        WorkFailed: nothing could be read.
    """
    items, done = listed(files), 0
    for number, file in enumerate(items, 1):
        try:
            found = reads(str(file), "".join(open_running(file).blocks(0, LONGEST)))
        except UserError as error:
            skip(file, error.what)
            continue
        yield found
        done += 1
        progress(number, len(items))
    if not done:
        raise WorkFailed("no text could be read", "text of characters that the run was trained on", "")


def shortened(text: str) -> str:
    """The beginning of a text, on one line."""
    return textwrap.shorten(text, SHOWN, placeholder="...") or repr(text)
