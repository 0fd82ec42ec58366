"""Word vectors as the weights of a network: one vector for a word as itself, one as the context of others.

Sources: Mikolov et al. 2013; Pennington et al. 2014 (the biases); Bojanowski et al. 2017 (a word as the mean
of its own vector and those of its n-grams).
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool import nn

Parts = tuple[Int64[Tensor, " m"], Int64[Tensor, " v"]]


class WordTable(nn.Module):
    """Input and output vectors of all words, with a bias each.

    Args:
        words: how many.
        size: numbers a vector.
        parts: for words made of parts, the rows that each is the mean of, one word after the other, and how
            many each has; None: each word is a row.
        rows: of input vectors; None: as many as words.
    """

    sizes: Tensor

    def __init__(self, words: int, size: int, parts: Parts | None = None, rows: int | None = None) -> None:
        super().__init__()
        self.inputs = nn.Parameter((torch.rand(rows or words, size) - 0.5) / size)
        self.outputs = nn.Parameter(torch.zeros(words, size))
        self.input_bias = nn.Parameter(torch.zeros(words))
        self.output_bias = nn.Parameter(torch.zeros(words))
        own = torch.arange(words), torch.ones(words, dtype=torch.int64)
        flat, sizes = own if parts is None else parts
        self.register_buffer("flat", flat, persistent=False)
        self.register_buffer("sizes", sizes, persistent=False)
        self.register_buffer("starts", sizes.cumsum(0) - sizes, persistent=False)
        self.is_whole = parts is None

    def parts_of(self, word: Int64[Tensor, " n"]) -> tuple[Int64[Tensor, " m"], Int64[Tensor, " m"]]:
        """The rows of all parts of some words, and which of the words each is a part of."""
        sizes = self.sizes[word]
        owner = torch.arange(len(word), device=word.device).repeat_interleave(sizes)
        first = (self.starts[word] - (sizes.cumsum(0) - sizes)).repeat_interleave(sizes)  # type: ignore[index]
        return self.flat[first + torch.arange(len(owner), device=word.device)], owner  # type: ignore[index]

    def forward(self, word: Int64[Tensor, " n"]) -> Float[Tensor, "n d"]:
        if self.is_whole:
            return self.inputs[word]
        rows, owner = self.parts_of(word)
        total = self.inputs.new_zeros(len(word), self.inputs.shape[1]).index_add(0, owner, self.inputs[rows])
        return total / self.sizes[word][:, None]

    def score(self, word: Int64[Tensor, " n"], context: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
        """GloVe's model of the logarithm of a count."""
        return (self(word) * self.outputs[context]).sum(1) + self.input_bias[word] + self.output_bias[context]

    @torch.no_grad()
    def descend(self, word: Int64[Tensor, " n"], gradient: Float[Tensor, "n d"], rate: float) -> None:
        """One step of SGD on the input vectors alone that make these words.

        Each part of a word takes the whole gradient, as in fastText, not its share of it, so that the word
        moves as far as one without parts.
        """
        if self.is_whole:
            self.inputs.index_add_(0, word, gradient, alpha=-rate)
        else:
            rows, owner = self.parts_of(word)
            self.inputs.index_add_(0, rows, gradient[owner], alpha=-rate)

    @torch.no_grad()
    def vectors(self, both: bool = False) -> Float[Tensor, "v d"]:
        """The vector of every word; `both` adds that as a context, as GloVe does."""
        found = self(torch.arange(len(self.outputs), device=self.outputs.device))
        return found + self.outputs if both else found
