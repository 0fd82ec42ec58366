"""A first language model: given names, one character after another."""

from gradschool.models.language.nplm import nplm
from gradschool.runs.language.run import CharacterRun


def names_mlp() -> CharacterRun:
    """Character-level MLP on given names (10 s, 2.45 nats per character; best n-gram model: 2.52)."""
    return CharacterRun(
        data="names", model=nplm, context=5, epochs=20, batch_size=256, learning_rate=1e-2, weight_decay=0.1,
        precision="fp32", threads=1,
    )  # fmt: skip
