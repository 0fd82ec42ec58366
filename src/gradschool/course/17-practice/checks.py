"""Checks of chapter 17, search, scores and ensembles: oracles are loops over numbers, NumPy and SciPy."""

import math

import numpy as np
import torch
from scipy.stats import norm

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, sums of at most 40 terms, against float64")
EXACT = Tolerance(1e-9, 1e-9, "float64 on both sides, sums of at most 40 terms")


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def uniform(seed, *shape):
    """Random numbers from 0 to 1."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def whole(seed, high, *shape):
    """Random whole numbers below `high`."""
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def resampled(ours, theirs, drawn, level=0.95):
    """NumPy's percentiles of means over resamples, one resample after the other."""
    gap = ours.double().numpy() - theirs.double().numpy()
    means = [gap[row].mean() for batch in drawn for row in batch.numpy()]
    ends = np.percentile(means, [50 * (1 - level), 50 * (1 + level)])
    return tuple(torch.tensor(value).to(ours.dtype) for value in (gap.mean(), *ends))


def paired_bootstrap(ladder: Ladder) -> None:
    """By hand, one and several batches, other levels, equal lists, large common parts, float64."""
    hand = (numbers(1.0, 0, 0), numbers(0.0, 0, 1), [numbers([0, 0, 1], [2, 2, 1], [0, 1, 2])])
    a, b = draw(0, 30), draw(1, 30)
    many, batches = [whole(2, 30, 40, 30)], [whole(3, 30, 16, 30), whole(4, 30, 7, 30)]
    base = 1000 * draw(5, 30).double()
    cases = [
        Case("ours (1, 0, 0), theirs (0, 0, 1), resamples (0, 0, 1), (2, 2, 1), (0, 1, 2)", hand),
        Case("ours (1, 0, 0), theirs (0, 0, 1) at level 0.5", (*hand, 0.5)),
        Case("30 examples, 40 resamples", (a, b, many)), Case("two batches of resamples", (a, b, batches)),
        Case("level 0.8", (a, b, many, 0.8)), Case("one resample", (a, b, [many[0][:1]])),
        Case("both lists equal", (a, a, many)),
        Case("examples that are hard for both, in float64", (base + a, base + b, many)),
    ]  # fmt: skip
    ladder.agrees(cases, resampled, CLOSE)


