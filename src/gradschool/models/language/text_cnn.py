"""A convolutional network for texts: filters over a few neighbouring words, the strongest answer of each,
a linear layer.

Source: Kim 2014, "Convolutional neural networks for sentence classification", section 2.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import pad

from gradschool import nn
from gradschool.nn.inputs import WrongInput
from gradschool.ops.sequence.lengths import valid_steps


class TextCNN(nn.Module):
    """Tokens (b, t), padded at the end, and how many of each text are valid (None: all), to logits (b,
    classes).

    Args:
        words: number of tokens.
        classes: their number.
        width: numbers in the vector of a word.
        filters: of each size.
        sizes: how many neighbouring words a filter sees.
        dropout: share of the answers that is silenced in training, 0 to 1.
    """

    def __init__(
        self, words: int, classes: int, width: int, filters: int, sizes: tuple[int, ...], dropout: float
    ) -> None:
        super().__init__()
        self.sizes = sizes
        self.embedding = nn.Embedding(words, width)
        self.convolutions = nn.ModuleList(nn.Conv2d(width, filters, (1, size)) for size in sizes)
        self.relu, self.dropout = nn.ReLU(), nn.Dropout(dropout)
        self.head = nn.Linear(filters * len(sizes), classes)

    def forward(
        self, x: Int64[Tensor, "b t"], lengths: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b k"]:
        if x.dim() != 2:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, steps) tokens were wanted")
        # 1. A text as an image of one row: a channel for each number of a word's vector, 0 behind its end. It
        #    is made longer by what the widest filter needs.
        is_word = (
            torch.ones_like(x, dtype=torch.bool) if lengths is None else valid_steps(lengths, x.shape[1])
        )
        x, is_word = (pad(each, (0, max(self.sizes) - 1)) for each in (x, is_word))
        is_word = is_word.unsqueeze(2)
        vectors = (self.embedding(x) * is_word).transpose(1, 2).unsqueeze(2)  # (b, d, 1, t)
        # 2. The largest answer of each filter, over the windows that begin at a word.
        answers = []
        for convolution in self.convolutions:
            answer = self.relu(convolution(vectors)).squeeze(2)  # (b, filters, t - size + 1)
            answers.append((answer * is_word[:, : answer.shape[2]].transpose(1, 2)).amax(2))
        return self.head(self.dropout(torch.cat(answers, 1)))

    def give_vectors(self, vectors: Float[Tensor, "n d"], frozen: bool = False) -> None:
        """Begin with known word vectors; frozen ones are not trained."""
        self.embedding.start_from(vectors, frozen)


def text_cnn(
    words: int, classes: int, width: int = 50, filters: int = 64, sizes: tuple[int, ...] = (3, 4, 5),
    dropout: float = 0.5,
) -> TextCNN:  # fmt: skip
    """Three sizes of 64 filters each: 39,000 weights beside the vectors."""
    return TextCNN(words, classes, width, filters, tuple(sizes), dropout)
