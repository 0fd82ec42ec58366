"""The record that tasks on sound are handed: recordings of any length, each with a class and a speaker."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float32, Int16, Int64
from torch import Tensor

FULL = 32768.0  # a 16-bit sample of full scale


@dataclass(frozen=True)
class Recordings:
    """One part of a set of recordings; 16 bits a sample, which is more than a microphone in a room gives.

    Args:
        samples: of all recordings, one after the other.
        starts: (n + 1), where each begins; the last entry is the number of all samples.
        labels: the class of each.
        classes: names, in label order.
        rate: samples a second, of all of them.
        speakers: who is heard in each; empty where nobody knows.
        names: where each came from, e.g. a file's name; empty where nobody knows.
    """

    samples: Int16[Tensor, " total"]
    starts: Int64[Tensor, " n1"]
    labels: Int64[Tensor, " n"]
    classes: tuple[str, ...]
    rate: int
    speakers: Sequence[str] = ()
    names: Sequence[str] = ()

    @classmethod
    def of(
        cls, waves: Sequence[Int16[Tensor, " _"]], labels: Sequence[int], classes: Sequence[str], rate: int,
        speakers: Sequence[str] = (), names: Sequence[str] = (),
    ) -> "Recordings":  # fmt: skip
        """The record of a list of waves."""
        lengths = torch.tensor([0, *map(len, waves)])
        samples = torch.cat([torch.zeros(0, dtype=torch.int16), *waves])
        return cls(samples, lengths.cumsum(0), torch.tensor(labels, dtype=torch.int64), tuple(classes), rate,
                   tuple(speakers), tuple(names))  # fmt: skip

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> Int64[Tensor, " n"]:
        """Samples of each recording."""
        return self.starts.diff()

    @property
    def seconds(self) -> float:
        """How long all of them are together."""
        return len(self.samples) / self.rate

    def wave(self, index: int) -> Int16[Tensor, " samples"]:
        """The samples of one recording."""
        return self.samples[int(self.starts[index]) : int(self.starts[index + 1])]

    def padded(self, index: Int64[Tensor, " k"]) -> tuple[Float32[Tensor, "k longest"], Int64[Tensor, " k"]]:
        """Some recordings as numbers from -1 to 1, silence behind the shorter ones; and their lengths."""
        lengths = self.lengths[index]
        found = torch.zeros(len(index), int(lengths.max()) if len(index) else 0)
        for row, place in zip(found, index.tolist(), strict=True):
            wave = self.wave(place)
            row[: len(wave)] = wave / FULL
        return found, lengths

    def take(self, index: Int64[Tensor, " k"]) -> "Recordings":
        """The recordings at `index`, in that order."""
        places = index.tolist()
        return self.of(
            [self.wave(i) for i in places], self.labels[index].tolist(), self.classes, self.rate,
            [self.speakers[i] for i in places] if self.speakers else (),
            [self.names[i] for i in places] if self.names else (),
        )  # fmt: skip

    def joined(self, others: Sequence["Recordings"], classes: Sequence[str] | None) -> "Recordings":
        """These and the others as one part; labels count `classes`, -1 for a recording of another class."""
        every, known = [self, *others], tuple(classes or self.classes)
        place = torch.tensor([known.index(name) if name in known else -1 for name in self.classes])
        lengths = torch.cat([part.lengths for part in every])
        return replace(
            self, samples=torch.cat([part.samples for part in every]),
            starts=torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)]),
            labels=place[torch.cat([part.labels for part in every])], classes=known,
            speakers=[s for part in every for s in part.speakers],
            names=[n for part in every for n in part.names],
        )  # fmt: skip

    def content(self) -> Sequence[bytes | memoryview]:
        """Samples, class and speaker of each recording with a name; without names, of all together."""
        if not self.names:
            numbers = (self.samples, self.starts, self.labels)
            return [x.numpy().tobytes() for x in numbers] if len(self) else []
        who = self.speakers or [""] * len(self)
        words = [f"{self.classes[y]}\n{s}" for y, s in zip(self.labels.tolist(), who, strict=True)]
        return [self.wave(i).numpy().tobytes() + word.encode() for i, word in enumerate(words)]
