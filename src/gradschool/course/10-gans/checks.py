"""Checks of chapter 10: losses in float64, torch's own losses, singular values, slopes in closed form."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32 means of at most 64 terms, against float64")
ROUNDS = Tolerance(1e-4, 1e-5, "float32 power iterations of small matrices, against float64")

REAL, FAKE = torch.tensor([2.0, 0.0]), torch.tensor([-1.0, 1.0, 3.0])
FAR = torch.tensor([-200.0, 200.0, 0.5])
MINUS = -torch.ones(2, dtype=torch.float64)


def draw(seed, *shape):
    """N(0, 2^2) numbers."""
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def doubled(oracle):
    """The oracle in float64, its result in the dtype of the arguments."""
    return lambda *args: oracle(*(a.double() for a in args)).to(args[0].dtype)


def two_sided(ladder: Ladder, oracle) -> None:
    """A loss of scores of real and of generated pictures, its gradients, and batches of unlike size."""
    cases = [
        Case("real = (2, 0), fake = (-1, 1, 3)", (REAL, FAKE)),
        Case("all scores 0", (torch.zeros(3), torch.zeros(2))),
        Case("real = (-200, 200, 0.5), fake = (200, -200)", (FAR, -FAR[:2])),
        Case(
            "real = (-150), fake = (300, 150)",
            (0.75 * FAR[:1], 1.5 * FAR[1:2].repeat(2) / torch.tensor([1.0, 2.0])),
        ),
        Case("real = (-1e30), fake = (1e30, 0)", (torch.tensor([-1e30]), torch.tensor([1e30, 0.0]))),
        Case("real = (-10.5), fake = (-8, -0.02), float64", (10.5 * MINUS[:1], MINUS * FAR[1:] / 25)),
        Case("4 and 5 random scores, float64", (draw(2, 4).double(), draw(3, 5).double())),
        Case("16 and 9 random scores", (draw(0, 16), draw(1, 9))),
    ]
    want = doubled(oracle)
    ladder.agrees(cases, want, CLOSE)
    ladder.gradients([cases[2], *cases[-2:]], lambda real, fake: want(real, fake), CLOSE)
    again = ladder.subject(REAL.repeat(3), FAKE.repeat(2))
    ladder.same("A batch repeated has the same loss, which", again, ladder.subject(REAL, FAKE), CLOSE)


def one_sided(ladder: Ladder, oracle) -> None:
    """A loss of scores of generated pictures and its gradient."""
    cases = [
        Case("fake = (-1, 1, 3)", (FAKE,)),
        Case("all scores 0", (torch.zeros(2),)),
        Case("fake = (-200, 200, 0.5)", (FAR,)),
        Case("fake = (300, -300)", (-1.5 * FAR[:2],)),
        Case("fake = (1e30, -1e30)", (torch.tensor([1e30, -1e30]),)),
        Case("fake = (10.5, -8), float64", (torch.tensor([10.5, -8]).double(),)),
        Case("5 random scores, float64", (draw(3, 5).double(),)),
        Case("9 random scores", (draw(2, 9),)),
    ]
    want = doubled(oracle)
    ladder.agrees(cases, want, CLOSE)
    ladder.gradients([cases[2], *cases[-2:]], lambda fake: want(fake), CLOSE)
    ladder.same(
        "A batch repeated has the same loss, which",
        ladder.subject(FAKE.repeat(2)),
        ladder.subject(FAKE),
        CLOSE,
    )


def told_apart(real, fake):
    """Torch's cross-entropy of labels 1 and 0."""
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    return F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(fake, zeros)


def discriminator_loss(ladder: Ladder) -> None:
    """Against torch's cross-entropy from logits."""
    two_sided(ladder, told_apart)


def saturating_loss(ladder: Ladder) -> None:
    """Minus torch's cross-entropy of generated pictures with label 0."""
    one_sided(ladder, lambda fake: -F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake)))


def non_saturating_loss(ladder: Ladder) -> None:
    """Torch's cross-entropy of generated pictures with label 1."""
    one_sided(ladder, lambda fake: F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake)))


def hinge_loss(ladder: Ladder) -> None:
    """Case by case: what is missing to the margin, 0 beyond it."""

    def by_margin(real, fake):
        short = torch.where(real < 1, 1 - real, torch.zeros_like(real))
        over = torch.where(fake > -1, 1 + fake, torch.zeros_like(fake))
        return short.mean() + over.mean()

    two_sided(ladder, by_margin)
    beyond = ladder.subject(torch.tensor([1.5, 4.0]), torch.tensor([-7.0]))
    ladder.holds("Scores beyond the margin cost 0; another number came.", float(beyond) == 0)


