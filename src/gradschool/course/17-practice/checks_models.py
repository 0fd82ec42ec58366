"""Checks of chapter 17, data, memory, money and losses: oracles are NumPy, scikit-learn and loops."""

import math

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, sums of at most 40 terms, against float64")
LINE = Tolerance(1e-4, 1e-4, "float32 and a fit of a line, against float64")


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def polyfit(n, error):
    """NumPy's line between logarithms."""
    slope, height = np.polyfit(np.log(n.double().numpy()), np.log(error.double().numpy()), 1)
    return torch.tensor(np.exp(height)).to(n.dtype), torch.tensor(-slope).to(n.dtype)


def power_law(ladder: Ladder) -> None:
    """A law by hand, noise, several seeds of a size, two sizes, an error that grows, float64."""
    n = numbers(100.0, 200, 400, 800)
    noisy = 2 * n**-0.3 * (0.1 * draw(0, 4)).exp()
    cases = [
        Case("n = (1, 4, 16), error = (0.8, 0.4, 0.2)", (numbers(1.0, 4, 16), numbers(0.8, 0.4, 0.2))),
        Case("an exact law, a = 2, b = 0.5", (n, 2 * n**-0.5)), Case("a law with noise", (n, noisy)),
        Case("three seeds of every size", (n.repeat(3), 2 * n.repeat(3) ** -0.3 * (0.1 * draw(1, 12)).exp())),
        Case("two sizes", (numbers(10.0, 40), numbers(0.3, 0.2))),
        Case("an error that grows", (n, n**0.1)), Case("float64", (n.double(), noisy.double())),
    ]  # fmt: skip
    ladder.agrees(cases, polyfit, LINE)


def neighbours(x, y, k=8):
    """scikit-learn's neighbours, and their votes one example after the other."""
    rows = x.double().numpy()
    near = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows).kneighbors(return_distance=False)
    agree, other = [], []
    for i, places in enumerate(near):
        votes = np.bincount(y.numpy()[places], minlength=int(y.max()) + 1)
        agree.append(bool(votes.max() >= 0.8 * k - 1e-9))
        other.append(agree[-1] and int(votes.argmax()) != int(y[i]))
    return torch.tensor(np.mean(agree), dtype=torch.float32), torch.tensor(other)


def label_noise(ladder: Ladder) -> None:
    """Two groups by hand, wrong labels among groups, no order at all, other numbers of neighbours."""
    line = numbers([0.0], [1.0], [2.1], [3.3], [100.0], [101.0], [102.1], [103.3])
    y = numbers(0, 0, 1, 0, 1, 1, 1, 1)
    groups = torch.cat([draw(i, 20, 3) + 4 * i for i in range(3)])
    labels = torch.arange(3).repeat_interleave(20)
    wrong = labels.clone()
    wrong[[3, 25, 26, 50]] = numbers(1, 0, 2, 0)
    chance = torch.randint(3, (60,), generator=torch.Generator().manual_seed(5))
    four = torch.where(torch.arange(60) % 6 == 0, 4, labels)
    cases = [
        Case("points 0, 1, 2.1, 3.3 and 100, 101, 102.1, 103.3, labels 0, 0, 1, 0 and four times 1, k = 3",
             (line, y, 3)),
        Case("three groups with four wrong labels", (groups, wrong)),
        Case("three groups without wrong labels", (groups, labels)),
        Case("labels by chance", (groups, chance)), Case("a fifth class in every group", (groups, four, 5)),
        Case("two neighbours", (groups, wrong, 2)), Case("five neighbours, four of which must agree",
             (groups, four, 5)),
        Case("one neighbour", (groups, wrong, 1)), Case("features far from 0", (groups + 1000, wrong)),
        Case("float64", (groups.double(), wrong)),
    ]  # fmt: skip
    ladder.agrees(cases, neighbours, CLOSE)


def through_block(mine, x, up, weight, twice=False):
    """The gradients of the input and of a weight through a block, computed again; and calls of the block."""
    import torch

    w, calls = torch.nn.Parameter(weight.clone()), []

    def block(value):
        calls.append(torch.is_grad_enabled())
        return torch.tanh(value @ w).sin()

    x = x.clone().requires_grad_()
    y = mine.apply(block, x)
    if twice:
        y = mine.apply(block, y)
    y.backward(up)
    return x.grad, w.grad, len(calls)


def kept_block(x, up, weight, twice=False):
    """Torch's gradients with all activations kept; each block runs twice where it is computed again."""
    w, value = weight.clone().requires_grad_(), x.clone().requires_grad_()
    y = value
    for _ in range(2 if twice else 1):
        y = torch.tanh(y @ w).sin()
    y.backward(up)
    return value.grad, w.grad, 4 if twice else 2


