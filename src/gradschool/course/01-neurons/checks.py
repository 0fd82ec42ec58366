"""Checks of chapter 1: oracles are the rules written out in whole numbers, without arrays."""

import math
from itertools import pairwise, product

import numpy as np

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

EXACT = Tolerance(1e-12, 1e-12, "three sums and products of float64")


def update_by_hand(w, x, target, learning_rate=1.0):
    """The perceptron rule, coordinate by coordinate."""
    s = w[0] + sum(a * b for a, b in zip(w[1:], x, strict=True))
    answer = 1 if s >= 0 else 0
    if answer == target:
        return np.array(w, float)
    sign = 1 if target == 1 else -1
    extended = [1, *x]
    return np.array([a + sign * learning_rate * b for a, b in zip(w, extended, strict=True)])


def perceptron_update(ladder: Ladder) -> None:
    """Right and wrong answers of both classes, on the line itself, several sizes; then OR."""
    # 1. Cases small enough to work by hand, then random ones.
    cases = [
        case((-1.5, 0, 2), (1, 0), 0),
        case((-1.5, 0, 2), (1, 1), 0),
        case((-1.5, 0, 2), (1, 0), 1),
        case((0, 1, -1), (2, 2), 1),
        case((0, 1, -1), (2, 2), 0, learning_rate=0.5),
    ]
    rng = np.random.default_rng(0)
    for d in (1, 3, 5):
        for target in (0, 1):
            w, x = rng.normal(size=d + 1).round(2), rng.normal(size=d).round(2)
            cases.append(case(w, x, target, learning_rate=0.1))
    ladder.agrees(cases, update_by_hand, EXACT)
    # 2. The rule depends on the data alone: showing a point that is right twice moves nothing.
    w = ladder.subject(np.array([-0.5, 1.0, 1.0]), np.array([1.0, 1.0]), 1)
    ladder.same(
        "A point that is right leaves the weights where they are, which", w, np.array([-0.5, 1, 1]), EXACT
    )
    # 3. Shown the OR function again and again, it must end with all four points right.
    points, targets = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 1]
    w, mistakes = np.array([0.5, -1.0, -1.0]), 4
    for _ in range(30):
        mistakes = 0
        for point, target in zip(points, targets, strict=True):
            new = ladder.subject(w, np.array(point, float), target)
            mistakes += not np.array_equal(new, w)
            w = new
        if not mistakes:
            break
    ladder.trains(
        f"OR was to be learned within 30 passes; {mistakes} mistakes a pass are left.", not mistakes
    )


def case(w, x, target, **kwargs) -> Case:
    """One update, told in full."""
    rate = f", learning_rate = {kwargs['learning_rate']}" if kwargs else ""
    numbers = ", ".join(f"{v:g}" for v in w), ", ".join(f"{v:g}" for v in x)
    about = f"w = ({numbers[0]}), x = ({numbers[1]}), target = {target}{rate}"
    return Case(about, (np.array(w, float), np.array(x, float), target), kwargs)


def traced(mine, points, targets, weights, rate=1.0, most=100):
    """The rows of the table, as data."""
    trace = mine(points, targets, weights, rate, most)
    rows = [
        (step.number, list(step.point), step.target, step.s, step.action, list(step.weights))
        for step in trace.steps
    ]
    return {"first six rows": rows[:6], "number of rows": len(rows), "converged": trace.converged}


def table_by_hand(points, targets, weights, rate=1.0, most=100):
    """The same table, coordinate by coordinate."""
    w, right, rows = [float(v) for v in weights], 0, []
    while right < len(points) and len(rows) < most:
        x, t = points[len(rows) % len(points)], targets[len(rows) % len(points)]
        s = w[0] + sum(a * b for a, b in zip(w[1:], x, strict=True))
        wrong = (s >= 0) != (t == 1)
        if wrong:
            w = [a + (rate if t else -rate) * b for a, b in zip(w, [1, *x], strict=True)]
        right = 0 if wrong else right + 1
        action = ("add" if t else "subtract") if wrong else "none"
        rows.append((len(rows) + 1, [float(v) for v in x], t, float(s), action, list(w)))
    return {"first six rows": rows[:6], "number of rows": len(rows), "converged": right == len(points)}


