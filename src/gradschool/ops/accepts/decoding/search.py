"""What beam search refuses; see gradschool.ops.decoding.search."""

from typing import Any

from torch import Tensor


def beam_search(
    step: Any, prompt: Tensor, beams: int, length: int, end: int | None = None, penalty: float = 1.0
) -> None:
    """A prompt of one token or more, one beam or more, one new token or more."""
    if prompt.dim() != 1 or len(prompt) < 1:
        raise ValueError(f"prompt has shape {tuple(prompt.shape)}, one token or more was wanted")
    for name, value in (("beams", beams), ("length", length)):
        if value < 1:
            raise ValueError(f"{name} is {value}, a whole number >= 1 was wanted")
