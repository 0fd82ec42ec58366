"""Sections of a report about a classifier of texts: against counting, by class, surprises, and salient
words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from jaxtyping import Float, Int64
from markupsafe import Markup
from torch import Tensor

from gradschool.evals.classification import metrics
from gradschool.evals.report import html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Facts, Figure, Material
from gradschool.evals.report.scores import class_table, confusion_table

NETWORK = "this network"
SHOWN = 240  # characters of a text in a table
FEW = 8  # texts in a table
STRONG = 85  # percent of colour behind the most salient word


@dataclass(frozen=True)
class Salient:
    """A text with how much each of its words speaks for the class that the network chose."""

    words: Sequence[str]
    weights: Sequence[float]
    chosen: str
    true: str


@dataclass(frozen=True)
class TextFacts(Facts):
    """What is known of a classifier of texts beyond its run folder; all of it optional.

    Args:
        texts: of the test part.
        labels: of the test part.
        classes: names, in label order.
        logits: what the model says of the test part.
        lengths: tokens of each text of the test part.
        read: tokens of a text that the network reads at most.
        token: what tokens are called, in the plural.
        baselines: test accuracy of linear models on counts of words, by name.
        salient: some texts of the test part.
    """

    texts: Sequence[str] = ()
    labels: Int64[Tensor, " n"] | None = None
    classes: Sequence[str] = ()
    logits: Float[Tensor, "n k"] | None = None
    lengths: Sequence[int] = ()
    read: int = 0
    token: str = "words"
    baselines: Mapping[str, float] = field(default_factory=dict)
    salient: Sequence[Salient] = ()
    unit: str = "texts"

    @cached_property
    def confusion(self) -> Tensor | None:
        """The confusion matrix of the test part."""
        if self.logits is None or self.labels is None:
            return None
        return metrics.confusion_matrix(self.labels, self.logits.argmax(1), len(self.classes))

    def on_top(self) -> list[Figure]:
        """Accuracy with its interval and the verdict, the best baseline, macro F1."""
        if self.logits is None or self.labels is None:
            return []
        s = metrics.scores(self.logits, self.labels)
        low, high = (f"{100 * each:.1f}" for each in s.interval)
        verdict = f" {said(s.accuracy, self.baselines)}" if self.baselines else ""
        figures = [
            Figure(f"{100 * s.accuracy:.1f} %", "test accuracy", f"95 % interval {low} to {high}.{verdict}")
        ]
        if self.baselines:
            name, most = best(self.baselines)
            figures.append(Figure(f"{100 * most:.1f} %", "best linear model", name))
        more = f"loss {s.loss:.3f} nats, {s.count:,} test texts, {len(self.classes)} classes"
        return [*figures, Figure(f"{100 * s.f1:.1f} %", "macro F1", more)]


def best(scores: Mapping[str, float]) -> tuple[str, float]:
    """The name and the accuracy of the best."""
    return max(scores.items(), key=lambda item: item[1])


def said(accuracy: float, baselines: Mapping[str, float]) -> str:
    """Whether the network beats the best linear model, in a sentence."""
    name, most = best(baselines)
    model = f"the best linear model ({name}: {100 * most:.1f} %)"
    if accuracy <= most:
        return f"The network does not beat {model}."
    return f"The network beats {model} by {100 * (accuracy - most):.1f} points."


def against(m: Material[TextFacts]) -> Section | None:
    """The network's accuracy beside that of linear models on counts of words."""
    facts = m.facts
    if facts.logits is None or facts.labels is None or not facts.baselines:
        return None
    accuracy = float((facts.logits.argmax(1) == facts.labels).double().mean())
    rows = [(name, Bar(share)) for name, share in {**facts.baselines, NETWORK: accuracy}.items()]
    reading = (
        f"{said(accuracy, facts.baselines)} The linear models count words, and pairs of neighbouring "
        f"words, in the "
        "same training texts; they take seconds. Of several that were tried on the test part the best "
        "is named, "
        "which favours them a little."
    )
    return Section(
        "Baselines", reading, html.table(("model", "accuracy, %"), rows, "Accuracy on the test part")
    )


def classes(m: Material[TextFacts]) -> Section | None:
    """Precision, recall and F1 of each class."""
    if m.facts.confusion is None:
        return None
    return class_table(m.facts.confusion, m.facts.classes, m.facts.unit)


