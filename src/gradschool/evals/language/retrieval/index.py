"""An index of a folder of texts: its passages, and their vectors where there is an encoder, kept in files.

A passage is encoded once: whether a file has changed since is seen by its content, not by its date.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor

from gradschool.data.text.decode import read_text
from gradschool.data.text.passages import ENDINGS, Passage, passages_of, sentences_of
from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError
from gradschool.evals.language.retrieval.answer import Embed, Found, ranked
from gradschool.evals.language.retrieval.ranking import BM25, nearest
from gradschool.evals.language.retrieval.tfidf import TFIDF

AT_ONCE = 64  # passages that are encoded together
KEPT, VECTORS = "index.json", "vectors.safetensors"
Skip = Callable[[Path, str], None]


@dataclass(frozen=True)
class Changes:
    """What has changed in the folder since the index was made: files, by how."""

    new: Sequence[Path]
    changed: Sequence[Path]
    gone: Sequence[Path]


@dataclass(frozen=True)
class Index:
    """What is looked in.

    Args:
        passages: of all files.
        vectors: (n, d) of them; None without an encoder.
    """

    passages: Sequence[Passage]
    vectors: Float[Tensor, "n d"] | None = None

    def by_words(self, question: str, k: int, ranking: type[BM25] | type[TFIDF] = BM25) -> list[Found]:
        """The k best passages by shared words, the best first; each shares a word with the question."""
        scores = ranking([each.text for each in self.passages]).scores(question)
        order = scores.argsort(descending=True, stable=True)[:k].tolist()
        return [self.found(question, i, float(scores[i])) for i in order if scores[i] > 0]

    def by_meaning(self, question: str, k: int, embed: Embed) -> list[Found]:
        """The k passages whose vectors are nearest to the question's, by their cosine."""
        assert self.vectors is not None, "an index without an encoder has no vectors"
        scores, order = nearest(embed([question]), self.vectors, k)
        pairs = zip(scores[0].tolist(), order[0].tolist(), strict=True)
        return [self.found(question, i, score, embed) for score, i in pairs]

    def found(self, question: str, number: int, score: float, embed: Embed | None = None) -> Found:
        """A passage with its best sentence."""
        passage = self.passages[number]
        sentences = sentences_of(passage.text)
        return Found(passage, score, sentences[int(ranked(question, sentences, embed).argmax())])


def texts_in(folder: Path, skip: Skip) -> dict[Path, str]:
    """The text of every .txt and .md file of a folder, or of one file; hidden files are not read.

    Args:
        folder: or a file.
        skip: told of each file that cannot be read, and why.

    Raises:
        UserError: there is none.
    """
    if not folder.exists():
        raise UserError(f"{folder} does not exist", "a folder of texts, or a file")
    inside = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    found = {}
    for file in inside:
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.is_file() and not hidden and (file == folder or file.suffix.lower() in ENDINGS):
            try:
                found[file] = read_text(file)[0]
            except UserError as error:
                skip(file, error.what)
    if not any(text.strip() for text in found.values()):
        raise UserError(f"{folder} has no text to look in", f"files that end in {' or '.join(ENDINGS)}")
    return found


def opened(folder: Path, place: Path, encoder: str, embed: Embed | None, skip: Skip) -> tuple[Index, Changes]:
    """The index of a folder as it is now: what has not changed is taken from `place`, the rest is made.

    Args:
        folder: of texts.
        place: folder where the index is kept; it is made if it is not there.
        encoder: the name of the encoder, or "": vectors of another are made anew.
        embed: texts to vectors; None for words alone.
        skip: told of files that cannot be read.

    Raises:
        UserError: there is no text, or the index is damaged.
    """
    # 1. What was there, by file.
    texts = {file.resolve(): text for file, text in texts_in(folder, skip).items()}
    digests = {
        file: hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        for file, text in texts.items()
    }
    before, rows = kept(place, encoder)
    known = {Path(name): digest for name, digest in before.items()}
    # 2. The passages as they are now, with vectors that are still true.
    passages = [each for file, text in texts.items() for each in passages_of(text, file)]
    vectors = None if embed is None else encoded(passages, rows, embed)
    # 3. Written whole: names and digests, and vectors by the digest of their passage.
    with disk_errors(place, option="--index"):
        place.mkdir(parents=True, exist_ok=True)
        told = {"encoder": encoder, "files": {str(file): digest for file, digest in digests.items()}}
        write_whole(place / KEPT, json.dumps(told, indent=1).encode())
        if vectors is not None:
            keys = {digest_of(each): i for i, each in enumerate(passages)}
            write_whole(place / VECTORS, save({key: vectors[i].clone() for key, i in keys.items()}))
    changed = [file for file in digests if file in known and known[file] != digests[file]]
    changes = Changes([f for f in digests if f not in known], changed, [f for f in known if f not in digests])
    return Index(passages, vectors), changes


def kept(place: Path, encoder: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What an index holds: digests by file, and vectors by digest where they are of this encoder.

    Raises:
        UserError: it is damaged.
    """
    file = place / KEPT
    if not file.is_file():
        return {}, {}
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        files, same = dict(told["files"]), told["encoder"] == encoder
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the index {place} is damaged ({error})", "", f"Remove the folder {place}."
        ) from error
    vectors = place / VECTORS
    return files, read_weights(vectors) if same and vectors.is_file() else {}


def encoded(passages: Sequence[Passage], rows: dict[str, Tensor], embed: Embed) -> Float[Tensor, "n d"]:
    """The vectors of passages; those that are known are not encoded again."""
    found = [rows.get(digest_of(each)) for each in passages]
    missing = [i for i, row in enumerate(found) if row is None]
    for start in range(0, len(missing), AT_ONCE):
        part = missing[start : start + AT_ONCE]
        for i, vector in zip(part, embed([passages[i].text for i in part]).float().cpu(), strict=True):
            found[i] = vector
    return torch.stack([row for row in found if row is not None])


def digest_of(passage: Passage) -> str:
    """Tells one passage's text from another's."""
    return hashlib.sha256(passage.text.encode("utf-8", "surrogatepass")).hexdigest()


def measured(places: Iterable[int]) -> dict[str, float]:
    """Recall at 1, 5 and 10 and the mean reciprocal rank.

    Args:
        places: of the right passage for each question, from 1; 0 where it was not found.
    """
    every = list(places)
    found = {f"recall@{k}": sum(0 < place <= k for place in every) / len(every) for k in (1, 5, 10)}
    return found | {"mrr": sum(1 / place for place in every if place) / len(every)}
