"""Control with action values: the target and the loss of Q-learning, and epsilon-greedy behaviour.

Source: Watkins 1989; Sutton and Barto 2018, sections 2.2 and 6.5. Symbols: q holds the values of the a
actions of a state, r is the reward, s' the next state, gamma the discount.
"""

from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.switch import op


@op
def q_target(
    reward: Float[Tensor, "*b"], next_q: Float[Tensor, "*b a"], terminated: Bool[Tensor, "*b"], gamma: float
) -> Float[Tensor, "*b"]:
    """What Q-learning moves q(s, a) towards: r + gamma max q(s', .), or r alone after the last transition.

    Args:
        reward: r.
        next_q: q(s', .).
        terminated: s' is terminal. An episode that a time limit cuts off has not terminated.
        gamma: 0 to 1.

    Source: Sutton and Barto 2018, eq. 6.8.
    """
    # 1. The next state is worth as much as its best action.
    value = next_q.amax(-1)
    # 2. A terminal state is worth 0, whatever the table says.
    return reward + gamma * value.masked_fill(terminated, 0.0)


@op
def td_loss(q: Float[Tensor, " b"], target: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """Half the mean squared TD error.

    For one transition its gradient in q(s, a) is minus the TD error, so a step of SGD with learning rate
    alpha is the rule of Q-learning: q(s, a) + alpha (target - q(s, a)).

    Args:
        q: q(s, a) of each transition.
        target: what each is moved towards.

    Source: Sutton and Barto 2018, eq. 6.8 as a semi-gradient step (section 9.3).
    """
    # 1. The target depends on q as well, but it is held fixed.
    td_error = target.detach() - q
    # 2. The half cancels the 2 of the derivative.
    return 0.5 * td_error.square().mean()


@op
def epsilon_greedy(q: Float[Tensor, "*b a"], epsilon: float) -> Float[Tensor, "*b a"]:
    """The probability of every action under the epsilon-greedy policy.

    Args:
        q: q(s, .).
        epsilon: probability of an action at random, 0 (greedy) to 1 (uniform).

    Source: Sutton and Barto 2018, section 2.2.
    """
    # 1. Actions with the largest value share 1 - epsilon: an untouched table must not always go one way.
    is_best = (q == q.amax(-1, keepdim=True)).to(q.dtype)
    greedy = is_best / is_best.sum(-1, keepdim=True)
    # 2. All actions share epsilon.
    return (1 - epsilon) * greedy + epsilon / q.shape[-1]
