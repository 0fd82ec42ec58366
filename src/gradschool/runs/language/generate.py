"""Let a language model go on with a text: draw a token, read it, draw the next.

Sources: Ackley et al. 1985 (temperature); Fan et al. 2018, section 5.1 (top-k sampling).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.data.rows import seeded
from gradschool.errors import UserError
from gradschool.evals.language.reading import Reader
from gradschool.ops.activation import softmax
from gradschool.ops.decoding.logits import temperature, top_k
from gradschool.ops.language import inverse_cdf


@dataclass(frozen=True)
class Drawing:
    """How tokens are drawn.

    Args:
        temperature: divides the logits, >= 0. Below 1 probable tokens become more probable; 0 takes the most
            probable one.
        top_k: draw among so many most probable tokens only, >= 1; None: among all.
        seed: of the draws.
    """

    temperature: float = 1.0
    top_k: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            wanted = "a number >= 0: 0 takes the most probable token, 1 draws as the model says"
            raise UserError(f"temperature is {self.temperature}", wanted, "Example: --temperature 0.8")
        if self.top_k is not None and self.top_k < 1:
            raise UserError(f"top-k is {self.top_k}", "a whole number >= 1", "Example: --top-k 40")

    def probabilities(self, logits: Float[Tensor, "b k"]) -> Float[Tensor, "b k"]:
        """What the next tokens are drawn from."""
        if self.top_k is not None:
            logits = top_k(logits, self.top_k)
        return softmax(temperature(logits, float(self.temperature)), 1)


@torch.inference_mode()
def drawn(
    model: nn.Module, prompt: Sequence[int], n: int, length: int, drawing: Drawing, context: int
) -> Iterator[Int64[Tensor, " n"]]:
    """Go on with a prompt, n times side by side: `length` times the next token of each.

    Args:
        model: in eval mode.
        prompt: tokens, at least one.
        n: how many texts. Text i is the same however many are asked for.
        length: tokens to draw for each.
        drawing: how.
        context: tokens that a model without a state looks back.
    """
    # 1. All randomness beforehand, a row for each text; then the prompt is read.
    u = torch.stack([torch.rand(length, generator=seeded("text", drawing.seed, i)) for i in range(n)])
    place, read = next(model.parameters()).device, Reader(model, context)
    logits = read(torch.tensor(prompt, dtype=torch.int64, device=place).expand(n, -1))
    for i in range(length):
        # 2. Draw and read on.
        tokens = inverse_cdf(drawing.probabilities(logits.cpu()), u[:, i])
        yield tokens
        if i < length - 1:
            logits = read(tokens[:, None].to(place))
