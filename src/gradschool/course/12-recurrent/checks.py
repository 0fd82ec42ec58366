"""Checks of chapter 12, networks and gradients: oracles are loops in float64, torch and autograd."""

import math
from functools import partial
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

from gradschool.classroom.check.compare import close
from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, sums of at most 9 terms and a tanh, against float64")
STEPS = Tolerance(1e-4, 1e-5, "float32 over many dependent steps or a small deviation, against float64")
LENGTHS = torch.tensor([6, 1, 4, 2])


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def slopes(ladder, cases, driver, truth, tolerance):
    """Gradients that a driver gives by name, one rung up."""
    ladder.enter("gradient")
    ladder.tolerance = tolerance
    for case in cases:
        with ladder.about(case):
            got, want = ladder.inside(driver)(*case.args, True), driver(truth, *case.args, True)
        close("wrong_gradient", f"For {case.about}, the gradient:", got, want, tolerance)
        ladder.compared += 1


def called(how, kinds):
    """A case for each of some arguments that have a name."""
    return [Case(about, (how, given)) for about, given in kinds.items()]


def layer(seed, inputs, hidden, gates=1):
    """Random weights of a layer, as a dict."""
    shapes = {"ih": (inputs,), "hh": (hidden,), "bias_ih": (), "bias_hh": ()}
    return {n: 0.6 * draw(seed + i, gates * hidden, *s) for i, (n, s) in enumerate(shapes.items())}


def affine(x, matrix, bias=None, norm=None):
    """A linear layer in float64, layer-normalised if a norm is given."""
    y = x.double() @ matrix.double().T + (0 if bias is None else bias.double())
    return y if norm is None else F.layer_norm(y, y.shape[-1:], norm[0].double(), norm[1].double())


def run(mine, how, given, slopes=False):
    """Call a step, a cell, or a loop over a cell by name, with tensors by name; or their gradients."""
    import torch

    from gradschool.ops.sequence.recurrent import Weights

    def lstm(u, v, h, c):
        i, f, g, o = (u + v).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    cells = {"half": lambda u, v, h: (u + v / 2,), "rnn": lambda u, v, h: (torch.tanh(u + v),), "lstm": lstm}
    g = dict(given)
    if slopes:
        g |= {n: v.clone().requires_grad_() for n, v in g.items() if getattr(v, "is_floating_point", bool)()}
    weights = {n: v for n, v in g.items() if n in Weights.__dataclass_fields__}
    if how == "step":
        y = mine(g["x"], g["h"], Weights(**weights))
    elif how == "cell":
        y = mine(g["u"], g["v"], g["c"], g.get("norm"))
    else:
        state = tuple(g[n] for n in ("h", "c") if n in g)
        y = mine(cells[how], g["x"], state, Weights(**weights), g.get("lengths"), g.get("reverse", False))
        y = (y[0], *y[1])
    if not slopes:
        return y
    parts = [p for p in (y if isinstance(y, tuple) else (y,)) if p.requires_grad]
    total = sum((p * torch.linspace(-1, 2, p.numel(), dtype=p.dtype).view(p.shape)).sum() for p in parts)
    leaves = {n: v for n, v in g.items() if getattr(v, "requires_grad", False)}
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True) if parts else ()
    found = dict(zip(leaves, found or [None] * len(leaves), strict=True))
    return {n: torch.zeros_like(v) if found[n] is None else found[n] for n, v in leaves.items()}


def row_by_row(cell, x, state, weights, lengths=None, reverse=False):
    """Every sequence by itself, step by step in float64."""
    outputs, ends = [], []
    for i, steps in enumerate(x):
        n = len(steps) if lengths is None else int(lengths[i])
        now = tuple(each[i : i + 1].double() for each in state)
        row = [torch.zeros_like(now[0])] * len(steps)
        for j in reversed(range(n)) if reverse else range(n):
            u = affine(steps[j : j + 1], weights.ih, weights.bias_ih, weights.norm_ih)
            now = cell(u, affine(now[0], weights.hh, weights.bias_hh, weights.norm_hh), *now)
            row[j] = now[0]
        outputs.append(torch.stack(row, 1))
        ends.append(now)
    return torch.cat(outputs).to(x.dtype), [torch.cat(e).to(x.dtype) for e in zip(*ends, strict=True)]