def critic_loss(ladder: Ladder) -> None:
    """The gap of means; moving all scores changes nothing."""
    two_sided(ladder, lambda real, fake: fake.mean() - real.mean())
    moved = ladder.subject(REAL + 5, FAKE + 5)
    ladder.same("All scores may be moved by the same, which", moved, ladder.subject(REAL, FAKE), CLOSE)
    data, made = torch.tensor([5.0, 7.0, 6.5]), torch.tensor([0.0, 2.0, 1.0])
    work = (data.sort().values - made.sort().values).abs().mean()  # in one dimension: sorted points in pairs
    ladder.same("For data right of all that is generated, s(x) = x reaches the Wasserstein distance, which",
                -ladder.subject(data, made), work, CLOSE)  # fmt: skip


def tables(seed, n):
    """Two tables of n probabilities."""
    p, q = np.random.default_rng(seed).dirichlet(np.ones(n), 2)
    return torch.tensor(p), torch.tensor(q)


def best_by_search(p_data, p_model):
    """The top of a ln D + b ln(1 - D) at every place, by halving where its slope changes sign."""
    found = []
    for a, b in zip(p_data.tolist(), p_model.tolist(), strict=True):
        low, high = 0.0, 1.0
        for _ in range(80):
            d = (low + high) / 2
            low, high = (d, high) if a * (1 - d) > b * d else (low, d)
        found.append((low + high) / 2)
    return torch.tensor(found, dtype=p_data.dtype)


SEARCHED = Tolerance(1e-9, 1e-12, "float64 by halving 80 times")


def optimal_discriminator(ladder: Ladder) -> None:
    """Where the game is highest at each place, found by search."""
    by_hand = torch.tensor([0.5, 0.3, 0.2]).double(), torch.tensor([0.5, 0.1, 0.4]).double()
    apart = torch.tensor([1.0, 0.0]).double(), torch.tensor([0.0, 1.0]).double()
    cases = [
        Case("p_data = (.5, .3, .2), p_model = (.5, .1, .4)", by_hand),
        Case("densities that do not overlap", apart),
        Case("p_data = 6 and p_model = 2 at one place", (apart[0][:1] * 6, apart[0][:1] * 2)),
        Case("random tables of 7 places", tables(0, 7)),
        Case("p_data = 3e-30 and p_model = 1e-30", (3e-30 * apart[0][:1], 1e-30 * apart[0][:1])),
        Case("densities 3e-30 and 1e-30, float32", (torch.tensor([3e-30]), torch.tensor([1e-30]))),
    ]
    ladder.agrees(cases, best_by_search, SEARCHED)
    p, q = tables(1, 5)
    ladder.same(
        "D*(p, q) + D*(q, p) = 1, which", ladder.subject(p, q) + ladder.subject(q, p), p * 0 + 1, SEARCHED
    )


def value_by_hand(p_data, p_model, d):
    """Place by place with math.log; 0 ln 0 = 0, a ln 0 = -inf."""
    total = 0.0
    for a, b, t in zip(p_data.tolist(), p_model.tolist(), d.tolist(), strict=True):
        for weight, belief in ((a, t), (b, 1 - t)):
            if weight:
                total += weight * math.log(belief) if belief else -math.inf
    return torch.tensor(total, dtype=p_data.dtype)


def game_value(ladder: Ladder) -> None:
    """By hand, with empty places, at the best answer; then against twice the divergence less ln 4."""
    p, q = tables(2, 6)
    half = torch.full((2,), 0.5).double()
    apart = torch.tensor([1.0, 0.0]).double(), torch.tensor([0.0, 1.0]).double()
    cases = [
        Case("p_data = p_model = (1/2, 1/2), D = (1/2, 1/2)", (half, half, half)),
        Case("p_data = (1, 0), p_model = (0, 1), D = (1, 0)", (*apart, apart[0])),
        Case("one outcome, D = 1/2", (2 * half[:1], 2 * half[:1], half[:1])),
        Case("p_data = (1, 0), p_model = (1/2, 1/2), D = (1/2, 0)", (apart[0], half, apart[0] / 2)),
        Case("p_data = p_model = (1, 0), D = (1/2, 1)", (apart[0], apart[0], 1 - apart[0] / 2)),
        Case("p_data = (1, 0), p_model = (0, 1), D = (0, 0)", (*apart, half * 0)),
        Case("p_data = (1, 0), p_model = (0, 1), D = (1, 1)", (*apart, half * 2)),
        Case("6 places, D drawn", (p, q, torch.linspace(0.1, 0.8, 6).double())),
        Case("6 places, D = p_data / (p_data + p_model)", (p, q, p / (p + q))),
    ]
    ladder.agrees(cases, value_by_hand, SEARCHED)
    m = (p + q) / 2
    js = 0.5 * (F.kl_div(m.log(), p, reduction="sum") + F.kl_div(m.log(), q, reduction="sum"))
    ladder.same(
        "V(D*, G) = 2 JS - ln 4, which", ladder.subject(p, q, p / (p + q)), 2 * js - math.log(4), SEARCHED
    )


