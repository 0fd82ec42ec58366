"""Hidden units at work: pictures drawn by encoders, and what recurrent networks keep in mind.

After the first project of COMP9444 (UNSW) of 2022 and 2023. Deviations: one coursework has the variants of
several years; networks are trained on batches of strings, and judged on strings that are drawn anew.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradschool.classroom.coursework.frame import Coursework, Desk, Outcome, Shown
from gradschool.classroom.coursework.hidden_dynamics import figures, tables
from gradschool.classroom.coursework.hidden_dynamics.marks import BY_HAND, marks
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.report.text.formal import FormalFacts
from gradschool.recipes import ask, find
from gradschool.runs.language.dynamics import look
from gradschool.runs.language.formal import FormalRun
from gradschool.runs.reopen import reopen
from gradschool.runs.settings import override
from gradschool.scratch.neurons import encoders

PARTS = {
    "reber": ("reber_srn", "reber", "Reber's grammar, two hidden units"),
    "anbn": ("anbn_srn", "anbn", "a^n b^n, two hidden units"),
    "anb2n": ("anb2n_srn", "anb2n", "a^n b^2n, three hidden units"),
    "anbncn": ("anbncn_srn", "anbncn", "a^n b^n c^n, three hidden units"),
    "embedded": ("embedded_reber_lstm", "embedded_reber", "The embedded Reber grammar, four LSTM cells"),
}  # name of the part -> recipe, language, title
EPOCHS = (50, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000)  # at which the 9-2-9 encoder is drawn
QUICK = 0.1  # share of the steps and epochs in a short training
MOST = 4000  # epochs of an encoder
NETS = 4  # networks that learn each table


@dataclass(frozen=True, kw_only=True)
class HiddenDynamics(Coursework):
    """Encoders that draw pictures, SRN and LSTM that read formal languages (COMP9444, first project)."""

    tables: Path | None = None
    """A folder with star16.txt, heart18.txt, ch34.txt, own1.txt, own2.txt; ours if not given."""
    reber: Path | None = None
    """A finished run on Reber's grammar, in place of training one."""
    anbn: Path | None = None
    """A finished run on a^n b^n."""
    anb2n: Path | None = None
    """A finished run on a^n b^2n."""
    anbncn: Path | None = None
    """A finished run on a^n b^n c^n."""
    embedded: Path | None = None
    """A finished run on the embedded Reber grammar."""

    def work(self, desk: Desk) -> Outcome:
        """Draw the encoders, train what was not brought along, ask every network about new strings."""
        # 1. Encoders.
        for name in PARTS:
            self.settings_of(name, tuple(PARTS))
        given = {name: RunFolder.open(place) for name in PARTS if (place := getattr(self, name))}
        handed = tables.read(self.tables or tables.write(desk.folder / "tables"))
        learnt, shown = self.encoders(handed)
        # 2. Recurrent networks.
        scores: dict[str, dict[str, float]] = {}
        extracted: dict[str, Any] = {}
        for name, (_, _, title) in PARTS.items():
            folder = given.get(name) or self.trained(name, desk)
            facts, scores[name] = self.asked(name, folder)
            if name == "reber":
                best = max(facts.extractions, key=lambda each: each.alike)
                extracted = {"alike": best.alike, "tested": best.tested, "clusters": best.clusters}
            shown += figures.dynamics(name, title, facts)
        # 3. Marks.
        found: dict[str, Any] = {"scores": scores, "automaton": extracted}
        found |= {"learnt": {name: int((made.epochs >= 0).sum()) for name, made in learnt.items()}, "n": NETS}
        return Outcome(shown, marks(handed, learnt, scores, extracted), BY_HAND, found)

    def encoders(self, handed: dict[str, Any]) -> tuple[dict[str, encoders.Pictures], list[Shown]]:
        """Networks that learn each table, and the 9-2-9 encoder at several epochs."""
        most = round(MOST * QUICK) if self.quick else MOST
        learnt = {name: encoders.train(table, NETS, np.random.default_rng(self.seed), most)
                  for name, table in handed.items()}  # fmt: skip
        drawn = []
        for epoch in (each for each in EPOCHS if each <= most):
            made = encoders.train(np.eye(9, dtype=int), 1, np.random.default_rng(self.seed), epoch)
            drawn.append((f"epoch {epoch}", made.points[0], made.lines[0]))
        return learnt, [figures.over_epochs(drawn), figures.pictures(handed, learnt)]

    def trained(self, name: str, desk: Desk) -> RunFolder:
        """A run of one part, trained now."""
        recipe = PARTS[name][0]
        run = override(find(recipe)(), self.settings_of(name, tuple(PARTS)), recipe)
        assert isinstance(run, FormalRun)
        steps = max(1, round(run.steps * QUICK)) if self.quick else None
        request = ask(recipe, seed=self.seed, steps=steps, out=desk.folder / name, mine=desk.mine)
        folder = run.train(request, desk.say)
        desk.say(run.conclusion(folder.read("result.json"), ""))
        return folder

    def asked(self, name: str, folder: RunFolder) -> tuple[FormalFacts, dict[str, float]]:
        """What a network shows, and its scores on strings that are drawn here.

        Raises:
            UserError: the run is of another kind, or on another language.
        """
        run, _ = reopen(folder)
        if not isinstance(run, FormalRun) or run.language != PARTS[name][1]:
            raise UserError(f"--{name} {folder.path} is another run", f"one such as {PARTS[name][0]}", "")
        model, language = run.reopened(folder)
        return look(model, language), run.measured(model, language, self.seed + 1000)
