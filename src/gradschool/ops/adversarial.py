"""Losses of generator and discriminator, the theory of their game, and what bounds the discriminator's slope.

A discriminator gives each image a score (a logit of "real"); `real` and `fake` are its scores of images
from the data and from the generator. Sources: Goodfellow et al. 2014; Mao et al. 2017; Lim and Ye 2017;
Arjovsky et al. 2017; Gulrajani et al. 2017; Miyato et al. 2018.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.activation import softplus
from gradschool.ops.switch import op

Scores = Float[Tensor, " b"]
Scalar = Float[Tensor, ""]
Densities = Float[Tensor, " n"]


@op
def discriminator_loss(real: Scores, fake: Scores) -> Scalar:
    """-E[ln D(x)] - E[ln(1 - D(G(z)))] with D = sigmoid(score): cross-entropy of real against generated.

    2 ln 2 = 1.386 where the two cannot be told apart; finite for any finite score.
    Source: Goodfellow et al. 2014, eq. 1.

    Args:
        real: logits of images from the data, (b,).
        fake: logits of generated images, (b,).

    Returns:
        the sum of the two means, one number.
    """
    # 1. -ln sigmoid(s) = softplus(-s), which stays finite where sigmoid(s) is 0 in float32.
    wrong_on_real = softplus(-real)
    # 2. 1 - sigmoid(s) = sigmoid(-s).
    wrong_on_fake = softplus(fake)
    return wrong_on_real.mean() + wrong_on_fake.mean()


@op
def saturating_loss(fake: Scores) -> Scalar:
    """E[ln(1 - D(G(z)))]: the generator's loss in the minimax game, -ln 2 at its end.

    Its gradient vanishes where D is near 0, which is where the generator is worst. Finite for any finite
    score. Source: Goodfellow et al. 2014, eq. 1.

    Args:
        fake: logits of generated images, (b,); D = sigmoid(logit).
    """
    # 1. ln(1 - D) of every image.
    log_unmasked = -softplus(fake)
    # 2. The mean over images.
    return log_unmasked.mean()


@op
def non_saturating_loss(fake: Scores) -> Scalar:
    """-E[ln D(G(z))]: ln 2 = 0.693 at the end of the game, with a large gradient where D is near 0.

    Finite for any finite score. Source: Goodfellow et al. 2014, end of section 3.

    Args:
        fake: logits of generated images, (b,); D = sigmoid(logit).
    """
    # 1. -ln D of every image.
    surprise = softplus(-fake)
    # 2. The mean over images.
    return surprise.mean()


@op
def least_squares_discriminator_loss(real: Scores, fake: Scores) -> Scalar:
    """Half the squared distance of scores from 1 (real) and 0 (generated); 1/4 at the end of the game.

    Args:
        real: scores of pictures from the data, no sigmoid.
        fake: scores of generated pictures.

    Source: Mao et al. 2017, eq. 9.
    """
    # 1. Real pictures should score 1, generated ones 0.
    wrong = (real - 1) ** 2, fake**2
    # 2. Half of the sum of both means.
    return 0.5 * (wrong[0].mean() + wrong[1].mean())


@op
def least_squares_generator_loss(fake: Scores) -> Scalar:
    """Half the squared distance of generated pictures' scores from 1; 1/8 at the end of the game.

    Args:
        fake: scores of generated pictures, no sigmoid.

    Source: Mao et al. 2017, eq. 9.
    """
    # 1. The generator wants to score what real pictures score.
    wrong = (fake - 1) ** 2
    # 2. Pictures far from the border are drawn in even where D already takes them for real.
    return 0.5 * wrong.mean()


@op
def hinge_discriminator_loss(real: Scores, fake: Scores) -> Scalar:
    """E[max(0, 1 - s(x))] + E[max(0, 1 + s(G(z)))]: scores beyond the margin of 1 cost nothing; 2 at the end.

    Args:
        real: scores s(x) of images from the data, (b,), any number.
        fake: scores s(G(z)) of generated images, (b,).

    Returns:
        the sum of the two means, one number.

    Source: Lim and Ye 2017; Miyato et al. 2018, eq. 16.
    """
    # 1. Real images should score at least 1 ...
    short_of_real = torch.relu(1 - real)
    # 2. ... and generated ones at most -1.
    above_fake = torch.relu(1 + fake)
    return short_of_real.mean() + above_fake.mean()


@op
def critic_loss(real: Scores, fake: Scores) -> Scalar:
    """E[s(G(z))] - E[s(x)]: minus a critic's estimate of the distance between data and generator.

    Over all 1-Lipschitz critics the largest value of its negative is the Wasserstein-1 distance.

    Args:
        real: scores of images from the data, (b,), any number; no sigmoid follows.
        fake: scores of generated images, (b,).

    Source: Arjovsky et al. 2017, eq. 2 and algorithm 1.
    """
    # 1. The difference of mean scores, which the critic maximises.
    gap = real.mean() - fake.mean()
    # 2. As a loss, which is minimised.
    return -gap


@op
def raise_score(fake: Scores) -> Scalar:
    """-E[s(G(z))]: the generator's loss for a critic and for the hinge.

    Args:
        fake: scores of generated pictures.

    Source: Arjovsky et al. 2017, algorithm 1; Miyato et al. 2018, eq. 17.
    """
    # 1. The mean score ...
    score = fake.mean()
    # 2. ... is raised.
    return -score


@op
def between(
    real: Float[Tensor, "b ..."], fake: Float[Tensor, "b ..."], share: Scores
) -> Float[Tensor, "b ..."]:
    """A point on the straight line between each real image and a generated one.

    Args:
        real: images from the data, (b, ...).
        fake: generated images of the same shape.
        share: weight of the real image, one number for each image, 0 to 1.

    Source: Gulrajani et al. 2017, algorithm 1, line 6.
    """
    # 1. One weight for all numbers of an image.
    share = share.view(-1, *[1] * (real.dim() - 1)).to(real.dtype)
    # 2. The weighted mean.
    return share * real + (1 - share) * fake


@op
def slopes(scores: Scores, points: Float[Tensor, "b ..."]) -> Scores:
    """The slope of the critic at each point: the length of the gradient of its score over the image.

    The slopes themselves have a gradient, so that a loss can contain them; it is 0 where a slope is 0.

    Args:
        scores: of the points, (b,), each computed from its own point alone (no batch normalisation).
        points: images that were scored, (b, ...); they require a gradient.

    Returns:
        (b,), 0 or more, float32: the Euclidean length over all numbers of an image.

    Source: Gulrajani et al. 2017, algorithm 1, line 7.
    """
    # 1. All gradients at once: each score depends on its own point, so the gradient of the sum has them all.
    (gradient,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    # 2. The length for each image, in float32: squares overflow in half precision.
    return gradient.flatten(1).float().norm(dim=1)


@op
def gradient_penalty(slope: Scores) -> Scalar:
    """The mean squared difference of slopes from 1; both too steep and too flat cost.

    Args:
        slope: of the critic at b points, (b,), 0 or more; see `slopes`.

    Source: Gulrajani et al. 2017, eq. 3 (the penalty without its weight lambda).
    """
    # 1. The difference from 1.
    wrong = slope - 1
    # 2. The mean square.
    return (wrong**2).mean()


@op
def spectral_norm(
    weight: Float[Tensor, "m n"], u: Float[Tensor, " m"], steps: int = 1
) -> tuple[Scalar, Float[Tensor, " m"]]:
    """The largest singular value of a matrix by power iteration, and the left singular vector.

    One step is v = W'u, u = Wv, each divided by its length. The gradient of the value passes through the
    weight only; u and v count as constants. Started each time from the last `u`, one step is enough, because
    weights change slowly.

    Args:
        weight: W, (m, n).
        u: a guess of the left singular vector, (m,); its length does not matter, but it is not 0.
        steps: of the iteration, 1 or more.

    Returns:
        the estimate u'Wv, one number, and the new u, (m,), of length 1.

    Source: Miyato et al. 2018, algorithm 1.
    """
    # 1. The iteration: the part along the largest singular value grows most.
    with torch.no_grad():
        for _ in range(steps):
            v = torch.nn.functional.normalize(weight.T @ u, dim=0)
            u = torch.nn.functional.normalize(weight @ v, dim=0)
    # 2. How much the matrix stretches that direction.
    return u @ (weight @ v), u


@op
def optimal_discriminator(p_data: Densities, p_model: Densities) -> Densities:
    """D*(x) = p_data / (p_data + p_model), the optimal discriminator for a fixed generator.

    Args:
        p_data: density of the data at n points, 0 or more.
        p_model: density of the generator at the same points, 0 or more; positive where p_data is 0.

    Returns:
        the probability of "real" at each point, 0 to 1.

    Source: Goodfellow et al. 2014, proposition 1.
    """
    # 1. The density of real and generated images together.
    total = p_data + p_model
    # 2. The share of real images.
    return p_data / total


@op
def game_value(p_data: Densities, p_model: Densities, d: Densities) -> Scalar:
    """V(D, G) = E_data[ln D] + E_model[ln(1 - D)] over n outcomes.

    An outcome without probability counts 0, whatever d is there (0 ln 0 = 0).

    Args:
        p_data: probability of each outcome under the data, (n,); they sum to 1.
        p_model: the same under the generator.
        d: the discriminator's answer for each outcome, 0 to 1.

    Returns:
        one number, 0 or less, in nats; -infinity if d rules out an outcome that occurs.

    Source: Goodfellow et al. 2014, eq. 1.
    """
    # 1. The expectation under the data.
    on_data = torch.xlogy(p_data, d).sum()
    # 2. The expectation under the generator.
    on_model = torch.xlogy(p_model, 1 - d).sum()
    return on_data + on_model


@op
def jensen_shannon(p: Densities, q: Densities) -> Scalar:
    """JS(p, q) in nats, 0 to ln 2; V(D*, G) = 2 JS(p_data, p_model) - ln 4.

    Args:
        p: probabilities of n outcomes; they sum to 1.
        q: likewise.

    Source: Goodfellow et al. 2014, theorem 1 and eq. 6.
    """
    # 1. The mixture.
    m = 0.5 * (p + q)
    # 2. The mean of KL(p, m) and KL(q, m); an outcome without probability counts 0.
    from_p = (torch.xlogy(p, p) - torch.xlogy(p, m)).sum()
    from_q = (torch.xlogy(q, q) - torch.xlogy(q, m)).sum()
    return 0.5 * (from_p + from_q)
