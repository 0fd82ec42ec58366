"""Spoken digits of six speakers, 15 recordings each: the first takes of the Free Spoken Digit Dataset.

The public original has 50 takes of each digit by each speaker. GitHub packs a zip anew whenever it is asked,
so no checksum is published: checked are the number of recordings and their rate.
"""

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradschool.data.audio.audioset import AudioSet
from gradschool.data.setinfo import RemoteFile

if TYPE_CHECKING:
    from gradschool.data.audio.recordings import Recordings

ZIP = "26eb9aa.zip"  # the commit of the repository
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TAKES, RATE = 15, 8000


def read(place: Path) -> "Recordings":
    """All 900 recordings, in the order of the file."""
    import torch

    from gradschool.data.audio.recordings import Recordings  # loads torch

    with np.load(place, allow_pickle=False) as pack:
        digits, speakers, takes = pack["digit"], pack["speaker"].tolist(), pack["take"]
        names = [f"{d}_{s}_{t}.wav" for d, s, t in zip(digits, speakers, takes, strict=True)]
        samples, starts = (torch.from_numpy(pack[name]) for name in ("samples", "offset"))
        labels = torch.from_numpy(digits.astype(np.int64))
        return Recordings(samples, starts, labels, WORDS, int(pack["rate"]), speakers, names)


def build(folder: Path, made: Path) -> None:
    """The first takes of every digit and speaker as one file, as the data pack holds them.

    Raises:
        ValueError: the zip does not hold them as published.
    """
    from gradschool.data.audio.wave_file import decoded, sixteen_bits  # loads SciPy

    with zipfile.ZipFile(folder / ZIP) as archive:
        found = {}
        for name in archive.namelist():
            match = re.search(r"/recordings/(\d)_([a-z]+)_(\d+)\.wav$", name)
            if match and match[2] in SPEAKERS and int(match[3]) < TAKES:
                found[int(match[1]), match[2], int(match[3])] = name
        if len(found) != len(WORDS) * len(SPEAKERS) * TAKES:
            raise ValueError(f"{len(found)} recordings, not {len(WORDS) * len(SPEAKERS) * TAKES}")
        keys = sorted(found, key=lambda key: (key[0], key[1], str(key[2])))  # as the files are sorted
        sounds = [decoded(archive.read(found[key])) for key in keys]
    if any(sound.rate != RATE for sound in sounds):
        raise ValueError(f"recordings of other rates than {RATE} Hz")
    digit, speaker, take = zip(*keys, strict=True)
    waves = [sixteen_bits(sound.samples) for sound in sounds]
    with made.open("wb") as file:
        np.savez_compressed(
            file, samples=np.concatenate(waves), offset=np.cumsum([0, *map(len, waves)]),
            digit=np.array(digit, np.uint8), speaker=np.array(speaker), take=np.array(take, np.uint8),
            rate=np.int64(RATE),
        )  # fmt: skip


SET = AudioSet(
    name="spoken_digits",
    title="Spoken digits, 6 speakers, 900 recordings (part of the Free Spoken Digit Dataset)",
    licence="CC BY-SA 4.0",
    source="Jackson et al. 2018, Free Spoken Digit Dataset, doi 10.5281/zenodo.1342401",
    files=[RemoteFile(ZIP, f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{ZIP}")],
    packs=["spoken-digits/spoken-digits.npz"],
    aliases=["fsdd"],
    read=read,
    build=build,
    made="spoken-digits.npz",
)
