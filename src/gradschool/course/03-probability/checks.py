"""Checks of chapter 3: exact fractions, torch's distributions, scikit-learn, and integrals written out."""

from fractions import Fraction
from math import e, inf, log, nan, prod

import numpy as np

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-9, 1e-12, "float64 sums of at most a few thousand terms")
SOLVED = Tolerance(1e-7, 1e-9, "float64 solutions of small, well-conditioned systems")


def by_fractions(prior, table, seen):
    """Products of exact fractions; their quotients are rounded once. NaN if nothing allows what was seen."""
    prior, table = [[Fraction(float(v)) for v in prior], [[Fraction(float(v)) for v in row] for row in table]]
    joint = [
        p * prod((row[i] ** n for i, n in counted_outcomes(seen).items()), start=Fraction(1))
        for p, row in zip(prior, table, strict=True)
    ]
    return np.array([float(v / sum(joint)) if any(joint) else nan for v in joint])


def counted_outcomes(seen):
    """How often each outcome was seen."""
    return {i: list(seen).count(i) for i in set(seen)}


def bayes_table(ladder: Ladder) -> None:
    """Two bags, a test that is often wrong, an impossible outcome, nothing seen, thousands of tosses."""
    half, bags = np.array([0.5, 0.5]), np.array([[0.1, 0.9], [0.3, 0.7]])
    ill, test = np.array([0.01, 0.99]), np.array([[0.9, 0.1], [0.05, 0.95]])
    coins = np.array([[0.5, 0.5], [0.625, 0.375], [0.0, 1.0]])
    rng = np.random.default_rng(0)
    cases = [
        Case("prior (1/2, 1/2), P(two red | bag) = 0.1 and 0.3, seen [0] (two red)", (half, bags, [0])),
        Case("prior (.01, .99), P(positive | ill, well) = .9, .05, seen [0] (positive)", (ill, test, [0])),
        Case("prior (.01, .99), P(positive | ill, well) = .9, .05, seen [0, 0, 1]", (ill, test, [0, 0, 1])),
        Case("prior (.01, .99), P(positive | ill, well) = .9, .05, nothing seen", (ill, test, [])),
        Case("two coins without heads, heads seen", (half, np.array([[0.0, 1.0], [0.0, 1.0]]), [0])),
        Case("three coins, heads never from the third, seen [0, 1]", (np.ones(3) / 3, coins, [0, 1])),
        Case("three coins, 1600 heads and 1400 tails", (np.ones(3) / 3, coins, [0] * 1600 + [1] * 1400)),
        Case("three coins, 1500 heads and 1600 tails", (np.ones(3) / 3, coins, [0] * 1500 + [1] * 1600)),
    ]
    for h, k in ((1, 2), (4, 3), (3, 5)):
        table, seen = rng.dirichlet(np.ones(k), h), rng.integers(0, k, 6).tolist()
        cases.append(Case(f"{h} hypotheses, {k} outcomes, 6 seen", (rng.dirichlet(np.ones(h)), table, seen)))
    ladder.agrees(cases, by_fractions, CLOSE)
    # Learning from all outcomes at once, or from the first ones and then, with a new prior, from the rest.
    first = ladder.subject(ill, test, [0, 1])
    ladder.same(
        "The posterior after [0, 1], as a prior for [0], gives that of [0, 1, 0], which",
        ladder.subject(first, test, [0]),
        ladder.subject(ill, test, [0, 1, 0]),
        CLOSE,
    )


def coin_by_slopes(heads, tails, a, b):
    """Tops where the slope of the logarithm vanishes, by halving; the mean from fractions."""

    def top(up, down):
        low, high = 0.0, 1.0
        for _ in range(100):
            middle = (low + high) / 2
            if up * (1 - middle) > down * middle:
                low = middle
            else:
                high = middle
        return high if down else 1.0

    mean = Fraction(a) + heads
    return top(heads, tails), top(heads + a - 1, tails + b - 1), float(mean / (mean + Fraction(b) + tails))


