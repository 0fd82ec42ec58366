"""Checks of chapter 12, second half: text in chunks and batches, scans, automata, sound."""

import math
from collections import Counter
from functools import partial
from types import SimpleNamespace

import numpy as np
import torch

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, sums of at most 13 terms, against float64")
STEPS = Tolerance(1e-4, 1e-5, "float32 over up to 99 dependent steps, against float64")
NARROW = Tolerance(2e-3, 4e-3, "gates in float16, whose last digit is 1/2048")
EXACT = Tolerance(0, 0, "numbers are moved, not changed")
FLOAT64 = Tolerance(1e-9, 1e-12, "float64, logarithms and differences of neighbours")
ANY = Tolerance(0, 1e9, "an order that is drawn may be any")
LENGTHS = torch.tensor([6, 1, 4, 2])


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def two_chunks(mine, table, chunks, first, pair):
    """Chunks through a model that adds up rows of a table: losses, gradients, what is kept."""
    import torch

    table, kept, told = table.clone().requires_grad_(), [], []

    def model(x, state):
        before = torch.zeros(1, len(x), 1) if state is None else state[0] if pair else state
        y = before.transpose(0, 1) + table[x].cumsum(1)
        return y, (y[:, -1][None], 2 * y[:, 0][None]) if pair else y[:, -1][None]

    task = mine(model)
    for (x, y), begins in zip(chunks, first, strict=True):
        loss = task.loss((x, y, begins, *kept))["loss"]
        (slope,) = torch.autograd.grad(loss, table) if loss.requires_grad else [0 * table]
        now = task.reached[-1]
        history = any(each.requires_grad for each in now.values())
        told.append([loss, slope, now, len(task.reached), "with its history" if history else "detached"])
        kept = [now[name].detach() for name in sorted(now)]
    return told


class ByHand:
    """The task of the check: a batch goes through a model, the state is kept."""

    def __init__(self, model):
        self.model, self.reached = model, []

    def loss(self, batch):
        """A row that begins anew is multiplied by 0."""
        x, y, first, *rows = batch
        state = [((~first).float().view(-1, 1, 1) * each).transpose(0, 1) for each in rows]
        logits, new = self.model(x, tuple(state) if len(rows) > 1 else state[0] if rows else None)
        several = new if isinstance(new, tuple) else (new,)
        self.reached.append({str(i): each.detach().transpose(0, 1) for i, each in enumerate(several)})
        right = [logits[i, t].log_softmax(0)[y[i, t]] for i, t in (y >= 0).nonzero().tolist()]
        return {"loss": -sum(right) / len(right)}


def carried_state(ladder: Ladder) -> None:
    """Logits of 0 by hand, rows of which one begins anew, tokens not scored, one tensor or two."""
    x, y = torch.randint(5, (2, 3, 8), generator=torch.Generator().manual_seed(3))
    table, chunks, masked = draw(0, 5, 5), list(zip(x.split(4, 1), y.split(4, 1), strict=True)), y.clone()
    masked[1, 2:] = -100
    begin, go, mixed = (torch.tensor(each) for each in ([True] * 3, [False] * 3, [False, True, False]))
    cases = [
        Case("logits that are all 0, 5 kinds of tokens", (0 * table, chunks, (begin, go), False)),
        Case("3 rows that go on", (table, chunks, (begin, go), False)),
        Case("3 rows, of which the second begins a new text", (table, chunks, (begin, mixed), False)),
        Case("tokens that are not scored", (table, [(x, masked)], (begin,), False)),
        Case("a state of two tensors", (table, chunks, (begin, mixed), True)),
    ]
    ladder.agrees(cases, partial(two_chunks, ByHand), STEPS, through=two_chunks)


