"""Checks of chapter 4: oracles are torch.optim in float64, definitions spelt out, NumPy's pseudo-inverse."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

STEPS = Tolerance(1e-9, 1e-11, "some ten float64 operations a step, six steps")
CLOSE = Tolerance(1e-5, 1e-6, "float32, a few operations a number, against float64")
EXACT = Tolerance(1e-12, 1e-12, "a few float64 operations")
SCALED = Tolerance(1e-5, 1e-6, "eps = 1e-8 beside roots of 0.01 and more")
SOLVED = Tolerance(1e-7, 1e-9, "float64 through a singular value decomposition of condition below 1e4")


def draw(seed: int, *shape: int) -> torch.Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Optimisers


def walk(mine, start, gradients, numbers):
    """Where a step function goes from `start`, one step for each gradient, and the state at the end."""
    import torch

    theta, state, path = start.clone(), {}, []
    for g in gradients:
        theta, state = mine(theta, g.clone(), state, **numbers)
        path.append(theta)
    ends = sorted(state.items())
    return {"path": torch.stack(path), **{n: v.double() if torch.is_tensor(v) else v for n, v in ends}}


def torch_walk(make, state_of):
    """The same of an optimiser of torch; `state_of` names what it holds, given the last gradient."""

    def oracle(start, gradients, numbers):
        parameter = torch.nn.Parameter(start.clone())
        optimiser, path = make([parameter], **numbers), []
        for g in gradients:
            parameter.grad = g.clone()
            optimiser.step()
            path.append(parameter.detach().clone())
        ends = state_of(optimiser.state[parameter], g)
        return {"path": torch.stack(path), **{name: ends[name].double() for name in sorted(ends)}}

    return oracle


def climb(ladder: Ladder, make, state_of, variants: list[dict], shown: str, relative: bool = True) -> None:
    """One number, then matrices with gradients of many sizes and exact zeros; then each number alone, and, if
    only relative sizes of gradients matter, larger ones.
    """
    start, g = draw(0, 3, 2).double(), draw(1, 6, 3, 2).double()
    g[:, 0] *= 100
    g[:, 1, 0] = 0
    one, ones = torch.tensor([1.0]).double(), torch.ones(3, 1).double()
    cases = [Case(f"theta = 1, gradient 1 in three steps, {shown}", (one, ones, variants[0]))]
    for numbers in variants:
        about = ", ".join(f"{key} = {value}" for key, value in numbers.items())
        cases.append(Case(f"a 3x2 matrix, one gradient always 0, six steps, {about}", (start, g, numbers)))
    ladder.agrees(cases, torch_walk(make, state_of), STEPS, through=walk)
    path = ladder.inside(walk)(start, g, variants[0])["path"]
    alone = ladder.inside(walk)(start[1:2], g[:, 1:2], variants[0])["path"]
    ladder.same("Each number moves by its own gradients alone, which", alone, path[:, 1:2], STEPS)
    if relative:
        steeper = ladder.inside(walk)(start, 100 * g, variants[0])["path"]
        ladder.same("Gradients that are 100 times as large move it alike, which", steeper, path, SCALED)
    # Ravine: 5 x^2 + y^2 / 2 from (1, 1).
    theta = ladder.inside(ravine)(variants[0])
    ladder.trains(f"It was to go downhill on 5 x^2 + y^2 / 2 from (1, 1), and ends at {theta}.", theta[2] < 1)


def ravine(mine, numbers):
    """Forty steps down a ravine: x, y, and the loss where it ends."""
    import torch

    theta, state = torch.ones(2, dtype=torch.float64), {}
    for _ in range(40):
        theta, state = mine(theta, theta * torch.tensor([10.0, 1.0], dtype=torch.float64), state, **numbers)
    x, y = theta.tolist()
    return [round(x, 3), round(y, 3), 5 * x * x + y * y / 2]


def nesterov_step(ladder: Ladder) -> None:
    """Against torch's SGD with nesterov=True."""

    def make(parameters, lr, momentum):
        return torch.optim.SGD(parameters, lr=lr, momentum=momentum, nesterov=True)

    def state_of(held, g):
        return {"velocity": held["momentum_buffer"]}

    variants = [{"lr": 0.05, "momentum": 0.5}, {"lr": 0.1, "momentum": 0.9}]
    climb(ladder, make, state_of, variants, "lr 0.05, momentum 0.5", relative=False)


