"""The sections of a report that are about numbers: curves, classes, confusion, model, settings."""

from dataclasses import dataclass

from markupsafe import Markup

from gradschool.evals.classification import metrics
from gradschool.evals.inference import device_of
from gradschool.evals.report import charts as figures
from gradschool.evals.report import html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.page import Material, in_words
from gradschool.evals.summary import summarise

_TIME = ("step", "epoch", "seconds", "lr")
MANY = 30  # classes from which on the table shows the ten worst first
_HELD_OUT = ("val", "test", "ema")


@dataclass(frozen=True)
class Figure:
    """One of the large figures on top of the page."""

    value: str
    name: str
    note: str = ""


def headline(m: Material) -> list[Figure]:
    """The few numbers that a reader wants first."""
    found = []
    if m.tested is not None:
        images, logits = m.tested
        s = metrics.scores(logits, images.labels)
        low, high = s.interval
        found.append(
            Figure(
                f"{100 * s.accuracy:.1f} %",
                "test accuracy",
                f"95 % interval {100 * low:.1f} to {100 * high:.1f}",
            )
        )
        found.append(Figure(f"{s.count:,}", "test images", f"{len(images.classes)} classes"))
        found.append(
            Figure(f"{100 * s.f1:.1f} %", "macro F1", f"loss {s.loss:.3f} nats, top 5 {100 * s.top5:.1f} %")
        )
    elif (accuracy := m.known("test_accuracy", "val_accuracy")) is not None:
        found.append(Figure(f"{100 * accuracy:.1f} %", "accuracy"))
    known = m.result.get("metrics", {})
    told = [(known[key], name, note) for key, name, note in m.facts.scores if key in known]
    found += [Figure(f"{value:.4g}", name, note) for value, name, note in told[:3]]
    seconds = m.known("seconds") or (m.lines[-1].get("seconds") if m.lines else None)
    if seconds is not None:
        note = f"on {m.known('device')}" if m.known("device") else ""
        found.append(Figure(duration(float(seconds)), "training time", note))
    if m.facts.model is not None:
        found.append(Figure(counted(sum(p.numel() for p in m.facts.model.parameters())), "parameters"))
    return found


def subtitle(m: Material) -> str:
    """What was trained on what, in one line."""
    told = [str(m.known("recipe") or "")]
    if (splits := m.facts.splits) is not None:
        parts = {"training": splits.train, "validation": splits.val, "test": splits.test}
        told += [
            splits.name,
            *(f"{len(part):,} {name} images" for name, part in parts.items() if part is not None),
        ]
    told += [f"seed {m.known('seed')}"] if m.known("seed") is not None else []
    return " · ".join(dict.fromkeys(filter(None, told)))


def warnings(m: Material) -> list[str]:
    """What the reader should know before believing the numbers."""
    told = list(m.facts.warnings)
    if m.facts.splits is not None:
        told += list(m.facts.splits.notes)
        if skipped := m.facts.splits.skipped:
            told.append(f"{len(skipped)} unreadable files were left out ({skipped[0][0]}: {skipped[0][1]}).")
    return list(dict.fromkeys(told))


def training(m: Material) -> Section | None:
    """Every quantity that was logged, training and held-out beside each other."""
    groups: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    across = "epoch" if any("epoch" in line for line in m.lines) else "step"
    for line in m.lines:
        if across not in line:
            continue
        for key, value in line.items():
            if key in _TIME or not isinstance(value, int | float):
                continue
            split, _, quantity = key.partition("_")
            split, quantity = (split, quantity) if split in _HELD_OUT else ("train", key)
            xs, ys = groups.setdefault(quantity, {}).setdefault(split, ([], []))
            xs.append(line[across])
            ys.append(value)
    if not groups:
        return None
    drawn = [
        figures.curves(series, in_words(q), across, q.endswith("accuracy")) for q, series in groups.items()
    ]
    reading = "Training loss that falls while held-out loss rises is over-fitting."
    if "accuracy" in groups:
        reading += (
            " With label smoothing or mixed images the training loss has a floor above zero and may stay "
            "above the held-out one."
        )
    return Section("Training curves", reading, html.charts(drawn))


def race(m: Material) -> Section | None:
    """A learner's run over the band of the reference's seeds, where it was raced."""
    raced = m.result.get("race")
    if not raced:
        return None
    names = {"yours": "yours", "lowest": "reference, lowest", "highest": "reference, highest"}
    series = {shown: (raced["epochs"], raced[name]) for name, shown in names.items()}
    drawn = figures.curves(series, in_words(raced["metric"]), "epoch", percent=raced["share"])
    reading = (
        f"Your functions in place of the library's: {raced['where']} the band of {raced['seeds']} seeds "
        f"({raced['said']})."
    )
    return Section("Race", reading, html.charts([drawn]))


