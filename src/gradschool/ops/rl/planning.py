"""Planning in a known world: the Bellman backup, and the exact values of a policy.

Source: Sutton and Barto 2018, sections 3.5, 4.1 and 4.4. Symbols: P(s' | s, a) is the chance of the next
state, r(s, a) the expected reward, v and q the values of states and of actions, pi the policy, gamma the
discount.
Deviation: a row of P may sum to less than 1; the rest is the chance that the episode ends, after which
nothing is earned.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

Model = Float[Tensor, "s a s"]
Table = Float[Tensor, "s a"]
Values = Float[Tensor, " s"]


@op
def bellman_backup(p: Model, r: Table, value: Values, gamma: float) -> Table:
    """The values of all actions, if the states that follow are worth `value`: r + gamma P v.

    Args:
        p: P(s' | s, a); a row sums to 1, or to less where the episode may end.
        r: r(s, a).
        value: v(s').
        gamma: 0 to 1.

    Returns:
        q(s, a).

    Source: Sutton and Barto 2018, eq. 4.2.
    """
    # 1. What the next state is worth on average.
    later = torch.einsum("sat,t->sa", p, value)
    # 2. The reward now, and the discounted rest.
    return r + gamma * later


@op
def policy_evaluation(p: Model, r: Table, policy: Table, gamma: float) -> Values:
    """The values of all states under a policy: the solution of v = r_pi + gamma P_pi v.

    Args:
        p: P(s' | s, a); a row sums to 1, or to less where the episode may end.
        r: r(s, a).
        policy: pi(a | s); each row sums to 1.
        gamma: 0 to below 1; 1 where every episode ends.

    Returns:
        v(s).

    Source: Sutton and Barto 2018, section 4.1.
    """
    # 1. The policy turns the decision process into a chain of states.
    chain = torch.einsum("sa,sat->st", policy, p)
    # 2. What it earns in each state.
    earned = (policy * r).sum(1)
    # 3. The values solve one linear equation for each state: (I - gamma P_pi) v = r_pi.
    identity = torch.eye(len(r), device=r.device)
    return torch.linalg.solve(identity - gamma * chain, earned)