def is_free(mine, x, weight):
    """Whether the saved input got a gradient itself or stayed in a graph, and what became of the flag."""
    import torch

    given = x.clone().requires_grad_()
    inner = given * 1.0
    mine.apply(lambda value: (value @ weight).exp(), inner).sum().backward()
    return inner.grad_fn is not None and inner.requires_grad, torch.is_grad_enabled()


def recomputed_gradient(ladder: Ladder) -> None:
    """One block, two after the other, float64; gradients of weights and input; nothing left behind."""
    x, up, w = draw(0, 5, 3), draw(1, 5, 3), 0.5 * draw(2, 3, 3)
    cases = [
        Case("one block of 5 examples", (x, up, w)),
        Case("two blocks, one after the other", (x, up, w, True)),
        Case("one example", (x[:1], up[:1], w)), Case("no gradient from above", (x, torch.zeros(5, 3), w)),
        Case("float64", (x.double(), up.double(), w.double())),
    ]  # fmt: skip
    ladder.agrees(cases, kept_block, CLOSE, through_block)
    free, on = ladder.inside(is_free)(x, w)
    ladder.holds("The graph outside the block was to stay as it was.", free)
    ladder.holds("Gradients were to be recorded after the backward pass as before; they are off.", on)


def hours(buy, price, watts=0.0, kwh_price=0.0):
    """Where the two straight lines of cost over hours meet."""
    own_hour = watts / 1000 * kwh_price
    if own_hour >= price:
        return math.inf
    return (buy - 0.0) / (price - own_hour)


def break_even(ladder: Ladder) -> None:
    """By hand, free energy, energy as dear as rent and dearer, nothing to buy, small and large prices."""
    cases = [
        Case("a machine for 2000, rent 1, 500 W, 0.4 a kWh", (2000.0, 1.0, 500.0, 0.4)),
        Case("a machine for 2000, rent 1, energy for nothing", (2000.0, 1.0)),
        Case("a machine for 1500, rent 2.5, 350 W, 0.3 a kWh", (1500.0, 2.5, 350.0, 0.3)),
        Case("energy that costs more than rent", (2000.0, 0.1, 500.0, 0.4)),
        Case("energy that costs as much as rent", (2000.0, 0.25, 500.0, 0.5)),
        Case("a machine that is there already", (0.0, 1.0, 300.0, 0.3)),
        Case("rent for nothing", (1000.0, 0.0, 0.0, 0.3)),
        Case("a price of 250,000, 10 kW", (250_000.0, 16.0, 10_000.0, 0.25)),
    ]  # fmt: skip
    ladder.agrees(cases, hours, CLOSE)


def paired_softmax(views, temperature=0.5):
    """View by view: a softmax over all others, with norms and products of NumPy in float64."""
    v = views.double().numpy().reshape(-1, views.shape[-1])
    n, losses = len(v) // 2, []
    length = np.linalg.norm(v, axis=1)
    for i in range(2 * n):
        other = (i + n) % (2 * n)
        cosines = {j: v[i] @ v[j] / (length[i] * length[j]) / temperature for j in range(2 * n) if j != i}
        top = max(cosines.values())
        total = sum(math.exp(c - top) for c in cosines.values())
        losses.append(-(cosines[other] - top - math.log(total)))
    return torch.tensor(np.mean(losses), dtype=torch.promote_types(views.dtype, torch.float32))


def contrastive_loss(ladder: Ladder) -> None:
    """By hand, chance, other temperatures, two pictures, lengths that must not count, float64; gradients."""
    plain = numbers([[1.0, 0], [0, 1]], [[1, 0], [0, 1]])
    many = draw(0, 2, 5, 4)
    lengths = (3 * draw(1, 2, 5, 1)).exp()
    cases = [
        Case("two pictures with the directions (1, 0) and (0, 1) in both views, tau = 1", (plain, 1.0)),
        Case("views that are exchanged, tau = 1", (torch.stack([plain[0], plain[1].flip(0)]), 1.0)),
        Case("5 pictures", (many,)), Case("tau = 0.1", (many, 0.1)), Case("tau = 0.01", (many, 0.01)),
        Case("vectors of other lengths", (many * lengths, 0.5)),
        Case("all views equal", (torch.ones(2, 3, 4), 0.5)), Case("two pictures", (draw(2, 2, 2, 3), 0.2)),
        Case("float64", (many.double(), 0.3)),
    ]  # fmt: skip
    ladder.agrees(cases, paired_softmax, Tolerance(1e-4, 1e-5, "float32, softmax of numbers up to 100"))

    def in_torch(views, temperature=0.5):
        z = torch.nn.functional.normalize(views.double(), dim=-1).flatten(0, 1)
        s = z @ z.T / temperature
        s = s - torch.diag(torch.full((len(s),), 1e9, dtype=s.dtype))
        n = len(s) // 2
        return torch.nn.functional.cross_entropy(s, torch.cat([torch.arange(n) + n, torch.arange(n)])).float()

    ladder.gradients(cases[2:4], in_torch, CLOSE)
    order = torch.randperm(5, generator=torch.Generator().manual_seed(3))
    got, want = ladder.subject(many[:, order]), ladder.subject(many)
    ladder.same("The order of the pictures does not matter, which", got, want, CLOSE)


