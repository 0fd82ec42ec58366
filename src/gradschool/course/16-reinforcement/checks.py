"""Checks of chapter 16, exact methods and value-based learning: oracles are loops over numbers in float64."""

import numpy as np
import torch

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, sums of at most 8 terms, against float64")
SOLVED = Tolerance(1e-4, 1e-4, "float32 and a linear system of at most 5 equations, against float64")
YES, NO = True, False


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def marks(seed, *shape):
    """Random marks of one seed, two in five of them set."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.4


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def process(seed, s, a, stays=1.0):
    """Transitions whose rows sum to `stays`, and rewards."""
    p = draw(seed, s, a, s).softmax(2)
    return stays * p, draw(seed + 1, s, a)


# Stay for 1, or pay 2 to get to the other state; there, 7 to go back or 3 to stay.
TWO = (numbers([[1.0, 0], [0, 1]], [[1, 0], [0, 1]]), numbers([1.0, -2], [7, 3]))


def backup_in_loops(p, r, value, gamma):
    """State by state and action by action."""
    q = torch.zeros_like(r, dtype=torch.float64)
    for s in range(len(r)):
        for a in range(r.shape[1]):
            q[s, a] = r[s, a].double() + gamma * sum(p[s, a, t].double() * value[t] for t in range(len(r)))
    return q.to(r.dtype)


def bellman_backup(ladder: Ladder) -> None:
    """Two states by hand, chance, three kinds of discount, episodes that may end, float64."""
    chance = (*process(0, 4, 3), draw(9, 4))
    cases = [
        Case("two states, v = (10, 20), gamma = 0.5", (*TWO, numbers(10.0, 20.0), 0.5)),
        Case("4 states and 3 actions, gamma = 0.9", (*chance, 0.9)),
        Case("gamma = 0, where only the reward counts", (*chance, 0.0)),
        Case("gamma = 1", (*chance, 1.0)),
        Case("rows that sum to 0.8, as the episode may end", (*process(2, 3, 2, 0.8), draw(8, 3), 0.9)),
        Case("one state, one action", (torch.ones(1, 1, 1), numbers([2.0]), numbers(5.0), 0.5)),
        Case("float64", (*(x.double() for x in chance), 0.9)),
    ]
    ladder.agrees(cases, backup_in_loops, CLOSE)


def many_sweeps(p, r, policy, gamma):
    """The values by sweeps over all states, as often as it takes, in float64."""
    p, r, policy = p.double().numpy(), r.double().numpy(), policy.double().numpy()
    value = np.zeros(len(r))
    for _ in range(2000):
        value = np.array([
            sum(policy[s, a] * (r[s, a] + gamma * p[s, a] @ value) for a in range(r.shape[1]))
            for s in range(len(r))
        ])  # fmt: skip
    return torch.from_numpy(value)


def policy_evaluation(ladder: Ladder) -> None:
    """Two policies of two states by hand, a policy by chance, discounts, episodes that end, float64."""
    mixed = draw(5, 4, 3).softmax(1)
    cases = [
        Case("two states, always action 0, gamma = 0.5", (*TWO, numbers([1.0, 0], [1, 0]), 0.5)),
        Case("two states, always action 1, gamma = 0.5", (*TWO, numbers([0.0, 1], [0, 1]), 0.5)),
        Case("4 states, 3 actions, a policy of chance, gamma = 0.8", (*process(0, 4, 3), mixed, 0.8)),
        Case("gamma = 0", (*process(0, 4, 3), mixed, 0.0)),
        Case("gamma = 0.99, where rewards a hundred steps away count", (*process(0, 4, 3), mixed, 0.99)),
        Case("gamma = 1, where every step may be the last", (*process(2, 4, 3, 0.7), mixed, 1.0)),
        Case("one action", (*process(3, 5, 1), torch.ones(5, 1), 0.6)),
        Case("float64", (*(x.double() for x in (*process(0, 4, 3), mixed)), 0.8)),
    ]
    oracle = lambda p, r, policy, gamma: many_sweeps(p, r, policy, gamma).to(r.dtype)  # noqa: E731
    ladder.agrees(cases, oracle, SOLVED)


def best_in_loops(reward, next_q, terminated, gamma):
    """Transition by transition."""
    flat = zip(reward.flatten().tolist(), next_q.reshape(-1, next_q.shape[-1]).tolist(),
               terminated.flatten().tolist(), strict=True)  # fmt: skip
    found = [r if over else r + gamma * max(row) for r, row, over in flat]
    return torch.tensor(found, dtype=reward.dtype).view(reward.shape)


def q_learning_target(ladder: Ladder) -> None:
    """By hand, chance, ends, discounts, two axes, float64."""
    q, one = draw(0, 6, 4), (draw(1, 6), draw(0, 6, 4), marks(2, 6))
    cases = [
        Case("r = 1, q(s', .) = (2, 4), gamma = 0.5", (numbers(1.0), numbers([2.0, 4.0]), numbers(NO), 0.5)),
        Case("r = 1, q(s', .) = (2, 4), s' terminal, gamma = 0.5",
             (numbers(1.0), numbers([2.0, 4.0]), numbers(YES), 0.5)),
        Case("6 transitions, some of them the last", (*one, 0.9)),
        Case("only negative values", (one[0], -q.abs() - 1, one[2], 0.9)),
        Case("gamma = 1", (*one, 1.0)), Case("gamma = 0", (*one, 0.0)),
        Case("transitions on two axes", (draw(3, 2, 3), draw(4, 2, 3, 5), marks(5, 2, 3), 0.9)),
        Case("float64", (one[0].double(), q.double(), one[2], 0.9)),
    ]  # fmt: skip
    ladder.agrees(cases, best_in_loops, CLOSE)


def trace_in_loops(value, trace, state, td_error, rates, replacing=False):
    """State by state in float64."""
    e = [rates[1] * x for x in trace.double().tolist()]
    e[int(state)] = 1.0 if replacing else e[int(state)] + 1
    v = [x + rates[0] * float(td_error) * y for x, y in zip(value.double().tolist(), e, strict=True)]
    return torch.tensor(v).to(value.dtype), torch.tensor(e).to(trace.dtype)


def traces(ladder: Ladder) -> None:
    """By hand, visits for the first time and again, both kinds, no memory, full memory, float64."""
    v, e = draw(0, 5), draw(1, 5).abs()
    again = (v, e, torch.tensor(3), torch.tensor(-0.7), (0.3, 0.8))
    cases = [
        Case("v = (1, 2), e = (0.5, 0), state 1, error 4, alpha = 0.5, decay = 0.8",
             (numbers(1.0, 2.0), numbers(0.5, 0.0), torch.tensor(1), torch.tensor(4.0), (0.5, 0.8))),
        Case("a state that was visited before", again),
        Case("a state that was visited before, with replacing traces", again, {"replacing": True}),
        Case("no memory: decay = 0", (*again[:4], (0.3, 0.0))),
        Case("full memory: decay = 1", (*again[:4], (0.3, 1.0))),
        Case("no trace yet", (v, torch.zeros(5), torch.tensor(0), torch.tensor(2.0), (0.1, 0.9))),
        Case("float64", (v.double(), e.double(), again[2], again[3].double(), (0.3, 0.8))),
    ]  # fmt: skip
    ladder.agrees(cases, trace_in_loops, CLOSE)


def exploration_schedule(ladder: Ladder) -> None:
    """The ends, the middle, beyond the end, falling and rising, rates of many digits, one step."""
    cases = [
        Case("step 0, from 0.9 to 0.1 in 100", (0, 0.9, 0.1, 100)),
        Case("step 25, from 0.9 to 0.1 in 100", (25, 0.9, 0.1, 100)),
        Case("step 100, from 0.9 to 0.1 in 100", (100, 0.9, 0.1, 100)),
        Case("step 250, long after the end", (250, 0.9, 0.1, 100)),
        Case("step 3 of 10, down to 0", (3, 1.0, 0.0, 10)),
        Case("step 5 of 20, rising", (5, 0.1, 0.5, 20)),
        Case("step 21 of 20, rising", (21, 0.1, 0.5, 20)),
        Case("step 7 of 30, from 1 to 0.05", (7, 1.0, 0.05, 30)),
        Case("one step", (1, 0.5, 0.25, 1)),
    ]
    oracle = lambda step, first, last, steps: float(np.interp(step, [0, steps], [first, last]))  # noqa: E731
    ladder.agrees(cases, oracle, CLOSE)


def along_the_line(priority, u):
    """One draw after the other: walk along the line until the point is passed."""
    total, found = sum(priority.double().tolist()), []
    for i, share in enumerate(u.double().tolist()):
        point, walked, last = (i + share) / len(u) * total, 0.0, 0
        for number, length in enumerate(priority.double().tolist()):
            walked += length
            last = number if length else last
            if walked > point:
                break
        found.append(last)
    return torch.tensor(found)


def replay_sampling(ladder: Ladder) -> None:
    """By hand, chance, zeros at both ends, one draw, more draws than transitions, points on borders."""
    few = draw(1, 8).abs()
    cases = [
        Case("priorities (1, 3), u = (0.4, 0.6)", (numbers(1.0, 3.0), numbers(0.4, 0.6))),
        Case("priorities (2, 1, 1), u = (0, 0): points on borders", (numbers(2.0, 1, 1), torch.zeros(2))),
        Case("priorities (0, 2, 0, 2), u = 0", (numbers(0.0, 2, 0, 2), torch.zeros(2))),
        Case("8 priorities, 5 draws", (few, torch.rand(5, generator=torch.Generator().manual_seed(0)))),
        Case("more draws than transitions", (few[:3], few.clamp(max=0.99))),
        Case("one draw", (few, numbers(0.9))), Case("one transition", (numbers(0.2), numbers(0.1, 0.7))),
        Case("u as near to 1 as can be, and a last priority of 0",
             (numbers(1.0, 1, 0), torch.full((3,), 1 - 2**-53, dtype=torch.float64))),
        Case("5,000 small priorities behind a large one, which float32 cannot add up",
             (torch.cat([numbers(1e6), torch.full((4999,), 0.02)]), numbers(0.3, 0.6, 0.99985))),
    ]  # fmt: skip
    ladder.agrees(cases, along_the_line, CLOSE)


def prioritised_weights(ladder: Ladder) -> None:
    """By hand, chance, no and full correction, equal and tiny probabilities, float64."""
    p = draw(0, 6).softmax(0)
    cases = [
        Case("P = (0.1, 0.4), beta = 0.5", (numbers(0.1, 0.4), 0.5)), Case("6 of chance", (p, 0.4)),
        Case("no correction: beta = 0", (p, 0.0)), Case("full correction: beta = 1", (p, 1.0)),
        Case("equal probabilities", (torch.full((3,), 0.2), 0.7)), Case("one", (numbers(0.3), 0.6)),
        Case("tiny probabilities", (1e-6 * p, 1.0)), Case("float64", (p.double(), 0.4)),
    ]  # fmt: skip

    def oracle(probability, beta):
        weights = [x**-beta for x in probability.double().tolist()]
        return torch.tensor([w / max(weights) for w in weights], dtype=probability.dtype)

    ladder.agrees(cases, oracle, CLOSE)
    most = ladder.subject(p, 0.9).max()
    ladder.holds(f"Weights are at most 1; the largest is {most:.3f}.", bool(abs(most - 1) < 1e-6))


def moved(mine, target, online, tau, learning=True):
    """Both networks after an update, as lists of tensors."""
    import torch

    old = [torch.nn.Parameter(x.clone(), requires_grad=learning) for x in target]
    new = [torch.nn.Parameter(x.clone()) for x in online]
    mine(old, new, tau)
    return [x.detach() for x in old], [x.detach() for x in new]


def left_behind(mine, target, online, tau):
    """After an update: has the target its old memory, is it free of graphs, are gradients still recorded."""
    import torch

    old, new = [x.clone() for x in target], [torch.nn.Parameter(x.clone()) for x in online]
    addresses = [x.data_ptr() for x in old]
    mine(old, new, tau)
    is_same, is_free = [x.data_ptr() for x in old] == addresses, all(x.grad_fn is None for x in old)
    return is_same, is_free, torch.is_grad_enabled()


def target_network(ladder: Ladder) -> None:
    """By hand, matrices, the ends of tau, float64; the network that learns and the memory stay."""
    old, new = [draw(0, 3, 2), draw(1, 3)], [draw(2, 3, 2), draw(3, 3)]
    cases = [
        Case("target 0, network 10, tau = 0.1", ([numbers(0.0)], [numbers(10.0)], 0.1)),
        Case("a matrix and a vector, tau = 0.3", (old, new, 0.3)),
        Case("tau = 0, where nothing moves", (old, new, 0.0)), Case("tau = 1, a copy", (old, new, 1.0)),
        Case("a target without gradients", (old, new, 0.05, False)),
        Case("float64", ([x.double() for x in old], [x.double() for x in new], 0.3)),
    ]  # fmt: skip

    def oracle(target, online, tau, learning=True):
        mixed = [(1 - tau) * a.double() + tau * b.double() for a, b in zip(target, online, strict=True)]
        return [m.to(a.dtype) for m, a in zip(mixed, target, strict=True)], online

    ladder.agrees(cases, oracle, CLOSE, through=moved)
    is_same, is_free, is_on = ladder.inside(left_behind)(old, new, 0.3)
    ladder.holds("The target was to change in its own memory; it got other tensors.", is_same)
    ladder.holds("No gradient was to flow through the target; the update is in its graph.", is_free)
    ladder.holds("Gradients were to be recorded after the update as before; they are off.", is_on)


def double_in_loops(reward, next_q, next_q_of_target, terminated, gamma):
    """Transition by transition."""
    width, found = next_q.shape[-1], []
    tables = (x.reshape(-1, width).tolist() for x in (next_q, next_q_of_target))
    for r, mine, theirs, over in zip(
        reward.flatten().tolist(), *tables, terminated.flatten().tolist(), strict=True
    ):
        found.append(r if over else r + gamma * theirs[mine.index(max(mine))])
    return torch.tensor(found, dtype=reward.dtype).view(reward.shape)


def double_q(ladder: Ladder) -> None:
    """By hand, chance, ends, discounts, equal values, two axes, float64."""
    many = (draw(0, 6), draw(1, 6, 4), draw(2, 6, 4), marks(3, 6))
    hand = (numbers(1.0), numbers([3.0, 2.0]), numbers([4.0, 8.0]))
    cases = [
        Case("r = 1, q = (3, 2), of the target (4, 8), gamma = 0.5", (*hand, numbers(NO), 0.5)),
        Case("r = 1, q = (3, 2), of the target (4, 8), s' terminal, gamma = 0.5", (*hand, numbers(YES), 0.5)),
        Case("6 transitions, some of them the last", (*many, 0.9)),
        Case("gamma = 1", (*many, 1.0)), Case("gamma = 0", (*many, 0.0)),
        Case("equal values, where the first action counts",
             (numbers(0.0), numbers([1.0, 1.0, 0.0]), numbers([5.0, 6.0, 7.0]), numbers(NO), 1.0)),
        Case("transitions on two axes",
             (draw(4, 2, 3), draw(5, 2, 3, 5), draw(6, 2, 3, 5), marks(7, 2, 3), 0.9)),
        Case("float64", (*(x.double() for x in many[:3]), many[3], 0.9)),
    ]  # fmt: skip
    ladder.agrees(cases, double_in_loops, CLOSE)
