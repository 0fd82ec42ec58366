"""Checks of chapter 14, first half: against torch's attention in float64, and head after head."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-4, 1e-5, "float32 softmax and sums of at most 9 terms, against float64")
LARGE = Tolerance(1e-2, 1e-3, "exponentials of float32 scores of up to 1000, whose last digit is 6e-5")
GRADS = Tolerance(1e-3, 1e-5, "float32 products of three such sums, against float64")
FAR = Tolerance(1e-3, 1e-4, "float32 angles up to 1,000, whose last digit is 6e-5; float16 on a grid")
LAYER = Tolerance(1e-3, 1e-4, "float32 projections, softmax and projection, against float64")
WIDE = Tolerance(1e-9, 1e-10, "float64 angles of a small grid")
EXACT = Tolerance(0, 0, "numbers are moved, not changed")


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def oracle(q, k, v, mask=None, causal=False):
    """Torch's attention in float64; a query that sees nothing gets zeros."""
    if causal:
        back = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
        mask = back if mask is None else mask & back
    return F.scaled_dot_product_attention(q.double(), k.double(), v.double(), mask).to(q.dtype)


def attend(ladder: Ladder) -> None:
    """Self and cross attention, masks, causality; then order, batch, large scores and a task to learn."""
    # 1. Sizes that all differ, so that no axis can stand in for another.
    mask = torch.rand(2, 1, 5, 7, generator=torch.Generator().manual_seed(9)) > 0.4
    blind = torch.tensor([[True, True, True], [False, False, False]])
    cases = [
        case("one query, one key", 0, (1, 1, 2), (1, 1, 2), (1, 1, 3)),
        case("5 queries, 7 keys", 1, (2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)),
        case("no batch axes", 2, (5, 16), (5, 16), (5, 2)),
        case("a mask", 3, (2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6), mask=mask),
        case("causal, 6 places", 4, (2, 6, 4), (2, 6, 4), (2, 6, 3), causal=True),
        case("causal and masked", 5, (2, 1, 5, 4), (2, 1, 7, 4), (2, 1, 7, 3), mask=mask, causal=True),
        case("a query that may look at nothing", 6, (2, 4), (3, 4), (3, 2), mask=blind),
    ]  # fmt: skip
    ladder.agrees(cases, oracle, CLOSE)
    ladder.gradients([cases[1], cases[3], cases[4]], oracle, GRADS)
    # 2. What holds for every attention.
    f = ladder.subject
    q, k, v = cases[1].args
    y, order = f(q, k, v), torch.tensor([3, 0, 6, 2, 5, 1, 4])
    ladder.same(
        "The order of the keys does not matter, which", f(q, k[..., order, :], v[..., order, :]), y, CLOSE
    )
    ladder.same("Each sequence of a batch is treated alone, which", f(q[1:], k[1:], v[1:]), y[1:], CLOSE)
    for size in (300, 1e30):
        y = f(size * q, k, v)
        said = f"Scores of about {size:g} must not overflow; NaN or infinity came."
        ladder.holds(said, bool(y.isfinite().all()))
        said = f"The largest score of each query counts: with scores of about {size:g} this"
        ladder.same(said, y, oracle(size * q, k, v), LARGE)
    q, k, v = numbers([1e6]), numbers([-1e6], [-2e6], [0.0]), numbers([2.0], [4.0], [8.0])
    y = f(q, k, v, mask=torch.tensor([[True, True, False]]))
    said = "A hidden key gets nothing, however small the other scores are (-1e12 here), which"
    ladder.same(said, y, numbers([2.0]), CLOSE)
    # 3. Learn to look up the value whose key is the query: the gradient has to find W near a large identity.
    first, last = lookup(f)
    said = (
        f"Looking values up was to bring the loss from {first:.2f} below {first / 4:.2f}; it is {last:.2f}."
    )
    ladder.trains(said, last < first / 4)


def lookup(attend) -> tuple[float, float]:
    """Loss of a lookup before and after 40 steps of gradient descent on one matrix."""
    generator = torch.Generator().manual_seed(0)
    k, v = torch.randn(6, 8, generator=generator), torch.randn(6, 3, generator=generator)
    w = torch.zeros(8, 8, requires_grad=True)
    losses = []
    for _ in range(40):
        loss = (attend(k @ w, k, v) - v).square().mean()
        (g,) = torch.autograd.grad(loss, w)
        w = (w - 4.0 * g).detach().requires_grad_()
        losses.append(loss.item())
    return losses[0], losses[-1]


