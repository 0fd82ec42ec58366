"""Checks of chapter 9: oracles are torch.distributions in float64, singular values and loops in NumPy."""

import numpy as np
import torch
from torch.distributions import Independent, Normal, kl_divergence

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

WIDE = Tolerance(1e-8, 1e-9, "float64; eigenvectors and solved systems of up to 6 numbers")
CLOSE = Tolerance(1e-5, 1e-6, "float32, a few operations a number, against float64")
SUMS = Tolerance(1e-5, 1e-5, "float32 sums of up to 10 prices, against float64")
EXACT = Tolerance(0, 0, "indices and yes or no")


def draw(seed: int, *shape: int) -> torch.Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def normal(mean, log_variance) -> Normal:
    """Torch's, in float64."""
    return Normal(mean.double(), torch.exp(0.5 * log_variance.double()))


# Principal components and mixtures


def through_ppca(mine, x, codes):
    """The fitted model as data: W W^T, as each column of W may have either sign; W^T W for their order."""
    model = mine(x, codes)
    w = model.weights
    return model.mean, list(w.shape), w @ w.T, float(model.variance), w.T @ w


def ppca_oracle(x, codes):
    """By the singular values of the centred points: the covariance with the left-out variances evened out."""
    n, d = x.shape
    mean = x.mean(0)
    _, values, directions = np.linalg.svd(x - mean, full_matrices=False)
    variances = values**2 / n
    noise = variances[codes:].mean()
    both = (directions[:codes].T * (variances[:codes] - noise)) @ directions[:codes]
    return mean, [d, codes], both, float(noise), np.diag(variances[:codes] - noise)


def fit_ppca(ladder: Ladder) -> None:
    """Points whose axes are the directions, then any; then the model varies as much as the data do."""
    rng = np.random.default_rng(0)
    cross = np.array([[3.0, 0, 0], [-3, 0, 0], [0, 2, 0], [0, -2, 0], [0, 0, 1], [0, 0, -1]])
    x = rng.normal(size=(30, 5)) @ rng.normal(size=(5, 5)) + 3
    even = np.concatenate([np.eye(4), -np.eye(4), np.zeros((2, 4))])  # (0.2 + 0.2 + 0.2) / 3 rounds up
    cases = [
        Case("the points (±3, 0, 0), (0, ±2, 0), (0, 0, ±1), codes = 1", (cross, 1)),
        Case("the points (±3, 0, 0), (0, ±2, 0), (0, 0, ±1), all plus 5, codes = 2", (cross + 5, 2)),
        Case("30 points of 5 numbers, codes = 2", (x, 2)),
        Case("the points ±1 on 4 axes and 0 twice, whose eigenvalues are all equal, codes = 1", (even, 1)),
    ]
    ladder.agrees(cases, ppca_oracle, WIDE, through=through_ppca)
    _, _, both, noise, _ = ladder.inside(through_ppca)(x, 3)
    ladder.same("The model's total variance is that of the data, which", np.trace(both) + 5 * noise,
                x.var(0).sum(), WIDE)  # fmt: skip


def through_mixture(mine, weights, means, covariances, x):
    """The mixture is made where the function runs."""
    from gradschool.scratch.statistics.gmm import Mixture

    return tuple(mine(Mixture(weights, means, covariances), x))


def mixture_oracle(weights, means, covariances, x):
    """Densities by inverse and determinant; sums by logaddexp."""
    joint = []
    for weight, mean, covariance in zip(weights, means, covariances, strict=True):
        volume = np.log(np.linalg.det(2 * np.pi * covariance))
        distance = np.einsum("ni,ij,nj->n", x - mean, np.linalg.inv(covariance), x - mean)
        joint.append(np.log(weight) - 0.5 * (distance + volume))
    evidence = np.logaddexp.reduce(joint, 0)
    return np.exp(np.stack(joint, 1) - evidence[:, None]), evidence