def masked_mean(ladder: Ladder) -> None:
    """By hand, sizes, valid zeros, no padding, padding of all kinds, float64; gradients."""
    x, hand, endless = draw(0, 4, 6), numbers([1.0, 2, 3], [6.0, 9, 9]), draw(0, 4, 6)
    nan, endless[1, 1:], endless[3, 2:] = x.clone(), math.inf, 1e38
    nan[1, 1:] = math.nan
    cases = [
        Case("x = ((1, 2, 3), (6, 9, 9)), lengths = (3, 1)", (hand, torch.tensor([3, 1]))),
        Case("4 sequences of up to 6 steps", (x, LENGTHS)),
        Case("valid steps that are 0", (x * (x > 0), LENGTHS)),
        Case("one sequence without padding", (x[:1], LENGTHS[:1])),
        Case("padding of infinity and 1e38", (endless, LENGTHS)),
        Case("padding of NaN", (nan, LENGTHS)),
        Case("float64", (x.double(), LENGTHS)),
    ]
    oracle = lambda x, lengths: torch.cat([r[:n] for r, n in zip(x, lengths, strict=True)]).mean()  # noqa: E731
    ladder.agrees(cases, oracle, CLOSE)
    ladder.gradients([cases[1], *cases[4:6]], oracle, CLOSE)


def step_by_step(x, lengths=None):
    """Row by row, the valid steps from the last to the first, then the padding."""
    ends = [x.shape[1]] * len(x) if lengths is None else lengths.tolist()
    return torch.stack(
        [torch.stack([*reversed(r[:n].unbind(0)), *r[n:]]) for r, n in zip(x, ends, strict=True)]
    )


def reversed_steps(ladder: Ladder) -> None:
    """By hand, with and without lengths, features on further axes, gradients; twice is as before."""
    x, hand = draw(0, 4, 6, 3), numbers([1.0, 2, 3, 4], [5.0, 6, 7, 8])
    cases = [
        Case("x = ((1, 2, 3, 4), (5, 6, 7, 8)), lengths = (4, 2)", (hand, torch.tensor([4, 2]))),
        Case("x = ((1, 2, 3, 4), (5, 6, 7, 8)), no lengths", (hand,)),
        Case("4 sequences of 3 features", (x, LENGTHS)),
        Case("features on two axes, no lengths", (draw(1, 2, 3, 4, 5),)),
        Case("features on two axes", (draw(1, 2, 3, 4, 5), torch.tensor([1, 3]))),
        Case("float64", (x.double(), LENGTHS)),
    ]
    ladder.agrees(cases, step_by_step, EXACT)
    ladder.gradients(cases[2:4], step_by_step, CLOSE)
    twice = ladder.subject(ladder.subject(x, LENGTHS), LENGTHS)
    ladder.same("Reversing twice gives x, which", twice, x, EXACT)


def an_epoch(mine, lengths, batch_size, number, seed=0, share=(0, 1)):
    """The batches of texts of these lengths."""
    import torch

    texts = [[1] * n for n in lengths]
    return list(mine(texts, torch.zeros(len(texts)), batch_size, seed, 0, share).batches(number))


