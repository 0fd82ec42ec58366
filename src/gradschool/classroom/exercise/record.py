"""What all records of a chapter's files share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Strict(BaseModel):
    """A record that knows all its fields and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