def rmsprop_step(ladder: Ladder) -> None:
    """Against torch's, with and without momentum."""

    def state_of(held, g):
        v = held["square_avg"]
        return {"v": v, "velocity": held.get("momentum_buffer", g / (v.sqrt() + 1e-8))}

    variants = [{"lr": 0.02, "alpha": 0.9}, {"lr": 0.01, "alpha": 0.75, "momentum": 0.5}]
    climb(ladder, torch.optim.RMSprop, state_of, variants, "lr 0.02, alpha 0.9")


def adam_step(ladder: Ladder) -> None:
    """Against torch's, with the paper's numbers and with others."""

    def state_of(held, g):
        return {"step": held["step"], "m": held["exp_avg"], "v": held["exp_avg_sq"]}

    variants: list[dict] = [{"lr": 0.1}, {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-2}]
    climb(ladder, torch.optim.Adam, state_of, variants, "lr 0.1")


# Schedule


def factors(mine, settings, places):
    """The factor of a schedule at each place."""
    schedule = mine(**settings)
    return [float(schedule.factor(place)) for place in places]


def factor_by_cases(settings, places):
    """Kind by kind, on the whole run."""
    kind, warm, final = settings["kind"], settings.get("warmup", 0.0), settings.get("final", 0.0)
    found = []
    for place in places:
        if place < warm:
            low = final if kind == "one_cycle" else 0.0
            found.append(float(np.interp(place, [0, warm], [low, 1])))
        elif kind in ("constant", "plateau"):
            found.append(1.0)
        elif kind == "step":
            passed = [drop for drop in settings["drops"] if place >= drop]
            found.append(math.prod([settings["drop"]] * len(passed)))
        else:
            line = float(np.interp(place, [warm, 1], [0, 1]))
            fall = line if kind == "linear" else math.sin(math.pi * line / 2) ** 2
            found.append(1 - (1 - final) * fall)
    return found


def cosine_schedule(ladder: Ladder) -> None:
    """Cosine without and with warm-up, then the other kinds; then nothing jumps at the end of the warm-up."""
    places = [0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.75, 0.9, 1.0]
    drops = {"drops": (0.5, 0.75), "drop": 0.1}
    cases = [
        Case("cosine at 0, 0.5 and 1", ({"kind": "cosine"}, [0.0, 0.5, 1.0])),
        Case("cosine, warmup = 0.2, final = 0.1", ({"kind": "cosine", "warmup": 0.2, "final": 0.1}, places)),
        Case("cosine, warmup = 1, final = 0.5, at 0, 0.5 and 1",
             ({"kind": "cosine", "warmup": 1.0, "final": 0.5}, [0.0, 0.5, 1.0])),
        Case("linear, warmup = 0.1", ({"kind": "linear", "warmup": 0.1, "final": 0.25}, places)),
        Case("one_cycle, warmup = 0.3", ({"kind": "one_cycle", "warmup": 0.3, "final": 0.05}, places)),
        Case("step, drops = (0.5, 0.75), drop = 0.1, warmup = 0.1",
             ({"kind": "step", "warmup": 0.1, **drops}, places)),
        Case("constant, warmup = 0.5", ({"kind": "constant", "warmup": 0.5}, places)),
        Case("plateau", ({"kind": "plateau"}, places)),
    ]  # fmt: skip
    ladder.agrees(cases, factor_by_cases, EXACT, through=factors)
    near = ladder.inside(factors)({"kind": "cosine", "warmup": 0.2}, [0.2 - 1e-9, 0.2 + 1e-9])
    ladder.holds("The rate must not jump where the warm-up ends.", abs(near[0] - near[1]) < 1e-6)


