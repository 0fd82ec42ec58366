"""Checks of chapter 2: closed forms, torch, and pictures drawn another way."""

from itertools import pairwise

import numpy as np
import torch

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

FLOAT64 = Tolerance(1e-9, 1e-12, "a few dozen float64 operations")
DIFFERENCES = Tolerance(1e-7, 1e-7, "differences around a point err by h squared and by rounding over h")


# Differences


def gradient_by_hand(name, x, h=0.0):
    """The rules of calculus; the third power errs by the square of the step."""
    x = x.astype(float)
    return {
        "sum of x^2": 2 * x,
        "sum of x^3": 3 * x**2 + (h * np.maximum(1, abs(x))) ** 2,
        "product of all": x.prod() / x,
        "tanh of the sum": np.full(x.shape, 1 - np.tanh(x.sum()) ** 2),
    }[name]


def through_function(mine, name, x, h=6e-6):
    """The learner's gradient of a function chosen by name."""
    import numpy as np

    known = {
        "sum of x^2": lambda x: (x**2).sum(),
        "sum of x^3": lambda x: (x**3).sum(),
        "product of all": lambda x: x.prod(),
        "tanh of the sum": lambda x: np.tanh(x.sum()),
    }
    return mine(known[name], x, h)


def numerical_gradient(ladder: Ladder) -> None:
    """One number, whole numbers, several axes, elements that depend on each other."""
    rng = np.random.default_rng(0)
    cases = [
        Case("f = sum of x^2 at x = (3)", ("sum of x^2", np.array([3.0]))),
        Case("f = sum of x^2 at the whole numbers (1, 2)", ("sum of x^2", np.array([1, 2]))),
        Case("f = product of all at x = (2, 3, 4), h = 0.5", ("product of all", np.array([2.0, 3, 4]), 0.5)),
        Case("f = sum of x^3 at x = (1, -2, 5)", ("sum of x^3", np.array([1.0, -2, 5]))),
        Case("f = sum of x^3 at x = (0.25, -4), h = 0.5", ("sum of x^3", np.array([0.25, -4]), 0.5)),
        Case("f = sum of x^3 at x = (4), h = 0.5", ("sum of x^3", np.array([4.0]), 0.5)),
        Case("f = product of all at x = (2, 3, 4)", ("product of all", np.array([2.0, 3, 4]))),
        Case("f = sum of x^2 at x = (-100000000)", ("sum of x^2", np.array([-1e8]))),
        Case("f = tanh of the sum at x = 0.3, without axes", ("tanh of the sum", np.array(0.3))),
        Case("f = sum of x^2 at x = (3, 0.1) in float32", ("sum of x^2", np.array([3, 0.1], np.float32))),
        Case("f = tanh of the sum, x of shape (2, 3)", ("tanh of the sum", rng.normal(size=(2, 3)) / 3)),
        Case("f = sum of x^3, x of shape (2, 3)", ("sum of x^3", rng.normal(size=(2, 3)))),
    ]
    ladder.agrees(cases, gradient_by_hand, DIFFERENCES, through=through_function)


# Scalars


def multiplied(mine, a, b, kind):
    """A product's value, and the slope towards each value that it was made from, in either order."""
    x, y = mine(a), mine(b)
    z = {"x * y": lambda: x * y, "x * 2.5": lambda: x * 2.5, "3 * x": lambda: 3 * x, "x * x": lambda: x * x}[
        kind
    ]()
    found = {"value": z.data}
    for parent, slope in ((z.left, z.left_slope), (z.right, z.right_slope)):
        if parent is not None:
            name = "towards x" if parent is x else "towards y"
            found[name] = found.get(name, 0.0) + slope
    return found


def product(a, b, kind):
    """The same by the product rule."""
    return {
        "x * y": {"value": a * b, "towards x": b, "towards y": a},
        "x * 2.5": {"value": 2.5 * a, "towards x": 2.5},
        "3 * x": {"value": 3 * a, "towards x": 3.0},
        "x * x": {"value": a * a, "towards x": 2 * a},
    }[kind]


def scalar_multiply(ladder: Ladder) -> None:
    """Two values, a number on either side, a value with itself."""
    numbers = [(3.0, -4.0, "x * y"), (0.0, 5.0, "x * y"), (3.0, 0.0, "x * y"), (2.0, 2.0, "x * y")]
    numbers += [(3.0, 0.0, "x * 2.5"), (-1.5, 0.0, "3 * x"), (7.0, 0.0, "x * x")]
    cases = [Case(f"{kind} at x = {a}, y = {b}", (a, b, kind)) for a, b, kind in numbers]
    ladder.agrees(cases, product, FLOAT64, through=multiplied)


