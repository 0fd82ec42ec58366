"""The mark scheme of the detector: labels that are right, and a file that is as it should be."""

from typing import Any

import torch

from gradschool.classroom.coursework.frame import Lost, Mark, marked
from gradschool.classroom.coursework.xray_files import (
    LABELS,
)
from gradschool.evals.classification.metrics import confusion_matrix, wilson

REFERENCE = 0.81  # a student's validation accuracy
BY_HAND = (
    ("2.1", "what would you do with 5 days and 500 units? (150 words)", 20.0, "your README"),
    ("2.2", "at 512x512: more computing or more pictures? (100 words)", 20.0, "your README"),
)


def counted(given: dict[str, int], truth: dict[str, int]) -> dict[str, Any]:
    """Accuracy with its interval and the table of mistakes; a picture without a label counts as wrong."""
    if not truth:
        return {}
    pairs = [(label, given[name]) for name, label in truth.items() if name in given]
    right = sum(label == said for label, said in pairs)
    columns = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    table = confusion_matrix(columns[:, 0], columns[:, 1], len(LABELS))
    return {
        "n": len(truth), "accuracy": right / len(truth), "interval": list(wilson(right, len(truth))),
        "confusion": table.tolist(),
        "recall": (table.diagonal() / table.sum(1).clamp_min(1)).tolist(),
    }  # fmt: skip


def marks(
    names: list[str], given: dict[str, int], wrong: list[str], truth: dict[str, int], facts: dict[str, Any]
) -> list[Mark]:
    """The csv counts 20 points, its labels 40."""

    def whole() -> tuple[float, str]:
        lost = sorted(set(names) - set(given))
        more = sorted(set(given) - set(names))
        told = f"; {lost[0]} has none" if lost else ""
        told += f"; {more[0]} is no test picture" if more else ""
        share = len(set(names) & set(given)) / len(names) - len(more) / len(names)
        return max(0.0, share), f"{len(names) - len(lost):,} of {len(names):,} pictures have a label{told}."

    def legal() -> tuple[float, str]:
        lines = len(given) + len(wrong)
        return len(given) / max(1, lines), f"{len(wrong)} wrong lines" + (f": {wrong[0]}." if wrong else ".")

    def accuracy() -> tuple[float, str]:
        if not truth:
            raise Lost("The truth is not known here: --truth FILE. See the held-out accuracy instead.")
        low, high = facts["interval"]
        share = (facts["accuracy"] - 1 / 3) / (REFERENCE - 1 / 3)
        told = (
            f"{100 * facts['accuracy']:.1f} % of {facts['n']:,} [{100 * low:.1f}, {100 * high:.1f}] are right"
        )
        return min(
            1.0, max(0.0, share)
        ), f"{told}; a guess has 33 %, full points from {100 * REFERENCE:.0f} %."

    def everywhere() -> tuple[float, str]:
        if not truth:
            raise Lost("The truth is not known here.")
        worst = min(range(len(LABELS)), key=lambda i: facts["recall"][i])
        found = facts["recall"][worst]
        return min(
            1.0, 2 * found
        ), f"Found least: {LABELS[worst]}, {100 * found:.0f} %; full points from 50 %."

    return [
        marked("1.1", "a label for every test picture", 10, whole),
        marked("1.2", "labels 0, 1 or 2, each picture once", 10, legal),
        marked("1.3", "accuracy", 30, accuracy), marked("1.4", "every kind is found", 10, everywhere),
    ]  # fmt: skip