def written_trace(ladder: Ladder) -> None:
    """Tables of two exercises done by hand, a start without a mistake, one that never ends, rate 1/4."""
    unsw = [(0, 1), (2, 0), (1, 1)], [0, 0, 1], [-1.5, 0, 2]
    square = [(0, 0), (0, 1), (1, 0), (1, 1)]
    ladder.agrees(
        [
            Case(
                "(0,1)-, (2,0)-, (1,1)+ from w = (-1.5, 0, 2); rows (number, point, target, s, action, w)",
                unsw,
            ),
            Case("one point (1)+ from w = (-2, 0)", ([(1,)], [1], [-2, 0])),
            Case("AND from w = (0, 0, 0)", (square, [0, 0, 0, 1], [0, 0, 0])),
            Case("AND from w = (-1.5, 1, 1), where all are right", (square, [0, 0, 0, 1], [-1.5, 1, 1])),
            Case("AND at rate 0.25", (square, [0, 0, 0, 1], [1, 0, 0], 0.25)),
            Case("XOR, given up after 50 steps", (square, [0, 1, 1, 0], [0, 0, 0], 1.0, 50)),
        ],
        table_by_hand,
        EXACT,
        through=traced,
    )
    far = ladder.inside(traced)([(3, 1), (1, 3), (-1, -2)], [1, 0, 0], [0, 0, 0], 1.0, 2000)
    ladder.trains(
        "Points that a line separates were to be learned within 2000 steps; they were not.", far["converged"]
    )


def mcculloch_pitts(ladder: Ladder) -> None:
    """Every pattern of up to four excitatory and two inhibitory inputs, with every threshold."""
    cases = []
    for n, m in ((1, 0), (2, 1), (3, 2), (4, 1)):
        for bits in product((0, 1), repeat=n + m):
            on, off = bits[:n], bits[n:]
            for threshold in range(n + 2):
                about = f"excitatory = {on}, inhibitory = {off}, threshold = {threshold}"
                cases.append(Case(about, (on, off, threshold)))
    ladder.agrees(
        cases, lambda on, off, threshold: 0 if 1 in off else 1 if on.count(1) >= threshold else 0, EXACT
    )


def fired(mine, n):
    """What weights make of all rows of n inputs, and how many weights there are."""
    from itertools import product

    import numpy as np

    w = np.asarray(mine(n), float)
    rows = np.array(list(product((0, 1), repeat=n)))
    return w if w.shape != (n + 1,) else (w[0] + rows @ w[1:] >= 0).astype(int)


def and_weights(ladder: Ladder) -> None:
    """The last row alone fires, for 1 to 6 inputs; then weights and bias, but for their scale."""
    cases = [Case(f"n = {n}, all {2**n} rows in counting order", (n,)) for n in range(1, 7)]
    ladder.agrees(cases, lambda n: np.array([0] * (2**n - 1) + [1]), EXACT, through=fired)
    w = np.asarray(ladder.subject(3), float)
    said = "The inputs have equal weights and the bias is half-way: for n = 3, -2.5 times a weight, which"
    ladder.same(said, w / w[1], np.array([-2.5, 1, 1, 1]), EXACT)


def clause_fired(mine, clause, n):
    """What a clause's weights make of all rows."""
    from itertools import product

    import numpy as np

    w = np.asarray(mine(clause, n), float)
    rows = np.array(list(product((0, 1), repeat=n)))
    return w if w.shape != (n + 1,) else (w[0] + rows @ w[1:] >= 0).astype(int)


def clause_by_logic(clause, n):
    """Rows in which some literal holds."""
    rows = product((False, True), repeat=n)
    return np.array([int(any(row[abs(k) - 1] == (k > 0) for k in clause)) for row in rows])


