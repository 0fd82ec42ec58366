"""Word vectors: what two words have in common, from counts, from prediction, and how it is measured.

Sources: Levy, Goldberg and Dagan 2015 (PPMI with shift and smoothing); Mikolov et al. 2013 (skip-gram, CBOW,
negative sampling, subsampling); Pennington et al. 2014 (GloVe); Levy and Goldberg 2014 (3CosMul).
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.ops.activation import sigmoid, softplus
from gradschool.ops.switch import op

Gradients = tuple[Float[Tensor, ""], Float[Tensor, "t d"], Float[Tensor, "t d"], Float[Tensor, "c s d"]]


@op
def ppmi(
    count: Float[Tensor, " n"],
    word: Int64[Tensor, " n"],
    context: Int64[Tensor, " n"],
    smoothing: float = 0.75,
    shift: float = 1.0,
) -> Float[Tensor, " n"]:
    """Positive pointwise mutual information of words and contexts: max(log P(w, c) / (P(w) P(c)) - log k, 0).

    Args:
        count: how often each pair was seen together, > 0; pairs that never were have a PPMI of 0.
        word: the word of each pair, a number from 0 on.
        context: its context word.
        smoothing: power on the counts of contexts before they become probabilities, > 0; below 1, rare
            contexts count as less rare than they are.
        shift: k, >= 1; what is not more than k times as frequent as by chance becomes 0.

    Returns:
        In nats, >= 0, for each pair; of the dtype of `count`.

    Source: Levy, Goldberg and Dagan 2015, sections 2.1 and 3.2.
    """
    # 1. How often each word, and each context, was seen at all.
    words = torch.bincount(word, count)[word]
    contexts = torch.bincount(context, count) ** smoothing
    # 2. The logarithm of the probability of the pair over what chance would give.
    chance = words / count.sum() * contexts[context] / contexts.sum()
    return (torch.log(count / count.sum() / chance) - torch.log(torch.tensor(shift))).clamp(min=0).to(count)


@op
def keep_probability(share: Float[Tensor, " v"], threshold: float = 1e-3) -> Float[Tensor, " v"]:
    """Probability that an occurrence of a word is kept when frequent words are subsampled.

    With f its share of the text and t the threshold: sqrt(t / f) + t / f, at most 1. This is what word2vec
    computes; the paper has sqrt(t / f) alone.

    Args:
        share: f, of each word in the text, > 0 to 1.
        threshold: t, > 0; words rarer than 2.6 t are always kept.

    Source: Mikolov et al. 2013 (Distributed representations), eq. 5, and its program.
    """
    # 1. How much rarer than the threshold each word is: below 1 for frequent words.
    rare = threshold / share
    # 2. The formula; a probability is at most 1.
    return (rare.sqrt() + rare).clamp(max=1)


@op
def skip_gram_loss(
    centre: Float[Tensor, "b d"], context: Float[Tensor, "b d"], negatives: Float[Tensor, "b k d"]
) -> Float[Tensor, ""]:
    """Negative sampling: tell the true context of a word from k words that were drawn at random.

    The mean over pairs of -log s(v u) - sum over negatives n of log s(-v n), with s the sigmoid.

    Args:
        centre: v, input vectors of the words.
        context: u, output vectors of a word near each.
        negatives: n, output vectors of random words.

    Returns:
        The mean loss of a pair, >= 0; finite for scores of any size.

    Source: Mikolov et al. 2013 (Distributed representations), eq. 4.
    """
    # 1. Scores of the true contexts and of the random ones.
    true = (centre * context).sum(-1)
    random = (centre[:, None] * negatives).sum(-1)
    # 2. -log s(x) = softplus(-x).
    return (softplus(-true) + softplus(random).sum(-1)).mean()


@op
def cbow_loss(
    around: Float[Tensor, "b w d"],
    present: Bool[Tensor, "b w"],
    target: Float[Tensor, "b d"],
    negatives: Float[Tensor, "b k d"],
) -> Float[Tensor, ""]:
    """Continuous bag of words: as skip-gram, but the mean of all words around predicts the word between them.

    Args:
        around: input vectors of the words around; at the end of a text there are fewer than w.
        present: which of them there are, at least one in each row.
        target: output vectors of the words between.
        negatives: output vectors of random words.

    Source: Mikolov et al. 2013 (Efficient estimation), section 3.1.
    """
    mean = (around * present[..., None]).sum(1) / present.sum(1, keepdim=True)
    return skip_gram_loss.plain(mean, target, negatives)


@op
def skip_gram_gradients(
    x: Float[Tensor, "t d"],
    y: Float[Tensor, "t d"],
    windows: Int64[Tensor, "t 2"],
    noise: Float[Tensor, "c s d"],
    k: float = 5.0,
) -> Gradients:
    """The skip-gram loss of a whole stretch of text, with its gradients: what one step of SGD needs.

    The text is cut into c pieces of equal length (the last may be shorter), and all pairs of a piece share
    its s random words: each counts k / s times in the loss of a pair.

    Args:
        x: input vectors of the words of the text, in order.
        y: their output vectors.
        windows: how many words before and after each are its contexts, >= 0; never beyond the ends.
        noise: output vectors of the random words of each piece.
        k: random words a pair, > 0; a real number, for s words stand for them.

    Returns:
        The mean loss of a pair, and the gradients of the sum over all pairs with respect to x, y and noise.
    """
    before, after = windows.T
    dx, dy, loss, pairs = torch.zeros_like(x), torch.zeros_like(y), x.new_zeros(()), (before + after).sum()
    # 1. True pairs, one distance at a time: the derivative of softplus(-a) is s(a) - 1.
    for far in range(1, int(windows.max()) + 1 if len(windows) else 1):
        left, right = slice(None, -far), slice(far, None)
        for centre, context, wanted in (
            (left, right, after[left] >= far),
            (right, left, before[right] >= far),
        ):
            a = (x[centre] * y[context]).sum(1)
            g = torch.where(wanted, sigmoid(a) - 1, 0)[:, None]
            dx[centre] += g * y[context]
            dy[context] += g * x[centre]
            loss = loss + softplus(-a)[wanted].sum()
    # 2. Random pairs: every word against the noise of its piece, as often as it has contexts.
    rows = noise[piece_of(x, noise)]
    a, often = (rows @ x[:, :, None]).squeeze(2), (before + after)[:, None].to(x) * k / noise.shape[1]
    g = sigmoid(a) * often
    loss = loss + (softplus(a) * often).sum()
    dnoise = torch.zeros_like(noise).index_add(0, piece_of(x, noise), g[:, :, None] * x[:, None])
    return loss / pairs.clamp(min=1), dx + (g[:, None] @ rows).squeeze(1), dy, dnoise


def piece_of(x: Float[Tensor, "t d"], noise: Float[Tensor, "c s d"]) -> Int64[Tensor, " t"]:
    """The number of the piece that each word of a text is in."""
    return torch.arange(len(x), device=x.device) // max(1, -(-len(x) // len(noise)))


@op
def cbow_gradients(
    x: Float[Tensor, "t d"],
    y: Float[Tensor, "t d"],
    windows: Int64[Tensor, "t 2"],
    noise: Float[Tensor, "c s d"],
    k: float = 5.0,
) -> Gradients:
    """The CBOW loss of a whole stretch of text, with its gradients; arguments as of `skip_gram_gradients`.

    Returns:
        The mean loss of a word that has a context, and the gradients of the sum over all of them.
    """
    # 1. The mean of the input vectors around each word.
    place = torch.arange(len(x), device=x.device)
    far = place[None] - place[:, None]
    near = (far >= -windows[:, :1]) & (far <= windows[:, 1:]) & (far != 0)
    share = near / near.sum(1, keepdim=True).clamp(min=1)
    mean, some = share.to(x) @ x, near.any(1)
    # 2. Scores of the true word and of the random ones, and the derivatives of the loss by them.
    rows, group = noise[piece_of(x, noise)], piece_of(x, noise)
    true, random = (mean * y).sum(1), (rows @ mean[:, :, None]).squeeze(2)
    often = some[:, None].to(x) * k / noise.shape[1]
    g, g_random = ((sigmoid(true) - 1) * some)[:, None], sigmoid(random) * often
    # 3. From the means back to the words around.
    dmean = g * y + (g_random[:, None] @ rows).squeeze(1)
    dnoise = torch.zeros_like(noise).index_add(0, group, g_random[:, :, None] * mean[:, None])
    loss = softplus(-true)[some].sum() + (softplus(random) * often).sum()
    return loss / some.sum().clamp(min=1), share.to(x).T @ dmean, g * mean, dnoise


@op
def glove_weight(count: Float[Tensor, " n"], most: float = 100.0, power: float = 0.75) -> Float[Tensor, " n"]:
    """How much a pair counts in GloVe's loss: (count / most)^power, at most 1.

    Source: Pennington et al. 2014, eq. 9.
    """
    return ((count / most) ** power).clamp(max=1)


@op
def glove_loss(
    score: Float[Tensor, " n"], count: Float[Tensor, " n"], most: float = 100.0, power: float = 0.75
) -> Float[Tensor, ""]:
    """GloVe: scores of pairs should equal the logarithms of their counts, frequent pairs more closely.

    The mean over pairs of f(count) (score - log count)^2.

    Args:
        score: w u + b_w + b_u, of the two vectors and biases of each pair.
        count: how often the pair was seen together, > 0.
        most: count from which on the weight is 1, > 0.
        power: how the weight grows below it.

    Source: Pennington et al. 2014, eq. 8.
    """
    # 1. How far each score is from the logarithm of its count.
    error = score - count.log()
    # 2. The mean of the squares, each with the weight of its pair.
    return (glove_weight(count, most, power) * error**2).mean()


@op
def cosine_similarity(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """The cosine of the angle between every vector of one table and every one of the other; 0 for zeros."""
    return unit(a) @ unit(b).T


def unit(vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Vectors of length 1; those of length 0 stay."""
    return vectors / vectors.norm(dim=1, keepdim=True).clamp(min=torch.finfo(vectors.dtype).tiny)