def any_batches(lengths, batch_size, number, seed=0, share=(0, 1)):
    """Batches of the right number, size and type."""
    size = min(batch_size, len(lengths)) // share[1] * share[1]
    return [torch.arange(size)] * max(1, len(lengths) // batch_size)


def bucket_batches(ladder: Ladder) -> None:
    """Sizes and types; then no text twice, sorted within groups of 50 batches, new orders every epoch."""
    epoch = ladder.inside(an_epoch)
    many, some = ([1 + 77 * i % n for i in range(n)] for n in (240, 100))  # every length from 1 to n
    cases = [
        Case("7 texts, 3 a batch", ([3, 1, 4, 1, 5, 9, 2], 3, 0)), Case("few texts", ([2, 7, 1], 64, 1)),
        Case("240 texts of 1 to 240 tokens, 2 a batch", (many, 2, 0)),
        Case("2 processes, 5 texts, 4 a batch", ([5, 4, 3, 2, 1], 4, 0, 0, (1, 2))),
        Case("3 processes, 5 texts, 6 a batch", ([5, 4, 3, 2, 1], 6, 0, 0, (0, 3))),
    ]  # fmt: skip
    ladder.agrees(cases, any_batches, ANY, through=an_epoch)
    for case in cases:
        held = sorted(torch.cat(epoch(*case.args)).tolist())
        fits = len(set(held)) == len(held) and held[0] >= 0 and held[-1] < len(case.args[0])
        ladder.holds(f"For {case.about}: no text may come twice.", fits)
    first, few = epoch(many, 2, 0), epoch(some, 2, 0)
    ladder.same("The same seed and epoch give the same batches, which", epoch(many, 2, 0), first, EXACT)
    for count, batches, most, of in ((100, few, 1, some), (240, first, 3, many)):
        spans = [sorted(of[i] for i in batch.tolist()) for batch in batches]
        depth = max(sum(span[0] <= n <= span[-1] for span in spans) for n in of)
        said = f"{count} lengths, 2 a batch, make {most} sorted groups of up to 50 batches, so at most {most}"
        ladder.holds(f"{said} batches hold one length; {depth} do.", min(most, 2) <= depth <= most)
    pairs = [{tuple(sorted(b.tolist())) for b in epoch(many, 2, *other)} for other in ((0,), (1,), (0, 1))]
    ladder.holds("In another epoch texts should meet other texts.", len(pairs[0] & pairs[1]) < 24)
    ladder.holds("With another seed texts should meet other texts.", len(pairs[0] & pairs[2]) < 24)
    alike = [{tuple(sorted(b.tolist())) for b in epoch([5] * 40, 4, n)} for n in (0, 1)]
    ladder.holds("Equal lengths should meet others in another epoch: shuffle.", len(alike[0] & alike[1]) < 3)
    gone = [4851 - int(torch.cat(epoch(some[:99], 2, n)).sum()) for n in range(8)]
    said = f"One of 99 texts is left out, another one in each epoch; numbers {gone} were left out in 8."
    ladder.holds(said, len(set(gone)) > 4)
    middles = [torch.tensor(some)[torch.stack(epoch(some, 2, n))].double().mean(1) for n in (0, 1)]
    order = np.abs(np.corrcoef([*middles, np.arange(50)])[np.triu_indices(3, 1)]).max()
    ladder.holds("Batches should come in no order of length, another in each epoch.", bool(order < 0.5))


def one_after_another(a, b, state, chunk=32):
    """The recurrence in float64."""
    h, states = state.double(), []
    for t in range(a.shape[1]):
        h = a[:, t].double() * h + b[:, t].double()
        states.append(h)
    return torch.stack(states, 1).to(torch.promote_types(state.dtype, torch.float32))


def operations(mine, steps, chunk):
    """How many operations of torch a sequence takes: nodes of the graph of its result."""
    import torch

    a, b, state = (torch.ones(shape, requires_grad=True) for shape in ((2, steps, 3), (2, steps, 3), (2, 3)))
    seen, todo = set(), [mine(a, b, state, chunk).grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [each for each, _ in node.next_functions]
    return len(seen)


def parallel_scan(ladder: Ladder) -> None:
    """By hand, all ways to cut, resets, underflow, narrow and wide types; gradients; few operations."""
    a, b, state = draw(0, 3, 10, 4).sigmoid(), draw(1, 3, 10, 4), 3 * draw(2, 3, 4)
    half, reset, long = torch.full((1, 3), 0.5), a.clone(), torch.full((1, 99, 1), 1e-30)
    reset[:, 3], reset[:, 4] = 0, -0.7
    cases = [
        Case("a = (0.5, 0.5, 0.5), b = (1, 1, 1), state 4, chunks of 2", (half, 2 * half, numbers(4.0), 2)),
        *(Case(f"10 steps in chunks of {chunk}", (a, b, state, chunk)) for chunk in (1, 3, 5, 10, 16)),
        Case("70 steps, chunk not given", (draw(4, 2, 70, 1).tanh(), draw(5, 2, 70, 1), draw(6, 2, 1))),
        Case("states on two axes", (draw(7, 2, 7, 3, 5).tanh(), draw(8, 2, 7, 3, 5), draw(9, 2, 3, 5), 4)),
        Case("a = 0 and a < 0 at some steps", (reset, b, state, 4)),
        Case("a = 1e-30, 99 steps", (long, draw(3, 1, 99, 1), torch.ones(1, 1), 32)),
        Case("float16", (a.half(), b.half(), state.half(), 4)),
        Case("float64", (a.double(), b.double(), state.double(), 3)),
    ]
    ladder.agrees(cases, one_after_another, STEPS)
    ladder.gradients([cases[2], cases[8]], one_after_another, STEPS)
    count = ladder.inside(operations)(400, 20)
    said = "400 steps in chunks of 20 should take some 130 operations, since chunks are computed side by side"
    ladder.holds(f"{said}; {count} were made.", count < 400)


def min_gru(ladder: Ladder) -> None:
    """By hand, sizes, one step, extreme gates, wide and narrow types; gradients."""

    def oracle(u, state):
        z, candidate = 1 / (1 + (-u[..., : state.shape[1]].double()).exp()), u[..., state.shape[1] :]
        return one_after_another(1 - z, z * candidate, state)

    u, state = 2 * draw(0, 3, 7, 8), 3 * draw(1, 3, 4)
    cases = [
        Case("gate sums 0, 0, candidates 4, 2, state 8", (numbers([[0, 4.0], [0, 2.0]]), numbers([8.0]))),
        Case("3 sequences of 7 steps, 4 units", (u, state)), Case("one step", (u[:, :1], state)),
        Case("gate sums of about 200", (torch.cat([100 * u[..., :4], u[..., 4:]], 2), state)),
        Case("float64", (u.double(), state.double())),
    ]  # fmt: skip
    ladder.agrees(cases, oracle, STEPS)
    ladder.gradients(cases[1:2], oracle, STEPS)
    low = u.half(), state.half()
    ladder.same("With sums in float16 the mean", ladder.subject(*low), oracle(*low), NARROW)


def read_out(mine, readings, is_start_accepting):
    """The automaton's two tables; a reading is a list of its four arrays."""
    import numpy as np

    from gradschool.evals.language.automaton import Reading

    types = int, int, bool, bool
    made = [Reading(*(np.array(x, t) for x, t in zip(one, types, strict=True))) for one in readings]
    found = mine(made, is_start_accepting)
    return {"to": found.to, "accepting": found.accepting}


def counted(readings, is_start_accepting):
    """Visit by visit, in counters."""
    led, votes, good, visits = Counter(), Counter(), Counter(), Counter()
    for one in readings:
        before, columns = 0, (one.symbols, one.clusters + 1, one.possible, one.accepting)
        for symbol, state, possible, accepting in zip(*(each.tolist() for each in columns), strict=True):
            led[before, symbol, state] += 1
            visits[state] += 1
            good[state] += accepting
            votes.update((state, s) for s, may in enumerate(possible) if may)
            before = state
    states = range(2 + max(int(one.clusters.max()) for one in readings))
    to = np.full((len(states), readings[0].possible.shape[1]), -1)
    for s, k in np.ndindex(*to.shape):
        counts = [led[s, k, end] for end in states]
        if max(counts) and (s == 0 or 2 * votes[s, k] > visits[s]):
            to[s, k] = counts.index(max(counts))
    ends = [is_start_accepting, *(2 * good[s] > visits[s] for s in states[1:])]
    return SimpleNamespace(to=to, accepting=np.array(ends))


def extract_automaton(ladder: Ladder) -> None:
    """One string by hand, strays, ties, impossible and unseen symbols, unused clusters, many strings."""
    both, no, source = [True, True], [False, False], np.random.default_rng(0)
    many = [[source.integers(3, size=n).tolist(), source.integers(4, size=n).tolist(),
             (source.random((n, 3)) < 0.6).tolist(), (source.random(n) < 0.5).tolist()]
            for n in (5, 9, 1, 14, 7)]  # fmt: skip
    one, stray = [[0, 1], [0, 1], [both, both], [False, True]], [[0, 1], [0, 0], [both, both], no]
    tie = [[0, 1, 0], [0, 1, 0], [both, both, no], [True, False, False]]
    loop, side = [[0] * 6, [1] * 6, [both] * 6, [True] * 6], [[0, 0], [1, 0], [both, both], both]
    half = [[0], [1], [both], [True]]
    cases = [
        Case("one string of symbols 0, 1, clusters 0, 1", ([one], False)),
        Case("the empty string is whole", ([one], True)),
        Case("a symbol taken for impossible", ([[[0, 1], [0, 0], [[True, False]] * 2, both]], False)),
        Case("three strings, of which one strays", ([one, stray, one], True)),
        Case("two states reached equally often, half of the votes", ([tie, half], False)),
        Case("one transition five times in a string, another in two strings", ([loop, side, side], False)),
        Case("numbers that no cluster has", ([[[1, 0], [3, 0], [both, no], both]], False)),
        Case("five strings over three symbols", (many, False)),
    ]  # fmt: skip
    ladder.agrees(cases, partial(read_out, counted), EXACT, through=read_out)


HEARD = {  # mel of a frequency, and the other way round
    "htk": (lambda f: 2595 * math.log1p(f / 700) / math.log(10), lambda m: 700 * 10 ** (m / 2595) - 700),
    "slaney": (lambda f: f * 3 / 200 if f < 1000 else 15 + 27 * math.log(f / 1000, 6.4),
               lambda m: m * 200 / 3 if m < 15 else 1000 * 6.4 ** ((m - 15) / 27)),
}  # fmt: skip


def triangle_by_triangle(bands, size, rate, low=0.0, high=None, scale="htk", equal_area=False):
    """Weight after weight, interpolated between three corners."""
    to_mel, to_hz = HEARD[scale]
    mels = np.linspace(to_mel(low), to_mel(rate / 2 if high is None else high), bands + 2)
    corners = [to_hz(mel) for mel in mels]
    rows = np.zeros((bands, size // 2 + 1))
    for i, j in np.ndindex(*rows.shape):
        height = np.interp(j * rate / size, corners[i : i + 3], [0.0, 1.0, 0.0], 0.0, 0.0)
        rows[i, j] = height * 2 / (corners[i + 2] - corners[i]) if equal_area else height
    return torch.tensor(rows)


def mel_filters(ladder: Ladder) -> None:
    """A triangle and two by hand, both scales, every argument, odd frames, empty bands."""
    cases = [
        Case("1 band, frames of 8 at 8 Hz, Slaney's scale", (1, 8, 8, 0.0, None, "slaney")),
        Case("2 bands, frames of 12 at 12 Hz, Slaney's scale", (2, 12, 12, 0.0, None, "slaney")),
        Case("1 band of area 1", (1, 8, 8, 0.0, None, "slaney", True)),
        Case("10 bands, frames of 256 at 8000 Hz", (10, 256, 8000)),
        Case("from 300 to 3000 Hz", (7, 256, 8000, 300.0, 3000.0)),
        Case("Slaney's scale from 50 to 8000 Hz, equal areas", (12, 400, 16000, 50.0, None, "slaney", True)),
        Case("a frame of odd size", (3, 9, 100)),
        Case("bands narrower than two entries", (40, 32, 8000)),
    ]
    ladder.agrees(cases, triangle_by_triangle, FLOAT64)
