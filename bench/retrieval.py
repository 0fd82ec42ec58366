"""Search in the course's own lectures: a sentence encoder, BM25 and TF-IDF on questions in other words.

Usage: python -m bench.retrieval [--encoder FOLDER]. Each question of retrieval_questions.json names a phrase
of the passage that answers it; the questions were written to avoid the passage's words. Recall at 1, 5 and 10
and the mean reciprocal rank over all passages. Nothing is trained, so nothing varies with a seed; intervals
are from resampled questions. Writes results/retrieval.json.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench import common
from gradschool.data.text.passages import Passage, passages_of
from gradschool.evals.language.retrieval.index import measured
from gradschool.evals.language.retrieval.ranking import BM25, cosines, fused
from gradschool.evals.language.retrieval.tfidf import TFIDF
from gradschool.runs.language.encoders.sentences import sentence_encoder

COURSE = common.ROOT / "src" / "gradschool" / "course"
QUESTIONS = Path(__file__).with_name("retrieval_questions.json")
USUAL = "sentence-transformers/all-MiniLM-L6-v2"
RESAMPLED = 2000


def lectures(chapters: Sequence[str]) -> list[Passage]:
    """The passages of these lectures."""
    files = [COURSE / chapter / "lecture.md" for chapter in chapters]
    return [each for file in files for each in passages_of(file.read_text(encoding="utf-8"), file)]


def right(row: dict[str, str], passages: Sequence[Passage]) -> list[int]:
    """The passages that answer a question: those of its chapter that hold its phrase."""
    return [i for i, each in enumerate(passages)
            if each.file.parent.name == row["chapter"] and row["phrase"] in each.text]  # fmt: skip


def place_of(scores: Tensor, wanted: Sequence[int]) -> int:
    """The place of the best passage that is wanted, from 1."""
    order = scores.argsort(descending=True, stable=True).tolist()
    return 1 + min(order.index(i) for i in wanted)


def scored(places: Sequence[int]) -> dict[str, Any]:
    """The four measures with 95 % intervals."""
    rng, drawn = np.random.default_rng(0), []
    for _ in range(RESAMPLED):
        drawn.append(list(measured(rng.choice(places, len(places)).tolist()).values()))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    names = measured(places)
    return {
        name: {"value": value, "interval": [float(a), float(b)]}
        for (name, value), a, b in zip(names.items(), low, high, strict=True)
    }


def main() -> None:
    """Read the command line, search, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default=USUAL)
    asked = parser.parse_args()
    # 1. Questions, passages, and vectors of all.
    rows = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    passages = lectures(sorted({row["chapter"] for row in rows}))
    wanted, texts = [right(row, passages) for row in rows], [each.text for each in passages]
    embed, start = sentence_encoder(asked.encoder), time.process_time()
    vectors = torch.cat([embed(texts[i : i + 32]) for i in range(0, len(texts), 32)])
    seconds = time.process_time() - start
    near = cosines(embed([row["question"] for row in rows]), vectors).double()
    # 2. Four rankings.
    words, cosine = (
        torch.stack([ranking.scores(row["question"]) for row in rows])
        for ranking in (BM25(texts), TFIDF(texts))
    )
    both = torch.stack([fused(a, b) for a, b in zip(words, near, strict=True)])
    places = {
        name: [place_of(scores, each) for scores, each in zip(table, wanted, strict=True)]
        for name, table in (("BM25", words), ("TF-IDF", cosine), ("encoder", near), ("ranks of both", both))
    }
    result = {
        "name": "retrieval", "n": len(rows), "passages": len(passages), "encoder": asked.encoder,
        "encoding_processor_seconds": seconds, "methods": {k: scored(v) for k, v in places.items()},
        "places": places, "machine": common.machine(),
    }  # fmt: skip
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    (common.RESULTS / "retrieval.json").write_text(json.dumps(result, indent=1) + "\n")
    for name, each in result["methods"].items():
        told = "  ".join(f"{measure} {found['value']:.3f}" for measure, found in each.items())
        print(f"{name:<14} {told}")


if __name__ == "__main__":
    main()
