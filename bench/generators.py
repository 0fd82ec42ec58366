"""How good are generators of digits after equal seconds? GAN, WGAN-GP, DDPM and flow, from several seeds.

Each recipe trains for so many processor seconds of one thread; its course of the learning rate is fitted to
them. What it then generates is compared with test digits at 28 pixels by a frozen classifier of ours; real
training digits, and real ones brought to 32 pixels and back as diffusion's are, show how low a score can be.

Usage: python -m bench.generators [--seconds 60] [--seeds 3] [--n 2000] [--recipes ...] [--sheets FOLDER]
"""

import argparse
import json
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from bench import common
from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.open import open_set
from gradschool.engine.device import choose
from gradschool.engine.loop import fit
from gradschool.evals.inference import evaluating
from gradschool.evals.pictures import save_grid
from gradschool.recipes import find
from gradschool.runs.generation.ask import Ask, ask_for
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.generation.judge import described, judge_for
from gradschool.runs.generation.score import Looked, as_stored, fitting, look, scores, spread
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request, silent

RECIPES = ("dcgan_mnist", "wgan_gp_mnist", "ddpm_mnist", "flow_mnist")
SURE = 0.9  # probability from which an answer is sure; one blob, always of the same class, is sure too
Row = dict[str, Any]


class Eye:
    """A frozen classifier of MNIST, and what it sees in real digits.

    Args:
        n: real digits, and generated ones.
    """

    def __init__(self, n: int) -> None:
        run, self.n = find("dcgan_mnist")(), n
        assert isinstance(run, GenerativeRun)
        self.splits: Splits[Images] = open_set("mnist", val=0.0, seed=0)
        judge = judge_for(run, self.splits)
        self.classifier, self.name = reopen(judge)[0].classifier(judge), described(judge)
        self.real = look(self.classifier, spread(self.splits.test, n).pixels)
        self.floor = look(self.classifier, spread(self.splits.train, n).pixels)

    def score(self, pixels: Tensor, asked: Tensor | None = None) -> Row:
        """Scores of uint8 pictures of any size against the test digits."""
        seen = look(self.classifier, fitting(pixels, self.classifier))
        return self.row(seen, asked)

    def row(self, seen: Looked, asked: Tensor | None = None) -> Row:
        """Scores of pictures that were looked at, and the share that is surely some digit."""
        found = scores(seen, self.real, self.floor, seed=0)
        best, which = seen.probabilities.max(1)
        row = {
            "frechet": found["frechet"], "kid": found["kid"], "precision": found["precision"],
            "recall": found["recall"], "inception_score": found["inception_score"],
            "covered": found["classes_covered"][0], "sure": float((best >= SURE).float().mean()),
        }  # fmt: skip
        return row if asked is None else row | {"obeyed": float((which == asked).float().mean())}

    def floors(self) -> Row:
        """Scores of real training digits, as they are and after 32 pixels."""
        digits = spread(self.splits.train, self.n).pixels
        larger = interpolate(digits.float(), size=32, mode="bilinear", antialias=True)
        return {
            "training digits": self.row(self.floor),
            "training digits, to 32 pixels and back": self.score(larger.round().to(torch.uint8)),
        }


def trained(run: GenerativeRun, seed: int, seconds: float) -> tuple[nn.Module, Row]:
    """A model after about so many processor seconds of training, in eval mode, and what they were.

    The first steps are timed to know how many there will be; they are then forgotten.
    """
    machine = choose("cpu", run.precision, cache_folder())

    def played(steps: int) -> tuple[Any, float]:
        pieces = run.assemble(Request("", seed=seed, steps=steps), machine, silent)
        start = time.process_time()
        fit(pieces.task, pieces.batches, None, pieces.stepper, pieces.plan)
        return pieces, time.process_time() - start

    played(5)
    steps = max(1, round(seconds * 20 / played(20)[1]))
    pieces, used = played(steps)
    told = {"pictures": steps * run.batch_size, "precision": machine.precision}
    with pieces.stepper.averaged():
        weights = {name: value.clone() for name, value in pieces.model.state_dict().items()}
    pieces.model.load_state_dict(weights)
    return pieces.model.eval(), {"seconds": used, "steps": steps, **told}


def made(run: GenerativeRun, model: nn.Module, n: int, **how: Any) -> tuple[Tensor, float]:
    """So many pictures, uint8, and the processor seconds they took."""
    start = time.process_time()
    asked = ask_for(n, 0, 10 if run.conditional else 0)
    with torch.inference_mode(), evaluating(model):
        pictures = run.generate(model, Ask(n, asked.generator, asked.labels, **how))
    return as_stored(pictures), time.process_time() - start


def measured(name: str, run: GenerativeRun, eye: Eye, seconds: float, seed: int, sheets: Path | None) -> Row:
    """Train, generate, score; a sheet of the first hundred goes to the folder."""
    model, course = trained(run, seed, seconds)
    pixels, sampling = made(run, model, eye.n)
    if sheets:
        sheets.mkdir(parents=True, exist_ok=True)
        save_grid(sheets / f"{name}-{seconds:g}s-{seed}.png", pixels[:100].float() / 255, 10)
    labels = torch.arange(eye.n) % 10 if run.conditional else None
    row = {"seed": seed, **course, "sampling_seconds": sampling, **eye.score(pixels, labels)}
    told = "  ".join(f"{key} {row[key]:.3g}" for key in ("frechet", "precision", "recall", "sure", "seconds"))
    print(f"{name} seed {seed}: {told}", flush=True)
    return row


def summary(rows: list[Row]) -> Row:
    """Mean and standard deviation over the seeds."""
    found = {}
    for key in ("frechet", "precision", "recall", "sure", "covered", "seconds", "sampling_seconds"):
        values = [float(row[key]) for row in rows]
        found[key] = {"mean": mean(values), "std": stdev(values) if len(values) > 1 else None}
    return found


def measure(
    seconds: float = 60, seeds: int = 3, n: int = 2000, recipes: tuple[str, ...] = RECIPES,
    sheets: Path | None = None,
) -> Row:  # fmt: skip
    """Train every recipe from every seed; the table is written after each recipe."""
    eye, table = Eye(n), dict[str, Row]()
    result: Row = {
        "name": "generators", "seconds": seconds, "n": seeds, "pictures": n,
        "features": f"{eye.name}, 28 pixels; not Inception", "real": eye.floors(), "table": table,
        "machine": common.machine(),
    }  # fmt: skip
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    place = common.RESULTS / ("generators.json" if seconds == 60 else f"generators-{seconds:g}s.json")
    for name in recipes:
        recipe = find(name)()
        assert isinstance(recipe, GenerativeRun)
        rows = [measured(name, recipe, eye, seconds, seed, sheets) for seed in range(seeds)]
        table[name] = {**summary(rows), "runs": rows}
        place.write_text(json.dumps(result, indent=1) + "\n")
    return result


def main() -> None:
    """Read the command line and measure on one thread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--sheets", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    result = measure(args.seconds, args.seeds, args.n, tuple(args.recipes), args.sheets)
    for name, row in result["table"].items():
        spread_of = row["frechet"]["std"]
        around = f" +- {spread_of:.2f}" if spread_of is not None else ""
        print(f"{name:>16}: frechet {row['frechet']['mean']:.2f}{around}")
    for name, row in result["real"].items():
        print(f"{name}: frechet {row['frechet']:.2f}")


if __name__ == "__main__":
    main()
