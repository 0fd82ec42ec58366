"""Bytes of a text file of any origin as text: the encoding is guessed, and what was guessed is told.

A byte-order mark decides; without one, zero bytes at every other place mean UTF-16, then UTF-8 is tried, and
what is neither is read as Windows-1252, a superset of the printable part of Latin-1.
"""

import unicodedata

from gradschool.phrases import counted

MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xef\xbb\xbf": "utf-8-sig",
         b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # fmt: skip
SAMPLE = 4096  # bytes in which the zero bytes of UTF-16 are looked for
LEAST = 4  # zero bytes from which on it may be UTF-16
LATIN = {i: bytes([i]).decode("cp1252", "replace").replace("\ufffd", "") for i in range(128, 160)}


def decoded(raw: bytes, name: str) -> tuple[str, list[str]]:
    """Bytes as composed characters (Unicode's form NFC), and sentences about what was guessed.

    Args:
        raw: of the file.
        name: of the file, for the sentences.
    """
    # 1. The encoding, and what it makes of the bytes.
    encoding, notes = encoding_of(raw), []
    if encoding == "latin-1":
        text = raw.decode("latin-1").translate(LATIN)
        notes.append(
            f"{name} is no UTF-8: it is read as Windows-1252 (Latin-1). Save it as UTF-8 if it is not."
        )
    else:
        text = raw.decode(encoding, "replace")
    if encoding in ("utf-16", "utf-32", "utf-16-le", "utf-16-be"):
        notes.append(f"{name} is read as {encoding[:6].upper()}.")
    # 2. What no text holds: halves of characters, and zero bytes, at which other programs stop reading.
    if lost := text.count("\ufffd") if encoding != "utf-8" else 0:
        notes.append(f"{counted(lost, 'character')} of {name} cannot be read and became \ufffd.")
    if zeros := text.count("\0"):
        notes.append(f"{counted(zeros, 'zero byte')} of {name} {'is' if zeros == 1 else 'are'} left out.")
    return unicodedata.normalize("NFC", text.replace("\0", "").removeprefix("\ufeff")), notes


def encoding_of(raw: bytes) -> str:
    """The name of an encoding that can read these bytes."""
    for mark, encoding in MARKS.items():
        if raw.startswith(mark):
            return encoding
    head = raw[: min(SAMPLE, len(raw) // 2 * 2)]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if (
        max(even, odd) >= LEAST
        and max(even, odd) > 0.4 * len(head) / 2
        and min(even, odd) < 0.1 * max(even, odd)
    ):
        return "utf-16-le" if odd > even else "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"
