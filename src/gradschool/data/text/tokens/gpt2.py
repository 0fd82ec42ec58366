"""GPT-2's own vocabulary, and any other that is kept in its two files: tokens with ids, and merges in order.

Source: Radford et al. 2019; the files are called encoder.json and vocab.bpe, or vocab.json and merges.txt.
"""

import json
from pathlib import Path
from typing import Any

from gradschool.data.text.tokens.alphabet import from_printable
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.pairs import BYTES, Pair
from gradschool.data.text.tokens.split import GPT2
from gradschool.errors import UserError

NAMES = (("encoder.json", "vocab.bpe"), ("vocab.json", "merges.txt"))


def gpt2(folder: Path, special: tuple[str, ...] = ("<|endoftext|>",)) -> ByteBPE:
    """Load a vocabulary from its two files.

    Args:
        folder: where they lie.
        special: tokens of the vocabulary that stand for no text.

    Raises:
        UserError: a file is missing or damaged, or the two do not fit.
    """
    found = [pair for pair in NAMES if all((folder / name).is_file() for name in pair)]
    if not found:
        wanted = " or ".join(" and ".join(pair) for pair in NAMES)
        raise UserError(f"{folder} holds no vocabulary of GPT-2's kind", wanted)
    # 1. Tokens with ids, and merges in lines of two tokens.
    numbers = read_json(folder / found[0][0])
    lines = (folder / found[0][1]).read_text(encoding="utf-8").splitlines()
    pairs = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    # 2. The same as parts.
    return assembled(numbers, pairs, GPT2, {token: numbers[token] for token in special if token in numbers})


def read_json(file: Path) -> dict[str, Any]:
    """An object from a JSON file.

    Raises:
        UserError: it cannot be read, or is none.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read ({error})", "a JSON file") from error
    if not isinstance(found, dict):
        raise UserError(f"{file} holds a {type(found).__name__}", "a JSON object")
    return found


def assembled(
    numbers: dict[str, int], pairs: list[list[str]], pattern: str, special: dict[str, int]
) -> ByteBPE:
    """A tokeniser from tokens in the printable alphabet.

    Args:
        numbers: the id of every token; special ones may be among them.
        pairs: merges in their order, each of two tokens.
        pattern: cuts a text into chunks.
        special: tokens that stand for no text, with their ids.

    Raises:
        UserError: a byte or a merge has no token, a token comes from no merge, or one is written wrongly.
    """
    # 1. Tokens as bytes.
    ids = {from_printable(token): number for token, number in numbers.items() if token not in special}
    # 2. Every byte is a part.
    part = {bytes([byte]): byte for byte in range(BYTES)}
    missing = next((text for text in part if text not in ids), None)
    if missing is not None:
        raise UserError(f"the vocabulary has no token for the byte {missing[0]:#04x}", "all 256 bytes")
    # 3. Every merge makes a part of two that are there.
    merges: list[Pair] = []
    for pair in pairs:
        texts = [from_printable(token) for token in pair]
        if len(texts) != 2 or any(text not in part for text in texts) or b"".join(texts) not in ids:
            raise UserError(f"merge {len(merges)} is {' '.join(pair)!r}", "two tokens that make a third")
        merges.append((part[texts[0]], part[texts[1]]))
        part[b"".join(texts)] = BYTES + len(merges) - 1
    # 4. Nothing is left over.
    lost = next((text for text in ids if text not in part), None)
    if lost is not None:
        raise UserError(f"no merge makes the token {lost!r}", "a merge for every token that is no byte")
    return ByteBPE(merges, [ids[text] for text in part], pattern, special)