def rnn_step(ladder: Ladder) -> None:
    """By hand, sizes, without biases, normalised, saturated, in float64; gradients; row by row."""
    tiny = {"ih": numbers([2.0]), "hh": numbers([-1.0]), "bias_ih": numbers(0.5), "bias_hh": numbers(-1.0)}
    w = {"x": draw(0, 5, 3), "h": draw(1, 5, 4).tanh(), **layer(2, 3, 4)}
    no = {n: v for n, v in w.items() if "bias" not in n}
    norm_ih, norm_hh = {"norm_ih": (draw(7, 4), draw(8, 4))}, {"norm_hh": (draw(9, 4), draw(10, 4))}
    one = {"x": numbers([1.0]), "h": numbers([0.5]), **tiny}
    cases = called("step", {
        "x = (1), h = (0.5), W = 2, U = -1, b = 0.5, b' = -1": one, "5 rows of 3 inputs, 4 units": w,
        "no biases": no, "a bias for the state alone": no | {"bias_hh": w["bias_hh"]},
        "one row of 6 inputs, 2 units": {"x": draw(3, 1, 6), "h": draw(4, 1, 2), **layer(5, 6, 2)},
        "inputs of about 1000, where tanh is 1 or -1": w | {"x": 1000 * w["x"]},
        "float64": {n: v.double() for n, v in w.items()}, "both parts normalised": w | norm_ih | norm_hh,
        "the input's part layer-normalised": w | norm_ih, "the state's part layer-normalised": w | norm_hh,
    })  # fmt: skip
    cell = lambda u, v, h: (torch.tanh(u + v),)  # noqa: E731
    oracle = lambda x, h, weights: row_by_row(cell, x[:, None], (h,), weights)[0][:, 0]  # noqa: E731
    ladder.agrees(cases, partial(run, oracle), STEPS, through=run)
    slopes(ladder, cases[:3], run, oracle, CLOSE)
    alone = w | {"x": w["x"][1:2], "h": w["h"][1:2]}
    y, one = (ladder.inside(run)("step", given) for given in (w, alone))
    ladder.same("Each row of a batch is treated alone, which", one, y[1:2], CLOSE)


def packed_lstm(x, h, c, lengths, **w):
    """Torch's LSTM on a packed batch."""
    net = torch.nn.LSTM(x.shape[2], h.shape[1], batch_first=True)
    net.load_state_dict({n: w[n.removeprefix("weight_")[:-3]] for n in net.state_dict()})
    packed = pack_sequence([row[:n] for row, n in zip(x, lengths.tolist(), strict=True)], False)
    y, end = net(packed, (h[None], c[None]))
    return (pad_packed_sequence(y, True, total_length=x.shape[1])[0], *(each[0] for each in end))


def unroll(ladder: Ladder) -> None:
    """By hand, lengths, both directions, one tensor or two; gradients; torch's LSTM on packed sequences."""
    net, back = {"x": draw(0, 4, 6, 3), "h": 0.5 * draw(1, 4, 5), **layer(2, 3, 5)}, {"reverse": True}
    uneven = net | {"lengths": LENGTHS}
    lstm = uneven | layer(6, 3, 5, gates=4) | {"c": draw(9, 4, 5)}
    x = numbers([[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]])
    one = {"x": x[:1], "h": numbers([8.0]), "ih": torch.ones(1, 1), "hh": torch.ones(1, 1)}
    two = one | {"x": x, "h": numbers([0.0], [8.0]), "lengths": torch.tensor([3, 2])}
    cases = called("half", {
        "h' = x + h / 2, x = (1, 2, 3), first state 8": one,
        "h' = x + h / 2, x = (1, 2, 3), first state 8, reversed": one | back,
        "h' = x + h / 2, rows (1, 2, 3) and (4, 5 | padding), first states 0 and 8": two,
        "the same rows, reversed": two | back,
    }) + called("rnn", {
        "tanh, 4 sequences of 6 steps": net, "one step": net | {"x": net["x"][:, :1]},
        "float64": {n: v.double() for n, v in net.items()},
        "4 sequences of 6, 1, 4 and 2 steps": uneven,
        "4 sequences of 6, 1, 4 and 2 steps, reversed": uneven | back,
    }) + called("lstm", {
        "an LSTM's h and c, unequal lengths": lstm, "an LSTM's h and c, reversed": lstm | back})  # fmt: skip
    ladder.agrees(cases, partial(run, row_by_row), STEPS, through=run)
    slopes(ladder, [cases[4], *cases[7:10]], run, row_by_row, STEPS)
    ours = ladder.inside(run)("lstm", lstm)
    ladder.same("It is torch's LSTM on packed sequences, which", ours, packed_lstm(**lstm), STEPS)


def written_out(mine, x, state, slopes, w):
    """The five gradients by name; the outputs are a network's."""
    import torch

    from gradschool.ops.sequence.recurrent import Weights

    h, outputs = state, []
    for x_t in x.unbind(1):
        h = torch.tanh(x_t @ w["ih"].T + h @ w["hh"].T + w.get("bias_ih", 0) + w.get("bias_hh", 0))
        outputs.append(h)
    found = mine(x, state, torch.stack(outputs, 1), slopes, Weights(**w))
    return {name: getattr(found, name) for name in ("x", "state", "ih", "hh", "bias")}