def e_step(ladder: Ladder) -> None:
    """A point in the middle, points drawn, one far from all; then shares sum to 1."""
    rng = np.random.default_rng(0)
    two = (np.array([0.75, 0.25]), np.array([[-1.0], [1.0]]), np.ones((2, 1, 1)))
    roots = rng.normal(size=(3, 2, 2))
    three = (
        np.array([0.2, 0.5, 0.3]),
        rng.normal(size=(3, 2)),
        roots @ roots.transpose(0, 2, 1) + np.eye(2),
    )
    far = np.array([[60.0, -70.0], [0.0, 1.0], [-500.0, 20.0], [3.0, 3.0]])
    cases = [
        Case("shares 3/4 and 1/4, means -1 and 1, variances 1, x = 0", (*two, np.array([[0.0]]))),
        Case("3 components, 5 points", (*three, rng.normal(size=(5, 2)))),
        Case("3 components, points far away", (*three, far)),
    ]
    ladder.agrees(cases, mixture_oracle, WIDE, through=through_mixture)
    shares, _ = ladder.inside(through_mixture)(*cases[2].args)
    ladder.same("Responsibilities of a point sum to 1, which", shares.sum(1), np.ones(4), WIDE)


# The bound


def sample_oracle(mean, log_variance, noise):
    """Torch's affine map of a standard normal, in float64."""
    return (normal(mean, log_variance).stddev * noise.double() + mean.double()).to(mean.dtype)


def reparametrise(ladder: Ladder) -> None:
    """By hand, a batch, several samples; gradients; then no noise gives the mean."""
    one = (torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 2 * np.log(3.0)]]), torch.tensor([[1.0, -1.0]]))
    many = (draw(0, 2, 4, 3, 2), draw(1, 2, 4, 3, 2), draw(2, 2, 4, 3, 2))
    ends = (torch.zeros(1, 3), torch.tensor([[100.0, -100.0, -200.0]]), torch.ones(1, 3))
    cases = [
        Case("mean (1, 2), sigma (1, 3), noise (1, -1)", tuple(t.float() for t in one)),
        Case("a batch of 3 codes of 2", (draw(3, 3, 2), draw(4, 3, 2), draw(5, 3, 2))),
        Case("2 times 4 samples of 3 codes of 2", many),
        Case("ln sigma^2 = (100, -100, -200), mean 0, noise 1", ends),
        Case("ln sigma^2 = (176, -300, 0), mean 0, noise 1",
             (ends[0], torch.tensor([[176.0, -300.0, 0.0]]), ends[2])),
        Case("float64", tuple(t.double() for t in many)),
    ]  # fmt: skip
    ladder.agrees(cases, sample_oracle, CLOSE)
    ladder.gradients(cases, sample_oracle, CLOSE)
    mean, log_variance, noise = many
    still = ladder.subject(mean, log_variance, 0 * noise)
    ladder.same("Without noise the sample is the mean, which", still, mean, CLOSE)


def price_oracle(mean, log_variance):
    """Torch's divergence, in float64."""
    other = Normal(torch.zeros_like(mean.double()), 1)
    return kl_divergence(normal(mean, log_variance), other).to(mean.dtype)


def kl_code(ladder: Ladder) -> None:
    """One number at a time, a batch, gradients; then nothing costs less than nothing."""
    cases = [
        Case("mean 2, variance 1", (torch.tensor([[2.0]]), torch.tensor([[0.0]]))),
        Case("mean 0, variance e", (torch.tensor([[0.0]]), torch.tensor([[1.0]]))),
        Case("3 codes of 4", (draw(0, 3, 4), draw(1, 3, 4))),
        Case("mean 0, ln sigma^2 = (80, -80)", (torch.zeros(1, 2), torch.tensor([[80.0, -80.0]]))),
        Case("float64", (draw(2, 2, 3).double(), draw(3, 2, 3).double())),
    ]
    ladder.agrees(cases, price_oracle, CLOSE)
    ladder.gradients(cases, price_oracle, CLOSE)
    nothing = ladder.subject(torch.zeros(2, 3), torch.zeros(2, 3))
    ladder.same("The prior itself costs 0, which", nothing, torch.zeros(2, 3), CLOSE)


def nll_oracle(x, mean, log_variance):
    """Torch's density, in float64."""
    return -normal(mean, log_variance).log_prob(x.double()).to(x.dtype)


