"""A printable character for every byte, so that files of tokens can be text.

Source: Radford et al. 2019, as the vocabulary files of GPT-2 use it. Bytes that have a visible character in Latin-1
keep it; the others, in their order, get the code points from 256 on: a space is written Ġ.
"""

from gradschool.errors import UserError

VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
HIDDEN = [byte for byte in range(256) if byte not in VISIBLE]
ALPHABET = {byte: chr(byte) for byte in VISIBLE} | {byte: chr(256 + i) for i, byte in enumerate(HIDDEN)}
BYTE_OF = {character: byte for byte, character in ALPHABET.items()}


def printable(token: bytes) -> str:
    """A token's bytes as characters of the alphabet."""
    return "".join(ALPHABET[byte] for byte in token)


def from_printable(text: str) -> bytes:
    """The bytes of a token that is written in the alphabet.

    Raises:
        UserError: a character is none of the alphabet.
    """
    try:
        return bytes(BYTE_OF[character] for character in text)
    except KeyError as missing:
        what = f"the token {text!r} holds {missing.args[0]!r}, which stands for no byte"
        raise UserError(what, "tokens in the byte-level alphabet of GPT-2, where Ġ is a space") from None