def clause_weights(ladder: Ladder) -> None:
    """Rows where a literal holds fire: plain, negated, mixed, with idle variables; then the weights."""
    clauses = [
        ((1,), 1),
        ((-1,), 1),
        ((1, -2), 2),
        ((-1, -2), 2),
        ((2, -3), 4),
        ((-2, 3, -4), 4),
        ((-5, 1), 5),
    ]
    cases = [
        Case(f"clause = {clause}, n = {n}, all {2**n} rows in counting order", (clause, n))
        for clause, n in clauses
    ]
    ladder.agrees(cases, clause_by_logic, EXACT, through=clause_fired)
    for clause, n, want in (((2, -3), 4, (0.5, 0, 1, -1, 0)), ((1, 2), 2, (-0.5, 1, 1))):
        said = f"Weights are +1, -1 or 0 and the bias is half-way; for clause = {clause}, n = {n} this"
        ladder.same(said, ladder.subject(clause, n), np.array(want), EXACT)


def net_fired(mine, clauses, n):
    """What both layers make of all rows."""
    from itertools import product

    import numpy as np

    hidden, output = (np.asarray(layer, float) for layer in mine(clauses, n))
    if hidden.shape != (len(clauses), n + 1) or output.shape != (1, len(clauses) + 1):
        return np.zeros(hidden.shape), np.zeros(output.shape), np.zeros(2**n, int)
    rows = np.array(list(product((0, 1), repeat=n)))
    units = (hidden[:, 0] + rows @ hidden[:, 1:].T >= 0).astype(int)
    fires = (output[0, 0] + units @ output[0, 1:] >= 0).astype(int)
    return np.zeros(hidden.shape), np.zeros(output.shape), fires


def formula_by_logic(clauses, n):
    """Rows in which every clause holds, after zeros in the shapes of the two layers."""
    holds = np.prod([clause_by_logic(clause, n) for clause in clauses], axis=0)
    return np.zeros((len(clauses), n + 1)), np.zeros((1, len(clauses) + 1)), holds


def cnf_net(ladder: Ladder) -> None:
    """The tutorial's formula, XOR, a single clause, more clauses than variables."""
    formulas = [
        (((1, 2), (-1, -2)), 2),
        (((1, 2), (-2, 3, -4), (4, -5)), 5),
        (((1, -3),), 3),
        (((1, 2), (1, -2), (-1, 2)), 2),
    ]
    cases = [Case(f"clauses = {c}, n = {n}: layers' shapes, all rows", (c, n)) for c, n in formulas]
    ladder.agrees(cases, formula_by_logic, EXACT, through=net_fired)


def xor_shortcut(ladder: Ladder) -> None:
    """The four rows in two orders, then each alone."""
    rows = [[0, 0], [0, 1], [1, 0], [1, 1]]
    shown = {
        "the four rows": rows,
        "the four rows backwards": rows[::-1],
        "rows (0, 1) and (1, 1)": rows[1::2],
    }
    cases = [Case(about, (np.array(x),)) for about, x in shown.items()]
    ladder.agrees(cases, lambda x: x[:, 0] ^ x[:, 1], EXACT)


def collapsed_by_probing(layers):
    """Where 0 lands is b; where a unit vector lands, less b, is a row of W."""

    def run(x):
        for weight, bias in layers:
            x = [sum(a * weight[i, j] for i, a in enumerate(x)) + bias[j] for j in range(weight.shape[1])]
        return np.array(x)

    origin = run(np.zeros(layers[0][0].shape[0]))
    return np.stack([run(e) - origin for e in np.eye(layers[0][0].shape[0])]), origin


def collapse(ladder: Ladder) -> None:
    """Layers of one unit by hand, then stacks of one to four layers whose sizes all differ."""
    rng = np.random.default_rng(0)
    stacks = {
        "y = 2x + 1, then 3y + 5": [
            (np.array([[2.0]]), np.array([1.0])),
            (np.array([[3.0]]), np.array([5.0])),
        ]
    }
    for sizes in ((3, 2), (2, 3, 4), (4, 3, 5, 2), (2, 4, 3, 5, 1)):
        stacks[f"random layers of sizes {sizes}"] = [
            (rng.normal(size=(i, o)), rng.normal(size=o)) for i, o in pairwise(sizes)
        ]
    cases = [Case(about, (layers,)) for about, layers in stacks.items()]
    ladder.agrees(cases, collapsed_by_probing, Tolerance(1e-10, 1e-12, "float64 sums of at most 5 products"))


