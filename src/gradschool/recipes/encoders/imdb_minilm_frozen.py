"""A published sentence encoder on film reviews: it reads them once, and a head is trained on what it says."""

from dataclasses import replace

from gradschool.recipes.encoders.imdb_minilm import imdb_minilm
from gradschool.runs.language.encoders.run import EncodedTextClassifier


def imdb_minilm_frozen() -> EncodedTextClassifier:
    """Linear classifier on features of a frozen MiniLM sentence encoder, IMDB (by counting: 89 %).

    Its score is not measured yet.
    """
    return replace(
        imdb_minilm(), mode="frozen", layers=7, epochs=30, batch_size=128, optimizer="nesterov",
        learning_rate=3e-3, weight_decay=0.1, evaluations=10,
    )  # fmt: skip