def walked(mine, number, a, b):
    """Gradients of all values of a small formula, after one walk back or two."""
    x, y = mine(a), mine(b)
    between = {}
    if number == 0:
        end = x * 3.0
    elif number == 1:
        end = x * y + x
    elif number == 2:
        between["u"] = u = x * y
        end = u * u + u
    elif number == 3:
        between["u"] = u = (x + y).tanh()
        between["v"] = v = u * x
        end = (u - v) * (v / y)
    elif number == 4:
        between["u"] = u = x * y
        end = u * u
        end.backward()
    elif number == 5:
        between["u"] = u = (x * y).relu()
        end = u * x + y
    else:
        end = x
        end.backward()
    end.backward()
    waiting = [value.waiting for value in (end, x, y, *between.values())]
    grads = {"end": end.grad, "x": x.grad, "y": y.grad} | {k: v.grad for k, v in between.items()}
    return grads | {"waiting": waiting}


def by_torch(number, a, b):
    """The same, each gradient asked for on its own."""
    x, y = (torch.tensor(n, dtype=torch.float64, requires_grad=True) for n in (a, b))
    between = {}
    if number == 0:
        end = x * 3.0 + 0 * y
    elif number == 1:
        end = x * y + x
    elif number == 2:
        between["u"] = u = x * y
        end = u * u + u
    elif number == 3:
        between["u"] = u = torch.tanh(x + y)
        between["v"] = v = u * x
        end = (u - v) * (v / y)
    elif number == 4:
        between["u"] = u = x * y
        end = u * u
    elif number == 5:
        between["u"] = u = torch.relu(x * y)
        end = u * x + y
    else:
        end = x + 0 * y
    grads = torch.autograd.grad(end, [x, y, *between.values()])
    twice = 2.0 if number in (4, 6) else 1.0
    found = {"end": twice if number == 6 else 1.0, "x": twice * grads[0].item(), "y": twice * grads[1].item()}
    found |= {k: g.item() for k, g in zip(between, grads[2:], strict=True)}
    return found | {"waiting": [0] * len(found)}


def deep(mine, links):
    """The gradient through a long chain."""
    x = mine(1.0)
    y = x
    for _ in range(links):
        y = y + 1.0
    y.backward()
    return x.grad


def scalar_backward(ladder: Ladder) -> None:
    """A chain, a value that is used twice, diamonds, two walks; then a graph too deep for recursion."""
    formulas = ["y = 3 x", "x y + x", "u = x y, then u u + u", "u = tanh(x + y), v = u x, then (u - v) v / y"]
    formulas.append("u = x y, then u u, walked back twice: leaves add up, u does not, the end has 1")
    formulas += ["u = relu(x y), then u x + y", "x alone, walked back twice: it is a leaf and has 2"]
    said = "gradients of all values, each with waiting = 0 after"
    cases = [Case(f"{text} at x = 2, y = -3 ({said})", (n, 2.0, -3.0)) for n, text in enumerate(formulas)]
    equal = "(equal numbers are not one value)"
    cases += [Case(f"{formulas[n]} at x = y = 2 {equal}", (n, 2.0, 2.0)) for n in (1, 3, 5)]
    ladder.agrees(cases, by_torch, FLOAT64, through=walked)
    came = ladder.inside(deep)(20_000)
    ladder.holds(f"Through a chain of 20,000 sums the gradient is 1; {came} came.", came == 1.0)


# Losses by hand


def softmax_oracle(z, axis=-1):
    """Torch's."""
    return torch.softmax(torch.from_numpy(z), axis).numpy()


