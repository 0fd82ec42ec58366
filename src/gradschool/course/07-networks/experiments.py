"""Experiments of chapter 7, on digits of 8x8 pixels (300 to learn from, the rest for the test) and on three
photographs.
"""

import os
import statistics
from pathlib import Path

import numpy as np
import torch
from matplotlib import cbook
from PIL import Image
from sklearn import datasets
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from gradschool.data.augment.geometry import crop_and_flip
from gradschool.data.augment.mix import mixup
from gradschool.evals.classification import interpret
from gradschool.evals.classification.calibration import confidences, equal_width, fit_temperature
from gradschool.evals.classification.interpret import grad_cam, saliency, sanity
from gradschool.evals.inference import evaluating
from gradschool.models.vision.lenet import lenet_digits
from gradschool.nn.conv import Conv2d
from gradschool.nn.residual import BasicBlock
from gradschool.ops.loss import cross_entropy

SEEDS, KNOWN, STEPS, BATCH = 20, 300, 100, 64


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, 1, 8, 8) from 0 to 1, and labels."""
    bunch = load_digits()
    return torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16, torch.tensor(bunch.target)


def trained(seed: int, shift: int = 0, mirror: bool = False) -> tuple[torch.nn.Module, float, float]:
    """A small network trained on moved or mirrored images; its accuracy on test images, and on moved ones."""
    torch.manual_seed(seed)
    (x, y), order = digits(), torch.randperm(1797)
    known, held = order[:KNOWN], order[KNOWN:]
    model = lenet_digits(10, width=8)
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    for _ in range(STEPS):
        chosen = known[torch.randint(KNOWN, (BATCH,))]
        offsets = torch.randint(2 * shift + 1, (BATCH, 2))
        flipped = (torch.rand(BATCH) < 0.5) & mirror
        batch = crop_and_flip(x[chosen], offsets, flipped, shift)
        optimiser.zero_grad()
        cross_entropy(model(batch), y[chosen]).backward()
        optimiser.step()
    model.eval()
    nowhere = torch.zeros(len(held), dtype=torch.bool)
    moved = crop_and_flip(x[held], torch.randint(3, (len(held), 2)), nowhere, 1)
    with torch.no_grad():
        scores = [(model(images).argmax(1) == y[held]).float().mean() for images in (x[held], moved)]
    return model, scores[0].item(), scores[1].item()


def spread(values: list[float]) -> dict:
    """Median, mean, deviation and range."""
    return {
        "n": len(values), "median": statistics.median(values), "mean": statistics.fmean(values),
        "deviation": statistics.stdev(values), "lowest": min(values), "highest": max(values),
    }  # fmt: skip


def augment() -> dict:
    """Accuracy on test images as they are and moved by a pixel, trained on three kinds of images."""
    ways = {"none": (0, False), "moved": (1, False), "mirrored": (0, True)}
    values: dict = {}
    for name, way in ways.items():
        scores = [trained(seed, *way)[1:] for seed in range(SEEDS)]
        still, moved = (list(column) for column in zip(*scores, strict=True))
        values[name] = {"still": spread(still), "moved": spread(moved)}
    return values | {"n": SEEDS, "seeds": list(range(SEEDS))}


def explain() -> dict:
    """Rank correlation of maps, and of an edge detector's, with those of the network, weights shuffled."""

    def edges(model: torch.nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (x[:, 0, 1:, 1:] - x[:, 0, :-1, :-1]).abs()

    ways = {
        "saliency": saliency,
        "grad_cam": lambda model, x, target: grad_cam(model, "body.0", x, target),
        "edges": edges,
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    x, y = digits()
    for seed in range(SEEDS):
        model, *_ = trained(seed)
        for name, way in ways.items():
            found[name].append(sanity(way, model, x[:200], y[:200], torch.Generator().manual_seed(seed)))
    return {name: spread(values) for name, values in found.items()}


class Plain(BasicBlock):
    """The same two convolutions without a shortcut."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Nothing is added."""
        return self.relu(self.residual(x))


def depth() -> dict:
    """Digits with 2, 8 and 20 blocks, with and without shortcuts: loss on the training digits, test accuracy,
    and the gradient's norm in the first block over that in the last, before training.
    """
    (x, y), found = digits(), {}
    for name, block in (("residual", BasicBlock), ("plain", Plain)):
        for blocks in (2, 8, 20):
            rows = []
            for seed in range(3):
                torch.manual_seed(seed)
                order = torch.randperm(1797)
                known, held = order[:KNOWN], order[KNOWN:]
                body = [block(8, 8) for _ in range(blocks)]
                head = [torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(32, 10)]
                model = torch.nn.Sequential(Conv2d(1, 8, 3, padding=1), *body, *head)
                optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
                for step in range(STEPS):
                    chosen = known[torch.randint(KNOWN, (BATCH,))]
                    optimiser.zero_grad()
                    cross_entropy(model(x[chosen]), y[chosen]).backward()
                    if not step:
                        first, last = (b.conv1.weight.grad.norm().item() for b in (body[0], body[-1]))  # type: ignore[union-attr]
                    optimiser.step()
                with evaluating(model), torch.no_grad():
                    loss = cross_entropy(model(x[known]), y[known]).item()
                    right = (model(x[held]).argmax(1) == y[held]).float().mean().item()
                rows.append({"loss": loss, "accuracy": right, "ratio": first / last})
            found[f"{name}_{blocks}"] = {key: spread([row[key] for row in rows]) for key in rows[0]}
    return found | {"n": 3, "seeds": [0, 1, 2], "steps": STEPS}


def learned(seed: int, smoothing: float, alpha: float) -> tuple[torch.nn.Module, torch.Tensor]:
    """A network that has seen 300 digits often, and the order of all digits: first those that it has seen."""
    torch.manual_seed(seed)
    (x, y), order = digits(), torch.randperm(1797, generator=torch.Generator().manual_seed(99))
    model = lenet_digits(10, width=8)
    model.head[0].p = 0.0  # type: ignore[assignment]
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(4 * STEPS):
        chosen = order[torch.randint(KNOWN, (BATCH,), generator=generator)]
        images, truth = x[chosen], y[chosen]
        if alpha:
            images, truth = mixup(images, truth, 10, alpha, generator)
        optimiser.zero_grad()
        cross_entropy(model(images), truth, label_smoothing=smoothing).backward()
        optimiser.step()
    model.eval()
    return model, order


def judged(logits: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Accuracy and expected calibration error."""
    confidence, right = confidences(logits, labels)
    return right.mean().item(), equal_width(confidence, right).error


def trust() -> dict:
    """Accuracy, calibration error before and after a temperature, and how well the largest probability tells
    digits from patches of a photograph; single networks, and ensembles of five.
    """
    (x, y), ways = digits(), {"plain": (0.0, 0.0), "smoothed": (0.1, 0.0), "mixup": (0.0, 0.2)}
    patches = torch.tensor(datasets.load_sample_image("china.jpg").mean(2)).float() / 255
    odd = patches[:400, :640].unfold(0, 8, 16).unfold(1, 8, 16).reshape(-1, 1, 8, 8)
    odd = (odd - odd.amin((2, 3), keepdim=True)) / (
        odd.amax((2, 3), keepdim=True) - odd.amin((2, 3), keepdim=True) + 1e-3
    )
    found: dict = {"n": 5, "seeds": list(range(5)), "patches": len(odd)}
    for name, way in ways.items():
        rows, scores = [], []
        for seed in range(5):
            model, order = learned(seed, *way)
            chosen, held = order[KNOWN : 2 * KNOWN], order[2 * KNOWN :]
            with torch.no_grad():
                val, test, strange = model(x[chosen]), model(x[held]), model(odd)
            t = fit_temperature(val, y[chosen])
            accuracy, error = judged(test, y[held])
            sure = torch.cat([test, strange]).softmax(1).amax(1)
            known = torch.arange(len(sure)) < len(test)
            rows.append({
                "accuracy": accuracy, "ece": error, "cooled": judged(test / t, y[held])[1], "temperature": t,
                "auroc": float(roc_auc_score(known, sure)),
            })  # fmt: skip
            scores.append((test.log_softmax(1), strange.log_softmax(1)))
        together, stranger = (torch.stack(parts).exp().mean(0).log() for parts in zip(*scores, strict=True))
        accuracy, error = judged(together, y[held])
        sure = torch.cat([together, stranger]).exp().amax(1)
        found[name] = {key: spread([row[key] for row in rows]) for key in rows[0]}
        found[name]["ensemble"] = {
            "accuracy": accuracy, "ece": error, "auroc": float(roc_auc_score(known, sure)),
        }  # fmt: skip
    return found


def photographs() -> dict[str, np.ndarray]:
    """Three photographs that come with packages, cut to squares of 224 pixels: (224, 224, 3) bytes."""
    flower, china = (
        Image.fromarray(datasets.load_sample_image(f"{name}.jpg")) for name in ("flower", "china")
    )
    hopper = Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)).convert("RGB")
    made = {}
    for name, photo, left in (("flower", flower, 110), ("china", china, 110), ("hopper", hopper, 0)):
        side = min(photo.size)
        made[name] = np.asarray(photo.crop((left, 0, left + side, side)).resize((224, 224)))
    return made


def look() -> dict:
    """Saliency (56x56) and Grad-CAM (7x7) of three photographs by an EfficientNet-Lite0 trained on ImageNet,
    each row of a map as hexadecimal bytes; the two likeliest classes; rank correlation with shuffled weights.
    """
    import timm
    from timm.data import ImageNetInfo, create_transform, resolve_data_config

    # 1. The network: from a file in the data folder, or fetched by timm.
    name = "tf_efficientnet_lite0"
    file = Path(os.environ.get("GRADSCHOOL_DATA", ".")) / "weights" / f"{name}.safetensors"
    overlay = {"file": str(file)} if file.is_file() else None
    model = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay).float().eval()
    config = resolve_data_config({}, model=model) | {"crop_pct": 1.0}
    ready, names, found = create_transform(**config), ImageNetInfo(), {}
    # 2. What it says, and its maps for that.
    for photo, pixels in photographs().items():
        x = ready(Image.fromarray(pixels))[None]
        with torch.no_grad():
            share, best = model(x).softmax(1)[0].topk(2)
        target = best[:1]
        generator = torch.Generator().manual_seed(0)

        def cam(net: torch.nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return grad_cam(net, "bn2", x, target)

        fine = torch.nn.functional.avg_pool2d(saliency(model, x, target)[None], 4)[0, 0]
        maps = {"saliency": fine, "grad_cam": cam(model, x, target)[0]}
        found[photo] = {
            "class": [names.index_to_description(int(i)).split(",")[0] for i in best],
            "share": share.tolist(),
            "sanity": {
                "saliency": sanity(saliency, model, x, target, generator),
                "grad_cam": sanity(cam, model, x, target, generator),
            },
        } | {
            key: [bytes(row).hex() for row in (255 * each / each.max()).round().int().tolist()]
            for key, each in maps.items()
        }
    return found


def dream() -> dict:
    """What five classes of a network that was trained on digits like best, with and without the penalty on
    total variation: each row of a picture as hexadecimal bytes.
    """
    classes, found = [0, 2, 3, 4, 7], {}
    model, *_ = trained(0)
    for name, smooth in (("free", 0.0), ("smooth", 4.0)):
        generator = torch.Generator().manual_seed(0)
        made = interpret.activation_maximisation(
            model, torch.tensor(classes), (1, 8, 8), generator, 200, smooth
        )[:, 0]
        low, high = made.amin((1, 2), keepdim=True), made.amax((1, 2), keepdim=True)
        levels = (255 * (made - low) / (high - low)).round().int()
        found[name] = [[bytes(row).hex() for row in picture] for picture in levels.tolist()]
    return found | {"classes": classes}