def gaussian_nll(ladder: Ladder) -> None:
    """By hand, a batch, gradients; then only the distance counts."""
    two, one = torch.tensor([2.0]), torch.tensor([1.0])
    x, mean, log_variance = draw(0, 3, 2, 4), draw(1, 3, 2, 4), draw(2, 3, 2, 4)
    cases = [
        Case("x = 2, mean = 1, variance = 1", (two, one, 0 * one)),
        Case("x = 2, mean = 1, variance = 1, without axes", (two[0], one[0], 0 * one[0])),
        Case("x = 2, mean = 2, variance = e^2", (two, two, two)),
        Case("shape (3, 2, 4)", (x, mean, log_variance)),
        Case("x = 2, mean = 1, ln sigma^2 = 30", (two, one, 30 * one)),
        Case("x = 2, mean = 1, ln sigma^2 = -30", (two, one, -30 * one)),
        Case("x = 2, mean = 1, ln sigma^2 = 80", (two, one, 80 * one)),
        Case("float64", (x.double(), mean.double(), log_variance.double())),
    ]
    ladder.agrees(cases, nll_oracle, CLOSE)
    ladder.gradients(cases, nll_oracle, CLOSE)
    moved = ladder.subject(x + 1, mean + 1, log_variance)
    ladder.same("Only the distance counts, which", moved, ladder.subject(x, mean, log_variance), SUMS)


def through_vae(mine, errors, mean, log_variance, beta, free_nats, weight):
    """A task around a model that always says the same."""
    import torch

    from gradschool.tasks.vae import Price

    class Same(torch.nn.Module):
        def forward(self, x, y):
            return x, mean, log_variance, mean

    task = mine(Same(), lambda logits, x: errors, Price(beta, free_nats))
    return task.loss((errors[:, None], None), weight)


def slopes_of_vae(mine, *args):
    """The gradient of the loss by errors, means and log-variances."""
    import torch

    from gradschool.tasks.vae import Price

    errors, mean, log_variance, beta, free_nats, weight = args
    inputs = [t.clone().requires_grad_() for t in (errors, mean, log_variance)]

    class Same(torch.nn.Module):
        def forward(self, x, y):
            return x, inputs[1], inputs[2], inputs[1]

    task = mine(Same(), lambda logits, x: inputs[0], Price(beta, free_nats))
    return torch.autograd.grad(task.loss((errors[:, None], None), weight)["loss"], inputs)


def slopes_by_hand(errors, mean, log_variance, beta, free_nats, weight):
    """The derivatives, written out; a dimension below the free nats has none."""
    charged = price_oracle(mean.double(), log_variance.double()).mean(0) > free_nats
    each = weight * beta * charged / len(errors)
    return torch.full_like(errors, 1 / len(errors)), each * mean, each * 0.5 * (log_variance.exp() - 1)


def elbo_oracle(errors, mean, log_variance, beta, free_nats, weight):
    """The definition, number by number, in float64."""
    prices = price_oracle(mean.double(), log_variance.double()).numpy()
    wrong = sum(errors.double().tolist()) / len(errors)
    paid = sum(max(float(column.sum()) / len(column), free_nats) for column in prices.T)
    parts = {"loss": wrong + weight * beta * paid, "reconstruction": wrong, "kl": prices.sum() / len(prices)}
    return {name: torch.tensor(value, dtype=errors.dtype) for name, value in parts.items()}


def elbo(ladder: Ladder) -> None:
    """A loss by hand; beta, warm-up and free bits each alone and together; then beta 0 leaves the error."""
    hand = (torch.tensor([3.0, 5.0]), torch.tensor([[2.0], [0.0]]), torch.zeros(2, 1))
    many = (draw(0, 5).abs() * 9, draw(1, 5, 3), draw(2, 5, 3))
    cases = [
        Case("errors (3, 5), means (2, 0), variances 1, beta 1", (*hand, 1.0, 0.0, 1.0)),
        Case("5 pictures, beta 4", (*many, 4.0, 0.0, 1.0)),
        Case("5 pictures, warm-up a quarter done", (*many, 1.0, 0.0, 0.25)),
        Case("5 pictures, 0.8 nats of each dimension free", (*many, 1.0, 0.8, 1.0)),
        Case("5 pictures, all three", (*many, 2.0, 0.8, 0.5)),
    ]
    ladder.agrees(cases, elbo_oracle, SUMS, through=through_vae)
    slopes = ladder.inside(slopes_of_vae)(*cases[-1].args)
    ladder.same("The loss has the gradients of its terms, which", slopes,
                slopes_by_hand(*cases[-1].args), SUMS)  # fmt: skip
    free = ladder.inside(through_vae)(*many, 0.0, 0.0, 1.0)
    ladder.same("With beta 0 only the error counts, which", free["loss"], many[0].mean(), SUMS)