def by_autograd(x, state, outputs, slopes, weights):
    """Torch differentiates the loop, in float64."""
    both = sum(b for b in (weights.bias_ih, weights.bias_hh, torch.zeros(len(weights.hh))) if b is not None)
    given = {"x": x, "state": state, "ih": weights.ih, "hh": weights.hh, "bias": both}
    leaf = {name: value.double().requires_grad_() for name, value in given.items()}
    net = SimpleNamespace(**leaf, bias_ih=leaf["bias"], bias_hh=None, norm_ih=None, norm_hh=None)
    y, _ = row_by_row(lambda u, v, h: (torch.tanh(u + v),), leaf["x"], (leaf["state"],), net)
    found = torch.autograd.grad((y * slopes).sum(), list(leaf.values()))
    return SimpleNamespace(**{n: g.to(x.dtype) for n, g in zip(leaf, found, strict=True)})


def bptt(ladder: Ladder) -> None:
    """Two steps by hand, one step, sizes that differ, no biases, the last output alone, many steps."""

    def given(seed, b, t, d, h, scale=1.0, direct=None):
        up, w = draw(seed, b, t, h), layer(seed + 1, d, h)
        up = up if direct is None else torch.arange(t)[:, None].eq(direct) * up
        return draw(seed + 5, b, t, d), draw(seed + 6, b, h), up, w | {"hh": scale * w["hh"]}

    one = {"ih": torch.ones(1, 1), "hh": torch.full((1, 1), 0.5)}
    # The x of the case by hand makes round numbers of the states.
    x = numbers([[math.atanh(0.5) - 0.4], [math.atanh(0.6) - 0.25]])
    bare = given(3, 2, 4, 3, 5)
    cases = [
        Case("h_0, h_1, h_2 = (0.8, 0.5, 0.6), W = 1, U = 0.5, slopes (0, 1)",
             (x, numbers([0.8]), numbers([[0.0], [1.0]]), one)),
        Case("one step", given(1, 3, 1, 2, 4)), Case("3 sequences of 5 steps", given(2, 3, 5, 2, 4)),
        Case("no biases", (*bare[:3], {n: bare[3][n] for n in ("ih", "hh")})),
        Case("a loss of the last output alone", given(4, 2, 5, 3, 4, direct=4)),
        Case("40 steps, U small", given(5, 2, 40, 3, 4, 0.3)),
        Case("float64", (*(v.double() for v in bare[:3]), {n: v.double() for n, v in bare[3].items()})),
    ]  # fmt: skip
    ladder.agrees(cases, partial(written_out, by_autograd), STEPS, through=written_out)


def norms_of(mine, kind, layers, x, count):
    """The norms for a network of ours by name, of 4 units; one unit at rest for "rest".

    The outputs of step t count `count[t]` times in the loss.
    """
    import torch

    from gradschool import nn

    torch.manual_seed(layers)
    core = nn.RNN(1, 1) if kind == "rest" else getattr(nn, kind)(x.shape[2], 4, layers=layers)
    with torch.no_grad():
        for name, value in core.named_parameters():
            value.mul_(1.5).mul_(kind != "rest").add_(0.5 * (kind == "rest" and name == "weight_hh_l0"))
    return mine(core, x, lambda y: (count[:, None] * y + 0.5).square().sum())


def by_restarting(core, x, loss_of):
    """Torch's network, begun anew after every step from a state that asks for its gradient, in float64."""
    net = getattr(torch.nn, type(core).__name__)(x.shape[2], core.hidden, core.layers, batch_first=True)
    net.load_state_dict(core.state_dict())
    net, x, norms = net.double(), x.double(), []
    for t in range(x.shape[1]):
        y, state = net(x[:, : t + 1])
        leaves = [s.detach().requires_grad_() for s in (state if isinstance(state, tuple) else (state,))]
        y = [y[:, :t].detach(), leaves[0][-1][:, None]]
        if t + 1 < x.shape[1]:
            y.append(net(x[:, t + 1 :], tuple(leaves) if len(leaves) > 1 else leaves[0])[0])
        found = torch.autograd.grad(loss_of(torch.cat(y, 1)), leaves, allow_unused=True)
        squares = sum(g.square().sum((0, 2)) for g in found if g is not None)
        norms.append(float(torch.as_tensor(squares).sqrt().mean()))
    return norms


