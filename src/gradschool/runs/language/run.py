"""A run of a character-level language model: it learns from lines such as names, and makes new ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.rows import Rows, in_order
from gradschool.data.text.contexts import Contexts
from gradschool.data.text.lines import Lines
from gradschool.data.text.open import open_lines
from gradschool.data.text.vocabulary import Vocabulary
from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.language import counting
from gradschool.evals.language.scored import Scored, scored_files
from gradschool.evals.metric import Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import lines as sections
from gradschool.evals.report.text.baselines import verdict
from gradschool.models import catalogue
from gradschool.phrases import command
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Progress as Told
from gradschool.runs.kind import Skip, Wanted, check_count
from gradschool.runs.language.draw import draw
from gradschool.runs.language.facts import facts_of
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Run, share_of_processes
from gradschool.runs.settings import ByName, make_model
from gradschool.tasks.next_token import NextToken

LanguageFunction = Annotated[Callable[..., nn.Module], ByName("vocabulary")]
AT_ONCE = 4096  # contexts a batch where nothing is trained
DRAWN = 1000  # new lines of which the share that is new is reported
USUAL, MOST = 20, 100_000  # new lines, if nobody says how many, and at most


@dataclass(frozen=True, kw_only=True)
class CharacterRun(Run):
    """A character-level language model, trained on a set of lines or on a text file with one item a line."""

    kind: ClassVar[str] = "character_model"
    title: ClassVar[str] = "a character-level language model"
    makes: ClassVar[str] = "names"
    examples: ClassVar[str] = "characters"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", "loss", "nats", note="mean negative log-likelihood of a character"),
        Metric("perplexity", "perplexity", note="e to the loss"),
        Metric("new_names", "new names", "share", "", f"of {DRAWN} that were drawn"),
    )

    model: LanguageFunction
    """Which network: the name of a function of (vocabulary, context) in gradschool.models."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.hidden=100."""
    context: Annotated[int, Field(ge=1, le=64)] = 5
    """Characters that the model looks back."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of all lines held out to test on; the same lines for every seed."""
    shown: Count = 60
    """New names in the report."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def open(self, seed: int, data: str | None = None) -> Splits[Lines]:
        """The lines; `data` says where they lie now, if they moved."""
        return open_lines(data or self.data, val=self.val, test=self.test, seed=seed)

    def contents(self, splits: Splits[Lines]) -> str:
        """Name and counts of a set, and how many different characters it has."""
        return f"{super().contents(splits)} · {len(splits.train.vocabulary) - 1} different characters"

    def pipeline(self, lines: Lines) -> Contexts:
        """How lines become contexts and next characters."""
        return Contexts(lines.vocabulary, self.context)

    def build_model(self, vocabulary: Vocabulary) -> nn.Module:
        """A freshly initialised model; the caller has seeded torch's generator.

        Raises:
            UserError: the network cannot be built with these options.
        """
        try:
            return make_model(self.model, len(vocabulary), self.context, options=self.model_options)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"{self.network()} cannot be built: {error}", "", "") from error

    def start_model(self, lines: Lines, pipeline: Contexts) -> nn.Module:
        """The model with random weights."""
        return self.build_model(lines.vocabulary)

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build_model(Vocabulary(facts["characters"]))

    def task(self, model: nn.Module, splits: Splits[Lines], held_out: str) -> NextToken:
        """Cross-entropy of the next character."""
        return NextToken(model, held_out)

    def loader(self, splits: Splits[Lines], pipeline: Contexts, request: Request, machine: Machine) -> Rows:
        """Contexts of all training lines in a new order every epoch; processes share every batch."""
        columns = pipeline.of(splits.train.texts)
        return Rows(columns, self.batch_size, request.seed, share_of_processes())

    def evaluation(self, splits: Splits[Lines], pipeline: Contexts) -> HeldOut:
        """Makes the batches to look at while training: the validation part, or the test part without one."""
        return partial(in_order, pipeline.of((splits.val or splits.test).texts), AT_ONCE)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights and n-gram models on the test part, and draw new lines."""
        splits, contexts, model, machine = (
            pieces.splits, pieces.pipeline, pieces.model, pieces.stepper.machine,
        )  # fmt: skip
        with final_weights(self, pieces, folder), torch.inference_mode():
            # 1. The task's own scores, now of the test part.
            model.eval()
            batches = in_order(contexts.of(splits.test.texts), AT_ONCE)
            found = NextToken(pieces.task.parts["model"], "test").evaluate(machine.placed(batches))
            # 2. What is needed to use the model, and how much of what it makes is new.
            known = {
                "characters": contexts.vocabulary.characters,
                "longest": 2 * max(map(len, splits.train.texts)),
                "parameters": sum(p.numel() for p in model.parameters()),
            }
            folder.write("model.json", known)
            drawn = self.new_lines(model, known, DRAWN, 0)
            found["new_names"] = sections.share_new(drawn, frozenset(splits.train.texts))
        # 3. N-gram models on the same parts: those that see as much, and a trigram model in any case.
        wide = replace(contexts, size=max(2, contexts.size))
        windows = {name: torch.column_stack(wide.of(part.texts)) for name, part in splits.parts.items()}
        kinds = len(contexts.vocabulary)
        counted = counting.baselines(windows["train"], windows.get("val"), windows["test"], kinds)
        write_result(self, pieces, folder, at, found, baselines=counted)

    def new_lines(self, model: nn.Module, facts: dict[str, Any], n: int, seed: int) -> list[str]:
        """New lines; facts are those of model.json."""
        return draw(model, Vocabulary(facts["characters"]), self.context, n, seed, facts["longest"])

    def reopened(self, folder: RunFolder) -> tuple[nn.Module, dict[str, Any]]:
        """The trained model on the run's machine, and the facts of model.json."""
        model, facts = rebuilt(folder, self)
        return machine_of(folder).place_module(model), facts

    def refuse_second(self, ood: str) -> None:
        """Other lines are scored one by one, not compared with.

        Raises:
            UserError: always.
        """
        advice = f"Score other lines with: {command('predict RUN FILE.txt')}"
        raise UserError(f"--ood {ood} was given to {self.title}", "an image classifier", advice)

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Baselines, new names, next characters, the embeddings of the characters, and curves."""
        if ood:
            self.refuse_second(ood)
        # 1. What a finished run has to show; any other has its curves.
        facts = sections.LineFacts()
        if result := folder.read("result.json"):
            model, known = self.reopened(folder)
            contexts = Contexts(Vocabulary(known["characters"]), self.context)
            drawn = self.new_lines(model, known, self.shown, 0)
            facts = facts_of(model, contexts, splits_again(self, folder, data), drawn, result)
        # 2. The page.
        order = [
            sections.against, sections.made, sections.following, sections.vectors, numbers.training,
            numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, order)

    def sample(self, folder: RunFolder, wanted: Wanted, out: Path | None) -> Path:
        """Write new names, one a line.

        Raises:
            UserError: something is asked for that this kind of model does not do.
        """
        # 1. A number and a seed are all that can be asked for.
        asked = {"class": wanted.label, "steps": wanted.steps, "guidance": wanted.guidance,
                 "sampler": wanted.sampler, "film": wanted.film or None}  # fmt: skip
        other = next((name for name, value in asked.items() if value is not None), None)
        if other:
            raise UserError(f"--{other} was given to {self.title}", "-n and --seed", f"Leave --{other} out.")
        n = USUAL if wanted.n is None else wanted.n
        check_count("n", n, MOST, "-n 20")
        # 2. The names and their file.
        model, facts = self.reopened(folder)
        lines = self.new_lines(model, facts, n, wanted.seed)
        name = f"names-{wanted.seed}.txt"
        out = folder.path / name if out is None else out / name if out.is_dir() else out
        with disk_errors(out.parent):
            write_whole(out, "".join(f"{line}\n" for line in lines).encode())
        return out

    def said_of(self, folder: RunFolder, made: Path) -> str:
        """How many of the names are not in the training part, and the first of these."""
        known = frozenset(folder.read("data.json")["parts"]["train"]["examples"])
        lines = made.read_text(encoding="utf-8").split("\n")[:-1]
        new = [line for line in lines if line not in known]
        first = f": {', '.join(new[:5])}{' ...' if len(new) > 5 else ''}" if new else ""
        return f"{len(new)} of {len(lines)} are new, not among the {len(known):,} training names{first}"

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Told, skip: Skip
    ) -> Iterator[Scored]:
        """Nats per character of every line of text files."""
        model, facts = self.reopened(folder)
        device = next(model.parameters()).device

        def look(x: Tensor) -> Tensor:
            return model(x.to(device))

        contexts = Contexts(Vocabulary(facts["characters"]), self.context)
        return scored_files(look, contexts, files, progress, skip)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """The test part's loss beside that of the best n-gram model."""
        loss = result["metrics"]["test_loss"]
        told = (
            f"{loss:.3f} nats per character on {result['tested']:,} test names in {result['seconds']:.1f} s"
        )
        return f" loss     {curve}{told}\n baseline {verdict(loss, result['baselines'], 'character')}"

    def next_step(self, folder: RunFolder) -> str:
        """Names are what it is for."""
        return command("sample", folder.path)
