"""Spoken words by six recurrent networks, after the third coursework of 2020/21 at Imperial College.

Deviations: spoken digits of six speakers in place of Speech Commands, two speakers held out; ten words after
the three; linear models beside the networks.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from gradschool.classroom.coursework.frame import Coursework, Desk, Outcome
from gradschool.classroom.coursework.spoken_words import figures
from gradschool.classroom.coursework.spoken_words.marks import BY_HAND, marks
from gradschool.classroom.coursework.spoken_words.record import NETWORKS, PARTS, Asked
from gradschool.classroom.coursework.spoken_words.record import ask as asked
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models import catalogue
from gradschool.recipes import ask, find
from gradschool.runs.audio.run import AudioRun
from gradschool.runs.settings import override
from gradschool.runs.train import train

DATA = "spoken_digits"
LOOKS = 10  # at the test speakers while training, for the curves
QUICK = 6.0  # epochs of a short training


@dataclass(frozen=True, kw_only=True)
class SpokenWords(Coursework):
    """Six recurrent networks tell spoken words apart, three and then ten, by speakers they never heard."""

    data: str = DATA
    """Recordings: a set, or a folder of class folders of WAV files, whose first three are the three words."""
    runs: Path | None = None
    """A folder of finished runs, e.g. three-lstm_1 and ten-bigru_2; what is not there is trained."""

    def work(self, desk: Desk) -> Outcome:
        """Train what was not brought along, ask every network about strangers, mark."""
        # 1. Settings of all runs, before anything is trained.
        every = {part: self.settings(part) for part in PARTS}
        if self.runs is not None and not self.runs.is_dir():
            raise UserError(f"--runs {self.runs} is no folder", "a folder of runs such as three-lstm_1", "")
        # 2. Twelve networks.
        found: dict[tuple[str, str], Asked] = {}
        for part, run in every.items():
            words = tuple(run.open(self.seed).train.classes)
            for name in NETWORKS:
                folder = self.given(part, name) or self.trained(part, name, run, desk)
                found[part, name] = asked(folder, name, part, words)
                one = found[part, name]
                desk.say(f" {part:<5} {name:<8} {100 * one.accuracy:5.1f} % of {len(one.true)} recordings")
        # 3. Marks and figures.
        facts = {part: {name: {"accuracy": found[part, name].accuracy, "n": len(found[part, name].true),
                               "speakers": dict(found[part, name].speakers)} for name in NETWORKS}
                 for part in PARTS}  # fmt: skip
        facts |= {"baselines": {part: dict(found[part, NETWORKS[0]].baselines) for part in PARTS}}
        return Outcome(figures.every(found, self.seed), marks(found), BY_HAND, facts, self.notes())

    def settings(self, part: str) -> AudioRun:
        """Of the runs of one part, whatever their network."""
        recipe = PARTS[part]
        run = find(recipe)()
        assert isinstance(run, AudioRun)
        if self.data != DATA:
            run = replace(run, data=self.data, words=())
        run = replace(run, evaluations=LOOKS, epochs=QUICK if self.quick else run.epochs)
        changed = override(run, self.settings_of(part, tuple(PARTS)), recipe)
        assert isinstance(changed, AudioRun)
        if part == "three" and not changed.words:
            changed = replace(changed, words=tuple(changed.open(self.seed).train.classes[:3]))
        return changed

    def given(self, part: str, name: str) -> RunFolder | None:
        """A run that was brought along."""
        place = None if self.runs is None else self.runs / f"{part}-{name}"
        return RunFolder.open(place) if place is not None and place.is_dir() else None

    def trained(self, part: str, name: str, run: AudioRun, desk: Desk) -> RunFolder:
        """A run trained now."""
        own = replace(run, model=catalogue.find(name, "bands"))
        place = desk.folder / f"{part}-{name}"
        request = ask(PARTS[part], seed=self.seed, device=self.device, out=place, mine=desk.mine)
        return train(own, request, lambda text: None)

    def notes(self) -> list[str]:
        """What a person should know of the numbers."""
        told = ["One seed and one set of test speakers: networks differ less than speakers do."]
        short = "A short training: the networks have not learnt what they could."
        return [*told, short] if self.quick else told
