"""Reber's grammar and the embedded one: finite-state languages in which every string ends.

Sources: Reber 1967; Cleeremans, Servan-Schreiber and McClelland 1989 (as a task for an SRN);
Hochreiter and Schmidhuber 1997, section 5.1 (embedded). Symbols that may follow are equally probable.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from gradschool.data.text.formal.language import Language, Strings, next_symbols
from gradschool.data.text.formal.machine import NOWHERE, Machine, machine, walk

MOST = 200  # symbols of a string; a walk of Reber's grammar is longer with probability below 1e-12
SYMBOLS = "BTSXVPE"
REBER: Mapping[str, Mapping[str, str]] = {
    "start": {"B": "1"},
    "1": {"T": "2", "P": "3"},
    "2": {"S": "2", "X": "4"},
    "3": {"T": "3", "V": "5"},
    "4": {"X": "3", "S": "6"},
    "5": {"P": "4", "V": "6"},
    "6": {"E": "end"},
    "end": {},
}


@dataclass(frozen=True)
class Grammar(Language):
    """A finite-state grammar.

    Args:
        longest: strings of `draw` have any length; those of `longer` have more symbols than this.
    """

    longest: int = 20

    @property
    def within(self) -> str:
        """The lengths of training, in words."""
        return "strings of any length"

    @property
    def beyond(self) -> str:
        """The lengths of `longer`, in words."""
        return f"strings of more than {self.longest} symbols"

    def draw(self, n: int, generator: torch.Generator) -> Strings:
        """Strings as the grammar writes them."""
        return next_symbols(self.machine, *walk(self.machine, n, generator, MOST), only_determined=False)

    def longer(self, n: int, generator: torch.Generator) -> Strings:
        """Strings of more than `longest` symbols: of those drawn, the first n that are long enough."""
        kept: list[Tensor] = []
        while len(kept) < n:
            both = torch.stack(walk(self.machine, 10 * n, generator, MOST), 2)
            kept += both[(both[..., 1] != NOWHERE).sum(1) > self.longest].unbind(0)
        padded = pad_sequence(kept[:n], batch_first=True, padding_value=NOWHERE)
        return next_symbols(self.machine, padded[..., 0], padded[..., 1], only_determined=False)


def reber() -> Grammar:
    """Reber's grammar: seven symbols, strings from BTXSE on."""
    return Grammar("Reber's grammar", of_arcs(REBER))


def embedded_reber() -> Grammar:
    """A string of Reber's grammar between two T or two P: the last but one symbol repeats the second."""
    arcs: dict[str, dict[str, str]] = {"start": {"B": "first"}, "first": {"T": "T start", "P": "P start"}}
    for side in "TP":
        inner = {f"{side} {at}": {s: f"{side} {to}" for s, to in row.items()} for at, row in REBER.items()}
        arcs |= inner | {f"{side} end": {side: "last"}}
    return Grammar("the embedded Reber grammar", of_arcs(arcs | {"last": {"E": "end"}, "end": {}}))


def of_arcs(arcs: Mapping[str, Mapping[str, str]]) -> Machine:
    """A machine in which all legal symbols are equally probable."""

    def following(state: object) -> dict[str, tuple[float, object]]:
        row = arcs[str(state)]
        return {symbol: (1 / len(row), to) for symbol, to in row.items()}

    return machine(SYMBOLS, "start", following)
