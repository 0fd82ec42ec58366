"""A formal language as a task: strings are drawn from a machine, and a network answers after every symbol.

A grammar asks for the next symbol, whose true probabilities are known; a word problem asks for the machine's
state. `longer` gives strings beyond the lengths of training, for what was learnt should not end there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float32, Int64
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from gradschool.data.text.formal.machine import NOWHERE, Machine

Codes = Int64[Tensor, "n t"]
AT_ONCE = 50  # batches that are drawn together


@dataclass(frozen=True)
class Strings:
    """A batch of strings, and what a network should answer after each symbol. Shorter ones are padded.

    Args:
        inputs: numbers of the symbols that are read, (n, t); padding is 0.
        states: of the machine after each symbol, (n, t); NOWHERE in the padding.
        targets: the answer after each symbol, (n, t): the symbol that followed, or the state's number.
        truth: true probability of every answer, (n, t, answers).
        asked: where there is an answer, (n, t): not at the end of a string, not in the padding.
        judged: where the answer counts in a score, (n, t); a part of `asked`.
    """

    inputs: Codes
    states: Codes
    targets: Codes
    truth: Float32[Tensor, "n t k"]
    asked: Bool[Tensor, "n t"]
    judged: Bool[Tensor, "n t"]

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: slice) -> "Strings":
        """Some of the strings, without the padding that all of them have in common."""
        longest = int((self.states[rows] != NOWHERE).sum(1).max())
        cut = (getattr(self, name)[rows, :longest] for name in Strings.__dataclass_fields__)
        return Strings(*cut)

    def text(self, row: int, symbols: str) -> str:
        """A string as it is written."""
        held = self.states[row] != NOWHERE
        return "".join(symbols[i] for i in self.inputs[row, held].tolist())


@dataclass(frozen=True)
class Language:
    """What all languages share; a kind of language says how strings are drawn.

    Args:
        title: for people.
        machine: writes the strings of training; its states colour the figures.
    """

    title: str
    machine: Machine

    @property
    def symbols(self) -> str:
        """What strings are made of."""
        return self.machine.symbols

    @property
    def answers(self) -> Sequence[str]:
        """What a network chooses from after every symbol."""
        return tuple(self.symbols)

    @property
    def within(self) -> str:
        """The lengths of training, in words."""
        raise NotImplementedError

    @property
    def beyond(self) -> str:
        """The lengths of `longer`, in words."""
        raise NotImplementedError

    def draw(self, n: int, generator: torch.Generator) -> Strings:
        """Strings of the lengths of training."""
        raise NotImplementedError

    def longer(self, n: int, generator: torch.Generator) -> Strings:
        """Longer ones."""
        raise NotImplementedError


def batches(language: Language, size: int, generator: torch.Generator) -> Iterator[Strings]:
    """Fresh strings without end, so many at a time; some batches are drawn at once, which is faster.

    Args:
        language: that is drawn from.
        size: strings of a batch, >= 1.
        generator: of the draws.
    """
    while True:
        drawn = language.draw(AT_ONCE * size, generator)
        for first in range(0, len(drawn), size):
            yield drawn.take(slice(first, first + size))


def next_symbols(machine: Machine, symbols: Codes, states: Codes, only_determined: bool) -> Strings:
    """Strings whose answer is the next symbol.

    Args:
        machine: knows the true probabilities.
        symbols, states: as of `walk`; NOWHERE after a string's end.
        only_determined: judge only where a single symbol is legal.
    """
    # 1. The answer is what follows; the last symbol has none.
    held = states != NOWHERE
    asked = held & F.pad(held[:, 1:], (0, 1))
    targets = F.pad(symbols[:, 1:], (0, 1)).clamp(min=0)
    # 2. The true probabilities are those of the state; where only one symbol is legal, its probability is 1.
    truth = machine.chance[states.clamp(min=0)] * asked[..., None]
    judged = asked & (truth.amax(2) > 1 - 1e-6) if only_determined else asked
    return Strings(symbols.clamp(min=0), states, targets, truth, asked, judged)


def encode(machine: Machine, texts: Sequence[str]) -> tuple[Codes, Codes]:
    """Given strings as `walk` gives drawn ones.

    Raises:
        UserError: a string has an illegal symbol.
    """
    rows = [torch.tensor([machine.symbols.find(symbol) for symbol in text]) for text in texts]
    states = [torch.tensor(machine.path(text)) for text in texts]
    padded = [pad_sequence(each, batch_first=True, padding_value=NOWHERE) for each in (rows, states)]
    return padded[0], padded[1]
