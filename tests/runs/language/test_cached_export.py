"""A decoder as ONNX: another program decodes the same logits from its cache."""

import numpy as np
import pytest
import torch

from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2
from gradschool.nn.attention.cache import GrowingCache
from gradschool.runs.language.onnx import Cached, export


def moved(net):
    """With weights that say something: a fresh GPT finds every token equally probable."""
    for p in net.parameters():
        p.data += 0.1 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel()))
    return net.eval()


NETS = {
    "gpt": lambda: moved(gpt(20, depth=2, kv_heads=1)),
    "gpt2": lambda: moved(gpt2(20, context=16, width=16, depth=2, heads=2)),
}


@pytest.mark.parametrize("name", NETS)
@torch.no_grad()
def test_a_growing_cache_gives_the_logits_of_the_whole_text(name):
    net = NETS[name]()
    row = torch.randint(20, (3, 9), generator=torch.Generator().manual_seed(0))
    whole, still, place, past = net(row), Cached(net), 0, Cached(net).empty(3)
    for size in (4, 1, 1, 3):
        logits, past = still(row[:, place : place + size], past)
        assert torch.allclose(logits, whole[:, place : place + size], atol=1e-5)
        place += size
        assert past.shape[4] == place
    with pytest.raises(ValueError, match="padding came"):
        GrowingCache(past).note(1, torch.ones(3, 1, dtype=torch.bool))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_onnxruntime_decodes_with_the_cache(tmp_path, name):
    onnxruntime = pytest.importorskip("onnxruntime")
    net = NETS[name]()
    check = export(net, 20, tmp_path / "a.onnx", {"context": 16})
    assert check.relative < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    tokens, cache = session.get_inputs()
    assert (tokens.name, cache.name) == ("tokens", "past")
    # 1. Greedy decoding: the prompt at once, then token by token; torch reads the whole text every time.
    text, read = [3, 1, 4], np.array([[3, 1, 4]])
    past = np.zeros(
        [
            size if isinstance(size, int) else n
            for size, n in zip(cache.shape, (0, 0, 1, 0, 0, 0), strict=True)
        ],
        np.float32,
    )
    for _ in range(8):
        logits, past = session.run(None, {"tokens": read, "past": past})
        with torch.no_grad():
            wanted = net(torch.tensor([text]))[0, -1]
        assert np.allclose(logits[0, -1], wanted, atol=1e-4)
        read = logits[:, -1:].argmax(2)
        text.append(int(read[0, 0]))
