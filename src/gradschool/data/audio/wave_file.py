"""Read a WAV file of any origin: PCM of 8, 16, 24 or 32 bits or in floating point, any rate and channels.

What is changed on the way (channels mixed down, another rate) is told, and so is what cannot be read.
"""

import io
import struct
import wave
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from gradschool.phrases import counted

ENDINGS = (".wav", ".wave")
SAVE = "save it as 16-bit PCM WAV, e.g. with ffmpeg -i IN -c:a pcm_s16le OUT.wav"
OTHERS = {
    b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3": "MP3", b"\xff\xfb": "MP3", b"FORM": "AIFF", b"RF64": "RF64",
    b"RIFX": "big-endian WAV", b"\x1aE\xdf\xa3": "WebM",
}  # fmt: skip
KINDS = {"6": "A-law", "7": "mu-law", "2": "ADPCM", "17": "ADPCM", "85": "MP3"}
INTEGERS, FLOATS, EXTENSIBLE = 1, 3, 0xFFFE  # formats of samples; the last is said further on in the header
RATES = (1000, 768000)  # samples a second: lower is no speech, higher is no sound card


class Unreadable(Exception):
    """Why a file cannot be used, for a sentence behind its name."""


@dataclass(frozen=True)
class Sound:
    """What a file holds.

    Args:
        samples: (n,) from -1 to 1, of one channel, float64; n >= 1.
        rate: samples a second.
        changes: what was done to the file's content, in words such as "mixed down from 2 channels".
        clipped: samples of the file that were louder than full scale.
    """

    samples: NDArray[np.float64]
    rate: int
    changes: tuple[str, ...] = ()
    clipped: int = 0


def decoded(content: bytes) -> Sound:
    """The sound in the bytes of a WAV file, mixed down to one channel.

    Raises:
        Unreadable: with the reason and what to do.
    """
    # 1. The header, by Python's own reader, which knows whole numbers only.
    refuse_others(content)
    content, form = as_integers(content)
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate, said = file.getparams()[:4]
            raw = file.readframes(said)
    except (wave.Error, EOFError, struct.error, ValueError, RuntimeError, ArithmeticError) as error:
        raise Unreadable(reason_of(error)) from error
    if width not in ((4, 8) if form == FLOATS else (1, 2, 3, 4)) or not RATES[0] <= rate <= RATES[1]:
        raise Unreadable(f"its header says {8 * width} bits and {rate} samples a second; {SAVE}")
    # 2. Whole frames only; a header may promise more than there is.
    whole = raw[: len(raw) // (channels * width) * channels * width]
    values, clipped = floats(whole, width) if form == FLOATS else (integers(whole, width), 0)
    values = values.reshape(-1, channels)
    if not len(values):
        raise Unreadable("it holds no samples")
    changes = [f"clipped: {counted(clipped, 'sample')} louder than full scale"] if clipped else []
    changes += [f"cut short: {len(values):,} of {said:,} samples are there"] if len(values) < said else []
    # 3. One channel.
    changes += [f"mixed down from {channels} channels"] if channels > 1 else []
    return Sound(values.mean(1), rate, tuple(changes), clipped)


def resampled(sound: Sound, rate: int) -> Sound:
    """The same sound at another rate, frequencies above half of it filtered out; it says so if it changed."""
    if sound.rate == rate:
        return sound
    common = gcd(rate, sound.rate)
    found = resample_poly(sound.samples, rate // common, sound.rate // common)
    changes = (*sound.changes, f"resampled from {sound.rate:,} to {rate:,} Hz")
    return Sound(found, rate, changes, sound.clipped)


def sixteen_bits(samples: NDArray[np.float64]) -> NDArray[np.int16]:
    """Numbers from -1 to 1 as 16-bit samples; what is louder is clipped."""
    found: NDArray[np.int16] = (samples * 32768).round().clip(-32768, 32767).astype(np.int16)
    return found


def as_integers(content: bytes) -> tuple[bytes, int]:
    """The file with a header that promises whole numbers, and the format of samples that it had: INTEGERS,
    FLOATS, or another, with which the file is left as it is.
    """
    at = 12
    while at + 24 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if name == b"fmt ":
            (form,) = struct.unpack_from("<H", content, at + 8)
            if form == EXTENSIBLE and size >= 40 and at + 34 <= len(content):
                (form,) = struct.unpack_from("<H", content, at + 32)
            if form in (INTEGERS, FLOATS):
                content = content[: at + 8] + struct.pack("<H", INTEGERS) + content[at + 10 :]
            return content, form
        at += 8 + size + size % 2
    return content, INTEGERS


def integers(raw: bytes, width: int) -> NDArray[np.float64]:
    """Little-endian samples of 1 to 4 bytes, from -1 to below 1; those of 1 byte have no sign, and silence is
    128.
    """
    if width == 1:
        return (np.frombuffer(raw, np.uint8) - 128.0) / 128
    if width == 3:  # as the upper three bytes of four
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return wide.view("<i4")[:, 0] / 2.0**31
    return np.frombuffer(raw, f"<i{width}") / 2.0 ** (8 * width - 1)


def floats(raw: bytes, width: int) -> tuple[NDArray[np.float64], int]:
    """Little-endian samples of 4 or 8 bytes, and how many of them were clipped to -1 or 1.

    Raises:
        Unreadable: one is infinite or no number.
    """
    values = np.frombuffer(raw, f"<f{width}").astype(np.float64)
    if bad := int((~np.isfinite(values)).sum()):
        raise Unreadable(
            f"{counted(bad, 'sample')} of {len(values):,} {'is' if bad == 1 else 'are'} no number"
        )
    return values.clip(-1, 1), int((abs(values) > 1).sum())


def refuse_others(content: bytes) -> None:
    """Files that are no WAV, by their first bytes.

    Raises:
        Unreadable: with what the file is, if that is known.
    """
    if not content:
        raise Unreadable("it is empty (0 bytes)")
    if not content.startswith(b"RIFF"):
        kind = next((name for start, name in OTHERS.items() if content.startswith(start)), "")
        raise Unreadable(f"it is {kind}; {SAVE}" if kind else f"it is no WAV file; {SAVE}")


def reason_of(error: Exception) -> str:
    """What Python's reader did not like, for people."""
    text = str(error)
    if text.startswith("unknown format"):
        number = text.split(":")[-1].strip()
        return f"its samples are {KINDS.get(number, f'of format {number}')}; {SAVE}"
    return f"its header is damaged ({text or 'it ends too early'})"
