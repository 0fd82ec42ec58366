"""What the autoencoders reach, beside what is wanted of them: results/likelihood-RECIPE.json, several seeds.

Usage: python -m bench.likelihood [RECIPE ...] [--seeds 3] [--processes 2] [--set KEY=VALUE ...] [--label L].
A label keeps the result of other settings apart. Every run has its share of the cores; processor seconds
count whatever else the machine does. Not a comparison: `gradschool bench` does not list it.
"""

import argparse
import json
from dataclasses import asdict, dataclass

from bench import common
from bench.accuracy import measure
from gradschool.recipes import find
from gradschool.runs.settings import override

BINARY = (
    "nats a test digit, ln p(x) from 200 codes of the encoder; MNIST with every pixel drawn once on or off "
    "from a fixed seed (the drawing of Larochelle 2011 is another of the same kind), 60,000 to train on"
)
ANEW = (
    "nats a test digit, ln p(x) from 1,000 codes of the encoder; test digits as for vae_binary_mnist, those "
    "to train on with every pixel drawn anew at every step (drawn once, they are learnt by heart)"
)
SQUARED = (
    "squared error plus KL of a test picture, both summed, pixels in 0 to 1, one code a picture; the course "
    "takes the mean over a fifth of the training pictures that it holds out, after ten passes over the rest"
)


@dataclass(frozen=True)
class Goal:
    """What is wanted of a recipe.

    Args:
        score: its name in result.json; less is better.
        wanted: at most.
        unit: in a word or two.
        definition: of the score, in a sentence.
    """

    score: str
    wanted: float
    unit: str
    definition: str


GOALS = {
    "vae_binary_mnist": Goal("test_nats", 89.8, "nats", BINARY),
    "iwae_mnist": Goal("test_nats", 86.8, "nats", ANEW),
    "vae_fashion": Goal("test_loss", 25.06, "error + KL", SQUARED),
    "cvae_fashion": Goal("test_loss", 22.33, "error + KL", f"{SQUARED}; the class is told to both halves"),
    "ae_mnist": Goal("test_loss", 0.0382, "MSE", "squared error of a test picture's pixel through 2 numbers"),
}


def main() -> None:
    """Read the command line; measure and write one recipe after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=[], help=f"of {', '.join(GOALS)}; all if none is named")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--label", help="name of the result, the recipe's if not given")
    asked = parser.parse_args()
    for name in asked.recipes or GOALS:
        if name not in GOALS:
            parser.error(f"{name} has no goal here, one of {', '.join(GOALS)} was wanted")
        run, goal, label = override(find(name)(), asked.set, name), GOALS[name], asked.label or name
        found = measure(run, label, asked.seeds, asked.processes, goal.score)
        result = {**found, "name": f"likelihood-{label}", "recipe": name, "goal": asdict(goal)}
        (common.RESULTS / f"{result['name']}.json").write_text(json.dumps(result, indent=1) + "\n")
        print(json.dumps({"name": result["name"], "n": result["n"], **found[goal.score]}))


if __name__ == "__main__":
    main()
