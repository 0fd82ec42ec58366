"""The Frechet distance between two Gaussians fitted to features: FID, where the features are Inception's.

Source: Dowson and Landau 1982, eq. 4; Heusel et al. 2017, eq. 6. Deviation: with covariances A'A and B'B the
trace of the root of their product is the sum of the singular values of AB', so no root of a matrix is taken,
and n pictures with d > n features need n x n numbers only.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Vector = Float[Tensor, " d"]
Square = Float[Tensor, "d d"]


class Moments:
    """Mean and covariance of features that come batch by batch, in float64.

    Each batch is centred by its own mean first, so that large means cost no digits. Source: Chan et al. 1983,
    eq. 2.1.

    Args:
        size: d, how many features.
    """

    def __init__(self, size: int) -> None:
        self.count = 0
        self.mean = torch.zeros(size, dtype=torch.float64)
        self.scatter = torch.zeros(size, size, dtype=torch.float64)

    def add(self, features: Float[Tensor, "n d"]) -> None:
        """Take in a batch."""
        x = features.double().cpu()
        n, mean = len(x), x.mean(0)
        # 1. What the batch scatters around its own mean.
        centred = x - mean
        self.scatter += centred.T @ centred
        # 2. What the two means scatter around the common one.
        apart, total = mean - self.mean, self.count + n
        self.scatter += torch.outer(apart, apart) * (self.count * n / total)
        self.mean += apart * (n / total)
        self.count = total

    @property
    def covariance(self) -> Square:
        """The unbiased one, divided by n - 1.

        Raises:
            ValueError: fewer than two pictures came.
        """
        if self.count < 2:
            raise ValueError(f"{self.count} pictures, 2 or more were wanted; a covariance needs a pair")
        return self.scatter / (self.count - 1)


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian whose covariance is factor' factor.

    Args:
        mean: (d,), float64.
        factor: (k, d), float64; k is the number of pictures where that is smaller than d.
    """

    mean: Vector
    factor: Float[Tensor, "k d"]


def fitted(features: Float[Tensor, "n d"]) -> Gaussian:
    """The Gaussian of n pictures; with n <= d the centred features are themselves the factor.

    Raises:
        ValueError: fewer than two pictures, or a feature that is not finite.
    """
    n, d = features.shape
    if n < 2:
        raise ValueError(f"{n} pictures, 2 or more were wanted; a covariance needs a pair")
    if not features.isfinite().all():
        raise ValueError("a feature is NaN or infinite, finite numbers were wanted; look at the pictures")
    if n > d:
        moments = Moments(d)
        moments.add(features)
        return from_moments(moments.mean, moments.covariance)
    x = features.double().cpu()
    mean = x.mean(0)
    return Gaussian(mean, (x - mean) / (n - 1) ** 0.5)


def from_moments(mean: Vector, covariance: Square) -> Gaussian:
    """The Gaussian of a known mean and covariance.

    Cholesky finds the factor of a covariance without a zero eigenvalue; features that never fire make one
    singular, and then its eigenvectors do.
    """
    lower, failed = torch.linalg.cholesky_ex(covariance.double())
    if not failed:
        return Gaussian(mean.double(), lower.T)
    values, vectors = torch.linalg.eigh(covariance.double())
    some = values > values.max() * len(values) * torch.finfo(torch.float64).eps
    return Gaussian(mean.double(), values[some].sqrt().unsqueeze(1) * vectors.T[some])


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """The squared Frechet distance |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), 0 or more.

    Args:
        a: a Gaussian with covariance C_a = factor' factor.
        b: another over the same d features.

    Raises:
        ValueError: they have different numbers of features.
    """
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"{len(a.mean)} features and {len(b.mean)}, equal numbers were wanted")
    # 1. The squared distance of the means.
    apart = (a.mean - b.mean).square().sum()
    # 2. The traces of both covariances: each is the sum of all squared numbers of its factor.
    traces = a.factor.square().sum() + b.factor.square().sum()
    # 3. The trace of the root of the product, by `root_trace`.
    shared = root_trace(a.factor @ b.factor.T, len(a.mean))
    return max(0.0, float(apart + traces - 2 * shared))


def root_trace(cross: Float[Tensor, "k l"], d: int) -> Float[Tensor, ""]:
    """The sum of the singular values of a cross product of factors over d features.

    Square factors are of full rank (Cholesky found them): there the roots of the eigenvalues of cross cross'
    are exact enough and come three times as fast. Others have singular values near 0, which would drown in
    the rounding of a squared matrix.
    """
    if cross.shape == (d, d):
        return torch.linalg.eigvalsh(cross @ cross.T).clamp_min(0).sqrt().sum()
    return torch.linalg.svdvals(cross).sum()
