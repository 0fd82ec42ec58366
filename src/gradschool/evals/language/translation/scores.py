"""BLEU and chrF of translations, by sacrebleu, so that the numbers can be compared with those of papers.

Sources: Papineni et al. 2002 (BLEU); Popović 2015 (chrF); Post 2018 (the signature belongs to the number).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gradschool.parts import need

STEPS = (8, 12, 16)  # words of a source at which groups of lengths end


@dataclass(frozen=True)
class Score:
    """What a set of translations is worth.

    Args:
        bleu: 0 to 100.
        chrf: 0 to 100.
        signature: how BLEU was computed: cases, tokenisation, smoothing, version.
    """

    bleu: float
    chrf: float
    signature: str


def refuse_without_bleu() -> None:
    """Say how BLEU is installed, before a network is trained that could not be scored.

    Raises:
        UserError: sacrebleu is not here.
    """
    need("sacrebleu", "translation", "BLEU")


def score(translations: Sequence[str], references: Sequence[str]) -> Score:
    """BLEU and chrF of texts as they are written, not in tokens.

    Args:
        translations: by a network.
        references: one each.

    Raises:
        UserError: sacrebleu is not here.
    """
    refuse_without_bleu()
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    bleu, chrf = BLEU(), CHRF()
    found = bleu.corpus_score(list(translations), [list(references)]).score
    letters = chrf.corpus_score(list(translations), [list(references)]).score
    return Score(found, letters, str(bleu.get_signature()))


def by_length(
    sources: Sequence[str], translations: Sequence[str], references: Sequence[str]
) -> list[tuple[str, int, float]]:
    """(words of the source, number of pairs, BLEU) for groups of lengths that have a pair."""
    found = []
    low = 1
    for high in (*STEPS, 10**9):
        chosen = [i for i, text in enumerate(sources) if low <= max(1, len(text.split())) <= high]
        name = f"{low} to {high}" if high in STEPS else f"{low} or more"
        if chosen:
            bleu = score([translations[i] for i in chosen], [references[i] for i in chosen]).bleu
            found.append((name, len(chosen), bleu))
        low = high + 1
    return found