def coin_estimates(ladder: Ladder) -> None:
    """Three heads of three, a flat prior, a strong one, a prior that favours tails."""
    tosses = [(3, 0, 2, 2), (3, 1, 1, 1), (3, 1, 2, 2), (2, 5, 10, 30), (40, 60, 5, 2), (1, 0, 1.5, 4.5)]
    cases = [Case(f"{h} heads, {t} tails, prior Beta({a}, {b})", (h, t, a, b)) for h, t, a, b in tosses]
    ladder.agrees(cases, coin_by_slopes, CLOSE)
    mle, most, _ = ladder.subject(3, 1, 1, 1)
    ladder.same("With a flat prior MAP is the MLE, which", most, mle, CLOSE)
    late = ladder.subject(3_000_000, 1_000_000, 50, 2)
    ladder.holds(
        "After four million tosses all three estimates should be within 0.0001 of each other.",
        max(late) - min(late) < 1e-4,
    )


def moments_by_sums(x):
    """Means and mean products, number by number."""
    n, d = x.shape
    mean = [sum(x[:, i].tolist()) / n for i in range(d)]
    rows = [[v - m for v, m in zip(row, mean, strict=True)] for row in x.tolist()]
    return np.array(mean), np.array(
        [[sum(row[i] * row[j] for row in rows) / n for j in range(d)] for i in range(d)]
    )


def gaussian_mle(ladder: Ladder) -> None:
    """Two points on a line, three in the plane, clouds; moved and turned."""
    rng = np.random.default_rng(1)
    cases = [
        Case("the points (1) and (3)", (np.array([[1.0], [3.0]]),)),
        Case("the points (0, 0), (3, 0), (0, 6)", (np.array([[0.0, 0], [3, 0], [0, 6]]),)),
        Case("one point (2, 5)", (np.array([[2.0, 5.0]]),)),
    ]
    cases += [
        Case(f"{n} random points in {d} dimensions", (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 2,))
        for n, d in ((5, 3), (12, 4))
    ]
    ladder.agrees(cases, moments_by_sums, CLOSE)
    x = rng.normal(size=(9, 2))
    _, covariance = ladder.subject(x)
    moved = ladder.subject(x + np.array([5.0, -3.0]))
    ladder.same("Moving all points moves the mean alone, which", moved[1], covariance, CLOSE)
    pairs = [ladder.subject(np.array([[a], [b]]))[1] for a in (0.0, 2.0) for b in (0.0, 2.0)]
    ladder.same(
        "Over all samples of two out of (0) and (2), of variance 1, the mean covariance is 1/2, which",
        np.mean(pairs), 0.5, CLOSE,
    )  # fmt: skip
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    turned = ladder.subject(x @ turn)
    ladder.same("Turning all points by R gives R'CR, which", turned[1], turn.T @ covariance @ turn, CLOSE)


def belief_by_steps(x, sigma, mean, tau):
    """One measurement after the other: each draws the mean towards itself and narrows the spread."""
    variance = tau**2
    for value in x.tolist():
        gain = variance / (variance + sigma**2)
        mean, variance = mean + gain * (value - mean), variance * (1 - gain)
    return float(mean), float(variance**0.5)


def gaussian_belief(ladder: Ladder) -> None:
    """One measurement as precise as the prior, several, none; late measurements upon early ones."""
    rng = np.random.default_rng(10)
    cases = [
        Case("x = (4), sigma = 1, prior mean = 0, tau = 1", (np.array([4.0]), 1.0, 0.0, 1.0)),
        Case("x = (2, 4, 6), sigma = 2, prior mean = 10, tau = 3", (np.array([2.0, 4, 6]), 2.0, 10.0, 3.0)),
        Case("no measurement, prior mean = 1, tau = 3", (np.array([]), 1.0, 1.0, 3.0)),
    ]
    for n, sigma, tau in ((5, 0.5, 2.0), (40, 3.0, 0.2)):
        x = rng.normal(size=n)
        cases.append(Case(f"{n} random numbers, sigma = {sigma}, tau = {tau}", (x, sigma, -1.5, tau)))
    ladder.agrees(cases, belief_by_steps, CLOSE)
    x = rng.normal(size=6)
    early = ladder.subject(x[:4], 0.7, 0.0, 2.0)
    ladder.same(
        "Learning from four numbers and then from two is learning from six, which",
        ladder.subject(x[4:], 0.7, *early),
        ladder.subject(x, 0.7, 0.0, 2.0),
        CLOSE,
    )


def by_stacking(x, y, sigma, tau):
    """Least squares in which the prior is d more points: each asks one weight to be 0."""
    if tau == inf:
        return np.linalg.lstsq(x, y, rcond=None)[0]
    d = x.shape[1]
    rows = np.concatenate([x / sigma, np.eye(d) / tau])
    return np.linalg.lstsq(rows, np.concatenate([y / sigma, np.zeros(d)]), rcond=None)[0]


