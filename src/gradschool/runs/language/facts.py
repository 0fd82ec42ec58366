"""Gather what the report of a finished run of the next character shows."""

from typing import Any

import torch
from torch import nn

from gradschool.data.examples import Splits
from gradschool.data.text.contexts import Contexts
from gradschool.data.text.lines import Lines
from gradschool.evals.language.plane import in_plane
from gradschool.evals.report.text.lines import LineFacts, Next, beginnings
from gradschool.ops.activation import softmax

NEXT = 5  # most probable characters after a beginning


def facts_of(
    model: nn.Module, contexts: Contexts, splits: Splits[Lines], drawn: list[str], result: dict[str, Any]
) -> LineFacts:
    """What is shown of a finished run.

    Args:
        model: on its device, in eval mode.
        contexts: as it was trained with.
        splits: its data.
        drawn: new lines.
        result: what result.json holds.
    """
    # 1. The vectors of the tokens, where the network has such and they can be drawn in a plane.
    table = getattr(model, "embedding", None)
    flat = isinstance(table, nn.Module) and min(table.weight.shape) > 1  # type: ignore[arg-type]
    places, kept = in_plane(table.weight.detach().cpu()) if flat else (None, 0.0)  # type: ignore[union-attr]
    # 2. Everything else.
    return LineFacts(
        splits=splits,
        model=model,
        unit="names",
        loss=result["metrics"]["test_loss"],
        baselines=result["baselines"],
        new=result["metrics"]["new_names"],
        drawn=drawn,
        parts={name: frozenset(part.texts) for name, part in splits.parts.items()},
        following=expected(model, contexts, splits.train),
        names=[contexts.vocabulary.shown(token) for token in range(len(contexts.vocabulary))],
        places=None if places is None else places.numpy(),
        kept=kept,
    )


@torch.inference_mode()
def expected(model: nn.Module, contexts: Contexts, lines: Lines) -> list[Next]:
    """What the model expects after the most frequent beginnings that fit into its context."""
    found = []
    device, vocabulary = next(model.parameters()).device, contexts.vocabulary
    # 1. Lines whose characters the model knows: all, unless the data have changed since.
    known = [text for text in lines.texts if set(text) <= set(vocabulary.characters)]
    for beginning, times in beginnings(known, min(3, contexts.size)):
        # 2. The last context of a text is that of its end: of what may come after it.
        x, _ = contexts.of([beginning])
        p = softmax(model(x[-1:].to(device)).float().cpu(), 1)[0]
        best = p.topk(min(NEXT, len(p)))
        tokens = [vocabulary.shown(token) for token in best.indices.tolist()]
        found.append(Next(beginning, times, list(zip(tokens, best.values.tolist(), strict=True))))
    return found
