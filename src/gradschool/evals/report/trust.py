"""The sections of a report about trust: is its confidence honest, and what of unfamiliar pictures?"""

from markupsafe import Markup
from torch import Tensor

from gradschool.data.vision.images import Images
from gradschool.evals.classification import calibration, metrics, ood
from gradschool.evals.report import charts, html
from gradschool.evals.report.classes import ClassFacts
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Material, in_words


def calibrated(m: Material[ClassFacts]) -> Section | None:
    """Reliability before and after a temperature fitted on validation images."""
    if m.facts.tested is None:
        return None
    images, logits = m.facts.tested
    # 1. As trained.
    variants = [("as trained", logits)]
    # 2. With the temperature that suits the validation images, unless all are right: none is cold enough.
    temperature, val = None, m.facts.splits.val if m.facts.splits else None
    z = m.facts.val_logits
    if z is not None and val is not None and bool((z.argmax(1) != val.labels).any()):
        temperature = calibration.fit_temperature(z, val.labels)
        variants.append((f"divided by temperature {temperature:.2f}", logits / temperature))
    # 3. The same scores for both.
    rows, bins = [], []
    for name, z in variants:
        confidence, right = calibration.confidences(z, images.labels)
        bins.append(calibration.equal_width(confidence, right))
        mass = calibration.equal_mass(confidence, right)
        loss = metrics.negative_log_likelihood(z, images.labels)
        brier = calibration.brier(z.double().softmax(1), images.labels)
        rows.append(
            (name, f"{100 * bins[-1].error:.1f}", f"{100 * mass.error:.1f}", f"{brier:.3f}", f"{loss:.3f}")
        )
    head = ("logits", "calibration error, points", "with bins of equal mass", "Brier score", "loss, nats")
    confidence, right = calibration.confidences(logits, images.labels)
    groups = {"right": confidence[right == 1].numpy(), "wrong": confidence[right == 0].numpy()}
    drawn = [reliability(bins[0], bins[1] if temperature else None, temperature)]
    drawn += [charts.histogram({name: of for name, of in groups.items() if len(of)}, "confidence as trained")]
    reading = (
        "Points on the diagonal mean that the network is right as often as it says; below it, it is "
        "over-confident. Larger points hold more images; the temperature is fitted on validation images, if "
        "there are any, and changes no prediction."
    )
    return Section(
        "Calibration", reading, html.join([html.charts(drawn), html.table(head, rows, "Calibration")])
    )


def abroad(m: Material[ClassFacts]) -> Section | None:
    """The second set: what is lost, and whether the network notices."""
    facts, s = m.facts, compared(m.facts)
    if s is None or facts.tested is None or facts.ood is None or facts.ood_logits is None:
        return None
    logits = facts.tested[1]
    told = in_sentences(s)
    if s.drop and facts.ood_adapted is not None:
        told.insert(1, _adapted(facts.ood_adapted, facts.ood))
    groups = {
        "test images": ood.max_softmax(logits).numpy(),
        "second set": ood.max_softmax(facts.ood_logits).numpy(),
    }
    rows = [
        (
            in_words(c.name),
            f"{c.home[0]} of {c.home[1]}",
            _share(c.home),
            f"{c.away[0]} of {c.away[1]}",
            _share(c.away),
        )
        for c in s.shared
    ]
    head = ("class", "at home", "recall, %", "second set", "recall, %")
    parts = [*map(html.paragraph, told), html.charts([charts.histogram(groups, "confidence")])]
    parts += [html.table(head, rows, "Recall at home and on the second set")] if rows else []
    reading = (
        "Pictures of another kind that had no part in training or tuning: what is learnt, what is habit."
    )
    return Section("Out of distribution", reading, html.join(parts))


def compared(facts: ClassFacts) -> ood.OodScores | None:
    """How the run does on the second set, beside its own test part; None where there is none."""
    if facts.tested is None or facts.ood is None or facts.ood_logits is None or not len(facts.ood):
        return None
    images, logits = facts.tested
    return ood.compare(
        ood.Answers(logits, images.labels, images.classes),
        ood.Answers(facts.ood_logits, facts.ood.labels, facts.ood.classes),
    )


def in_sentences(s: ood.OodScores) -> list[str]:
    """What is lost on the shared classes, if there are any, and whether the network notices."""
    noticed = (
        f"Told apart from the test images by confidence: AUROC {s.auroc_softmax:.3f}; by energy: "
        f"{s.auroc_energy:.3f} (0.5 is guessing, 1 is always)."
    )
    return [*([_fall(s)] if s.drop else []), noticed]


def _adapted(logits: Tensor, images: Images) -> str:
    """What adapting the statistics gives back, over all classes."""
    right = 100 * float((logits.argmax(1) == images.labels).float().mean())
    return f"Adapted without labels (normalised half by statistics of these pictures): {right:.1f} %."


def _share(tally: tuple[int, int]) -> Bar:
    right, of = tally
    return Bar(right / of if of else -1.0)


def _fall(s: ood.OodScores) -> str:
    """The drop in one sentence, with 95 % intervals."""
    assert s.home and s.away and s.drop
    (home, _), (away, around), (drop, range_) = s.home, s.away, s.drop
    low, high = (f"[{100 * a:.1f}, {100 * b:.1f}]" for a, b in (around, range_))
    return (
        f"On the {len(s.shared)} shared classes accuracy goes from {100 * home:.1f} % to "
        f"{100 * away:.1f} % {low}: {100 * drop:.1f} points lost {high}."
    )


def reliability(
    before: calibration.Bins, after: calibration.Bins | None, temperature: float | None
) -> Markup:
    """Accuracy against confidence; a calibrated network lies on the diagonal."""
    with charts.style():
        figure, ax = charts.panel(4.8, 4.2)
        ax.plot([0, 1], [0, 1], color=charts.FAINT, linewidth=1, label="perfect")
        told = []
        for name, bins, colour, marker, dash in (
            ("as trained", before, charts.SERIES[0], "o", "-"),
            (f"temperature {temperature:.2f}" if temperature else "", after, charts.SERIES[1], "s", "--"),
        ):
            if bins is None:
                continue
            some = bins.count > 0
            x, y, n = bins.confidence[some].numpy(), bins.accuracy[some].numpy(), bins.count[some].numpy()
            ax.plot(x, y, dash, color=colour, linewidth=1.2, label=name)
            ax.scatter(x, y, 12 + 90 * n / n.max(), color=colour, marker=marker, alpha=0.8, linewidths=0)
            told.append(f"{name}: calibration error {100 * bins.error:.1f} points")
        ax.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
        ax.legend(loc="best")
        return charts.svg(figure, "Reliability diagram. " + "; ".join(told))
