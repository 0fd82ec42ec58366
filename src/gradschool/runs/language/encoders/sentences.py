"""A published sentence encoder as a function from texts to vectors, for search."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from gradschool.data.text.buckets import rectangle
from gradschool.data.text.tokens.bert import PADDING, load_bert
from gradschool.evals.language.retrieval.answer import Embed
from gradschool.models.language.bert import Bert
from gradschool.nn.attention.sight import up_to
from gradschool.runs.language.encoders.body import load_weights_of, located, sizes

LONGEST = 256  # tokens of a text, as the encoder was trained with; of a longer one the rest is not read


def sentence_encoder(name: str) -> Embed:
    """An encoder by name or folder; nothing is fetched.

    Args:
        name: a folder with config.json, tokenizer.json and model.safetensors, or the name of one in the data
            pack or in the Hugging Face Hub's cache.

    Returns:
        A function from texts to vectors of length 1, (n, width).

    Raises:
        UserError: it is not here, or is no encoder of BERT's kind.
    """
    # 1. Tokeniser, sizes and weights.
    folder: Path = located(name, fetch=False)
    tokeniser, body = load_bert(folder), Bert(**sizes(folder))
    body.head, body.scores = nn.Sequential(), nn.Identity()  # type: ignore[assignment]  # a text needs none
    load_weights_of(folder, body)
    body.eval()
    longest = min(LONGEST, body.positions.num_embeddings)

    @torch.inference_mode()
    def embed(texts: Sequence[str]) -> Tensor:
        # 2. Texts of a batch are padded at the end.
        tokens = [tokeniser.framed(tokeniser.encode(text), longest) for text in texts]
        order = list(range(len(tokens)))
        x, lengths, _ = rectangle(tokens, torch.arange(len(tokens)), order, tokeniser.numbers[PADDING])
        return body.embed(x, up_to(lengths, x.shape[1]))

    return embed
