"""Does 80 % confident mean right 8 times of 10? Reliability bins, calibration error, Brier score,
temperature.

Source: Guo et al. 2017 (temperature scaling, expected calibration error); Nguyen and O'Connor 2015 (bins of
equal mass); Brier 1950. Temperature is fitted by safeguarded Newton steps: the loss is convex in 1/T, so one
root is all.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

COLDEST, HOTTEST = (
    0.05,
    20.0,
)  # a perfect or a useless validation set has no finite optimum: T stays in between


@dataclass(frozen=True)
class Bins:
    """A reliability diagram: edges, mean confidence, accuracy and number of images of each of the b bins."""

    low: Float[Tensor, " b"]
    high: Float[Tensor, " b"]
    confidence: Float[Tensor, " b"]
    accuracy: Float[Tensor, " b"]
    count: Int64[Tensor, " b"]

    @property
    def error(self) -> float:
        """Mean |accuracy - confidence| over images, the calibration error. Source: Guo et al., eq. 3."""
        gap = (self.accuracy - self.confidence).abs()
        return float((gap * self.count).sum() / self.count.sum().clamp(min=1))


def confidences(
    logits: Float[Tensor, "n k"], labels: Int64[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """The probability of the predicted class, and 1 where the prediction is right, else 0."""
    best = logits.double().softmax(1).max(1)
    return best.values, (best.indices == labels).double()


def equal_width(confidence: Float[Tensor, " n"], right: Float[Tensor, " n"], bins: int = 15) -> Bins:
    """Bins ((b-1)/B, b/B]; empty ones have count 0. Source: Guo et al. 2017, eq. 2."""
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
    place = torch.bucketize(confidence, edges[1:-1])
    count = torch.bincount(place, minlength=bins)
    safe = count.clamp(min=1)
    mean_confidence = torch.bincount(place, confidence, minlength=bins) / safe
    accuracy = torch.bincount(place, right, minlength=bins) / safe
    return Bins(edges[:-1], edges[1:], mean_confidence, accuracy, count)


def equal_mass(confidence: Float[Tensor, " n"], right: Float[Tensor, " n"], bins: int = 15) -> Bins:
    """Bins of (nearly) the same number of images each, so that no bin is judged from a handful."""
    order = confidence.argsort(stable=True)
    parts = [part for part in order.tensor_split(min(bins, max(1, len(order)))) if len(part)]

    def column(of: Float[Tensor, " n"]) -> Float[Tensor, " b"]:
        return torch.stack([of[part].mean() for part in parts])

    low = torch.stack([confidence[part[0]] for part in parts])
    high = torch.stack([confidence[part[-1]] for part in parts])
    return Bins(low, high, column(confidence), column(right), torch.tensor([len(part) for part in parts]))


def brier(probabilities: Float[Tensor, "n k"], labels: Int64[Tensor, " n"]) -> float:
    """Mean squared distance to the one-hot truth, 0 (perfect) to 2. Source: Brier 1950, eq. 2."""
    truth = torch.nn.functional.one_hot(labels, probabilities.shape[1])
    return float((probabilities.double() - truth).square().sum(1).mean())


def fit_temperature(logits: Float[Tensor, "n k"], labels: Int64[Tensor, " n"], steps: int = 60) -> float:
    """The T that minimises the negative log-likelihood of softmax(logits / T). Fit it on validation images
    only.

    With b = 1/T the derivative of the loss is E[mean of logits under softmax(b·logits)] - E[true logit], and
    its second derivative the expected variance of the logits, so it only rises: Newton, bisection where
    Newton leaves the bracket.

    Args:
        logits: of validation images.
        labels: their true classes.
        steps: at most so many; 60 bisections alone are exact to float64.

    Returns:
        T in [0.05, 20]; above 1 the network was over-confident, below 1 under-confident.

    Source: Guo et al. 2017, sec. 4.2.
    """
    logits = logits.double()
    true_logit = logits.gather(1, labels[:, None]).squeeze(1).mean()
    low, high, b = 1 / HOTTEST, 1 / COLDEST, 1.0
    for _ in range(steps):
        # 1. Slope and curvature of the loss at b.
        p = (b * logits).softmax(1)
        mean = (p * logits).sum(1, keepdim=True)
        slope = float(mean.mean() - true_logit)
        curvature = float((p * (logits - mean).square()).sum(1).mean())
        # 2. The root lies on the side where the slope changes sign.
        low, high = (low, b) if slope > 0 else (b, high)
        newton = b - slope / curvature if curvature > 0 else low
        following = newton if low < newton < high else (low + high) / 2
        # 3. Stop when a step no longer moves b.
        if abs(following - b) <= 1e-12 * b:
            break
        b = following
    return 1 / b
