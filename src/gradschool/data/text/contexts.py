"""What a model of the next character learns from: each character of a line with the characters before it.

Source: Bengio et al. 2003, section 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.text.vocabulary import END, Vocabulary


@dataclass(frozen=True)
class Contexts:
    """Lines to contexts and the token that follows each.

    Args:
        vocabulary: of the lines.
        size: how many tokens are looked back, >= 1.
    """

    vocabulary: Vocabulary
    size: int

    def of(self, texts: Sequence[str]) -> tuple[Int64[Tensor, "m c"], Int64[Tensor, " m"]]:
        """All contexts of all lines, one after the other: as many for a line as it has characters, and one
        for its end.

        Args:
            texts: at least one.

        Raises:
            UserError: a character is not in the vocabulary.
        """
        # 1. End tokens before each line, as many as are looked back, and one after it.
        before, after = [END] * self.size, [END]
        rows = [torch.tensor(before + self.vocabulary.encode(text) + after) for text in texts]
        # 2. Every window of a context and its next token.
        windows = torch.cat([row.unfold(0, self.size + 1, 1) for row in rows])
        return windows[:, :-1], windows[:, -1]
