"""Learning curves over shots: 1 to 50 photographs of each of 16 animals, frozen features.

Usage: python -m bench.transfer_shots [--bodies own wrong ...] [--draws 20] [--set data=PATH]. For each number
of shots so many draws of the training photographs; all are tested on the same 800 others. The interval is
that of the mean over draws (Student's t): it tells how much the choice of the shots matters, not how much the
test photographs do. Bodies are those of bench.bodies; writes results/transfer_shots.json.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

from bench import bodies
from gradschool.practice.ladder import Rung
from gradschool.practice.probes import SHOTS, curve
from gradschool.recipes.transfer.fewshot_animals import fewshot_animals
from gradschool.runs.settings import override, to_dict


def main() -> None:
    """Draw the curves of the bodies that are asked for."""
    args = bodies.options(__doc__)
    base = override(fewshot_animals(), args.set, "fewshot_animals")
    splits = replace(base, shots=None).opened(0, 0.0)
    for name in args.bodies:
        train, test = bodies.looked_at(name, [splits.train, splits.test], base)
        rungs: Iterator[Rung] = curve(train, test, SHOTS, args.draws)
        rows = list(bodies.told(rungs, body=name))
        bodies.write("transfer_shots", rows, "body", tested=len(test.y), settings=to_dict(base))
        for row in rows:
            print(json.dumps({key: row[key] for key in ("body", "row", "mean", "interval")}), flush=True)


if __name__ == "__main__":
    main()
