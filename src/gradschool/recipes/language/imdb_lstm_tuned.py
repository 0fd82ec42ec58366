"""A recurrent network on film reviews, with word vectors that were learnt elsewhere and are trained
further.
"""

from dataclasses import replace

from gradschool.recipes.language.imdb_lstm import imdb_lstm
from gradschool.runs.language.classify import TextClassifier


def imdb_lstm_tuned() -> TextClassifier:
    """Bidirectional LSTM, GloVe vectors trained further, on IMDB reviews (50 s, 84 %; by counting 89 %)."""
    return replace(imdb_lstm(), frozen=False, epochs=3)
