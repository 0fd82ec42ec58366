"""gradschool tokens FILE: train a tokeniser on a text of your own, and see what it learnt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import counted, hanging

SHOWN = 12  # merges and tokens that are listed


@dataclass(frozen=True)
class Args:
    """Train a byte-pair encoding (BPE) tokeniser on a text file: how it compresses, what it merged first."""

    file: Annotated[Path, tyro.conf.Positional]
    """A text in UTF-8, of any size."""
    size: int = 2000
    """Tokens of the vocabulary: 256 bytes, and what is merged."""
    ties: Literal["rustbpe", "hf", "cs336"] = "rustbpe"
    """Which of equally frequent pairs is merged first: as rustbpe, as Hugging Face tokenizers or as
    Stanford's CS336 does it."""
    pattern: Literal["gpt2", "gpt4"] = "gpt2"
    """How a text is split into words before pairs are counted."""
    save: Path | None = None
    """A new folder for the tokeniser: tokenizer.json (Hugging Face), tokens.tiktoken, and facts.json
    (ours)."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Train, measure on the text itself, say what was learnt, save.

    Raises:
        UserError: the file is no text or empty, the size is too small, or the folder holds something.
    """
    import time

    from gradschool.data.text.tokens.bpe import ByteBPE
    from gradschool.data.text.tokens.split import GPT2, GPT4, pieces_of

    if args.save is not None and (args.save.is_file() or (args.save.is_dir() and any(args.save.iterdir()))):
        raise UserError(f"{args.save} is there already", "a new folder", "Choose another name for --save.")
    # 1. Train.
    start = time.process_time()
    pattern = {"gpt2": GPT2, "gpt4": GPT4}[args.pattern]
    tokeniser = ByteBPE.train(pieces_of(args.file), args.size, args.ties, pattern)
    trained = time.process_time() - start
    # 2. Measure, piece by piece.
    start, size, tokens = time.process_time(), 0, 0
    for piece in pieces_of(args.file):
        size += len(piece.encode())
        tokens += len(tokeniser.encode(piece))
    if not tokens:
        raise UserError(f"{args.file} is empty", "a text file", "")
    encoded = time.process_time() - start
    # 3. Say it.
    learnt = report(tokeniser)
    if len(tokeniser) < args.size:
        few = f"{counted(len(tokeniser), 'token')} and not {args.size:,}: the text has no more pairs"
        print(hanging(" note      ", few))
    print(hanging(" text      ", f"{counted(size, 'byte')} become {counted(tokens, 'token')}"))
    print(hanging(" measure   ", f"{size / tokens:.2f} bytes a token, on the text that it was trained on"))
    print(hanging(" merges    ", f"first {', '.join(learnt['first_merges'])}"))
    print(hanging(" tokens    ", f"longest {', '.join(learnt['longest'])}"))
    print(hanging(" seconds   ", f"{trained:.1f} to train, {encoded:.1f} to encode, of the processor"))
    # 4. Save.
    if args.save is not None:
        save(tokeniser, args.save)
        print(hanging(" saved     ", f"{args.save}"))
    measured = {"bytes": size, "tokens": tokens, "bytes_per_token": size / tokens, "size": len(tokeniser)}
    finish(
        args,
        measured | learnt | {"train_seconds": trained, "encode_seconds": encoded, "saved": args.save},
    )
    return 0


def report(tokeniser: Any) -> dict[str, list[str]]:
    """The first merges and the longest tokens, for people."""
    made = range(256, 256 + len(tokeniser.merges))
    ids, parts = tokeniser.ids, tokeniser.parts
    longest = sorted(made, key=lambda part: (-len(parts[part]), part))[:SHOWN]
    pairs = tokeniser.merges[:SHOWN]
    return {
        "first_merges": [f"{tokeniser.shown(ids[a])}+{tokeniser.shown(ids[b])}" for a, b in pairs],
        "longest": [tokeniser.shown(ids[part]) for part in longest],
    }


def save(tokeniser: Any, folder: Path) -> None:
    """Write a tokeniser in three formats."""
    import json

    from gradschool.data.text.tokens.formats import save_json, save_ranks

    folder.mkdir(parents=True, exist_ok=True)
    save_json(tokeniser, folder / "tokenizer.json")
    save_ranks(tokeniser, folder / "tokens.tiktoken")
    (folder / "facts.json").write_text(json.dumps(tokeniser.facts()) + "\n", encoding="utf-8")