def ridge_map(ladder: Ladder) -> None:
    """One weight by hand, no prior, strong and weak ones; sigma matters only if there is a prior.

    Fewer points than weights come last: a solution that leaves the prior out has a singular matrix there,
    for which one processor's LAPACK raises and another's returns numbers.
    """
    one, two = np.array([[1.0], [2.0]]), np.array([1.0, 2.0])
    rng = np.random.default_rng(2)
    cases = [
        Case("x = (1), (2), y = (1, 2), sigma = 2, tau = 1", (one, two, 2.0, 1.0)),
        Case("x = (1), (2), y = (1, 2), sigma = 2, tau = inf", (one, two, 2.0, inf)),
    ]
    for n, d, sigma, tau in ((9, 3, 0.5, 2.0), (6, 4, 3.0, 0.2), (20, 2, 1.5, inf)):
        x, y = rng.normal(size=(n, d)), rng.normal(size=n)
        cases.append(Case(f"{n} points, {d} weights, sigma = {sigma}, tau = {tau}", (x, y, sigma, tau)))
    ladder.agrees(cases, by_stacking, SOLVED)
    x, y = rng.normal(size=(15, 3)), rng.normal(size=15)
    ladder.same(  # type: ignore[call-arg]
        "Without a prior sigma drops out, which", *(ladder.subject(x, y, s, inf) for s in (0.1, 7.0)), SOLVED
    )
    sizes = [float(np.linalg.norm(ladder.subject(x, y, 1.0, tau))) for tau in (0.1, 0.5, 2.0)]
    ladder.holds("The tighter the prior, the shorter the weights should be.", sizes == sorted(sizes))
    few = rng.normal(size=(4, 6)), rng.normal(size=4), 0.3, 1.0
    ladder.same(
        "With 4 points the prior decides between the solutions for 6 weights, which",
        ladder.subject(*few), by_stacking(*few), SOLVED,
    )  # fmt: skip


def entropy_by_terms(p, base=2.0):
    """Term by term, zeros left out."""
    if p.ndim > 1:
        return np.array([entropy_by_terms(row, base) for row in p])
    return np.array(sum(v * log(1 / v, base) for v in p.tolist() if v))


def entropy(ladder: Ladder) -> None:
    """The coin, four outcomes of 1.75 bits, certainty, rows of tables, other bases."""
    rng = np.random.default_rng(3)
    fours = np.array([0.5, 0.25, 0.125, 0.125])
    cases = [
        Case("p = (1/2, 1/2)", (np.array([0.5, 0.5]),)),
        Case("p = (1/2, 1/4, 1/8, 1/8)", (fours,)),
        Case("p = (1, 0, 0)", (np.array([1.0, 0, 0]),)),
        Case("p = (1/2, 0, 1/4, 1/4)", (np.array([0.5, 0, 0.25, 0.25]),)),
        Case("p = (1/2, 1/4, 1/8, 1/8) in nats", (fours, e)),
        Case("p = (1/2, 1/4, 1/8, 1/8), base = 4", (fours,), {"base": 4.0}),
        Case("a table of 2 rows of 3", (np.array([[0.25, 0.25, 0.5], [0, 0, 1.0]]),)),
        Case("a table of 3 x 2 rows of 5, in nats", (rng.dirichlet(np.ones(5), (3, 2)), e)),
    ]
    ladder.agrees(cases, entropy_by_terms, CLOSE)
    p, q = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(3))
    both = float(ladder.subject(np.outer(p, q).ravel()))
    ladder.same(
        "Of two independent things entropies add up, which",
        both,
        float(ladder.subject(p)) + float(ladder.subject(q)),
        CLOSE,
    )


def kl_by_terms(p, q, base=2.0):
    """Term by term; infinite if the impossible happens."""
    pairs = [(a, b) for a, b in zip(p, q, strict=True) if a]
    if any(b == 0 for _, b in pairs):
        return inf
    return sum(a * log(a / b, base) for a, b in pairs)


