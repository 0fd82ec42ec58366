"""What each stage of fine-tuning is worth: right answers to sums that no stage was trained on.

Usage: python -m bench.tuning [--seeds 3] [--quick]; writes results/tuning.json, seed by seed. Every run stays
under runs/tuning; one that was finished with the very same settings counts and is not trained again, so what
was interrupted goes on. Each stage starts from one before it: the language model, its answers (SFT, and
LoRA beside it), then preferences (DPO), rewards (GRPO), or, as a control, answers to many sums (SFT again).
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench import common
from bench.accuracy import spread
from gradschool.data.rows import in_order
from gradschool.data.text.dialogues.open import open_dialogues
from gradschool.data.text.dialogues.rows import packed
from gradschool.engine.run import RunFolder
from gradschool.recipes import find
from gradschool.runs.language.tuning.start import Start, opened
from gradschool.runs.request import Request
from gradschool.runs.settings import to_dict
from gradschool.runs.train import train
from gradschool.tasks.sft import Sft

ROOT = Path("runs/tuning")
QUICK = 3  # steps of a stage when only the bench itself is tried
LAYERS = ("query", "key", "value", "gate", "widen")
STAGES: dict[str, tuple[str, Callable[[], Any]]] = {
    "base": ("", lambda: find("arithmetic_base")()),
    "sft": ("base", lambda: find("arithmetic_sft")()),
    "lora": (
        "base",
        lambda: replace(find("arithmetic_sft")(), lora=8, lora_layers=LAYERS, learning_rate=3e-3),
    ),
    "dpo": ("sft", lambda: find("arithmetic_dpo")()),
    "grpo": ("sft", lambda: find("arithmetic_grpo")()),
    "more_sft": ("sft", lambda: replace(find("arithmetic_sft")(), data="sums", epochs=5)),
}


def stage(name: str, seed: int, steps: int | None) -> tuple[RunFolder, float | None]:
    """A finished run of a stage, and processor seconds where it was trained now."""
    start, make = STAGES[name]
    run = make()
    if start:
        run = replace(run, start=str((ROOT / f"{start}-{seed}").resolve()), base=None)
    folder = RunFolder(ROOT / f"{name}-{seed}")
    same = json.loads(json.dumps(to_dict(run)))
    if folder.read("result.json") and folder.read("config.json").get("settings") == same:
        return folder, None
    clear(folder.path)
    used = time.process_time()
    folder = train(run, Request(name, seed=seed, steps=steps, out=folder.path))
    return folder, time.process_time() - used


def clear(folder: Path) -> None:
    """Remove what a run that was cut short, or had other settings, has left."""
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()


@torch.inference_mode()
def right(start: Start) -> float:
    """The share of the tested sums that greedy decoding answers right."""
    tested = open_dialogues("sums").test
    rows = packed(tested.items, start.tokeniser, start.context)
    return Sft(start.model(), "test").evaluate(in_order(rows, 32))["test_right"]


def measure(seed: int, steps: int | None) -> dict[str, Any]:
    """All stages of one seed."""
    found: dict[str, Any] = {"seed": seed}
    for name in STAGES:
        folder, spent = stage(name, seed, steps)
        result = folder.read("result.json")
        found[name] = {"sums_right": right(opened(str(folder.path))), "seconds": result["seconds"],
                       "processor_seconds": spent, "steps": result["steps"], **result["metrics"]}  # fmt: skip
        print(f"seed {seed} {name}: {100 * found[name]['sums_right']:.1f} % of the sums", flush=True)
    return found


def main() -> None:
    """Read the command line, measure, write the file after every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} steps a stage")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for seed in range(asked.seeds):
        rows.append(measure(seed, QUICK if asked.quick else None))
        shares = {name: spread([row[name]["sums_right"] for row in rows]) for name in STAGES}
        seconds = {name: spread([row[name]["seconds"] for row in rows]) for name in STAGES}
        result = {
            "name": "tuning", "n": len(rows), "tested": len(open_dialogues("sums").test),
            "quick": asked.quick,
            "sums_right": shares, "seconds": seconds, "runs": rows,
            "settings": {name: to_dict(make()) for name, (_, make) in STAGES.items()},
            "machine": common.machine(),
        }  # fmt: skip
        common.RESULTS.mkdir(parents=True, exist_ok=True)
        (common.RESULTS / "tuning.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({name: share["median"] for name, share in shares.items() if share}))


if __name__ == "__main__":
    main()
