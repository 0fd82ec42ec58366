"""A network and a model that counts, mixed: each token has the weighted mean of their two probabilities.

A count knows whole phrases by heart, a network knows what is like what; the mean is better than either where
they err on different tokens. The weight is chosen on text that neither was trained on, and never on the test
part. Sources: Jelinek and Mercer 1980 (interpolation); Mikolov et al. 2011, section 3.2 (with networks).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

Nats = Float[np.ndarray, " m"]
OfAPart = Float[np.ndarray, " _"]  # parts differ in length
STEPS = 100  # of the EM algorithm, which gains with every one


@dataclass(frozen=True)
class Mixture:
    """What a mixture reaches.

    Args:
        beside: the name of the model that counts.
        weight: of the network, 0 to 1.
        test_loss: of the mixture, in nats a token.
    """

    beside: str
    weight: float
    test_loss: float

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def mixed(network: Nats, counted: Nats, weight: float) -> Nats:
    """The surprisals of the mixture, from those of its parts, in nats.

    Args:
        network: surprisals of the network's.
        counted: of the same tokens by the other.
        weight: of the network, 0 to 1.
    """
    mean = weight * np.exp(-network.astype(np.float64)) + (1 - weight) * np.exp(-counted.astype(np.float64))
    return -np.log(mean)


def best_weight(network: Nats, counted: Nats) -> float:
    """The weight of the network with which the mixture is least surprised, by the EM algorithm.

    Args:
        network, counted: as of `mixed`, of a text that is held out.

    Source: Dempster, Laird and Rubin 1977.
    """
    p, q = np.exp(-network.astype(np.float64)), np.exp(-counted.astype(np.float64))
    weight = 0.5
    for _ in range(STEPS):
        # The mean share that the network has in each token's probability.
        weight = float(np.mean(weight * p / (weight * p + (1 - weight) * q)))
    return weight


def mixture(network: Sequence[OfAPart], counted: Mapping[str, Sequence[OfAPart]]) -> Mixture:
    """Mix a network with the model that counts best; the validation part chooses both it and the weight.

    Args:
        network: its surprisals on the validation and on the test part.
        counted: those of models that count, by name.
    """
    name = min(counted, key=lambda name: float(counted[name][0].mean()))
    weight = best_weight(network[0], counted[name][0])
    return Mixture(name, weight, float(mixed(network[1], counted[name][1], weight).mean()))
