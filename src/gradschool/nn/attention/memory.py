"""What an encoder has read, for a decoder to look at."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Memory:
    """A vector for every token of a source, and which of them may be looked at.

    Args:
        vectors: (b, m, width).
        valid: (b, m), False at padding; None: all are tokens.
    """

    vectors: Tensor
    valid: Tensor | None = None

    def choose(self, rows: Tensor) -> "Memory":
        """These rows alone; a row may be taken more than once (beam search).

        Args:
            rows: their numbers.
        """
        return Memory(self.vectors[rows], None if self.valid is None else self.valid[rows])
