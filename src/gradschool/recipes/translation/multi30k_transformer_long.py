"""The same transformer until it has learnt what 29,000 pairs can teach."""

from dataclasses import replace

from gradschool.recipes.translation.multi30k_transformer import multi30k_transformer
from gradschool.runs.language.translate import TranslationRun


def multi30k_transformer_long() -> TranslationRun:
    """Transformer from German to English on Multi30k, 40 passes with more dropout (hours).

    Its score is not measured yet.
    """
    base = multi30k_transformer()
    options = {**base.model_options, "dropout": 0.3}
    return replace(base, epochs=40, minutes=None, model_options=options, evaluations=40, learning_rate=2e-3)
