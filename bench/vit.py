"""Training steps of a vision transformer: ours beside the same network of torch's nn.TransformerEncoder.

The peer is written as tutorials write it: float32, the layers of torch with their defaults (pre-norm, GELU,
no dropout), AdamW, a loop without anything else. Ours is the engine's step in the machine's best precision.
Both have patches of 4 pixels of 32, a width of 192, 6 blocks, 3 heads and as many parameters. Random pictures
do: no step depends on them.
"""

from typing import Any

import torch
from torch import Tensor, nn

from bench.common import compare, main
from gradschool.engine.device import choose
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.schedule import Schedule
from gradschool.engine.update import Stepper, Stepping
from gradschool.models.vision.vit import vit
from gradschool.tasks.classify import Classify

BATCH, SIDE, CLASSES, PATCH, WIDTH, DEPTH, HEADS = 128, 32, 10, 4, 192, 6, 3
RATE, DECAY = 1e-3, 0.05


class Peer(nn.Module):
    """A class token, learned positions, and torch's own encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (SIDE // PATCH) ** 2, WIDTH))
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, DEPTH, nn.LayerNorm(WIDTH, 1e-6), enable_nested_tensor=False
        )
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the class token."""
        h = self.patches(x).flatten(2).transpose(1, 2)
        h = torch.cat([self.token.expand(len(h), -1, -1), h], 1)
        return self.head(self.encoder(h + self.positions)[:, 0])


def theirs(batches: list[tuple[Tensor, Tensor]]) -> Any:
    """The peer's loop."""
    net = Peer()
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    loss_of = nn.CrossEntropyLoss()

    def epoch() -> float:
        for x, y in batches:
            optimizer.zero_grad()
            loss = loss_of(net(x), y)
            loss.backward()
            optimizer.step()
        return len(batches) * BATCH

    return epoch


def ours(batches: list[tuple[Tensor, Tensor]]) -> Any:
    """The engine's step."""
    machine = choose()
    task = Classify(machine.place_module(vit(CLASSES, 3, SIDE, PATCH, WIDTH, DEPTH, HEADS)))
    optimizer = make_optimizer(task.parts["model"], Optim("adamw", RATE, DECAY))
    stepper = Stepper(task, {"model": optimizer}, machine, Stepping(Schedule("constant")))

    def epoch() -> float:
        for batch in batches:
            stepper.begin(0.5)
            task.step(batch, stepper)
        return len(batches) * BATCH

    return epoch


def run(repeats: int = 5, steps: int = 8) -> dict[str, Any]:
    """Time so many steps a round on both sides."""
    generator = torch.Generator().manual_seed(0)
    batches = [(torch.randn(BATCH, 3, SIDE, SIDE, generator=generator),
                torch.randint(CLASSES, (BATCH,), generator=generator)) for _ in range(steps)]  # fmt: skip
    torch.manual_seed(0)
    count = {side: sum(p.numel() for p in net.parameters()) for side, net in
             (("ours", vit(CLASSES, 3, SIDE, PATCH, WIDTH, DEPTH, HEADS)), ("peer", Peer()))}  # fmt: skip
    about = {"batch": BATCH, "side": SIDE, "patch": PATCH, "width": WIDTH, "depth": DEPTH, "heads": HEADS,
             "parameters": count, "precision": choose().precision, "wanted": 1.8}  # fmt: skip
    return compare("vit", "images/s", ours(batches), {"nn.TransformerEncoder, float32": theirs(batches)},
                   repeats, about)  # fmt: skip


if __name__ == "__main__":
    main(run)
