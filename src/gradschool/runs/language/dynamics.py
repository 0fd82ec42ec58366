"""What a report shows of a network that reads a formal language, gathered from the trained network."""

from typing import Any

import torch
from torch import Tensor, nn

from gradschool.data.text.formal.counting import Counting
from gradschool.data.text.formal.grammar import Grammar
from gradschool.data.text.formal.language import Language, Strings, encode, next_symbols
from gradschool.data.text.formal.words import WordProblem
from gradschool.evals.language.automaton import minimal
from gradschool.evals.language.dynamics import cloud, extract, true_automaton
from gradschool.evals.language.strings import probabilities, right
from gradschool.evals.report.text.formal import FormalFacts, Step
from gradschool.models.language.string_reader import StringReader
from gradschool.nn.sequence.recurrent import LSTM

READ = 200  # strings whose hidden states are drawn
LARGEST = 24  # states of a machine that can still be compared with an extracted one
MEMORABLE = "last"  # the state of embedded strings in which what is remembered has been said
MEMORY = "TXXVPXVV"  # inside an embedded string: long enough to see what is remembered


def look(model: nn.Module, language: Language, tried: int = 0) -> FormalFacts:
    """All that a report shows.

    Args:
        model: a trained network in eval mode.
        language: that it has learnt.
        tried: for languages that count: the largest n to try.
    """
    # 1. Predictions along one string, hidden states along many.
    generator = torch.Generator().manual_seed(0)
    shown, drawn = example(language, generator), language.draw(READ, generator)
    with torch.no_grad():
        _, hidden = model(drawn.inputs)
    known: dict[str, Any] = {"steps": steps(model, language, shown), "cloud": cloud(hidden, drawn)}
    # 2. What only some languages and networks have.
    if isinstance(language, Counting):
        strings = language.each(1, tried or 2 * language.highest)
        fine = right(probabilities(model, strings), strings.truth) | ~strings.judged
        known |= {"counted": dict(enumerate(fine.all(1).tolist(), 1)), "highest": language.highest}
    elif isinstance(language, Grammar | WordProblem) and len(language.machine.names) <= LARGEST:
        truth = minimal(true_automaton(language))
        known |= {"extractions": extract(model, language), "true_states": len(truth)}
    if isinstance(model, StringReader) and isinstance(model.recurrent, LSTM):
        text, values = remembered(model, language, shown)
        known |= {"cells": values, "cell_text": text}
    return FormalFacts(
        model=model, unit="strings", machine=language.machine, answers=language.answers, **known
    )


def example(language: Language, generator: torch.Generator) -> Strings:
    """One string to show: of a language that counts, two of different n."""
    if isinstance(language, Counting):
        text = language.block(3) + language.block(5) + language.symbols[0]
        coded = encode(language.machine, [text])
        return next_symbols(language.machine, *coded, only_determined=True)
    return language.draw(1, generator)


def steps(model: nn.Module, language: Language, strings: Strings) -> list[Step]:
    """What the network says along the first string."""
    p, text = probabilities(model, strings)[0], strings.text(0, language.symbols)
    found = []
    for t, symbol in enumerate(text):
        is_asked = bool(strings.asked[0, t])
        following = language.answers[int(strings.targets[0, t])] if is_asked else ""
        note = noted(language, text, t + 1) if is_asked else ""
        legal = (strings.truth[0, t] > 0).tolist()
        found.append(Step(symbol, p[t].tolist() if is_asked else [0.0] * len(legal), legal, following, note))
    return found


def noted(language: Language, text: str, place: int) -> str:
    """Why the prediction of the symbol at a place is worth a look; "" where it is not."""
    symbol = text[place : place + 1]
    if isinstance(language, Counting):
        is_first, is_last = text[place - 1] != symbol, text[place + 1 : place + 2] != symbol
        if symbol == "a":
            return "the next a" if is_first else ""
        first = symbol != "b" and is_first
        return f"the first {symbol}" if first else f"the last {symbol}" if is_last else ""
    is_embedded = MEMORABLE in language.machine.names
    return f"the {symbol} of the second place" if is_embedded and place == len(text) - 2 else ""


def remembered(model: StringReader, language: Language, shown: Strings) -> tuple[str, Tensor]:
    """Cell states along a string; for embedded strings along two that differ in what is to be remembered."""
    if MEMORABLE not in language.machine.names:
        text = shown.text(0, language.symbols)
        return text, model.cells(shown.inputs[:, : len(text)])[0].detach()
    pair = [f"B{side}B{MEMORY}E{side}E" for side in "TP"]
    inputs, _ = encode(language.machine, pair)
    values = model.cells(inputs).detach()
    gap = torch.full_like(values[0, :1], torch.nan)
    return " ".join(pair), torch.cat([values[0], gap, values[1]])