def case(about, seed, *shapes, **kwargs) -> Case:
    """Random q, k and v of given shapes."""
    generator = torch.Generator().manual_seed(seed)
    return Case(about, tuple(torch.randn(shape, generator=generator) for shape in shapes), kwargs)


def added(q, k, v, w, mask=None):
    """Pair after pair in float64; a query that sees nothing gets zeros."""
    scores = torch.stack(
        [(q[..., i, None, :].double() + k.double()).tanh() @ w.double() for i in range(q.shape[-2])], -2
    )
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = F.softmax(scores, -1).nan_to_num(0.0)
    return (weights @ v.double()).to(q.dtype), weights.to(q.dtype)


def additive_attention(ladder: Ladder) -> None:
    """By hand, sizes, no batch axes, masks, a blind query; gradients; one batch row alone."""
    mask = draw(9, 2, 5, 7) > 0
    blind = torch.tensor([[True, True, False], [False, False, False]])
    cases = [
        Case(
            "q = (0), keys 0 and 1, values 2 and 4, w = (1)",
            (numbers([0.0]), numbers([0.0], [1.0]), numbers([2.0], [4.0]), torch.ones(1)),
        ),
        Case("5 queries, 7 keys", (draw(0, 2, 5, 4), draw(1, 2, 7, 4), draw(2, 2, 7, 3), draw(3, 4))),
        Case("no batch axes", (draw(4, 3, 6), draw(5, 2, 6), draw(6, 2, 5), draw(7, 6))),
        Case("a mask", (draw(0, 2, 5, 4), draw(1, 2, 7, 4), draw(2, 2, 7, 3), draw(3, 4), mask)),
        Case(
            "a query that may look at nothing",
            (draw(0, 2, 4), draw(1, 3, 4), draw(2, 3, 2), draw(3, 4), blind),
        ),
        Case(
            "float64",
            (draw(0, 3, 4).double(), draw(1, 5, 4).double(), draw(2, 5, 2).double(), draw(3, 4).double()),
        ),
    ]
    ladder.agrees(cases, added, CLOSE)
    ladder.gradients([cases[1], cases[3]], added, GRADS)
    q, k, v, w = cases[1].args
    whole, _ = ladder.subject(q, k, v, w)
    alone, _ = ladder.subject(q[..., 2:3, :], k, v, w)
    ladder.same("The keys serve all queries, each alone, which", alone, whole[..., 2:3, :], CLOSE)


def cut(x, h):
    """Head after head by slices."""
    d = x.shape[-1] // h
    return torch.stack([x[..., i * d : (i + 1) * d] for i in range(h)], -3)


def split_heads(ladder: Ladder) -> None:
    """3 tokens by hand, sizes, any batch axes, one head, float64; gradients."""
    hand = torch.arange(1.0, 13).view(3, 4)
    cases = [
        Case("3 tokens (1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12) and 2 heads", (hand, 2)),
        Case("2 sequences of 5 tokens, 6 numbers, 3 heads", (draw(0, 2, 5, 6), 3)),
        Case("no batch axes, 3 heads", (draw(1, 4, 9), 3)),
        Case("two batch axes", (draw(2, 2, 3, 5, 8), 4)),
        Case("one head", (draw(3, 2, 5, 6), 1)),
        Case("heads of one number, float64", (draw(4, 2, 3, 5).double(), 5)),
    ]
    ladder.agrees(cases, cut, EXACT)
    ladder.gradients(cases[:4], cut, EXACT)


def made_on(mine, args):
    """Where the learner's function puts its result if it is asked to; what raises there is no wrong place."""
    import torch

    try:
        return mine(*args, device=torch.device("meta")).device.type
    except Exception:
        return "meta"


def seen(n, m, offset=0, device=None):
    """Place after place."""
    rows = [[key <= offset + query for key in range(m)] for query in range(n)]
    return torch.tensor(rows, dtype=torch.bool).view(n, m)