def of_a_critic(mine, points, matrix, row):
    """Slopes of row . tanh(matrix x) at points of any shape; how their sum depends on the matrix."""
    import torch

    points, matrix = points.clone().requires_grad_(), matrix.clone().requires_grad_()
    found = mine(torch.tanh(points.flatten(1) @ matrix.T) @ row, points)
    if found.requires_grad:
        found.sum().backward()
    return found.detach(), torch.zeros_like(matrix) if matrix.grad is None else matrix.grad


def slopes_by_hand(points, matrix, row):
    """The gradient is matrix^T (row * (1 - tanh^2)), written out in float64."""
    matrix = matrix.double().requires_grad_()
    bent = 1 - torch.tanh(points.double().flatten(1) @ matrix.T) ** 2
    found = ((bent * row.double()) @ matrix).norm(dim=1)
    (by_matrix,) = torch.autograd.grad(found.sum(), matrix)
    return found.detach().float(), by_matrix.to(points.dtype)


def critic_slopes(ladder: Ladder) -> None:
    """Slopes of a critic of one hidden layer at points and pictures, and their gradient by its weights."""
    cases = [
        Case("one point (0, 0), score tanh(3 x + 4 y)",
             (torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]), torch.ones(1))),
        Case("one point (0, 0), score tanh(300 x + 400 y), float16",
             (torch.zeros(1, 2).half(), torch.tensor([[300.0, 400.0]]).half(), torch.ones(1).half())),
        Case("5 points of the plane", (draw(3, 5, 2), draw(4, 3, 2) / 2, draw(5, 3))),
        Case("4 pictures of 2 channels, 3x2", (draw(6, 4, 2, 3, 2) / 4, draw(7, 5, 12) / 4, draw(8, 5))),
        Case("3 sequences of 4x2 numbers", (draw(9, 3, 4, 2) / 4, draw(7, 5, 8) / 4, draw(8, 5))),
        Case("a critic that says 0 everywhere", (draw(9, 4, 2), draw(10, 3, 2), torch.zeros(3))),
    ]  # fmt: skip
    ladder.agrees(cases, slopes_by_hand, CLOSE, through=of_a_critic)
    points, matrix, row = cases[2].args
    alone = ladder.inside(of_a_critic)(points[1:2], matrix, row)[0]
    both = ladder.inside(of_a_critic)(points, matrix, row)[0]
    ladder.same("Each point has a slope of its own, which", both[1:2], alone, CLOSE)


def gradient_penalty(ladder: Ladder) -> None:
    """By hand and drawn; 0 where every slope is 1."""
    cases = [
        Case("slopes (1, 3)", (torch.tensor([1.0, 3.0]),)),
        Case("slopes (0, 2)", (torch.tensor([0.0, 2.0]),)),
        Case("5 random slopes, float64", (draw(22, 5).abs().double(),)),
        Case("8 random slopes", (draw(9, 8).abs(),)),
    ]
    want = doubled(lambda slope: F.mse_loss(slope, torch.ones_like(slope)))
    ladder.agrees(cases, want, CLOSE)
    ladder.gradients(cases[-1:], lambda slope: want(slope), CLOSE)
    ladder.same("Slopes of 1 cost 0, which", ladder.subject(torch.ones(4)), torch.tensor(0.0), CLOSE)


def with_gradient(mine, weight, u, steps):
    """What is found, and the gradients of all of it by the matrix and by the guess."""
    import torch

    weight, u = weight.clone().requires_grad_(), u.clone().requires_grad_()
    sigma, left = mine(weight, u, steps)
    total = sigma + left.sum()
    by_weight, by_u = torch.autograd.grad(total, (weight, u), allow_unused=True, materialize_grads=True)
    return sigma.detach(), left.detach(), by_weight, by_u


