"""A run that learns word vectors: skip-gram, CBOW or GloVe, of words as they are or as bags of n-grams."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.rows import Rows, in_order, seeded
from gradschool.data.text.vectors.cooccurrence import Corpus, WordVocabulary, cooccurrence, words_of
from gradschool.data.text.vectors.documents import Documents, open_documents
from gradschool.data.text.vectors.stretches import Stretches
from gradschool.data.text.vectors.subwords import Subwords
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.optim import Name
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Kind as ScheduleKind
from gradschool.errors import UserError
from gradschool.evals.metric import Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import words as sections
from gradschool.models.language.word_table import WordTable
from gradschool.phrases import command
from gradschool.runs.finish import final_weights, write_result
from gradschool.runs.kind import Progress as Told
from gradschool.runs.kind import Skip
from gradschool.runs.language.neighbours import Neighbours, neighbours_in
from gradschool.runs.language.wordfacts import counted, facts_of, measured, saved, verdict
from gradschool.runs.reopen import splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Positive, Run, Share, share_of_processes
from gradschool.tasks.word_vectors import Counting, Predicting

HELD_OUT = 100  # every so many pairs one is held out from GloVe
AT_ONCE = 1 << 16  # pairs that are scored together


@dataclass(frozen=True)
class Words:
    """How texts become numbers: the vocabulary of the training part, and its text.

    Args:
        vocabulary: words of the training part.
        corpus: the training part.
        subwords: how words are cut into n-grams; None: not at all.
    """

    vocabulary: WordVocabulary
    corpus: Corpus
    subwords: Subwords | None


@dataclass(frozen=True, kw_only=True)
class WordVectorRun(Run):
    """Word vectors, learnt from a set of texts or from a text file with one text a line."""

    kind: ClassVar[str] = "word_vectors"
    title: ClassVar[str] = "a set of word vectors"
    examples: ClassVar[str] = "stretches"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", "loss", note="of a held-out pair (skip-gram, GloVe) or word (CBOW)"),
        Metric("wordsim", "WordSim-353", "", "higher", "Spearman's rho with people's judgements"),
        Metric("simlex", "SimLex-999", "", "higher", "Spearman's rho with people's judgements"),
        Metric("analogies", "analogies", "share", "higher", "3CosAdd, of those whose words are known"),
        Metric("analogies_mul", "analogies (3CosMul)", "share", "higher", "as a product of cosines"),
    )

    method: Literal["skip_gram", "cbow", "glove"] = "skip_gram"
    """What is predicted: neighbours of a word, a word from its neighbours, or counts of neighbours."""
    size: Count = 100
    """Numbers a vector."""
    window: Annotated[int, Field(ge=1, le=100)] = 5
    """Largest distance of words that count as neighbours."""
    negatives: Positive = 5.0
    """Random words a pair, for skip-gram and CBOW."""
    least: Count = 5
    """Fewest occurrences of a word that gets a vector."""
    threshold: Annotated[float, Field(ge=0)] = 1e-3
    """Words more frequent than this are subsampled; 0 keeps every word."""
    subwords: bool = False
    """Make words of their character n-grams as well, so that unknown words have vectors."""
    epochs: Positive = 5.0
    """Passes over the training part."""
    batch_size: Count = 1024
    """Words (skip-gram, CBOW) or pairs (GloVe) a step."""
    optimizer: Name = "sgd"
    """For GloVe; skip-gram and CBOW take steps of plain SGD on the rows of the batch alone."""
    learning_rate: Positive = 0.025
    """Learning rate at the start."""
    schedule: ScheduleKind = "linear"
    """Course of the learning rate."""
    warmup: Share = 0.0
    """Share of the run in which the rate rises."""
    val: Share = 0.0
    """Share of the texts held out to choose by."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.02
    """Share of all texts held out for the loss; the same for every seed."""
    threads: Count | None = 1
    """Processor threads; the matrices are small."""

    def network(self) -> str:
        """The method, for people."""
        name = {"skip_gram": "skip-gram", "cbow": "CBOW", "glove": "GloVe"}[self.method]
        return f"{name}{' with subwords' if self.subwords else ''}, {self.size} numbers a word"

    def open(self, seed: int, data: str | None = None) -> Splits[Documents]:
        """The texts; `data` says where they lie now, if they moved."""
        return open_documents(data or self.data, val=self.val, test=self.test, seed=seed)

    def pipeline(self, train: Documents) -> Words:
        """The words of the training part.

        Raises:
            UserError: settings that such a run does not have, or too few words.
        """
        ours = self.method != "glove"
        for name in ("clip", "ema") if ours else ():
            if getattr(self, name) is not None:
                raise UserError(f"{name} is set for {self.method}", "none: it has no optimiser", "")
        texts = [words_of(text) for text in train.texts]
        vocabulary = WordVocabulary.of(texts, self.least)
        return Words(vocabulary, Corpus.of(texts, vocabulary), Subwords() if self.subwords else None)

    def build(self, words: Sequence[str]) -> WordTable:
        """Fresh vectors; the caller has seeded torch's generator."""
        if not self.subwords:
            return WordTable(len(words), self.size)
        cut = Subwords()
        return WordTable(len(words), self.size, cut.parts(words), len(words) + cut.buckets)

    def start_model(self, train: Documents, pipeline: Words) -> nn.Module:
        """Small random vectors."""
        return self.build(pipeline.vocabulary.words)

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The table of a finished run, before its weights."""
        return self.build(facts["words"])

    def task(self, model: nn.Module, splits: Splits[Documents], held_out: str) -> Predicting | Counting:
        """What is predicted.

        Raises:
            UserError: several processes were started.
        """
        if share_of_processes()[1] > 1:
            raise UserError("several processes were started", "one process", "Start it without torchrun.")
        if self.method == "glove":
            return Counting(model, held_out)
        return Predicting(model, self.method, self.negatives, held_out)

    def pairs(self, corpus: Corpus, words: int) -> tuple[Tensor, Tensor, Tensor]:
        """All pairs of neighbours with their counts, weighted by distance."""
        found = cooccurrence(corpus, words, self.window, weighted=True).tocoo()
        row, column, count = (torch.from_numpy(each) for each in (found.row, found.col, found.data))
        return row.long(), column.long(), count.float()

    def parts(self, words: Words) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """GloVe's pairs to train on, and those held out."""
        columns = self.pairs(words.corpus, len(words.vocabulary))
        held = torch.rand(len(columns[0]), generator=seeded("held out")) < 1 / HELD_OUT
        return tuple(each[~held] for each in columns), tuple(each[held] for each in columns)

    def stretches(self, corpus: Corpus, words: Words, seed: int) -> Stretches:
        """Batches of running text."""
        return Stretches(corpus, words.vocabulary, self.batch_size, seed, self.window, self.threshold)

    def loader(self, splits: Splits[Documents], pipeline: Words, request: Request, machine: Machine) -> Any:
        """Stretches of text, or pairs with counts."""
        if self.method == "glove":
            return Rows(self.parts(pipeline)[0], self.batch_size, request.seed)
        return self.stretches(pipeline.corpus, pipeline, request.seed)

    def evaluation(self, splits: Splits[Documents], pipeline: Words) -> HeldOut:
        """Text of the validation part, or of the test part without one; for GloVe pairs that are held out."""
        return self.predicted(splits.val or splits.test, pipeline)

    def predicted(self, part: Documents, words: Words) -> HeldOut:
        """What is predicted of a part, the same draws every time; for GloVe the pairs that are held out."""
        if self.method == "glove":
            return partial(in_order, self.parts(words)[1], AT_ONCE)
        corpus = Corpus.of([words_of(text) for text in part.texts], words.vocabulary)
        return partial(self.stretches(corpus, words, 0).epoch, 0)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Measure the final vectors and those of counting; write vectors, facts and result."""
        model: Any = pieces.model
        words: Words = pieces.pipeline
        with final_weights(self, pieces, folder), torch.inference_mode():
            loss = self.task(model, pieces.splits, "test").evaluate(
                pieces.stepper.machine.placed(self.predicted(pieces.splits.test, words)())
            )
            table = model.vectors(both=self.method == "glove").cpu()
            names = list(words.vocabulary.words)
            grams = model.inputs[len(names) :].cpu() if self.subwords else None
        # 1. The vectors, and what is needed to rebuild the model.
        vectors = WordVectors(names, table, (), words.subwords, grams)
        saved(vectors, folder.path)
        known = {"words": names, "parameters": sum(p.numel() for p in model.parameters())}
        folder.write("model.json", known)
        # 2. The tests, of these vectors and of those of counting.
        both = {sections.OURS: measured(vectors)}
        if both[sections.OURS]:
            both[sections.COUNTED] = measured(counted(words.corpus, words.vocabulary, self.size, self.window))
        scores = {f"test_{name}": one["value"] for name, one in both[sections.OURS].items()}
        told = {"measured": both, "words": len(names), "left_out": words.corpus.left_out}
        write_result(self, pieces, folder, at, loss | scores, **told)

    def vectors(self, folder: RunFolder) -> WordVectors:
        """The vectors of a finished run.

        Raises:
            UserError: it is not finished.
        """
        if not folder.read("result.json"):
            advice = f"Go on with it first: {command('train --resume', folder.path)}"
            raise UserError(f"{folder.path} is not finished", "a finished run", advice)
        return WordVectors.load(folder.path / "vectors.safetensors")

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Tests beside those of counting, neighbours, analogies, a plane, and curves."""
        if ood:
            self.refuse_second(ood)
        facts = sections.WordFacts()
        if result := folder.read("result.json"):
            facts = facts_of(self.vectors(folder), result, splits_again(self, folder, data))
        shown = [
            sections.tests, sections.neighbours, sections.analogies, sections.plane, numbers.training,
            numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, shown)

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Told, skip: Skip
    ) -> Iterator[Neighbours]:
        """Nearest neighbours of each line of text files, or the answers to analogies of three words."""
        return neighbours_in(self.vectors(folder), files, top, progress, skip)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """The tests, beside those of counting."""
        return f" words    {curve}{verdict(result['measured'])}; {result['seconds']:.1f} s"
