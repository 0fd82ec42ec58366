"""The second ESE coursework of 2023: is a picture real, made by a VAE, or made by a GAN?

There 500 real, 430 VAE and 516 GAN hands were given and about 8,434 were to be labelled in a csv. Here both
generators are our own, and files are alike in all but what is in them: size, format, and how many.
"""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradschool.classroom.coursework.frame import Coursework, Desk, Outcome, Shown
from gradschool.classroom.coursework.xray_detect.marks import BY_HAND, counted, marks
from gradschool.classroom.coursework.xray_files import (
    LABELS,
    read_labels,
    read_pictures,
    save_jpegs,
    write_labels,
)
from gradschool.classroom.coursework.xray_generate import work as xray_generate
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.classifier import Classifier
from gradschool.evals.pictures import grid
from gradschool.evals.report import html
from gradschool.recipes import ask, find
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.generation.ask import to_unit
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.generation.score import as_stored, generated, look, spread
from gradschool.runs.reopen import reopen
from gradschool.runs.settings import override
from gradschool.runs.train import train

SHARES = {"train": 500, "test": 300}  # pictures of each kind
FOLDERS = "real_hands", "VAE_hands", "GAN_hands"
TEST = "test_hands"
RUNS = "detector", "vae", "gan"
QUICK = 60


@dataclass(frozen=True, kw_only=True)
class XrayDetect(Coursework):
    """Real, VAE-made or GAN-made: a detector and its csv (ESE 2023, second coursework)."""

    data: str | None = None
    """The real pictures that both generators learn from; stand-ins if none is given."""
    vae: Path | None = None
    """A finished run of a VAE, in place of training one."""
    gan: Path | None = None
    """A finished run of a GAN, in place of training one."""
    hands: Path | None = None
    """The course's folder with real_hands, VAE_hands, GAN_hands and test_hands, in place of the above."""
    hand_in: Path | None = None
    """A csv to be marked, in place of the detector's."""
    truth: Path | None = None
    """A csv with the true labels of test_hands, if you have them."""

    def work(self, desk: Desk) -> Outcome:
        """Make the folders, train the detector, label the test pictures, count what is right."""
        # 1. Pictures of three kinds to learn from, and unlabelled ones.
        if self.hand_in is not None and self.hands is None:
            what = f"--hand-in {self.hand_in} came without its pictures"
            raise UserError(what, f"--hands FOLDER, which holds {TEST}", "")
        place = self.hands or self.made(desk)
        truth_file = self.truth or (None if self.hands else desk.folder / "truth.csv")
        names, pictures = unlabelled(place / TEST)
        # 2. The detector, and its labels.
        labels, told = self.hand_in or desk.folder / "classified.csv", {}
        if self.hand_in is None:
            folder = self.detector(place, desk)
            write_labels(
                labels, dict(zip(names, called(reopen(folder)[0].classifier(folder), pictures), strict=True))
            )
            desk.say(f"{len(names):,} labels in {labels}")
            held = folder.read("result.json")
            told = {"held_out": held["metrics"]["test_accuracy"], "held_out_interval": held["interval"]}
        # 3. How many are right.
        given, wrong = read_labels(labels)
        truth = read_labels(truth_file)[0] if truth_file else {}
        facts = counted(given, truth)
        return Outcome(
            shown(pictures, names, given, truth, facts), marks(names, given, wrong, truth, facts), BY_HAND,
            facts | told, [] if self.hands or self.data else xray_generate.stand_in_note(),
        )  # fmt: skip

    def detector(self, place: Path, desk: Desk) -> RunFolder:
        """A classifier of the three kinds, trained on the labelled folders."""
        words = self.settings_of("detector", RUNS)
        source = place / "labelled" if self.hands is None else copied(place, desk.folder / "labelled")
        run = override(replace(find("xray_detect")(), data=str(source)), words, "xray_detect")
        assert isinstance(run, ImageRun)
        steps = QUICK if self.quick else None
        out = desk.folder / "detector"
        request = ask("xray_detect", seed=self.seed, steps=steps, device=self.device, out=out, mine=desk.mine)
        return train(run, request, desk.say)

    def made(self, desk: Desk) -> Path:
        """Labelled and unlabelled pictures of our own generators."""
        # 1. A run of each generator.
        runs = {name: self.generator(name, desk) for name in ("vae", "gan")}
        run, _ = reopen(runs["vae"])
        assert isinstance(run, GenerativeRun)
        splits = run.open(self.seed)
        # 2. As many pictures of each kind; real ones become of the generators' size as in training.
        count = {part: min(n, len(getattr(splits, part)) - 1) for part, n in SHARES.items()}
        kinds: dict[str, dict[str, Tensor]] = {part: {} for part in SHARES}
        pipeline = run.pipeline(splits.train)
        for part in SHARES:
            some = spread(getattr(splits, part), count[part])
            x, _ = pipeline.eval(some.pixels, some.labels)
            kinds[part]["real"] = as_stored(to_unit(x, run.scale))
        for name, folder in runs.items():
            maker, _ = reopen(folder)
            both = generated(folder, maker, sum(count.values()), self.seed)
            kinds["train"][name], kinds["test"][name] = torch.split(both, list(count.values()))
        return laid_out(kinds, desk.folder, self.seed)

    def generator(self, name: str, desk: Desk) -> RunFolder:
        """A finished run of a VAE or a GAN: the one that was given, or one trained now."""
        given = getattr(self, name)
        words = self.settings_of(name, RUNS)
        if given is None:
            given = desk.folder / name
            run = xray_generate.prepared(name, self.data, words, self.quick)
            steps = xray_generate.steps_for(words, self.quick)
            request = ask(
                f"{name}_xray", seed=self.seed, steps=steps, device=self.device, out=given, mine=desk.mine
            )
            train(run, request, desk.say)
        folder = RunFolder.open(given)
        if not isinstance(reopen(folder)[0], GenerativeRun):
            raise UserError(f"{given} is no generator", f"a run such as {name}_xray", "")
        return folder