def softmax(ladder: Ladder) -> None:
    """The example of the lecture, huge logits, rows far apart, another axis; then a shift changes nothing."""
    rng = np.random.default_rng(1)
    cases = [
        Case("z = (0, log 3)", (np.array([0.0, np.log(3)]),)),
        Case("z = (1, 2, 3)", (np.array([1.0, 2, 3]),)),
        Case("z = (1000, 1001)", (np.array([1000.0, 1001]),)),
        Case("z = (-2000, 0, 2000)", (np.array([-2000.0, 0, 2000]),)),
        Case("z of shape (4, 3)", (rng.normal(size=(4, 3)),)),
        Case("z of shape (1, 3)", (rng.normal(size=(1, 3)),)),
        Case("z of shape (3, 1)", (rng.normal(size=(3, 1)),)),
        Case("z = (-3000, 2000, 2001)", (np.array([-3000.0, 2000, 2001]),)),
        Case("two rows, 0 and -2000", (np.array([[0.0, 1], [-2000, -1999]]),)),
        Case("z of shape (2, 5, 3), axis 1", (rng.normal(size=(2, 5, 3)),), {"axis": 1}),
        Case("z of shape (3, 3), axis 0", (rng.normal(size=(3, 3)),), {"axis": 0}),
        Case("z of shape (2, 3, 2), axis -3", (rng.normal(size=(2, 3, 2)),), {"axis": -3}),
    ]
    ladder.agrees(cases, softmax_oracle, FLOAT64)
    z = cases[4].args[0]
    ladder.same("softmax(z + 7) = softmax(z)", ladder.subject(z + 7), ladder.subject(z), FLOAT64)


def nll_oracle(z, labels):
    """Torch's gradient of cross_entropy."""
    logits = torch.tensor(z, requires_grad=True)
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)).backward()
    return logits.grad.numpy()


def nll_gradient(ladder: Ladder) -> None:
    """One row by hand, several; then each row's gradient sums to 0."""
    rng = np.random.default_rng(2)
    cases = [
        Case("z = (1, 2, 3), label 1", (np.array([[1.0, 2, 3]]), np.array([1]))),
        Case("two rows (0, 0), labels 0 and 1", (np.zeros((2, 2)), np.array([0, 1]))),
        Case("5 rows of 4 classes", (rng.normal(size=(5, 4)), np.array([3, 0, 0, 2, 1]))),
        Case("large logits", (400 * rng.normal(size=(3, 6)), np.array([5, 1, 0]))),
    ]
    ladder.agrees(cases, nll_oracle, FLOAT64)
    rows = ladder.subject(*cases[2].args).sum(axis=1)
    said = "Adding a number to all logits changes nothing, so each row sums to 0, which"
    ladder.same(said, rows, np.zeros(5), FLOAT64)


# Nets


def activated(mine, layers, values, delta, name):
    """The learner's gradients for an activation chosen by name."""
    from gradschool.scratch.backpropagation import mlp

    return mine([tuple(layer) for layer in layers], values, delta, getattr(mlp, name))


def net_oracle(layers, values, delta, name):
    """Torch's, from the same weights."""
    bend = {"TANH": torch.tanh, "RELU": torch.relu, "SIGMOID": torch.sigmoid}[name]
    leaves = [[torch.tensor(part, requires_grad=True) for part in layer] for layer in layers]
    h = torch.from_numpy(values[0])
    for weight, bias in leaves[:-1]:
        h = bend(h @ weight + bias)
    (h @ leaves[-1][0] + leaves[-1][1]).backward(torch.from_numpy(delta))
    return [(weight.grad.numpy(), bias.grad.numpy()) for weight, bias in leaves]


def net_case(about, sizes, rows, name, seed):
    """A random net, its values, and a random gradient of its output."""
    bend = {"TANH": np.tanh, "RELU": lambda z: np.maximum(z, 0), "SIGMOID": lambda z: 1 / (1 + np.exp(-z))}[
        name
    ]
    rng = np.random.default_rng(seed)
    layers = [(rng.normal(size=(a, b)), rng.normal(size=b)) for a, b in pairwise(sizes)]
    values = [rng.normal(size=(rows, sizes[0]))]
    for weight, bias in layers[:-1]:
        values.append(bend(values[-1] @ weight + bias))
    values.append(values[-1] @ layers[-1][0] + layers[-1][1])
    return Case(about, (layers, values, rng.normal(size=(rows, sizes[-1])), name))