# First weights, noise, targets


def drawn(mine, inputs, outputs, seed):
    """Shape, mean and variance of drawn weights, in units of 2 / inputs; what a rectifier lets out."""
    import numpy as np

    rng = np.random.default_rng(seed)
    weight = np.asarray(mine(inputs, outputs, rng))
    x = np.random.default_rng(seed + 1).normal(size=(300, inputs))
    out = np.maximum(x @ weight, 0) if weight.shape[0] == inputs else np.zeros(1)
    return {
        "shape": list(weight.shape), "mean": float(weight.mean() * np.sqrt(inputs / 2)),
        "variance": float(weight.var() * inputs / 2), "out": float((out**2).mean()),
    }  # fmt: skip


def kaiming(ladder: Ladder) -> None:
    """The shape; then mean and variance of many weights, and what comes out of a layer, statistically."""
    ladder.agrees(
        [Case("inputs = 3, outputs = 5", (3, 5, 0)), Case("inputs = 400, outputs = 300", (400, 300, 0))],
        lambda inputs, outputs, _: [inputs, outputs, "float64"], EXACT, through=drawn_shape,
    )  # fmt: skip
    for inputs, outputs in ((400, 300), (100, 600)):
        found = ladder.inside(drawn)(inputs, outputs, 1)
        where = f"{inputs} inputs and {outputs} outputs"
        v, q = found["variance"], found["out"]
        ladder.holds(f"With {where} the mean of the weights was to be 0.", abs(found["mean"]) < 0.02)
        ladder.holds(
            f"With {where} the variance was to be 2 / inputs; it is {v:.3g} times that.",
            abs(v - 1) < 0.05,
        )  # fmt: skip
        ladder.holds(f"With {where}, of mean square 1 there leaves {q:.3g}.", abs(q - 1) < 0.15)
    ladder.seeded(draws, 200, 150, cdf=lambda x: torch.special.ndtr(torch.from_numpy(10 * x)).numpy())


def drawn_shape(mine, inputs, outputs, seed):
    """The shape and dtype of drawn weights."""
    import numpy as np

    weight = np.asarray(mine(inputs, outputs, np.random.default_rng(seed)))
    return [*weight.shape, str(weight.dtype)]


def draws(mine, inputs, outputs, seed):
    """The drawn weights."""
    import numpy as np

    return np.asarray(mine(inputs, outputs, np.random.default_rng(seed)))


def noise(mine, shape, dtype, p, training, seed):
    """Dropout of threes: the least and the largest value that came, and the share of zeros to one digit."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    y = mine(torch.full(shape, 3.0, dtype=getattr(torch, dtype)), p, training, generator)
    share = (y == 0).float().mean().item()
    least, most = round(y.min().item(), 4), round(y.max().item(), 4)
    found = {"shape": list(y.shape), "dtype": str(y.dtype)}
    return {**found, "least": least, "most": most, "zeros": round(share, 1)}


def noise_told(shape, dtype, p, training, seed):
    """What must come."""
    noisy = training and p > 0
    most = 3.0 if not noisy else round(3 / (1 - p), 4) if p < 1 else 0.0
    return {
        "shape": list(shape), "dtype": f"torch.{dtype}", "least": 0.0 if noisy else 3.0, "most": most,
        "zeros": round(p, 1) if noisy else 0.0,
    }  # fmt: skip


def columns_differ(mine, seed):
    """Whether two rows have lost different units."""
    import torch

    y = mine(torch.ones(2, 500), 0.5, True, torch.Generator().manual_seed(seed))
    return bool((y[0] != y[1]).any())


def dropped(mine, p, seed):
    """Ones after dropout."""
    import torch

    return mine(torch.ones(90, 70), p, True, torch.Generator().manual_seed(seed))


def dropped_by_default(mine, seed):
    """Ones after dropout with p and generator left out; torch's generator is as it was afterwards."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return mine(torch.ones(90, 70))


