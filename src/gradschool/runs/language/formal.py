"""A small recurrent network reads strings of a formal language; what it keeps in mind is drawn.

Sources: Elman 1990; Cleeremans et al. 1989; Rodriguez, Wiles and Elman 1999. It trains itself, without the
engine: strings are drawn afresh in every step, nothing is read.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from safetensors.torch import save
from torch import nn

from gradschool.data.text.formal.counting import Counting
from gradschool.data.text.formal.language import Language, batches
from gradschool.data.text.formal.languages import Name, find_language
from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.device import on_threads
from gradschool.engine.run import RunFolder
from gradschool.engine.update import load_weights
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError
from gradschool.evals.language.strings import judged, probabilities, reach
from gradschool.evals.metric import Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.material import Facts
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import formal as sections
from gradschool.models import catalogue
from gradschool.phrases import command
from gradschool.runs.language.dynamics import look
from gradschool.runs.request import Request, Say
from gradschool.runs.settings import ByName, make_model
from gradschool.runs.small import SmallRun
from gradschool.tasks.answer import answer_loss

ReaderFunction = Annotated[Callable[..., nn.Module], ByName("symbols")]
LOOKS = 20  # lines of the curves
TESTED = 500  # strings of each length
REACH = 4  # times the largest n of training, up to which strings are tried


@dataclass(frozen=True)
class FormalRun(SmallRun):
    """Settings of a network that reads a formal language."""

    kind: ClassVar[str] = "formal_language"
    title: ClassVar[str] = "a network that reads a formal language"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("strings", "whole strings right", "share", "higher", "every legal answer above all others"),
        Metric("longer_strings", "longer strings right", "share", "higher", "beyond the lengths of training"),
        Metric("error", "squared error of the probabilities", note="mean over answers and judged steps"),
        Metric("accuracy", "steps right", "share", "higher"),
        Metric("longer_accuracy", "steps of longer strings right", "share", "higher"),
        Metric("reach", "largest n without a mistake", better="higher"),
        Metric("loss", "loss", "nats", note="mean negative log-likelihood of an answer"),
    )

    language: Name
    """Which strings."""
    model: ReaderFunction
    """Which network: the name of a function of (symbols, answers) in gradschool.models."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.hidden=2."""
    steps: Annotated[int, Field(ge=1)] = 2000
    """Optimiser steps."""
    batch_size: Annotated[int, Field(ge=1)] = 16
    """Strings a step, freshly drawn."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.03
    """Learning rate of Adam, falling to 0 as a cosine."""
    clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest gradient norm."""
    initial_scale: Annotated[float, Field(gt=0)] = 1.0
    """The usual random initial weights and biases are multiplied by this. Small ones let a network begin
    as a nearly linear one, which finds counting more often."""
    data: str = "drawn strings"
    """Strings are drawn, nothing is read."""

    def train(self, request: Request, say: Say) -> RunFolder:
        """Learn from fresh strings, then look at strings of the same lengths and at longer ones.

        Args:
            request: as of every run: seed, place, whose functions.
            say: told what a person should read.
        """
        folder, started = self.begin(request), time.monotonic()
        language, steps = find_language(self.language), request.steps or self.steps
        name = catalogue.name_of(self.model)
        say(f"{request.recipe} · {name} · {language.title}, {language.within} · seed {request.seed}")
        # 1. Learn.
        torch.manual_seed(request.seed)
        model = self.network(language)
        with on_threads(1):
            self.learn(model, language, steps, request.seed, folder)
            # 2. Strings of the same lengths and longer ones, drawn from other seeds.
            measured = self.measured(model, language, request.seed)
        # 3. The weights and the result.
        facts = {"symbols": language.symbols, "answers": list(language.answers)}
        folder.write("model.json", facts | {"model": name, "options": self.model_options})
        with disk_errors(folder.path):
            write_whole(folder.path / "model.safetensors", save(model.state_dict()))
        self.end(folder, measured, TESTED, time.monotonic() - started)
        return folder

    def network(self, language: Language) -> nn.Module:
        """The network before training; the caller has seeded torch's generator."""
        sizes = len(language.symbols), len(language.answers)
        model: nn.Module = make_model(self.model, *sizes, options=self.model_options)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(self.initial_scale)
        return model

    def learn(self, model: nn.Module, language: Language, steps: int, seed: int, folder: RunFolder) -> None:
        """Adam on fresh strings; every now and then a look at strings that are kept for it."""
        generator, kept = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed + 1)
        held_out = language.draw(TESTED // 5, kept)
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        fresh = batches(language, self.batch_size, generator)
        for step, strings in zip(range(1, steps + 1), fresh, strict=False):
            logits, _ = model(strings.inputs)
            loss = answer_loss(logits, strings.targets, strings.asked)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), self.clip)
            optimizer.step()
            falling.step()
            if step % max(1, steps // LOOKS) == 0:
                scores = judged(probabilities(model, held_out), held_out)
                told = {f"val_{name}": value for name, value in scores.items()}
                folder.log({"step": step, "loss": loss.item(), **told})

    def measured(self, model: nn.Module, language: Language, seed: int) -> dict[str, float]:
        """Scores on new strings, on longer ones, and how far a counter counts."""
        generator = torch.Generator().manual_seed(seed + 2)
        near, far = language.draw(TESTED, generator), language.longer(TESTED, generator)
        found = {f"test_{name}": value for name, value in judged(probabilities(model, near), near).items()}
        longer = judged(probabilities(model, far), far)
        found |= {f"test_longer_{name}": longer[name] for name in ("strings", "accuracy")}
        if isinstance(language, Counting):
            found["test_reach"] = float(reach(model, language, REACH * language.highest))
        return found

    def reopened(self, folder: RunFolder) -> tuple[nn.Module, Language]:
        """The trained network and its language.

        Raises:
            UserError: the run is not finished.
        """
        weights = folder.path / "model.safetensors"
        if not weights.is_file():
            advice = f"Train again: {command('train', folder.read('config.json')['recipe'])}"
            raise UserError(f"{folder.path} is not finished", "a finished run", advice)
        language = find_language(self.language)
        model = self.network(language)
        load_weights(model, read_weights(weights))
        return model.eval(), language

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Share of strings right, within and beyond the lengths of training."""
        m, language = result["metrics"], find_language(self.language)
        near, far = 100 * m["test_strings"], 100 * m["test_longer_strings"]
        told = f" strings  {curve}{near:.1f} % of the test strings right at every step ({language.within}), "
        told += f"{far:.1f} % of longer ones ({language.beyond})\n"
        told += f" error    {m['test_error']:.4f}, mean squared error of the probabilities"
        return told + (f"; no mistake up to n = {m['test_reach']:.0f}" if "test_reach" in m else "")

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Curves, hidden states, predictions beside a string, the automaton that was learnt."""
        if ood:
            self.refuse_second(ood)
        # 1. What a finished run has to show; any other has its curves.
        facts = Facts(unit="strings")
        if folder.read("result.json"):
            model, language = self.reopened(folder)
            tried = REACH * language.highest if isinstance(language, Counting) else 0
            facts = look(model, language, tried)
        # 2. The page.
        order = [
            sections.scores, sections.predictions, sections.states, sections.cells, sections.automaton,
            numbers.training, numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, order)
