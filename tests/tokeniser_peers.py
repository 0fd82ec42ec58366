"""Other people's tokenisers with our vocabulary, and texts to compare on."""

import os
import random
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest
import tiktoken
import tokenizers

from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.formats import save_json

NAMES = Path(__file__).parents[1] / "src/gradschool/data/sets/text/names.txt"
PACK = Path(os.environ.get("GRADSCHOOL_DATA", ""))
GPT2_FOLDER = PACK / "weights" / "gpt2-bpe"
needs_pack = pytest.mark.skipif(not GPT2_FOLDER.is_dir(), reason="needs the data pack")


def own_text() -> str:
    """Plain English of our own: the documents of this project."""
    return "\n".join(
        file.read_text(encoding="utf-8") for file in sorted((Path(__file__).parents[1] / "docs").glob("*.md"))
    )


def names() -> str:
    return NAMES.read_text(encoding="utf-8")


STRANGE = (
    "Zoë’s naïve café—„ja“ 日本語のテキスト 한국어 Ελληνικά עברית हिन्दी\u200d 👩‍👩‍👧 🇩🇪\n\n\t  x²=½\r\n"
    "don't DON'T they'll I've '' a  b   c \x0b\x1c\x85\xa0\u2003end 123456 1e-7 ___ --- \0 "
)


def tiktoken_of(tokeniser: ByteBPE) -> tiktoken.Encoding:
    """Built offline from the same tokens."""
    ranks = dict(zip(tokeniser.parts, tokeniser.ids, strict=True))
    return tiktoken.Encoding(
        "ours", pat_str=tokeniser.pattern, mergeable_ranks=ranks, special_tokens=dict(tokeniser.special)
    )


def hugging_face_of(tokeniser: ByteBPE, folder: Path) -> tokenizers.Tokenizer:
    """From the file that we wrote."""
    save_json(tokeniser, folder / "tokenizer.json")
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


def random_bytes(how_many: int, seed: int = 0) -> list[bytes]:
    """From empty to 60 bytes of any value."""
    rng = random.Random(seed)
    return [rng.randbytes(rng.randrange(60)) for _ in range(how_many)]