def slope(mine, p, training, seed):
    """Dropout of random numbers: by what each was multiplied, and the gradient."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    x = (1 + torch.rand(20, 30, generator=generator)).requires_grad_()
    y = mine(x, p, training, generator)
    y.sum().backward()
    return (y / x).detach(), x.grad


def refused(mine, p):
    """The name of what it raises for this p."""
    import torch

    try:
        mine(torch.ones(3), p)
    except Exception as error:
        return type(error).__name__
    return "nothing"


def inverted_dropout(ladder: Ladder) -> None:
    """Values and share of zeros for several p, in training and not; rows, the gradient, the generator."""
    cases = [
        Case("100 x 100 threes, p = 0.5, training", ((100, 100), "float32", 0.5, True, 0)),
        Case("100 x 100 threes in float64, p = 0.2, training", ((100, 100), "float64", 0.2, True, 1)),
        Case("30 x 70 threes, p = 0.5, evaluation", ((30, 70), "float32", 0.5, False, 2)),
        Case("30 x 70 threes, p = 0, training", ((30, 70), "float32", 0.0, True, 3)),
        Case("2 x 15 x 70 threes, p = 1, training", ((2, 15, 70), "float32", 1.0, True, 4)),
    ]
    ladder.agrees(cases, noise_told, EXACT, through=noise)
    ladder.holds("Each unit of each row has a coin of its own.", ladder.inside(columns_differ)(0))
    for p, training in ((0.2, True), (1.0, True), (0.2, False)):
        factor, gradient = ladder.inside(slope)(p, training, 5)
        ladder.same("The gradient is by what a unit was multiplied, which", gradient, factor, CLOSE)
    ladder.seeded(dropped, 0.2, cdf=lambda y: np.where(y < 1, 0.2, 1.0))
    ladder.seeded(dropped_by_default, cdf=lambda y: np.where(y < 1, 0.5, 1.0))
    for p in (-0.1, 1.1):
        ladder.same(f"p = {p} raises a ValueError, which", ladder.inside(refused)(p), "ValueError", EXACT)


def smoothed(x, y, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """Torch's, in float64."""
    wide = None if weight is None else weight.double()
    target = y.double() if y.is_floating_point() else y
    loss = F.cross_entropy(
        x.double(), target, wide, ignore_index=ignore_index, reduction=reduction,
        label_smoothing=label_smoothing,
    )  # fmt: skip
    return loss.to(x.dtype)


def label_smoothing(ladder: Ladder) -> None:
    """Classes and shares, with smoothing, weights, ignored examples and further axes; then its gradient."""
    x, y = draw(0, 5, 3), torch.tensor([2, 0, 1, 1, 0])
    maps, far = draw(1, 2, 3, 4), torch.tensor([[0, 2, 1, -1], [1, -1, 0, 2]])
    shares, weight = draw(2, 5, 3).softmax(1), torch.tensor([1.0, 3.0, 0.5])
    tenth = {"label_smoothing": 0.1}
    cases = [
        Case("logits (0, 0), class 1, smoothing 0.5", (torch.zeros(1, 2), torch.tensor([1])),
             {"label_smoothing": 0.5}),
        Case("5 examples, smoothing 0", (x, y)),
        Case("5 examples, smoothing 0.1", (x, y), tenth),
        Case("weights (1, 3, 0.5), smoothing 0.1", (x, y, weight), tenth),
        Case("an example ignored, smoothing 0.1, each alone",
             (x, torch.tensor([2, -100, 1, 1, 0]), weight, -100, "none"), tenth),
        Case("2x4 places, ignore_index = -1, smoothing 0.1", (maps, far, weight, -1), tenth),
        Case("shares of classes, smoothing 0.1", (x, shares), tenth),
        Case("shares of classes and weights, smoothing 0.2", (x, shares, weight), {"label_smoothing": 0.2}),
        Case("shares of classes, smoothing 0.1, each alone", (x, shares, weight, -100, "none"), tenth),
        Case("shares of classes, smoothing 0.1, summed", (x, shares, weight, -100, "sum"), tenth),
        Case("a single class, an example ignored", (x[:2, :1], torch.tensor([0, -100])), tenth),
    ]  # fmt: skip
    ladder.agrees(cases, smoothed, CLOSE)
    ladder.gradients(cases[2:3], smoothed, CLOSE)
    even = ladder.subject(x, y, label_smoothing=1.0)
    other = ladder.subject(x, y.flip(0), label_smoothing=1.0)
    ladder.same("With all of the target spread, labels do not matter, which", even, other, CLOSE)


