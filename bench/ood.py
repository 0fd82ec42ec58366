"""Photographs learnt, drawings shown: what `natural_animals` loses, and what adapted statistics give back.

Usage: python -m bench.ood. Reads the runs that `python -m bench.accuracy natural_animals` leaves under
runs/accuracy; writes results/ood.json. The drawings take no part in training, or their labels in
adaptation.
"""

import json
import statistics
from pathlib import Path
from typing import Any

from bench import common
from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.runs.classification.report import gathered
from gradschool.runs.reopen import reopen


def share_right(logits: Any, images: Images) -> float:
    """Accuracy."""
    return float((logits.argmax(1) == images.labels).float().mean())


def main() -> None:
    """Score every seed."""
    rows: list[dict[str, Any]] = []
    for place in sorted(Path("runs/accuracy").glob("natural_animals-*")):
        folder = RunFolder.open(place)
        facts = gathered(reopen(folder)[0], folder, "drawn_animals")
        assert facts.splits and facts.ood and facts.ood_adapted is not None
        rows.append({
            "run": place.name,
            "photographs": share_right(facts.test_logits, facts.splits.test),
            "drawings": share_right(facts.ood_logits, facts.ood),
            "drawings_adapted": share_right(facts.ood_adapted, facts.ood),
        })  # fmt: skip
        print(json.dumps(rows[-1]))
    means = {key: statistics.mean(row[key] for row in rows) for key in list(rows[0])[1:]}
    result = {"name": "ood", "n": len(rows), "mean": means, "runs": rows, "machine": common.machine()}
    (common.RESULTS / "ood.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