def causal_mask(ladder: Ladder) -> None:
    """A square, offsets of a cache, fewer and more keys than queries, nothing."""
    cases = [
        Case("3 queries, 3 keys", (3, 3)),
        Case("2 queries and 6 keys, of which 3 came before the first query", (2, 6, 3)),
        Case("1 query and 9 keys, of which 4 came before it, a cache with free places", (1, 9, 4)),
        Case("4 queries, 7 keys, no offset", (4, 7)),
        Case("5 queries, 2 keys", (5, 2)),
        Case("3 queries, 5 keys, offset 2", (3, 5, 2)),
        Case("no query", (0, 3)),
    ]
    ladder.agrees(cases, seen, EXACT)
    came = ladder.inside(made_on)([2, 3])
    ladder.holds(f"The mask was to be made on the device 'meta'; it is on {came!r}.", came == "meta")


def counted(valid):
    """Row after row: how many tokens came before the last one so far."""
    rows = [[max(sum(row[: i + 1]) - 1, 0) for i in range(len(row))] for row in valid.tolist()]
    return torch.tensor(rows, dtype=torch.int64).view(valid.shape)


def left_padding(ladder: Ladder) -> None:
    """Padding on the left, on the right, on both sides, none, everywhere."""
    rows = {
        "a row of 2 places of padding and 3 tokens": [[0, 0, 1, 1, 1]],
        "rows of 4 places with 4, 2 and 1 tokens, padded on the left": [
            [1, 1, 1, 1],
            [0, 0, 1, 1],
            [0, 0, 0, 1],
        ],
        "padding on the right": [[1, 1, 1, 0, 0], [1, 0, 0, 0, 0]],
        "padding on both sides": [[0, 1, 1, 1, 0, 0]],
        "a row of padding": [[0, 0, 0], [1, 1, 1]],
        "one token": [[1]],
    }
    cases = [Case(about, (torch.tensor(row, dtype=torch.bool),)) for about, row in rows.items()]
    ladder.agrees(cases, counted, EXACT)


def layer(mine, sizes, options, weights, x, memory, given, parts):
    """The learner's layer with these weights: result and slope of the input.

    `parts` tokens at a time go through a cache, if it is not 0; a memory that is "read" goes in as a pair.
    """
    import torch

    attention = mine(*sizes, **options)
    attention.load_state_dict(weights)

    class Held:
        """What a cache of one layer does."""

        length, k, v = 0, None, None

        def extend(self, k, v):
            self.k = k if self.k is None else torch.cat([self.k, k], -2)
            self.v = v if self.v is None else torch.cat([self.v, v], -2)
            self.length = self.k.shape[-2]
            return self.k, self.v

    x = x.clone().requires_grad_()
    if parts:
        cache, out = Held(), []
        for step in x.split(parts, 1):
            start, stop = cache.length, cache.length + step.shape[1]
            own = {"mask": given["mask"][..., start:stop, :stop]} if "mask" in given else {}
            out.append(attention(step, cache=cache, **{**given, **own}))
        y = torch.cat(out, 1)
    else:
        given = dict(given)
        memory = attention.read(memory) if given.pop("read", False) else memory
        y = attention(x, memory, **given)
    (slope,) = torch.autograd.grad((y * torch.arange(1.0, y.numel() + 1).view_as(y).sin()).sum(), x)
    return y.detach(), slope


def with_memory(mine, weights, x):
    """What a layer with rotary positions says to a memory."""
    attention = mine(8, 2, base=100.0)
    attention.load_state_dict(weights)
    try:
        attention(x, x)
    except ValueError:
        return "ValueError"
    return "no error"