def by_eigenvectors(weight, u, steps):
    """Powers of W W^T applied to u at once, by its eigenvectors, in float64."""
    w, start = weight.double().numpy(), u.double().numpy()
    values, vectors = np.linalg.eigh(w @ w.T)
    left = vectors @ (np.clip(values, 0, None) ** steps * (vectors.T @ start))
    before = w.T @ (vectors @ (np.clip(values, 0, None) ** (steps - 1) * (vectors.T @ start)))
    left, right = left / np.linalg.norm(left), before / np.linalg.norm(before)
    found = left @ w @ right, left, np.outer(left, right), 0 * start
    return tuple(torch.tensor(value, dtype=weight.dtype) for value in found)


def power_iteration(ladder: Ladder) -> None:
    """A diagonal matrix, two that are not square, one to many rounds; then torch's singular value."""
    diagonal = torch.tensor([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    ones = torch.ones(2)
    cases = [
        Case("((3, 0, 0), (0, 1, 0)), u = (1, 1), 1 round", (diagonal, ones, 1)),
        Case("((3, 0, 0), (0, 1, 0)), u = (1, 1), 3 rounds", (diagonal, ones, 3)),
        Case("((3, 0, 0), (0, 1, 0)), u = (0.001, 0.001), 2 rounds", (diagonal, ones / 1000, 2)),
        Case(
            "((3, 0, 0), (0, 1, 0)), u = (1000, -1000), 2 rounds",
            (diagonal, torch.tensor([1000.0, -1000.0]), 2),
        ),
        Case("((3, 0, 0), (0, 1, 0)), u = (0.0001, 0.0001), 1 round", (diagonal, ones / 10_000, 1)),
        Case("((3, 0, 0), (0, 1, 0)) / 10,000, 3 rounds", (diagonal / 10_000, ones, 3)),
        Case("a random 5x5 matrix, float64, 3 rounds", (draw(22, 5, 5).double(), draw(23, 5).double(), 3)),
        Case("a random 4x6 matrix, 2 rounds", (draw(10, 4, 6), draw(11, 4), 2)),
        Case("a random 7x3 matrix, 5 rounds", (draw(12, 7, 3), draw(13, 7), 5)),
        Case("a row (3, -4), u = (-1)", (torch.tensor([[3.0, -4.0]]), -ones[:1], 1)),
    ]
    ladder.agrees(cases, by_eigenvectors, ROUNDS, through=with_gradient)
    weight = draw(10, 4, 6)
    sigma, _ = ladder.subject(weight, draw(11, 4), 200)
    ladder.same(
        "200 rounds give the largest singular value, which", sigma, torch.linalg.svdvals(weight)[0], ROUNDS
    )
    u = draw(11, 4)
    for _ in range(5):
        _, u = ladder.subject(weight, u, 1)
    ladder.same(
        "Five calls of one round, each from the last u, are one call of five, which",
        u, ladder.subject(weight, draw(11, 4), 5)[1], ROUNDS,
    )  # fmt: skip


def counted(mine, probabilities, shares, asked=None):
    """A coverage as plain numbers."""
    found = mine(probabilities, shares, asked)
    return found.n, list(found.counts), found.covered, found.sure, found.divergence, found.obeyed


def counted_by_hand(probabilities, shares, asked=None):
    """Picture after picture."""
    n, k = probabilities.shape
    counts, right = [0] * k, 0
    for i, row in enumerate(probabilities.tolist()):
        best = row.index(max(row))
        counts[best] += row[best] >= 0.9
        right += asked is not None and best == int(asked[i])
    total, wanted = sum(counts), shares.tolist()
    covered = sum(c > 0 and c >= 0.1 * s * n for c, s in zip(counts, wanted, strict=True))
    made = [(c / total, s) for c, s in zip(counts, wanted, strict=True) if c] if total else []
    divergence = sum(m * math.log(m / s) if s else math.inf for m, s in made) if total else math.inf
    return n, counts, covered, total / n, divergence, None if asked is None else right / n


def answers(seed, n, k):
    """Probabilities of k classes, most of them sure, the last class never."""
    logits = draw(seed, n, k) * 4
    logits[:, -1] = -20
    return logits.softmax(1)


def mode_coverage(ladder: Ladder) -> None:
    """Four pictures by hand, a missing class, a class that is nearly missing, classes that were asked for."""
    sure = torch.tensor([[0.95, 0.05], [0.97, 0.03], [0.6, 0.4], [0.02, 0.98]])
    rare = torch.full((100, 3), 0.01)
    rare[torch.arange(100), torch.tensor([0] * 60 + [1] * 38 + [2] * 2)] = 0.98
    even, half = torch.full((3,), 1 / 3), torch.tensor([0.5, 0.5])
    twenty = sure[[0] * 19 + [2] * 20 + [3]]
    edge = torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4]], dtype=torch.float64)
    cases = [
        Case("4 pictures of 2 classes, one of them unsure", (sure, half)),
        Case("one picture", (sure[:1], half, torch.tensor([0]))),
        Case("3 pictures of 2 classes, two with probability 0.9 exactly", (edge, half.double())),
        Case("20 pictures of 2 classes, one of the last: a tenth of its share", (sure[[0] * 19 + [3]], half)),
        Case("shares (1/2, 1/2, 0), pictures of the first two", (rare[50:80], torch.tensor([0.5, 0.5, 0]))),
        Case("100 pictures of 3 classes, 2 of the last", (rare, even)),
        Case("shares (1, 0), a picture of each class", (sure[[0, 3]], torch.tensor([1.0, 0.0]))),
        Case("40 pictures, 20 of them unsure, one of the last class", (twenty, half)),
        Case("no sure picture", (torch.full((5, 3), 1 / 3) + torch.tensor([0.02, -0.01, -0.01]), even)),
        Case("40 pictures of 5 classes, the last never made", (answers(14, 40, 5), torch.full((5,), 0.2))),
        Case(
            "40 pictures of 5 classes, the last never made, with the classes asked for",
            (answers(14, 40, 5), torch.full((5,), 0.2), torch.arange(40) % 5),
        ),
    ]
    ladder.agrees(cases, counted_by_hand, CLOSE, through=counted)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    p = answers(14, 40, 5)
    ladder.same(
        "The order of the pictures does not matter, which",
        ladder.inside(counted)(p[order], torch.full((5,), 0.2))[4],
        ladder.inside(counted)(p, torch.full((5,), 0.2))[4],
        CLOSE,
    )


