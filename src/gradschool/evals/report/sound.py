"""The sections of a report on recordings: verdict and baselines, confusion, speakers, spectrograms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int64
from markupsafe import Markup
from numpy.typing import NDArray
from torch import Tensor

from gradschool.data.audio.features import Features
from gradschool.data.audio.recordings import Recordings
from gradschool.evals.audio.baselines import by_speaker, verdict
from gradschool.evals.classification import metrics
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Facts, Figure, Material, SectionOf, in_words

SHOWN = 6  # spectrograms of right answers, and of wrong ones
NETWORK = "this network"


@dataclass(frozen=True)
class SoundFacts(Facts):
    """What is known of a classifier of recordings beyond any run; all of it of a finished one.

    Args:
        features: how waves become what the network is fed.
        logits: (n, classes) for `splits.test`, in its order.
        baselines: accuracy on the same part, by name.
    """

    features: Features | None = None
    logits: Float[Tensor, "n k"] | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def tested(self) -> tuple[Recordings, Int64[Tensor, " n"], Features] | None:
        """The test recordings, the class predicted for each, and the features, where they are known."""
        if self.splits is None or self.logits is None or self.features is None:
            return None
        return self.splits.test, self.logits.argmax(1), self.features

    def on_top(self) -> list[Figure]:
        """Accuracy with its interval, and the best baseline."""
        if self.tested is None or not self.baselines:
            return []
        part, called, _ = self.tested
        share, low, high = metrics.accuracy_with_interval(called, part.labels)
        best = max(self.baselines, key=lambda name: self.baselines[name])
        within = f"95 % interval {100 * low:.1f} to {100 * high:.1f}; {len(part):,} recordings"
        return [Figure(f"{100 * share:.1f} %", "test accuracy", within),
                Figure(f"{100 * self.baselines[best]:.1f} %", "best baseline", best)]  # fmt: skip


def against(m: Material[SoundFacts]) -> Section | None:
    """Whether the network beats the baselines: the first thing to know."""
    if m.facts.tested is None or not m.facts.baselines:
        return None
    part, called, _ = m.facts.tested
    share = float((called == part.labels).double().mean())
    rows = [(name, Bar(value)) for name, value in {**m.facts.baselines, NETWORK: share}.items()]
    reading = verdict(share, m.facts.baselines) + (
        " The baselines know the mean spectrum of a recording, or of equal pieces of it; they were trained "
        "on the same recordings."
    )
    return Section(
        "Baselines", reading, html.table(("classifier", "accuracy, %"), rows, "Accuracy on the test part")
    )


def classes(m: Material[SoundFacts]) -> Section | None:
    """The confusion matrix, and precision, recall and F1 of each class."""
    if m.facts.tested is None:
        return None
    # 1. The matrix, its rows summing to 100 %.
    part, called, _ = m.facts.tested
    names = [in_words(name) for name in part.classes]
    matrix = metrics.confusion_matrix(part.labels, called, len(names))
    drawn = charts.confusion(metrics.row_normalised(matrix).numpy(), names)
    # 2. Each class, the one that is found least often first.
    s = metrics.class_scores(matrix)
    order = s.recall.nan_to_num(2.0).argsort().tolist()
    rows = [
        (names[i], int(s.support[i]), *(Bar(float(score[i])) for score in (s.recall, s.precision, s.f1)))
        for i in order
    ]
    head = ("class", "recordings", "recall, %", "precision, %", "F1, %")
    reading = (
        "A row is a true class, a column the predicted class; the diagonal is recall. Off the diagonal a "
        "dark cell is a pair of classes that sound alike to the network."
    )
    return Section("Confusion", reading, html.join([drawn, html.table(head, rows, "Scores by class")]))


def speakers(m: Material[SoundFacts]) -> Section | None:
    """Accuracy on each speaker of the test part."""
    if m.facts.tested is None or not m.facts.tested[0].speakers or m.facts.splits is None:
        return None
    part, called, _ = m.facts.tested
    known = set(m.facts.splits.train.speakers)
    found = by_speaker(part, (called == part.labels).long())
    rows = [(who, n, "yes" if who in known else "no", Bar(hits / n)) for who, (hits, n) in found.items()]
    reading = (
        "A voice that was never heard is the honest test. Speakers differ much: compare networks on the "
        "same speakers."
    )
    head = ("speaker", "recordings", "heard in training", "accuracy, %")
    return Section("Speakers", reading, html.table(head, rows, "Accuracy by speaker"))


def spectra(m: Material[SoundFacts]) -> Section | None:
    """What the network was fed of some recordings, right ones and wrong ones."""
    if m.facts.tested is None:
        return None
    part, called, features = m.facts.tested
    right = called == part.labels
    rows = []
    for name, chosen in (("Right", right), ("Wrong", ~right)):
        some = spread(chosen.nonzero().flatten().tolist(), SHOWN)
        pictures = [picture(part, features, i, part.classes[int(called[i])]) for i in some]
        rows += [Markup("<h3>{}</h3>").format(name), html.gallery(pictures, 150)] if pictures else []
    reading = (
        "Time runs to the right, pitch upwards; bright is loud. Shown are the network's inputs, with the "
        "mean of the recording taken off if the run does that."
    )
    return Section("Spectrograms", reading, html.join(rows))


SECTIONS: list[SectionOf] = [against, classes, speakers, spectra]


def picture(part: Recordings, features: Features, index: int, called: str) -> html.Picture:
    """The features of a recording as a picture, and its predicted class."""
    x, _ = features.of(*part.padded(torch.tensor([index])))
    drawn = html.enlarged(html.stretched(x[0].numpy().T[::-1].copy()), 6)[:, :, None]
    pixels: NDArray[np.uint8] = drawn.astype(np.uint8)
    true = part.classes[int(part.labels[index])]
    lines = [true if called == true else f"{true}, called {called}"]
    lines += [part.speakers[index]] if part.speakers else []
    return html.Picture(pixels, f"Spectrogram of {true}", lines, called == true)


def spread(places: Sequence[int], most: int) -> list[int]:
    """So many of these, evenly spread."""
    return [places[i * len(places) // most] for i in range(most)] if len(places) > most else list(places)
