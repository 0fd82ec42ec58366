"""What DDPM's loss hangs on: linear or cosine noise, batch or group normalisation.

Usage: python -m bench.denoising [--epochs 5] [--seeds 3] [--only NOISE-NORM ...]. Every row is `ddpm_mnist`
with one course of noise and one normalisation, from several seeds; the loss is that of test digits at 32
pixels, always in the same noise. Writes results/denoising-EPOCHS.json after each row; rows that are not asked
for stay as they were. Not a comparison: `gradschool bench` does not list it.
"""

import argparse
import json
from dataclasses import replace
from itertools import product

from bench import common
from bench.accuracy import measure
from gradschool.recipes import find

ROWS = tuple(product(("linear", "cosine"), ("group", "batch")))
WANTED = 0.020  # with linear noise after the course's five passes
KEPT = ("n", "test_loss", "seconds", "processor_seconds", "threads", "runs", "machine")
UNIT = "squared error of the noise, a mean over pixels, times and test digits; the times are drawn evenly"


def main() -> None:
    """Read the command line; train, write and print one row after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="+", help="rows, such as linear-group; all if none is named")
    asked = parser.parse_args()
    name = f"denoising-{asked.epochs}"
    path = common.RESULTS / f"{name}.json"
    rows: dict[str, object] = json.loads(path.read_text())["rows"] if path.exists() else {}
    result = {
        "name": name, "epochs": asked.epochs, "unit": UNIT, "wanted": WANTED, "rows": rows,
    }  # fmt: skip
    for noise, norm in ROWS:
        label, recipe = f"{noise}-{norm}", find("ddpm_mnist")()
        if asked.only and label not in asked.only:
            continue
        options = {**recipe.model_options, "norm": norm}
        run = replace(recipe, noise=noise, model_options=options, epochs=asked.epochs)
        found = measure(run, f"ddpm-{label}", asked.seeds, asked.processes, "test_loss")
        rows[label] = {key: found[key] for key in KEPT}
        print(f"{label}: {found['test_loss']}", flush=True)
        path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
