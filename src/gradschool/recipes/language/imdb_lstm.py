"""A recurrent network on film reviews, with word vectors that were learnt elsewhere and stay as they are."""

from gradschool.models.language.recurrent_classifier import recurrent_classifier
from gradschool.runs.language.classify import TextClassifier


def imdb_lstm() -> TextClassifier:
    """Bidirectional LSTM over frozen GloVe vectors on IMDB (about a minute, 80 %; by counting 89 %)."""
    return TextClassifier(
        data="imdb", model=recurrent_classifier, vectors="glove", frozen=True,
        model_options={"embedding": 50, "hidden": 48, "dropout": 0.3, "pool": "max"}, epochs=4, batch_size=32,
        learning_rate=4e-3, clip=1.0, keep="best", longest=200, precision="fp32",
    )  # fmt: skip
