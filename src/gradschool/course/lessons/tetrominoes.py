"""Pictures of a few tetrominoes, and a network of slots that takes them apart without labels.

Source: Locatello et al. 2020, sections 2.1 and 4.1. Deviations: pictures of 8 by 8 pixels, and layers that
treat every pixel alone, so that it learns in half a minute; no feed-forward layer after a round.
"""

import torch
from torch import Tensor, nn

from gradschool.nn.sequence.recurrent import GRU
from gradschool.ops.attention.slots import slot_attend
from gradschool.ops.sequence.recurrent import gru_step

SIDE = 8
SHAPES = ("xxxx", "xx/xx", "xxx/.x.", "xxx/x..", "xxx/..x", ".xx/xx.", "xx./.xx")
COLOURS = torch.tensor(
    [[1.0, 0.2, 0.2], [0.2, 1.0, 0.2], [0.3, 0.4, 1.0], [1.0, 1.0, 0.2], [0.2, 1.0, 1.0], [1.0, 0.3, 1.0]]
)


def shapes() -> list[Tensor]:
    """All tetrominoes in all rotations, as small tables of True and False."""
    drawn = [torch.tensor([[sign == "x" for sign in row] for row in shape.split("/")]) for shape in SHAPES]
    return [shape.rot90(turns) for shape in drawn for turns in range(4)]


def pictures(n: int, objects: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures with so many tetrominoes of different colours, which may hide parts of each other.

    Args:
        n: number of pictures.
        objects: tetrominoes in each, 6 or fewer.
        generator: what is drawn from.

    Returns:
        Colours (n, 64, 3) from 0 to 1, pixel after pixel, and which object each pixel shows (n, 64), 0 for
        the background.
    """
    known, colours = shapes(), torch.zeros(n, SIDE, SIDE, 3)
    labels = torch.zeros(n, SIDE, SIDE, dtype=torch.int64)
    for i in range(n):
        order = torch.randperm(len(COLOURS), generator=generator)
        for number in range(objects):
            shape = known[int(torch.randint(len(known), (), generator=generator))]
            top, left = (int(torch.randint(SIDE - size + 1, (), generator=generator)) for size in shape.shape)
            window = slice(top, top + shape.shape[0]), slice(left, left + shape.shape[1])
            colours[i][window][shape] = COLOURS[order[number]]
            labels[i][window][shape] = number + 1
    return colours.flatten(1, 2), labels.flatten(1)


def places() -> Tensor:
    """Row and column of every pixel, from both sides, 0 to 1: (64, 4)."""
    line = torch.linspace(0, 1, SIDE)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([y, x, 1 - y, 1 - x], -1).flatten(0, 1)


class Slots(nn.Module):
    """Pixels to slots, and each slot back to a picture and a mask.

    `forward(x, start)` takes colours (b, 64, 3) and the first slots (b, s, width). It returns the picture
    that all slots paint together (b, 64, 3), their masks (b, s, 64), and the shares of the last round
    (b, s, 64).

    Args:
        width: numbers of a slot.
        rounds: of the competition.
    """

    def __init__(self, width: int = 32, rounds: int = 3) -> None:
        super().__init__()
        self.width, self.rounds = width, rounds
        self.reads = nn.Sequential(nn.Linear(7, 48), nn.ReLU(), nn.Linear(48, width), nn.LayerNorm(width))
        self.key, self.value, self.query = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.norm = nn.LayerNorm(width)
        self.step = GRU(width, width)
        self.paints = nn.Sequential(
            nn.Linear(width + 4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4)
        )
        self.mean, self.spread = nn.Parameter(torch.zeros(width)), nn.Parameter(torch.zeros(width))

    def first(self, b: int, slots: int, generator: torch.Generator) -> Tensor:
        """Slots begin as draws from one learned Gaussian, so that they are exchangeable."""
        return self.mean + self.spread.exp() * torch.randn(b, slots, self.width, generator=generator)

    def forward(self, x: Tensor, start: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See above."""
        # 1. Every pixel with its place.
        at = places()
        h = self.reads(torch.cat([x, at.expand(len(x), -1, -1)], 2))
        k, v, slots, weights = self.key(h), self.value(h), start, self.step.weights("_l0")
        # 2. Slots compete for pixels, and move.
        for _ in range(self.rounds):
            taken, shares = slot_attend(self.query(self.norm(slots)), k, v)
            slots = gru_step(taken.flatten(0, 1), slots.flatten(0, 1), weights).view_as(slots)
        # 3. Each slot paints everywhere; masks decide whose paint is seen.
        spread = slots.unsqueeze(2).expand(-1, -1, len(at), -1)
        painted = self.paints(torch.cat([spread, at.expand(*spread.shape[:2], -1, -1)], 3))
        masks = painted[..., 3].softmax(1)
        return (masks.unsqueeze(3) * painted[..., :3]).sum(1), masks, shares