def from_features(mine, first, second):
    """Beside the learner's function: features to Gaussians to a number."""
    from gradschool.evals.generation.frechet import fitted

    return mine(fitted(first), fitted(second))


def least_to_itself(mine, sets):
    """The smallest distance of any set to itself."""
    from gradschool.evals.generation.frechet import fitted

    return min(mine(fitted(each), fitted(each)) for each in sets)


def by_eigenvalues(first, second):
    """The distance of the Gaussians of two sets of features; the root's trace from eigenvalues of C_a C_b."""
    a, b = first.double().numpy(), second.double().numpy()
    ours, theirs = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
    roots = np.sqrt(np.maximum(np.linalg.eigvals(ours @ theirs).real, 0))
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ours + theirs) - 2 * roots.sum())


def frechet_distance(ladder: Ladder) -> None:
    """One feature by hand, equal sets, many pictures, fewer pictures than features; the order is all one."""
    one, other = torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [7.0]])
    near = Tolerance(
        1e-5, 1e-5, "float64 eigenvalues; those that are 0 come out near 1e-16, their roots 1e-8"
    )
    cases = [
        Case("means 1 and 5, variances 2 and 8, one feature", (one, other)),
        Case(
            "means 0 and 0.5, variances 1, one feature",
            (torch.tensor([[-0.5], [0.0], [0.5]]) * 2, torch.tensor([[-0.5], [0.5], [1.5]])),
        ),
        Case("40 and 30 pictures of 5 features", (draw(15, 40, 5), draw(16, 30, 5) + 1)),
        Case("4 and 6 pictures of 9 features", (draw(17, 4, 9), draw(18, 6, 9))),
        Case("a set and itself", (draw(19, 20, 3), draw(19, 20, 3))),
    ]
    ladder.agrees(cases, by_eigenvalues, near, through=from_features)
    a, b = draw(20, 12, 4), draw(21, 15, 4) * 3
    least = ladder.inside(least_to_itself)([draw(seed, 12, 30) for seed in range(24, 44)])
    ladder.holds(f"A distance is 0 or more, whatever rounding does; {least:.3g} came.", least >= 0)
    there, back = ladder.inside(from_features)(a, b), ladder.inside(from_features)(b, a)
    ladder.holds("There and back are equally far; here they are not.", abs(there - back) < 1e-6 * there)
