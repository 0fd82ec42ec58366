"""Word vectors from whole stretches of text: all pairs at once, as products of matrices.

A text is cut into pieces of a few words. The scores of a piece against itself and the words around it are one
small matrix, of which a band along the diagonal counts.

Source: Ji et al. 2016, arXiv 1604.04661 (shared random words make level-3 products of skip-gram).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

Gradients = tuple[Float[Tensor, ""], Float[Tensor, "t d"], Float[Tensor, "t d"], Float[Tensor, "s d"]]
PIECE = 32  # words


def skip_gram_gradients(
    x: Float[Tensor, "t d"],
    y: Float[Tensor, "t d"],
    windows: Int64[Tensor, "t 2"],
    noise: Float[Tensor, "s d"],
    k: float = 5.0,
) -> Gradients:
    """The skip-gram loss of a whole stretch of text, with its gradients."""
    pairs = windows.sum(1, keepdim=True)
    # 1. True pairs: the score of each piece against it and its surroundings, of which the windows count.
    words, around, near = pieces(x, windows), surroundings(y, windows), band(windows)
    a = words @ around.mT
    loss = (F.softplus(-a) * near).sum()
    g = (torch.sigmoid(a) - 1) * near
    dx, dy = (g @ around).flatten(0, 1)[: len(x)], together(g.mT @ words, windows)
    # 2. Random pairs: every word against all of the noise, as often as it has contexts.
    a, often = x @ noise.T, pairs.to(x) * (k / len(noise))
    loss = loss + (F.softplus(a) * often).sum()
    g = torch.sigmoid(a) * often
    return loss / pairs.sum().clamp(min=1), dx.addmm_(g, noise), dy, g.T @ x


def cbow_gradients(
    x: Float[Tensor, "t d"],
    y: Float[Tensor, "t d"],
    windows: Int64[Tensor, "t 2"],
    noise: Float[Tensor, "s d"],
    k: float = 5.0,
) -> Gradients:
    """The CBOW loss of a whole stretch of text, with its gradients."""
    # 1. The mean of the input vectors around each word.
    pairs = windows.sum(1, keepdim=True)
    some, near = (pairs > 0).to(x), band(windows)
    share = near / near.sum(2, keepdim=True).clamp(min=1)
    mean = (share.to(x) @ surroundings(x, windows)).flatten(0, 1)[: len(x)]
    # 2. Scores of the true word and of the random ones, and the derivatives of the loss by them.
    true, random = (mean * y).sum(1, keepdim=True), mean @ noise.T
    often = some * (k / len(noise))
    g, g_random = (torch.sigmoid(true) - 1) * some, torch.sigmoid(random) * often
    # 3. From the means back to the words around.
    dmean = torch.addmm(g * y, g_random, noise)
    dx = together(share.to(x).mT @ pieces(dmean, windows), windows)
    loss = (F.softplus(-true) * some).sum() + (F.softplus(random) * often).sum()
    return loss / some.sum().clamp(min=1), dx, g * mean, g_random.T @ mean


def sizes(windows: Int64[Tensor, "t 2"]) -> tuple[int, int, int]:
    """The widest window, words a piece, and how many pieces there are."""
    widest = int(windows.max()) if windows.numel() else 0
    size = max(PIECE, widest)
    return widest, size, -(-len(windows) // size)


def pieces(rows: Float[Tensor, "t d"], windows: Int64[Tensor, "t 2"]) -> Float[Tensor, "c p d"]:
    """Rows in pieces, the last one filled up with zeros."""
    _, size, count = sizes(windows)
    return F.pad(rows, (0, 0, 0, count * size - len(rows))).view(count, size, -1)


def surroundings(rows: Float[Tensor, "t d"], windows: Int64[Tensor, "t 2"]) -> Float[Tensor, "c q d"]:
    """The rows of each piece with those before and after it, as many as the widest window; zeros beyond."""
    widest, size, count = sizes(windows)
    padded = F.pad(rows, (0, 0, widest, count * size - len(rows) + widest))
    return padded.as_strided(
        (count, size + 2 * widest, rows.shape[1]), (size * padded.stride(0), *padded.stride())
    )


def band(windows: Int64[Tensor, "t 2"]) -> Bool[Tensor, "c p q"]:
    """Which words of its surroundings are contexts of each word of a piece."""
    widest, size, count = sizes(windows)
    far = torch.arange(size + 2 * widest, dtype=torch.int16) - widest
    far = (far[None] - torch.arange(size, dtype=torch.int16)[:, None]).to(windows.device)
    short = F.pad(windows.to(torch.int16), (0, 0, 0, count * size - len(windows))).view(count, size, 2, 1)
    return (far >= -short[:, :, 0]) & (far <= short[:, :, 1]) & (far != 0)


def together(parts: Float[Tensor, "c q d"], windows: Int64[Tensor, "t 2"]) -> Float[Tensor, "t d"]:
    """The sum of rows that lie in the surroundings of several pieces, the transpose of `surroundings`."""
    widest, size, count = sizes(windows)
    rows = parts[:, widest : widest + size].clone()
    if widest:
        rows[:-1, size - widest :] += parts[1:, :widest]
        rows[1:, :widest] += parts[:-1, widest + size :]
    return rows.view(count * size, -1)[: len(windows)]
