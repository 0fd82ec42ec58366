"""The scale on which the second coursework judges photographs, seen on real ones that were spoilt.

Usage: python -m bench.levels [DRAWS]. Each draw takes other training pictures of CIFAR-10, spoils them, and
sets 2,000 against 2,000 test pictures as `gradschool coursework vae-dcgan` does; writes results/levels.json.
`way` is where the Frechet distance lies between whole training pictures (0) and an untrained generator (1).
"""

import json
import statistics
import sys
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from bench import common
from gradschool.classroom.coursework.vae_dcgan.eye import Eye
from gradschool.classroom.coursework.vae_dcgan.gan import untrained
from gradschool.classroom.coursework.vae_dcgan.record import MADE
from gradschool.data.vision.images import Images
from gradschool.evals.generation.frechet import fitted, frechet_distance
from gradschool.recipes.adversarial.dcgan_cifar10 import dcgan_cifar10
from gradschool.runs.generation.score import spread


def spoilt(train: Images, draw: int) -> dict[str, Tensor]:
    """MADE pictures of each kind, uint8: whole, of few classes, of few pixels, noise, made by no training."""
    generator = torch.Generator().manual_seed(draw)

    def some(classes: int) -> Tensor:
        chosen = (torch.arange(classes) + draw) % len(train.classes)
        known = torch.isin(train.labels, chosen).nonzero().flatten()
        return train.pixels[known[torch.randperm(len(known), generator=generator)[:MADE]]]

    whole = some(len(train.classes))
    coarse = interpolate(whole.float(), size=8, mode="area")
    return {
        "training pictures": whole,
        "five classes": some(5),
        "one class": some(1),
        "8x8 pixels": interpolate(coarse, size=whole.shape[-1], mode="bilinear").round().to(torch.uint8),
        "noise": torch.randint(0, 256, whole.shape, dtype=torch.uint8, generator=generator),
        "untrained generator": untrained(whole),
    }


def measure(draws: int = 3) -> dict[str, Any]:
    """Look at every kind and write the file."""
    run = dcgan_cifar10()
    splits = run.open(0)
    eye, test = Eye(run, splits), spread(splits.test, MADE)
    seen = eye.sees(test.pixels)
    truth, usual = fitted(seen.features), seen.probabilities.argmax(1).bincount(minlength=10) / MADE
    rows: list[dict[str, Any]] = []
    for draw in range(draws):
        found = {name: eye.sees(pixels) for name, pixels in spoilt(splits.train, draw).items()}
        distances = {name: frechet_distance(fitted(each.features), truth) for name, each in found.items()}
        floor, ceiling = distances["training pictures"], distances["untrained generator"]
        for name, each in found.items():
            often = each.probabilities.argmax(1).bincount(minlength=10) / MADE / usual
            way = (distances[name] - floor) / (ceiling - floor)
            row = {
                "kind": name,
                "draw": draw,
                "frechet": distances[name],
                "way": way,
                "named": often.tolist(),
            }
            rows.append(row)
    means = {
        kind: {key: statistics.mean(row[key] for row in rows if row["kind"] == kind)
               for key in ("frechet", "way")}
        for kind in dict.fromkeys(row["kind"] for row in rows)
    }  # fmt: skip
    result = {
        "name": "levels", "n": draws, "pictures": MADE, "features": f"{eye.name}; not Inception",
        "mean": means, "rows": rows, "machine": common.machine(),
    }  # fmt: skip
    (common.RESULTS / "levels.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    for kind, mean in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3)["mean"].items():
        print(f"{kind:>20}: Frechet distance {mean['frechet']:6.2f}, {100 * mean['way']:4.0f} % of the way")