def ranked(draws, share=0.75):
    """Sorted picture by picture; the last are hidden."""
    n = draws.shape[1]
    hidden = min(max(round(n * share), 1), n - 1)
    found = []
    for row in draws.tolist():
        order = sorted(range(n), key=lambda i: (row[i], i))
        found.append([i in order[n - hidden :] for i in range(n)])
    return torch.tensor(found)


def patch_mask(ladder: Ladder) -> None:
    """By hand, many patches, other shares, shares that would hide none or all, one picture, float64."""
    uniform = torch.rand(6, 16, generator=torch.Generator().manual_seed(0))
    cases = [
        Case("draws (0.3, 0.9, 0.1, 0.5), half of them hidden", (numbers([0.3, 0.9, 0.1, 0.5]), 0.5)),
        Case("6 pictures of 16 patches", (uniform,)), Case("a share of 0.4", (uniform, 0.4)),
        Case("a share that is rounded", (uniform[:, :7], 0.6)),
        Case("a share of 0, where one is hidden all the same", (uniform, 0.0)),
        Case("a share of 1, where one is shown all the same", (uniform, 1.0)),
        Case("two patches", (uniform[:, :2], 0.5)), Case("one picture", (uniform[:1], 0.75)),
        Case("draws below 0", (-uniform, 0.3)),
        Case("equal draws", ((4 * uniform.repeat(1, 4)).round(), 0.5)),
        Case("float64", (uniform.double(), 0.5)),
    ]  # fmt: skip
    ladder.agrees(cases, ranked, CLOSE)


def softened(student, teacher, labels, temperature=4.0, weight=0.9):
    """Both terms example by example in float64, from probabilities."""
    s, t = student.double(), teacher.detach().double()
    q, p = (s / temperature).softmax(1), (t / temperature).softmax(1)
    soft = (p * (p.log() - q.log())).sum(1)
    target = labels.double() if labels.is_floating_point() else torch.eye(s.shape[1]).double()[labels]
    hard = -(target * s.softmax(1).log()).sum(1)
    return (
        ((1 - weight) * hard + weight * temperature**2 * soft)
        .mean()
        .float()
        .to(torch.promote_types(student.dtype, torch.float32))
    )


def teachers_gradient(mine, student, teacher, labels):
    """The size of the gradient in the teacher."""
    import torch

    student, teacher = student.clone().requires_grad_(), teacher.clone().requires_grad_()
    (found,) = torch.autograd.grad(mine(student, teacher, labels), [teacher], allow_unused=True)
    return 0.0 if found is None else float(found.abs().sum())


def distillation(ladder: Ladder) -> None:
    """By hand, chance, temperatures, each term alone, soft labels, half precision, float64; gradients."""
    s, t, y = draw(0, 6, 4), draw(1, 6, 4), torch.arange(6) % 4
    hand = (numbers([0.0, 0.0]), numbers([math.log(3.0), 0.0]))
    soft = draw(2, 6, 4).softmax(1)
    cases = [
        Case("student (0, 0), teacher (log 3, 0), label 0, T = 1, weight 0.5",
             (*hand, numbers(0), 1.0, 0.5)),
        Case("6 examples of 4 classes", (s, t, y)), Case("T = 1", (s, t, y, 1.0, 0.5)),
        Case("T = 10", (s, t, y, 10.0, 0.5)), Case("the labels alone", (s, t, y, 3.0, 0.0)),
        Case("the teacher alone", (s, t, y, 3.0, 1.0)), Case("a perfect copy", (s, s.clone(), y, 2.0, 1.0)),
        Case("shares of classes as labels", (s, t, soft, 2.0, 0.3)),
        Case("one example", (s[:1], t[:1], y[:1])),
        Case("half precision", (s.bfloat16(), t.bfloat16(), y, 4.0, 0.9)),
        Case("float64 and shares of classes in float32", (s.double(), t.double(), soft, 2.0, 0.3)),
        Case("float32 and shares of classes in half precision", (s, t, soft.half(), 2.0, 0.3)),
        Case("float64", (s.double(), t.double(), y, 2.0, 0.7)),
    ]  # fmt: skip
    ladder.agrees(cases, softened, Tolerance(1e-4, 1e-5, "float32, T^2 up to 100, against float64"))
    ladder.gradients([Case("6 examples, T = 2", (s, t.clone(), y, 2.0, 0.5))], softened, CLOSE)
    found = ladder.inside(teachers_gradient)(s, t, y)
    ladder.holds(f"No gradient flows into the teacher; {found:.3g} did.", found == 0)