def rate(m: Material) -> Section | None:
    """The learning rate that was really used."""
    lines = [line for line in m.lines if "lr" in line and "step" in line]
    if not lines:
        return None
    curve = [line["step"] for line in lines], [line["lr"] for line in lines]
    drawn = figures.curves({"learning rate": curve}, "learning rate", "step")
    return Section(
        "Learning rate", "Compare its bends with the bends of the curves above.", html.charts([drawn])
    )


def classes(m: Material) -> Section | None:
    """Precision, recall and F1 of each class."""
    if m.tested is None or m.confusion is None:
        return None
    images, _ = m.tested
    s = metrics.class_scores(m.confusion)
    order = s.recall.nan_to_num(2.0).argsort().tolist()
    bars = [
        tuple(map(Bar, each))
        for each in zip(*(x.tolist() for x in (s.recall, s.precision, s.f1)), strict=True)
    ]
    rows = [
        (in_words(images.classes[i]), int(s.support[i]), *bars[i])
        for i in order
    ]  # fmt: skip
    means = [Bar(float(score.nanmean())) for score in (s.recall, s.precision, s.f1)]
    rows.append((Markup("<b>mean over classes</b>"), int(s.support.sum()), *means))
    reading = (
        "Recall: of the images that are this class, how many were found. Precision: of those called this "
        "class, how many are. Worst recall first."
    )
    head = ("class", "images", "recall, %", "precision, %", "F1, %")
    body = html.table(head, rows if len(order) <= MANY else [*rows[:10], rows[-1]], "Scores by class")
    if len(order) > MANY:
        body += html.details(f"All {len(order)} classes", html.table(head, rows, "Scores of all classes"))
    return Section("Classes", reading, body)


def confused(m: Material) -> Section | None:
    """The confusion matrix and its worst cells in words."""
    if m.tested is None or m.confusion is None:
        return None
    names = [in_words(name) for name in m.tested[0].classes]
    worst = [
        (names[t], names[p], f"{n} of {of}", Bar(n / of))
        for t, p, n, of in metrics.most_confused(m.confusion, 10)
    ]
    matrix = figures.confusion(metrics.row_normalised(m.confusion).numpy(), names)
    pairs = html.table(("true", "called", "images", "share, %"), worst, "Most confused pairs", words=2)
    reading = (
        "A row is a true class, a column what it was called; each row sums to 100 %, so the diagonal is "
        "recall. Off the diagonal, a dark cell is a habit."
    )
    return Section(
        "Confusion", reading, html.join([matrix, pairs if worst else html.paragraph("No mistakes.")])
    )


def layers(m: Material) -> Section | None:
    """The model summary."""
    if m.seeing is None:
        return None
    model, transform, images = m.seeing
    s = summarise(model, transform(images.pixels[:1]).to(device_of(model)))
    rows = [
        (r.name or "(model)", r.kind, "×".join(map(str, r.shape)), f"{r.parameters:,}", counted(r.flops),
         "–" if r.field is None else f"{r.field[0]}×{r.field[1]}")
        for r in s.rows
    ]  # fmt: skip
    told = f"{s.parameters:,} parameters ({s.trainable:,} trainable), {counted(s.flops)} FLOPs an image."
    head = ("layer", "kind", "output", "parameters", "FLOPs", "sees, pixels")
    table = html.table(head, rows, "Layers in the order in which they run", words=2)
    reading = (
        "Channels × height × width of each output; FLOPs count 2 for a multiply-add; the last column is the "
        "receptive field, the part of the image that one output value sees (– is all of it)."
    )
    return Section(
        "Model", reading, html.join([html.paragraph(told), html.details(f"{len(rows)} layers", table)])
    )


def settings(m: Material) -> Section | None:
    """Everything needed to run it again."""
    parts = []
    asked = {name: value for name, value in m.config.items() if name != "command"}
    for name, values in (
        ("Result", m.result),
        ("Settings", asked),
        ("Hardware and versions", m.environment),
    ):
        if values:
            parts.append(Markup("<h3>{}</h3>{}").format(name, html.pairs(values)))
    if recipe := m.known("recipe"):
        command = m.config.get("command", f"gradschool train {recipe} --seed {m.known('seed')}")
        parts.append(Markup("<h3>Run it again</h3><pre>{}</pre>").format(command))
    reading = "The same settings, seed and versions on the same kind of machine give the same curves."
    return Section("Settings", reading, html.join(parts)) if parts else None


def duration(seconds: float) -> str:
    """48 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return (
        f"{int(seconds // 60)} min {int(seconds % 60)} s"
        if seconds < 3600
        else f"{minutes // 60} h {minutes % 60} min"
    )


def counted(number: float) -> str:
    """1.2 M instead of 1,234,567."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"
