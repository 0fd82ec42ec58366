"""What attention with other scores refuses; see gradschool.ops.attention.biased."""

from torch import Tensor

from gradschool.ops.accepts.attention.dot_product import attend
from gradschool.ops.accepts.common import floating, one_type, shaped, spreads


def attend_with_bias(
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor, mask: Tensor | None = None, causal: bool = False
) -> None:
    """What attention refuses, and a bias that does not fit the scores."""
    attend(q, k, v, mask, causal)
    floating(bias=bias)
    spreads("bias", bias, (*q.shape[:-1], k.shape[-2]))


def additive_attend(q: Tensor, k: Tensor, v: Tensor, w: Tensor, mask: Tensor | None = None) -> None:
    """What attention refuses, and other weights than one for each hidden unit."""
    attend(q, k, v, mask)
    one_type(q, w=w)
    shaped("w", w, (q.shape[-1],))
