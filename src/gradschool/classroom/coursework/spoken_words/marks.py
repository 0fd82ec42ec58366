"""The mark scheme: cells beside torch's, and six networks asked about speakers that they never heard.

What the coursework gave for each answer is not known; the points here are ours.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from gradschool.classroom.coursework.frame import Lost, Mark, marked
from gradschool.classroom.coursework.spoken_words import cells
from gradschool.classroom.coursework.spoken_words.record import NETWORKS, Asked
from gradschool.models import catalogue

TITLES = {"three": "three words", "ten": "ten words"}
BY_HAND = (
    ("1.5", "why gradients vanish in a simple recurrent network, and what the gates change", 6.0,
     "your text"),
    ("4.2", "which of the curves without names belongs to which network, and why", 6.0,
     "curves-unnamed.png, your text"),
    ("4.3", "what the gradients at the beginning of a recording say of one and of two directions", 4.0,
     "reach.png, your text"),
    ("4.4", "which words are mixed up, and what they have in common", 4.0, "confusion.png, your text"),
)  # fmt: skip

Answers = Mapping[tuple[str, str], Asked]
"""By part and network."""


def marks(found: Answers) -> list[Mark]:
    """The lines that a machine can mark."""
    return [
        marked("1.1", "the LSTM cell", 10, lambda: cells.cell_share(cells.lstm, cells.torch_lstm, 4)),
        marked("1.2", "the GRU cell", 10, lambda: cells.cell_share(cells.gru, cells.torch_gru, 3)),
        marked("1.3", "two layers in both directions, recordings of any length", 10, cells.stack_share),
        marked("1.4", "six networks of the right size", 6, lambda: sizes(found)),
        *(mark for part, number in (("three", 2), ("ten", 3)) for mark in of_part(found, part, number)),
        marked("4.1", "both directions beat one, on ten words", 4, lambda: directions(found)),
    ]


def of_part(found: Answers, part: str, number: int) -> list[Mark]:
    """Of one set of words: a line for strangers, for each network, and for the best of them."""
    own = [found[part, name] for name in NETWORKS]
    title = TITLES[part]
    each = [
        marked(f"{number}.2{letter}", f"{title}: {one.network}", 2, partial(level, one))
        for letter, one in zip("abcdef", own, strict=True)
    ]
    asked = f"{title}: tested on speakers that were never heard"
    first = marked(f"{number}.1", asked, 4, lambda: strangers(own))
    last = marked(f"{number}.3", f"{title}: a network beats every linear model", 4, lambda: beats(own))
    return [first, *each, last]


def sizes(found: Answers) -> tuple[float, str]:
    """An equal share for each network whose file has as many parameters as its name says."""
    wrong = []
    for name in NETWORKS:
        each = found["ten", name]
        own = catalogue.find(name, "bands")(each.features, len(each.classes))
        if sum(p.numel() for p in own.parameters()) != each.parameters:
            wrong.append(name)
    counts = ", ".join(f"{name} {found['ten', name].parameters:,}" for name in NETWORKS)
    said = f"; of another size: {', '.join(wrong)}" if wrong else ""
    return 1 - len(wrong) / len(NETWORKS), f"Parameters: {counts}{said}."


def strangers(own: Sequence[Asked]) -> tuple[float, str]:
    """Nobody who is tested on was trained on, and all networks have the same test speakers."""
    known = sorted({who for each in own for who in each.known})
    tested = {tuple(each.speakers) for each in own}
    if known:
        raise Lost(f"Heard in training as well: {', '.join(known)}.")
    if len(tested) > 1 or not all(tested):
        raise Lost("The networks were tested on different speakers, or nobody knows who speaks.")
    return 1.0, f"Tested on {' and '.join(own[0].speakers)}, {len(own[0].true)} recordings."


def level(each: Asked) -> tuple[float, str]:
    """How far from chance to the best linear model; beyond it is full marks as well."""
    chance = 1 / len(each.classes)
    share = (each.accuracy - chance) / max(each.best - chance, 1e-9)
    told = f"{100 * each.accuracy:.1f} %; chance {100 * chance:.0f}, best linear model {100 * each.best:.1f}."
    return min(1.0, max(0.0, share)), told


def beats(own: Sequence[Asked]) -> tuple[float, str]:
    """All or nothing."""
    best = max(own, key=lambda each: each.accuracy)
    verb = "beats" if best.accuracy > best.best else "does not beat"
    told = (
        f"{best.network} {verb} the best linear model: {100 * best.accuracy:.1f} and {100 * best.best:.1f} %."
    )
    return float(best.accuracy > best.best), told


def directions(found: Answers) -> tuple[float, str]:
    """A third for each pair of networks that differ in the second direction alone."""
    pairs = [("lstm_1", "bilstm_1"), ("gru_2", "bigru_2"), ("lstm_2", "bilstm_2")]
    gains = {other: found["ten", other].accuracy - found["ten", one].accuracy for one, other in pairs}
    told = ", ".join(f"{name} {100 * gain:+.1f}" for name, gain in gains.items())
    share = sum(gain > 0 for gain in gains.values()) / len(pairs)
    return share, f"Points gained by the second direction: {told}."
