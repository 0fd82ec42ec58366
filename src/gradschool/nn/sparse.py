"""A sparse autoencoder: activations as sums of few directions out of many, easier to name than units.

Source: Gao et al. 2024, section 2.3 (the k largest features) and appendix A (first weights). Deviation: no
loss that revives features that are never active.
"""

import torch
from torch import Tensor, nn

from gradschool.ops.interpret.sparse import keep_largest
from gradschool.ops.linear import linear


class SparseAutoencoder(nn.Module):
    """x nearly b + sum of active features times their directions; trained by the squared error alone.

    Args:
        width: numbers of an activation.
        features: directions, usually several times as many.
        k: features that are active at a time.

    Raises:
        ValueError: k is below 1 or above the number of features.
    """

    def __init__(self, width: int, features: int, k: int) -> None:
        super().__init__()
        if not 1 <= k <= features:
            raise ValueError(f"k is {k}, 1 to {features} was wanted")
        self.k = k
        # Encoder and decoder begin as each other's transpose, with directions of length 1.
        directions = torch.nn.functional.normalize(torch.randn(features, width))
        self.encoder = nn.Parameter(directions.clone())
        self.threshold = nn.Parameter(torch.zeros(features))
        self.directions = nn.Parameter(directions)
        self.centre = nn.Parameter(torch.zeros(width))

    def encode(self, input: Tensor) -> Tensor:
        """How active each feature is, (..., features)."""
        return keep_largest(linear(input - self.centre, self.encoder, self.threshold), self.k)

    def decode(self, active: Tensor) -> Tensor:
        """The activation that features stand for."""
        return active @ self.directions + self.centre

    def forward(self, input: Tensor) -> Tensor:
        return self.decode(self.encode(input))

    def extra_repr(self) -> str:
        """What print shows."""
        features, width = self.directions.shape
        return f"{width}, features={features}, k={self.k}"
