"""Learning the values of a finite process from episodes: Monte Carlo, TD(lambda), SARSA and Q-learning.

Sources: Sutton and Barto 2018, sections 5.1, 6.1, 6.4, 6.5 and 12.2; Watkins 1989 (traces of Q-learning are
cut at a random action). Deviation: the learning rate is constant, unless a schedule is given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.control import epsilon_greedy
from gradschool.ops.rl.returns import returns_to_go
from gradschool.ops.rl.traces import trace_update
from gradschool.rl.tabular.mdp import MDP

Values = Float[Tensor, " s"]
Q = Float[Tensor, "s a"]
Method = Literal["sarsa", "q-learning"]


@dataclass(frozen=True)
class Learning:
    """How a table is learned.

    Args:
        gamma: discount, 0 to 1.
        alpha: learning rate, 0 to 1.
        lam: how long traces last, 0 (one step) to 1.
        epsilon: probability of a random action, 0 to 1.
        limit: steps after which an episode is cut off.
        start: the first state of every episode; None: a random one.
    """

    gamma: float = 0.9
    alpha: float = 0.1
    lam: float = 0.0
    epsilon: float = 0.1
    limit: int = 200
    start: int | None = None

    def begin(self, mdp: MDP, generator: torch.Generator) -> int:
        """The first state of an episode."""
        return int(torch.randint(len(mdp.r), (), generator=generator)) if self.start is None else self.start


@dataclass(frozen=True)
class Episode:
    """One episode: the states that were left, their actions and rewards, and how it stopped.

    Args:
        states: t + 1 of them; the last is where it was cut off, or -1 for its end.
        actions: t of them.
        rewards: t of them.
    """

    states: Int64[Tensor, " t1"]
    actions: Int64[Tensor, " t"]
    rewards: Float[Tensor, " t"]


def stepped(mdp: MDP, state: int, action: int, generator: torch.Generator) -> tuple[int, float]:
    """The next state (-1 where the episode has ended) and the reward."""
    p = mdp.p[state, action]
    point = torch.rand((), generator=generator, dtype=torch.float64)
    following = int((p.cumsum(0) <= point).sum())
    # A row that sums to 1 ends nowhere, whatever rounding says.
    if following == len(p) and p.sum() > 1 - 1e-9:
        following = int(p.nonzero().max())
    return (-1 if following == len(p) else following), float(mdp.r[state, action])


def played(mdp: MDP, policy: Q, learning: Learning, generator: torch.Generator) -> Episode:
    """Play one episode by a policy, given as probabilities of the actions in each state."""
    states = [learning.begin(mdp, generator)]
    actions: list[int] = []
    rewards: list[float] = []
    while len(actions) < learning.limit and states[-1] >= 0:
        actions.append(int(torch.multinomial(policy[states[-1]], 1, generator=generator)))
        following, reward = stepped(mdp, states[-1], actions[-1], generator)
        states.append(following)
        rewards.append(reward)
    return Episode(torch.tensor(states), torch.tensor(actions), torch.tensor(rewards, dtype=torch.float64))


def monte_carlo(mdp: MDP, policy: Q, episodes: int, learning: Learning, seed: int) -> Values:
    """First-visit Monte Carlo: the mean return after the first visit of each state; 0 for unvisited ones.

    Args:
        mdp: whose episodes end within the limit; the tail of one that is cut off counts as 0.
        policy: to be evaluated, (s, a).
        episodes: how many.
        learning: gamma, limit and start are used.
        seed: of the episodes.
    """
    generator = torch.Generator().manual_seed(seed)
    total, count = torch.zeros(2, len(mdp.r), dtype=torch.float64)
    for _ in range(episodes):
        # 1. What followed each step.
        episode = played(mdp, policy, learning, generator)
        ended = torch.zeros(len(episode.rewards), dtype=torch.bool)
        returns = returns_to_go(episode.rewards, ended, learning.gamma)
        # 2. Only first visits: later ones of the same episode are not independent of it.
        for t, state in enumerate(episode.states[:-1].tolist()):
            if state not in episode.states[:t].tolist():
                total[state] += returns[t]
                count[state] += 1
    return total / count.clamp(min=1)


def td_lambda(mdp: MDP, policy: Q, episodes: int, learning: Learning, seed: int) -> Values:
    """TD(lambda) with accumulating traces; TD(0) where `learning.lam` is 0.

    Args:
        mdp: which.
        policy: to be evaluated, (s, a).
        episodes: how many.
        learning: all but epsilon is used.
        seed: of the episodes.
    """
    generator = torch.Generator().manual_seed(seed)
    value = torch.zeros(len(mdp.r), dtype=torch.float64)
    for _ in range(episodes):
        episode, trace = played(mdp, policy, learning, generator), torch.zeros_like(value)
        for t, reward in enumerate(episode.rewards):
            state, following = episode.states[t], episode.states[t + 1]
            later = value[following] if following >= 0 else 0.0
            error = reward + learning.gamma * later - value[state]
            rates = (learning.alpha, learning.gamma * learning.lam)
            value, trace = trace_update(value, trace, state, error, rates)
    return value


def control(
    mdp: MDP,
    method: Method,
    episodes: int,
    learning: Learning,
    seed: int,
    watch: Callable[[int, Q], None] | None = None,
) -> Q:
    """SARSA or Q-learning with an epsilon-greedy policy and traces.

    Args:
        mdp: which.
        method: "sarsa" (the target counts the next action that is taken) or "q-learning" (the best one).
        episodes: how many.
        learning: how.
        seed: of the episodes.
        watch: called with the number of each episode and the table after it.

    Returns:
        The table of action values.
    """
    generator = torch.Generator().manual_seed(seed)
    q = torch.zeros_like(mdp.r)
    for number in range(episodes):
        q = one_episode(mdp, method, q, learning, generator)
        if watch:
            watch(number, q)
    return q


def one_episode(mdp: MDP, method: Method, q: Q, learning: Learning, generator: torch.Generator) -> Q:
    """The table after one more episode."""

    def act(state: int) -> int:
        return int(torch.multinomial(epsilon_greedy(q[state], learning.epsilon), 1, generator=generator))

    actions, trace = q.shape[1], torch.zeros_like(q).flatten()
    state = learning.begin(mdp, generator)
    action = act(state)
    for _ in range(learning.limit):
        # 1. One step, and the action after it.
        following, reward = stepped(mdp, state, action, generator)
        next_action = act(following) if following >= 0 else 0
        best = q[following].amax() if following >= 0 else torch.tensor(0.0)
        taken = q[following, next_action] if following >= 0 else torch.tensor(0.0)
        # 2. The TD error of the method.
        later = taken if method == "sarsa" else best
        error = reward + learning.gamma * later - q[state, action]
        # 3. All pairs that were visited lately learn from it.
        pair, rates = torch.tensor(state * actions + action), (learning.alpha, learning.gamma * learning.lam)
        flat, trace = trace_update(q.flatten(), trace, pair, error, rates)
        q = flat.view_as(q)
        if following < 0:
            break
        # 4. Q-learning values the greedy policy: what came before a random action says nothing of it.
        if method == "q-learning" and taken < best:
            trace = torch.zeros_like(trace)
        state, action = following, next_action
    return q


def q_learning_trace(
    mdp: MDP, steps: list[tuple[int, int]], following: list[int], gamma: float, alpha: float
) -> list[Q]:
    """The table after every step of a given path, for exercises on paper.

    Args:
        mdp: whose rewards are used.
        steps: (state, action) of each step.
        following: the next state of each, -1 where the episode ended.
        gamma: discount, 0 to 1.
        alpha: learning rate, 0 to 1.
    """
    q, tables = torch.zeros_like(mdp.r), []
    for (state, action), after in zip(steps, following, strict=True):
        later = q[after].amax() if after >= 0 else 0.0
        q = q.clone()
        q[state, action] += alpha * (mdp.r[state, action] + gamma * later - q[state, action])
        tables.append(q)
    return tables
