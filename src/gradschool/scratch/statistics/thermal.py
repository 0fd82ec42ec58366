"""Entropy in physics: Boltzmann's count of arrangements, his weights of energies, von Neumann's mixtures.

Sources: Boltzmann 1877; Gibbs 1902; von Neumann 1927. Boltzmann's constant is 1, so that a temperature is an
energy; entropies come in bits unless another base is asked for.
"""

from collections.abc import Sequence
from math import lgamma, log

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.statistics.information import entropy


def boltzmann(energies: Array, temperature: float) -> tuple[Array, float]:
    """Boltzmann distribution e^(-E/T) / Z over states, and the free energy F = -T log Z.

    Z is the sum of e^(-E/T) over all states. These exponentials overflow or become 0 for ordinary energies at
    low temperatures. Subtract the largest exponent m first: log sum e^x = m + log sum e^(x - m), and the
    probabilities are e^(x - m) over their sum.

    Args:
        energies: E of each of k states, (k,), of any size and sign.
        temperature: T > 0, in the unit of the energies.

    Returns:
        Probabilities p (k,), higher for lower energies, and F. It equals <E> - T S, with the mean energy <E>
        and the entropy S of p in nats.

    Source: Gibbs 1902, chapter IV.
    """
    # 1. The exponents x, and the largest of them, m.
    x = -np.asarray(energies, float) / temperature
    m = x.max()
    # 2. Z e^-m, the sum of e^(x - m), none of which is above 1.
    scaled = np.exp(x - m)
    total = scaled.sum()
    # 3. Probabilities, which sum to 1, and F.
    return scaled / total, float(-temperature * (m + np.log(total)))


def counted(counts: Sequence[int], base: float = 2.0) -> float:
    """Boltzmann's entropy of N equal systems, per system: log W / N, where W arrangements have these counts.

    W = N! / (n1! n2! ...) is the number of ways to put N systems into states with these counts. As N grows
    with the shares n / N = p fixed, log W / N approaches the entropy of p (Stirling).

    Args:
        counts: how many systems are in each state; their sum N is >= 1.
        base: 2 for bits, math.e for nats.

    Source: Boltzmann 1877.
    """
    # 1. log n! is lgamma(n + 1).
    ways = lgamma(sum(counts) + 1) - sum(lgamma(n + 1) for n in counts)
    # 2. Divide by the number of systems and convert the unit.
    return ways / sum(counts) / log(base)


def density(weights: Array, states: Array) -> Array:
    """Density matrix of a quantum system prepared in state i with probability w_i: sum w_i |s_i><s_i|.

    Args:
        weights: (n,), summing to 1.
        states: (n, d), unit vectors as rows, real or complex; they need not be orthogonal.

    Returns:
        (d, d), Hermitian, with trace 1: all that any measurement can tell about the preparation.
    """
    # 1. The outer product of each state and its conjugate, weighted and summed.
    rho: Array = (states.T * weights) @ states.conj()
    return rho


def von_neumann(rho: Array, base: float = 2.0) -> Array:
    """Von Neumann entropy -tr(rho log rho): no measurement has outcomes of less entropy.

    Every density matrix is a mixture of d orthogonal states, its eigenvectors; the eigenvalues are their
    probabilities.

    Args:
        rho: (..., d, d), real symmetric or complex Hermitian, trace 1, eigenvalues >= 0 up to rounding.
        base: of the logarithm, > 1: 2 for bits, math.e for nats.

    Returns:
        (...): 0 for a single state, in whatever basis; Shannon's entropy of the diagonal if rho is diagonal.

    Source: von Neumann 1927.
    """
    # 1. The eigenvalues: probabilities of the states that are mixed.
    p = np.linalg.eigvalsh(rho)
    # 2. Their entropy; an eigenvalue that rounding left below 0 counts as 0.
    return entropy(p, base)
