"""Word vectors from 9,229 film reviews by GloVe."""

from gradschool.runs.language.vectors import WordVectorRun


def glove_reviews() -> WordVectorRun:
    """GloVe word vectors on film reviews (score not measured yet)."""
    return WordVectorRun(
        data="reviews", method="glove", window=10, epochs=10, batch_size=65536, optimizer="adam",
        learning_rate=0.02,
    )  # fmt: skip