def best_of(losses, reduction=3):
    """Sorted by loss, then by place; NaN last."""
    values = losses.tolist()
    order = sorted(range(len(values)), key=lambda i: (math.isnan(values[i]), values[i], i))
    kept = set(order[: max(1, len(values) // reduction)])
    return torch.tensor([i in kept for i in range(len(values))])


def rung_promotion(ladder: Ladder) -> None:
    """By hand, counts that do not divide, few trials, equal and missing losses, other reductions, float64."""
    equal = numbers(0.5, 0.2, 0.2, 0.2, 0.7, 0.2, 0.9)
    cases = [
        Case("losses (0.5, 0.2, 0.9, 0.4, 0.3, 0.8), reduction 3",
             (numbers(0.5, 0.2, 0.9, 0.4, 0.3, 0.8), 3)),
        Case("11 trials, reduction 3", (draw(0, 11), 3)), Case("11 trials, reduction 4", (draw(1, 11), 4)),
        Case("8 trials, the default reduction", (draw(2, 8),)), Case("reduction 2", (draw(3, 7), 2)),
        Case("2 trials, where a third is less than one", (numbers(0.4, 0.1), 3)),
        Case("one trial", (numbers(0.3), 3)), Case("equal losses", (equal, 3)),
        Case("40 equal losses", (torch.ones(40), 4)),
        Case("a loss of NaN and one of infinity", (numbers(math.nan, 0.5, math.inf, 0.7), 2)),
        Case("all but one NaN", (numbers(math.nan, math.nan, 0.4, math.nan, math.nan, math.nan), 3)),
        Case("float64", (draw(4, 9).double(), 3)),
    ]  # fmt: skip
    ladder.agrees(cases, best_of, CLOSE)


def ratio_in_loops(candidates, good, bad, width):
    """SciPy's densities, multiplied over settings and averaged over trials, one candidate after the other."""

    def density(point, trials):
        parts = [np.prod(norm.pdf(point, trial, width)) for trial in trials.double().numpy()]
        return (sum(parts) + 1.0) / (len(trials) + 1)

    points = candidates.double().numpy()
    found = [np.log(density(p, good)) - np.log(density(p, bad)) for p in points]
    return torch.tensor(found).to(candidates.dtype)


def far_apart(mine, gap, width):
    """The score of a candidate far from the only good trial and from the only bad one, which is nearer."""
    import torch

    point = torch.zeros(1, 30)
    return mine(point, point + gap, point + gap / 2, width)


def tpe_ratio(ladder: Ladder) -> None:
    """By hand, chance, several settings, no good or bad trials, narrow and wide Gaussians, float64."""
    one = (numbers([0.5], [0.9]), numbers([0.5]), numbers([0.9]))
    many = (uniform(0, 6, 2), uniform(1, 3, 2), uniform(2, 5, 2))
    none = torch.zeros(0, 2)
    cases = [
        Case("candidates 0.5 and 0.9, a good trial at 0.5, a bad one at 0.9, width 0.2", (*one, 0.2)),
        Case("6 candidates, 3 good and 5 bad trials of 2 settings", (*many, 0.2)),
        Case("4 settings", (uniform(3, 5, 4), uniform(4, 4, 4), uniform(5, 2, 4), 0.3)),
        Case("no good trial", (many[0], none, many[2], 0.2)),
        Case("no bad trial", (many[0], many[1], none, 0.2)), Case("width 1", (*many, 1.0)),
        Case("one candidate", (many[0][:1], *many[1:], 0.1)),
        Case("float64", (*(x.double() for x in many), 0.15)),
    ]  # fmt: skip
    ladder.agrees(cases, ratio_in_loops, CLOSE)
    came = float(ladder.inside(far_apart)(1.0, 0.05))
    ladder.holds(
        f"Far from every trial the uniform part counts, and the score is 0; {came} came.", abs(came) < 1e-6
    )


def linear(mine, x, y, fold):
    """Out-of-fold predictions of a least-squares fit that says how many rows it has learned from."""
    import torch

    def learn(rows, targets):
        ones = torch.cat([rows, torch.ones_like(rows[:, :1])], 1)
        w = torch.linalg.lstsq(ones, targets[:, None]).solution
        count = len(rows)
        return lambda new: torch.cat(
            [new @ w[:-1] + w[-1], torch.full((len(new), 1), float(count)).to(new)], 1
        )

    return mine(learn, x, y, fold)


def left_out(x, y, fold):
    """NumPy's least squares, example by example, from all examples of other folds."""
    rows = np.c_[x.double().numpy(), np.ones(len(x))]
    targets, places, found = y.double().numpy(), fold.numpy(), []
    for i in range(len(x)):
        others = places != places[i]
        w = np.linalg.lstsq(rows[others], targets[others], rcond=None)[0]
        found.append([rows[i] @ w, float(others.sum())])
    return torch.tensor(found).to(x.dtype)


def majority(mine, labels, fold):
    """Every example gets the class that most examples of the other folds have, as a whole number."""
    import torch

    def learn(rows, targets):
        most = targets.bincount().argmax()
        return lambda new: torch.full((len(new),), int(most))

    return mine(learn, torch.zeros(len(labels), 3), labels, fold)


def counted_out(labels, fold):
    """The most frequent class of the other folds."""
    pairs = list(zip(labels.tolist(), fold.tolist(), strict=True))
    found = [np.bincount([label for label, where in pairs if where != own]).argmax() for _, own in pairs]
    return torch.tensor([int(value) for value in found])


def out_of_fold(ladder: Ladder) -> None:
    """By hand, mixed folds of uneven size, odd numbers of folds, two folds, whole numbers as predictions."""
    x, y = draw(0, 23, 2).double(), draw(1, 23).double()
    hand = (numbers([1.0], [2], [3], [4]).double(), numbers(2.0, 4, 6, 8).double(), numbers(0, 1, 0, 1))
    cases = [
        Case("x = (1, 2, 3, 4), y = 2x, folds 0, 1, 0, 1", hand),
        Case("23 examples in 5 mixed folds", (x, y, torch.arange(23) % 5)),
        Case("uneven folds, numbered 7, 2 and 4", (x, y, numbers(7, 2, 4)[whole(2, 3, 23)])),
        Case("two folds, one after the other", (x, y, (torch.arange(23) > 9).long())),
        Case("every example a fold of its own", (x[:9], y[:9], torch.arange(9).flip(0))),
    ]
    ladder.agrees(cases, left_out, Tolerance(1e-8, 1e-8, "least squares in float64 on both sides"), linear)
    labels, fold = whole(3, 3, 20), torch.arange(20) % 4
    got, want = ladder.inside(majority)(labels, fold), counted_out(labels, fold)
    ladder.same("Predictions that are whole numbers stay whole numbers and in place, which", got, want, CLOSE)


def chosen_in_loops(inner, outer):
    """Fold by fold."""
    chosen = [min(range(inner.shape[1]), key=lambda s: (row[s], s)) for row in inner.double().tolist()]
    judged = [outer[f, s].double() for f, s in enumerate(chosen)]
    return torch.tensor(chosen), (sum(judged) / len(judged)).to(outer.dtype)


def nested_choice(ladder: Ladder) -> None:
    """By hand, chance, one fold, one setting, equal losses, float64."""
    hand = (numbers([0.2, 0.4], [0.5, 0.1]), numbers([0.3, 0.1], [0.2, 0.6]))
    cases = [
        Case("inner ((0.2, 0.4), (0.5, 0.1)), outer ((0.3, 0.1), (0.2, 0.6))", hand),
        Case("5 folds, 8 settings", (uniform(0, 5, 8), uniform(1, 5, 8))),
        Case("one fold", (uniform(2, 1, 4), uniform(3, 1, 4))),
        Case("one setting", (uniform(4, 3, 1), uniform(5, 3, 1))),
        Case("equal inner losses", (torch.ones(3, 40), uniform(6, 3, 40))),
        Case("float64", (uniform(7, 4, 6).double(), uniform(8, 4, 6).double())),
    ]
    ladder.agrees(cases, chosen_in_loops, CLOSE)


def added_in_loops(known, chosen, count):
    """Member by member and example by example."""
    total, rows = chosen.double().tolist(), known.double().tolist()
    found = [
        sum(-math.log(max((p + q) / count, 1e-12)) for p, q in zip(r, total, strict=True)) / len(r)
        for r in rows
    ]
    return torch.tensor(found).to(known.dtype)


def greedy_step(ladder: Ladder) -> None:
    """The first and a later step by hand, chance, sure mistakes, one member, one example, float64."""
    hand = numbers([0.8, 0.2], [0.5, 0.5])
    known = uniform(0, 5, 12)
    cases = [
        Case("probabilities ((0.8, 0.2), (0.5, 0.5)), nothing chosen yet", (hand, torch.zeros(2), 1)),
        Case("probabilities ((0.8, 0.2), (0.5, 0.5)), the second chosen before",
             (hand, numbers(0.5, 0.5), 2)),
        Case("5 members, 12 examples, 3 chosen before", (known, known[:3].sum(0), 4)),
        Case("a member that is surely wrong", (numbers([0.0, 1.0], [0.5, 0.5]), torch.zeros(2), 1)),
        Case("members that are surely wrong, and so were those before",
             (torch.zeros(2, 3), numbers(0.0, 1e-13, 1.0), 3)),
        Case("one member", (known[:1], torch.zeros(12), 1)),
        Case("one example", (known[:, :1], 2 * known[0, :1], 3)),
        Case("float64", (known.double(), known[:2].sum(0).double(), 3)),
    ]  # fmt: skip
    ladder.agrees(cases, added_in_loops, CLOSE)


def averaged(mine, networks):
    """The averages, as a list in the order of the names; tensors of the networks must not be shared."""
    found = mine(networks)
    return [found[name] for name in sorted(found)]


def means(networks):
    """NumPy's means in float64; whole numbers of the first."""
    found = []
    for name in sorted(networks[0]):
        first = networks[0][name]
        if first.dtype in (torch.float32, torch.float64, torch.float16):
            mean = np.mean([each[name].double().numpy() for each in networks], axis=0)
            first = torch.as_tensor(mean).to(first.dtype)
        found.append(first)
    return found


def weight_average(ladder: Ladder) -> None:
    """By hand, several tensors, counters, one network, half precision, float64."""
    nets = [{"a": draw(i, 3, 2), "b": draw(i + 9, 4), "steps": torch.tensor(i + 5)} for i in range(3)]
    cancel = [{"w": numbers(value, 1.0)} for value in (1e8, 1.0, -1e8)]
    large = [{"w": numbers(60000.0, 1.0).half()}, {"w": numbers(60000.0, 2.0).half()}]
    cases = [
        Case("two networks with the weights (1, 2) and (3, 6)",
             ([{"w": numbers(1.0, 2)}, {"w": numbers(3.0, 6)}],)),
        Case("3 networks of 2 tensors and a counter", (nets,)), Case("one network", (nets[:1],)),
        Case("half precision, whose sum would overflow", (large,)),
        Case("weights 1e8, 1 and -1e8, whose mean is 1/3", (cancel,)),
        Case("weights of float64 near to each other",
             ([{"w": numbers(1.0).double()}, {"w": numbers(1.0).double() + 1e-10}],)),
    ]  # fmt: skip
    ladder.agrees(cases, means, CLOSE, averaged)
    gap = (ladder.inside(averaged)(cases[-1].args[0])[0] - 1).item()
    ladder.holds(f"The mean of 1 and 1 + 1e-10 is 1 + 5e-11; 1 + {gap:.2g} came.", abs(gap - 5e-11) < 1e-14)


def tasted(mine, scores, gains):
    """The soup that is chosen, where each network adds its gain to the score of the soup."""

    def score_of(chosen):
        return sum(gains[i] for i in chosen) + 0.01 * chosen[0]

    chosen, reached = mine(scores, score_of)
    return [list(chosen).index(i) if i in chosen else -1 for i in range(len(scores))], reached


def soup_in_loops(scores, gains):
    """The recipe, with a list that only grows."""
    left, chosen, reached = list(range(len(scores))), [], -math.inf
    while left:
        best = left[0]
        for i in left:
            best = i if scores[i] > scores[best] else best
        left.remove(best)
        value = scores[best] if not chosen else sum(gains[i] for i in [*chosen, best]) + 0.01 * chosen[0]
        if value >= reached:
            chosen, reached = [*chosen, best], value
    return [chosen.index(i) if i in chosen else -1 for i in range(len(scores))], reached


def greedy_soup(ladder: Ladder) -> None:
    """By hand, networks that help and harm, no change, equal scores, one network."""
    cases = [
        Case("scores (0.6, 0.8, 0.7), gains (0, 0.8, 0.1)", ([0.6, 0.8, 0.7], [0.0, 0.8, 0.1])),
        Case("the second best harms, the third helps", ([0.9, 0.7, 0.8], [0.9, 0.2, -0.5])),
        Case("nothing helps", ([0.5, 0.6, 0.4], [-1.0, 0.6, -1.0])),
        Case("a network that changes nothing", ([0.5, 0.6], [0.0, 0.59])),
        Case("a network that changes nothing, behind network 0", ([0.6, 0.5], [0.6, 0.0])),
        Case("equal scores", ([0.5, 0.5, 0.5], [0.25, 0.5, 0.25])), Case("one network", ([0.3], [0.3])),
        Case("scores below 0", ([-2.0, -1.0, -3.0], [-0.5, -0.6, 0.2])),
    ]  # fmt: skip
    ladder.agrees(cases, soup_in_loops, EXACT, tasted)