def free_oracle(prices, nats):
    """Dimension by dimension, in float64."""
    columns = [prices.double()[:, i].sum() / len(prices) for i in range(prices.shape[1])]
    return (
        torch.stack([torch.where(c > nats, c, torch.full_like(c, nats)) for c in columns])
        .sum()
        .to(prices.dtype)
    )


def free_bits(ladder: Ladder) -> None:
    """Two dimensions by hand, none free, several; gradients; then cheap ones get none."""
    prices = torch.tensor([[0.1, 3.0], [0.5, 1.0], [0.3, 2.0]])
    many = draw(0, 5, 4).square()
    cases = [
        Case("mean prices 0.3 and 2, 0.5 nats free", (prices, 0.5)),
        Case("nothing free", (many, 0.0)),
        Case("5 codes of 4, 1 nat free", (many, 1.0)),
        Case("float64", (many.double(), 0.3)),
    ]
    ladder.agrees(cases, free_oracle, SUMS)
    ladder.gradients(cases, free_oracle, SUMS)
    ladder.same("Below the limit all prices are the same, which", ladder.subject(prices / 9, 0.5),
                torch.tensor(1.0), SUMS)  # fmt: skip


def active_oracle(means, threshold=0.01):
    """NumPy's variance over n - 1, in float64."""
    return torch.tensor(means.double().numpy().var(0, ddof=1) > threshold)


def active_units(ladder: Ladder) -> None:
    """One that speaks, one that is constant, one that whispers; then moving means changes nothing."""
    speaks = torch.tensor([[1.0, 3.0, 0.05], [-1.0, 3.0, -0.05], [0.5, 3.0, 0.0]])
    two = torch.tensor([[1.0, 0.0, 2.0], [-1.0, 0.0, -2.0]])  # variances 2, 0 and 8
    many = draw(0, 50, 6) * torch.tensor([1, 0.5, 0.2, 0.12, 0.05, 0.01])
    cases = [
        Case("means (1, -1, 0.5), always 3, and (0.05, -0.05, 0)", (speaks,)),
        Case("50 codes of 6", (many + 2,)),
        Case("50 codes of 6, threshold 0.1", (many, 0.1)),
        Case("50 codes of 6, threshold 0.001", (many, 0.001)),
        Case("50 codes of one number", (many[:, :1],)),
        Case("means (1, -1), always 0, and (2, -2), threshold 1.5", (two, 1.5)),
        Case("means (1, -1), always 0, and (2, -2), threshold 2", (two, 2.0)),
        Case("means (1, -1), always 0, and (2, -2), threshold 0", (two, 0.0)),
    ]
    ladder.agrees(cases, active_oracle, EXACT)
    ladder.same("Where the means lie does not count, which", ladder.subject(many - 4), active_oracle(many),
                EXACT)  # fmt: skip


# Several codes


def weights_oracle(log_likelihood, z, mean, log_variance):
    """Torch's densities, in float64."""
    prior = Independent(Normal(torch.zeros_like(z[0].double()), 1), 1)
    posterior = Independent(normal(mean, log_variance), 1)
    wide = z.double()
    return (log_likelihood.double() + prior.log_prob(wide) - posterior.log_prob(wide)).to(z.dtype)


def log_weights(ladder: Ladder) -> None:
    """One code by hand, several; gradients; then the prior as q leaves the likelihood."""
    zero = torch.zeros(1, 1)
    mean, log_variance = draw(0, 3, 2), draw(1, 3, 2)
    seen, z = draw(2, 4, 3) - 5, draw(3, 4, 3, 2)
    cases = [
        Case("ln p(x|z) = -5, z = 2, q = N(0, 4)", (zero - 5, zero[None] + 2, zero, zero + np.log(4.0))),
        Case("4 codes of 2 for 3 pictures", (seen, z, mean, log_variance)),
        Case(
            "3 codes of 2 for 3 pictures, ln p(x|z) around -500", (seen[:3] - 500, z[:3], mean, log_variance)
        ),
        Case("float64", (seen.double(), z.double(), mean.double(), log_variance.double())),
    ]
    ladder.agrees(cases, weights_oracle, SUMS)
    ladder.gradients(cases, weights_oracle, SUMS)
    same = ladder.subject(seen, z, 0 * mean, 0 * mean)
    ladder.same("Codes from the prior weigh their likelihood, which", same, seen, SUMS)


