"""Synthetic words: tones that rise, fall or stay, by voices of different pitch; and WAV files of them."""

import io
import struct
import wave

import numpy as np

RATE = 8000
WORDS = ("rise", "fall", "stay")


def tone(word, pitch=500.0, seconds=0.3, rate=RATE, seed=0):
    """A sweep over half an octave in noise, as numbers from -1 to 1."""
    t = np.arange(int(seconds * rate)) / rate
    bend = {"rise": 1.0, "fall": -1.0, "stay": 0.0}[word]
    phase = 2 * np.pi * pitch * (t + bend * t**2 / (2 * seconds))
    noise = np.random.default_rng(seed).standard_normal(len(t))
    return 0.3 * np.sin(phase) + 0.005 * noise


def wav(samples, rate=RATE, width=2, channels=1):
    """The bytes of a WAV file of PCM; samples (n,) or (n, channels) from -1 to 1."""
    scaled = np.round(np.asarray(samples) * 2.0 ** (8 * width - 1)).astype(np.int64)
    scaled = scaled.clip(-(2 ** (8 * width - 1)), 2 ** (8 * width - 1) - 1)
    if width == 1:
        raw = (scaled + 128).astype(np.uint8).tobytes()
    else:
        raw = scaled.astype("<i8").reshape(-1, 1).view(np.uint8)[:, :width].tobytes()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw)
    return out.getvalue()


def in_floats(samples, rate=8000, size=4, extensible=False):
    """The bytes of a WAV file of floating-point samples (n, channels)."""
    x = np.asarray(samples, f"<f{size}").reshape(len(samples), -1)
    form, frame = 0xFFFE if extensible else 3, size * x.shape[1]
    head = struct.pack("<HHIIHH", form, x.shape[1], rate, rate * frame, frame, 8 * size)
    if extensible:
        head += struct.pack("<HHIH", 22, 8 * size, 0, 3) + bytes.fromhex("000000001000800000aa00389b71")
    chunks = [(b"fmt ", head), (b"fact", struct.pack("<I", len(x))), (b"data", x.tobytes())]
    body = b"WAVE" + b"".join(name + struct.pack("<I", len(part)) + part for name, part in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def folder(place, speakers=4, each=6):
    """Class folders of WAV files named WORD_SPEAKER_TAKE.wav."""
    for word in WORDS:
        (place / word).mkdir(parents=True)
        for s in range(speakers):
            for take in range(each):
                samples = tone(word, 400 + 150 * s + 20 * take, 0.25 + 0.02 * take, seed=100 * s + take)
                (place / word / f"{word}_s{s}_{take}.wav").write_bytes(wav(samples))
    return place