# When to stop


def stop_by_definition(losses, patience):
    """Tried for every epoch: the lowest so far, and how long ago it was."""
    for epoch in range(len(losses)):
        best = losses.index(min(losses[: epoch + 1]))
        if epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, losses.index(min(losses))


def early_stopping(ladder: Ladder) -> None:
    """Falling, rising, up and down, equal; then what comes after the stop does not matter."""
    curve = [5.0, 4.0, 4.5, 4.2, 3.9, 4.0, 3.95, 4.1, 4.05, 3.0]
    cases = [
        Case("losses (3, 2, 4, 5, 1), patience 2", ([3.0, 2.0, 4.0, 5.0, 1.0], 2)),
        Case("losses (3, 2, 1), patience 1", ([3.0, 2.0, 1.0], 1)),
        Case("losses (2, 2, 2, 2), patience 3", ([2.0, 2.0, 2.0, 2.0], 3)),
        Case("losses that go up and down, patience 3", (curve, 3)),
        Case("losses that go up and down, patience 5", (curve, 5)),
        Case("one epoch", ([1.0], 4)),
    ]
    ladder.agrees(cases, stop_by_definition, EXACT)
    ladder.same(
        "What would have come after the stop does not matter, which",
        list(ladder.subject([3.0, 2.0, 4.0, 5.0, 0.0], 2)),
        list(ladder.subject([3.0, 2.0, 4.0, 5.0, 9.0], 2)), EXACT,
    )  # fmt: skip


# Encoders


def segment_by_edges(line):
    """Where the line cuts each of the four edges, the first end having the positive side on the left."""
    c, a, b = (float(v) for v in line)
    ends = []
    for edge in (-1.0, 1.0):
        if b and abs((c + a * edge) / b) <= 1:
            ends.append((edge, -(c + a * edge) / b))
        if a and abs((c + b * edge) / a) < 1:
            ends.append((-(c + b * edge) / a, edge))
    if len(ends) < 2:
        return None
    return np.array(sorted(ends, key=lambda p: p[0] * b - p[1] * a))


def hidden_lines(ladder: Ladder) -> None:
    """Upright, level and slanted lines, long and short normals, one that misses; then the sides."""
    lines = [
        (-0.5, 1, 0),
        (0.5, 0, 2),
        (0, 1, 1),
        (1, 1, 1),
        (0.3, -2, 0.5),
        (4, 1, 1),
        (2, 1, 1),
        (-0.2, 0.03, 0.4),
    ]
    rng = np.random.default_rng(0)
    lines += [tuple(rng.normal(size=3).round(2)) for _ in range(4)]
    cases = [Case(f"(c, a, b) = {tuple(float(v) for v in w)}", (np.array(w, float),)) for w in lines]
    ladder.agrees(cases, segment_by_edges, EXACT)
    small, large = (ladder.subject(np.array([0.2, 0.5, -1.0]) * scale) for scale in (1, 10))
    ladder.same("Ten times the weights draw the same line, which", large, small, EXACT)


def grid_by_dots(dots):
    """Dot by dot, line by line."""
    columns, rows = max(c for c, _ in dots), max(r for _, r in dots)
    table = [
        [int(c >= i) for i in range(1, columns + 1)] + [int(r >= i) for i in range(1, rows + 1)]
        for c, r in dots
    ]
    return np.array(table)


