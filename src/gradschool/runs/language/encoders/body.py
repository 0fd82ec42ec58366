"""A published sentence encoder as the body of a classifier: found by name or folder, with its weights.

Weights come from safetensors files only: a pickle can run code when it is opened, so it is refused. Sources:
Devlin et al. 2019 (the encoder); Reimers and Gurevych 2019 (the mean over the tokens); the Hugging Face Hub.
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradschool.data.cache import remembered
from gradschool.data.text.buckets import rectangle
from gradschool.data.text.tokens.gpt2 import read_json
from gradschool.engine.device import Machine
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.inference import evaluating
from gradschool.models.language.bert import Bert, from_transformers
from gradschool.nn import Linear
from gradschool.nn.attention.sight import up_to

FILES = ("config.json", "tokenizer.json", "model.safetensors")
WAITS = 10  # seconds for the Hub's first answer
CONSTANT = 1e-4  # deviation up to which a feature says nothing: below it is the noise of half precision
AT_ONCE = 8192  # padded tokens that go through the encoder together
SIZES = {"pieces": "vocab_size", "context": "max_position_embeddings", "width": "hidden_size",
         "depth": "num_hidden_layers", "heads": "num_attention_heads",
         "dropout": "hidden_dropout_prob"}  # fmt: skip
FIXED = {"model_type": "bert", "hidden_act": "gelu", "type_vocab_size": 2, "layer_norm_eps": 1e-12,
         "position_embedding_type": "absolute"}  # fmt: skip


class EncoderNet(nn.Module):
    """An encoder's vectors, their mean over the tokens of a text, and a linear head on it.

    `forward(x, lengths=None)` takes tokens (b, n), padded at the end, and the number of tokens of each text
    (b; None: all are tokens); it returns logits (b, classes).

    Args:
        body: the encoder; its head over tokens goes.
        layers: the means of so many last layers, side by side, are the features.
        classes: outputs.
    """

    def __init__(self, body: Bert, layers: int, classes: int) -> None:
        super().__init__()
        self.body, self.layers = body, layers
        body.head, body.scores = nn.Sequential(), nn.Identity()  # type: ignore[assignment]
        width = layers * body.tokens.weight.shape[1]
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.head = Linear(width, classes)

    @property
    def embedding(self) -> nn.Module:
        """What makes the vectors of the tokens."""
        return self.body.tokens

    def features(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The means (b, layers x width) over the tokens of each text."""
        valid = None if lengths is None else up_to(lengths, x.shape[1])
        states = self.body.states(x, valid)[-self.layers :]
        if valid is None:
            return torch.cat([h.mean(1) for h in states], 1)
        share = (valid / valid.sum(1, keepdim=True)).to(states[0].dtype).unsqueeze(1)
        return torch.cat([(share @ h).squeeze(1) for h in states], 1)

    def standardise(self, features: Tensor) -> None:
        """Let features have mean 0 and deviation 1 over these (n, layers x width); constant ones are 0."""
        deviation = features.std(0)
        self.get_buffer("centre").copy_(features.mean(0))
        self.get_buffer("scale").copy_(torch.where(deviation > CONSTANT, 1 / deviation, 0.0))

    def standard(self, features: Tensor) -> Tensor:
        """Features as the head takes them."""
        return (features - self.get_buffer("centre")) * self.get_buffer("scale")

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (b, classes)."""
        return self.head(self.standard(self.features(x, lengths)))


def located(name: str, fetch: bool) -> Path:
    """The folder of an encoder: a path, a folder of the data pack's weights, or the Hub's cache.

    Args:
        name: a folder, or a name on the Hugging Face Hub such as sentence-transformers/all-MiniLM-L6-v2.
        fetch: whether it may be fetched from there.

    Raises:
        UserError: it is not here, or its folder lacks a file.
        WorkFailed: it cannot be fetched.
    """
    pack = os.environ.get("GRADSCHOOL_DATA")
    in_pack = [Path(pack).expanduser() / "weights" / name.rpartition("/")[2]] if pack else []
    for folder in (Path(name).expanduser(), *in_pack):
        if folder.is_dir():
            return complete(folder)
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(name, FILES[0])
    except HFValidationError:
        cached, fetch = None, False
    if isinstance(cached, str) and all((Path(cached).parent / file).exists() for file in FILES):
        return complete(Path(cached).parent)
    if fetch:
        return fetched(name)
    what = f"there is no encoder {name!r} here"
    wanted = f"a folder with {', '.join(FILES[:-1])} and {FILES[-1]}, or a name on the Hugging Face Hub"
    raise UserError(what, wanted, "To fetch it by its name train with --set fetch=true.")


def complete(folder: Path) -> Path:
    """The folder, if it holds what an encoder needs.

    Raises:
        UserError: a file is missing.
    """
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        unsafe = "pytorch_model.bin" in {file.name for file in folder.iterdir()}
        convert = "safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'model.safetensors')"
        advice = f"Convert pytorch_model.bin first: {convert}" if unsafe else "Bring what is missing."
        raise UserError(f"{folder} has no {' and no '.join(missing)}", f"{', '.join(FILES)}", advice)
    return folder


def fetched(name: str) -> Path:
    """The folder of an encoder in the Hub's cache, after its files have been fetched.

    Raises:
        UserError: the Hub has no such encoder with safe weights.
        WorkFailed: it cannot be reached.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    try:
        get_hf_file_metadata(hf_hub_url(name, FILES[-1]), timeout=WAITS)
        return [Path(hf_hub_download(name, file)).parent for file in FILES][-1]
    except (EntryNotFoundError, RepositoryNotFoundError) as error:
        wanted = f"a name there whose files are {', '.join(FILES)}"
        raise UserError(f"the Hugging Face Hub has no {name} that is safe to open", wanted, "") from error
    except Exception as error:  # of whichever library the Hub's client makes its connections with
        what = f"{name} cannot be fetched ({type(error).__name__})"
        raise WorkFailed(
            what, f"a network, or a folder with {', '.join(FILES)} brought by hand", ""
        ) from error


