"""Checks of chapter 16, returns and policies: oracles are loops over numbers and torch.distributions."""

import math

import torch
from torch.distributions import Categorical, Independent, Normal

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, sums of at most 9 terms, against float64")
SUMS = Tolerance(1e-4, 1e-5, "float32, sums over up to 30 steps, against float64")


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def marks(seed, *shape, share=0.25):
    """Random marks of one seed."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def entry_by_entry(one, reward, *others):
    """A function of numbers for each entry of tensors of one shape."""
    rows = zip(*(x.flatten().tolist() for x in (reward, *others)), strict=True)
    return torch.tensor([one(*row) for row in rows], dtype=reward.dtype).view(reward.shape)


def target_in_loops(reward, next_value, final_value, terminated, truncated, gamma):
    """Step by step."""

    def one(r, following, final, over, cut):
        return r if over else r + gamma * (final if cut else following)

    return entry_by_entry(one, reward, next_value, final_value, terminated, truncated)


def truncation(ladder: Ladder) -> None:
    """Each way to go on by hand, chance, worlds side by side, discounts, float64."""
    hand = (numbers(1.0), numbers(4.0), numbers(6.0))
    yes, no = numbers(True), numbers(False)
    over, cut = marks(3, 6, 2), marks(4, 6, 2)
    following = draw(1, 6, 2)
    many = (draw(0, 6, 2), following, torch.where(over | cut, draw(2, 6, 2), following), over, cut)
    cases = [
        Case("r = 1, v of the next episode 4, final v 6, cut off, gamma = 0.5", (*hand, no, yes, 0.5)),
        Case("r = 1, v of the next episode 4, final v 6, terminated, gamma = 0.5", (*hand, yes, no, 0.5)),
        Case("r = 1, v of the next episode 4, final v 6, terminated and cut off, gamma = 0.5",
             (*hand, yes, yes, 0.5)),
        Case("an episode that goes on, v = 4", (numbers(1.0), numbers(4.0), numbers(4.0), no, no, 0.5)),
        Case("6 steps of 2 worlds", (*many, 0.9)), Case("gamma = 1", (*many, 1.0)),
        Case("gamma = 0", (*many, 0.0)), Case("float64", (*(x.double() for x in many[:3]), over, cut, 0.9)),
    ]  # fmt: skip
    ladder.agrees(cases, target_in_loops, CLOSE)


def worlds_apart(one, reward, *others):
    """Worlds one by one, as lists of numbers."""
    columns = [x.reshape(len(x), -1).unbind(1) for x in (reward, *others)]
    found = [one(*(c.tolist() for c in world)) for world in zip(*columns, strict=True)]
    return torch.tensor(found, dtype=reward.dtype).T.reshape(reward.shape)


def sums_of_rewards(reward, ended, gamma):
    """For each step its own sum, written out."""

    def one(rewards, ends):
        found = []
        for t in range(len(rewards)):
            stop = next((k for k in range(t, len(rewards)) if ends[k]), len(rewards) - 1)
            found.append(sum(gamma ** (k - t) * rewards[k] for k in range(t, stop + 1)))
        return found

    return worlds_apart(one, reward, ended)


def returns_to_go(ladder: Ladder) -> None:
    """By hand, with an end inside, worlds side by side, discounts, one step, float64."""
    many = (draw(0, 8, 3), marks(1, 8, 3))
    none = torch.zeros(3, dtype=torch.bool)
    cases = [
        Case("rewards (1, 2, 4), gamma = 0.5", (numbers(1.0, 2, 4), none, 0.5)),
        Case("rewards (1, 2, 4), step 2 is the last, gamma = 0.5",
             (numbers(1.0, 2, 4), numbers(False, True, False), 0.5)),
        Case("8 steps of 3 worlds", (*many, 0.9)), Case("gamma = 1", (*many, 1.0)),
        Case("gamma = 0", (*many, 0.0)), Case("one step", (draw(2, 1, 4), marks(3, 1, 4), 0.9)),
        Case("30 steps of worlds on two axes", (draw(4, 30, 2, 2), marks(5, 30, 2, 2, share=0.1), 0.95)),
        Case("float64", (many[0].double(), many[1], 0.9)),
    ]  # fmt: skip
    ladder.agrees(cases, sums_of_rewards, SUMS)


def errors_summed(reward, value, next_value, terminated, ended, gamma, lam):
    """For each step its own sum of TD errors, written out."""

    def one(r, v, w, over, ends):
        delta = [a + (0 if o else gamma * c) - b for a, b, c, o in zip(r, v, w, over, strict=True)]
        found = []
        for t in range(len(r)):
            stop = next((k for k in range(t, len(r)) if ends[k]), len(r) - 1)
            found.append(sum((gamma * lam) ** (k - t) * delta[k] for k in range(t, stop + 1)))
        return found

    return worlds_apart(one, reward, value, next_value, terminated, ended)


def following(value, ended, seed):
    """v(s') of each step: v of the next step, or of any state where the episode or the rollout stops."""
    stops = ended.clone()
    stops[-1] = True
    return torch.where(stops, draw(seed, *value.shape), value.roll(-1, 0))


def gae(ladder: Ladder) -> None:
    """By hand, the ends of lambda, terminated and cut off, worlds side by side, one step, float64."""
    over = marks(3, 8, 3)
    ends = over | marks(4, 8, 3)
    many = (draw(0, 8, 3), draw(1, 8, 3), following(draw(1, 8, 3), ends, 2), over, ends)
    no = torch.zeros(2, dtype=torch.bool)
    hand = (numbers(1.0, 2), numbers(3.0, 4), numbers(4.0, 6))
    first = numbers(True, False)
    rare = marks(8, 30, 2, 2, share=0.1)
    long = (draw(5, 30, 2, 2), draw(6, 30, 2, 2), following(draw(6, 30, 2, 2), rare, 7), rare, rare)
    cases = [
        Case("r = (1, 2), v = (3, 4), v' = (4, 6), gamma = lambda = 0.5", (*hand, no, no, 0.5, 0.5)),
        Case("r = (1, 2), v = (3, 4), v' = (4, 6), gamma = lambda = 0.5, step 1 terminates",
             (*hand, first, first, 0.5, 0.5)),
        Case("r = (1, 2), v = (3, 4), v' = (4, 6), gamma = lambda = 0.5, step 1 is cut off",
             (*hand, no, first, 0.5, 0.5)),
        Case("8 steps of 3 worlds", (*many, 0.9, 0.8)), Case("lambda = 0", (*many, 0.9, 0.0)),
        Case("lambda = 1", (*many, 0.9, 1.0)), Case("gamma = 1", (*many, 1.0, 0.7)),
        Case("one step", (*(x[:1] for x in many), 0.9, 0.8)),
        Case("30 steps of worlds on two axes", (*long, 0.95, 0.9)),
        Case("float64", (*(x.double() for x in many[:3]), *many[3:], 0.9, 0.8)),
    ]  # fmt: skip
    ladder.agrees(cases, errors_summed, SUMS)


def reinforced(log_p, returns, baseline):
    """The mean in float64; the gradient is that of log_p alone."""
    return -(log_p.double() * (returns - baseline).detach().double()).mean().to(log_p.dtype)


def baseline(ladder: Ladder) -> None:
    """By hand, no baseline, chance, two axes, float64; gradients in the policy and in nothing else."""
    many = (draw(0, 6), draw(1, 6), draw(2, 6))
    cases = [
        Case("log p = (-1, -2), G = (3, 5), b = (1, 1)", (numbers(-1.0, -2), numbers(3.0, 5), torch.ones(2))),
        Case("a baseline of 0", (*many[:2], torch.zeros(6))), Case("6 actions", many),
        Case("3 steps of 2 worlds", (draw(3, 3, 2), draw(4, 3, 2), draw(5, 3, 2))),
        Case("float64", tuple(x.double() for x in many)),
    ]  # fmt: skip
    ladder.agrees(cases, reinforced, CLOSE)
    ladder.gradients(cases[2:4], reinforced, CLOSE)
    found = ladder.inside(flows)(*many)
    ladder.holds(f"No gradient flows into the baseline; {found:.3g} did.", found == 0)
    none, some = (ladder.inside(expected)(many[1][:3], level) for level in (0.0, 7.0))
    ladder.same("The expected gradient is the same for every baseline, which", some, none, CLOSE)


def expected(mine, returns, level):
    """The gradient of three equally probable actions, each taken once: its expectation."""
    import torch

    logits = torch.zeros(3, requires_grad=True)
    loss = mine(logits.log_softmax(0), returns, torch.full((3,), level))
    return torch.autograd.grad(loss, logits)[0]


def flows(mine, log_p, returns, baseline):
    """The size of the gradient in the baseline."""
    import torch

    log_p, baseline = log_p.clone().requires_grad_(), baseline.clone().requires_grad_()
    (found,) = torch.autograd.grad(mine(log_p, returns, baseline), [baseline], allow_unused=True)
    return 0.0 if found is None else float(found.abs().sum())


def clipped(log_p, old_log_p, advantage, clip=0.2):
    """Case by case in float64: the gain is constant where the ratio has gone far enough the right way.

    Only the new policy learns: whether gradients flow into the others is left open.
    """
    log_p, old_log_p, advantage = log_p.double(), old_log_p.detach().double(), advantage.detach().double()
    ratio = (log_p - old_log_p).exp()
    up = (advantage > 0) & (ratio > 1 + clip)
    down = (advantage < 0) & (ratio < 1 - clip)
    constant = torch.where(up, 1 + clip, torch.where(down, 1 - clip, ratio))
    return -(constant * advantage).mean()


def ppo_clip(ladder: Ladder) -> None:
    """All four corners by hand, the old policy, chance, other clips, two axes, float64; gradients."""
    new, old = numbers(math.log(0.6)), numbers(math.log(0.4))
    far = (0.7 * draw(0, 8) - 1, 0.7 * draw(1, 8) - 1, draw(2, 8))
    cases = [
        Case("from 0.4 to 0.6, A = 2", (new, old, numbers(2.0))),
        Case("from 0.4 to 0.6, A = -2", (new, old, numbers(-2.0))),
        Case("from 0.6 to 0.4, A = 2", (old, new, numbers(2.0))),
        Case("from 0.6 to 0.4, A = -2", (old, new, numbers(-2.0))),
        Case("the policy that acted", (far[0], far[0], far[2])), Case("8 actions", far),
        Case("a clip of 0.5", (*far, 0.5)), Case("4 steps of 2 worlds", tuple(x.view(4, 2) for x in far)),
        Case("float64", tuple(x.double() for x in far)),
    ]  # fmt: skip
    oracle = lambda a, b, c, clip=0.2: clipped(a, b, c, clip).to(a.dtype)  # noqa: E731
    ladder.agrees(cases, oracle, CLOSE)
    ladder.gradients([*cases[:4], cases[5]], oracle, CLOSE)


def torchs_entropy(logits):
    """Torch's, row by row; an action that is not allowed is left out."""
    rows = logits.reshape(-1, logits.shape[-1])
    found = [Categorical(logits=row[row > -math.inf].double()).entropy() for row in rows]
    return torch.stack(found).to(logits.dtype).view(logits.shape[:-1])


def slope(mine, logits):
    """The gradient of the mean entropy, as a bonus adds it to a loss."""
    import torch

    logits = logits.clone().requires_grad_()
    return torch.autograd.grad(mine(logits).mean(), logits)[0]


def policy_entropy(ladder: Ladder) -> None:
    """Even and certain by hand, chance, far apart, forbidden actions, two axes, float64; gradients."""
    forbidden = draw(1, 3, 5).masked_fill(numbers(False, True, False, False, True), -math.inf)
    cases = [
        Case("4 equal logits, whose entropy is log 4", (torch.full((1, 4), 3.0),)),
        Case("logits (log 0.9, log 0.1)", (numbers([math.log(0.9), math.log(0.1)]),)),
        Case("one action is certain", (numbers([200.0, 0, 0]),)),
        Case("5 rows of 3 actions", (draw(0, 5, 3),)),
        Case("logits about 1000 apart", (1000 * draw(0, 5, 3),)),
        Case("two actions that are not allowed", (forbidden,)),
        Case("rows on two axes", (draw(2, 2, 3, 4),)), Case("one row", (draw(3, 6),)),
        Case("float64", (draw(0, 5, 3).double(),)),
    ]  # fmt: skip
    ladder.agrees(cases, torchs_entropy, CLOSE)
    ladder.gradients(cases[3:4], torchs_entropy, CLOSE)
    got, want = ladder.inside(slope)(forbidden), slope(torchs_entropy, forbidden)
    ladder.same("No gradient flows into an action that is not allowed, which", got, want, CLOSE)


def changed_variable(u, mean, log_std):
    """Torch's density of u, and the logarithm of the slope of tanh, 4 / (exp(u) + exp(-u))^2, in float64."""
    normal = Independent(Normal(mean.double(), log_std.double().exp().expand_as(u)), 1)
    size = u.double().abs()
    slope = math.log(4) - 2 * size - 2 * torch.log1p(torch.exp(-2 * size))
    return (normal.log_prob(u.double()) - slope.sum(-1)).to(u.dtype)


def squashed_gaussian(ladder: Ladder) -> None:
    """By hand, chance, large numbers, shared deviations, float64; gradients; a density sums to 1."""
    zero, many = torch.zeros(1, 1), (draw(0, 5, 3), draw(1, 5, 3), 0.5 * draw(2, 5, 3))
    cases = [
        Case("u = 0, mean 0, deviation 1", (zero, zero, zero)), Case("5 actions of 3 numbers", many),
        Case("u about 50, where tanh is 1", (50 + many[0], 50 + many[1], many[2])),
        Case("u about -50, where tanh is -1", (-50 + many[0], -50 + many[1], many[2])),
        Case("deviations shared by all actions", (*many[:2], 0.5 * draw(3, 3))),
        Case("one action", tuple(x[0] for x in many)), Case("float64", tuple(x.double() for x in many)),
    ]  # fmt: skip
    ladder.agrees(cases, changed_variable, SUMS)
    ladder.gradients(cases[1:2], changed_variable, SUMS)
    u = torch.linspace(-8, 8, 4001, dtype=torch.float64)[:, None]
    density = ladder.subject(u, torch.full((1,), 0.3).double(), torch.zeros(1).double()).exp()
    total = torch.trapezoid(density, u[:, 0].tanh()).item()
    ladder.holds(f"A density over -1 to 1 sums to 1; {total:.3f} came.", abs(total - 1) < 1e-3)
