"""Two networks against each other, each step of the loop a turn of both.

Sources: Goodfellow et al. 2014, algorithm 1; Arjovsky et al. 2017, algorithm 1; Gulrajani et al. 2017,
algorithm 1. Deviations: the generator answers to the same pictures that the discriminator has just judged,
as in PyTorch's DCGAN example; a step's batch is cut into one piece for each turn of the critic.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import log

import torch
from torch import Tensor, nn

from gradschool.nn.norm import BatchNorm2d
from gradschool.nn.players import Players
from gradschool.ops import adversarial as ops
from gradschool.ops.activation import sigmoid

Batch = tuple[Tensor, ...]
Losses = dict[str, Tensor]
Update = Callable[..., Losses]


@dataclass(frozen=True)
class Game:
    """What the two lower, and where it ends.

    Args:
        discriminator: scores of real and of generated pictures to its loss.
        generator: scores of generated pictures to its loss.
        end: both losses when nobody can tell the two kinds apart; None where any value will do, since only
            differences of scores count.
        answer: a score as the discriminator's answer D.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    end: tuple[float, float | None]
    answer: Callable[[Tensor], Tensor] = torch.Tensor.float


GAMES = {
    "minimax": Game(ops.discriminator_loss, ops.saturating_loss, (2 * log(2), -log(2)), sigmoid),
    "non_saturating": Game(ops.discriminator_loss, ops.non_saturating_loss, (2 * log(2), log(2)), sigmoid),
    "least_squares": Game(
        ops.least_squares_discriminator_loss, ops.least_squares_generator_loss, (0.25, 0.125)
    ),
    "hinge": Game(ops.hinge_discriminator_loss, ops.raise_score, (2.0, None)),
    "wasserstein": Game(ops.critic_loss, ops.raise_score, (0.0, None)),
}


@dataclass(frozen=True)
class Rules:
    """How the discriminator is held back, and how often it moves.

    Args:
        turns: its steps for each of the generator's, >= 1; each sees its own piece of the batch.
        clip: largest size of each of its weights after a step, or None (Arjovsky et al. 2017).
        penalty: lambda, price of slopes that are not 1; 0: none (Gulrajani et al. 2017).
    """

    turns: int = 1
    clip: float | None = None
    penalty: float = 0.0


