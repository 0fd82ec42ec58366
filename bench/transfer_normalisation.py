"""Wrong normalisation before any training: a network's own answers for 1,000 photographs of 20 animals.

Usage: python -m bench.transfer_normalisation. The network answers one of ImageNet's thousand classes; of its
outputs those of the 20 animals are compared. The same photographs, once with the mean and deviation that it
was trained with (0.5 and 0.5), once with those that most networks of ImageNet take. Writes
results/transfer_normalisation.json with the share that is right, its interval, and that of the difference.
"""

import json
from pathlib import Path

import timm
import torch
from timm.data.imagenet_info import ImageNetInfo

from bench import bodies
from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.cache import cache_folder
from gradschool.data.sets.vision import natural_animals
from gradschool.data.vision.open import open_set
from gradschool.engine.device import choose
from gradschool.evals.classification.difference import paired
from gradschool.evals.classification.metrics import wilson
from gradschool.runs.vision import backbone
from gradschool.runs.vision.features import FrozenBody

NAME = "tf_efficientnet_lite0"


def network(file: Path) -> torch.nn.Module:
    """The network with its thousand outputs."""
    model: torch.nn.Module = timm.create_model(NAME, pretrained=False)
    model.load_state_dict(backbone.checked_weights(file))
    return model.eval()


def main() -> None:
    """Ask twice and compare."""
    test = open_set("natural_animals", val=0.0).test
    wnids = {name: wnid for name, wnid, _, _ in natural_animals.chosen()}
    outputs = [ImageNetInfo().label_names().index(wnids[name]) for name in test.classes]
    machine = choose("auto", "auto", cache_folder())
    model = machine.place_module(network(backbone.learnt(NAME, fetch=False)))
    own = backbone.expects(NAME)
    looks = {"own": (own.mean, own.std), "usual": tuple(tuple(bodies.USUAL[key]) for key in ("mean", "std"))}
    right = {}
    for name, (mean, std) in looks.items():
        body = FrozenBody(model, Pipeline(mean, std, sizes=((0.0, own.side),)), machine)
        right[name] = body.features(test)[:, outputs].argmax(1) == test.labels
    rows = [
        {"normalisation": name, "mean": looks[name][0], "std": looks[name][1], "tested": len(test),
         "accuracy": float(each.float().mean()), "interval": wilson(int(each.sum()), len(test))}
        for name, each in right.items()
    ]  # fmt: skip
    lost = paired((~right["usual"]).double(), (~right["own"]).double()).facts()
    bodies.write("transfer_normalisation", rows, "normalisation", backbone=NAME, lost=lost)
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
