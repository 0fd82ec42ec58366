"""The tokeniser of published BERT encoders: their own way of cutting a text into words, then WordPiece.

Source: Devlin et al. 2019 and the code that came with it. Deviation: the names of special tokens in a text,
such as [SEP], are read as signs and letters, so that no text can write one.
"""

import json
import string
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool.data.text.tokens.gpt2 import read_json
from gradschool.data.text.tokens.wordpiece import INSIDE, LONGEST, UNKNOWN, WordPiece, longest_match
from gradschool.errors import UserError

START, END, PADDING = "[CLS]", "[SEP]", "[PAD]"
IDEOGRAPHS = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)  # fmt: skip


class Signs(dict[int, str]):
    """What `str.translate` puts for each character: nothing, the character, or the character between spaces.

    Args:
        marks: whether accents, which stand behind their letters, are kept.
    """

    def __init__(self, marks: bool) -> None:
        super().__init__()
        self.marks = marks

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        kind = unicodedata.category(sign)
        is_left_out = sign == "\ufffd" or kind.startswith("C") or (kind == "Mn" and not self.marks)
        if sign in "\t\n\r":
            put = " "
        elif is_left_out:
            put = ""
        else:
            put = f" {sign} " if stands_alone(sign, kind) else sign
        self[code] = put
        return put


def stands_alone(sign: str, kind: str) -> bool:
    """Whether a character of a Unicode category is a word of its own: punctuation, Chinese characters."""
    if sign.isascii():
        return sign in string.punctuation
    return kind.startswith("P") or any(low <= ord(sign) <= high for low, high in IDEOGRAPHS)


WITH_MARKS, WITHOUT_MARKS = Signs(True), Signs(False)


def bert_words(text: str, lower: bool = True) -> list[str]:
    """The words of a text; control characters are left out.

    Args:
        text: any.
        lower: whether capitals become small letters and accents are left out.
    """
    if not lower:
        return text.translate(WITH_MARKS).split()
    return unicodedata.normalize("NFD", text).translate(WITHOUT_MARKS).lower().split()


@dataclass(frozen=True)
class BertPieces(WordPiece):
    """WordPiece on BERT's words; arguments as of `WordPiece`, with [CLS], [SEP] and [PAD] among the pieces.

    Raises:
        UserError: one of them is missing.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        for special in (START, END, PADDING):
            if special not in self.pieces:
                raise UserError(f"the vocabulary has no {special}", "a vocabulary of BERT's kind")

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, which BERT cuts into words; what cannot be written is one [UNK] a word."""
        found: list[int] = []
        for word in bert_words(text, self.lower):
            if word not in self.known:
                pieces = longest_match(word, self.numbers) if len(word) <= LONGEST else None
                self.known[word] = [self.numbers[piece] for piece in pieces or [UNKNOWN]]
            found += self.known[word]
        return found

    def framed(self, ids: Iterable[int], longest: int) -> list[int]:
        """Tokens between [CLS] and [SEP], so many in all at most; the rest is cut off."""
        return [self.numbers[START], *list(ids)[: longest - 2], self.numbers[END]]

    def facts(self) -> dict[str, Any]:
        """The pieces."""
        return super().facts() | {"kind": "bert"}


def load_bert(folder: Path) -> BertPieces:
    """The tokeniser of a published encoder's folder, from its tokenizer.json.

    Raises:
        UserError: the file is missing or damaged, or describes another kind of tokeniser.
    """
    file = folder / "tokenizer.json"
    whole = read_json(file)
    try:
        model, normal = whole["model"], whole.get("normalizer") or {}
        # 1. What would give other tokens.
        cut = (whole.get("pre_tokenizer") or {}).get("type")
        known = {"model.type": (model["type"], "WordPiece"),
                 "normalizer.type": (normal.get("type"), "BertNormalizer"),
                 "pre_tokenizer.type": (cut, "BertPreTokenizer"), "unk_token": (model["unk_token"], UNKNOWN),
                 "continuing_subword_prefix": (model["continuing_subword_prefix"], INSIDE)}  # fmt: skip
        for name, (came, wanted) in known.items():
            if came != wanted:
                raise UserError(f"{file} has {name} {came!r}", f"{wanted!r}, a tokeniser of BERT's kind")
        lower = bool(normal.get("lowercase"))
        strips = normal.get("strip_accents")
        if strips is not None and bool(strips) != lower:
            raise UserError(f"{file} has strip_accents {strips} and lowercase {lower}", "both or neither")
        # 2. The pieces in the order of their numbers.
        numbers = {str(piece): int(number) for piece, number in model["vocab"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{file} is no tokenizer.json ({type(error).__name__}: {error})"
        raise UserError(what, "a file that the package tokenizers wrote") from error
    if sorted(numbers.values()) != list(range(len(numbers))):
        raise UserError(f"the numbers of {file} have gaps", f"0 to {len(numbers) - 1}, each once")
    return BertPieces(sorted(numbers, key=numbers.__getitem__), lower)


def save_bert(tokeniser: BertPieces, file: Path) -> None:
    """Write a tokenizer.json, which `tokenizers.Tokenizer.from_file` reads, with [CLS] and [SEP] around."""
    # 1. How words are cut.
    lower = tokeniser.lower
    normal = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
              "strip_accents": None, "lowercase": lower}  # fmt: skip
    # 2. The frame around a text.
    ends = [(name, tokeniser.numbers[name]) for name in (START, END)]
    single: list[dict[str, Any]] = [{"SpecialToken": {"id": name, "type_id": 0}} for name, _ in ends]
    single.insert(1, {"Sequence": {"id": "A", "type_id": 0}})
    second = [{"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": END, "type_id": 1}}]
    frame = {"type": "TemplateProcessing", "single": single, "pair": [*single, *second], "special_tokens": {
        name: {"id": name, "ids": [number], "tokens": [name]} for name, number in ends}}  # fmt: skip
    # 3. Pieces and special tokens.
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    special = [name for name in (PADDING, UNKNOWN, START, END, "[MASK]") if name in tokeniser.numbers]
    added = [{"id": tokeniser.numbers[name], "content": name} | plain for name in special]
    model = {"type": "WordPiece", "unk_token": UNKNOWN, "continuing_subword_prefix": INSIDE,
             "max_input_chars_per_word": LONGEST, "vocab": tokeniser.numbers}  # fmt: skip
    whole = {"version": "1.0", "truncation": None, "padding": None,
             "added_tokens": sorted(added, key=lambda each: each["id"]), "normalizer": normal,
             "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": frame,
             "decoder": {"type": "WordPiece", "prefix": INSIDE, "cleanup": True}, "model": model}  # fmt: skip
    file.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
