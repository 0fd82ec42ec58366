"""What a recurrent network keeps in mind: its hidden states along strings, and the automaton between them.

Source: Elman 1990 (hidden states on their principal components); Giles et al. 1992 (extraction).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gradschool.data.text.formal.grammar import Grammar
from gradschool.data.text.formal.language import Strings
from gradschool.data.text.formal.machine import NOWHERE, Machine
from gradschool.data.text.formal.words import WordProblem
from gradschool.evals.language.automaton import Automaton, Reading, alike, clusters, extracted, minimal

POSSIBLE = 0.1  # probability from which a symbol counts as possible; the rarest legal one of Reber's has 0.5
MOST = 1000  # hidden states that are clustered
WIDTHS = (0.1, 0.2, 0.3, 0.45, 0.6)  # of a cluster, in units of the cloud's diameter


@dataclass(frozen=True)
class Cloud:
    """Hidden states along strings.

    Args:
        points: (n, hidden), one for each symbol that was read.
        states: of the true machine, (n,).
        before: number of the point before in the same string, (n,); NOWHERE at its start.
        symbols: that were read, (n,).
    """

    points: Float[np.ndarray, "n h"]
    states: Int[np.ndarray, " n"]
    before: Int[np.ndarray, " n"]
    symbols: Int[np.ndarray, " n"]


@dataclass(frozen=True)
class Extraction:
    """An automaton that was read out of a network.

    Args:
        width: of a cluster, as a share of the cloud's diameter.
        clusters: how many.
        automaton: the smallest of the same language.
        alike: share of `tested` strings on which it agrees with the true one.
        tested: how many strings.
    """

    width: float
    clusters: int
    automaton: Automaton
    alike: float
    tested: int


def cloud(hidden: Float[Tensor, "n t h"], strings: Strings) -> Cloud:
    """The hidden states of all symbols that were read, without the padding."""
    held = strings.states != NOWHERE
    number = torch.full(held.shape, NOWHERE)
    number[held] = torch.arange(int(held.sum()))
    before = torch.cat([torch.full((len(held), 1), NOWHERE), number[:, :-1]], 1)
    points = hidden[held].double().numpy()
    return Cloud(points, *(each[held].numpy() for each in (strings.states, before, strings.inputs)))


def projected(points: Float[np.ndarray, "n h"], axes: int) -> tuple[Float[np.ndarray, "n a"], float]:
    """Points on so many axes, and the share of their variance that these keep.

    As many hidden units as axes are shown as they are; more are projected on their principal components.
    """
    if points.shape[1] <= axes:
        return points, 1.0
    centred = points - points.mean(0)
    _, size, turned = np.linalg.svd(centred, full_matrices=False)
    return centred @ turned[:axes].T, float((size[:axes] ** 2).sum() / (size**2).sum())


def true_automaton(language: Grammar | WordProblem) -> Automaton:
    """The automaton of a finite-state language; a word is accepted where its product is the identity."""
    table = language.machine
    if isinstance(language, WordProblem):
        return Automaton(table.to.numpy(), np.arange(len(table.to)) == 0)
    return Automaton(table.to.numpy(), (table.chance.sum(1) == 0).numpy())


def extract(
    model: nn.Module, language: Grammar | WordProblem, seed: int = 0, n: int = 300
) -> list[Extraction]:
    """Automata for several widths of clusters, and how they agree with the true one.

    Args:
        model: symbols to logits and hidden states.
        language: with finitely many states.
        seed: of the strings.
        n: strings to read, and half as many legal and half as many changed ones to compare on.
    """
    # 1. Hidden states along strings.
    generator = torch.Generator().manual_seed(seed)
    strings = language.draw(n, generator)
    with torch.no_grad():
        logits, hidden = model(strings.inputs)
    many = int(((strings.states != NOWHERE).sum(1).cumsum(0) <= MOST).sum())
    read = [one_reading(i, strings, logits, language) for i in range(max(1, many))]
    points = np.concatenate([hidden[i, : len(one.symbols)].numpy() for i, one in enumerate(read)])
    diameter = float(np.linalg.norm(np.ptp(points, 0)))
    # 2. Strings to compare on: new ones, and as many with one symbol changed.
    fresh = [[int(s) for s in row[held]] for row, held in held_rows(language.draw(n // 2, generator))]
    changed = [damaged(each, len(language.symbols), generator) for each in fresh]
    truth = true_automaton(language)
    # 3. An automaton for every width.
    found = []
    for width in WIDTHS:
        numbers = np.split(
            clusters(points, width * diameter), np.cumsum([len(one.symbols) for one in read])[:-1]
        )
        readings = [Reading(one.symbols, each, one.possible, one.accepting)
                    for one, each in zip(read, numbers, strict=True)]  # fmt: skip
        automaton = minimal(extracted(readings, bool(truth.accepting[0])))
        share = alike(automaton, truth, fresh + changed)
        count = 1 + max(int(each.max()) for each in numbers)
        found.append(Extraction(width, count, automaton, share, 2 * len(fresh)))
    return found


def one_reading(i: int, strings: Strings, logits: Tensor, language: Grammar | WordProblem) -> Reading:
    """What the network said along a string; its clusters are not known yet."""
    held = strings.states[i] != NOWHERE
    symbols, p = strings.inputs[i, held].numpy(), logits[i, held].softmax(1)
    if isinstance(language, WordProblem):  # every symbol may follow, and the answer says where it ends
        possible, accepting = torch.ones(len(symbols), len(language.symbols)) > 0, p.argmax(1) == 0
    else:  # what the network says after the end of a string was never trained
        asked = strings.asked[i, held]
        possible, accepting = (p > POSSIBLE) & asked[:, None], ~asked
    return Reading(symbols, np.zeros(len(symbols), int), possible.numpy(), accepting.numpy())


def held_rows(strings: Strings) -> list[tuple[Tensor, Tensor]]:
    """Each string's symbols, and which of them are no padding."""
    return list(zip(strings.inputs, strings.states != NOWHERE, strict=True))


def damaged(string: Sequence[int], symbols: int, generator: torch.Generator) -> list[int]:
    """The string with one symbol replaced by another."""
    place, shift = (int(torch.randint(n, (), generator=generator)) for n in (len(string), symbols - 1))
    return [(s + 1 + shift) % symbols if i == place else s for i, s in enumerate(string)]


def shared_states(machine: Machine) -> list[str]:
    """Names of the machine's states without what only tells how the string will end: b2/5 is b2."""
    return [name.partition("/")[0] for name in machine.names]
