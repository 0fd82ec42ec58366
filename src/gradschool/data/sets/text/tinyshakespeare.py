"""Tiny Shakespeare: a million characters of the plays, the text on which character models are compared.

The first 95 % of the original, cut between two speeches; of the whole that is fetched the same is kept, so
that its last 55,690 characters, the test part, are the same everywhere.
"""

import hashlib
from pathlib import Path

from gradschool.data.setinfo import RemoteFile
from gradschool.data.text.running.corpusset import CorpusSet

KEPT = 1_059_544  # bytes, which are characters here
DIGEST = "d179f6c5e37410c533c42f8af0ec048353c4a7b6cb0f5fb9862b1b5388e2a47c"


def build(folder: Path, made: Path) -> None:
    """The first part of the original.

    Raises:
        ValueError: it is another text.
    """
    text = (folder / "input.txt").read_bytes()[:KEPT]
    if hashlib.sha256(text).hexdigest() != DIGEST:
        raise ValueError(f"its first {KEPT:,} bytes have another SHA-256")
    made.write_bytes(text)


SET = CorpusSet(
    name="tinyshakespeare",
    title="Tiny Shakespeare",
    licence="public domain",
    source="Karpathy 2015, char-rnn",
    files=[
        RemoteFile(
            "input.txt",
            "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            1_115_394,
            "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        )
    ],
    packs=["text/tinyshakespeare.txt"],
    aliases=["shakespeare"],
    build=build,
    made="tinyshakespeare.txt",
)
