"""BERT against torch's encoder layers, published similarities of MiniLM, and transformers where installed."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from gradschool.models import catalogue
from gradschool.models.language.bert import bert, from_transformers, minilm
from gradschool.ops.switch import using

PACK = Path(__file__).resolve().parents[4] / "shared/data/weights/all-MiniLM-L6-v2"
SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
# What the documentation of sentence-transformers prints for these sentences and this model.
PUBLISHED = torch.tensor([[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]])


def small(**more):
    torch.manual_seed(0)
    net = bert(31, 16, 24, 2, 4, **more)
    for p in net.parameters():
        nn.init.normal_(p, std=0.3)
    return net.eval()


def tokens(*shape, k=31):
    return torch.randint(k, shape, generator=torch.Generator().manual_seed(1))


def by_torch(state, x, valid, heads, depth):
    """BERT's equations with torch's own layers, from weights under the names of transformers."""
    e, width = "embeddings.", state["embeddings.LayerNorm.weight"].numel()
    h = state[f"{e}word_embeddings.weight"][x] + state[f"{e}position_embeddings.weight"][: x.shape[1]]
    h = h + state[f"{e}token_type_embeddings.weight"][0]
    h = nn.functional.layer_norm(
        h, (width,), state[f"{e}LayerNorm.weight"], state[f"{e}LayerNorm.bias"], 1e-12
    )
    names = {"self_attn.out_proj": "attention.output.dense", "norm1": "attention.output.LayerNorm",
             "linear1": "intermediate.dense", "linear2": "output.dense",
             "norm2": "output.LayerNorm"}  # fmt: skip
    for i in range(depth):
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", 1e-12, batch_first=True)
        held = {n.removeprefix(f"encoder.layer.{i}."): v for n, v in state.items()}
        taken = {
            f"{their}.{k}": held[f"{name}.{k}"] for their, name in names.items() for k in ("weight", "bias")
        }
        for k in ("weight", "bias"):
            parts = [held[f"attention.self.{part}.{k}"] for part in ("query", "key", "value")]
            taken[f"self_attn.in_proj_{k}"] = torch.cat(parts)
        layer.load_state_dict(taken)
        h = layer(h, src_key_padding_mask=~valid)
    return h


@pytest.fixture(scope="module")
def pack():
    """The model of the data pack, its weights as they are, and three sentences as padded tokens."""
    if not PACK.is_dir():
        pytest.skip("needs weights/all-MiniLM-L6-v2 of the data pack")
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    state = {name: value.float() if value.is_floating_point() else value
             for name, value in load_file(PACK / "model.safetensors").items()}  # fmt: skip
    net = minilm()
    missing = net.load_state_dict(from_transformers(state), strict=False)
    assert not missing.unexpected_keys
    assert all(name.startswith("head.") or name == "scores.bias" for name in missing.missing_keys)
    tokenizer = tokenizers.Tokenizer.from_file(str(PACK / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.no_truncation()
    encoded = tokenizer.encode_batch(SENTENCES)
    x, valid = (torch.tensor([getattr(e, key) for e in encoded]) for key in ("ids", "attention_mask"))
    return net.eval(), state, x, valid.bool()


def test_the_catalogue_finds_it():
    assert catalogue.find("bert", "wordpieces") is bert


@pytest.mark.pack
@torch.no_grad()
def test_minilm_finds_the_published_similarities(pack):
    net, _, x, valid = pack
    assert not valid.all(), "the sentences are of different lengths"
    vectors = net.embed(x, valid)
    assert vectors.shape == (3, 384)
    # The weights of the pack are half precision, the published ones single; four digits are printed.
    torch.testing.assert_close(vectors @ vectors.T, PUBLISHED, rtol=0, atol=3e-4)


@pytest.mark.pack
@torch.no_grad()
def test_minilm_is_torchs_layers_with_these_weights(pack):
    net, state, x, valid = pack
    wanted = by_torch(state, x, valid, 12, 6)
    torch.testing.assert_close(net(x, valid)[valid], wanted[valid], rtol=0, atol=1e-4)
    with using("plain"):
        torch.testing.assert_close(net(x, valid)[valid], wanted[valid], rtol=0, atol=1e-4)
    alone = torch.cat([net.embed(row[keep][None]) for row, keep in zip(x, valid, strict=True)])
    torch.testing.assert_close(net.embed(x, valid), alone, rtol=0, atol=1e-5)


@pytest.mark.pack
@torch.no_grad()
def test_minilm_is_transformers(pack):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    net, _, x, valid = pack
    peer = transformers.AutoModel.from_pretrained(PACK).float().eval()
    h = peer(input_ids=x, attention_mask=valid.long()).last_hidden_state
    torch.testing.assert_close(net(x, valid)[valid], h[valid], rtol=0, atol=1e-4)
    mean = (h * valid[..., None]).sum(1) / valid.sum(1, keepdim=True)
    wanted = nn.functional.normalize(mean, dim=1)
    torch.testing.assert_close(net.embed(x, valid), wanted, rtol=0, atol=1e-4)


@torch.no_grad()
def test_the_masked_model_is_transformers():
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    config = transformers.BertConfig(vocab_size=31, hidden_size=24, num_hidden_layers=2, num_attention_heads=4,
                                     intermediate_size=96, max_position_embeddings=16)  # fmt: skip
    peer = transformers.BertForMaskedLM(config).eval()
    for p in peer.parameters():
        nn.init.normal_(p, std=0.3)
    net, x = small(), tokens(2, 7)
    net.load_state_dict(from_transformers(peer.state_dict()))
    kinds = (torch.arange(7) > 3).long().expand(2, 7)
    wanted = peer(x, token_type_ids=kinds).logits
    torch.testing.assert_close(net.logits(net(x, kinds=kinds)), wanted, rtol=0, atol=1e-4)


@torch.no_grad()
def test_padding_changes_nothing_and_both_directions_count():
    net, x = small(), tokens(2, 9)
    valid = torch.arange(9) < torch.tensor([[9], [5]])
    torch.testing.assert_close(net(x, valid)[1, :5], net(x[1:, :5])[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(net.embed(x, valid)[1:], net.embed(x[1:, :5]), rtol=0, atol=1e-5)
    other = x.clone()
    other[:, 8] = (x[:, 8] + 1) % 31
    assert not torch.allclose(net(other)[:, 0], net(x)[:, 0])
    assert not torch.allclose(net(x, kinds=torch.ones_like(x)), net(x))


def test_gradients_reach_every_parameter_and_masked_tokens_are_learned():
    net, x = small(), tokens(4, 9)
    nn.functional.cross_entropy(net.logits(net(x)).flatten(0, 1), x.flatten()).backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_published_sizes():
    with torch.device("meta"):
        base, small_one = bert(30_522), minilm()
    head = 768 * 768 + 768 + 2 * 768 + 30_522
    assert sum(p.numel() for p in base.parameters()) - head == 108_891_648  # BertModel without its pooler
    own = sum(p.numel() for n, p in small_one.named_parameters() if not n.startswith(("head", "scores")))
    assert own == 22_713_216 - 384 * 384 - 384  # BertModel's count with its pooler


def test_refusals_are_sentences():
    for x in (tokens(3), tokens(1, 17)):
        with pytest.raises(ValueError, match="16 steps or fewer were wanted"):
            small()(x)
