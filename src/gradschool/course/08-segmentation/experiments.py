"""Experiments of chapter 8, on shapes in noise and on digits of 8x8 pixels; all networks are small U-Nets."""

import statistics
from collections.abc import Callable

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from gradschool.data.augment.hide import Damage
from gradschool.data.vision.shapes import shapes
from gradschool.evals.dense.fillings import mean_filling, nearest_filling
from gradschool.evals.dense.tiles import starts, tiled
from gradschool.models.dense.unet import UNet, unet_restorer
from gradschool.nn.unet import Up
from gradschool.ops.segment import confusion, intersection_over_union
from gradschool.ops.similarity import structural_similarity
from gradschool.tasks.restore import masked_mse
from gradschool.tasks.segment import Segment

SEEDS, BATCH, SIDE = 3, 16, 32


class Blind(Up):
    """A step up whose shortcut carries zeros: as many parameters, and nothing of the fine map."""

    def skipped(self, fine: Tensor, up: Tensor) -> Tensor:
        """Nothing."""
        return torch.zeros_like(fine)


def train(model: torch.nn.Module, steps: int, loss_of: Callable[[int], Tensor], rate: float = 1e-2) -> None:
    """AdamW for a few steps; the rate rises to its highest and falls to 0."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    model.train()
    for step in range(steps):
        optimiser.zero_grad()
        loss_of(step).backward()
        optimiser.step()
        schedule.step()
    model.eval()


def segmenter(seed: int, steps: int, task: Callable[[UNet], Segment], net: UNet, **scene) -> UNet:
    """A U-Net trained on shapes that are drawn anew for every step."""
    generator, judge = torch.Generator().manual_seed(seed), task(net)

    def loss_of(step: int) -> Tensor:
        x, y = shapes(BATCH, SIDE, generator, **scene)
        return judge.loss((x, y.unsqueeze(1)))["loss"]

    train(net, steps, loss_of)
    return net


def both(net: UNet) -> Segment:
    """Cross-entropy and Dice."""
    return Segment(net, "both")


def spread(values: list[float]) -> dict:
    """Median, mean, deviation and range."""
    return {
        "n": len(values), "median": statistics.median(values), "mean": statistics.fmean(values),
        "deviation": statistics.stdev(values), "lowest": min(values), "highest": max(values),
    }  # fmt: skip


def by_name(rows: list[dict[str, float]]) -> dict:
    """Spreads over the seeds of every number."""
    return {name: spread([row[name] for row in rows]) for name in rows[0]}


def skips() -> dict:
    """Pixels wrong at borders and elsewhere, and IoU of every class, with and without shortcuts."""
    found: dict = {}
    x, y = shapes(200, SIDE, torch.Generator().manual_seed(1000))
    # A pixel is at a border where one of its four neighbours is of another class.
    down, right = y[:, 1:] != y[:, :-1], y[:, :, 1:] != y[:, :, :-1]
    border = torch.zeros_like(y, dtype=torch.bool)
    border[:, 1:] |= down
    border[:, :-1] |= down
    border[:, :, 1:] |= right
    border[:, :, :-1] |= right
    for name, step in (("with", Up), ("without", Blind)):
        rows = []
        for seed in range(SEEDS):
            torch.manual_seed(seed)
            net = segmenter(seed, 300, both, UNet(4, 1, 8, 3, step))
            with torch.no_grad():
                said = net(x).argmax(1)
            iou = intersection_over_union(confusion(said, y, 4)).tolist()
            wrong = (said != y).float()
            named = dict(zip(("background", "disc", "square", "ring"), iou, strict=True))
            rows.append(named | {
                "mean_iou": statistics.fmean(iou), "at_borders": wrong[border].mean().item(),
                "elsewhere": wrong[~border].mean().item(),
            })  # fmt: skip
        found[name] = by_name(rows)
    return found | {"n": SEEDS, "seeds": list(range(SEEDS)), "border_share": border.float().mean().item()}


def losses() -> dict:
    """Accuracy and IoU of small discs, few of the pixels, by what was lowered in training."""
    scene = {"each": 1, "radius": (1.0, 2.0), "kinds": 1}
    x, y = shapes(400, SIDE, torch.Generator().manual_seed(1000), **scene)  # type: ignore[arg-type]
    share = (y > 0).float().mean().item()
    balance = torch.tensor([0.5 / (1 - share), 0.5 / share])
    ways = {
        "cross_entropy": Segment,  # type: ignore[dict-item]
        "weighted": lambda net: Segment(net, "cross_entropy", balance),
        "focal": lambda net: Segment(net, "focal"),
        "dice": lambda net: Segment(net, "dice"),
        "both": both,
    }
    found: dict = {"nothing": {"accuracy": 1 - share, "iou": 0.0}}
    for name, task in ways.items():
        rows = []
        for seed in range(SEEDS):
            torch.manual_seed(seed)
            net = segmenter(seed, 60, task, UNet(2, 1, 8, 2), **scene)
            with torch.no_grad():
                counts = confusion(net(x).argmax(1), y, 2)
            of_true, of_said = counts[1].sum().clamp_min(1), counts[:, 1].sum().clamp_min(1)
            rows.append({
                "accuracy": (counts.diagonal().sum() / counts.sum()).item(),
                "iou": intersection_over_union(counts)[1].item(),
                "recall": (counts[1, 1] / of_true).item(), "precision": (counts[1, 1] / of_said).item(),
            })  # fmt: skip
        found[name] = by_name(rows)
    return found | {"n": SEEDS, "seeds": list(range(SEEDS)), "share": share}


def seams() -> dict:
    """How far answers in tiles are from those for the whole picture, near seams and elsewhere, by overlap."""
    size, tile, near = 144, 48, 4
    x, y = shapes(4, size, torch.Generator().manual_seed(1000), each=40)
    edges = torch.tensor(starts(size, tile, 0)[1:])
    close = ((torch.arange(size) + 0.5 - edges[:, None]).abs() < near).any(0)
    seam = close[:, None] | close
    rows: dict[int, list] = {overlap: [] for overlap in (0, 16, 24, 32)}
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        net = segmenter(seed, 120, both, UNet(4, 1, 8, 2))
        with torch.no_grad():
            whole = net(x).softmax(1)
            for overlap, row in rows.items():
                found = tiled(net, x, tile, overlap).softmax(1)
                far = (found - whole).abs().sum(1) / 2
                changed = (found.argmax(1) != whole.argmax(1)).float()
                row.append({
                    "near": far[:, seam].mean().item(), "elsewhere": far[:, ~seam].mean().item(),
                    "changed": changed[:, seam].mean().item(),
                    "wrong": (found.argmax(1) != y)[:, seam].float().mean().item(),
                    "work": len(starts(size, tile, overlap)) ** 2 * tile**2 / size**2,
                })  # fmt: skip
    found = {str(overlap): by_name(row) for overlap, row in rows.items()}  # type: ignore[assignment]
    return found | {"n": SEEDS, "seeds": list(range(SEEDS)), "size": size, "tile": tile, "near": near}  # type: ignore[operator]


def restorer(known: Tensor, damage: Damage, seed: int, hidden_only: bool) -> torch.nn.Module:
    """A small U-Net that fills holes, taught by the hidden pixels or by all."""
    torch.manual_seed(seed)
    net, generator = unet_restorer(1, 8, width=8), torch.Generator().manual_seed(seed)

    def loss_of(step: int) -> Tensor:
        batch = known[torch.randint(len(known), (64,), generator=generator)]
        damaged, mask = damage(batch, generator)
        counts = mask if hidden_only else torch.ones_like(mask)
        return masked_mse(net(damaged, mask), batch, counts)

    train(net, 400, loss_of, 2e-2)
    return net


def restore() -> dict:
    """Digits crossed by a line: error on the hidden pixels and SSIM, by where the loss counts."""
    images = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
    damage = Damage(lines=1, thickness=2.0)
    found: dict[str, list] = {name: [] for name in ("damaged", "mean", "nearest", "hidden", "all")}
    for seed in range(SEEDS):
        # 1. Some to learn from, some to be tested on.
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        known, truth = images[order[:1200]], images[order[1200:]]
        damaged, mask = damage(truth, torch.Generator().manual_seed(1000 + seed))
        # 2. Without a network, and the same network taught in two ways; known pixels are kept.
        answers = {
            "damaged": damaged,
            "mean": mean_filling(damaged, mask, known),
            "nearest": nearest_filling(damaged, mask, known),
        }
        for name in ("hidden", "all"):
            net = restorer(known, damage, seed, name == "hidden")
            with torch.no_grad():
                answers[name] = torch.where(mask, net(damaged, mask), damaged)
        # 3. What was hidden is judged.
        for name, answer in answers.items():
            alike = structural_similarity(answer, truth).mean().item()
            found[name].append({"mse": masked_mse(answer, truth, mask).item(), "ssim": alike})
    return {name: by_name(rows) for name, rows in found.items()} | {"n": SEEDS, "seeds": list(range(SEEDS))}


def examples() -> dict:
    """What one seed of the networks of `skips` says of two pictures: a digit a pixel, a text a row."""
    scene, found = 77, {}
    x, _ = shapes(2, SIDE, torch.Generator().manual_seed(scene), each=4)
    for name, step in (("with", Up), ("without", Blind)):
        torch.manual_seed(0)
        net = segmenter(0, 300, both, UNet(4, 1, 8, 3, step))
        with torch.no_grad():
            said = net(x).argmax(1)
        found[name] = [["".join(map(str, row)) for row in picture] for picture in said.tolist()]
    return found | {"scene": scene}
