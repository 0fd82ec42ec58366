"""Checks of chapter 14: oracles are torch's attention in float64, and the formula entry by entry."""

import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-4, 1e-5, "float32 softmax and sums of at most 9 terms, against float64")
LARGE = Tolerance(1e-2, 1e-3, "exponentials of float32 scores of up to 1000, whose last digit is 6e-5")
GRADS = Tolerance(1e-3, 1e-5, "float32 products of three such sums, against float64")


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
