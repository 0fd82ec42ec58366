"""Tokenisers as files that other programs read: tokenizer.json of Hugging Face, and ranks as tiktoken keeps them.

The first keeps everything. The second keeps only tokens in the order of their merges, one a line in base64;
which two parts a token was made of is found by encoding it with the tokens before it. That is unique for a
vocabulary that byte-pair encoding made, and another is refused.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradschool.data.text.tokens.alphabet import printable
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.gpt2 import assembled, read_json
from gradschool.data.text.tokens.pairs import BYTES, Pair, encode_by_merges
from gradschool.data.text.tokens.split import GPT2
from gradschool.errors import UserError


def save_json(tokeniser: ByteBPE, file: Path) -> None:
    """Write a tokenizer.json, which `tokenizers.Tokenizer.from_file` reads.

    Args:
        tokeniser: byte-level.
        file: is written over.
    """
    # 1. Tokens and merges in the printable alphabet.
    texts = [printable(part) for part in tokeniser.parts]
    merges = [[texts[first], texts[second]] for first, second in tokeniser.merges]
    order = sorted(zip(tokeniser.ids, texts, strict=True))
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
             "vocab": {text: number for number, text in order}, "merges": merges}  # fmt: skip
    # 2. How a text is cut, and how bytes are written.
    split = {"type": "Split", "pattern": {"Regex": tokeniser.pattern}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    # 3. Special tokens.
    added = [{"id": number, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for token, number in tokeniser.special.items()]  # fmt: skip
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]}, "post_processor": None,
             "decoder": level, "model": model}  # fmt: skip
    file.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load_json(file: Path) -> ByteBPE:
    """Read a tokenizer.json of a byte-level BPE tokeniser.

    Raises:
        UserError: it is damaged, or another kind of tokeniser; it says which part is not known here.
    """
    whole = read_json(file)
    try:
        model, added = whole["model"], {each["content"]: each["id"] for each in whole["added_tokens"]}
        # 1. What would change the ids and is not known here.
        unknown = {"kind of model": model["type"] != "BPE" and model["type"],
                   "normalizer": whole.get("normalizer"), "dropout": model.get("dropout"),
                   "ignore_merges": model.get("ignore_merges"), "byte_fallback": model.get("byte_fallback"),
                   "word prefix": model.get("continuing_subword_prefix"),
                   "word suffix": model.get("end_of_word_suffix")}  # fmt: skip
        for name, value in unknown.items():
            if value:
                raise UserError(f"{file} has the {name} {value!r}", "byte-level BPE without it")
        # 2. Merges are pairs, or in older files lines.
        pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
        return assembled(model["vocab"], pairs, pattern_of(whole["pre_tokenizer"], file), added)
    except (KeyError, TypeError, AttributeError) as error:
        what = f"{file} is no tokenizer.json ({type(error).__name__}: {error})"
        raise UserError(what, "a file that the package tokenizers wrote") from error


def pattern_of(step: Mapping[str, Any], file: Path) -> str:
    """The split pattern of a pre-tokeniser.

    Raises:
        UserError: it does anything else than cut by one pattern and write bytes.
    """
    steps = step["pretokenizers"] if step["type"] == "Sequence" else [step]
    kinds = [each["type"] for each in steps]
    is_plain = kinds in (["ByteLevel"], ["Split", "ByteLevel"]) and not steps[-1].get("add_prefix_space")
    if is_plain and len(kinds) == 1 and steps[0].get("use_regex", True):
        return GPT2
    if is_plain and len(kinds) == 2 and not steps[1].get("use_regex", True):
        wanted_split = steps[0]["behavior"] == "Isolated" and not steps[0].get("invert")
        if wanted_split and "Regex" in steps[0]["pattern"]:
            return str(steps[0]["pattern"]["Regex"])
    what = f"{file} prepares texts with {', '.join(kinds)}, in a way that is not known here"
    raise UserError(what, "ByteLevel, or Split by one pattern and then ByteLevel, without a space before the text")


def save_ranks(tokeniser: ByteBPE, file: Path) -> None:
    """Write tokens and ranks in tiktoken's format; `tiktoken.load.load_tiktoken_bpe` reads it.

    The file holds neither the pattern nor the special tokens: hand both to `tiktoken.Encoding`.

    Raises:
        UserError: the ids do not grow with the merges, so that no rank can be both.
    """
    merged = list(tokeniser.ids[BYTES:])
    if merged != sorted(merged):
        what = "the token ids are not in the order of the merges"
        raise UserError(what, "ids that grow with the merges", "Save as tokenizer.json.")
    ranks = sorted(zip(tokeniser.ids, tokeniser.parts, strict=True))
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in ranks]
    file.write_text("".join(lines), encoding="ascii")


def load_ranks(file: Path, pattern: str = GPT2, special: Mapping[str, int] | None = None) -> ByteBPE:
    """Read a file of tiktoken's format.

    Args:
        file: a token in base64 and its rank on every line.
        pattern: cuts a text into chunks; the file does not tell.
        special: special tokens with their ids; the file does not tell.

    Raises:
        UserError: a line is damaged, a byte is missing, or a token is not made of two of those before it.
    """
    ranks: dict[bytes, int] = {}
    try:
        for line in file.read_text(encoding="ascii").splitlines():
            token, rank = line.split(" ")
            ranks[base64.b64decode(token, validate=True)] = int(rank)
    except (OSError, ValueError, binascii.Error) as error:
        raise UserError(f"{file} cannot be read ({error})", "a token in base64 and its rank a line") from error
    return ByteBPE(*from_ranks(ranks), pattern, special or {})


def from_ranks(ranks: Mapping[bytes, int]) -> tuple[list[Pair], list[int]]:
    """Merges from tokens and their ranks: each token, encoded with the merges before it, leaves two parts.

    Args:
        ranks: of every token, all bytes among them; lower ranks were merged first.

    Returns:
        Merges, and the ids of all parts: the ranks.

    Raises:
        UserError: a byte is missing, or a token leaves other than two parts.
    """
    # 1. Bytes first.
    missing = next((byte for byte in range(BYTES) if bytes([byte]) not in ranks), None)
    if missing is not None:
        raise UserError(f"the vocabulary has no token for the byte {missing:#04x}", "all 256 bytes")
    ids = [ranks[bytes([byte])] for byte in range(BYTES)]
    # 2. Then the tokens in their order, each of two parts.
    merges: dict[Pair, int] = {}
    for token, rank in sorted(ranks.items(), key=lambda each: each[1]):
        if len(token) == 1:
            continue
        parts = encode_by_merges(token, merges)
        if len(parts) != 2:
            what = f"the token {token!r} of rank {rank} falls into {len(parts)} parts"
            raise UserError(what, "tokens that byte-pair encoding made, each of two before it")
        merges[parts[0], parts[1]] = len(merges)
        ids.append(rank)
    return list(merges), ids