def kl_divergence(ladder: Ladder) -> None:
    """The table of the exercise both ways, zeros on either side, other bases, random tables."""
    p, q = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8]), np.array([1 / 4, 1 / 8, 1 / 8, 1 / 2])
    rng = np.random.default_rng(4)
    cases = [
        Case("p = (1/2, 1/4, 1/8, 1/8), q = (1/4, 1/8, 1/8, 1/2)", (p, q)),
        Case("p = (1/4, 1/8, 1/8, 1/2), q = (1/2, 1/4, 1/8, 1/8)", (q, p)),
        Case("p = (1, 0), q = (1/2, 1/2)", (np.array([1.0, 0]), np.array([0.5, 0.5]))),
        Case(
            "p = (0, 1/2, 1/2), q = (1/4, 1/4, 1/2)", (np.array([0, 0.5, 0.5]), np.array([0.25, 0.25, 0.5]))
        ),
        Case("p = (1/2, 1/2), q = (1, 0)", (np.array([0.5, 0.5]), np.array([1.0, 0]))),
        Case("p = q = (0.2, 0.8)", (np.array([0.2, 0.8]), np.array([0.2, 0.8]))),
        Case("p = (1/2, 1/4, 1/8, 1/8), q = (1/4, 1/8, 1/8, 1/2), in nats", (p, q, e)),
    ]
    cases += [Case(f"{k} random outcomes", tuple(rng.dirichlet(np.ones(k), 2))) for k in (3, 6)]
    ladder.agrees(cases, kl_by_terms, CLOSE)
    found = [ladder.subject(*rng.dirichlet(np.ones(3), 2)) for _ in range(20)]
    ladder.holds("No divergence should be negative.", min(found) >= -1e-12)


def code_of(mine, p):
    """Mean length of the code, and how much of Kraft's inequality it uses up."""
    lengths = [int(n) for n in mine(p)]
    return {
        "mean length": float(sum(a * n for a, n in zip(p, lengths, strict=True))),
        "sum of 2^-length": float(sum(0.5**n for n in lengths)),
    }


def code_by_sorting(p):
    """The mean length is the sum of all joined groups' probabilities; a list is sorted anew each time."""
    groups, total = sorted(p), 0.0
    while len(groups) > 1:
        joined = groups[0] + groups[1]
        total += joined
        groups = sorted([joined, *groups[2:]])
    return {"mean length": float(total), "sum of 2^-length": 1.0}


def huffman_lengths(ladder: Ladder) -> None:
    """Two symbols, the table of the exercise in several orders, one symbol, equal and random ones."""
    rng = np.random.default_rng(5)
    tables = {
        "p = (0.7, 0.3)": [0.7, 0.3],
        "p = (1/2, 1/4, 1/8, 1/8)": [0.5, 0.25, 0.125, 0.125],
        "p = (1/8, 1/2, 1/8, 1/4)": [0.125, 0.5, 0.125, 0.25],
        "p = (1)": [1.0],
        "p = (0.3, 0.3, 0.2, 0.2)": [0.3, 0.3, 0.2, 0.2],
        "six equal symbols": [1 / 6] * 6,
        "p = (.4, .1, .2, .1, .2)": [0.4, 0.1, 0.2, 0.1, 0.2],
    }
    tables |= {f"{k} random symbols": rng.dirichlet(np.ones(k)).tolist() for k in (5, 9, 20)}
    cases = [Case(about, (p,)) for about, p in tables.items()]
    ladder.agrees(cases, code_by_sorting, CLOSE, through=code_of)
    p = rng.dirichlet(np.ones(8)).tolist()
    lengths = [n for _, n in sorted(zip(p, ladder.subject(p), strict=True))]
    bits = sum(v * log(1 / v, 2) for v in p)
    mean = sum(v * n for v, n in zip(sorted(p), lengths, strict=True))
    ladder.holds(
        f"The mean length should be at least the entropy, {bits:.3f} bits, and less than 1 bit above it; "
        f"it is {mean:.3f}.",
        bits - 1e-9 < mean < bits + 1,
    )
    ladder.holds(
        "No symbol should have a longer word than a less probable one.",
        lengths == sorted(lengths, reverse=True),
    )


def by_torch(mean0, covariance0, mean1, covariance1):
    """PyTorch's, through triangular factors."""
    import torch
    from torch.distributions import MultivariateNormal, kl_divergence

    first = MultivariateNormal(torch.from_numpy(mean0), torch.from_numpy(covariance0))
    second = MultivariateNormal(torch.from_numpy(mean1), torch.from_numpy(covariance1))
    return float(kl_divergence(first, second))


def spread_in(d, rng):
    """A random covariance matrix."""
    root = rng.normal(size=(d, d))
    return root @ root.T + 0.5 * np.eye(d)


