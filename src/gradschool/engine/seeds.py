"""Seeds made from several numbers, so that a step's randomness is a function of (seed, step, process)."""

import hashlib


def mix(*numbers: int) -> int:
    """One 63-bit seed from several numbers; neighbouring steps get unrelated seeds."""
    return int.from_bytes(hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest(), "little") >> 1
