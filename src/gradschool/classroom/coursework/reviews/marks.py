"""The mark scheme of the reviews: what may be handed in, how good it is, and what a person reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gradschool.classroom.coursework.frame import Lost, Mark, marked
from gradschool.classroom.coursework.reviews.record import Share
from gradschool.data.text.labelled.words import LISTED
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.engine.run import RunFolder

LIMIT = 50_000_000  # bytes of the saved model
BY_HAND = (
    ("3.1", "how texts become words, and what is left out", 2.0, "your report"),
    ("3.2", "the network: why this one, and what else was tried", 4.0, "your report"),
    ("3.3", "the loss, and how one network answers two questions", 3.0, "your report"),
    ("3.4", "over-fitting: what was seen and what was done", 3.0, "your report, the training curves"),
    ("3.5", "what the reviews have in common that are wrong", 2.0, "your report, the figure of pairs"),
    ("3.6", "style of the code", 2.0, "your code"),
)


def marks(
    folder: RunFolder, model: nn.Module, vectors: WordVectors | None, shares: Mapping[str, Share]
) -> list[Mark]:
    """The lines that a machine can mark.

    Args:
        folder: the run that is handed in.
        model: its network, read from the file.
        vectors: GloVe; None where it is not here.
        shares: of the network ("network"), of counting ("counting") and of one answer for all ("constant").
    """
    return [
        marked("1.1", f"a saved model of at most {LIMIT / 1e6:.0f} MB", 2, lambda: small(folder.path)),
        marked("1.2", "it runs on a CPU", 2, lambda: on_cpu(model)),
        marked("1.3", "no word vectors but GloVe", 2, lambda: glove_only(folder, model, vectors)),
        marked("1.4", "scores of held-out reviews were watched", 2, lambda: watched(folder)),
        marked("2.1", "weighted score of the test reviews", 14, lambda: scored(shares)),
    ]


def small(path: Path) -> tuple[float, str]:
    """Of the file with the weights."""
    size = (path / "model.safetensors").stat().st_size
    return float(size <= LIMIT), f"model.safetensors has {size / 1e6:.1f} MB"


def on_cpu(model: nn.Module) -> tuple[float, str]:
    """It answers on the CPU in float32."""
    with torch.inference_mode():
        found = model.cpu().float().eval()(torch.tensor([[LISTED, LISTED + 1]]))
    if not found.isfinite().all():
        raise Lost("It answers with numbers that are not finite.")
    return 1.0, "It was read from its file and asked on the CPU."


def glove_only(folder: RunFolder, model: nn.Module, vectors: WordVectors | None) -> tuple[float, str]:
    """Vectors that are frozen are GloVe's; others began with GloVe, or with random numbers."""
    settings, words = folder.read("config.json")["settings"], folder.read("model.json")["words"]
    if not settings.get("vectors"):
        return 1.0, "No vectors were brought along: they were learnt from the reviews."
    if vectors is None:
        raise Lost("GloVe is not here to compare with.")
    if unknown := [word for word in words if word not in vectors]:
        raise Lost(f"{len(unknown):,} words, such as {unknown[0]!r}, have no vector in GloVe.")
    if not settings.get("frozen"):
        return 1.0, f"All {len(words):,} words are in GloVe; their vectors were trained further."
    wanted = vectors.table[[vectors.numbers[word] for word in words]]
    apart = float((model.embedding.weight[LISTED:].cpu() - wanted).abs().max())  # type: ignore[union-attr, index]
    if apart > 0:
        raise Lost(f"The vectors are said to be frozen, and differ from GloVe's by {apart:.2g}.")
    return 1.0, f"The vectors of all {len(words):,} words are GloVe's."


def watched(folder: RunFolder) -> tuple[float, str]:
    """Two looks at the validation part or more."""
    looks = sum("val_accuracy" in line for line in folder.metrics())
    return float(looks >= 2), f"{looks} looks at the validation part"


def scored(shares: Mapping[str, Share]) -> tuple[float, str]:
    """How far from one answer for all to counting words; beyond it is full marks as well."""
    got, low, high = (shares[name].weighted for name in ("network", "constant", "counting"))
    way = (got - low) / max(high - low, 1e-9)
    verdict = "beats" if got > high else "does not beat"
    told = (
        f"{100 * got:.1f} on {shares['network'].n:,} reviews: it {verdict} counting words and pairs "
        f"({100 * high:.1f}); "
        f"one answer for all gets {100 * low:.1f}"
    )
    return min(1.0, max(0.0, way)), told


def numbers(shares: Mapping[str, Share]) -> dict[str, Any]:
    """The shares for the record."""
    return {name: {**vars(each), "weighted": each.weighted} for name, each in shares.items()}