def kl_gaussians(ladder: Ladder) -> None:
    """One dimension by hand, equal ones, full covariances, 400 dimensions; moved and stretched."""
    rng = np.random.default_rng(6)

    def line(m0, v0, m1, v1):
        return tuple(np.array(v, float) for v in ([m0], [[v0]], [m1], [[v1]]))

    cases = [
        Case("N(0, 1) from N(2, 1)", line(0, 1, 2, 1)),
        Case("N(0, 1) from N(0, 4) (variances)", line(0, 1, 0, 4)),
        Case("N(0, 4) from N(1, 1) (variances)", line(0, 4, 1, 1)),
        Case("N(3, 2) from itself", line(3, 2, 3, 2)),
    ]
    for d in (2, 3, 5):
        args = (rng.normal(size=d), spread_in(d, rng), rng.normal(size=d), spread_in(d, rng))
        cases.append(Case(f"two full Gaussians in {d} dimensions", args))
    zero, unit = np.zeros(400), np.eye(400)
    far = (zero, unit / 100, zero, 100 * unit)
    cases.append(Case("N(0, I / 100) from N(0, 100 I) in 400 dimensions", far))
    cases.append(Case("the other way round", (zero, 100 * unit, zero, unit / 100)))
    ladder.agrees(cases, by_torch, SOLVED)
    m0, c0, m1, c1 = rng.normal(size=3), spread_in(3, rng), rng.normal(size=3), spread_in(3, rng)
    a = rng.normal(size=(3, 3))
    ladder.same(
        "Measuring both in other units, x -> A x, changes nothing, which",
        ladder.subject(a @ m0, a @ c0 @ a.T, a @ m1, a @ c1 @ a.T),
        ladder.subject(m0, c0, m1, c1),
        SOLVED,
    )


def bath_by_torch(energies, temperature):
    """PyTorch's softmax and logsumexp."""
    import torch

    x = -torch.from_numpy(energies) / temperature
    return x.softmax(0).numpy(), -temperature * float(x.logsumexp(0))


def boltzmann_weights(ladder: Ladder) -> None:
    """Two and four levels by hand, cold and hot, energies far above and far below 0."""
    rng = np.random.default_rng(7)
    levels = {
        "E = (0, 1), T = 1": ([0.0, 1.0], 1.0),
        "E = (0, 1, 2, 2), T = 1 / log 2": ([0.0, 1, 2, 2], 1 / log(2)),
        "E = (0, 1), T = 1000": ([0.0, 1.0], 1000.0),
        "E = (5000, 5001), T = 1": ([5000.0, 5001.0], 1.0),
        "E = (9000, 9002), T = 2": ([9000.0, 9002.0], 2.0),
        "E = (-5000, -5001, 3), T = 1": ([-5000.0, -5001.0, 3.0], 1.0),
        "E = (7), T = 2": ([7.0], 2.0),
        "E = (1e30, 1e30, 2e30), T = 3": ([1e30, 1e30, 2e30], 3.0),
        "six random levels, T = 0.5": (rng.normal(size=6).tolist(), 0.5),
    }
    cases = [Case(about, (np.array(levels_), t)) for about, (levels_, t) in levels.items()]
    ladder.agrees(cases, bath_by_torch, CLOSE)
    energies = rng.normal(size=5)
    (p, free), (lifted, higher) = ladder.subject(energies, 0.8), ladder.subject(energies + 3, 0.8)
    ladder.same("With all energies 3 higher the probabilities stay, which", lifted, p, CLOSE)
    ladder.same("With all energies 3 higher F is 3 higher, which", higher, free + 3, CLOSE)
    heat = 0.8 * sum(v * log(1 / v) for v in p.tolist())
    ladder.same("F = <E> - T S", free, float(p @ energies) - heat, CLOSE)


def mixed_entropy(rho, base=2.0):
    """Of a mixture, singular values are the eigenvalues; term by term."""
    import torch

    if rho.ndim > 2:
        return np.array([mixed_entropy(one, base) for one in rho])
    values = torch.linalg.svdvals(torch.from_numpy(rho)).tolist()
    return sum(v * log(1 / v, base) for v in values if v > 1e-14)


def unitary(d, rng):
    """A random orthonormal basis of d complex dimensions, in columns."""
    return np.linalg.qr(rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d)))[0]


def basis_entropy(basis, rho):
    """Entropy in bits of the outcomes when rho is measured in a basis."""
    return entropy_by_terms(np.diag(basis.conj().T @ rho @ basis).real)