@op
def cos_add(
    table: Float[Tensor, "v d"],
    a: Float[Tensor, "q d"],
    b: Float[Tensor, "q d"],
    c: Float[Tensor, "q d"],
) -> Float[Tensor, "q v"]:
    """3CosAdd: scores of all words x in "a is to b as c is to x", cos(x, b) - cos(x, a) + cos(x, c).

    Args:
        table: the vectors of all words.
        a: those of the first words of q questions.
        b: of the second.
        c: of the third.

    Source: Mikolov et al. 2013 (Linguistic regularities), section 4; Levy and Goldberg 2014, eq. 3.
    """
    return (unit(b) - unit(a) + unit(c)) @ unit(table).T


@op
def cos_mul(
    table: Float[Tensor, "v d"],
    a: Float[Tensor, "q d"],
    b: Float[Tensor, "q d"],
    c: Float[Tensor, "q d"],
    eps: float = 1e-3,
) -> Float[Tensor, "q v"]:
    """3CosMul: the same as a product, cos(x, b) cos(x, c) / (cos(x, a) + eps), so that no term outweighs
    the others. Cosines are moved from -1 ... 1 to 0 ... 1.

    Args:
        table: the vectors of all words.
        a: those of the first words of q questions.
        b: of the second.
        c: of the third.
        eps: keeps the quotient finite, > 0.

    Source: Levy and Goldberg 2014, eq. 4.
    """
    words = unit(table).T
    to_a, to_b, to_c = ((unit(each) @ words + 1) / 2 for each in (a, b, c))
    return to_b * to_c / (to_a + eps)
