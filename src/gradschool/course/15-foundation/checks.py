"""Checks of chapter 15, first half: drawing tokens, evaluation, scaling laws, retrieval; by plain loops."""

import math
import re

import numpy as np
import torch

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, a few operations a number, against float64")
FLOAT64 = Tolerance(1e-9, 1e-12, "float64, sums in another order")
FITTED = Tolerance(1e-6, 1e-9, "float64, a least-squares fit by another method")
EXACT = Tolerance(0, 0, "whole numbers and words")


def draw(seed, *shape, dtype=torch.float32):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def row(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def every_row(x, one):
    """A function of one row of numbers, for rows in any number of axes."""
    rows = [one(each) for each in x.reshape(-1, x.shape[-1]).tolist()]
    return torch.tensor(rows, dtype=torch.float64).view(x.shape).to(x.dtype)


def shares(values):
    """Softmax in Python's float64."""
    powers = [math.exp(v - max(values)) for v in values]
    return [p / sum(powers) for p in powers]


# Drawing tokens


def cooled(x, t):
    """Each logit over t; at 0 the first of the largest alone."""

    def one(values):
        best = values.index(max(values))
        return [v / t if t else (0.0 if i == best else -math.inf) for i, v in enumerate(values)]

    return every_row(x, one)


def finite_or_not(mine, x, t):
    """The learner's logits; at 0, where any finite one may mark the chosen token, 0 stands for them."""
    import torch

    y = mine(x, t)
    is_marked = t == 0 and isinstance(y, torch.Tensor)
    return torch.where(y.isfinite(), torch.zeros_like(y), y) if is_marked else y


def temperature(ladder: Ladder) -> None:
    """Below and above 1, at 0 with equal logits, negative ones, batches, float64; then 1 changes nothing."""
    x = draw(0, 2, 3, 5)
    cases = [
        Case("x = (2, 0, -1), t = 0.5", (row(2.0, 0.0, -1.0), 0.5)),
        Case("x = (2, 0, -1), t = 4", (row(2.0, 0.0, -1.0), 4.0)),
        Case("x = (2, 0, 3), t = 0", (row(2.0, 0.0, 3.0), 0.0)),
        Case("two equal logits, x = (1, 3, 3), t = 0", (row(1.0, 3.0, 3.0), 0.0)),
        Case("negative logits alone, t = 0", (row([-4.0, -2.0], [-1.0, -3.0]), 0.0)),
        Case("2x3 rows of 5 logits, t = 0.7", (x, 0.7)),
        Case("2x3 rows of 5 logits, t = 0", (x, 0.0)),
        Case("logits in float64, t = 1.3", (x.double(), 1.3)),
        Case("logits in float64, t = 0", (x.double(), 0.0)),
        Case("a logit of minus infinity, t = 2", (row(1.0, -math.inf, 0.5), 2.0)),
    ]
    ladder.agrees(cases, cooled, CLOSE, through=finite_or_not)
    ladder.gradients([cases[1], cases[5]], lambda x, t: x / t, CLOSE)
    ladder.same("The temperature 1 changes nothing, which", ladder.subject(x, 1.0), x, CLOSE)


def nucleus(x, p):
    """One token after the other into the nucleus until it weighs p; float64."""

    def one(values):
        order = sorted(range(len(values)), key=lambda i: (-values[i], i))
        share, weight, kept = shares(values), 0.0, set()
        for i in order:
            if kept and weight >= p and p < 1:
                break
            kept.add(i)
            weight += share[i]
        return [v if i in kept else -math.inf for i, v in enumerate(values)]

    return every_row(x, one)


def top_p(ladder: Ladder) -> None:
    """By hand on both sides of a sum, on it, 0 and 1, in another order, batches, half precision, gradient."""
    mixed = row(0.1, 0.6, 0.05, 0.25).log()
    x = 2 * draw(1, 3, 4, 9)
    cases = [
        Case("probabilities 0.1, 0.6, 0.05, 0.25 and p = 0.5", (mixed, 0.5)),
        Case("probabilities 0.1, 0.6, 0.05, 0.25 and p = 0.7", (mixed, 0.7)),
        Case("probabilities 0.1, 0.6, 0.05, 0.25 and p = 0.9", (mixed, 0.9)),
        Case("two equal logits and p = 0.5, which the first one reaches", (torch.zeros(2), 0.5)),
        Case("equal logits, of which the first ones stay, p = 0.6", (torch.zeros(4), 0.6)),
        Case("p = 0, where only the most probable token stays", (x, 0.0)),
        Case("p = 1, where all stay", (x, 1.0)),
        Case("p = 1 and a token that is less probable than 1 in 10^20", (row(0.0, 50.0, 1.0), 1.0)),
        Case("3x4 rows of 9 logits, p = 0.8", (x, 0.8)),
        Case("rows in float64, p = 0.35", (x.double(), 0.35)),
        Case("one token, p = 0.3", (row(2.0), 0.3)),
        Case("rows in float16, p = 0.8", ((x / 2).half(), 0.8)),
        Case("2 rows of 1,000 logits in float16, p = 0.8", (draw(3, 2, 1000).half(), 0.8)),
    ]
    ladder.agrees(cases, nucleus, CLOSE)
    ladder.gradients(
        [Case("2 rows that all stay", (draw(2, 2, 4), 1.0))], lambda x, p: x, CLOSE
    )  # minus infinity times 0 is no number


def discouraged(x, seen, penalty):
    """Row by row, token by token."""
    rows = []
    flat = x.reshape(-1, x.shape[-1])
    for values, before in zip(flat.tolist(), seen.reshape(len(flat), -1).tolist(), strict=True):
        change = [(v * penalty if v < 0 else v / penalty) if i in before else v for i, v in enumerate(values)]
        rows.append(change)
    return torch.tensor(rows, dtype=torch.float64).view(x.shape).to(x.dtype)


def repetition_penalty(ladder: Ladder) -> None:
    """Both signs by hand, padding, a token twice, none, batches, float64; a penalty below 1; gradients."""
    x, seen = (
        draw(3, 2, 3, 6),
        torch.tensor([[[0, 5, -1], [2, 2, 2], [-1, -1, -1]], [[1, 3, 4], [5, 0, 1], [4, 4, -1]]]),
    )
    cases = [
        Case(
            "x = (3, -3, 3, -3), tokens 0 and 1 seen, penalty = 1.5",
            (row(3.0, -3.0, 3.0, -3.0), row(0, 1), 1.5),
        ),
        Case("x = (4, 2), token 1 seen twice, penalty = 2", (row(4.0, 2.0), row(1, 1), 2.0)),
        Case("x = (4, 2), only padding, penalty = 2", (row(4.0, 2.0), row(-1, -1), 2.0)),
        Case("x = (4, 2), nothing seen", (row(4.0, 2.0), torch.zeros(0, dtype=torch.int64), 2.0)),
        Case(
            "x = (4, -2), penalty = 0.5, which makes repetition more probable",
            (row(4.0, -2.0), row(0, 1), 0.5),
        ),
        Case("penalty = 1, which changes nothing", (x, seen, 1.0)),
        Case("2x3 rows of 6 logits", (x, seen, 1.2)),
        Case("rows in float64", (x.double(), seen, 1.7)),
        Case("a logit of 0 and one of minus infinity", (row(0.0, -math.inf, 1.0), row(0, 1), 1.3)),
    ]
    ladder.agrees(cases, discouraged, CLOSE)
    oracle = lambda x, seen, penalty: x * (discouraged(x.detach(), seen, penalty) / x.detach())  # noqa: E731
    ladder.gradients([cases[0], cases[6]], oracle, CLOSE)


def accepted_tokens(p, q, proposed, u):
    """The two papers' algorithm, one token at a time, in Python."""
    p, q, u = p.double().tolist(), q.double().tolist(), u.tolist()
    tokens, weights = [], p[-1]
    for i, token in enumerate(proposed.tolist()):
        if u[i] * q[i][token] < p[i][token]:
            tokens.append(token)
            continue
        weights = [max(a - b, 0.0) for a, b in zip(p[i], q[i], strict=True)]
        break
    total, reached = sum(weights), 0.0
    for token, weight in enumerate(weights):
        reached += weight / total
        if reached > u[-1]:
            return torch.tensor([*tokens, token])
    raise AssertionError("the weights sum to 1")


def speculative_verify(ladder: Ladder) -> None:
    """By hand, all accepted, none, a rejection in the middle, nothing proposed; then the distribution."""
    p = row([0.25, 0.75], [0.5, 0.5], [0.9, 0.1])
    q = row([0.5, 0.5], [0.25, 0.75])
    cases = [
        Case("p(0) = 0.25, q(0) = 0.5, u = 0.4, then u = 0.3", (p[:2], q[:1], row(0), row(0.4, 0.3))),
        Case(
            "p(0) = 0.25, q(0) = 0.5, u = 0.6, where token 0 is rejected",
            (p[:2], q[:1], row(0), row(0.6, 0.3)),
        ),
        Case("p(0) = 0.25, q(0) = 0.5, u = 0.5, exactly the chance", (p[:2], q[:1], row(0), row(0.5, 0.3))),
        Case(
            "two tokens, both accepted, and a third from the last row",
            (p, q, row(1, 0), row(0.9, 0.99, 0.95)),
        ),
        Case("the first rejected, the second would be accepted", (p, q, row(0, 0), row(0.7, 0.1, 0.2))),
        Case("nothing proposed", (p[:1], q[:0], torch.zeros(0, dtype=torch.int64), row(0.5))),
        Case("a token of p = 0 and u = 0", (row([0.0, 1.0], [1.0, 0.0]), q[:1], row(0), row(0.0, 0.4))),
    ]
    for seed in range(12):
        k, v = 1 + seed % 4, 3 + seed % 3
        large = (draw(2 * seed, k + 1, v, dtype=torch.float64) / 2).softmax(1)
        small = (draw(2 * seed + 1, k, v, dtype=torch.float64) / 2).softmax(1)
        source = torch.Generator().manual_seed(seed)
        told = torch.multinomial(small, 1, generator=source).squeeze(1)
        u = torch.rand(k + 1, generator=source, dtype=torch.float64)
        cases.append(Case(f"{k} tokens of {v}, seed {seed}", (large, small, told, u)))
    ladder.agrees(cases, accepted_tokens, EXACT)
    # In small steps of both random numbers: what comes first has the large model's distribution.
    large, small = row([0.5, 0.3, 0.2], [0.2, 0.2, 0.6]), row(0.2, 0.2, 0.6)
    counts = [0.0, 0.0, 0.0]
    for token in range(3):
        for i in range(12):
            u = row((i + 0.5) / 12, (i * 5 % 12 + 0.5) / 12)
            first = int(ladder.subject(large, small[None], row(token), u)[0])
            counts[first] += float(small[token]) / 12
    far = max(abs(c - float(w)) for c, w in zip(counts, large[0], strict=True))
    ladder.holds("The first token was to have the large model's distribution.", far < 0.06)


# Evaluation


def scored(mine, table, letters, questions, start, longest):
    """The learner's function with a model that remembers all it reads, tokens of characters and questions."""
    import torch

    from gradschool.data.text.tokens.characters import Characters
    from gradschool.evals.language.benchmarks.choice import Question

    def model(x):
        return table[x].cumsum(1).sin() * 2

    asked = [Question(context, tuple(choices), right) for context, choices, right in questions]
    with torch.no_grad():
        found = mine(model, Characters.train([letters]), asked, start, longest)
    return {"log_p": found.log_p, "by_character": found.by_character, "answers": found.answers}


def letter_by_letter(table, letters, questions, start, longest):
    """Each choice alone: the cost of every letter behind the context, in float64 NumPy."""
    numbers = {c: i for i, c in enumerate(sorted(set(letters)), 1)}
    rows = table.double().numpy()
    log_p, by_character = [], []
    for context, choices, _ in questions:
        values = []
        for choice in choices:
            whole = [numbers[c] for c in f"{context} {choice}"]
            before = len(context.rstrip())
            if not before:
                whole, before = [start, *whole], 1
            cut = max(0, len(whole) - longest - 1) if longest else 0
            states = 2 * np.sin(np.cumsum(rows[whole[cut:-1]], 0))
            logs = states - np.log(np.exp(states).sum(1, keepdims=True))
            values.append(float(sum(logs[t - cut - 1, whole[t]] for t in range(before, len(whole)))))
        log_p.append(values)
        by_character.append([v / len(choice) for v, choice in zip(values, choices, strict=True)])
    return {"log_p": log_p, "by_character": by_character, "answers": [right for _, _, right in questions]}


def choice_likelihood(ladder: Ladder) -> None:
    """One question, several of different sizes, an empty context, a short memory; then what is chosen."""
    letters, table = "abcdefé ", draw(5, 9, 9)
    one = [("ab", ["c", "def"], 1)]
    more = [
        ("abc a", ["fed", "a", "bb cc"], 2),
        ("f", ["ab", "abab"], 0),
        ("cc ", ["d", "de", "ef", "fa"], 3),
    ]
    cases = [
        Case("'ab' and the choices 'c' and 'def'", (table, letters, one, None, None)),
        Case("three questions with 2 to 4 choices", (table, letters, more, None, None)),
        Case("an empty context with the start token 3", (table, letters, [("", ["ab", "c"], 0)], 3, None)),
        Case("an answer of 2 letters and 4 bytes", (table, letters, [("ab", ["éé", "c"], 0)], None, None)),
        Case("a model that can read 6 tokens", (table, letters, more, None, 6)),
        Case("the empty context and longest = 4", (table, letters, [("", ["abc", "d"], 1), *one], 2, 4)),
    ]
    ladder.agrees(cases, letter_by_letter, Tolerance(1e-4, 1e-5, "float32 sines of sums"), through=scored)


def covered(mine, tests, training, n):
    """The learner's overlaps as numbers; texts come one after the other and can be read once."""
    found = mine(iter(tests), iter(training), n) if n else mine(iter(tests), iter(training))
    return [[each.words, each.covered] for each in found]


def covered_by_search(tests, training, n):
    """Each window of the test is looked for in each training text, as a string between spaces."""
    n = n or 13
    plain = [f" {' '.join(re.findall(r'[a-z0-9_]+', text.lower()))} " for text in training]
    found = []
    for text in tests:
        own = re.findall(r"[a-z0-9_]+", text.lower())
        size, hits = min(n, len(own)), [False] * len(own)
        for i in range(len(own) - size + 1 if own else 0):
            if any(f" {' '.join(own[i : i + size])} " in each for each in plain):
                hits[i : i + size] = [True] * size
        found.append([len(own), sum(hits)])
    return found


def contamination(ladder: Ladder) -> None:
    """A common part, one at the end, across two texts, capitals and marks, short and empty texts, n = 13."""
    story = "the cat sat on the mat and the dog ran away"
    rng = np.random.default_rng(0)
    drawn = [" ".join(rng.choice(["a", "b", "c"], size)) for size in (30, 25, 9, 14)]
    numbers = " ".join(map(str, range(40)))
    cases = [
        Case("n = 3, 'the cat sat' in both", (["I saw the cat sat there"], [story], 3)),
        Case(
            "n = 3, the common part is the end of the training text",
            (["he ran away dog ran away"], [story], 3),
        ),
        Case("n = 3, two overlapping parts", (["on the mat and a dog"], [story], 3)),
        Case("n = 3, nothing in common", (["one two three four"], [story], 3)),
        Case(
            "n = 4, which only the two texts together hold",
            (["cat sat on the"], ["a cat sat", "on the mat"], 4),
        ),
        Case("n = 3, capitals and punctuation", (["THE CAT, sat!"], ["'The cat' sat."], 3)),
        Case("n = 5, a test of 3 words, looked for as a whole", (["sat on the", "mat on the"], [story], 5)),
        Case("n = 3, an empty test and a test of one word", (["", "dog", "cow", "..."], [story], 3)),
        Case("n = 1", (["a dog and a cow"], [story], 1)),
        Case("no training text", ([story], [], 3)),
        Case(
            "13 words by default, of which 12 are not enough",
            ([numbers, " ".join(map(str, range(5, 17)))], [" ".join(map(str, range(4, 30))), "x"], None),
        ),
        Case("random words, n = 4", (drawn[:2], drawn[2:], 4)),
        Case("random words, n = 6, four tests", (drawn, [drawn[0][6:40], drawn[3] + " c"], 6)),
    ]
    ladder.agrees(cases, covered_by_search, EXACT, through=covered)


def of_runs(mine, parameters, compute, loss):
    """The learner's function on runs; a refusal as a text."""
    import numpy as np

    from gradschool.errors import UserError
    from gradschool.evals.language.scaling.isoflop import Runs

    try:
        budgets, sizes = mine(Runs(np.array(parameters), np.array(compute), np.array(loss)))
    except UserError:
        return "refused"
    return {"budgets": budgets, "sizes": sizes}


def three_equations(parameters, compute, loss):
    """The normal equations of a parabola around the mean of log N, solved by Cramer's rule."""
    found = {}
    for budget in sorted(set(compute)):
        part = [(math.log(n), y) for n, c, y in zip(parameters, compute, loss, strict=True) if c == budget]
        if len({x for x, _ in part}) < 3:
            return "refused"
        middle = sum(x for x, _ in part) / len(part)
        s = [sum((x - middle) ** k for x, _ in part) for k in range(5)]
        m = [sum(y * (x - middle) ** k for x, y in part) for k in range(3)]
        a = np.linalg.solve([[s[4], s[3], s[2]], [s[3], s[2], s[1]], [s[2], s[1], s[0]]], m[::-1])
        if a[0] <= 0:
            return "refused"
        found[budget] = math.exp(middle - a[1] / (2 * a[0]))
    return {"budgets": np.array(list(found)), "sizes": np.array(list(found.values()))}


def isoflop_minimum(ladder: Ladder) -> None:
    """A parabola by hand, off the sizes that were tried, several budgets in any order, noise, refusals."""
    e = math.e
    tried = [1.0, e, e**2]
    rng, sizes, budgets, losses = np.random.default_rng(1), [], [], []  # type: ignore[var-annotated]
    for c in (1e6, 1e3, 1e9):
        n = 10 * c**0.4 * np.exp(np.linspace(-2, 2, 7))
        sizes, budgets = [*sizes, *n], [*budgets, *[c] * 7]
        losses += list(2 + 0.1 * (np.log(n) - np.log(12 * c**0.4)) ** 2 + 0.01 * rng.normal(size=7))
    mixed = rng.permutation(21)
    mixed_runs = tuple([each[i] for i in mixed] for each in (sizes, budgets, losses))
    cases = [
        Case("log N = 0, 1, 2 with losses 5, 4, 5", (tried, [1.0] * 3, [5.0, 4.0, 5.0])),
        Case("log N = 0, 1, 2 with losses 6, 4, 4", (tried, [1.0] * 3, [6.0, 4.0, 4.0])),
        Case("log N = 0, 1, 2 with losses 3, 1, 2", (tried, [10.0] * 3, [3.0, 1.0, 2.0])),
        Case("a minimum outside the sizes, losses 6, 4, 3", (tried, [1.0] * 3, [6.0, 4.0, 3.0])),
        Case("three budgets with seven sizes each, in any order", mixed_runs),
        Case("a size that was run twice", ([*tried, e], [1.0] * 4, [5.0, 4.0, 5.0, 4.4])),
        Case("losses 4, 5, 4, whose parabola opens downwards", (tried, [1.0] * 3, [4.0, 5.0, 4.0])),
        Case("losses of 0 throughout, which have no minimum", (tried, [1.0] * 3, [0.0, 0.0, 0.0])),
        Case("two sizes, where the larger one is worse", ([1.0, e, e], [1.0] * 3, [4.0, 5.0, 5.5])),
        Case("two sizes, one of them twice", ([1.0, e, e], [1.0] * 3, [5.0, 4.0, 4.5])),
        Case(
            "a second budget of two sizes",
            ([*tried, 1.0, e], [1.0] * 3 + [2.0] * 2, [5.0, 4.0, 5.0, 4.0, 3.0]),
        ),
    ]
    ladder.agrees(cases, three_equations, FITTED, through=of_runs)


# Retrieval


def found_by(mine, texts, question, k1, b):
    """The learner's scores; None stands for the setting's own value."""
    given = {name: value for name, value in (("k1", k1), ("b", b)) if value is not None}
    return mine(texts, **given).scores(question)


def one_text_at_a_time(texts, question, k1, b):
    """Robertson and Zaragoza's sum, text by text, in Python's float64."""
    k1, b = 1.5 if k1 is None else k1, 0.75 if b is None else b
    split = [re.findall(r"\w+", text.lower()) for text in texts]
    asked = re.findall(r"\w+", question.lower())
    mean = max(1.0, sum(map(len, split)) / max(1, len(split)))
    scores = []
    for own in split:
        total = 0.0
        for word in asked:
            m = sum(word in each for each in split)
            c = own.count(word)
            if c:
                rare = math.log((len(split) + 1) / (m + 0.5))
                total += rare * c * (k1 + 1) / (c + k1 * (1 - b + b * len(own) / mean))
        scores.append(total)
    return torch.tensor(scores, dtype=torch.float64)


def bm25(ladder: Ladder) -> None:
    """Rare and repeated words, lengths, settings, a word asked twice, nothing shared, no texts."""
    texts = ["the cat sat", "the dog and the other dog ran", "a cat and a dog", "the the the the"]
    rng = np.random.default_rng(2)
    drawn = [" ".join(rng.choice(list("abcdefgh"), size)) for size in rng.integers(1, 30, 12)]
    cases = [
        Case("'cat' in 4 texts", (texts, "cat", None, None)),
        Case("'the dog' in 4 texts", (texts, "the dog", None, None)),
        Case("'dog dog cat', where dog is asked for twice", (texts, "dog dog cat", None, None)),
        Case("'The DOG?' with capitals and a mark", (texts, "The DOG?", None, None)),
        Case("k1 = 0, where only whether a word occurs counts", (texts, "the dog", 0.0, None)),
        Case("b = 0, where lengths do not matter", (texts, "the dog", None, 0.0)),
        Case("b = 1, k1 = 2", (texts, "the dog ran", 2.0, 1.0)),
        Case("a word that no text holds", (texts, "cow", None, None)),
        Case("an empty question", (texts, "", None, None)),
        Case("no texts", ([], "cat", None, None)),
        Case("one text", (["the cat and the other cat"], "cat", None, None)),
        Case("empty texts only", (["", ""], "cat", None, None)),
        Case("one word in all, in texts of which one is empty", (["cat", "", ""], "cat", None, None)),
        Case("12 random texts", (drawn, "a b b c h z", None, None)),
        Case("12 random texts, k1 = 1.2, b = 0.3", (drawn, "d e f a", 1.2, 0.3)),
    ]
    ladder.agrees(cases, one_text_at_a_time, FLOAT64, through=found_by)
