"""A trained network that translates: texts in, texts out, greedily or by beam search.

The source is read once; keys and values of the memory and of what is written are kept, so that every token
costs one step of the decoder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.data.text.pairs.batches import padded
from gradschool.data.text.pairs.joint import END, START, source_tokens, text_of
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.evals.language.translation.beams import beam_search_each
from gradschool.ops.decoding.search import Step, decode

AT_ONCE = 64  # texts that are translated together
LONGER, MORE = 2, 10  # a translation has at most LONGER times the tokens of its source and MORE


@dataclass(frozen=True)
class Translator:
    """A network with its tokeniser.

    Args:
        model: `encode(tokens, lengths)` to a memory, `state(memory, capacity)`, and `decode(tokens, memory,
            state)` to logits; in eval mode.
        tokeniser: with a start and an end token.
    """

    model: nn.Module
    tokeniser: ByteBPE

    @torch.inference_mode()
    def translate(
        self, texts: Sequence[str], beams: int = 1, progress: Callable[[int, int], None] | None = None
    ) -> list[str]:
        """The translation of each text; an empty one stays empty.

        Args:
            texts: any.
            beams: texts that are kept at every step; 1 is greedy decoding.
            progress: told how many are done, and of how many.
        """
        # 1. Texts of about the same length together, so that little is padding.
        tokens = source_tokens(self.tokeniser, texts)
        order = sorted((i for i, text in enumerate(texts) if text.strip()), key=lambda i: len(tokens[i]))
        found = [""] * len(texts)
        for start in range(0, len(order), AT_ONCE):
            # 2. Tokens of the translations, and their texts in the place of the source.
            chosen = order[start : start + AT_ONCE]
            written = self.write([tokens[i] for i in chosen], beams)
            for i, each in zip(chosen, written, strict=True):
                found[i] = text_of(self.tokeniser, each)
            if progress:
                progress(start + len(chosen), len(order))
        return found

    def write(self, sources: Sequence[Sequence[int]], beams: int) -> list[list[int]]:
        """The tokens of the translation of each source, the end token among them."""
        # 1. Read all sources.
        device = next(self.model.parameters()).device
        x, lengths = (value.to(device) for value in padded(sources))
        most = [LONGER * len(source) + MORE for source in sources]
        step = stepping(self.model, x, lengths, max(most))
        start, end = (self.tokeniser.special[name] for name in (START, END))
        starts = torch.full((len(x),), start, device=device)
        # 2. Write.
        if beams > 1:
            found = beam_search_each(step, starts, beams, most, end)
            return [list(texts[0].tokens) for texts in found]
        columns = decode(step, starts[:, None], lambda logits, _: logits.argmax(1), max(most), end)
        rows = torch.stack(list(columns), 1).tolist()
        return [row[:length] for row, length in zip(rows, most, strict=True)]


def stepping(model: Any, x: Int64[Tensor, "b m"], lengths: Int64[Tensor, " b"], capacity: int) -> Step:
    """The function that a search calls: it reads the sources now, and a token of each row in every call."""
    memory = model.encode(x, lengths)
    state = model.state(memory, capacity)

    def step(tokens: Int64[Tensor, "b t"], rows: Int64[Tensor, " b"]) -> Float[Tensor, "b v"]:
        nonlocal memory
        if not torch.equal(rows, torch.arange(len(memory.vectors), device=rows.device)):
            memory = memory.choose(rows)
            state.choose(rows)
        logits: Tensor = model.decode(tokens[:, -1:], memory, state)
        return logits[:, -1]

    return step