def von_neumann(ladder: Ladder) -> None:
    """Diagonal, pure and mixed states; complex ones; the same seen from another basis; stacks of matrices."""
    rng = np.random.default_rng(8)
    plus, turned = np.full((2, 2), 0.5), np.array([[0.5, -0.4j], [0.4j, 0.5]])
    cases = [
        Case("rho = diag(1/2, 1/4, 1/8, 1/8)", (np.diag([0.5, 0.25, 0.125, 0.125]),)),
        Case("rho = [[0.5, 0.3], [0.3, 0.5]]", (np.array([[0.5, 0.3], [0.3, 0.5]]),)),
        Case("rho = [[0.5, -0.4i], [0.4i, 0.5]]", (turned,)),
        Case("the pure state [[0.5, 0.5], [0.5, 0.5]]", (plus,)),
        Case("rho = [[0.5, 0.3], [0.3, 0.5]], in nats", (np.array([[0.5, 0.3], [0.3, 0.5]]), e)),
        Case("rho = diag(1, -1e-17), a 0 but for rounding", (np.diag([1.0, -1e-17]),)),
    ]
    for d in (3, 4):
        root = rng.normal(size=(d, d)) + 1j * rng.normal(size=(d, d))
        rho = root @ root.conj().T
        cases.append(Case(f"a random complex mixture in {d} dimensions", (rho / np.trace(rho).real,)))
    ladder.agrees(cases, mixed_entropy, CLOSE)
    basis = unitary(4, rng)
    ladder.same(
        "Another basis, U rho U*, changes nothing, which",
        ladder.subject(basis @ np.diag([0.5, 0.25, 0.125, 0.125]) @ basis.conj().T),
        ladder.subject(np.diag([0.5, 0.25, 0.125, 0.125])),
        CLOSE,
    )
    stack = np.stack([rho, basis @ rho @ basis.conj().T, np.diag([0.4, 0.3, 0.2, 0.1])])
    ladder.same(
        "Each matrix of a stack of 3 is treated alone, which",
        ladder.subject(stack, e), mixed_entropy(stack, e), CLOSE,
    )  # fmt: skip
    spread = [basis_entropy(unitary(4, rng), rho) for _ in range(5)]
    ladder.holds(
        "The outcomes of no measurement should have less entropy than rho.",
        float(ladder.subject(rho)) <= min(spread),
    )


def ratio_by_sklearn(source, target, clip=20.0, decay=1e-3):
    """scikit-learn's classifier, its probabilities as odds."""
    from sklearn.linear_model import LogisticRegression

    labels = [0] * len(source) + [1] * len(target)
    model = LogisticRegression(C=1 / decay, tol=1e-9, max_iter=10_000)
    model.fit(np.concatenate([source, target]), labels)
    p = model.predict_proba(source)[:, 1]
    return np.minimum(p / (1 - p) * len(source) / len(target), clip)


def importance_weights(ladder: Ladder) -> None:
    """Two points in common by hand, clouds that overlap in several dimensions, samples of unlike sizes."""
    rng = np.random.default_rng(9)
    shared = np.array([[0.0], [0.0], [1.0], [0.0], [1.0], [1.0], [1.0], [0.0]])
    cases = [
        Case("source (0), (0), (1), (0), target (1), (1), (1), (0)", (shared[:4], shared[4:])),
        Case(
            "source (0), (0), (1), (0), target (1), (0)", (shared[:4], shared[4:5].repeat(2, 0) * [[1], [0]])
        ),
    ]
    for n, m, d in ((60, 40, 1), (50, 90, 2), (40, 30, 3)):
        cases.append(
            Case(
                f"{n} source and {m} target points in {d} dimensions, clip = 3, decay = 1",
                (rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.8, 3.0, 1.0),
            )
        )
    ladder.agrees(cases, ratio_by_sklearn, Tolerance(2e-3, 1e-5, "lbfgs stops at a slope of 1e-9"))
    source = rng.normal(size=(4000, 1))
    weights = ladder.subject(source, rng.normal(size=(2000, 1)) + 0.5)
    mean = float((weights * source[:, 0]).sum() / weights.sum())
    ladder.holds(
        f"Weighted, 4000 points around 0 should have the target's mean 0.5; it is {mean:.2f}.",
        abs(mean - 0.5) < 0.12,
    )
    ladder.holds(
        f"The mean weight should be near 1; it is {weights.mean():.2f}.",
        abs(weights.mean() - 1) < 0.1,
    )
