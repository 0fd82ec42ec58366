"""Vectors of words: read from files of several origins, kept as safetensors, asked for neighbours.

Sources: Mikolov et al. 2013 (analogies); Pennington et al. 2014 (GloVe, whose text files are read).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gradschool.data.text.vectors.subwords import Subwords
from gradschool.errors import UserError
from gradschool.ops.sequence.words import cos_add, cosine_similarity

WANTED = "a .npz with words and vectors, a GloVe or word2vec .txt, or a .safetensors with its words beside it"


@dataclass(frozen=True)
class WordVectors:
    """Words, the most frequent first, each with a vector.

    Args:
        words: each once.
        table: a row for each, (n, d).
        notes: sentences about what was left out of their file.
        subwords: how the n-grams of a word are numbered, for vectors that have them.
        grams: a vector for each of these numbers, to make those of unknown words.
    """

    words: Sequence[str]
    table: Float[Tensor, "n d"]
    notes: Sequence[str] = field(default_factory=tuple)
    subwords: Subwords | None = None
    grams: Float[Tensor, "k d"] | None = None

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The row of every word."""
        return {word: number for number, word in enumerate(self.words)}

    def __contains__(self, word: str) -> bool:
        return word in self.numbers

    def vector(self, word: str) -> Float[Tensor, " d"]:
        """The vector of a word; that of an unknown word is the mean of its n-grams' where there are any.

        Raises:
            UserError: the word is unknown and has no n-grams to make a vector of.
        """
        if word in self.numbers:
            return self.table[self.numbers[word]]
        known = self.subwords.numbers(word) if self.subwords is not None else []
        if self.grams is None or not known:
            wanted = f"one of its {len(self):,} words, in lower case in most files"
            raise UserError(f"there is no vector for {word!r}", wanted, "Check the spelling.")
        return self.grams[known].mean(0)

    def nearest(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """The words of the most similar vectors with their cosines, the word itself left out.

        Raises:
            UserError: the word has no vector.
        """
        score = cosine_similarity(self.vector(word)[None], self.table)[0]
        return self.best(score, [word], n)

    def analogy(self, a: str, b: str, c: str, n: int = 10) -> list[tuple[str, float]]:
        """The words x in "a is to b as c is to x" with their 3CosAdd scores, the best first; not a, b or c.

        Raises:
            UserError: one of the words has no vector.
        """
        score = cos_add(self.table, *(self.vector(word)[None] for word in (a, b, c)))[0]
        return self.best(score, [a, b, c], n)

    def best(self, score: Float[Tensor, " n"], without: Iterable[str], n: int) -> list[tuple[str, float]]:
        """The words of the highest scores, without some."""
        score = score.clone()
        for word in without:
            if word in self.numbers:
                score[self.numbers[word]] = -torch.inf
        found = score.topk(min(n, len(score)))
        pairs = zip(found.indices.tolist(), found.values.tolist(), strict=True)
        return [(self.words[i], value) for i, value in pairs if value > -torch.inf]

    def save(self, path: Path) -> Path:
        """Write the table as PATH.safetensors, and the words, one a line, as PATH.txt; returns the first."""
        table = path.with_suffix(".safetensors")
        tensors = {"vectors": self.table.contiguous()}
        facts = {}
        if self.subwords is not None and self.grams is not None:
            tensors["grams"] = self.grams.contiguous()
            facts = {name: str(value) for name, value in vars(self.subwords).items()}
        save_file(tensors, table, metadata=facts)
        path.with_suffix(".txt").write_text("".join(f"{word}\n" for word in self.words), encoding="utf-8")
        return table

    @classmethod
    def load(cls, path: Path) -> "WordVectors":
        """Read vectors; lines of a text file that are no vectors are left out, and `notes` counts them.

        Raises:
            UserError: there is no such file, it holds no vectors, or words and vectors do not fit.
        """
        if not path.is_file():
            raise UserError(f"{path} is {'a folder' if path.is_dir() else 'not there'}", WANTED, "")
        reader = {".npz": read_npz, ".safetensors": read_safetensors}.get(path.suffix, read_text)
        return reader(path)


def read_npz(path: Path) -> WordVectors:
    """Words and vectors of a NumPy archive; no pickled object is loaded."""
    try:
        with np.load(path, allow_pickle=False) as pack:
            words, table = pack["words"].tolist(), torch.from_numpy(pack["vectors"].astype(np.float32))
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UserError(f"{path} cannot be read ({error})", WANTED, "Bring it again.") from error
    return fitting(path, words, table)


def read_safetensors(path: Path) -> WordVectors:
    """What `WordVectors.save` has written."""
    lines = path.with_suffix(".txt")
    if not lines.is_file():
        raise UserError(f"{lines} is not there", "the words of the vectors, one a line", "Bring both files.")
    try:
        tensors = load_file(path)
        words = lines.read_text(encoding="utf-8").split("\n")[:-1]
        found = fitting(path, words, tensors["vectors"])
    except (SafetensorError, KeyError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error})", WANTED, "Bring it again.") from error
    if "grams" not in tensors:
        return found
    from_file = Subwords(buckets=len(tensors["grams"]))
    return WordVectors(found.words, found.table, (), from_file, tensors["grams"])


def read_text(path: Path) -> WordVectors:
    """Lines of a word and its numbers; word2vec's first line, of two counts, is not one of them.

    Raises:
        UserError: it is no text in UTF-8, or no line is a vector.
    """
    words: dict[str, list[float]] = {}
    bad: list[int] = []
    size = 0
    with path.open(encoding="utf-8", errors="strict", newline="\n") as lines:
        try:
            for number, line in enumerate(lines, 1):
                word, *values = line.rstrip("\r\n ").split(" ")
                if number == 1 and word.isdigit() and len(values) == 1 and values[0].isdigit():
                    continue
                row = numbers_in(values)
                size = size or len(row)
                if word in words or not row or len(row) != size:
                    bad.append(number)
                else:
                    words[word] = row
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not UTF-8 ({error.reason})", WANTED, "") from error
    if not words:
        raise UserError(f"{path} has no line with a word and its numbers", WANTED, "")
    table = torch.tensor(list(words.values()), dtype=torch.float32)
    return WordVectors(list(words), table, told(path, bad, size))


def numbers_in(values: Sequence[str]) -> list[float]:
    """The numbers of a line; [] where one is none, or not finite."""
    try:
        row = [float(value) for value in values]
    except ValueError:
        return []
    return row if all(map(np.isfinite, row)) else []


def told(path: Path, bad: Sequence[int], size: int) -> list[str]:
    """A sentence about lines that were left out; [] for none."""
    if not bad:
        return []
    many = f"{len(bad):,} lines are" if bad[1:] else "1 line is"
    why = f"not a new word with {size} finite numbers"
    return [f"{many} left out of {path.name}: {why}; the first is line {bad[0]:,}."]


def fitting(path: Path, words: list[str], table: Tensor) -> WordVectors:
    """Words and their table, if there are as many of each and all numbers are finite.

    Raises:
        UserError: they do not fit.
    """
    if table.dim() != 2 or len(words) != len(table) or not words:
        what = f"{path} has {len(words):,} words and vectors of shape {tuple(table.shape)}"
        raise UserError(what, "a vector for every word", "")
    if len(set(words)) != len(words) or not table.isfinite().all():
        what = f"{path} has {len(words) - len(set(words)):,} words twice, or numbers that are not finite"
        raise UserError(what, "every word once, with finite numbers", "")
    return WordVectors(words, table.float())
