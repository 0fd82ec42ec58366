"""Weights of torch's attention layers under the names of ours."""


def attention(state, name=""):
    """Of torch.nn.MultiheadAttention: one matrix holds queries, keys and values."""
    parts = {}
    for kind in ("weight", "bias"):
        q, k, v = state[f"{name}in_proj_{kind}"].chunk(3)
        parts |= {f"query.{kind}": q, f"key.{kind}": k, f"value.{kind}": v}
        parts[f"output.{kind}"] = state[f"{name}out_proj.{kind}"]
    return parts


def under(name, parts):
    return {f"{name}.{key}": value for key, value in parts.items()}


def feed(state, name=""):
    """The two linear layers of a feed-forward layer."""
    pairs = (("widen", "linear1"), ("output", "linear2"))
    return {f"{our}.{k}": state[f"{name}{their}.{k}"] for our, their in pairs for k in ("weight", "bias")}


def norm(state, name):
    return {kind: state[f"{name}.{kind}"] for kind in ("weight", "bias")}


def encoder_layer(state, name=""):
    """Of torch.nn.TransformerEncoderLayer, for a Block."""
    return (
        under("attention.layer", attention(state, f"{name}self_attn."))
        | under("attention.norm", norm(state, f"{name}norm1"))
        | under("feed.layer", feed(state, name))
        | under("feed.norm", norm(state, f"{name}norm2"))
    )


def decoder_layer(state, name=""):
    """Of torch.nn.TransformerDecoderLayer, for a CrossBlock."""
    return (
        under("attention.layer", attention(state, f"{name}self_attn."))
        | under("attention.norm", norm(state, f"{name}norm1"))
        | under("cross.layer", attention(state, f"{name}multihead_attn."))
        | under("cross.norm", norm(state, f"{name}norm2"))
        | under("feed.layer", feed(state, name))
        | under("feed.norm", norm(state, f"{name}norm3"))
    )
