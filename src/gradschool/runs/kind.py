"""A kind of run: what it is called, what its numbers mean, and what can be asked of a finished one.

A command asks the run, and a kind that cannot says so. Only `score` and `judge` are about generators alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn, Protocol

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.metric import Metric
from gradschool.phrases import command

Progress = Callable[[int, int], None]  # (files done, files in all)
Skip = Callable[[Path, str], None]  # (file, why it is left out)


def unheard(text: str) -> None:
    """Hears what is made, and says nothing."""


class Answer(Protocol):
    """What a run says of one file."""

    def line(self) -> str:
        """For a terminal."""
        ...

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        ...


def check_count(name: str, value: int, most: int, example: str) -> None:
    """Refuse a number of things to make that is below 1, or so large that no computer has room for it.

    Raises:
        UserError: it is not from 1 to `most`; `example` shows one that is.
    """
    if not 1 <= value <= most:
        raise UserError(f"{name} is {value}", f"a whole number from 1 to {most:,}", f"Example: {example}")


@dataclass(frozen=True)
class Wanted:
    """What is asked of a run that makes something new; see `gradschool sample --help`.

    Args:
        n: how many; None: as many as is usual for the kind.
        seed: of the noise.
        label: only of this class, by name or number.
        steps: from noise to sample, for models that take steps.
        guidance: how strongly the class pulls.
        sampler: by name.
        film: show how samples come about.
        prompt: the text to go on with, for kinds that take one.
        temperature: of the draws of such a kind.
        top_k: draw among so many most probable tokens only.
        tokens: how long a text to make.
        top_p: draw among the fewest most probable tokens whose probabilities sum to this.
        min_p: draw among tokens at least so many times as probable as the most probable one.
        repetition_penalty: makes tokens of the text so far less probable.
        beams: of a beam search in place of draws.
        length_penalty: power of the length that the log-probability of a beam is divided by.
        pattern: a regular expression that what is written has to match.
        schema: a file with the JSON schema that it has to fit.
        draft: folder of a smaller run that proposes tokens.
        weights: "int8" or "int4" to write with weights of so many bits; None: as trained.
        heard: told every piece of a text as it comes.
        noted: told in a sentence what a person should know of how it was made.
    """

    n: int | None = None
    seed: int = 0
    label: str | None = None
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    film: bool = False
    prompt: str | None = None
    temperature: float | None = None
    top_k: int | None = None
    tokens: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    beams: int | None = None
    length_penalty: float | None = None
    pattern: str | None = None
    schema: Path | None = None
    draft: Path | None = None
    weights: Literal["int8", "int4"] | None = None
    heard: Callable[[str], None] = unheard
    noted: Callable[[str], None] = unheard


@dataclass(frozen=True)
class Exam:
    """What a finished run is examined in; see `gradschool eval --help`.

    Args:
        task: its name.
        files: texts or questions; none: what is usual for the task.
        shots: solved examples before a question.
        seed: of their choice.
        words: in a row that two texts must have in common.
        weights: "int8" or "int4" to examine the network with weights of so many bits; None: as trained.
        data: where the run's own data lie now, if they moved.
    """

    task: str
    files: Sequence[Path] = ()
    shots: int = 0
    seed: int = 0
    words: int = 13
    weights: Literal["int8", "int4"] | None = None
    data: str | None = None


@dataclass(frozen=True)
class Finding:
    """What an examination found: lines for a terminal, and facts for JSON."""

    lines: Sequence[str]
    facts: dict[str, Any]


class Kind:
    """What every kind of run has. A kind overrides what it can do; the rest is refused in a sentence."""

    kind: ClassVar[str]
    """Its name in config.json; unique, and never changed, for old folders name it."""
    title: ClassVar[str]
    """What a run of this kind is, for a sentence, e.g. "an image classifier"."""
    metrics: ClassVar[tuple[Metric, ...]] = ()
    """What its numbers mean; the first is what it is judged by."""
    validates: ClassVar[bool] = True
    """Whether its first metric is measured on a validation part, so that settings can be chosen by it."""
    makes: ClassVar[str] = "samples"
    """What `sample` makes, in a word."""
    prompts: ClassVar[bool] = False
    """Whether `sample` takes a prompt, a temperature, top-k and a number of tokens."""
    places: ClassVar[tuple[str, ...]] = ("data",)
    """Settings that may be paths: they are written down so that they hold from any folder."""

    ensemble: ClassVar[str] = ""
    """The kind of run that several finished ones of this kind can be put together to; "" for none."""

    @property
    def monitor(self) -> str:
        """The score that a run is judged by, without its part."""
        return self.metrics[0].name

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Write report.html and return its path.

        Args:
            folder: of the run; an unfinished one gets a report of its curves.
            ood: a second set to test on, where the kind knows what to do with one.
            data: where the data lie now, if they moved.
        """
        raise NotImplementedError

    def refuse_second(self, ood: str) -> None:
        """Refuse a second set before any work: none of this name is here, or this kind compares with none.

        Raises:
            UserError: always, for a kind whose report compares with no second set.
        """
        wanted = "a run on pictures, such as digits or vae_mnist"
        raise UserError(f"--ood {ood} was given to {self.title}", wanted, "Leave --ood out.")

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Progress, skip: Skip
    ) -> Iterator[Answer]:
        """What a finished run says of files.

        Args:
            folder: of the run.
            files: files, and folders that are searched through.
            top: how many answers to give for each.
            progress: told how far it is.
            skip: told of every file that is left out.
        """
        self.cannot("predict", folder)

    def answer(self, folder: RunFolder, words: Sequence[str], top: int) -> Sequence[Answer]:
        """What a finished run says of texts that were typed in place of files; `top` as for `predict`."""
        self.cannot("predict", folder)

    def sample(self, folder: RunFolder, wanted: Wanted, out: Path | None) -> Path:
        """Make something new and return where it was written; `out` None: into the run's folder."""
        self.cannot("sample", folder)

    def chat(self, folder: RunFolder, temperature: float = 0.0, seed: int = 0) -> Any:
        """Someone to talk to (`runs.language.tuning.chat`), for a model that was fine-tuned on answers."""
        self.cannot("chat", folder)

    def said_of(self, folder: RunFolder, made: Path) -> str:
        """What a person should know of what `sample` has written, in a sentence; "" for nothing."""
        return ""

    def export(self, folder: RunFolder, out: Path | None) -> Any:
        """Write the network as ONNX and check it; `out` None: model.onnx in the run's folder."""
        self.cannot("export", folder)

    def export_int8(self, folder: RunFolder, out: Path | None, data: str | None = None) -> Any:
        """Write the network as ONNX in 8-bit integers and measure it beside float32 on the test part; `out`
        None: model-int8.onnx in the run's folder, `data`: where the data lie now, if they moved.
        """
        self.cannot("export in 8-bit integers", folder)

    def compress(self, folder: RunFolder, how: Literal["int8", "int4"], out: Path | None) -> Any:
        """Write the network with weights of 8 or 4 bits; `out` None: model-HOW.safetensors in the run."""
        self.cannot("export with whole-number weights", folder)

    def evaluate(self, folder: RunFolder, exam: Exam) -> Finding:
        """Examine a finished run."""
        self.cannot("eval", folder)

    def play(self, folder: RunFolder, n: int, seed: int, out: Path | None) -> Finding:
        """Film a trained agent as it plays n episodes; `out` None: play-SEED.gif in the run's folder."""
        self.cannot("play", folder)

    def said(self, folder: RunFolder, examples: Any) -> Any:
        """What a finished run says of labelled examples of its own kind: logits (n, classes), on the CPU."""
        self.cannot("be a member of an ensemble", folder)

    def settle(self, folder: RunFolder, examples: Any) -> None:
        """Take what the network keeps of its training data anew, for weights that were not trained but
        averaged: statistics of batch normalisation. Most networks keep nothing.
        """

    def from_pixels(self, folder: RunFolder) -> Any:
        """The network with all that comes before it, as one module from pixels in [0, 1] to logits."""
        self.cannot("be exported as a member of an ensemble", folder)

    def classifier(self, folder: RunFolder) -> Any:
        """The network as something that classifies pictures (`evals.classifier.Classifier`)."""
        self.cannot("classify", folder)

    def in_words(self, folder: RunFolder) -> str:
        """What its network is and what it has learnt, for those who look through its eyes."""
        self.cannot("classify", folder)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """What was reached, in one line for the terminal; `curve` is a row of bars to put into it."""
        raise NotImplementedError

    def next_step(self, folder: RunFolder) -> str:
        """The command to try next."""
        return command("report", folder.path)

    def abilities(self) -> list[str]:
        """The commands that this kind of run can do."""
        own, called = type(self), {"evaluate": "eval"}
        methods = ("report", "predict", "sample", "chat", "evaluate", "export", "play")
        return [called.get(each, each) for each in methods if getattr(own, each) is not getattr(Kind, each)]

    def cannot(self, what: str, folder: RunFolder) -> NoReturn:
        """Refuse what this kind of run cannot do.

        Raises:
            UserError: always; it names what the kind can do.
        """
        can = " or ".join(command(name, folder.path) for name in self.abilities())
        raise UserError(f"{folder.path} is {self.title}, which cannot {what}", "", f"It can: {can}")