class Gan:
    """Train a generator and a discriminator of pictures in -1 to 1.

    Args:
        players: both.
        game: see `GAMES`.
        rules: of the discriminator's turns.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(
        self, players: Players, game: Game, rules: Rules | None = None, held_out: str = "val"
    ) -> None:
        self.parts: dict[str, nn.Module] = {
            "discriminator": players.discriminator, "generator": players.generator,
        }  # fmt: skip
        self.game, self.rules = game, rules or Rules()
        self.latent, self.held_out = players.latent, held_out
        # Batch statistics of real and generated pictures are kept apart; without any, one pass does for both.
        self.is_apart = any(isinstance(layer, BatchNorm2d) for layer in players.discriminator.modules())

    def step(self, batch: Batch, update: Update) -> Losses:
        """The discriminator's turns, then the generator's."""
        # 1. The discriminator learns to tell real from generated, piece by piece.
        pieces = list(zip(*(value.chunk(self.rules.turns) for value in batch), strict=True))
        for number, (x, y) in enumerate(pieces):
            with torch.set_grad_enabled(number == len(pieces) - 1):
                fake = self.made(x, y)
            judged = update("discriminator", (x, fake.detach(), y), self.tell_apart)
            if self.rules.clip is not None:
                clip_(self.parts["discriminator"], self.rules.clip)
        # 2. The generator learns to fool it, with the last of these pictures.
        with frozen(self.parts["discriminator"]):
            fooled = update("generator", (fake, y), self.fool)
        # 3. Where the game stands.
        seen = {"errD": judged["errD"], "errG": fooled["errG"], **judged, **fooled}
        seen.pop("loss")
        seen["distance"] = self.distance(seen["errD"], seen["errG"])
        seen["diversity"] = (spread(fake) / spread(x).clamp_min(1e-8)).detach()
        return seen

    def made(self, x: Tensor, y: Tensor) -> Tensor:
        """As many pictures as x, from new noise; of classes y, where the generator is told one."""
        return self.parts["generator"](torch.randn(len(x), self.latent, device=x.device), y)

    def scores(self, x: Tensor, fake: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The discriminator's scores of real and of generated pictures, float32."""
        judge = self.parts["discriminator"]
        if self.is_apart:
            return judge(x, y).float(), judge(fake, y).float()
        both = judge(torch.cat([x, fake.to(x.dtype)]), torch.cat([y, y])).float()
        real, made = both.chunk(2)
        return real, made

    def tell_apart(self, batch: Batch) -> Losses:
        """The discriminator's loss; errD is what it is without the penalty."""
        x, fake, y = batch
        real, made = self.scores(x, fake, y)
        error = self.game.discriminator(real, made)
        answers = self.game.answer(real.detach()).mean(), self.game.answer(made.detach()).mean()
        told = {"loss": error, "errD": error, "D(x)": answers[0], "D(G(z)) before": answers[1]}
        if not self.rules.penalty:
            return told
        slope = self.slopes(x, fake, y)
        wrong = ops.gradient_penalty(slope)
        return told | {"loss": error + self.rules.penalty * wrong, "penalty": wrong, "slope": slope.mean()}

    def slopes(self, x: Tensor, fake: Tensor, y: Tensor) -> Tensor:
        """How steep the discriminator is between real and generated pictures, (b,)."""
        points = ops.between(x, fake.to(x.dtype), torch.rand(len(x), device=x.device)).requires_grad_()
        return ops.slopes(self.parts["discriminator"](points, y), points)

    def fool(self, batch: Batch) -> Losses:
        """The generator's loss."""
        fake, y = batch
        scores = self.parts["discriminator"](fake, y).float()
        error = self.game.generator(scores)
        return {"loss": error, "errG": error, "D(G(z)) after": self.game.answer(scores.detach()).mean()}

    def distance(self, discriminator: Tensor, generator: Tensor) -> Tensor:
        """How far the losses are from the end of the game, summed over those that have one."""
        ours, theirs = self.game.end
        first = (discriminator - ours).abs()
        return first if theirs is None else first + (generator - theirs).abs()

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Where the game stands on held-out pictures; the generator is in eval mode, and the discriminator
        but for its batch normalisation, whose running statistics mix real and generated pictures.
        """
        parts = []
        with by_batch(self.parts["discriminator"]):
            for x, y in batches:
                parts.append(self.scores(x, self.made(x, y), y))
        real, made = (torch.cat(each) for each in zip(*parts, strict=True))
        found = {
            "errD": self.game.discriminator(real, made), "errG": self.game.generator(made),
            "D(x)": self.game.answer(real).mean(), "D(G(z))": self.game.answer(made).mean(),
        }  # fmt: skip
        found["distance"] = self.distance(found["errD"], found["errG"])
        return {f"{self.held_out}_{name}": value.item() for name, value in found.items()}


def spread(pictures: Tensor) -> Tensor:
    """How much the pictures of a batch differ: the standard deviation of each pixel, averaged."""
    return pictures.detach().float().std(0, correction=0).mean()


@torch.no_grad()
def clip_(module: nn.Module, most: float) -> None:
    """Cut every weight to -most to most."""
    for parameter in module.parameters():
        parameter.clamp_(-most, most)


@contextmanager
def by_batch(module: nn.Module) -> Iterator[None]:
    """Inside, batch normalisation takes each batch's own statistics, as in training, and remembers none."""
    layers = [layer for layer in module.modules() if isinstance(layer, BatchNorm2d) and not layer.training]
    kept = [[buffer.clone() for buffer in layer.buffers()] for layer in layers]
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for layer, values in zip(layers, kept, strict=True):
            layer.eval()
            for buffer, value in zip(layer.buffers(), values, strict=True):
                buffer.copy_(value)


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Inside, gradients pass through the module but are not computed for its weights."""
    wanted = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in wanted:
            parameter.requires_grad_(True)