def encoder_table(ladder: Ladder) -> None:
    """Three dots, a smiling face, dots that lie on one row; then a dot's row sums to its coordinates."""
    face = [(0, 0), (5, 0), (0, 6), (5, 6), (1, 5), (4, 5), (2, 3), (1, 2), (2, 1), (3, 1), (4, 2)]
    cases = [
        Case("dots (0, 0), (2, 1), (1, 3)", ([(0, 0), (2, 1), (1, 3)],)),
        Case("eleven dots, a face", (face,)),
        Case("dots (0, 0), (1, 0), (3, 0)", ([(0, 0), (1, 0), (3, 0)],)),
    ]
    ladder.agrees(cases, grid_by_dots, EXACT)
    sums = np.asarray(ladder.subject(face)).sum(axis=1)
    ladder.same(
        "A row has as many 1 as lines are passed, which", sums, np.array([c + r for c, r in face]), EXACT
    )


# Generalisation


def split_by_points(predictions, truth):
    """Point by point, with the statistics module's formulas written out."""
    bias, variance = [], []
    for column, right in zip(predictions.T.tolist(), truth.tolist(), strict=True):
        mean = math.fsum(column) / len(column)
        bias.append((mean - right) ** 2)
        variance.append(math.fsum((v - mean) ** 2 for v in column) / len(column))
    return math.fsum(bias) / len(bias), math.fsum(variance) / len(variance)


def bias_variance(ladder: Ladder) -> None:
    """Two sets at one point, then more; the two sum to the error; a constant shift is all bias."""
    rng = np.random.default_rng(0)
    fits, truth = rng.normal(size=(7, 4)), rng.normal(size=4)
    cases = [
        Case("fits 1 and 3 at one point, truth 0", (np.array([[1.0], [3.0]]), np.array([0.0]))),
        Case("fits (1, -1) and (1, -1), truth (0, 0)", (np.array([[1.0, -1], [1, -1]]), np.zeros(2))),
        Case("7 fits at 4 points", (fits, truth)),
    ]
    ladder.agrees(cases, split_by_points, EXACT)
    whole = float(((fits - truth) ** 2).mean())
    ladder.same(
        "Bias and variance sum to the squared error, which", sum(ladder.subject(fits, truth)), whole, EXACT
    )


def least_norm(ladder: Ladder) -> None:
    """More points than weights, as many, fewer; a column twice; other units; then it is the shortest."""
    rng = np.random.default_rng(0)
    tall, square, wide = (rng.normal(size=shape) for shape in ((9, 4), (5, 5), (4, 9)))
    twice = np.repeat(rng.normal(size=(7, 2)), 2, axis=1)
    cases = [
        Case("A = (3, 4), y = 10", (np.array([[3.0, 4.0]]), np.array([10.0]))),
        Case("9 points, 4 weights", (tall, rng.normal(size=9))),
        Case("5 points, 5 weights", (square, rng.normal(size=5))),
        Case("4 points, 9 weights", (wide, rng.normal(size=4))),
        Case("7 points, two columns twice", (twice, rng.normal(size=7))),
        Case("3 points, the same columns", (twice[:3], rng.normal(size=3))),
        Case("features of size 1e-12", (wide * 1e-12, rng.normal(size=4) * 1e-12)),
        Case("two features that are always 0", (np.zeros((3, 2)), np.array([1.0, 2.0, 3.0]))),
        Case("A = diag(4, 2, 0.5), y = (4, 4, 4), cut = 0.2", (np.diag([4, 2, 0.5]), np.full(3, 4.0), 0.2)),
    ]
    ladder.agrees(cases, lambda a, y, cut=1e-10: np.linalg.pinv(a, rcond=cut) @ y, SOLVED)
    y = np.array([1.0, -1.0, 2.0, 0.5])
    w = np.asarray(ladder.subject(wide, y))
    ladder.same("With more weights than points there is no error, which", wide @ w, y, SOLVED)
    walked, rate = np.zeros(9), 1 / np.linalg.norm(wide, 2) ** 2
    for _ in range(1000):
        walked -= rate * wide.T @ (wide @ walked - y)
    ladder.same("Gradient descent from w = 0 gets to the same weights, which", w, walked, SOLVED)
