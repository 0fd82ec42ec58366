"""Gather what the report of a finished language model shows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.rows import seeded
from gradschool.data.text.running.corpus import Corpus
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.errors import UserError
from gradschool.evals.classification.calibration import equal_width
from gradschool.evals.language.interpret.inside import watched_heads
from gradschool.evals.language.interpret.lens import lens_of
from gradschool.evals.language.interpret.repeats import repeats_of
from gradschool.evals.language.reading import has_state, surprisals
from gradschool.evals.language.scaling.flops import training_flops
from gradschool.evals.language.surprise import extremes
from gradschool.evals.language.windows import by_position, read_windows
from gradschool.evals.report.text.decoder import DecoderFacts, Inside
from gradschool.ops.sequence.counting import bits_per_byte

LOOKED = 30_000  # tokens of the test part in which passages are looked for
PASSAGE, EACH = 240, 3
STEPS, UNITS = 60, 24  # of the picture of the state
SENTENCE, BINS = 32, 10  # most tokens of the attention maps; of the reliability diagram


def shown_of(
    model: nn.Module, tokeniser: Tokeniser, splits: Splits[Corpus], context: int, result: dict[str, Any],
    sentence: str = "", step: int | None = None,
) -> DecoderFacts:  # fmt: skip
    """What is shown of a finished run.

    Args:
        model: on its device, in eval mode.
        tokeniser: as it was trained with.
        splits: its data.
        context: tokens of a chunk.
        result: what result.json holds.
        sentence: at which its heads are watched; "": the beginning of the test part.
        step: tokens of a step of training; None: not known.

    Raises:
        UserError: the text has changed so much that its tokens are others, or the sentence has unknown ones.
    """
    if splits.train.tokeniser.facts() != tokeniser.facts():
        advice = "Name the text it was trained on with --data PATH, or train again."
        raise UserError(f"{splits.name} has other tokens now", "the text of the run", advice)
    # 1. What surprises the model in the test part.
    tokens = splits.test.tokens[:LOOKED]
    nats = surprisals(model, tokens, context)
    most, least = extremes(tokeniser, tokens[1:], nats, PASSAGE, EACH)
    # 2. Its state while it reads, or what its heads look at.
    read = tokens[: STEPS + 1]
    values = states(model, read[:-1]) if has_state(model) else None
    asked = tokeniser.encode(sentence) if sentence else tokens[:SENTENCE].tolist()
    asked = asked[: min(SENTENCE, context)]
    heads = [] if has_state(model) else watched(model, asked)
    inside = looked_inside(model, tokeniser, asked, context) if heads else None
    # 3. What it makes of its context, and how far its probabilities can be trusted.
    windows = read_windows(model, tokens, context)
    positions, means = by_position(windows.nats)
    sure, right = (x.flatten().double() for x in (windows.confidence, windows.right))
    per_byte = result["metrics"].get("test_bits_per_byte")
    sizes = (len(splits.test), splits.test.size) if per_byte is not None else (1, 1)
    return DecoderFacts(
        splits=splits,
        model=model,
        unit=result["unit"],
        loss=result["metrics"]["test_loss"],
        per_byte=per_byte,
        baselines=result["baselines"],
        mixture=result.get("mixture"),
        most=most,
        least=least,
        read=[tokeniser.shown(token) for token in read[:-1].tolist()],
        states=None if values is None else liveliest(values),
        flops=None if step is None else training_flops(model, step),
        sentence=[tokeniser.shown(token) for token in asked],
        heads=heads,
        positions=positions,
        by_position=[float(bits_per_byte(mean, *sizes)) for mean in means],
        reliability=equal_width(sure, right, BINS),
        inside=inside,
    )


def looked_inside(model: nn.Module, tokeniser: Tokeniser, sentence: Sequence[int], context: int) -> Inside:
    """What each block would say of a sentence, and what the heads do on tokens that come twice."""
    lens = lens_of(model, sentence)
    said = [[tokeniser.shown(token) for token in row] for row in lens.best]
    return Inside(lens, said, repeats_of(model, len(tokeniser), context, seeded("induction", 0)))


@torch.inference_mode()
def watched(model: nn.Module, tokens: Sequence[int]) -> list[Float[np.ndarray, "h n n"]]:
    """The attention weights of every layer while a model reads some tokens."""
    place = next(model.parameters()).device
    with watched_heads() as found:
        model(torch.tensor([tokens], device=place))
    return [weights[0].float().cpu().numpy() for weights in found]


@torch.inference_mode()
def states(model: nn.Module, tokens: np.ndarray) -> Float[np.ndarray, "t h"] | None:
    """The hidden state of the last layer after every token; None where it is no tensor of layers."""
    place, state, found = next(model.parameters()).device, None, []
    for token in tokens.tolist():
        _, state = model(torch.tensor([[token]], device=place), state)
        hidden = state[0] if isinstance(state, tuple | list) else state
        if not isinstance(hidden, Tensor):
            return None
        last = hidden[-1] if hidden.dim() == 3 else hidden
        found.append(last.flatten().float().cpu())
    return torch.stack(found).numpy()


def liveliest(values: Float[np.ndarray, "t h"]) -> Float[np.ndarray, "t u"]:
    """The units that change most, each divided by its largest size."""
    order = np.argsort(-values.std(0), kind="stable")[:UNITS]
    chosen = values[:, order]
    return chosen / np.maximum(np.abs(chosen).max(0), 1e-9)