def gradient_norms(ladder: Ladder) -> None:
    """A chain at rest by hand; three networks, one or two layers, several losses."""
    x, rising, last = draw(0, 3, 4, 2), torch.arange(1.0, 5.0), torch.arange(4) == 3
    cases = [
        Case("one unit at rest, U = 0.5, 4 steps, dL/dh_4 = 1", ("rest", 1, torch.zeros(1, 4, 1), last)),
        Case("an RNN, loss of the last output", ("RNN", 1, x, last)),
        Case("an RNN, loss of all outputs", ("RNN", 1, x, rising)),
        Case("an LSTM, whose last cell state does not matter", ("LSTM", 1, x, last)),
        Case("an LSTM, loss of all outputs", ("LSTM", 1, x, rising)),
        Case("a GRU of two layers", ("GRU", 2, x, last)),
        Case("an RNN of two layers, loss of all outputs", ("RNN", 2, x, rising)),
        Case("one step", ("LSTM", 2, x[:, :1], rising[:1])),
        Case("a loss of the first output alone", ("RNN", 1, x, torch.arange(4) == 0)),
    ]
    ladder.agrees(cases, partial(norms_of, by_restarting), STEPS, through=norms_of)


def gates_in_float64(u, v, c, norm=None):
    """Gate by gate; a sigmoid is half of a tanh and one half."""
    h, sums = c.shape[1], u.double() + v.double()
    i, f, o = (0.5 + 0.5 * torch.tanh(sums[:, k * h : (k + 1) * h] / 2) for k in (0, 1, 3))
    new = f * c.double() + i * torch.tanh(sums[:, 2 * h : 3 * h])
    shown = new if norm is None else affine(new, torch.eye(h), None, norm)
    return (o * torch.tanh(shown)).to(c.dtype), new.to(c.dtype)


def lstm_cell(ladder: Ladder) -> None:
    """Gates half open, wide open and shut by hand; sizes, maps, a norm, float64; gradients."""
    zero, two, rows = torch.zeros(1, 4), numbers([2.0]), {"u": draw(0, 3, 20), "v": draw(1, 3, 20)}
    rows |= {"c": draw(2, 3, 5)}
    cases = called("cell", {
        "u = v = (0, 0, 0, 0), c = (2)": {"u": zero, "v": zero, "c": two},
        "u = (99, -99, 1, 99), v = 0, c = (2)": {"u": numbers([99.0, -99, 1, 99]), "v": zero, "c": two},
        "3 rows of 5 units": rows, "a norm of the cell state": rows | {"norm": (draw(6, 5), draw(7, 5))},
        "2 maps of 4 x 5": {"u": draw(3, 2, 12, 4, 5), "v": draw(4, 2, 12, 4, 5), "c": draw(5, 2, 3, 4, 5)},
        "sums of about 10000": {"u": 1e4 * rows["u"], "v": 1e4 * rows["v"], "c": rows["c"]},
        "float64": {n: t.double() for n, t in rows.items()},
    })  # fmt: skip
    ladder.agrees(cases, partial(run, gates_in_float64), STEPS, through=run)
    slopes(ladder, cases[2:5], run, gates_in_float64, STEPS)
    h = ladder.inside(run)("cell", rows | {"c": 50 * rows["c"]})[0].abs().max()
    ladder.holds(f"h should stay between -1 and 1, even if c is large; {h:.2f} came.", bool(h <= 1))


def torchs_gru(u, v, h):
    """Torch's GRU in float64, row by row: the identity maps u, and v is the bias of the state."""
    n = u.shape[1]
    eye, zero = torch.eye(n).double(), torch.zeros(n, n // 3 + 1).double()
    rows = [torch.gru_cell(a[None].double(), c[None].double(), eye, zero[:, 1:], zero[:, 0], b.double())
            for a, b, c in zip(u, v, h, strict=True)]  # fmt: skip
    return torch.cat(rows).to(h.dtype)


def gru_cell(ladder: Ladder) -> None:
    """Gates half open and shut by hand, sizes, large sums, float64; gradients; a gate that keeps all."""
    u, v, h = draw(0, 5, 12), draw(1, 5, 12), draw(2, 5, 4)
    four, shut = numbers([4.0]), torch.cat([u[:, :4], 0 * u[:, :4] + 100, u[:, 8:]], 1)
    cases = [
        Case("u = (0, 0, 1), v = (0, 0, 2), h = (4)", (numbers([0, 0, 1.0]), numbers([0, 0, 2.0]), four)),
        Case("u = (-99, 0, 1), v = (0, 0, 9), h = (4)", (numbers([-99, 0, 1.0]), numbers([0, 0, 9.0]), four)),
        Case("5 rows of 4 units", (u, v, h)), Case("sums of about 10000", (1e4 * u, 1e4 * v, h)),
        Case("float64", (u.double(), v.double(), h.double())),
    ]  # fmt: skip
    ladder.agrees(cases, torchs_gru, CLOSE)
    ladder.gradients(cases[2:3], torchs_gru, STEPS)
    ladder.same("With z = 1 the state stays, which", ladder.subject(shut, 0 * v, h), h, CLOSE)
