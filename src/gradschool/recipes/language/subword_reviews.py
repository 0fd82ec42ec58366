"""Word vectors from film reviews by skip-gram over character n-grams: unknown words have vectors as well."""

from dataclasses import replace

from gradschool.recipes.language.skipgram_reviews import skipgram_reviews
from gradschool.runs.language.vectors import WordVectorRun


def subword_reviews() -> WordVectorRun:
    """Skip-gram vectors with subwords on film reviews (score not measured yet)."""
    return replace(skipgram_reviews(), subwords=True)
