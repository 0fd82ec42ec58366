"""A convolutional network for texts: filters over a few neighbouring words, the strongest answer of each, a linear
layer.

Source: Kim 2014, "Convolutional neural networks for sentence classification", section 2.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool import nn

PADDING = 0


class TextCNN(nn.Module):
    """Tokens (b, t), 0 behind the end of a text, to a logit for each class.

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
        self.embedding = nn.Embedding(words, width, padding_idx=PADDING)
        self.convolutions = nn.ModuleList(nn.Conv2d(width, filters, (1, size)) for size in sizes)
        self.relu, self.dropout = nn.ReLU(), nn.Dropout(dropout)
        self.head = nn.Linear(filters * len(sizes), classes)

    def forward(self, x: Int64[Tensor, "b t"]) -> Float[Tensor, "b k"]:
        # 1. A text as an image of one row: a channel for each number of a word's vector. A text may be shorter
        #    than the widest filter.
        x = F.pad(x, (0, max(self.sizes) - 1))
        vectors = self.embedding(x).transpose(1, 2).unsqueeze(2)  # (b, d, 1, t)
        # 2. The largest answer of each filter; windows that begin behind the end see padding alone.
        answers = []
        for size, convolution in zip(self.sizes, self.convolutions, strict=True):
            answer = self.relu(convolution(vectors)).squeeze(2)  # (b, filters, t)
            inside = (x[:, : x.shape[1] - size + 1] != PADDING).unsqueeze(1)
            answers.append((answer * inside).amax(2))
        return self.head(self.dropout(torch.cat(answers, 1)))


def text_cnn(
    words: int, classes: int, width: int = 50, filters: int = 64, sizes: tuple[int, ...] = (3, 4, 5),
    dropout: float = 0.5,
) -> TextCNN:  # fmt: skip
    """Three sizes of 64 filters each: 39,000 weights beside the vectors."""
    return TextCNN(words, classes, width, filters, tuple(sizes), dropout)