def sizes(folder: Path) -> dict[str, Any]:
    """The arguments of `Bert` that a folder's config.json describes.

    Raises:
        UserError: it describes another kind of encoder.
    """
    config = read_json(folder / "config.json")
    for name, wanted in FIXED.items():
        came = config.get(name, wanted)
        if came != wanted:
            raise UserError(f"{folder} has {name} {came!r}", f"{wanted!r}: encoders of BERT's kind")
    missing = [name for name in SIZES.values() if name not in config]
    if missing:
        raise UserError(f"config.json of {folder} has no {missing[0]}", "that of a BERT encoder")
    if config.get("intermediate_size", 4 * config["hidden_size"]) != 4 * config["hidden_size"]:
        what = f"{folder} has intermediate_size {config['intermediate_size']}"
        raise UserError(what, f"{4 * config['hidden_size']}, four times hidden_size")
    return {name: config[key] for name, key in SIZES.items()}


def load_weights_of(folder: Path, body: Bert) -> None:
    """Give an encoder the weights of a folder.

    Raises:
        UserError: they belong to another encoder.
    """
    file = folder / FILES[-1]
    try:
        found = body.load_state_dict(from_transformers(read_weights(file)), strict=False)
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{file} does not fit its config.json", "weights of a BertModel") from error
    extra = [name for name in found.unexpected_keys if not name.startswith(("head.", "scores."))]
    for name in [*found.missing_keys, *extra]:
        which = "lacks" if name in found.missing_keys else "has beyond its config.json"
        raise UserError(f"{file} {which} the weights that are called {name} here", "weights of a BertModel")


@torch.no_grad()
def features_of(model: EncoderNet, tokens: Sequence[Sequence[int]], machine: Machine) -> Tensor:
    """The features (n, layers x width) of texts in float32, kept in the user's cache by what they depend on:
    weights, tokens and arithmetic. A text goes through the encoder once, whoever asks for it again.

    Args:
        model: on the machine's device.
        tokens: of each text, one or more.
        machine: computes.
    """
    # 1. What they depend on; texts in one order, so that another split of them finds them, too.
    known = sorted({tuple(each) for each in tokens})
    key = hashlib.blake2b(repr((model.layers, machine.precision, known)).encode(), digest_size=16)
    for name, value in sorted(model.body.state_dict().items()):
        key.update(name.encode() + value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())

    # 2. Longest texts first, in batches of about as many tokens.
    def encode(_: Any) -> dict[str, np.ndarray]:
        order = sorted(range(len(known)), key=lambda i: -len(known[i]))
        found, done = torch.empty(len(known), model.head.weight.shape[1]), 0
        with evaluating(model):
            while done < len(order):
                chosen = order[done : done + max(1, AT_ONCE // len(known[order[done]]))]
                x, lengths, at = rectangle(known, torch.arange(len(known)), chosen, 0)
                with machine.autocast():
                    part = model.features(x.to(machine.device), lengths.to(machine.device))
                found[at] = part.float().cpu()
                done += len(chosen)
                show(done, len(order))
        return {"features": found.numpy()}

    kept = torch.from_numpy(remembered(f"features-{key.hexdigest()}", encode)["features"])
    # 3. Back in the order of the texts.
    place = {each: number for number, each in enumerate(known)}
    return kept[[place[tuple(each)] for each in tokens]]


def show(done: int, of: int) -> None:
    """How far the encoder is, on a line of the terminal that is written over."""
    if sys.stderr.isatty():
        end = "" if done < of else "\r"
        print(f"\r encoded {done:,} of {of:,} texts", end=end, file=sys.stderr, flush=True)
