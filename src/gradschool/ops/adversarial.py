"""Two networks against each other: what each of them lowers, where the game ends, and what tames the judge.

A discriminator gives each picture a score (a logit of "real"); `real` and `fake` are its scores of pictures
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

    2 ln 2 = 1.386 where the two cannot be told apart. Source: Goodfellow et al. 2014, eq. 1.

    Args:
        real: logits of pictures from the data.
        fake: logits of generated pictures.
    """
    # 1. -ln sigmoid(s) = softplus(-s), which stays finite where sigmoid(s) is 0 in float32.
    wrong_on_real = softplus(-real)
    # 2. 1 - sigmoid(s) = sigmoid(-s).
    wrong_on_fake = softplus(fake)
    return wrong_on_real.mean() + wrong_on_fake.mean()


@op
def saturating_loss(fake: Scores) -> Scalar:
    """E[ln(1 - D(G(z)))]: the generator's side of the minimax game, -ln 2 at its end.

    Its gradient dies where D is sure of itself, which is where the generator has most to learn.
    Source: Goodfellow et al. 2014, eq. 1.

    Args:
        fake: logits of generated pictures.
    """
    # 1. ln(1 - D) of every picture.
    log_unmasked = -softplus(fake)
    # 2. Lowered on average.
    return log_unmasked.mean()


@op
def non_saturating_loss(fake: Scores) -> Scalar:
    """-E[ln D(G(z))]: the same end (ln 2 = 0.693) with a strong gradient where D is sure.

    Source: Goodfellow et al. 2014, end of section 3.

    Args:
        fake: logits of generated pictures.
    """
    # 1. -ln D of every picture: how far it is from being taken for real.
    surprise = softplus(-fake)
    # 2. Lowered on average.
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
    """E[max(0, 1 - s(x))] + E[max(0, 1 + s(G(z)))]: only scores inside the margin count; 2 at the end.

    Args:
        real: scores of pictures from the data.
        fake: scores of generated pictures.

    Source: Lim and Ye 2017; Miyato et al. 2018, eq. 16.
    """
    # 1. Real pictures should score at least 1 ...
    short_of_real = torch.relu(1 - real)
    # 2. ... and generated ones at most -1.
    above_fake = torch.relu(1 + fake)
    return short_of_real.mean() + above_fake.mean()


@op
def critic_loss(real: Scores, fake: Scores) -> Scalar:
    """E[s(G(z))] - E[s(x)]: minus what a critic sees of the distance between data and generator.

    For critics of slope at most 1 the largest value of its negative is the Wasserstein-1 distance.

    Args:
        real: scores of pictures from the data, any number.
        fake: scores of generated pictures.

    Source: Arjovsky et al. 2017, eq. 2 and algorithm 1.
    """
    # 1. The gap that the critic widens.
    gap = real.mean() - fake.mean()
    # 2. As a loss.
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
    """A point on the straight line from each real picture to a generated one.

    Args:
        real: pictures from the data.
        fake: generated pictures of the same shape.
        share: how much of the real picture is in it, one number a picture, 0 to 1.

    Source: Gulrajani et al. 2017, algorithm 1, line 6.
    """
    # 1. One share for all numbers of a picture.
    share = share.view(-1, *[1] * (real.dim() - 1)).to(real.dtype)
    # 2. Mixed.
    return share * real + (1 - share) * fake


@op
def slopes(scores: Scores, points: Float[Tensor, "b ..."]) -> Scores:
    """How steep the critic is at each point: the norm of the gradient of its score by the picture.

    Args:
        scores: of the points, each computed from its own point alone (no batch normalisation).
        points: what was scored; it requires a gradient.

    Source: Gulrajani et al. 2017, algorithm 1, line 7.
    """
    # 1. All gradients at once: a score depends on its own point only, so those of the sum are those of each.
    (gradient,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    # 2. Its length over all numbers of a picture, in float32: squares overflow in half precision.
    return gradient.flatten(1).float().norm(dim=1)


@op
def gradient_penalty(slope: Scores) -> Scalar:
    """How far slopes are from 1, squared: 0 for the best critic on its way between data and generator.

    Args:
        slope: how steep the critic is, (b,); see `slopes`.

    Source: Gulrajani et al. 2017, eq. 3 (the penalty without its weight lambda).
    """
    # 1. Too steep is wrong, and so is too flat.
    wrong = slope - 1
    # 2. The mean square.
    return (wrong**2).mean()


@op
def spectral_norm(
    weight: Float[Tensor, "m n"], u: Float[Tensor, " m"], steps: int = 1
) -> tuple[Scalar, Float[Tensor, " m"]]:
    """The largest singular value of a matrix by power iteration, and the left vector that found it.

    The gradient passes through the weight only. Started each time from the last `u`, one step is enough,
    since weights change slowly.

    Args:
        weight: W.
        u: a guess of the left singular vector, of any length but 0.
        steps: of the iteration, >= 1.

    Source: Miyato et al. 2018, algorithm 1.
    """
    # 1. Back and forth through the matrix: the part along the largest singular value grows most.
    with torch.no_grad():
        for _ in range(steps):
            v = torch.nn.functional.normalize(weight.T @ u, dim=0)
            u = torch.nn.functional.normalize(weight @ v, dim=0)
    # 2. What the matrix does to that direction.
    return u @ (weight @ v), u


@op
def optimal_discriminator(p_data: Densities, p_model: Densities) -> Densities:
    """D*(x) = p_data / (p_data + p_model), the best answer to a generator that stands still.

    Args:
        p_data: density of the data at n places.
        p_model: density of the generator there; at no place are both 0.

    Source: Goodfellow et al. 2014, proposition 1.
    """
    # 1. How many pictures come from there in all, of equally many real and generated ones.
    total = p_data + p_model
    # 2. The share that is real.
    return p_data / total


@op
def game_value(p_data: Densities, p_model: Densities, d: Densities) -> Scalar:
    """V(D, G) = E_data[ln D] + E_model[ln(1 - D)] over n places.

    Args:
        p_data: probability of each place under the data; sums to 1.
        p_model: under the generator.
        d: the discriminator's answer at each place, 0 to 1.

    Source: Goodfellow et al. 2014, eq. 1.
    """
    # 1. A place without probability counts 0, whatever D says there (0 ln 0 = 0).
    on_data = torch.xlogy(p_data, d).sum()
    # 2. The other half.
    on_model = torch.xlogy(p_model, 1 - d).sum()
    return on_data + on_model


@op
def jensen_shannon(p: Densities, q: Densities) -> Scalar:
    """JS(p, q) in nats, 0 to ln 2; V(D*, G) = 2 JS(p_data, p_model) - ln 4.

    Args:
        p: probabilities of n places; they sum to 1.
        q: likewise.

    Source: Goodfellow et al. 2014, theorem 1 and eq. 6.
    """
    # 1. The mixture that both are compared with.
    m = 0.5 * (p + q)
    # 2. The mean of KL(p, m) and KL(q, m); a place without probability counts 0.
    from_p = (torch.xlogy(p, p) - torch.xlogy(p, m)).sum()
    from_q = (torch.xlogy(q, q) - torch.xlogy(q, m)).sum()
    return 0.5 * (from_p + from_q)
