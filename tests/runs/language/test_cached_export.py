"""A decoder as ONNX: another program decodes the same logits from its cache."""

import numpy as np
import pytest
import torch

from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2
from gradschool.nn.attention.cache import GrowingCache
from gradschool.runs.language.export.decoder import Cached, export


def moved(net):
    """With weights that say something: a fresh GPT finds every token equally probable."""
    for p in net.parameters():
        p.data += 0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel()))
    return net.eval()


NETS = {
    "gpt": lambda: moved(gpt(20, depth=2, kv_heads=1)),
    "gpt with trigrams": lambda: moved(gpt(20, depth=2, width=64, grams=3)),
    "gpt2": lambda: moved(gpt2(20, context=16, width=16, depth=2, heads=2)),
}


@pytest.mark.parametrize("name", NETS)
@torch.no_grad()
def test_a_growing_cache_gives_the_logits_of_the_whole_text(name):
    net = NETS[name]()
    row = torch.randint(20, (3, 9), generator=torch.Generator().manual_seed(0))
    whole, still, place, held = net(row), Cached(net), 0, Cached(net).empty(3)
    for size in (4, 1, 1, 3):
        logits, *held = still(row[:, place : place + size], *held)
        assert torch.allclose(logits, whole[:, place : place + size], atol=1e-5)
        place += size
        assert held[0].shape[4] == place
    with pytest.raises(ValueError, match="padding came"):
        GrowingCache(held[0]).note(1, torch.ones(3, 1, dtype=torch.bool))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_onnxruntime_decodes_with_the_cache(tmp_path, name, unchecked):
    onnxruntime = pytest.importorskip("onnxruntime")
    net = NETS[name]()
    check = export(net, 20, tmp_path / "a.onnx", {"context": 16})
    assert check.relative < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    names = [each.name for each in session.get_inputs()]
    assert names == ["tokens", "past", "seen"][: 3 if "trigrams" in name else 2]
    # 1. Greedy decoding: the prompt at once, then token by token; torch reads the whole text every time.
    text, read = [3, 1, 4], np.array([[3, 1, 4]])
    held = [value.numpy() for value in Cached(net).empty(1)]
    for _ in range(8):
        logits, *held = session.run(None, dict(zip(names, [read, *held], strict=True)))
        with torch.no_grad():
            wanted = net(torch.tensor([text]))[0, -1]
        assert np.allclose(logits[0, -1], wanted, atol=1e-4)
        read = logits[:, -1:].argmax(2)
        text.append(int(read[0, 0]))