def laid_out(kinds: dict[str, dict[str, Tensor]], place: Path, seed: int) -> Path:
    """Write labelled class folders, the unlabelled pictures in random order, and their truth."""
    # 1. Labelled: a fifth of them is the detector's own test part.
    for number, (name, pixels) in enumerate(kinds["train"].items()):
        held = len(pixels) // 5
        for part, piece in (("test", pixels[:held]), ("train", pixels[held:])):
            save_jpegs(place / "labelled" / part / f"{number}_{name}", piece, name)
    # 2. Unlabelled.
    pixels = torch.cat(list(kinds["test"].values()))
    labels = torch.arange(len(LABELS)).repeat_interleave(len(pixels) // len(LABELS))
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(seed))
    files = save_jpegs(place / TEST, pixels[order], "test_hand")
    write_labels(
        place / "truth.csv", {f.name: int(labels[i]) for f, i in zip(files, order.tolist(), strict=True)}
    )
    return place


def copied(hands: Path, out: Path) -> Path:
    """The course's folders as class folders in label order (links where the system has them).

    Raises:
        UserError: one of the folders is not there.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (name, label) in enumerate(zip(FOLDERS, LABELS, strict=True)):
        if not (hands / name).is_dir():
            wanted = ", ".join((*FOLDERS, TEST))
            raise UserError(f"{hands} has no folder {name}", wanted, "Check the spelling.")
        for file in sorted((hands / name).iterdir()):
            if file.suffix.lower() in (".jpeg", ".jpg", ".png"):
                kept = out / f"{name}-{file.name}"
                kept.write_bytes(file.read_bytes())
                rows.append((kept.name, f"{number}_{label}"))
    with (out / "labels.csv").open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([("file", "class"), *rows])
    return out


def unlabelled(folder: Path) -> tuple[list[str], Tensor]:
    """Names of the pictures to be labelled, and their pixels, uint8.

    Raises:
        UserError: there are none, or they differ in size or kind.
    """
    handed = read_pictures(folder)
    if handed.broken:
        name, why = next(iter(handed.broken.items()))
        raise UserError(f"{folder / name} cannot be used: {why}", "pictures alone", "Take it out.")
    shapes = sorted({picture.shape for picture in handed.pictures.values()})
    if len(shapes) > 1:
        raise UserError(f"{folder} holds pictures of {shapes[0]} and of {shapes[1]}", "one size and kind", "")
    pixels = np.stack(list(handed.pictures.values())).transpose(0, 3, 1, 2)
    return list(handed.pictures), torch.from_numpy(np.ascontiguousarray(pixels))


def called(eye: Classifier, pixels: Tensor) -> list[int]:
    """The detector's label of each picture, by the number that its class begins with."""
    found = look(eye, pixels).probabilities.argmax(1).tolist()
    return [int(eye.classes[label][0]) for label in found]


def shown(
    pictures: Tensor, names: list[str], given: dict[str, int], truth: dict[str, int], facts: dict[str, Any]
) -> list[Shown]:
    """Pictures by predicted class, the table of mistakes, and the mistakes themselves."""
    place = {name: i for i, name in enumerate(names)}
    rows, empty = [], torch.zeros((1, *pictures.shape[1:]))
    for label in range(len(LABELS)):
        some = [place[name] for name, said in given.items() if said == label and name in place][:20]
        rows += [pictures[i : i + 1].float() / 255 for i in some] + [empty] * (20 - len(some))
    told = "Three rows: predicted as real, as made by the VAE, as made by the GAN."
    caption = "rows: true class; columns: predicted class"
    notes = [html.table(("is", *LABELS), lines(facts["confusion"]), caption)] if truth else []
    kinds = Shown("called", "What was predicted as what", told, grid(torch.cat(rows), 20), 2, notes)
    missed = [name for name, label in truth.items() if name in place and given.get(name, label) != label]
    if not missed:
        return [kinds]
    table = [(name, LABELS[truth[name]], LABELS[given[name]]) for name in missed[:20]]
    sheet = grid(torch.cat([pictures[place[name]][None].float() / 255 for name in missed[:20]]), 10)
    counted = f"{len(missed):,} mistakes, the first {len(table)}"
    note = html.table(("file", "true", "predicted"), table, counted)
    return [kinds, Shown("missed", "Mistakes", "In the order of the table below.", sheet, 3, [note])]


def lines(table: list[list[int]]) -> list[tuple[str, ...]]:
    """Rows for a table."""
    return [(LABELS[i], *(str(value) for value in row)) for i, row in enumerate(table)]
