"""Word vectors from whole stretches of text: all pairs at once, as products of matrices.

A text is cut into pieces of a few words. The scores of a piece against itself and the words around it are one
small matrix, of which a band along the diagonal counts.

Source: Ji et al. 2016, arXiv 1604.04661 (shared random words make level-3 products of skip-gram).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

Gradients = tuple[Float[Tensor, ""], Float[Tensor, "t d"], Float[Tensor, "t d"], Float[Tensor, "c s d"]]
PIECE = 32  # words


@dataclass(frozen=True)
class Pieces:
    """A text of t words in `count` pieces of `size` words, each with its surroundings.

    Args:
        windows: how many words before and after each are its contexts.
        widest: the widest of them.
        size: words a piece.
        count: of pieces.
    """

    windows: Int64[Tensor, "t 2"]
    widest: int
    size: int
    count: int

    @classmethod
    def of(cls, windows: Int64[Tensor, "t 2"]) -> "Pieces":
        """Pieces as long as the widest window at least, so that surroundings reach only the next ones."""
        widest = int(windows.max()) if windows.numel() else 0
        size = max(PIECE, widest)
        return cls(windows, widest, size, -(-len(windows) // size))

    def cut(self, rows: Shaped[Tensor, "t d"]) -> Shaped[Tensor, "c p d"]:
        """Rows in pieces, the last one filled up with zeros."""
        return F.pad(rows, (0, 0, 0, self.count * self.size - len(rows))).view(self.count, self.size, -1)

    def surroundings(self, rows: Float[Tensor, "t d"]) -> Float[Tensor, "c q d"]:
        """The rows of each piece with as many before and after it as the widest window; zeros beyond."""
        rest = self.count * self.size - len(rows)
        padded = F.pad(rows, (0, 0, self.widest, rest + self.widest))
        shape = self.count, self.size + 2 * self.widest, rows.shape[1]
        return padded.as_strided(shape, (self.size * padded.stride(0), *padded.stride()))

    def band(self) -> Bool[Tensor, "c p q"]:
        """Which words of its surroundings are contexts of each word of a piece."""
        far = torch.arange(self.size + 2 * self.widest, dtype=torch.int16) - self.widest
        far = far[None] - torch.arange(self.size, dtype=torch.int16)[:, None]
        far, reach = far.to(self.windows.device), self.cut(self.windows.to(torch.int16))
        before, after = reach[:, :, :1], reach[:, :, 1:]
        return (far >= -before) & (far <= after) & (far != 0)

    def together(self, parts: Float[Tensor, "c q d"]) -> Float[Tensor, "t d"]:
        """The sum of rows that lie in the surroundings of several pieces, the transpose of `surroundings`."""
        rows = parts[:, self.widest : self.widest + self.size].clone()
        if self.widest:
            rows[:-1, self.size - self.widest :] += parts[1:, : self.widest]
            rows[1:, : self.widest] += parts[:-1, self.widest + self.size :]
        return rows.view(self.count * self.size, -1)[: len(self.windows)]

    @staticmethod
    def against(
        x: Float[Tensor, "t d"], noise: Float[Tensor, "c s d"], often: Float[Tensor, "t 1"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "t d"], Float[Tensor, "c s d"]]:
        """The loss of vectors against the noise of their piece, each so often, and its gradients."""
        # 1. The vectors in as many pieces as the noise has.
        count, size = len(noise), max(1, -(-len(x) // len(noise)))
        rest = count * size - len(x)
        words, weight = (F.pad(each, (0, 0, 0, rest)).view(count, size, -1) for each in (x, often))
        # 2. Scores, loss and gradients.
        a = words @ noise.mT
        g = torch.sigmoid(a) * weight
        return (F.softplus(a) * weight).sum(), (g @ noise).flatten(0, 1)[: len(x)], g.mT @ words


def skip_gram_gradients(
    x: Float[Tensor, "t d"],
    y: Float[Tensor, "t d"],
    windows: Int64[Tensor, "t 2"],
    noise: Float[Tensor, "c s d"],
    k: float = 5.0,
) -> Gradients:
    """The skip-gram loss of a whole stretch of text, with its gradients."""
    text, pairs = Pieces.of(windows), windows.sum(1, keepdim=True)
    # 1. True pairs: the scores of each piece against its surroundings, of which the windows count.
    words, around, near = text.cut(x), text.surroundings(y), text.band()
    a = words @ around.mT
    loss = (F.softplus(-a) * near).sum()
    g = (torch.sigmoid(a) - 1) * near
    dx, dy = (g @ around).flatten(0, 1)[: len(x)], text.together(g.mT @ words)
    # 2. Random pairs: every word against the noise of its piece, as often as it has contexts.
    random_loss, dx_random, dnoise = text.against(x, noise, pairs.to(x) * (k / noise.shape[1]))
    return (loss + random_loss) / pairs.sum().clamp(min=1), dx + dx_random, dy, dnoise


def cbow_gradients(
    x: Float[Tensor, "t d"],
    y: Float[Tensor, "t d"],
    windows: Int64[Tensor, "t 2"],
    noise: Float[Tensor, "c s d"],
    k: float = 5.0,
) -> Gradients:
    """The CBOW loss of a whole stretch of text, with its gradients."""
    text, some = Pieces.of(windows), (windows.sum(1, keepdim=True) > 0).to(x)
    # 1. The mean of the input vectors around each word.
    near = text.band().to(x)
    share = near / near.sum(2, keepdim=True).clamp(min=1)
    mean = (share @ text.surroundings(x)).flatten(0, 1)[: len(x)]
    # 2. Scores of the true word and of the random ones, and the derivatives of the loss by them.
    true = (mean * y).sum(1, keepdim=True)
    g = (torch.sigmoid(true) - 1) * some
    loss, dmean, dnoise = text.against(mean, noise, some * (k / noise.shape[1]))
    # 3. From the means back to the words around.
    dx = text.together(share.mT @ text.cut(dmean + g * y))
    loss = loss + (F.softplus(-true) * some).sum()
    return loss / some.sum().clamp(min=1), dx, g * mean, dnoise