def mlp_backward(ladder: Ladder) -> None:
    """One layer, two, three; every activation; one row and several."""
    one = np.array([[2.0]])
    cases = [
        Case("W = 3, b = 0, x = 2, delta = 5", ([(np.array([[3.0]]), np.zeros(1))], [one, 3 * one],
             np.array([[5.0]]), "TANH")),
        net_case("a 3-2 net, 4 rows", (3, 2), 4, "TANH", 0),
        net_case("a 2-3-4 net, 1 row", (2, 3, 4), 1, "TANH", 1),
        net_case("a 3-4-5-2 net, 6 rows", (3, 4, 5, 2), 6, "TANH", 2),
        net_case("a 3-5-4 net of ReLUs, 6 rows", (3, 5, 4), 6, "RELU", 3),
        net_case("a 3-5-4 net of sigmoids, 6 rows", (3, 5, 4), 6, "SIGMOID", 4),
    ]  # fmt: skip
    ladder.agrees(cases, net_oracle, FLOAT64, through=activated)


# Tensors


def spread_oracle(g, like):
    """Torch's way back through expand."""
    leaf = torch.tensor(like, dtype=torch.float64, requires_grad=True)
    leaf.expand(g.shape).backward(torch.from_numpy(g))
    return leaf.grad.numpy()


def unbroadcast(ladder: Ladder) -> None:
    """Nothing to undo, axes in front, stretched axes, both, numbers; then sums are kept."""
    rng = np.random.default_rng(3)
    shapes = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((4, 2, 3), (2, 1)), ((4, 2, 3), ()),
              ((4, 2, 3, 5), (1, 3, 1)), ((1, 3), (1, 3)), ((2, 1, 3), (1, 1)),
              ((1, 3), (3,)), ((1, 1), ()), ((1, 2, 3), (2, 1)), ((3, 3), (1, 3)),
              ((3, 3), (3, 1))]  # fmt: skip
    cases = [Case("g = ((1, 2), (3, 4)) of a row of 2", (np.array([[1.0, 2], [3, 4]]), np.zeros(2)))]
    for large, small in shapes:
        about = f"g of shape {large}, operand {small}"
        cases.append(Case(about, (rng.normal(size=large), rng.normal(size=small))))
    cases.append(Case("g of shape (2, 3), operand the number 3.5", (rng.normal(size=(2, 3)), 3.5)))
    ladder.agrees(cases, spread_oracle, FLOAT64)
    g, like = cases[5].args
    ladder.same("The sum over everything stays, which", ladder.subject(g, like).sum(), g.sum(), FLOAT64)
    none = ladder.subject(np.zeros((0, 3)), np.ones(3))
    ladder.same("Repeated 0 times, the gradient is 0, which", none, np.zeros(3), FLOAT64)


def affine(mine, x, weight, bias, up):
    """The output, the gradient of each of the three, and that these are what they were."""
    from gradschool.scratch.backpropagation.tensor import Tensor

    parts = [Tensor(part, requires_grad=True) for part in (x, weight, bias)]
    y = mine(*parts)
    y.backward(up)
    pairs = zip(parts, (x, weight, bias), strict=True)
    kept = {"operands are as before": all((part.data == before).all() for part, before in pairs)}
    return kept | {"y": y.data} | {n: p.grad for n, p in zip(("x", "weight", "bias"), parts, strict=True)}


def affine_oracle(x, weight, bias, up):
    """Torch's."""
    parts = [torch.tensor(part, requires_grad=True) for part in (x, weight, bias)]
    y = parts[0] @ parts[1] + parts[2]
    y.backward(torch.from_numpy(up))
    grads = {n: p.grad.numpy() for n, p in zip(("x", "weight", "bias"), parts, strict=True)}
    return {"operands are as before": True, "y": y.detach().numpy()} | grads


def constant_input(mine, x, weight, bias):
    """With an array for x."""
    from gradschool.scratch.backpropagation.tensor import Tensor

    w = Tensor(weight, requires_grad=True)
    y = mine(x, w, Tensor(bias, requires_grad=True))
    y.backward(y.data)
    return w.grad


def tensor_linear(ladder: Ladder) -> None:
    """By hand, one row without an axis, several, three axes; then an array may stand for x."""
    rng = np.random.default_rng(4)
    cases = [
        Case("x = (1, 2), W = ((3), (4)), b = (5), g = (1)", (np.array([[1.0, 2]]), np.array([[3.0], [4]]),
             np.array([5.0]), np.ones((1, 1)))),
    ]  # fmt: skip
    for shape in ((), (4,), (2, 5)):
        x, up = rng.normal(size=(*shape, 3)), rng.normal(size=(*shape, 2))
        about = f"x of shape {x.shape}, 2 outputs"
        cases.append(Case(about, (x, rng.normal(size=(3, 2)), rng.normal(size=2), up)))
    ladder.agrees(cases, affine_oracle, FLOAT64, through=affine)
    x, weight, bias, _ = cases[2].args
    came = ladder.inside(constant_input)(x, weight, bias)
    ladder.same("x may be an array: W's gradient is x.T @ g, which", came, x.T @ (x @ weight + bias), FLOAT64)


