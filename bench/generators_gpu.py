"""Training speed of generators and a U-Net on a CUDA GPU: bf16 and compiled, beside float32 as it stands.

Each configuration is a recipe with a larger network. Images/s count the loop's own seconds, looks included;
the first round of a side compiles and is not counted.

The protocol for the Frechet distance of the runs at full length, so that it can be set beside published ones:
50,000 pictures of the averaged weights, seed 0 (`edm_cifar10` by heun with 18 steps), against the 50,000
training pictures, features by Inception v3 of 2015:
`gradschool score RUN --network inception --part train -n 50000`. Scores of another n or of another
network's features are never put beside these.
"""

import itertools
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench import common
from gradschool.models.generative.vae import conv_vae
from gradschool.recipes.adversarial.dcgan_cifar10_gpu import dcgan_cifar10_gpu
from gradschool.recipes.dense.unet_membrane import unet_membrane
from gradschool.recipes.generative.edm_cifar10 import edm_cifar10
from gradschool.recipes.generative.flow_mnist import flow_mnist
from gradschool.recipes.generative.vae_mnist import vae_mnist
from gradschool.runs.request import Request
from gradschool.runs.run import Run
from gradschool.runs.train import train

SIDES: dict[str, dict[str, Any]] = {
    "ours": {"precision": "auto", "compile": True},
    "ours, float32, not compiled": {"precision": "fp32", "compile": False},
}


def configurations() -> dict[str, Run]:
    """What is timed, by name: each takes seconds to a minute."""
    short: dict[str, Any] = {"evaluations": 1, "save_every": 600.0}
    flow = flow_mnist()
    return {
        "vae": replace(vae_mnist(), data="cifar10", model=conv_vae, epochs=10, batch_size=1024, **short),
        "dcgan": replace(dcgan_cifar10_gpu(), epochs=4, batch_size=512, **short),
        "edm": replace(edm_cifar10(), epochs=1, **short),
        "flow": replace(flow, model_options={"width": 64}, epochs=2, batch_size=512, **short),
        "unet": replace(unet_membrane(), model_options={"width": 64}, epochs=40, batch_size=16, **short),
    }


def speed(run: Run, seed: int, device: str) -> float:
    """Images/s of one training."""
    with tempfile.TemporaryDirectory() as place:
        request = Request("generators_gpu", seed=seed, device=device, out=Path(place) / "run")
        result = train(run, request, say=lambda text: None).read("result.json")
    return result["steps"] * run.batch_size / result["seconds"]


def measured(run: Run, repeats: int, device: str) -> dict[str, Any]:
    """Both sides in turn; medians and the rounds."""
    rounds: dict[str, list[float]] = {side: [] for side in SIDES}
    for seed, (side, changes) in itertools.product(range(repeats + 1), SIDES.items()):
        rounds[side].append(speed(replace(run, **changes), seed, device))
    counted = {side: values[1:] for side, values in rounds.items()}
    ours, plain = (statistics.median(values) for values in counted.values())
    return {"ours": ours, "peer": plain, "ratio": ours / plain, "rounds": counted}


def run(
    repeats: int = 3,
    runs: Mapping[str, Run] | None = None,
    device: str = "cuda",
    say: Callable[[str], object] = lambda text: print(text, file=sys.stderr, flush=True),
) -> dict[str, Any]:
    """Measure every configuration and write generators_gpu.json after each.

    Raises:
        BusyError: there is no CUDA GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise common.BusyError("generators_gpu needs a CUDA GPU, and none is here. Try bench diffusion.")
    found: dict[str, Any] = {
        "name": "generators_gpu", "unit": "images/s", "n": repeats, "peer_name": list(SIDES)[1],
        "configurations": {}, "machine": common.machine(),
    }  # fmt: skip
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    for name, each in (runs or configurations()).items():
        here = found["configurations"][name] = measured(each, repeats, device)
        say(f"{name:>8}: {here['ours']:,.0f} images/s, {here['ratio']:.1f}x of float32 not compiled")
        (common.RESULTS / "generators_gpu.json").write_text(json.dumps(found, indent=1) + "\n")
    return found


def main() -> None:
    """`python -m bench.generators_gpu [REPEATS]`."""
    try:
        run(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
    except common.BusyError as busy:
        sys.exit(str(busy))


if __name__ == "__main__":
    main()
