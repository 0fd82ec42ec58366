"""What the records of a chapter's files share, and the mistakes that learners make."""

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