def confused(m: Material[TextFacts]) -> Section | None:
    """The confusion matrix and its worst cells in words."""
    if m.facts.confusion is None:
        return None
    return confusion_table(m.facts.confusion, m.facts.classes, m.facts.unit)


def surprising(m: Material[TextFacts]) -> Section | None:
    """The wrong answers that the network was most sure of."""
    facts = m.facts
    if facts.logits is None or facts.labels is None:
        return None
    true = facts.logits.softmax(1).gather(1, facts.labels[:, None])[:, 0]
    wrong = facts.logits.argmax(1) != facts.labels
    order = [i for i in true.argsort().tolist() if wrong[i]][:FEW]
    reading = (
        "The wrong answers with the smallest probability of the true class, the most surprising first. "
        "Look for "
        "irony, for reviews that quote others, and for labels that are wrong."
    )
    if not order:
        return Section("Surprises", reading, html.paragraph("No mistakes."))
    return Section("Surprises", reading, listed(facts, order, "Most surprising mistakes"))


def longest(m: Material[TextFacts]) -> Section | None:
    """The longest texts, and how the share that is right depends on length."""
    facts = m.facts
    if facts.logits is None or facts.labels is None or not facts.lengths:
        return None
    # 1. Accuracy of quarters by length.
    right = (facts.logits.argmax(1) == facts.labels).tolist()
    order = sorted(range(len(right)), key=lambda i: facts.lengths[i])
    step = max(1, -(-len(order) // 4))
    parts = [order[i : i + step] for i in range(0, len(order), step)]
    rows = [
        (f"{facts.lengths[part[0]]:,} to {facts.lengths[part[-1]]:,} {facts.token}", len(part),
         Bar(sum(right[i] for i in part) / len(part)))
        for part in parts
    ]  # fmt: skip
    quarters = html.table(("length", "texts", "accuracy, %"), rows, "Accuracy by length")
    # 2. The longest themselves.
    cut = sum(length > facts.read for length in facts.lengths)
    reading = (
        f"The network reads the first {facts.read:,} {facts.token} of a text: {cut:,} test texts are longer."
    )
    table = listed(facts, order[::-1][:FEW], "Longest texts")
    return Section("Length", reading, html.join([quarters, table]))


def listed(facts: TextFacts, chosen: Sequence[int], caption: str) -> Markup:
    """Texts with their classes and what the network says, as a table."""
    assert facts.logits is not None and facts.labels is not None
    p = facts.logits.softmax(1)
    rows = []
    for i in chosen:
        text = " ".join(facts.texts[i].split())
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        cell = Markup(
            '<span style="white-space:normal;display:inline-block;min-width:18rem">{}</span>'
        ).format(shown)
        said, true = int(p[i].argmax()), int(facts.labels[i])
        words = f"{facts.lengths[i]:,}" if facts.lengths else ""
        rows.append((cell, facts.classes[true], facts.classes[said], Bar(float(p[i, true])), words))
    head = ("text", "true", "predicted", "p(true), %", facts.token)
    return html.table(head, rows, caption, words=3)


def salient(m: Material[TextFacts]) -> Section | None:
    """Some texts with the words that speak for and against the chosen class."""
    if not m.facts.salient:
        return None
    reading = (
        "Gradient of the chosen class's logit with respect to each word's vector, times the vector. "
        "Underlined words "
        "speak for the class, words in italics against it; the stronger the colour, the more."
    )
    return Section("Salient words", reading, html.join(map(coloured, m.facts.salient)))


def coloured(text: Salient) -> Markup:
    """A text whose words are coloured by their weight, under a line that says what was chosen."""
    most = max(map(abs, text.weights), default=0.0) or 1.0
    pieces = []
    for word, weight in zip(text.words, text.weights, strict=True):
        share = round(STRONG * abs(weight) / most)
        if share < STRONG // 10:
            pieces.append(Markup("{}").format(word))
            continue
        colour, form = (
            ("--one", "text-decoration:underline") if weight > 0 else ("--two", "font-style:italic")
        )
        style = f"background:color-mix(in srgb, var({colour}) {share}%, transparent);{form}"
        pieces.append(Markup('<span style="{}" title="{}">{}</span>').format(style, f"{weight:+.3f}", word))
    head = f"called {text.chosen}, is {text.true}"
    return Markup("<p><b>{}</b><br>{}</p>").format(head, Markup(" ").join(pieces))
