"""Hand-written policies of worlds whose trick is known: teachers to learn from, and baselines.

Sources: linear feedback for the pole (Barto, Sutton and Anderson 1983 solve the same task by learning); for
the car, swinging in the direction of travel adds energy in every step (Moore 1990).
"""

from collections.abc import Callable

from torch import Tensor

from gradschool.errors import UserError

Rule = Callable[[Tensor], Tensor]


def balance(observation: Tensor) -> Tensor:
    """CartPole: push to the side to which the pole falls, and a little towards the middle."""
    x, speed, angle, turning = observation.unbind(-1)
    return (0.1 * x + 0.2 * speed + 2 * angle + 0.5 * turning > 0).long()


def swing(observation: Tensor) -> Tensor:
    """MountainCar: drive in the direction in which the car moves."""
    return 2 * (observation[:, 1] >= 0).long()


RULES: dict[str, Rule] = {"cartpole": balance, "mountain_car": swing}


def rule_of(env: str) -> Rule:
    """The hand-written policy of a world.

    Raises:
        UserError: there is none.
    """
    if env not in RULES:
        raise UserError(
            f"there is no hand-written player of {env}", " or ".join(RULES), "Try --data cartpole."
        )
    return RULES[env]