def judged(mine, points, targets, most=300):
    """Whether the verdict's proof holds, added up: a line's sides, or two means that meet."""
    from fractions import Fraction

    try:
        verdict = mine(points, targets, most)
    except ValueError:
        return "undecided", True
    rows = [[Fraction(str(float(v))) for v in point] for point in points]
    if verdict.separable:
        sums = [
            verdict.weights[0] + sum(w * v for w, v in zip(verdict.weights[1:], row, strict=True))
            for row in rows
        ]
        return "separable", all((s > 0) == (t == 1) and s != 0 for s, t in zip(sums, targets, strict=True))
    shares = verdict.shares
    means = []
    for c in (0, 1):
        mine_of = [(a, row) for a, row, t in zip(shares, rows, targets, strict=True) if t == c]
        means.append(
            [sum(a for a, _ in mine_of), *(sum(a * r[k] for a, r in mine_of) for k in range(len(rows[0])))]
        )
    return "not separable", min(shares) >= 0 and means[0] == means[1] and means[0][0] == 1


def line_by_passes(points, targets):
    """The rule on whole numbers, coordinate by coordinate: its line, and how many passes it takes."""
    w, passes, wrong = [0] * (len(points[0]) + 1), 0, True
    while wrong:
        wrong, passes = False, passes + 1
        for x, t in zip(points, targets, strict=True):
            s = w[0] + sum(a * b for a, b in zip(w[1:], x, strict=True))
            if (s <= 0) if t else (s >= 0):
                wrong, sign = True, 1 if t else -1
                w = [a + sign * b for a, b in zip(w, (1, *x), strict=True)]
    return np.array(w, float), passes


def line_found(mine, points, targets):
    """The weights that prove separability, as floats."""
    import numpy as np

    return np.array([float(v) for v in mine(points, targets).weights])


def separability(ladder: Ladder) -> None:
    """AND, XOR, a point between two others, points that touch, a line in space; each with its proof."""
    square = [(0, 0), (0, 1), (1, 0), (1, 1)]
    cases = {
        "AND": (square, [0, 0, 0, 1], True),
        "XOR": (square, [0, 1, 1, 0], False),
        "(2)+, (-1)-": ([(2,), (-1,)], [1, 0], True),
        "(0)-, (1)+, (2)-": ([(0,), (1,), (2,)], [0, 1, 0], False),
        "one point in both classes": ([(1, 2), (1, 2)], [0, 1], False),
        "(0.1)-, (0.3)+": ([(0.1,), (0.3,)], [0, 1], True),
        "a point in a triangle of the other class": ([(0, 0), (4, 0), (0, 4), (1, 1)], [1, 1, 1, 0], False),
        "five points in space": (
            [(0, 0, 1), (1, 0, 2), (0, 1, 0), (3, 1, 1), (2, 2, 0)],
            [1, 1, 1, 0, 0],
            True,
        ),
    }
    truth = {about: ("separable" if yes else "not separable", True) for about, (_, _, yes) in cases.items()}
    ladder.agrees(
        [Case(f"{about} (verdict, proof adds up)", (x, t)) for about, (x, t, _) in cases.items()],
        lambda x, t: next(
            truth[a] for a, (points, targets, _) in cases.items() if (points, targets) == (x, t)
        ),
        EXACT,
        through=judged,
    )
    few = line_by_passes(*cases["AND"][:2])[1]
    for most, verdict in ((few, "separable"), (few - 1, "undecided")):
        came, _ = ladder.inside(judged)(*cases["AND"][:2], most)
        said = f"AND with max_passes = {most} is {verdict} (undecided: ValueError); {came} came."
        ladder.holds(said, came == verdict)
    for about in ("AND", "five points in space"):
        came = ladder.inside(line_found)(*cases[about][:2])
        want, _ = line_by_passes(*cases[about][:2])
        ladder.same(
            f"The line is the perceptron rule's from zero weights; for {about} this", came, want, EXACT
        )


def planes_by_recursion(n, d):
    """A new point doubles what a plane through it can do: C(n, d) = C(n - 1, d) + C(n - 1, d - 1)."""
    if n == 1 or d == 0:
        return 2
    return planes_by_recursion(n - 1, d) + planes_by_recursion(n - 1, d - 1)


