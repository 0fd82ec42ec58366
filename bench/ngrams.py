"""What counting achieves on tiny Shakespeare: nats a character over orders 1 to 8, and what it costs.

Usage: python -m bench.ngrams [REPEATS]. Trains on the first 1,003,854 characters, as the usual 90/10 split
does, and tests on the last 55,690 of the pack's file, which ends 55,850 characters before the original does.
Nothing is random but the time; writes results/ngrams.json.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch

from bench import common
from gradschool.evals.language.ngrams import NGram
from gradschool.ops.sequence.counting import bits_per_byte

TRAIN, TEST, ORDERS = 1_003_854, 55_690, range(1, 9)


def main() -> None:
    """Fit every order with both kinds of smoothing."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    torch.set_num_threads(1)
    pack = Path(os.environ["GRADSCHOOL_DATA"])
    text = (pack / "text" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    known = {character: number for number, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([known[character] for character in text])
    train, test = tokens[:TRAIN], tokens[-TEST:]
    rows: list[dict[str, Any]] = []
    for smoothing in ("kneser-ney", "witten-bell"):
        for order in ORDERS:
            seconds = []
            for _ in range(repeats):
                start = time.process_time()
                model = NGram.fit(train, order, len(known), smoothing)
                nats = model.nats(test)
                seconds.append(time.process_time() - start)
            sums = model.log_probabilities(test[:2000].view(-1, 10)).exp().sum(1)
            rows.append({
                "smoothing": smoothing, "order": order, "nats": nats,
                "bits_per_byte": bits_per_byte(nats, TEST, len(text[-TEST:].encode())),
                "ngrams": sum(len(level.keys) for level in model.levels),
                "largest_error_of_a_sum": float((sums - 1).abs().max()),
                "processor_s": {"median": statistics.median(seconds), "all": seconds},
            })  # fmt: skip
            print(json.dumps(rows[-1]))
    best = min(rows, key=lambda row: row["nats"])
    result = {
        "name": "ngrams", "n": repeats, "unit": "nats a character", "train": TRAIN, "test": TEST,
        "kinds": len(known), "best": {key: best[key] for key in ("smoothing", "order", "nats")},
        "rows": rows, "load": os.getloadavg()[0], "machine": common.machine(),
    }  # fmt: skip
    (common.RESULTS / "ngrams.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
