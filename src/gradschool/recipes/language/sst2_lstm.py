"""A recurrent network on sentences of film reviews."""

from gradschool.models.language.recurrent_classifier import recurrent_classifier
from gradschool.runs.language.classify import TextClassifier


def sst2_lstm() -> TextClassifier:
    """Bidirectional LSTM over GloVe vectors on SST-2 (about a minute, 82 %; by counting: 81 %)."""
    return TextClassifier(
        data="sst2", model=recurrent_classifier, vectors="glove", least=1,
        model_options={"embedding": 50, "hidden": 64, "dropout": 0.5, "pool": "max"}, epochs=5, batch_size=64,
        learning_rate=3e-3, clip=1.0, keep="best", precision="fp32", threads=1,
    )  # fmt: skip