def bound_oracle(log_w):
    """The mean of weights around the largest, in float64."""
    wide = log_w.double()
    top = wide.max(0).values.detach().clamp(min=-1e300)  # all weights may be 0
    return ((wide - top).exp().mean(0).log() + top).to(log_w.dtype)


def importance_bound(ladder: Ladder) -> None:
    """Weights by hand, of one code, far down; gradients; then k equal weights are as one."""
    cases = [
        Case("weights 1 and 3 of one picture", (torch.tensor([[1.0], [3.0]]).log(),)),
        Case("one code", (draw(0, 1, 4),)),
        Case("5 codes for 3 pictures", (3 * draw(1, 5, 3),)),
        Case("ln w around -700", (3 * draw(2, 5, 3) - 700,)),
        Case("ln w around 500", (3 * draw(3, 4, 2) + 500,)),
        Case("as many codes as pictures, ln w around -2000, float64", (3 * draw(6, 3, 3).double() - 2000,)),
        Case("a weight of 0, ln w = (-inf, 2)", (torch.tensor([[-torch.inf], [2.0]]),)),
        Case("a picture whose weights are all 0", (torch.tensor([[-torch.inf, 0], [-torch.inf, 1]]),)),
        Case("float64", (draw(5, 4, 3).double(),)),
    ]
    far = Tolerance(1e-5, 1e-4, "float32 numbers near -700 are 6e-5 apart")
    ladder.agrees(cases, bound_oracle, far)
    ladder.gradients(cases[:5], bound_oracle, far)
    one = draw(3, 1, 4)
    ladder.same("Equal weights are as good as one, which", ladder.subject(one.expand(6, 4).contiguous()),
                one[0], SUMS)  # fmt: skip


# Codebooks


def nearest_oracle(z, codebook):
    """One code after another, in float64."""
    books = codebook.double().numpy()
    return torch.tensor([int(((books - code) ** 2).sum(1).argmin()) for code in z.double().numpy()])


def nearest_entry(ladder: Ladder) -> None:
    """A line of entries, entries of very different length; then entries are nearest to themselves."""
    line = torch.tensor([[0.0], [1.0], [4.0], [9.0]])
    books = draw(0, 7, 3) * torch.tensor([0.1, 0.5, 1, 1, 2, 4, 8])[:, None]
    cases = [
        Case("entries 0, 1, 4, 9 and codes 2, 6, 7", (torch.tensor([[2.0], [6.0], [7.0]]), line)),
        Case("20 codes, 7 entries of 3 numbers", (draw(1, 20, 3), books)),
        Case("as many codes as entries", (draw(2, 5, 2), draw(3, 5, 2))),
        Case("one code, 4 entries", (draw(2, 1, 2), draw(3, 4, 2))),
        Case("2 codes, one entry, float64", (draw(4, 2, 3).double(), draw(5, 1, 3).double())),
    ]
    ladder.agrees(cases, nearest_oracle, EXACT)
    own = ladder.subject(books, books)
    ladder.same("Every entry is nearest to itself, which", own, torch.arange(7), EXACT)


class Past(torch.autograd.Function):
    """The entry forward; backward all to z."""

    @staticmethod
    def forward(ctx, z, entry):
        """The entry."""
        return entry.clone()

    @staticmethod
    def backward(ctx, slope):
        """To z, and nothing to the entry."""
        return slope, torch.zeros_like(slope)


def past(z, entry):
    """A function of our own for autograd."""
    return Past.apply(z, entry)


def straight_through(ladder: Ladder) -> None:
    """Values are the entry's, gradients go to z and to z alone; then a map of codes."""
    cases = [
        Case("z = (1, 2), entry = (0, 5)", (torch.tensor([1.0, 2.0]), torch.tensor([0.0, 5.0]))),
        Case("z = 1, entry = 3, without axes", (torch.tensor(1.0), torch.tensor(3.0))),
        Case("shape (2, 3, 4)", (draw(0, 2, 3, 4), draw(1, 2, 3, 4))),
        Case("float64", (draw(3, 4).double(), draw(4, 4).double())),
    ]
    ladder.agrees(cases, past, CLOSE)
    ladder.gradients(cases, past, CLOSE)
    z = draw(2, 3)
    ladder.same("A code that is an entry stays, which", ladder.subject(z, z.clone()), z, CLOSE)
