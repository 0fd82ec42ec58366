"""Values as a network is fed them: logarithms, with mean 0 and deviation 1 on the training part.

In logarithms growth by a tenth is the same step at any level, and so is a season that grows with the level.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gradschool.data.series.series import Series, Windows
from gradschool.errors import UserError


@dataclass(frozen=True)
class Scaling:
    """How values become inputs, and forecasts values again.

    Args:
        mean: taken off.
        deviation: divided by, above 0.
        log: whether logarithms are taken first.
    """

    mean: float
    deviation: float
    log: bool

    @classmethod
    def learn(cls, train: Windows, log: bool) -> "Scaling":
        """From the training part alone: it sees no value of a later part."""
        values = train.series.values.log() if log else train.series.values
        deviation = float(values.std(correction=0))
        return cls(float(values.mean()), deviation if deviation > 0 else 1.0, log)

    def scaled(self, values: Float64[Tensor, "..."]) -> Float64[Tensor, "..."]:
        """Values as the network sees them."""
        return ((values.log() if self.log else values) - self.mean) / self.deviation

    def back(self, scaled: Float[Tensor, "..."]) -> Float64[Tensor, "..."]:
        """Scaled values in the unit of the series."""
        found = scaled.double() * self.deviation + self.mean
        return found.exp() if self.log else found

    def columns(self, part: Windows) -> tuple[Float[Tensor, "n history"], Float[Tensor, "n horizon"]]:
        """Inputs and targets of a part, scaled, in float32."""
        rows = self.scaled(part.rows).float()
        return rows[:, : part.history], rows[:, part.history :]


def check_logarithm(series: Series) -> None:
    """Refuse values that have no logarithm.

    Raises:
        UserError: a value is 0 or below; the first is named.
    """
    if bool((series.values > 0).all()):
        return
    first = int(torch.argmin((series.values > 0).int()))
    what = f"{series.name} is {series.values[first]:g} at {series.label(first)}, which has no logarithm"
    raise UserError(what, "values above 0", "Use --set log=false.")
