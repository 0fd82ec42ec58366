"""A small network of causal attention that knows positions in one of four ways, and how it is trained."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradschool.nn.attention.block import PreNorm
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.patches import with_sinusoids
from gradschool.ops.attention.biased import attend_with_bias
from gradschool.ops.attention.heads import join_heads, split_heads
from gradschool.ops.attention.positions import alibi_bias
from gradschool.ops.attention.rotary import rope

POSITIONS = ("none", "sinusoids", "rotary", "alibi")


class Look(nn.Module):
    """Attention in heads, with rotary positions, linear biases, or neither.

    Args:
        width: numbers of a vector.
        heads: a divisor of the width.
        positions: one of POSITIONS; sinusoids are added elsewhere.
        causal: whether the future is hidden.
    """

    def __init__(self, width: int, heads: int, positions: str, causal: bool) -> None:
        super().__init__()
        self.heads, self.positions, self.causal = heads, positions, causal
        self.project, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors (b, n, width) to as many."""
        n = x.shape[1]
        q, k, v = (split_heads(part, self.heads) for part in self.project(x).chunk(3, 2))
        if self.positions == "rotary":
            q, k = rope(q, torch.arange(n)), rope(k, torch.arange(n))
        bias = alibi_bias(n, n, self.heads) if self.positions == "alibi" else torch.zeros(1, 1)
        return self.output(join_heads(attend_with_bias(q, k, v, bias, causal=self.causal)))


class SmallReader(nn.Module):
    """Vectors (b, n, inputs) to logits (b, n, answers) through a few blocks.

    Args:
        inputs: numbers of a step, for instance a one-hot symbol.
        answers: number of logits.
        positions: one of POSITIONS.
        width: numbers of a vector, a multiple of 2 `heads`.
        depth: blocks.
        heads: of each attention.
        causal: whether the future is hidden.
    """

    def __init__(
        self, inputs: int, answers: int, positions: str = "rotary", width: int = 32, depth: int = 2,
        heads: int = 4, causal: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.positions, self.embedding = positions, nn.Linear(inputs, width)
        layers = []
        for _ in range(depth):
            layers += [PreNorm(nn.LayerNorm(width), Look(width, heads, positions, causal)),
                       PreNorm(nn.LayerNorm(width), FeedForward(width))]  # fmt: skip
        self.layers, self.norm = nn.Sequential(*layers), nn.LayerNorm(width)
        self.readout = nn.Linear(width, answers)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of every step."""
        h = self.embedding(x)
        h = with_sinusoids(h) if self.positions == "sinusoids" else h
        return self.readout(self.norm(self.layers(h)))


def learn(model: nn.Module, draw: Callable[[], tuple[Tensor, Tensor]], steps: int, rate: float) -> float:
    """Train a model; the mean loss of the last tenth of the steps, in nats.

    Args:
        model: inputs (b, n, ...) to logits (b, n, answers).
        draw: a batch of inputs and answers (b, n); answers of -100 are not counted.
        steps: of Adam; the learning rate warms up and falls to 0.
        rate: the largest learning rate.
    """
    optimizer = torch.optim.Adam(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    losses = []
    for _ in range(steps):
        x, y = draw()
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    last = losses[-max(1, steps // 10) :]
    return sum(last) / len(last)


def chain(symbols: int, seed: int) -> Tensor:
    """Probabilities of the next symbol after each pair of symbols, (symbols, symbols, symbols)."""
    scores = torch.randn(symbols, symbols, symbols, generator=torch.Generator().manual_seed(seed))
    return (2 * scores).softmax(2)


def walks(table: Tensor, count: int, steps: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random texts of a chain, and the nats that its own probabilities give each symbol.

    Args:
        table: as from `chain`.
        count: number of texts.
        steps: symbols of each.
        generator: what is drawn from.

    Returns:
        Symbols (count, steps) and nats (count, steps); the first two symbols are uniform.
    """
    x = torch.randint(len(table), (count, 2), generator=generator)
    for _ in range(steps - 2):
        p = table[x[:, -2], x[:, -1]]
        x = torch.cat([x, torch.multinomial(p, 1, generator=generator)], 1)
    nats = -table[x[:, :-2], x[:, 1:-1], x[:, 2:]].log()
    return x, F.pad(nats, (2, 0), value=float(torch.tensor(len(table)).log()))
