"""A run that gives every recording a class: waves to features, a network over time, baselines beside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.audio.batches import Spoken, in_order
from gradschool.data.audio.change import Change
from gradschool.data.audio.features import Features, Kind
from gradschool.data.audio.open import Wished, open_recordings
from gradschool.data.audio.recordings import Recordings
from gradschool.data.examples import Splits
from gradschool.engine.device import Machine, Precision
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.audio.answers import Heard, heard, logits_of
from gradschool.evals.audio.baselines import baselines, by_speaker, verdict
from gradschool.evals.classification.metrics import negative_log_likelihood, wilson
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.metric import ACCURACY, LOSS, Metric
from gradschool.evals.report import numbers, sound
from gradschool.evals.report.page import write_report
from gradschool.models import catalogue
from gradschool.phrases import command, counted
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Progress as Done
from gradschool.runs.kind import Skip
from gradschool.runs.reopen import splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Run, Share, share_of_processes
from gradschool.runs.settings import ByName, make_model
from gradschool.tasks.classify_sequences import ClassifySequences

HearingFunction = Annotated[Callable[..., nn.Module], ByName("bands")]
Seconds = Annotated[float, Field(gt=0, le=1)]
FEW = 30  # training recordings of a word below which more of them help most
AT_ONCE = 64  # recordings a batch where nothing is trained


@dataclass(frozen=True, kw_only=True)
class AudioRun(Run):
    """A classifier of recordings, trained on a set or on a folder of class folders of WAV files."""

    kind: ClassVar[str] = "audio_classifier"
    title: ClassVar[str] = "a classifier of recordings"
    examples: ClassVar[str] = "recordings"
    takes: ClassVar[str] = "a folder of class folders of .wav files"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(ACCURACY.name, ACCURACY.title, "share", "higher", "of the test recordings"),
        Metric(LOSS.name, LOSS.title, "nats", note="cross-entropy"),
    )

    model: HearingFunction
    """Which network: the name of a function of (bands, classes) in gradschool.models."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.hidden=64."""
    words: tuple[str, ...] = ()
    """Classes that are used; all if none is named."""
    tested: tuple[str, ...] = ()
    """Speakers that are tested on; if none is named a share of them is drawn, the same for every seed."""
    test: Annotated[float, Field(gt=0, lt=1)] = 1 / 3
    """Share of the speakers that is tested on; of the recordings, where no speakers are known."""
    speaker: str = ""
    """Pattern that finds the speaker in a file's name, e.g. "^[^_]+_([^_]+)" for 3_theo_7.wav."""
    features: Kind = "log_mel"
    """log_mel: bands; mfcc: cepstral coefficients of them."""
    bands: Count = 24
    """Mel bands."""
    coefficients: Count = 13
    """Cepstral coefficients; of mfcc."""
    window: Seconds = 0.032
    """Seconds in a frame."""
    hop: Seconds = 0.02
    """Seconds from frame to frame."""
    centred: bool = True
    """Subtract the mean over each recording, and with it level and microphone."""
    levelled: bool = False
    """Subtract the mean of all bands over each recording: its level, but not its timbre."""
    scaled: bool = False
    """Divide by the deviation over each recording, and with it how lively a voice is."""
    slopes: bool = False
    """Add the slope in time of each number, which doubles a row."""
    change: Change = field(default_factory=Change)
    """Random changes of the training recordings, and masks of their features."""
    label_smoothing: Share = 0.0
    """Share of the target that is spread over all classes."""
    precision: Precision = "fp32"
    """Arithmetic: fp32, or auto, bf16, fp16."""
    threads: Count | None = 1
    """Processor threads; networks of this size are fastest with one."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def open(self, seed: int, data: str | None = None) -> Splits[Recordings]:
        """The recordings in three parts; `data` says where they lie now, if they moved."""
        wished = Wished(self.words, self.tested, self.speaker, self.val, self.test)
        return open_recordings(data or self.data, wished, seed)

    def contents(self, splits: Splits[Recordings]) -> str:
        """Name and counts of a set, how many classes it has and how long it is."""
        seconds = sum(part.seconds for part in splits.parts.values())
        return f"{super().contents(splits)} · {len(splits.train.classes)} classes, {seconds:,.0f} s of sound"

    def warnings(self, splits: Splits[Recordings]) -> list[str]:
        """That there is little to learn from."""
        each = round(len(splits.train) / max(1, len(splits.train.classes)))
        few = f"Few to learn from: {counted(each, 'training recording')} a class. More speakers help most."
        return [few] if each < FEW else []

    def pipeline(self, train: Recordings) -> Features:
        """How waves become features, with statistics of the training part alone.

        Raises:
            UserError: a mel band would be narrower than the distance of two frequencies.
        """
        wanted = Features(
            train.rate, self.features, self.bands, self.coefficients, self.window, self.hop, self.centred,
            levelled=self.levelled, scaled=self.scaled, slopes=self.slopes,
        )  # fmt: skip
        if self.features == "mfcc" and self.coefficients > self.bands:
            what = f"coefficients is {self.coefficients}"
            raise UserError(what, f"at most bands ({self.bands})", "Example: --set coefficients=13")
        if not wanted.filters().sum(1).all():
            what = f"bands is {self.bands}, and a frame of {wanted.frame} samples has too few frequencies"
            raise UserError(what, "fewer bands, or a longer window", "Example: --set bands=24")
        return wanted.learnt(train)

    def start_model(self, train: Recordings, pipeline: Features) -> nn.Module:
        """The model with random weights."""
        return self.build(pipeline.size, len(train.classes))

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build(features_of(facts).size, len(facts["classes"]))

    def build(self, features: int, classes: int) -> nn.Module:
        """A freshly initialised model."""
        return make_model(self.model, features, classes, options=self.model_options)

    def task(self, model: nn.Module, splits: Splits[Recordings], held_out: str) -> ClassifySequences:
        """Cross-entropy on the labels."""
        return ClassifySequences(model, self.label_smoothing, held_out)

    def loader(
        self, splits: Splits[Recordings], pipeline: Features, request: Request, machine: Machine
    ) -> Spoken:
        """Training recordings, changed at random, in a new order every epoch."""
        share = share_of_processes()
        return Spoken(splits.train, pipeline, self.batch_size, request.seed, self.change, share)

    def evaluation(self, splits: Splits[Recordings], pipeline: Features) -> HeldOut:
        """The recordings of the validation part, or of the test part without one."""
        return partial(in_order, splits.val or splits.test, pipeline, AT_ONCE)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights and the baselines once on the test part; write the record."""
        splits, features, model = pieces.splits, pieces.pipeline, pieces.model
        with final_weights(self, pieces, folder):
            logits, seen = (logits_of(model, in_order(part, features, AT_ONCE))
                            for part in (splits.test, splits.train))  # fmt: skip
            known = {"classes": list(splits.train.classes), "features": asdict(features),
                     "parameters": sum(p.numel() for p in model.parameters())}  # fmt: skip
            folder.write("model.json", known)
        right = (logits.argmax(1) == splits.test.labels).long()
        accuracy = right.sum().item() / len(right)
        scores = {
            "test_accuracy": accuracy,
            "test_loss": negative_log_likelihood(logits, splits.test.labels),
            "train_accuracy": float((seen.argmax(1) == splits.train.labels).float().mean()),
        }
        beside = baselines(features, splits.train, splits.test)
        write_result(
            self, pieces, folder, at, scores, interval=wilson(int(right.sum()), len(right)), baselines=beside,
            speakers={who: hits / n for who, (hits, n) in by_speaker(splits.test, right).items()},
        )  # fmt: skip

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Test accuracy with its interval, whether the network beats the baselines, and each speaker."""
        (low, high), test = result["interval"], result["metrics"]["test_accuracy"]
        told = (
            f" accuracy {curve}{100 * test:.1f} % of {result['tested']:,} test recordings "
            f"[{100 * low:.1f}, {100 * high:.1f}] in {result['seconds']:.1f} s"
            f"\n baseline {verdict(test, result['baselines'])}"
        )
        each = ", ".join(f"{who} {100 * share:.1f} %" for who, share in result["speakers"].items())
        return f"{told}\n speakers {each}" if each else told

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Verdict and baselines, classes, confusion, speakers, spectrograms, curves."""
        if ood:
            self.refuse_second(ood)
        facts = sound.SoundFacts(unit=self.examples)
        if result := folder.read("result.json"):
            model, known = rebuilt(folder, self)
            splits, features = splits_again(self, folder, data), features_of(known)
            logits = logits_of(model, in_order(splits.test, features, AT_ONCE))
            facts = sound.SoundFacts(
                splits, model, unit=self.examples, features=features, logits=logits,
                baselines=result["baselines"],
            )  # fmt: skip
        return write_report(
            folder.path, facts, [*sound.SECTIONS, numbers.training, numbers.rate, numbers.settings]
        )

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Done, skip: Skip
    ) -> Iterator[Heard]:
        """The most probable classes of WAV files; of another rate they are resampled, which is said."""
        model, facts = rebuilt(folder, self)
        return heard(model, features_of(facts), facts["classes"], files, top, progress, skip)

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write the network as ONNX and check it: rows of features (b, t, d), without padding, to logits.

        The file says how features are made, in its metadata.
        """
        model, facts = rebuilt(folder, self)
        size = features_of(facts).size

        def rows(count: int, generator: torch.Generator) -> Tensor:
            return torch.randn(count, 5 + 7 * count, size, generator=generator)

        known = {name: facts[name] for name in ("classes", "features")}
        example, place = rows(2, torch.Generator().manual_seed(0)), out or folder.path / "model.onnx"
        return export_onnx(model, example, place, known, rows, name="features")

    def next_step(self, folder: RunFolder) -> str:
        """Recordings are what it is for."""
        return command("predict", folder.path, "FILE.wav")


def features_of(facts: dict[str, Any]) -> Features:
    """The features of a finished run, from model.json."""
    held = facts["features"]
    return Features(**(held | {"mean": tuple(held["mean"]), "std": tuple(held["std"])}))
