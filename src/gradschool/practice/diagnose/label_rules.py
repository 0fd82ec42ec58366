"""Faults of labels and of parts: noise, shuffling, leaks, imbalance. Each threshold stands here."""

from collections.abc import Iterator

import torch
from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.leaks import ALARM, SAMPLE, find_leaks
from gradschool.ops.practice.labels import contradicted
from gradschool.phrases import command, counted
from gradschool.practice.diagnose import finding as names
from gradschool.practice.diagnose.finding import Finding
from gradschool.practice.diagnose.labelled import Labelled
from gradschool.practice.diagnose.measures import lower_bound, telling
from gradschool.practice.diagnose.probe import learnable

ENOUGH = 100  # examples, below which nothing is said of labels
NEIGHBOURS = 8
AGREEING = 0.25  # share of examples whose neighbours agree, below which they say nothing of labels
NOISY = 0.04  # share of contradicted labels: clean sets of digits have 0.5 to 2 %
SURELY = 0.025  # and the lower end of its interval
RARE = 20.0  # times that the largest class has as many examples as the smallest
COMMON = 0.8  # share of the largest class


def noise(rows: Labelled) -> tuple[list[Finding], str]:
    """Labels that neighbours contradict; and why they say nothing, where they do not agree either."""
    if len(rows.y) < ENOUGH:
        return [], f"{len(rows.y)} examples are too few"
    if not torch.isfinite(rows.x).all():
        return [], "features are not finite"
    share_agreeing, wrong = contradicted(rows.x, rows.y, NEIGHBOURS)
    agreeing = float(share_agreeing)
    if agreeing < AGREEING:
        return [], f"neighbours agree for {100 * agreeing:.0f} % of the examples only"
    judged, hits = round(agreeing * len(rows.y)), int(wrong.sum())
    share = hits / judged
    if share < NOISY or lower_bound(hits, judged) < SURELY:
        return [], ""
    found = Finding(
        names.NOISE,
        f"{hits:,} of {judged:,} training labels ({100 * share:.1f} %) contradict those of nearly all of "
        f"their {NEIGHBOURS} nearest neighbours; 2 % is what clean sets have at most",
        "Look at these examples and correct them; label smoothing helps against the rest: "
        "--set label_smoothing=0.1.",
        {"contradicted": hits, "judged": judged, "share": share},
    )  # fmt: skip
    return [found], ""


def shuffled(rows: Labelled, network: tuple[float, float] | None) -> list[Finding]:
    """Labels that have nothing to do with the inputs.

    Args:
        rows: of the training part.
        network: accuracy of the run's own network after the look on held-out examples, and the highest that
            chance explains; None where it is not known.
    """
    if len(rows.y) < ENOUGH or len(torch.unique(rows.y)) < 2 or not torch.isfinite(rows.x).all():
        return []
    is_above, best, chance = learnable(rows.x, rows.y)
    if is_above or (network is not None and network[0] > network[1]):
        return []
    seen = (
        "" if network is None else f", the network itself is right for {100 * network[0]:.1f} % of the rest"
    )
    return [Finding(
        names.SHUFFLED,
        f"of {len(rows.y):,} training examples a linear model and the nearest neighbours have "
        f"{100 * best:.1f} % right in the mean over classes, and guessing {100 * chance:.1f} %{seen}",
        "Compare a few examples with their labels, and look for where the two are sorted or shuffled apart.",
        {"accuracy": best, "chance": chance, "examples": len(rows.y)},
    )]  # fmt: skip


def imbalance(rows: Labelled, is_weighed: bool) -> Iterator[Finding]:
    """Classes that are rare or missing.

    Args:
        rows: of the training part.
        is_weighed: whether the run weighs rare classes up.
    """
    counts = rows.counts
    if len(counts) < 2 or is_weighed:
        return
    most, least, whole = int(counts.max()), int(counts.min()), int(counts.sum())
    if most >= RARE * max(least, 1) or most > COMMON * whole or not least:
        yield Finding(
            names.IMBALANCE,
            f"the largest class has {most:,} of {whole:,} training examples ({100 * most / whole:.0f} %), "
            f"the smallest {least:,}",
            "Weigh rare classes up (--set balance=true), and judge by macro F1, not by accuracy.",
            {"largest": most, "smallest": least, "examples": whole},
        )  # fmt: skip


def target(rows: Labelled) -> Iterator[Finding]:
    """A feature that is the label itself."""
    if len(rows.y) < ENOUGH or rows.raw.dim() != 2:
        return
    columns = telling(rows.raw, rows.y)
    if columns:
        yield Finding(
            names.TARGET,
            f"feature {columns[0]:,} has one value for each label and tells it for all {len(rows.y):,} "
            f"training examples ({counted(len(columns), 'such feature')} of {rows.raw.shape[1]:,})",
            "Leave it out: it will not be known for new examples.",
            {"feature": columns[0], "features": len(columns)},
        )  # fmt: skip


def leak(splits: Splits[Images] | Splits, rows: Labelled | None) -> Iterator[Finding]:  # type: ignore[type-arg]
    """The same examples to train on and to test on."""
    if isinstance(splits.train, Images):
        report = find_leaks(splits, SAMPLE)
        # Near twins in a published set are part of it; those of one's own pictures are not.
        twins = [twin for twin in report.twins if twin.exact or splits.train.names]
        hits, looked = len({twin.second for twin in twins}), report.held_out
    elif rows is not None and rows.held is not None:
        hits, looked = both(rows.raw, rows.held), len(rows.held)
    else:
        return
    if looked and hits >= max(2, ALARM * looked):
        yield Finding(
            names.LEAK,
            f"{hits:,} of {looked:,} held-out examples ({100 * hits / looked:.0f} %) are in the training "
            "part, too: scores will be too good",
            f"Split before making copies; for pictures, {command('data check PATH')} lists them.",
            {"leaked": hits, "held_out": looked},
        )  # fmt: skip


def both(train: Tensor, held: Tensor) -> int:
    """How many rows of `held` are rows of `train`, bit for bit."""
    known = {row.numpy().tobytes() for row in train}
    return sum(row.numpy().tobytes() in known for row in held)
