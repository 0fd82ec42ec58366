"""A recurrent translator that looks back at its source: the model that attention was invented for."""

from gradschool.models.language.seq2seq import seq2seq
from gradschool.runs.language.translate import TranslationRun


def multi30k_seq2seq() -> TranslationRun:
    """GRU with additive attention from German to English on Multi30k (15 min; a dictionary has 25.7 BLEU).

    Its score is not measured yet.
    """
    return TranslationRun(
        data="multi30k", source="de", target="en", model=seq2seq,
        model_options={"tied": True, "embedding": 256, "hidden": 256, "dropout": 0.3}, epochs=60, minutes=15,
        learning_rate=2e-3, warmup=0.05, clip=1.0, ema=0.998, evaluations=60, precision="fp32",
    )  # fmt: skip
