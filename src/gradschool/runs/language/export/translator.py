"""Write a transformer that translates as two ONNX files, and check that they compute the same.

The encoder reads a source once and gives the keys and values that the decoder looks at; the decoder writes a
token a call and hands its cache to the next call. Recurrent translators are not written: an exported
recurrent kernel keeps the number of tokens that it was traced with.
"""

import copy
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.errors import UserError
from gradschool.evals.export import BATCHES, ExportCheck, keep_checked
from gradschool.models.language.transformer import Transformer
from gradschool.nn.attention.cache import GrowingCache
from gradschool.nn.attention.memory import Memory
from gradschool.nn.attention.sight import up_to
from gradschool.parts import need

# Calls of the checks: tokens of the longest source; (tokens that are written, tokens before them).
SOURCES, CALLS = (1, 7), ((1, 0), (1, 6), (3, 4))
# Rows, source and call of the example: numbers that are no special case, so that each stays free.
TRACED = (2, 5, (4, 3))


class Encoder(nn.Module):
    """Sources to the keys and values of each layer of the decoder, (layers, 2, b, heads, m, size).

    Args:
        model: of both.
    """

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Of tokens (b, m), of which the first `lengths` (b) of each row are valid."""
        vectors = self.model.encode(tokens, lengths).vectors
        blocks: Any = self.model.decoder
        return torch.stack([torch.stack(block.read(vectors)) for block in blocks])


class Going(GrowingCache):
    """A growing cache with what the decoder looks at besides: what `Written` is for the network itself.

    Args:
        past: as for `GrowingCache`.
        memory: from the encoder.
    """

    def __init__(self, past: Tensor, memory: Tensor) -> None:
        super().__init__(past)
        self.memory = [(keys, values) for keys, values in memory]


class Decoder(nn.Module):
    """Tokens (b, n) to the logits of what follows each, with the cache (layers, 2, b, heads, p, size).

    Args:
        model: of both.
    """

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, past: Tensor, memory: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and the cache with the new tokens."""
        state = Going(past, memory)
        read = Memory(memory, up_to(lengths, memory.shape[4]))
        logits = self.model.decode(tokens, read, state)  # type: ignore[arg-type]
        return logits, state.whole()


def export(model: nn.Module, folder: Path, metadata: Mapping[str, Any]) -> ExportCheck:
    """Write encoder.onnx and decoder.onnx into a folder and compare both with torch.

    encoder.onnx takes `tokens` (b, m), padded at the end, and `lengths` (b), and gives `memory`. decoder.onnx
    takes `tokens` (b, n), `past`, `memory` and `lengths`, and gives `logits` (b, n, k) and `present`, the
    past of the next call; a translation begins with the start token and a past of no positions.

    Args:
        model: exported from a float32 copy on the CPU.
        folder: made if it is not there.
        metadata: written into both files as JSON by name.

    Returns:
        The folder, the bytes of both files and the larger differences.

    Raises:
        UserError: it is no transformer, `folder` is named like a file, the ONNX packages are not installed,
            or the folder cannot be written.
        WorkFailed: a file does not compute what the network computes.
    """
    # 1. Refuse what cannot be written.
    if not isinstance(model, Transformer):
        what = (
            "a recurrent translator cannot be exported: its ONNX kernel keeps the length it was traced with"
        )
        raise UserError(what, "a translator with attention alone", "Train one: --set model=transformer")
    if folder.suffix == ".onnx":
        advice = f"Example: --out {folder.with_suffix('')}"
        raise UserError(f"out is {folder}", "a folder: a translator is written as two files", advice)
    for package in ("onnx", "onnxscript", "onnxruntime"):
        need(package, "practice", "export")
    # 2. Both, each with its free axes.
    still, free = copy.deepcopy(model).cpu().float().eval(), torch.export.Dim.DYNAMIC
    row, held = {0: free}, {2: free, 4: free}
    texts, reads = {0: free, 1: free}, ["tokens", "lengths"]
    writes = ["tokens", "past", "memory", "lengths"], ["logits", "present"]
    encoder = written(Encoder(still), folder / "encoder.onnx", metadata, (texts, row), (reads, ["memory"]))
    decoder = written(Decoder(still), folder / "decoder.onnx", metadata, (texts, held, held, row), writes)
    size, worst = encoder.size + decoder.size, max(encoder.difference, decoder.difference)
    return ExportCheck(folder, size, BATCHES, worst, max(encoder.relative, decoder.relative))


def written(
    part: Encoder | Decoder, path: Path, metadata: Mapping[str, Any], free: tuple[Any, ...],
    names: tuple[list[str], list[str]],
) -> ExportCheck:  # fmt: skip
    """Write one of both and compare it.

    Args:
        part: in eval mode.
        path: of its file.
        metadata: as for `export`.
        free: axes of each input that stay free.
        names: of the inputs and of the outputs.
    """
    program = torch.onnx.export(
        part.eval(), inputs(part, *TRACED), dynamo=True, verbose=False, input_names=names[0],
        output_names=names[1], dynamic_shapes=free,
    )  # fmt: skip
    return keep_checked(program, path, metadata, lambda file: compared(part, file))


@torch.no_grad()
def inputs(part: Encoder | Decoder, rows: int, m: int, call: tuple[int, int]) -> tuple[Tensor, ...]:
    """Random sources of at most m tokens; for the decoder a call of it with some tokens written before."""
    model, draw = part.model, torch.Generator().manual_seed(rows + m)
    source = torch.randint(model.reads.num_embeddings, (rows, m), generator=draw)
    lengths = torch.randint(1, m + 1, (rows,), generator=draw)
    lengths[0] = m
    if isinstance(part, Encoder):
        return source, lengths
    # 1. What was written before is read into the cache.
    n, before = call
    text = torch.randint(model.writes.num_embeddings, (rows, before + n), generator=draw)
    memory = Encoder(model)(source, lengths)
    past = memory[..., :0, :]
    if before:
        past = part(text[:, :before], past, memory, lengths)[1]
    return text[:, before:], past, memory, lengths


def compared(part: Encoder | Decoder, file: Path) -> tuple[float, float]:
    """The largest difference of outputs, absolute and relative to the largest of them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    calls = CALLS if isinstance(part, Decoder) else CALLS[:1]
    difference = largest = 0.0
    for rows, m, call in product(BATCHES, SOURCES, calls):
        given = inputs(part, rows, m, call)
        with torch.no_grad():
            wanted = part(*given)
        fed = {name: value.numpy() for name, value in zip(names, given, strict=True)}
        outputs = wanted if isinstance(wanted, tuple) else (wanted,)
        for found, true in zip(session.run(None, fed), outputs, strict=True):
            difference = max(difference, float((torch.from_numpy(found) - true).abs().max()))
            largest = max(largest, float(true.abs().max()))
    return difference, difference / max(largest, 1e-12)