def dichotomies(ladder: Ladder) -> None:
    """Points on a line by counting, in the plane, no coordinates, many coordinates; then the capacity."""
    sizes = [(3, 1), (1, 1), (4, 2), (4, 0), (3, 5), (7, 3), (10, 2)]
    ladder.agrees([Case(f"n = {n}, d = {d}", (n, d)) for n, d in sizes], planes_by_recursion, EXACT)
    ladder.same(
        "At n = 2 (d + 1) half of all labelings can be made, which", ladder.subject(42, 20), 2**41, EXACT
    )
    made = 2 * sum(math.comb(59, k) for k in range(21))
    came = ladder.subject(60, 20)
    ladder.holds(f"60 points in 20 dimensions have {made} labelings, exactly; {came} came.", came == made)


def pocket_by_hand(points, targets, weights, order):
    """All weights on the way first, then the earliest of the best."""

    def mistakes(w):
        sums = [w[0] + sum(a * b for a, b in zip(w[1:], x, strict=True)) for x in points.tolist()]
        return sum((s >= 0) != (t == 1) for s, t in zip(sums, targets.tolist(), strict=True))

    way = [np.array(weights, float)]
    for i in order:
        way.append(update_by_hand(way[-1], points[i].tolist(), int(targets[i])))
    best = min(way, key=mistakes)
    return best, int(mistakes(best))


def pocket(ladder: Ladder) -> None:
    """XOR, a start that is the best already, a last step that is the best, overlapping clouds."""
    rng = np.random.default_rng(4)
    square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    xor, conj = np.array([0, 1, 1, 0]), np.array([0, 0, 0, 1])
    cases = [
        Case("XOR from w = (0, 0, 0), order 3, 0, 1, 2", (square, xor, np.zeros(3), [3, 0, 1, 2])),
        Case("AND, w = (-1.5, 1, 1) has no mistake", (square, conj, np.array([-1.5, 1, 1]), [0, 1, 2, 3])),
        Case(
            "one point (1)+, w = (-2, 0), shown once", (np.ones((1, 1)), conj[3:], np.array([-2.0, 0]), [0])
        ),
        Case("AND, w = (0, 0, 0), nothing is shown", (square, conj, np.zeros(3), [])),
        Case("XOR, w = (-0.5, 1, 1) has one mistake", (square, xor, np.array([-0.5, 1, 1]), [3, 1, 2, 0])),
    ]
    for n, d in ((9, 1), (15, 2), (20, 4)):
        points, targets = rng.normal(size=(n, d)).round(2), rng.integers(0, 2, n)
        order = rng.integers(0, n, 4 * n).tolist()
        cases.append(Case(f"{n} random points in {d} dimensions", (points, targets, np.zeros(d + 1), order)))
    ladder.agrees(cases, pocket_by_hand, EXACT)


def found(mine, targets, loss):
    """The best output under a loss by name."""
    slopes = {
        "squared error": lambda y, t: 2 * (y - t),
        "cross-entropy": lambda y, t: (1 - t) / (1 - y) - t / y,
        "fourth power": lambda y, t: 4 * (y - t) ** 3,
    }
    return mine(targets, slopes[loss])


def output_by_formula(targets, loss):
    """The mean; for the fourth power of 0s and 1s, n1 (1 - y)^3 = n0 y^3 solved for y."""
    n1 = sum(targets)
    if loss != "fourth power":
        return n1 / len(targets)
    odds = (n1 / (len(targets) - n1)) ** (1 / 3)
    return odds / (1 + odds)


def best_output(ladder: Ladder) -> None:
    """Eight 1s and two 0s under three losses, other shares, targets in between, all alike."""
    ten = [1.0] * 8 + [0.0] * 2
    cases = [Case(f"targets 8 times 1, twice 0, {loss}", (ten, loss)) for loss in LOSSES]
    cases += [
        Case(f"targets {t}, {loss}", (t, loss))
        for t in ([1.0, 0.0, 0.0], [0.2, 0.3, 0.1], [1.0, 1.0], [0.0])
        for loss in LOSSES[:2]
    ]
    ladder.agrees(cases, output_by_formula, Tolerance(0, 1e-12, "the range, halved 40 times"), through=found)


LOSSES = ("squared error", "cross-entropy", "fourth power")
