"""A restorer's run: pictures are damaged, a network undoes it, and the plain fillings stand beside it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from gradschool.data.augment.hide import Damage
from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.data.vision.open import resolve_pictures
from gradschool.data.vision.pictures import open_pictures
from gradschool.engine.loop import Progress
from gradschool.engine.run import RunFolder
from gradschool.evals.dense.fillings import mean_filling, nearest_filling
from gradschool.evals.dense.smooth import smooth_filling
from gradschool.evals.inference import evaluating
from gradschool.evals.metric import Metric
from gradschool.evals.report import html, numbers
from gradschool.evals.report.html import Picture, Section
from gradschool.evals.report.material import Facts
from gradschool.evals.report.page import write_report
from gradschool.models.dense.restorer import conv_restorer, dense_restorer
from gradschool.models.dense.unet import unet_restorer
from gradschool.ops.similarity import structural_similarity
from gradschool.phrases import command
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.reopen import splits_again
from gradschool.runs.run import Pieces
from gradschool.runs.vision.oddness import oddness
from gradschool.runs.vision.pictures import PictureRun
from gradschool.tasks.restore import Damaging, Restore, masked_mse

KNOWN = 20_000  # training pictures at most that the nearest one is looked for among
SHOWN = 12  # test pictures in the report
RESTORERS: dict[str, Callable[..., nn.Module]] = {
    "conv": conv_restorer,
    "dense": dense_restorer,
    "unet": unet_restorer,
}
Kind = Literal["conv", "dense", "unet"]


@dataclass(frozen=True, kw_only=True)
class RestoreRun(PictureRun):
    """A network that restores damaged pictures, trained on a set or on a folder."""

    kind: ClassVar[str] = "restorer"
    title: ClassVar[str] = "a restorer of pictures"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", "test loss", note="squared error of a damaged pixel; lower is better"),
        Metric("ssim", "likeness (SSIM)", "", "higher", "of restored and true pictures; 1 is equal"),
        Metric("damaged_ssim", "likeness before", better=""),
        Metric("mse", "error over all pixels"),
        Metric("mean_loss", "error of the mean"),
        Metric("nearest_loss", "error of the nearest picture"),
        Metric("smooth_loss", "error of a smooth filling"),
    )

    model: Kind = "conv"
    """Which network: convolutions, all pixels at once, or a U-Net."""
    damage: Damage = field(default_factory=lambda: Damage(squares=1))
    """What is done to the pictures."""
    augment: Augment = field(default_factory=Augment)
    """Random changes of the training images, before they are damaged."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.width=32."""

    def network(self) -> str:
        """The network's name, for people."""
        return RESTORERS[self.model].__name__

    def open(self, seed: int, data: str | None = None) -> Splits[Images]:
        """The pictures; they need no classes."""
        return open_pictures(data or self.data, size=self.side(), val=self.val, seed=seed)

    def pipeline(self, images: Images) -> Pipeline:
        """Pixels from 0 to 1, as they are."""
        channels = images.pixels.shape[1]
        return Pipeline((0.0,) * channels, (1.0,) * channels, self.augment, (), len(images.classes))

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The model with random weights."""
        _, channels, side, _ = images.pixels.shape
        return self.build(channels, side)

    def build(self, channels: int, side: int) -> nn.Module:
        """A freshly initialised model."""
        return RESTORERS[self.model](channels, side, **self.model_options)

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build(facts["channels"], facts["height"])

    def damaging(self) -> Damaging:
        """What is done to the pictures."""
        return self.damage

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Restore:
        """Squared error where the pictures were damaged."""
        return Restore(model, self.damaging(), held_out)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """One look at the test part, beside the plain fillings; write the record and the weights."""
        splits, pipeline, model, machine = (
            pieces.splits,
            pieces.pipeline,
            pieces.model,
            pieces.stepper.machine,
        )
        # 1. The network, and what needs none: on the same damaged pictures.
        with final_weights(self, pieces, folder), evaluating(model), torch.inference_mode():
            batches = evaluation_batches(splits.test, pipeline, 2 * self.batch_size)
            scores = Restore(model, self.damaging(), "test").evaluate(machine.placed(batches))
            again = evaluation_batches(splits.test, pipeline, 2 * self.batch_size)
            scores |= self.likeness(model, machine.placed(again))
        if self.damage.hides and folder.writes:
            scores |= self.plainly(splits, pipeline)
        # 2. The record.
        _, channels, height, width = splits.test.pixels.shape
        parameters = sum(p.numel() for p in model.parameters())
        facts = {"channels": channels, "height": height, "width": width, "parameters": parameters}
        folder.write("model.json", facts)
        write_result(self, pieces, folder, at, scores, test_images=len(splits.test))

    def likeness(self, model: nn.Module, batches: Iterator[tuple[Tensor, ...]]) -> dict[str, float]:
        """Mean structural similarity to the truth of restored pictures, and of damaged ones; and the squared
        error over all pixels, restored and known, as courses state it.
        """
        restored, before, wrong, count = 0.0, 0.0, 0.0, 0
        for damaged, mask, images in Restore(model, self.damaging()).damaged(batches):
            answer = torch.where(mask, model(damaged, mask).float(), damaged)
            restored += structural_similarity(answer, images).sum().item()
            before += structural_similarity(damaged, images).sum().item()
            wrong += (answer - images).square().mean((1, 2, 3)).sum().item()
            count += len(images)
        means = {"test_ssim": restored, "test_damaged_ssim": before, "test_mse": wrong}
        return {name: total / count for name, total in means.items()}

    def plainly(self, splits: Splits[Images], pipeline: Pipeline) -> dict[str, float]:
        """Errors on the test part of three plain fillings: by the mean, by the most similar training picture,
        and smoothly from what is around.
        """
        known = some_of(splits.train, KNOWN)
        known_pixels = pipeline.eval(known.pixels, known.labels)[0]
        totals, count = {f"test_{name}_loss": 0.0 for name in ("mean", "nearest", "smooth")}, 0
        batches = evaluation_batches(splits.test, pipeline, 2 * self.batch_size)
        for damaged, mask, images in Restore(nn.Identity(), self.damaging()).damaged(batches):
            filled = {
                "test_mean_loss": mean_filling(damaged, mask, known_pixels),
                "test_nearest_loss": nearest_filling(damaged, mask, known_pixels),
                "test_smooth_loss": smooth_filling(damaged, mask),
            }
            for name, restored in filled.items():
                totals[name] += masked_mse(restored, images, mask).item() * int(mask.sum())
            count += int(mask.sum())
        return {name: total / max(count, 1) for name, total in totals.items()}

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Squared error a pixel, beside that of the plain fillings."""
        m = result["metrics"]
        beside = [
            f"{name} {m[key]:.4f}"
            for name, key in (
                ("mean", "test_mean_loss"),
                ("nearest picture", "test_nearest_loss"),
                ("smooth", "test_smooth_loss"),
            )
            if key in m
        ]
        told = f" ({', '.join(beside)})" if beside else ""
        alike = f"SSIM {m['test_ssim']:.3f} (damaged {m['test_damaged_ssim']:.3f})"
        return (
            f" error    {curve}{m['test_loss']:.4f}{told} a damaged pixel of {result['test_images']:,} test "
            f"images, {m['test_mse']:.5f} over all pixels, {alike}, {result['seconds']:.1f} s"
        )

    def refuse_second(self, ood: str) -> None:
        """What a network restores can be any picture of the size."""
        resolve_pictures(ood)

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Write report.html: curves, and test pictures whole, damaged and restored."""
        if not folder.read("model.json"):
            return write_report(folder.path, Facts(), [numbers.training, numbers.settings])
        splits = splits_again(self, folder, data)
        model, _ = rebuilt(folder, self)
        seen = self.restored(model, some_of(splits.test, SHOWN), some_of(splits.train, KNOWN))
        sections = [numbers.training, lambda m: gallery(seen), numbers.settings]
        if ood:
            odd = self.oddness(model, splits, ood)
            sections.insert(2, lambda m: odd)
        facts = Facts(splits=splits, model=model, scores=self.metrics[:2], unit="images")
        return write_report(folder.path, facts, sections)

    def oddness(self, model: nn.Module, splits: Splits[Images], ood: str) -> Section:
        """How well the error tells the test part from pictures of another set."""
        task = Restore(model, self.damaging())

        def rebuild(x: Tensor) -> tuple[Tensor, Tensor]:
            damaged, mask, truth = next(task.damaged(iter([(x,)])))
            return truth, torch.where(mask, model(damaged, mask), damaged)

        return oddness(rebuild, self.pipeline(splits.train), splits, ood)

    def restored(self, model: nn.Module, images: Images, known: Images) -> dict[str, Tensor]:
        """Pictures (n, c, h, w) by what was done to them, damaged as in the test."""
        pipeline = self.pipeline(known)
        batch = pipeline.eval(images.pixels, images.labels)
        damaged, mask, truth = next(Restore(model, self.damaging()).damaged(iter([batch])))
        with evaluating(model), torch.inference_mode():
            answer = model(damaged, mask)
        shown = {
            "as it is": truth,
            "given": damaged.clamp(0, 1),
            "restored": torch.where(mask, answer, damaged),
        }
        if self.damage.hides:
            shown["nearest"] = nearest_filling(damaged, mask, pipeline.eval(known.pixels, known.labels)[0])
        return shown

    def next_step(self, folder: RunFolder) -> str:
        """The command to try next."""
        return command("train", folder.read("config.json")["recipe"], "--set", "damage.squares=2")


def some_of(images: Images, most: int) -> Images:
    """At most so many images, evenly spaced."""
    return images.take(torch.linspace(0, len(images) - 1, min(most, len(images))).long())


def gallery(shown: dict[str, Tensor]) -> Section:
    """A row a way, a column a picture."""
    rows = []
    for name, images in shown.items():
        pixels = (images.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        factor = max(1, 40 // pixels.shape[1])
        pictures = [
            Picture(np.ascontiguousarray(html.enlarged(p, factor)), f"test picture {i}, {name}", (name,))
            for i, p in enumerate(pixels)
        ]
        rows.append(html.gallery(pictures, 56))
    reading = "Test pictures, what was left of them, what the network made of that, and what copying gives."
    return Section("Restored", reading, html.join(rows))
