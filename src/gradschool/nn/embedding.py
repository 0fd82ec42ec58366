"""A learned vector for every token."""

import torch
from torch import Tensor, nn

from gradschool.ops import embedding as ops


class Embedding(nn.Module):
    """Tokens of any shape to their vectors, along a new last axis."""

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.weight = nn.Parameter(torch.empty(num_embeddings, embedding_dim))
        nn.init.normal_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return ops.embedding(x, self.weight)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.num_embeddings}, {self.embedding_dim}"
