"""How far the ESE courseworks come on the stand-ins: points, closeness of made pictures, the detector's
accuracy, likeness of restored lines, error of denoised pictures. One part a command, e.g. `lines 3` (seeds).

A quick run of a part takes ten to thirty seconds of one core a seed; with `full` behind it, minutes. Writes
results/ese-PART.json, or ese-PART-full.json.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.common import RESULTS, machine, processor_seconds
from gradschool.classroom.coursework import find
from gradschool.classroom.coursework.frame import Desk
from gradschool.recipes import find as recipe
from gradschool.runs.request import Request
from gradschool.runs.train import train

STEPS = 100  # of a quick denoiser


def coursework(name: str, **words: Any) -> Callable[[int, bool, Path], dict[str, Any]]:
    """Does a coursework and returns its points and numbers."""

    def work(seed: int, is_quick: bool, place: Path) -> dict[str, Any]:
        done = find(name)(seed=seed, quick=is_quick, **words).work(Desk(place, lambda text: None))
        points, most = done.points
        return {"points": points, "of": most, **{k: v for k, v in done.facts.items() if k != "run"}}

    return work


def denoise(seed: int, is_quick: bool, place: Path) -> dict[str, Any]:
    """Scores of `denoise_chest` on what is here."""
    run, steps = recipe("denoise_chest")(), STEPS if is_quick else None
    folder = train(run, Request("denoise_chest", seed, steps, out=place / "run"), lambda text: None)
    return {"data": run.data, **folder.read("result.json")["metrics"]}


PARTS = {
    "vae": coursework("xray-generate", model="vae"),
    "gan": coursework("xray-generate", model="gan"),
    "detect": coursework("xray-detect"),
    "lines": coursework("lines-restore"),
    "denoise": denoise,
}


def run(part: str, seeds: int, is_quick: bool) -> dict[str, Any]:
    """Do a part from every seed and write its file."""
    runs = []
    for seed in range(seeds):
        used = processor_seconds()
        with tempfile.TemporaryDirectory() as place:
            found = PARTS[part](seed, is_quick, Path(place))
        runs.append({"seed": seed, "processor_seconds": round(processor_seconds() - used, 1), **found})
        print(json.dumps(runs[-1]))
    name = f"ese-{part}" if is_quick else f"ese-{part}-full"
    result = {"name": name, "n": seeds, "quick": is_quick, "runs": runs, "machine": machine()}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in PARTS:
        sys.exit(f"python -m bench.ese PART [SEEDS] [full], PART one of {', '.join(PARTS)}")
    run(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3, sys.argv[3:] != ["full"])
