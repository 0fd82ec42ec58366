"""A linear probe: how well can a linear classifier tell classes apart by features that are given?

Multinomial logistic regression with an L2 penalty on the weights, fitted to its minimum by L-BFGS (Liu and
Nocedal 1989). Source of the name and the question: Alain and Bengio 2017, "Understanding intermediate layers
using linear classifier probes". Checked against scikit-learn's LogisticRegression.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import cross_entropy

STEPS, TINY = 500, 1e-12


def linear_probe(
    x: Float[Tensor, "n d"], y: Int64[Tensor, " n"], classes: int, decay: float = 0.1
) -> tuple[Float[Tensor, "k d"], Float[Tensor, " k"]]:
    """Weights and biases of a linear classifier of features.

    The features are centred, and divided by one number so that their mean variance is 1; both are folded into
    what is returned, so it takes the features as they are.

    Args:
        x: features.
        y: class of each row, 0 to k - 1.
        classes: k, 2 or more.
        decay: > 0; mean cross-entropy + decay / 2 * sum of squared weights is what is least. In
        scikit-learn's
            terms C = 1 / (decay n).

    Returns:
        weight and bias in the type of x.
    """
    # 1. Features on one scale; twice the precision, or the line search ends early.
    centre = x.double().mean(0)
    scale = (x.double() - centre).square().mean().sqrt().clamp_min(TINY)
    z = (x.double() - centre) / scale
    # 2. Of fewer rows than features only what the rows span counts: as many numbers a row as there are rows.
    span = torch.linalg.qr(z.T).Q if len(z) < z.shape[1] else None
    z = z if span is None else z @ span
    # 3. The minimum, which is the only one.
    weight = z.new_zeros(classes, z.shape[1], requires_grad=True)
    bias = z.new_zeros(classes, requires_grad=True)
    search = torch.optim.LBFGS(
        [weight, bias], max_iter=STEPS, tolerance_grad=1e-7, tolerance_change=1e-12, history_size=20,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def loss() -> Tensor:
        search.zero_grad()
        value = cross_entropy(z @ weight.T + bias, y) + decay / 2 * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with torch.enable_grad():
        search.step(loss)  # type: ignore[no-untyped-call]
    # 4. For features as they come.
    found = (weight.detach() if span is None else weight.detach() @ span.T) / scale
    return found.to(x), (bias.detach() - found @ centre).to(x)


def class_means(
    x: Float[Tensor, "n d"], y: Int64[Tensor, " n"], classes: int
) -> tuple[Float[Tensor, "k d"], Float[Tensor, " k"]]:
    """The linear classifier that answers the class whose mean is nearest.

    |x - m|^2 = |x|^2 - 2 m x + |m|^2, and the first term is the same for all classes. Source: Snell et al.
    2017, "Prototypical networks for few-shot learning", equations 1 and 8.

    Args:
        x: features.
        y: class of each row, each class once or more.
        classes: k.

    Returns:
        weight m and bias -|m|^2 / 2.
    """
    member = torch.nn.functional.one_hot(y, classes).to(x)
    means = member.T @ x / member.sum(0)[:, None]
    return means, -means.square().sum(1) / 2
