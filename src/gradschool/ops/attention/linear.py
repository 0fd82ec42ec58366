"""Linear attention: exp(q·k) is replaced by a product of features, so keys and values are summed up once.

For n queries and keys it takes n d e products where `attend` takes n² (d + e), and read from left to right it
is a recurrent network whose state is a matrix. Source: Katharopoulos et al. 2020, sections 3.2 to 3.4.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.activation import elu
from gradschool.ops.norm import wide
from gradschool.ops.switch import op

Queries = Float[Tensor, "*b n r"]
Keys = Float[Tensor, "*b m r"]
Values = Float[Tensor, "*b m e"]
Means = Float[Tensor, "*b n e"]


@op
def elu_features(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """elu(x) + 1, above 0 for every x: the feature map of the paper (its equation 7)."""
    return elu(x) + 1


def ratio(top: Tensor, total: Tensor) -> Tensor:
    """Weighted sums over the sums of weights; 0 / 0 is 0."""
    return top / total.unsqueeze(-1).clamp(min=torch.finfo(top.dtype).tiny)


@op
def linear_attend(
    q: Queries,
    k: Keys,
    v: Values,
    valid: Bool[Tensor, "... #m"] | None = None,
    causal: bool = False,
) -> Means:
    """Attention whose weights are products of features, φ(q)·φ(k), divided so that each query's sum to 1.

    Args:
        q: features φ of the queries, 0 or more, e.g. `elu_features`.
        k: features of the keys.
        v: values.
        valid: False at keys that no query may look at (padding); no number there matters, in keys or values,
            not even infinity.
        causal: position i looks at positions 0 to i only; needs n = m.

    Returns:
        One weighted mean of values for each query, in the type of q, summed in float32 or wider; zeros where
        all weights are 0.

    Source: Katharopoulos et al. 2020, equations 5 (all keys) and 9 (running sums).
    """
    f, g, u = wide(q), wide(k), wide(v)
    # 1. A hidden key has no features.
    if valid is not None:
        g = g.masked_fill(~valid.unsqueeze(-1), 0)
        u = u.masked_fill(~valid.unsqueeze(-1), 0)
    # 2. Everything that is known of keys and values: a matrix and a vector; or those so far, at each step.
    if causal:
        S, z = torch.einsum("...mr,...me->...mre", g, u).cumsum(-3), g.cumsum(-2)
        top, total = torch.einsum("...nr,...nre->...ne", f, S), (f * z).sum(-1)
    else:
        S, z = g.transpose(-2, -1) @ u, g.sum(-2, keepdim=True)
        top, total = f @ S, (f * z).sum(-1)
    # 3. Each query reads it with its features.
    return ratio(top, total).to(q.dtype)


@op
def linear_attend_step(
    q: Float[Tensor, "*b r"],
    k: Float[Tensor, "*b r"],
    v: Float[Tensor, "*b e"],
    S: Float[Tensor, "*b r e"],
    z: Float[Tensor, "*b r"],
) -> tuple[Float[Tensor, "*b e"], Float[Tensor, "*b r e"], Float[Tensor, "*b r"]]:
    """One step of causal linear attention as a recurrent network: its memory does not grow with the text.

    Args:
        q: features of this step's query.
        k: features of this step's key.
        v: this step's value.
        S: sum of φ(k) vᵀ so far, zeros at the beginning.
        z: sum of φ(k) so far.

    Returns:
        The mean of the values so far, and the new sums.

    Source: Katharopoulos et al. 2020, equations 18 to 20.
    """
    S, z = S + k.unsqueeze(-1) * v.unsqueeze(-2), z + k
    return ratio((q.unsqueeze(-2) @ S).squeeze(-2), (q * z).sum(-1)), S, z
