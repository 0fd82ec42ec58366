"""Word vectors without training: co-occurrence counts, PPMI, and a truncated SVD.

Source: Levy, Goldberg and Dagan 2015. It goes through no engine, for there are no steps to take.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from gradschool.data.text.vectors.cooccurrence import Corpus, WordVocabulary, cooccurrence, words_of
from gradschool.data.text.vectors.documents import open_documents
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.language.words import ppmi_svd
from gradschool.evals.metric import Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import words as sections
from gradschool.runs.config import config
from gradschool.runs.kind import Progress, Skip
from gradschool.runs.language.neighbours import Neighbours, neighbours_in
from gradschool.runs.language.wordfacts import facts_of, measured, saved, verdict
from gradschool.runs.request import Request, Say
from gradschool.runs.small import SmallRun


@dataclass(frozen=True, kw_only=True)
class CountedVectors(SmallRun):
    """Settings of counting."""

    kind: ClassVar[str] = "counted_word_vectors"
    title: ClassVar[str] = "a set of word vectors by counting"
    validates: ClassVar[bool] = False
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("wordsim", "WordSim-353", "", "higher", "Spearman's rho with people's judgements"),
        Metric("simlex", "SimLex-999", "", "higher", "Spearman's rho with people's judgements"),
        Metric("analogies", "analogies", "share", "higher", "3CosAdd, of those whose words are known"),
        Metric("analogies_mul", "analogies (3CosMul)", "share", "higher", "as a product of cosines"),
    )

    data: str
    """Name of a set of texts, or a text file with one text a line."""
    size: Annotated[int, Field(ge=1)] = 100
    """Numbers a vector, below the number of words."""
    window: Annotated[int, Field(ge=1, le=100)] = 5
    """Largest distance of words that count as neighbours."""
    least: Annotated[int, Field(ge=1)] = 5
    """Fewest occurrences of a word that gets a vector."""
    smoothing: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Power on the counts of contexts."""
    shift: Annotated[float, Field(ge=1)] = 1.0
    """What is not more than so many times as frequent as by chance counts as 0."""
    power: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Power on the singular values."""

    def train(self, request: Request, say: Say) -> RunFolder:
        """Count, weigh and decompose.

        Args:
            request: as of every run: place, device.
            say: told what a person should read.
        """
        if request.device not in ("auto", "cpu"):
            raise UserError(f"{request.recipe} came with device {request.device}", "cpu", "Leave it out.")
        # 1. The words of all texts.
        splits = open_documents(self.data)
        texts = [words_of(text) for part in (splits.train, splits.test) for text in part.texts]
        folder, started = RunFolder.create(request.recipe, request.out), time.monotonic()
        folder.write("config.json", config(self, request) | {"device": "cpu"})
        folder.write("environment.json", {"device": "cpu", "started": time.strftime("%F %T")})
        vocabulary = WordVocabulary.of(texts, self.least)
        corpus = Corpus.of(texts, vocabulary)
        say(f"{request.recipe} · {splits.name} · {len(texts):,} texts, {len(corpus):,} words, "
            f"{len(vocabulary):,} different ones · {corpus.left_out:,} rarer words are left out")  # fmt: skip
        # 2. Their vectors.
        counts = cooccurrence(corpus, len(vocabulary), self.window)
        size = min(self.size, len(vocabulary) - 1)
        vectors = ppmi_svd(counts, vocabulary.words, size, self.smoothing, self.shift, self.power)
        seconds = time.monotonic() - started
        saved(vectors, folder.path)
        # 3. What they are worth.
        found = measured(vectors)
        scores = {f"test_{name}": one["value"] for name, one in found.items()}
        self.end(folder, scores, len(texts), seconds, measured={sections.COUNTED: found})
        return folder

    def vectors(self, folder: RunFolder) -> WordVectors:
        """The vectors of a finished run."""
        return WordVectors.load(folder.path / "vectors.safetensors")

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Tests, neighbours, analogies and a plane."""
        facts = facts_of(self.vectors(folder), folder.read("result.json"), None)
        shown = [sections.tests, sections.neighbours, sections.analogies, sections.plane, numbers.settings]
        return write_report(folder.path, facts, shown)

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Progress, skip: Skip
    ) -> Iterator[Neighbours]:
        """Nearest neighbours of each line of text files, or the answers to analogies of three words."""
        return neighbours_in(self.vectors(folder), files, top, progress, skip)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """The tests."""
        found = {sections.OURS: result["measured"][sections.COUNTED]}
        return f" words    {verdict(found)}; {result['seconds']:.1f} s"
