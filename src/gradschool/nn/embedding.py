"""A learned vector for every token."""

import torch
from torch import Tensor, nn

from gradschool.nn.arguments import check_sizes, refuse
from gradschool.ops import embedding as ops


class Embedding(nn.Module):
    """Tokens of any shape to their vectors, along a new last axis; arguments as in torch.nn.Embedding.

    Args:
        num_embeddings: tokens, 0 to num_embeddings - 1.
        embedding_dim: numbers a token.
        padding_idx: a token whose vector begins at 0 and is never learned, counted from the end if negative.

    Raises:
        ValueError: there is no such padding_idx; max_norm, norm_type, scale_grad_by_freq or sparse is given.
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
        max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
        sparse: bool = False, device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        refuse("Embedding", max_norm=(max_norm, None), norm_type=(norm_type, 2.0), sparse=(sparse, False))
        check_sizes(num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        refuse("Embedding", scale_grad_by_freq=(scale_grad_by_freq, False))
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx is {padding_idx}, one of the {num_embeddings} tokens was wanted")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = nn.Parameter(torch.empty(num_embeddings, embedding_dim, device=device, dtype=dtype))
        nn.init.normal_(self.weight)
        if self.padding_idx is not None:
            with torch.no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        vectors = ops.embedding(input, self.weight)
        if self.padding_idx is None:
            return vectors
        return torch.where((input == self.padding_idx).unsqueeze(-1), vectors.detach(), vectors)

    def start_from(self, vectors: Tensor, frozen: bool = False) -> None:
        """Begin with known vectors instead of random ones.

        Args:
            vectors: of all tokens, (num_embeddings, embedding_dim).
            frozen: whether they stay as they are.

        Raises:
            ValueError: they have another shape.
        """
        if vectors.shape != self.weight.shape:
            wanted = f"{tuple(self.weight.shape)} was wanted"
            raise ValueError(f"vectors have shape {tuple(vectors.shape)}, {wanted}")
        with torch.no_grad():
            self.weight.copy_(vectors)
        self.weight.requires_grad_(not frozen)

    def extra_repr(self) -> str:
        """What print shows."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
