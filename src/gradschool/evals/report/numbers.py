"""The sections of any report: the large figures, curves, the learning rate, a race, and the settings."""

from typing import Any

from markupsafe import Markup

from gradschool.data import source
from gradschool.evals.metric import main_score, metric_of
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Figure, Material, in_words
from gradschool.phrases import as_called, command

_TIME = ("step", "epoch", "seconds", "lr")
_HELD_OUT = ("val", "test", "ema")


def headline(m: Material[Any]) -> list[Figure]:
    """The few numbers that a reader wants first."""
    # 1. What the kind of run makes of its data, or the score it is judged by.
    found = m.facts.on_top()
    scores = m.result.get("metrics", {})
    if not found and not m.facts.scores and (name := main_score(m.result)):
        metric = metric_of(m.result, name)
        found = [Figure(metric.shown(scores[name]), f"test {metric.title}", metric.note)]
    told = [(each, scores.get(f"test_{each.name}")) for each in m.facts.scores]
    found += [Figure(x.shown(value), x.title, x.note) for x, value in told if value is not None][:3]
    # 2. Time and size.
    seconds = m.known("seconds") or (m.lines[-1].get("seconds") if m.lines else None)
    if seconds is not None:
        device = m.result.get("device") or m.environment.get("device")
        note = f"on {device}" if device else ""
        found.append(Figure(duration(float(seconds)), "training time", note))
    if m.facts.model is not None:
        found.append(Figure(counted(sum(p.numel() for p in m.facts.model.parameters())), "parameters"))
    return found


def subtitle(m: Material[Any]) -> str:
    """What was trained on what, in one line."""
    told = [str(m.known("recipe") or "")]
    if (splits := m.facts.splits) is not None:
        names = {"train": "training", "val": "validation", "test": "test"}
        counts = [f"{len(part):,} {names[name]} {m.facts.unit}" for name, part in splits.parts.items()]
        told += [splits.name, *counts]
    told += [f"seed {m.known('seed')}"] if m.known("seed") is not None else []
    return " · ".join(dict.fromkeys(filter(None, told)))


def warnings(m: Material[Any]) -> list[str]:
    """What the reader should know before believing the numbers."""
    told = list(m.facts.warnings)
    if m.facts.splits is not None:
        told += list(m.facts.splits.notes)
        lost = [f"{file} ({reason})" for file, reason in m.facts.splits.skipped]
        told += source.counted(lost, "file is left out", "files are left out")
    return list(dict.fromkeys(told))


def training(m: Material[Any]) -> Section | None:
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
        charts.curves(series, in_words(q), across, metric_of(m.result, q).unit == "share")
        for q, series in groups.items()
    ]
    reading = (
        "Training loss that falls while held-out loss rises is over-fitting." if "loss" in groups else ""
    )
    if {"accuracy", "loss"} <= groups.keys():
        reading += (
            " With label smoothing or mixed images the training loss has a floor above zero and may stay "
            "above the held-out one."
        )
    return Section("Training curves", reading, html.charts(drawn))


def race(m: Material[Any]) -> Section | None:
    """A learner's run over the band of the reference's seeds, where it was raced."""
    raced = m.result.get("race")
    if not raced:
        return None
    names = {"yours": "yours", "lowest": "reference, lowest", "highest": "reference, highest"}
    series = {shown: (raced["epochs"], raced[name]) for name, shown in names.items()}
    drawn = charts.curves(series, in_words(raced["metric"]), "epoch", percent=raced["share"])
    reading = (
        f"Your functions in place of the library's: {raced['where']} the band of {raced['seeds']} seeds "
        f"({raced['said']})."
    )
    return Section("Race", reading, html.charts([drawn]))


def rate(m: Material[Any]) -> Section | None:
    """The learning rate that was really used."""
    lines = [line for line in m.lines if "lr" in line and "step" in line]
    if not lines:
        return None
    curve = [line["step"] for line in lines], [line["lr"] for line in lines]
    drawn = charts.curves({"learning rate": curve}, "learning rate", "step")
    return Section(
        "Learning rate", "Compare its bends with the bends of the curves above.", html.charts([drawn])
    )


def settings(m: Material[Any]) -> Section | None:
    """Everything needed to run it again."""
    parts = []
    asked = {name: value for name, value in m.config.items() if name != "command"}
    reached = {name: value for name, value in m.result.items() if name not in ("about", "main")}
    for name, values in (
        ("Result", reached),
        ("Settings", asked),
        ("Hardware and versions", m.environment),
    ):
        if values:
            parts.append(Markup("<h3>{}</h3>{}").format(name, html.pairs(values)))
    if recipe := m.known("recipe"):
        again = as_called(m.config.get("command") or command("train", recipe, "--seed", m.known("seed")))
        parts.append(Markup("<h3>Run it again</h3><pre>{}</pre>").format(again))
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
