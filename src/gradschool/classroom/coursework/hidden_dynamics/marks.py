"""The mark scheme: tables of pictures, and networks that are asked anew about strings they have not seen."""

from collections.abc import Callable, Mapping
from typing import Any

from gradschool.classroom.coursework.frame import Mark, marked
from gradschool.classroom.coursework.hidden_dynamics import tables
from gradschool.scratch.arrays import Array
from gradschool.scratch.neurons import encoders

Scores = Mapping[str, Mapping[str, float]]
BY_HAND = (
    ("1.2", "what the dots and lines of the 9-2-9 encoder do, in words", 3.0, "encoder-9-2-9.png, your text"),
    ("2.1b", "clusters of the states circled, arrows labelled", 1.0, "reber.png, with your drawing"),
    ("2.2b", "how two hidden units count a^n b^n: last b and next a", 1.0, "anbn.png, your text"),
    ("2.3b", "how they count a^n b^2n", 1.0, "anb2n.png, your text"),
    ("2.4b", "how three hidden units count a^n b^n c^n", 1.0, "anbncn-space.png, your text"),
    (
        "2.5b",
        "how the cell states of the LSTM remember the second symbol",
        3.0,
        "embedded-cells.png, your text",
    ),
)


def error_below(scores: Scores, name: str, most: float, half: float) -> Callable[[], tuple[float, str]]:
    """All points for an error below `most`, half of them below `half`."""

    def check() -> tuple[float, str]:
        error = scores[name]["test_error"]
        share = 1.0 if error < most else 0.5 if error < half else 0.0
        return share, f"Mean squared error {error:.4f}; all points below {most:g}, half below {half:g}."

    return check


def marks(
    handed: dict[str, Array],
    learnt: dict[str, encoders.Pictures],
    scores: Scores,
    extracted: Mapping[str, Any],
) -> list[Mark]:
    """9 points for tables, 7 for networks.

    Args:
        handed: tables by name.
        learnt: what networks made of them.
        scores: of each network on new strings.
        extracted: "alike" and "tested" of the best automaton of Reber's grammar.
    """

    def automaton() -> tuple[float, str]:
        alike = extracted["alike"]
        told = (
            f"The automaton of the hidden states judges {100 * alike:.1f} % of {extracted['tested']} strings "
        )
        return max(0.0, 2 * alike - 1), told + "as the grammar does; by chance it is 50 %."

    def remembered() -> tuple[float, str]:
        right = scores["embedded"]["test_strings"]
        return min(
            1.0, right / 0.98
        ), f"{100 * right:.1f} % of the strings are right at every step; 98 % was wanted."

    return [
        marked("1.1", "star16 as a table", 1, lambda: tables.picture_share(handed, "star16")),
        marked("1.3", "heart18 as a table", 2, lambda: tables.picture_share(handed, "heart18")),
        marked("1.4", "ch34 as a table", 2, lambda: tables.picture_share(handed, "ch34")),
        marked("1.5a", "a design of your own", 2, lambda: tables.own_share(handed, learnt, "own1")),
        marked("1.5b", "another one", 2, lambda: tables.own_share(handed, learnt, "own2")),
        marked("2.1", "Reber's grammar learnt", 1, error_below(scores, "reber", 0.0011, 0.006)),
        marked("2.1a", "its states found", 1, automaton),
        marked("2.2", "a^n b^n learnt", 1, error_below(scores, "anbn", 0.01, 0.02)),
        marked("2.3", "a^n b^2n learnt", 1, error_below(scores, "anb2n", 0.01, 0.02)),
        marked("2.4", "a^n b^n c^n learnt", 1, error_below(scores, "anbncn", 0.02, 0.04)),
        marked("2.5", "embedded strings learnt", 2, remembered),
    ]
