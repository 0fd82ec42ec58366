"""A language model with weights of 8 or 4 bits: written to a file, loaded again, and what it loses.

Sources: see `ops.compress.integers`. Only matrices are compressed: norms, biases, and a table of token
vectors that is the output's matrix as well stay as they are.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from safetensors.torch import save
from torch import nn

from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError
from gradschool.nn.integers import IntegerLinear, bytes_of, to_integers
from gradschool.nn.linear import Linear
from gradschool.runs.language.exams.tasks import Examined, cost_of

Weights = Literal["int8", "int4"]
BITS = {"int8": 8, "int4": 4}
GROUP = 32  # weights of a row that share a scale, with 4 bits


@dataclass(frozen=True)
class Compression:
    """What compression brought.

    Args:
        path: of the file.
        sizes: bytes of the weights before and after.
        layers: matrices that were compressed.
        costs: bits per byte of the test part before and after, or nats a token where tokens do not give back
            the text.
        unit: of the costs.
    """

    path: Path
    sizes: tuple[int, int]
    layers: int
    costs: tuple[float, float]
    unit: str


def compressed(model: nn.Module, weights: Weights) -> nn.Module:
    """Compress a model in place: a scale for each row with 8 bits, for every 32 weights with 4.

    Raises:
        UserError: it has no linear layer whose weights are its own.
    """
    bits = BITS[weights]
    inputs = [layer.in_features for layer in model.modules() if isinstance(layer, Linear | nn.Linear)]
    group = GROUP if bits == 4 and all(n % GROUP == 0 for n in inputs) else None
    found = to_integers(model, bits, group)
    if not any(isinstance(layer, IntegerLinear) for layer in found.modules()):
        raise UserError("the network has no linear layer to compress", "a decoder, such as gpt")
    return found


def compress(asked: Examined, weights: Weights, path: Path) -> Compression:
    """Compress a model, write it, and measure on the run's test part what was lost.

    Args:
        asked: the run; its model is compressed in place.
        weights: int8 or int4.
        path: of the file.
    """
    tokens, model = asked.splits().test.tokens, asked.model
    before, size = cost_of(asked, tokens), bytes_of(model)
    compressed(model, weights)
    write(model, path)
    after = cost_of(asked, tokens)
    layers = sum(isinstance(layer, IntegerLinear) for layer in model.modules())
    pairs = [(found.bits_per_byte if before.size else found.nats / found.tokens) for found in (before, after)]
    unit = "bits a byte" if before.size else "nats a token"
    return Compression(path, (size, bytes_of(model)), layers, (pairs[0], pairs[1]), unit)


def write(model: nn.Module, path: Path) -> None:
    """Write a compressed model as safetensors: codes, scales, and what was left as it is."""
    held = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save(held))


def read(fresh: nn.Module, weights: Weights, path: Path) -> nn.Module:
    """The compressed model of a file.

    Args:
        fresh: the network as it is built, with any weights.
        weights: that the file was written with.
        path: of the file.

    Raises:
        UserError: it holds another network, or other weights.
    """
    model = compressed(fresh.eval(), weights)
    try:
        model.load_state_dict(read_weights(path))
    except RuntimeError as error:
        raise UserError(f"{path} does not fit the network", f"{weights} weights of this run") from error
    return model
