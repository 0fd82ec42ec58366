"""The small records of a manifest: mistakes that learners make, and the proofs of a check."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

STAGES = (
    "rules", "signature", "shape", "dtype", "value", "gradient", "invariance", "state", "training",
)  # fmt: skip
Stage = Literal[
    "rules", "signature", "shape", "dtype", "value", "gradient", "invariance", "state", "training"
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Target = Annotated[str, StringConstraints(pattern=r"^\w+(\.\w+)*:\w+(\.\w+)?$")]


class Strict(BaseModel):
    """A record that knows all its fields and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Mutant(Strict):
    """A plausible wrong answer: the reference with `find` replaced by `put`.

    Args:
        find: text that occurs once in the function.
        put: what a learner might have written instead.
        stage: where the check must stop it.
        why: the mistake, as a sentence a learner can act on.
    """

    find: str = Field(min_length=1)
    put: str
    stage: Stage
    why: Text


class Equivalent(Strict):
    """A machine-made mutant that computes what the function computes.

    Args:
        was, now: its line before and after, as `gates.survey` prints them.
        why: the reason why no check can tell them apart.
    """

    was: Text
    now: Text
    why: Text


class Promise(Strict):
    """A sentence of the docstring, and where the check holds the function to it.

    Args:
        says: words of the docstring.
        shown: words of a case, or of a sentence, of the check.
    """

    says: Text
    shown: Text
