"""Checks of chapter 14, second half: rotations, tiles, features, caches, slots; oracles in float64."""

import math

import torch

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-4, 1e-5, "float32 softmax and sums of at most 9 terms, against float64")
GRADS = Tolerance(1e-3, 1e-5, "float32 products of three such sums, against float64")
MEAN = Tolerance(5e-2, 0, "the mean of 20,000 random products")
EXACT = Tolerance(0, 0, "numbers are moved, not changed")


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def turned(x, angles, interleaved=False):
    """Pairs as complex numbers, multiplied by exp(i angle)."""
    d, y = x.shape[-1], x.double()
    first, second = (y[..., 0::2], y[..., 1::2]) if interleaved else (y[..., : d // 2], y[..., d // 2 :])
    z = torch.complex(first, second) * torch.polar(torch.ones_like(angles).double(), angles.double())
    both = torch.stack([z.real, z.imag], -1).flatten(-2) if interleaved else torch.cat([z.real, z.imag], -1)
    return both.to(x.dtype)


def rotary(ladder: Ladder) -> None:
    """By hand, both layouts, angles for each row, half precision; lengths and relative positions stay."""
    right = torch.tensor([[math.pi / 2, 0.0]])
    cases = [
        Case("x = (1, 2, 3, 4), angles 90 degrees and 0", (numbers([1.0, 2, 3, 4]), right)),
        Case(
            "x = (1, 2, 3, 4), angles 90 degrees and 0, interleaved", (numbers([1.0, 2, 3, 4]), right, True)
        ),
        Case("2 heads of 5 positions", (draw(0, 2, 5, 6), draw(1, 5, 3))),
        Case("2 heads of 5 positions, interleaved", (draw(0, 2, 5, 6), draw(1, 5, 3), True)),
        Case("angles for each row", (draw(2, 3, 2, 4, 6), draw(3, 3, 1, 4, 3))),
        Case("half precision", (draw(4, 3, 4).half(), draw(5, 3, 2))),
        Case("half precision, interleaved", (draw(4, 3, 4).half(), draw(5, 3, 2), True)),
        Case("float64", (draw(6, 3, 4).double(), draw(7, 3, 2).double())),
    ]
    ladder.agrees(cases, turned, CLOSE)
    ladder.gradients([cases[2], cases[3]], turned, GRADS)
    x = draw(8, 5, 6)
    y = ladder.subject(x, draw(9, 5, 3))
    ladder.same("Every vector keeps its length, which", y.norm(dim=1), x.norm(dim=1), CLOSE)


def shared(x, h):
    """Head after head."""
    g = x.shape[-3]
    return torch.stack([x[..., i * g // h, :, :] for i in range(h)], -3)


def grouped_query(ladder: Ladder) -> None:
    """By hand, one group, as many groups as heads, any batch axes; gradients."""
    cases = [
        Case("2 groups, numbers 1 and 2, for 4 heads", (torch.tensor([[[1.0]], [[2.0]]]), 4)),
        Case("2 groups for 6 heads", (draw(0, 2, 2, 5, 3), 6)),
        Case("1 group for 4 heads", (draw(1, 2, 1, 5, 3), 4)),
        Case("3 groups for 3 heads", (draw(2, 3, 5, 2), 3)),
        Case("two batch axes", (draw(3, 2, 3, 2, 4, 5), 4)),
    ]
    ladder.agrees(cases, shared, EXACT)
    ladder.gradients(cases[:3], shared, CLOSE)


def at_once(q, k, v, mask=None, causal=False, tile=64):
    """The whole table of scores in float64."""
    s = q.double() @ k.double().transpose(-2, -1) / q.shape[-1] ** 0.5
    if causal:
        s = s.masked_fill(~torch.ones(s.shape[-2:], dtype=torch.bool).tril(), -torch.inf)
    if mask is not None:
        s = s.masked_fill(~mask, -torch.inf)
    logs = s.logsumexp(-1)
    y = (s - logs.unsqueeze(-1)).exp().nan_to_num(0.0) @ v.double()
    return y.to(q.dtype), logs.to(torch.float64 if q.dtype == torch.float64 else torch.float32)


def online_softmax(ladder: Ladder) -> None:
    """Tiles of several sizes, scores that rise and fall, hidden tiles, large scores, half precision."""
    mask = draw(9, 2, 1, 5, 7) > -0.5
    late = torch.tensor([[False, False, True, True, True], [True, True, False, False, False]])
    blind = torch.tensor([[False, False, False], [True, True, False]])
    rising = torch.arange(6.0)[:, None] * 3
    q, k, v = draw(0, 2, 3, 5, 4), draw(1, 2, 3, 7, 4), draw(2, 2, 3, 7, 6)
    cases = [
        Case(
            "1 query, keys 0 and log 3, values 10 and 20, tiles of 1",
            (numbers([1.0]), numbers([0.0], [math.log(3)]), numbers([10.0], [20.0]), None, False, 1),
        ),
        Case("5 queries, 7 keys, tiles of 2", (q, k, v, None, False, 2)),
        Case("5 queries, 7 keys, one tile", (q, k, v)),
        Case("a mask, tiles of 3", (q, k, v, mask, False, 3)),
        Case("causal, tiles of 2", (q, k[..., :5, :], v[..., :5, :], None, True, 2)),
        Case("causal and masked, tiles of 3", (q, k[..., :5, :], v[..., :5, :], mask[..., :5], True, 3)),
        Case(
            "tiles that are hidden, first or last",
            (draw(3, 2, 4), draw(4, 5, 4), draw(5, 5, 2), late, False, 2),
        ),
        Case(
            "a query that may look at nothing", (draw(3, 2, 4), draw(4, 3, 4), draw(5, 3, 2), blind, False, 2)
        ),
        Case("scores that rise", (torch.ones(1, 1), rising, draw(6, 6, 2), None, False, 2)),
        Case("scores that fall", (torch.ones(1, 1), -rising, draw(6, 6, 2), None, False, 2)),
        Case("half precision", (q.half(), k.half(), v.half(), None, False, 2)),
        Case("float64", (q.double(), k.double(), v.double(), None, False, 4)),
    ]
    ladder.agrees(cases, at_once, CLOSE)
    y, logs = ladder.subject(300 * q, k, v, None, False, 2)
    ladder.holds(
        "Scores in the hundreds must not overflow; NaN or infinity came.",
        bool(y.isfinite().all() and logs.isfinite().all()),
    )


def by_pairs(q, k, v, valid=None, causal=False):
    """All weights in a table, in float64."""
    weights = q.double() @ k.double().transpose(-2, -1)
    if valid is not None:
        weights = weights.masked_fill(~valid.unsqueeze(-2), 0)
        v = v.masked_fill(~valid.unsqueeze(-1), 0)
    if causal:
        weights = weights.tril()
    total = weights.sum(-1, keepdim=True)
    return (weights / torch.where(total == 0, 1.0, total) @ v.double()).to(q.dtype)


def linear_attention(ladder: Ladder) -> None:
    """By hand, sizes, padding of all kinds, causal, features of zero, half precision; gradients."""
    q, k, v = draw(0, 2, 3, 5, 4).abs(), draw(1, 2, 3, 7, 4).abs(), draw(2, 2, 3, 7, 6)
    valid, endless = draw(3, 2, 1, 7) > -0.5, draw(2, 2, 3, 7, 6)
    endless = endless.masked_fill(~valid.unsqueeze(-1), math.inf)
    nothing = torch.zeros(2, 3)
    cases = [
        Case(
            "features of q (1, 2), of keys (1, 0) and (1, 1), values 4 and 8",
            (numbers([1.0, 2]), numbers([1.0, 0], [1, 1]), numbers([4.0], [8.0])),
        ),
        Case("5 queries, 7 keys", (q, k, v)),
        Case("padding", (q, k, v, valid)),
        Case("padding of infinity", (q, k, endless, valid)),
        Case("causal", (q, k[..., :5, :], v[..., :5, :], None, True)),
        Case("causal, no batch axes", (q[0, 0], k[0, 0, :5], v[0, 0, :5], None, True)),
        Case("causal with padding", (q, k[..., :5, :], v[..., :5, :], valid[..., :5], True)),
        Case("weights that are all 0", (nothing, draw(4, 3, 3).abs(), draw(5, 3, 2))),
        Case("half precision", (q.half(), k.half(), v.half())),
        Case("float64", (q.double(), k.double(), v.double())),
    ]
    ladder.agrees(cases, by_pairs, CLOSE)
    ladder.gradients([cases[1], cases[4]], by_pairs, GRADS)


def logarithms(x, w):
    """Vector after vector in float64."""
    y = x.double() / math.sqrt(math.sqrt(x.shape[-1]))
    found = torch.stack([(y * each.double()).sum(-1) for each in w], -1) - (y * y).sum(-1, keepdim=True) / 2
    return found.to(torch.float64 if x.dtype == torch.float64 else torch.float32)


def random_features(ladder: Ladder) -> None:
    """By hand, sizes, float64, half precision; then products are exp(q k / root d) on average."""
    cases = [
        Case("x = (2), directions 1 and -1", (numbers([2.0]), numbers([1.0], [-1.0]))),
        Case("5 vectors of 4 numbers, 3 directions", (draw(0, 2, 5, 4), draw(1, 3, 4))),
        Case("no batch axes", (draw(2, 3, 16), draw(3, 7, 16))),
        Case("float64", (draw(2, 3, 9).double(), draw(3, 7, 9).double())),
        Case("half precision", (draw(2, 3, 4).half(), draw(3, 2, 4))),
    ]
    ladder.agrees(cases, logarithms, CLOSE)
    ladder.gradients(cases[1:3], logarithms, GRADS)
    q, k, w = draw(4, 1, 4) / 2, draw(5, 1, 4) / 2, draw(6, 20000, 4)
    product = (ladder.subject(q, w) + ladder.subject(k, w)).exp().mean()
    said = "Over 20,000 directions the mean product of the features is exp(q · k / √d), which"
    ladder.same(said, product, (q @ k.T / 2).exp()[0, 0], MEAN)


def grown(mine, held, filled, k, v):
    """The learner's cache after new keys and values, what became of the old one, and the new keys' slope."""
    import torch

    from gradschool.ops.attention.cache import Cache

    old = Cache(held[0].clone(), held[1].clone(), filled)
    k, v = k.clone().requires_grad_(), v.clone().requires_grad_()
    new = mine(old, k, v)
    linked = "linked" if new.k.requires_grad and new.v.requires_grad else "detached"
    if linked == "linked" and new.filled < new.k.shape[2]:  # what was put in earlier counts as well
        later = mine(new, k.detach()[:, :, :1], v.detach()[:, :, :1])
        told = later.k[:, :, filled : new.filled].sum() + later.v[:, :, filled : new.filled].sum()
        slopes = torch.autograd.grad(told, (k, v), allow_unused=True) if told.requires_grad else [None]
        is_whole = all(each is not None and bool(each.any()) for each in slopes)
        linked = linked if is_whole else "detached by the next call"
    return new.k.detach(), new.v.detach(), new.filled, old.k.detach(), old.v.detach(), old.filled, linked


def filled_in(held, filled, k, v):
    """By assignment to clones."""
    new = [each.clone() for each in held]
    new[0][:, :, filled : filled + k.shape[2]] = k.to(held[0].dtype)
    new[1][:, :, filled : filled + v.shape[2]] = v.to(held[1].dtype)
    return new[0], new[1], filled + k.shape[2], *held, filled, "linked"


def kv_cache(ladder: Ladder) -> None:
    """The first token, later ones, several at once, up to the last place, half precision."""
    k, v = draw(0, 2, 3, 6, 4), draw(1, 2, 3, 6, 5)

    def some(filled, n, dtype=torch.float32):
        held = [torch.zeros_like(each, dtype=dtype) for each in (k, v)]
        for mine, each in zip(held, (k, v), strict=True):
            mine[:, :, :filled] = each[:, :, :filled]
        return held, filled, draw(2, 2, 3, n, 4), draw(3, 2, 3, n, 5)

    cases = [
        Case("an empty cache of 6 places, 1 token", some(0, 1)),
        Case("4 of 6 places filled, 1 more token", some(4, 1)),
        Case("1 of 6 places filled, 3 more tokens", some(1, 3)),
        Case("2 of 6 places filled, 4 more tokens, so that it is full", some(2, 4)),
        Case("a cache in half precision", some(2, 2, torch.bfloat16)),
    ]
    ladder.agrees(cases, filled_in, EXACT, through=grown)


def competed(q, k, v, eps=1e-8):
    """Input after input in float64."""
    scores = torch.einsum("...sd,...nd->...sn", q.double(), k.double()) / math.sqrt(q.shape[-1])
    shares = torch.stack([scores[..., i].softmax(-1) for i in range(k.shape[-2])], -1)
    weights = (shares + eps) / (shares + eps).sum(-1, keepdim=True)
    return torch.einsum("...sn,...ne->...se", weights, v.double()).to(q.dtype), shares.to(q.dtype)


def slot_attention(ladder: Ladder) -> None:
    """By hand, sizes, no batch axes, other eps, a slot that wins nothing, half precision; gradients."""
    q, k, v = draw(0, 2, 3, 4), draw(1, 2, 7, 4), draw(2, 2, 7, 5)
    lost = numbers([100.0], [-100.0])
    cases = [
        Case(
            "slots log 3 and 0, inputs 1 and 0, values 4 and 8",
            (numbers([math.log(3)], [0.0]), numbers([1.0], [0.0]), numbers([4.0], [8.0])),
        ),
        Case("3 slots, 7 inputs", (q, k, v)),
        Case("no batch axes", (draw(3, 4, 6), draw(4, 5, 6), draw(5, 5, 2))),
        Case("eps = 0.1", (q, k, v, 0.1)),
        Case(
            "a slot that wins nothing", (lost, numbers([10.0], [20.0], [30.0]), numbers([1.0], [2.0], [6.0]))
        ),
        Case("half precision", (q.half(), k.half(), v.half())),
        Case("float64", (q.double(), k.double(), v.double())),
    ]
    ladder.agrees(cases, competed, CLOSE)
    ladder.gradients(cases[1:2], competed, GRADS)
    order = torch.tensor([2, 0, 1])
    taken, _ = ladder.subject(q, k, v)
    mixed, _ = ladder.subject(q[:, order], k, v)
    ladder.same("The slots are exchangeable, which", mixed, taken[:, order], CLOSE)
