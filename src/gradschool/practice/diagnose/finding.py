"""What is found wrong with a run before it is trained: a sentence with its numbers, and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Args:
        name: of the fault, in the field's words, e.g. "dead units".
        sentence: what was measured, with its numbers.
        next_step: what to try.
        evidence: the numbers by name.
    """

    name: str
    sentence: str
    next_step: str
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"name": self.name, "sentence": self.sentence, "next": self.next_step,
                "evidence": dict(self.evidence)}  # fmt: skip


NOT_FINITE = "input that is not finite"
NORMALISATION = "missing normalisation"
BATCH_NORM = "batch normalisation with a batch of 1"
TOO_HIGH = "learning rate too high"
TOO_LOW = "learning rate too low"
DEAD = "dead units"
EXPLODING = "exploding gradients"
VANISHING = "vanishing gradients"
NO_OVERFIT = "a batch cannot be over-fitted"
SHUFFLED = "shuffled labels"
NOISE = "label noise"
LEAK = "leak between training and test part"
TARGET = "a feature tells the label"
IMBALANCE = "class imbalance"

# What a fault brings along, so that only the cause is named: a rate that is too high kills units, and a
# network of dead units learns nothing, not even one batch.
EXPLAINS: Mapping[str, frozenset[str]] = {
    NOT_FINITE: frozenset({TOO_HIGH, TOO_LOW, DEAD, EXPLODING, VANISHING, NO_OVERFIT, SHUFFLED}),
    NORMALISATION: frozenset({TOO_HIGH, TOO_LOW, DEAD, EXPLODING, VANISHING, NO_OVERFIT}),
    BATCH_NORM: frozenset({TOO_HIGH, NO_OVERFIT}),
    EXPLODING: frozenset({TOO_HIGH, TOO_LOW, DEAD, NO_OVERFIT}),
    TOO_HIGH: frozenset({DEAD, VANISHING, NO_OVERFIT}),
    DEAD: frozenset({VANISHING, TOO_LOW, NO_OVERFIT}),
    VANISHING: frozenset({TOO_LOW, NO_OVERFIT}),
    NO_OVERFIT: frozenset({TOO_LOW, VANISHING}),
    TARGET: frozenset({LEAK}),
}


def causes(found: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Findings parted into causes and what follows from them.

    Args:
        found: all that was measured, in any order.

    Returns:
        Findings that no other finding explains, then those that another explains, each in their order. Of two
        that explain each other the one that comes first is the cause.
    """
    kept: list[Finding] = []
    names = {each.name for each in found}
    order = [each for each in EXPLAINS if each in names]
    explained: set[str] = set()
    for name in order:
        if name not in explained:
            explained |= EXPLAINS[name]
    kept = [each for each in found if each.name not in explained]
    return kept, [each for each in found if each.name in explained]