def slow_layer(sizes, options, weights, x, memory, given, parts):
    """The same head after head in float64, with rotations as products of complex numbers."""
    width, heads, *groups = sizes
    kv, d = groups[0] if groups else heads, width // heads
    x = x.double().clone().requires_grad_()
    W = {name: value.double() for name, value in weights.items()}

    def project(name, y):
        return y @ W[f"{name}.weight"].T + W.get(f"{name}.bias", torch.zeros(1).double())

    def part(name, y, i, at):
        y = project(name, y)[..., i * d : (i + 1) * d]
        if f"{name}_norm.weight" in W:
            y = W[f"{name}_norm.weight"] * y / (y.square().mean(-1, keepdim=True) + 1.1920929e-07).sqrt()
        if options.get("base") and name != "value":
            rates = options["base"] ** (-torch.arange(d // 2).double() * 2 / d)
            turned = torch.complex(y[..., : d // 2], y[..., d // 2 :]) * torch.polar(
                torch.ones(()).double(), at[..., None].double() * rates
            )
            y = torch.cat([turned.real, turned.imag], -1)
        return y

    source = x if memory is None else memory.double()
    step = torch.arange(x.shape[1])
    at = given.get("positions", step)
    mask = given.get("mask", torch.ones(1, 1, 1, 1, dtype=torch.bool))
    if given.get("causal") or parts:
        # A query sees up to itself; without `causal` up to the end of its part.
        last = step if given.get("causal") else step // parts * parts + parts - 1
        mask = mask & (torch.arange(source.shape[1]) <= last[:, None])
    found = []
    for i in range(heads):
        own = mask[:, min(i, mask.shape[1] - 1)]
        q, k, v = (
            part("query", x, i, at),
            part("key", source, i * kv // heads, at),
            part("value", source, i * kv // heads, at),
        )
        found.append((q @ k.mT / d**0.5).masked_fill(~own, -torch.inf).softmax(-1) @ v)
    y = project("output", torch.cat(found, -1))
    (slope,) = torch.autograd.grad((y * torch.arange(1.0, y.numel() + 1).view_as(y).sin().double()).sum(), x)
    return y.detach().float(), slope.float()


def weights(width, heads, kv, bias, norm):
    """Random weights of a layer by name."""
    sizes = {"query": width, "key": kv * width // heads, "value": kv * width // heads, "output": width}
    found = {f"{name}.weight": draw(i, size, width) / 2 for i, (name, size) in enumerate(sizes.items())}
    if bias:
        found |= {f"{name}.bias": draw(9 + i, size) for i, (name, size) in enumerate(sizes.items())}
    if norm:
        found |= {
            f"{name}_norm.weight": 1 + draw(5 + i, width // heads).abs()
            for i, name in enumerate(("query", "key"))
        }
    return found


def multi_head(ladder: Ladder) -> None:
    """Self and cross attention, masks, groups, rotary positions, norms, no biases, token after token."""
    x, memory = draw(20, 2, 5, 8), draw(21, 2, 7, 8)
    mask = torch.rand(2, 1, 5, 5, generator=torch.Generator().manual_seed(3)) > 0.4
    mask |= torch.eye(5, dtype=torch.bool)
    at = torch.tensor([[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]])
    usual: dict[str, float] = {}
    plain, shared = (
        ((8, 2), usual, weights(8, 2, 2, True, False)),
        ((8, 4, 2), usual, weights(8, 4, 2, True, False)),
    )
    rotary, normed = (
        ({"base": 100.0}, weights(8, 2, 2, True, False)),
        ({"norm": True, "bias": False}, weights(8, 2, 2, False, True)),
    )
    cases = [
        Case("2 heads of 4 numbers, 5 positions", (*plain, x, None, {}, 0)),
        Case("5 queries that look at a memory of 7", (*plain, x, memory, {}, 0)),
        Case("a memory that `read` has made keys and values of", (*plain, x, memory, {"read": True}, 0)),
        Case("causal attention", (*plain, x, None, {"causal": True}, 0)),
        Case("a mask", (*plain, x, None, {"mask": mask}, 0)),
        Case("a mask and causal attention", (*plain, x, None, {"mask": mask, "causal": True}, 0)),
        Case("4 heads of queries, 2 of keys and values", (*shared, x, None, {}, 0)),
        Case("rotary positions", ((8, 2), *rotary, x, None, {"causal": True}, 0)),
        Case("rotary positions that are given", ((8, 2), *rotary, x, None, {"positions": at}, 0)),
        Case("normalised queries and keys, no biases", ((8, 2), *normed, x, None, {}, 0)),
        Case("a cache, token after token", ((8, 2), *rotary, x, None, {}, 1)),
        Case("a cache, 2 tokens at a time that see each other", ((8, 2), *rotary, x, None, {}, 2)),
        Case("causal attention, 2 tokens at a time", ((8, 2), *rotary, x, None, {"causal": True}, 2)),
        Case(
            "causal attention with a mask, 2 tokens at a time",
            ((8, 2), *rotary, x, None, {"mask": mask, "causal": True}, 2),
        ),
    ]
    ladder.agrees(cases, slow_layer, LAYER, through=layer)
    came = ladder.inside(with_memory)(rotary[1], x)
    said = f"Rotary positions are those of one text: with a memory a ValueError was expected; {came} came."
    ladder.holds(said, came == "ValueError")


def typed(mine, first, d, base=None, dtype=None):
    """The learner's function with what was given; a type is sent by its name."""
    import torch

    given = {} if base is None else {"base": base}
    return mine(first, d, **given) if dtype is None else mine(first, d, **given, dtype=getattr(torch, dtype))


def clocks(positions, d, base=10000.0, dtype="float32"):
    """Number after number, by Python's own sine and cosine."""
    found = torch.zeros(*positions.shape, d, dtype=torch.float64)
    for index in np.ndindex(*positions.shape):
        for i in range(d // 2):
            angle = int(positions[index]) * base ** (-2 * i / d)
            found[(*index, 2 * i)], found[(*index, 2 * i + 1)] = math.sin(angle), math.cos(angle)
    return found.to(getattr(torch, dtype))


def sinusoids(ladder: Ladder) -> None:
    """Position by position, other bases, a batch of positions, far away, float64."""
    cases = [
        Case("positions 0, 1, 2 and d = 4", (torch.arange(3), 4)),
        Case("7 positions and d = 6", (torch.arange(7), 6)),
        Case("base 100", (torch.arange(5), 8, 100.0)),
        Case("positions (2, 3)", (torch.tensor([[5, 0, 9], [1, 1, 30]]), 2)),
        Case("positions up to 1,000 in float32", (torch.tensor([0, 10, 1000]), 4)),
        Case("float64", (torch.arange(6), 4, 10000.0, "float64")),
        Case("float64, base 100", (torch.arange(3, 7), 6, 100.0, "float64")),
        Case("float64, positions near 10,000,000", (torch.arange(10**7, 10**7 + 3), 6, 100.0, "float64")),
    ]
    ladder.agrees(cases, clocks, FAR, through=typed)


def moved(k, d, base=10000.0, dtype="float32"):
    """The matrix that solves M P = P' for many positions, by least squares, in float64."""
    at = torch.arange(4 * d)
    a, b = clocks(at, d, base, "float64"), clocks(at + k, d, base, "float64")
    return torch.linalg.lstsq(a, b).solution.T.to(getattr(torch, dtype))


def shift_matrix(ladder: Ladder) -> None:
    """One and three steps on, back, none, other bases, float64; then it is orthogonal."""
    cases = [
        Case("k = 1 and d = 2", (1, 2)),
        Case("k = 3 and d = 4, base 100", (3, 4, 100.0)),
        Case("k = -2 and d = 4, base 100", (-2, 4, 100.0)),
        Case("k = 0", (0, 4, 50.0)),
        Case("k = 2 and d = 6, base 20", (2, 6, 20.0)),
        Case("float64", (5, 4, 30.0, "float64")),
        Case("float64, k = 10,000,000", (10**7, 4, 30.0, "float64")),
    ]
    ladder.agrees(cases, moved, FAR, through=typed)
    M = ladder.subject(7, 8, 100.0)
    ladder.same("The matrix is orthogonal, which", M @ M.T, torch.eye(8), FAR)
    came = ladder.inside(made_on)([2, 4])
    ladder.holds(f"The matrix was to be made on the device 'meta'; it is on {came!r}.", came == "meta")


def placed(h):
    """Place after place."""
    _, rows, columns, width = h.shape
    down, across = (clocks(torch.arange(n), width // 2, dtype="float64") for n in (rows, columns))
    both = [[torch.cat([down[r], across[c]]) for c in range(columns)] for r in range(rows)]
    return (h.double() + torch.stack([torch.stack(row) for row in both]).double()).to(h.dtype)


def grid_positions(ladder: Ladder) -> None:
    """Zeros on a small grid, wide and high grids, one patch, float64; gradients."""
    cases = [
        Case("zeros on 2 rows and 3 columns", (torch.zeros(1, 2, 3, 4),)),
        Case("2 pictures of 3 rows and 5 columns, 8 numbers", (draw(0, 2, 3, 5, 8),)),
        Case("4 rows and 2 columns", (draw(1, 3, 4, 2, 12),)),
        Case("one patch", (draw(2, 1, 1, 1, 4),)),
        Case("float64", (draw(3, 1, 2, 3, 4).double(),)),
        Case("zeros in half precision", (torch.zeros(1, 2, 2, 8).half(),)),
        Case("zeros in half precision, 3 rows", (torch.zeros(2, 3, 1, 4).half(),)),
    ]
    ladder.agrees(cases, placed, FAR)
    ladder.gradients(cases[1:2], placed, FAR)
    (wide,) = cases[4].args
    ladder.same("float64 is computed in float64, which", ladder.subject(wide), placed(wide), WIDE)