# Hard tables


def spirals_oracle(turns=3, points=97):
    """Point by point, with complex numbers."""
    rows = []
    for i in range(points):
        along = i / (points - 1)
        z = 1j * (6.5 - 6 * along) * np.exp(-2j * np.pi * turns * along)
        rows += [[z.real, z.imag], [-z.real, -z.imag]]
    return np.array(rows), np.array([1.0, 0.0] * points)


def twin_spirals(ladder: Ladder) -> None:
    """A turn small enough to draw, the benchmark, other lengths; then no two points meet."""
    cases = [
        Case("turns = 1, points = 5", (1, 5)),
        Case("turns = 1, points = 2", (1, 2)),
        Case("turns = 3, points = 97", ()),
        Case("turns = 2, points = 40", (2, 40)),
        Case("turns = 2, points = 97", (2, 97)),
    ]
    ladder.agrees(cases, spirals_oracle, FLOAT64)
    x, _ = ladder.subject()
    ladder.holds("All 194 points are different.", len(np.unique(np.round(x, 9), axis=0)) == 194)


def shortcut_oracle(weights, views, delta):
    """Torch's, from the same weights and inputs."""
    leaves = [torch.tensor(weight, requires_grad=True) for weight in weights]
    seen = torch.from_numpy(views[0])
    for weight in leaves[:-1]:
        seen = torch.cat([seen, torch.tanh(weight @ seen)], 1)
    (leaves[-1] @ seen).backward(torch.from_numpy(delta))
    return [leaf.grad.numpy() for leaf in leaves]


def shortcut_case(about, inputs, hidden, rows, runs, seed):
    """Random nets with shortcuts, their views, and a random gradient of their logits."""
    rng = np.random.default_rng(seed)
    views = [np.concatenate([np.ones((runs, 1, rows)), rng.normal(size=(runs, inputs, rows))], 1)]
    weights = []
    for units in hidden:
        weights.append(rng.normal(size=(runs, units, views[-1].shape[1])))
        views.append(np.concatenate([views[-1], np.tanh(weights[-1] @ views[-1])], 1))
    weights.append(rng.normal(size=(runs, 1, views[-1].shape[1])))
    return Case(about, (weights, views, rng.normal(size=(runs, 1, rows))))


def shortcuts_backward(ladder: Ladder) -> None:
    """No hidden layer, one, two, three; one net and several."""
    cases = [
        shortcut_case("no hidden layer, 2 inputs, 3 examples", 2, (), 3, 1, 0),
        shortcut_case("1 hidden unit, 1 input, 1 example", 1, (1,), 1, 1, 1),
        shortcut_case("hidden layers of 3 and 4, 2 inputs, 5 examples", 2, (3, 4), 5, 1, 2),
        shortcut_case("3 nets with hidden layers of 2, 4 and 3", 2, (2, 4, 3), 6, 3, 3),
    ]
    ladder.agrees(cases, shortcut_oracle, FLOAT64)


def cross_oracle(levels=2, side=16):
    """By recursion: a cross is built of five smaller ones; points are looked up in a fine picture."""
    picture = np.ones((1, 1))
    for _ in range(levels):
        empty = np.zeros_like(picture)
        outer, inner = [empty, picture, empty], [picture] * 3
        picture = np.block([outer, inner, outer])
    axis = (np.arange(side) + 0.5) / side
    at = (axis * len(picture)).astype(int)
    points = np.array([[2 * a - 1, 2 * b - 1] for a in axis for b in axis])
    return points, picture[np.ix_(at, at)].ravel()


def fractal_cross(ladder: Ladder) -> None:
    """No level, a plain cross, two levels and three, sizes that fit the parts and sizes that do not."""
    sizes = [(0, 2), (1, 1), (1, 3), (1, 4), (2, 9), (2, 16), (3, 20), (4, 41)]
    cases = [Case(f"levels = {levels}, side = {side}", (levels, side)) for levels, side in sizes]
    ladder.agrees(cases, cross_oracle, FLOAT64)
