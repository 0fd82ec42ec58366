"""Byte-level BPE in pure Python: encoding beside tiktoken, rustbpe and Hugging Face tokenizers; and training.

All sides have one vocabulary of 4,096 tokens, GPT-2's split pattern and one thread, and give equal ids. A
round encodes the text twice: with what was remembered forgotten (cold), then once more. Training times all
sides on the same text, to 2,000 and 4,096 tokens, where ours gives exactly the peer's merges. The text is
tiny Shakespeare of the data pack. Seconds are processor seconds.

Usage: python -m bench.tokens [REPEATS]
"""

import os

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import rustbpe
import tiktoken
import tokenizers

from bench.common import compare, iqr, main
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.formats import save_json
from gradschool.data.text.tokens.split import GPT2

SIZES = (2000, 4096)
TIMES = 2  # that a text is encoded a round


def text() -> str:
    """Tiny Shakespeare."""
    return (Path(os.environ["GRADSCHOOL_DATA"]) / "text" / "tinyshakespeare.txt").read_text(encoding="utf-8")


def trained_rustbpe(corpus: str, size: int) -> Any:
    """Trained by rustbpe."""
    peer = rustbpe.Tokenizer()
    peer.train_from_iterator(iter([corpus]), size, pattern=GPT2)
    return peer


def trained_hugging_face(corpus: str, size: int) -> Any:
    """Trained by tokenizers."""
    level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    peer = tokenizers.Tokenizer(tokenizers.models.BPE())
    peer.pre_tokenizer = level
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=level.alphabet()
    )
    peer.train_from_iterator([corpus], trainer)
    return peer


def training(corpus: str, repeats: int) -> dict[str, Any]:
    """Processor seconds of every side and size: median and middle half of interleaved rounds.

    Raises:
        RuntimeError: our tokens are not those of the peer.
    """
    rows: dict[str, Any] = {}
    for size in SIZES:
        sides: dict[str, Callable[[], Any]] = {
            "ours, rustbpe's ties": partial(ByteBPE.train, [corpus], size),
            "rustbpe": partial(trained_rustbpe, corpus, size),
            "ours, tokenizers' ties": partial(ByteBPE.train, [corpus], size, "hf"),
            "tokenizers": partial(trained_hugging_face, corpus, size),
        }
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(repeats):
            made = {}
            for side, train in sides.items():
                start = time.process_time()
                made[side] = train()
                seconds[side].append(time.process_time() - start)
        ours, rust, also, hugging = made.values()
        tokens = [bytes(token) for token, _ in sorted(rust.get_mergeable_ranks(), key=lambda each: each[1])]
        if tokens != ours.parts or also.encode(corpus) != hugging.encode(corpus).ids:
            raise RuntimeError(f"the tokens of {size} differ from a peer's")
        rows[str(size)] = {side: {"median": statistics.median(each), "iqr": iqr(each), "rounds": each}
                           for side, each in seconds.items()}  # fmt: skip
    return rows


def run(repeats: int = 5) -> dict[str, Any]:
    """Time encoding and training."""
    corpus = text()
    ours, rust = ByteBPE.train([corpus], SIZES[-1]), trained_rustbpe(corpus, SIZES[-1])
    ranks = dict(zip(ours.parts, ours.ids, strict=True))
    tik = tiktoken.Encoding("ours", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={})
    with tempfile.TemporaryDirectory() as folder:
        save_json(ours, Path(folder) / "tokenizer.json")
        hugging = tokenizers.Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    # 1. Equal ids first.
    ids = ours.encode(corpus)
    if not ids == tik.encode_ordinary(corpus) == hugging.encode(corpus).ids == rust.encode(corpus):
        raise RuntimeError("the ids differ from a peer's")
    size = len(corpus.encode())

    def often(encode: Callable[[str], Any], forget: Callable[[], Any] = lambda: None) -> Callable[[], float]:
        def go() -> float:
            forget()
            for _ in range(TIMES):
                encode(corpus)
            return TIMES * size / 1e6

        return go

    # 2. Training, then encoding.
    packages = (tokenizers, tiktoken, rustbpe)
    about = {
        "text": "tiny Shakespeare of the data pack",
        "bytes": size,
        "tokens": len(ids),
        "size": SIZES[-1],
        "threads": 1,
        "encoded": "twice a round, ours the first time without its memory; the peers keep theirs",
        "training, processor s": training(corpus, repeats),
        "versions": {package.__name__: version(package.__name__) for package in packages},
    }
    peers = {
        "tiktoken": often(tik.encode_ordinary),
        "tokenizers": often(hugging.encode),
        "rustbpe": often(rust.encode),
    }
    return compare("tokens", "MB/processor s", often(ours.encode, ours.chunks.clear), peers, repeats, about)


if __name__ == "__main__":
    main(run)
