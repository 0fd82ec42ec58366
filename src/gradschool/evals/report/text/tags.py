"""Sections of a report about labels of every word: against a table of words, by label, and examples."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Int64
from torch import Tensor

from gradschool.evals.report import html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Facts, Figure, Material
from gradschool.evals.report.scores import class_table, confusion_table


@dataclass(frozen=True)
class TagFacts(Facts):
    """What is known of a run that labels words, beyond its folder; all of it optional.

    Args:
        classes: names of the labels.
        confusion: of the words of the test part; rows are true labels.
        scores: (model, accuracy, span F1), the table of words first, the network last.
        examples: (true, said) of some test sequences.
    """

    classes: Sequence[str] = ()
    confusion: Int64[Tensor, "k k"] | None = None
    rows: Sequence[tuple[str, float, float]] = ()
    examples: Sequence[tuple[str, str]] = ()
    unit: str = "sequences"

    def on_top(self) -> list[Figure]:
        """Span F1 with the verdict, and accuracy."""
        if not self.rows:
            return []
        _, accuracy, f1 = self.rows[-1]
        return [Figure(f"{100 * f1:.1f} %", "span F1", said(self.rows)),
                Figure(f"{100 * accuracy:.1f} %", "token accuracy")]  # fmt: skip


def said(rows: Sequence[tuple[str, float, float]]) -> str:
    """Whether the network beats the table of words, in a sentence."""
    (name, _, most), (_, _, f1) = rows[0], rows[-1]
    model = f"{name} (span F1 {100 * most:.1f} %)"
    if f1 <= most:
        return f"The network does not beat {model}."
    return f"The network beats {model} by {100 * (f1 - most):.1f} points."


def against(m: Material[TagFacts]) -> Section | None:
    """The network beside a table of words."""
    if not m.facts.rows:
        return None
    rows = [(name, Bar(accuracy), Bar(f1)) for name, accuracy, f1 in m.facts.rows]
    reading = (
        f"{said(m.facts.rows)} The table knows the most frequent label of each word in the training "
        f"part and nothing "
        "of its neighbours. Accuracy counts words; F1 counts spans, of which a label and both ends must "
        "be right."
    )
    return Section("Baseline", reading, html.table(("model", "accuracy, %", "span F1, %"), rows, "Test part"))


def classes(m: Material[TagFacts]) -> Section | None:
    """Precision, recall and F1 of each label, over words."""
    return None if m.facts.confusion is None else class_table(m.facts.confusion, m.facts.classes, "words")


def confused(m: Material[TagFacts]) -> Section | None:
    """The confusion matrix of labels, over words."""
    return None if m.facts.confusion is None else confusion_table(m.facts.confusion, m.facts.classes, "words")


def examples(m: Material[TagFacts]) -> Section | None:
    """Some test sequences as they are, and as the network labels them."""
    if not m.facts.examples:
        return None
    parts = [
        html.paragraph(f"True: {true}") + html.paragraph(f"Network: {other}")
        for true, other in m.facts.examples
    ]
    return Section(
        "Examples", "The first sequences of the test part; nothing was selected.", html.join(parts)
    )
