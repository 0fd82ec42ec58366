"""Word vectors from 9,229 film reviews by Skip-gram with negative sampling."""

from gradschool.runs.language.vectors import WordVectorRun


def skipgram_reviews() -> WordVectorRun:
    """Skip-gram word vectors on film reviews (score not measured yet)."""
    return WordVectorRun(data="reviews", method="skip_gram", epochs=8)
