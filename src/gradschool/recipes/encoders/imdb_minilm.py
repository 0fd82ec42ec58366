"""A published sentence encoder on film reviews, trained further as a whole."""

from gradschool.runs.language.encoders.run import EncodedTextClassifier


def imdb_minilm() -> EncodedTextClassifier:
    """MiniLM sentence encoder fine-tuned on IMDB reviews (score not measured yet; by counting: 89 %)."""
    return EncodedTextClassifier(
        data="imdb", backbone="sentence-transformers/all-MiniLM-L6-v2", mode="finetune", longest=256,
        epochs=2, batch_size=16, learning_rate=1e-3, weight_decay=0.01, schedule="linear", warmup=0.1,
        clip=1.0, keep="best",
    )  # fmt: skip
