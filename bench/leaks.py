"""How many twins the leak detector finds among altered copies, how many between published parts, how fast.

Needs GRADSCHOOL_DATA at a pack with natural-animals. The peer is the difference hash (Krawetz 2013) of 64
bits, at the threshold that finds no more twins between the published parts than ours (one; looked at, it is
real: a goldfish, cropped twice).
"""

import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from bench import common
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.leaks import find_leaks, unit_thumbnails, warning
from gradschool.data.vision.open import open_set
from gradschool.errors import UserError

COPIES = 300


def mirrored(image: Tensor, draw: torch.Generator) -> Tensor:
    """Left for right."""
    return image.flip(-1)


def cropped(image: Tensor, draw: torch.Generator) -> Tensor:
    """A square of nine tenths of the side or more, anywhere, enlarged to the old size."""
    full = image.shape[-1]
    side = int(torch.randint(round(0.9 * full), full, (1,), generator=draw))
    top, left = torch.randint(0, full - side + 1, (2,), generator=draw).tolist()
    part = image[None, :, top : top + side, left : left + side].float()
    return interpolate(part, size=full, mode="bilinear", antialias=True)[0].round().to(torch.uint8)


def brightened(image: Tensor, draw: torch.Generator) -> Tensor:
    """Times 0.7 to 1.3."""
    factor = 0.7 + 0.6 * float(torch.rand(1, generator=draw))
    return (image.float() * factor).clamp(0, 255).to(torch.uint8)


def compressed(image: Tensor, draw: torch.Generator) -> Tensor:
    """Through a JPEG of quality 50."""
    with io.BytesIO() as file:
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=50)
        return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)


def everything(image: Tensor, draw: torch.Generator) -> Tensor:
    """All four, one after the other."""
    for change in (mirrored, cropped, brightened, compressed):
        image = change(image, draw)
    return image


def with_copies(train: Images, change: Callable[..., Tensor], seed: int) -> tuple[Splits[Images], Tensor]:
    """Some images and their altered copies on two sides of a split: half of the copies are to be trained on.

    Returns:
        The parts, and for each held-out image the place of its twin in the training part.
    """
    draw = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(train), generator=draw)[:COPIES]
    half = COPIES // 2
    altered = torch.stack([change(train.pixels[i], draw) for i in chosen])
    pixels = train.pixels.clone()
    pixels[chosen[:half]] = altered[:half]
    held_out = torch.cat([train.pixels[chosen[:half]], altered[half:]])
    test = Images(held_out, train.labels[chosen], train.classes)
    return Splits("copies", Images(pixels, train.labels, train.classes), None, test), chosen


def found_by_ours(splits: Splits[Images], origin: Tensor) -> float:
    """Share of the held-out images whose very twin is named."""
    twins = {twin.second[1]: twin.first[1] for twin in find_leaks(splits).twins}
    return sum(twins.get(j) == int(i) for j, i in enumerate(origin)) / len(origin)


def difference_hash(pixels: Tensor) -> Tensor:
    """64 signs: whether a cell of the picture as 8 rows of 9 is brighter than its right neighbour."""
    grey = pixels.float().mean(1, keepdim=True)
    small = interpolate(grey, size=(8, 9), mode="bilinear", antialias=True)[:, 0]
    return torch.where(small[..., :-1] > small[..., 1:], 1.0, -1.0).flatten(1)


def nearest_by_hash(known: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """For each picture, as it is or mirrored, the bits in which the nearest known one differs, and which."""
    views = torch.stack([difference_hash(pixels) @ known.T, difference_hash(pixels.flip(-1)) @ known.T])
    agree, index = views.amax(0).max(1)
    return (64 - agree) / 2, index


def run(seeds: int = 5) -> dict[str, Any]:
    """Recall of every kind of copy over the seeds, twins between the published parts, seconds."""
    splits = open_set("natural_animals", val=0.0)
    train, test = splits.train, splits.test
    # 1. Twins between the parts as they are published, which share hardly a picture.
    published = find_leaks(splits).leaked
    distance = nearest_by_hash(difference_hash(train.pixels), test.pixels)[0]
    allowed = int(distance.sort().values[published]) - 1  # bits; so that no more than `published` are within
    # 2. What is found of each kind of copy.
    recall: dict[str, dict[str, list[float]]] = {}
    for change in (mirrored, cropped, brightened, compressed, everything):
        rows = [with_copies(train, change, seed) for seed in range(seeds)]
        nearest = [
            nearest_by_hash(difference_hash(copies.train.pixels), copies.test.pixels) for copies, _ in rows
        ]
        hashed = [
            float(((bits <= allowed) & (which == origin)).float().mean())
            for (bits, which), (_, origin) in zip(nearest, rows, strict=True)
        ]
        recall[change.__name__] = {"ours": [found_by_ours(*row) for row in rows], "peer": hashed}
    # 3. How long it takes.
    took = {"find_leaks": timed(lambda: find_leaks(splits)), "warning": timed(lambda: warning(splits)),
            "thumbnails": timed(lambda: unit_thumbnails(train.pixels))}  # fmt: skip
    hardest = {side: statistics.median(recall["everything"][side]) for side in ("ours", "peer")}
    return {
        "name": "leaks", "unit": "share of copies found", **hardest, "n": seeds,
        "ratio": hardest["ours"] / hardest["peer"], "recall": recall,
        "peer_name": f"difference hash, at most {allowed} bits differ",
        "twins_of_published_parts": published, "held_out": len(test), "train": len(train), "seconds": took,
        "machine": common.machine(),
    }  # fmt: skip


def timed(work: Callable[[], object], repeats: int = 5) -> dict[str, float]:
    """Median seconds by the clock and on the processor."""
    wall, used = [], []
    for _ in range(repeats):
        start, started = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        used.append(time.process_time() - started)
    return {"wall_s": statistics.median(wall), "cpu_s": statistics.median(used)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        result = run(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    except UserError as error:
        sys.exit(str(error))
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    (common.RESULTS / "leaks.json").write_text(json.dumps(result, indent=1) + "\n")
    for kind, sides in result["recall"].items():
        ours, peer = (100 * statistics.median(sides[side]) for side in ("ours", "peer"))
        print(f"{kind:>12}: {ours:5.1f} % found, {peer:5.1f} % by {result['peer_name']}")
    print(
        json.dumps(
            {key: result[key] for key in (*common.KEYS, "twins_of_published_parts", "held_out", "seconds")}
        )
    )
