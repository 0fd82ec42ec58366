"""The record that tasks on running text are handed: one part of a text, each token an example.

The tokens of a long text lie in a file of the cache and are mapped into memory, so a text may be larger than
memory. A text is cut into parts by position: what is tested on comes last, as it does where a model is used.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from gradschool.data.cache import Arrays, Room, remembered
from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.text.running.corpusset import CorpusSet
from gradschool.data.text.running.running import Running, open_running
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.errors import UserError

LARGE = 1 << 25  # characters; the tokens of a longer text are kept in the cache
LEAST = 2  # tokens in a part: one to see and one to predict


Learn = Callable[[Running, int, int], Tokeniser]
"""From a text, and where the characters that are trained on begin and end, to a tokeniser."""


@dataclass(frozen=True)
class Corpus:
    """One part of a running text.

    Args:
        tokens: (n,) token numbers, in memory or mapped into it.
        tokeniser: that of all parts.
        characters: of the text of these tokens.
        size: bytes of that text in UTF-8.
    """

    tokens: NDArray[np.uint16] | NDArray[np.uint32]
    tokeniser: Tokeniser
    characters: int
    size: int

    @property
    def names(self) -> Sequence[str]:
        """A token has no name: its place is all that tells it from others."""
        return ()

    def __len__(self) -> int:
        """Tokens."""
        return len(self.tokens)

    def take(self, index: Int64[Tensor, " k"]) -> "Corpus":
        """The tokens at `index`, in that order."""
        tokens = self.tokens[index.numpy()]
        text = self.tokeniser.decode(tokens.tolist())
        return replace(self, tokens=tokens, characters=len(text), size=len(text.encode()))

    def content(self) -> Sequence[bytes | memoryview]:
        """All tokens in one piece."""
        return [np.ascontiguousarray(self.tokens).data.cast("B")]

    def text(self, start: int = 0, stop: int | None = None) -> str:
        """The text of the tokens from `start` to before `stop`."""
        return self.tokeniser.decode(self.tokens[start:stop].tolist())


def open_corpus(
    name: str | Path, learn: Learn, *, val: float | int, test: float | int, val_first: bool = False
) -> Splits[Corpus]:
    """Open a set by name, or a text file or folder of .txt files by path.

    Args:
        name: of a set, or a path; a bare name that is both is the set.
        learn: makes the tokeniser.
        val: what comes before the test part and is held out to choose by: a share of the text below 1, or a
            number of characters; 0 for none.
        test: what is held out at the end to test on, likewise, above 0.
        val_first: what is held out to choose by is the beginning of the text instead, so that what comes
            right before the test part, and is most like it, is trained on.

    Raises:
        UserError: it is not here, is no running text, or too short.
    """
    info, place = resolve(name)
    if info is not None and not isinstance(info, CorpusSet):
        wanted = "a running text such as tinyshakespeare, or a text file"
        raise UserError(f"{info.name} ({info.title}) is no running text", wanted, "Try --data FILE.txt.")
    assert place is not None, "a running text lies in a file"
    # 1. Where the parts begin and end, in characters.
    running = open_running(place)
    total = len(running)
    held = {"val": counted(val, total), "test": counted(test, total)}
    start, stop = (held["val"] if val_first else 0), total - held["test"]
    end = stop if val_first else stop - held["val"]
    if end <= start:
        what = f"{place.name} has {total:,} characters, and {held['val'] + held['test']:,} are held out"
        raise UserError(what, "some to train on", "Example: --set val=0.05 --set test=0.05")
    # 2. The tokeniser, and the tokens of each part.
    tokeniser = learn(running, start, end)
    chosen_by = (0, start) if val_first else (end, stop)
    bounds = {"train": (start, end), "val": chosen_by, "test": (stop, total)}
    found = {
        part: encoded(running, tokeniser, *place)
        for part, place in bounds.items()
        if part != "val" or held["val"]
    }
    for part, corpus in found.items():
        if len(corpus) < LEAST:
            what = f"the {part} part of {place.name} has {len(corpus)} tokens"
            raise UserError(what, f"{LEAST} or more", "Use a longer text, or hold out more of it.")
    name = info.name if info else place.name
    return Splits(name, found["train"], found.get("val"), found["test"], running.skipped, running.notes)


def counted(held: float | int, total: int) -> int:
    """How many characters are held out, given as a share below 1 or as their number."""
    return int(held) if held >= 1 else round(held * total)


def encoded(running: Running, tokeniser: Tokeniser, start: int, stop: int) -> Corpus:
    """The tokens of the characters from `start` to before `stop`, from the cache if the text is long."""
    build = partial(tokens_of, running, tokeniser, start, stop)
    if len(running) < LARGE:
        arrays = build(None)
    else:
        facts = json.dumps(tokeniser.facts(), sort_keys=True)
        key = repr((running.digest, facts, start, stop))
        arrays = remembered(f"corpus-{hashlib.sha256(key.encode()).hexdigest()[:32]}", build)
    count, size = arrays["counts"].tolist()
    kind = kind_of(tokeniser)
    return Corpus(arrays["tokens"].view(kind)[:count], tokeniser, stop - start, size)


def tokens_of(running: Running, tokeniser: Tokeniser, start: int, stop: int, room: Room | None) -> Arrays:
    """The tokens, block by block, as bytes, and how many there are of tokens and of bytes of text.

    Args:
        running: the text.
        tokeniser: of the run.
        start: the first character.
        stop: the one after the last.
        room: makes the array to fill; None: in memory.
    """
    # 1. Block after block.
    kind = kind_of(tokeniser)
    blocks = partial(running.blocks, start, stop)
    parts = (np.asarray(tokeniser.encode(block), kind) for block in blocks())
    size = sum(len(block.encode("utf-8", "surrogatepass")) for block in blocks())
    if room is None:
        tokens = np.concatenate([np.empty(0, kind), *parts])
        return {"tokens": tokens.view(np.uint8), "counts": np.array([len(tokens), size])}
    # 2. On the disk, behind each other: a text has at most as many tokens as bytes.
    filled, count = room("tokens", (size * kind.itemsize,)), 0
    for part in parts:
        filled[count * kind.itemsize : (count + len(part)) * kind.itemsize] = part.view(np.uint8)
        count += len(part)
    return {"tokens": filled, "counts": np.array([count, size])}


def kind_of(tokeniser: Tokeniser) -> np.dtype[Any]:
    """The smallest type that holds every token's number."""
    return np.dtype(np.uint16 if len(tokeniser) <= 1 << 16 else np.uint32)
