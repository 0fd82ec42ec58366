"""Files that are handed in: written from finished runs, and asked in a process that knows nothing of ours.

The coursework hands in TorchScript files, which torch 2.15 still writes and reads, though it calls them old;
torch.export keeps one method in one mode only, and a VAE is asked for four, in training and in evaluation.
A pickle is never loaded: see `clean.py` for what reads a file.
"""

import copy
import json
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from gradschool.classroom.coursework import clean
from gradschool.classroom.coursework.frame import Lost
from gradschool.models.generative.vae import VAE
from gradschool.nn.players import Players
from gradschool.ops import variational as ops

SECONDS = 600  # of processor time for one file's answers
BATCH = 250  # pictures at a time


@dataclass(frozen=True)
class Call:
    """A question to a handed-in network.

    Args:
        method: of the file, e.g. "forward".
        inputs: tensors, all of the same length.
        train: ask in training mode.
    """

    method: str
    inputs: tuple[Tensor, ...]
    train: bool = False


@dataclass(frozen=True)
class Handed:
    """What a file is, and what it answered.

    Args:
        file: its name.
        error: why it could not be loaded; "" if it could.
        facts: parameters, operations of each method, what went wrong in which call.
        tensors: answers.
    """

    file: str
    error: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def parameters(self) -> int:
        """How many it has.

        Raises:
            Lost: it could not be loaded.
        """
        self.need()
        return int(self.facts["parameters"])

    def need(self) -> None:
        """Stop where there is nothing to mark.

        Raises:
            Lost: it could not be loaded.
        """
        if self.error:
            raise Lost(f"{self.file} cannot be marked: {self.error}")

    def runs(self, kind: str, methods: Sequence[str]) -> int:
        """How many operations of a kind these methods run together; "convolutions" or "regularising"."""
        self.need()
        return sum(self.facts["methods"].get(name, {}).get(kind, 0) for name in methods)

    def answer(self, number: int, outputs: int = 1) -> list[Tensor]:
        """What came of a call.

        Raises:
            Lost: the file or the call failed, or another number of tensors came.
        """
        self.need()
        call = self.facts["calls"][number]
        if "error" in call:
            raise Lost(f"{self.file} fails: {call['error']}")
        if call["outputs"] != outputs:
            raise Lost(f"{self.file} returns {call['outputs']} tensors, {outputs} were wanted")
        return [self.tensors[f"{number}.{i}"] for i in range(outputs)]


def ask(file: Path, calls: Sequence[Call], seed: int = 0, threads: int = 1) -> Handed:
    """Load a file in a clean process and ask it; whatever goes wrong there is an answer, too."""
    if not file.is_file():
        return Handed(file.name, "it is not there")
    # 1. The job: words as JSON, numbers as safetensors.
    inputs = {str(id(x)): x.clone(memory_format=torch.contiguous_format) for c in calls for x in c.inputs}
    words = [
        {"method": c.method, "train": c.train, "batch": BATCH, "inputs": [str(id(x)) for x in c.inputs]}
        for c in calls
    ]
    job = json.dumps({"calls": words, "seed": seed, "threads": threads}).encode() + b"\n" + save(inputs)
    # 2. The process: -I keeps this folder, its packages and the environment's Python settings out.
    command = [sys.executable, "-I", clean.__file__, str(file.resolve()), str(SECONDS)]
    try:
        done = subprocess.run(command, input=job, capture_output=True, timeout=3 * SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Handed(file.name, "it gave no answer in time")
    if done.returncode or not done.stdout:
        return Handed(file.name, "the process that loaded it came to an end without an answer")
    # 3. Its answer is data only.
    head, _, body = done.stdout.partition(b"\n")
    facts = json.loads(head)
    return Handed(file.name, facts.get("error", ""), facts, load(body))


def convolutions(handed: Handed, methods: tuple[str, ...]) -> tuple[float, str]:
    """An equal share for each method that runs one."""
    counts = {name: handed.runs("convolutions", (name,)) for name in methods}
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    share = sum(count > 0 for count in counts.values()) / len(methods)
    return share, f"convolutions that {handed.file} runs: {told}"


class Encoder(nn.Module):
    """Pictures to mean and log-variance."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(b, c, h, w) to two (b, d)."""
        mean, log_variance = self.model.encode(x)
        return mean.float(), log_variance.float()


class Decoder(nn.Module):
    """Codes to pictures in 0 to 1."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Tensor:
        """(b, d) to (b, c, h, w)."""
        return torch.sigmoid(self.model.decode(z).float())


class Shift(nn.Module):
    """The op that is in force: the library's, or the learner's."""

    def forward(self, mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
        """Three (b, d) to one."""
        return ops.reparametrise(mean, log_variance, noise)


class Price(nn.Module):
    """Likewise, of a whole code."""

    def forward(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Two (b, d) to (b,)."""
        return ops.kl_standard_normal(mean, log_variance).sum(1)


class HandedVae(nn.Module):
    """The four methods that the coursework asks for, and the price of a code."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, shift: nn.Module, price: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder, self.shift, self.price = encoder, decoder, shift, price

    @torch.jit.export
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (b, d)."""
        mean, log_variance = self.encoder(x)
        return mean, log_variance

    @torch.jit.export
    def reparametrise(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """A sample in training, the mean in evaluation."""
        if self.training:
            return self.shift(mean, log_variance, torch.randn_like(mean))
        return mean

    @torch.jit.export
    def decode(self, z: Tensor) -> Tensor:
        """Pictures in 0 to 1."""
        return self.decoder(z)

    @torch.jit.export
    def kl(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """KL to N(0, 1) of each code (b,), in nats."""
        return self.price(mean, log_variance)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The picture that comes back, mean and log-variance."""
        mean, log_variance = self.encode(x)
        return self.decode(self.reparametrise(mean, log_variance)), mean, log_variance


def write_vae(model: VAE, example: Tensor, file: Path) -> None:
    """Write a VAE, as traced in evaluation mode: normalisation uses its running statistics in every mode."""
    still = copy.deepcopy(model).cpu().float().eval()
    x = example[:2].cpu().float()
    with torch.no_grad():
        mean, log_variance = still.encode(x)
        parts = [
            traced(Encoder(still), x), traced(Decoder(still), mean),
            traced(Shift(), mean, log_variance, torch.randn_like(mean)), traced(Price(), mean, log_variance),
        ]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(HandedVae(*parts)).save(str(file))  # type: ignore[no-untyped-call]


def write_players(players: Players, example: Tensor, folder: Path) -> None:
    """Write generator.pt and discriminator.pt; the example is a batch of real pictures as they see them."""
    still = copy.deepcopy(players).cpu().float().eval()
    z = torch.randn(2, players.latent)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced(still.generator, z).save(str(folder / "generator.pt"))
        traced(still.discriminator, example[:2].cpu().float()).save(str(folder / "discriminator.pt"))


def traced(module: nn.Module, *inputs: Tensor) -> Any:
    """TorchScript of what a module does to these inputs; the batch size stays free."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(module.eval(), inputs, check_trace=False)  # type: ignore[no-untyped-call]
