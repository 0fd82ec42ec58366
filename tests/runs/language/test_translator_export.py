"""A translator as two ONNX files: onnxruntime alone writes what the network writes."""

import json

import numpy as np
import pytest
import torch

from gradschool.errors import UserError
from gradschool.evals.language.translation.translator import stepping
from gradschool.models.language.seq2seq import seq2seq
from gradschool.models.language.transformer import transformer
from gradschool.ops.decoding.search import decode
from gradschool.runs.language.export.translator import Decoder, Encoder, export

KINDS, START, END = 24, 1, 2
SOURCES = [[5, 9, 4, 20, 7, 2], [8, 3], [6, 6, 6, 11]]


def net(**changes):
    torch.manual_seed(0)
    model = transformer(KINDS, KINDS, **{"width": 16, "depth": 2, "heads": 2, "tied": True} | changes)
    return model.eval()


def padded():
    tokens = np.zeros((3, 6), np.int64)
    for i, row in enumerate(SOURCES):
        tokens[i, : len(row)] = row
    return tokens, np.array([len(row) for row in SOURCES])


@pytest.mark.parametrize("norm_first", [True, False])
@torch.no_grad()
def test_the_cache_gives_the_logits_of_the_whole_text(norm_first):
    model = net(norm_first=norm_first)
    source, lengths = map(torch.from_numpy, padded())
    text = torch.randint(KINDS, (3, 7), generator=torch.Generator().manual_seed(0))
    whole, memory = model(source, text, lengths), Encoder(model)(source, lengths)
    assert memory.shape == (2, 2, 3, 2, 6, 8)
    past, place = memory[..., :0, :], 0
    for size in (1, 1, 3, 2):
        logits, past = Decoder(model)(text[:, place : place + size], past, memory, lengths)
        torch.testing.assert_close(logits, whole[:, place : place + size], atol=1e-5, rtol=1e-4)
        place += size
        assert past.shape == (2, 2, 3, 2, place, 8)


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(UserError, match="recurrent translator cannot be exported"):
        export(seq2seq(9, 9, 4, 4), tmp_path / "a", {})
    with pytest.raises(UserError, match="a folder: a translator is written as two files"):
        export(net(), tmp_path / "a.onnx", {})
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("norm_first", [True, False])
def test_onnxruntime_writes_greedily_what_the_network_writes(tmp_path, norm_first, unchecked):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model = net(norm_first=norm_first)
    check = export(model, tmp_path / "onnx", {"start": START, "end": END})
    assert check.relative < 1e-4 and check.path == tmp_path / "onnx"
    reads, writes = (
        onnxruntime.InferenceSession(str(tmp_path / "onnx" / f"{name}.onnx"))
        for name in ("encoder", "decoder")
    )
    known = writes.get_modelmeta().custom_metadata_map
    start = json.loads(known["start"])
    # 1. Greedy decoding with the files alone.
    tokens, lengths = padded()
    [memory] = reads.run(None, {"tokens": tokens, "lengths": lengths})
    last, past, found = np.full((3, 1), start), memory[..., :0, :], []
    for _ in range(12):
        given = {"tokens": last, "past": past, "memory": memory, "lengths": lengths}
        logits, past = writes.run(None, given)
        last = logits[:, -1:].argmax(2)
        found.append(last[:, 0])
    # 2. The network's own search.
    step = stepping(model, *map(torch.from_numpy, padded()), 12)
    with torch.no_grad():
        columns = [*decode(step, torch.full((3, 1), START), lambda logits, _: logits.argmax(1), 12)]
    assert np.stack(found, 1).tolist() == torch.stack(columns, 1).tolist()
