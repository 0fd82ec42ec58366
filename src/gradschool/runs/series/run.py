"""A forecaster's run: a series cut in time, a network that forecasts a horizon, and baselines beside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from gradschool.data.examples import Splits
from gradschool.data.rows import Rows, in_order
from gradschool.data.series.calendar import Step
from gradschool.data.series.csv_file import has_column
from gradschool.data.series.open import open_series, read_series
from gradschool.data.series.scaling import Scaling, check_logarithm
from gradschool.data.series.series import Series, Windows, cut_in_time
from gradschool.engine.device import Machine, Precision
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.inference import evaluating
from gradschool.evals.metric import Metric, described, metric_of
from gradschool.evals.report import numbers, series
from gradschool.evals.report.page import write_report
from gradschool.evals.report.series import SeriesFacts
from gradschool.evals.series.answers import Forecast, csv_files
from gradschool.evals.series.compare import compare, verdict
from gradschool.evals.series.measures import metrics
from gradschool.models import catalogue
from gradschool.phrases import command
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Progress as Done
from gradschool.runs.kind import Skip
from gradschool.runs.reopen import splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Run, share_of_processes
from gradschool.runs.settings import ByName, make_model
from gradschool.tasks import forecast as tasks

ForecastFunction = Annotated[Callable[..., nn.Module], ByName("history")]


@dataclass(frozen=True, kw_only=True)
class ForecastRun(Run):
    """A network that forecasts a series, trained on a set or on a CSV file."""

    kind: ClassVar[str] = "forecaster"
    title: ClassVar[str] = "a forecaster of a series"
    metrics: ClassVar[tuple[Metric, ...]] = metrics()
    examples: ClassVar[str] = "windows"

    model: ForecastFunction
    """Which network: the name of a function of (history, horizon, period) in gradschool.models."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.hidden=[32]."""
    target: str | None = None
    """Column of a CSV file that is forecast; needed where several hold numbers."""
    history: Count = 24
    """Values that a forecast is made from."""
    horizon: Count = 12
    """Values that are forecast at once."""
    period: Count | None = None
    """Steps in a season; if not given as is usual: 12 for months, 7 for days, 24 for hours."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the series, at its end, that is tested on."""
    log: bool = True
    """Forecast logarithms: for values above 0 whose season grows with their level."""
    precision: Precision = "fp32"
    """Arithmetic: fp32, or auto, bf16, fp16."""
    threads: Count | None = 1
    """Processor threads; networks of this size are fastest with one."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def open(self, seed: int, data: str | None = None) -> Splits[Windows]:
        """The windows of three parts that follow each other in time; nothing is drawn, whatever the seed."""
        opened = open_series(data or self.data, self.target, self.period)
        if self.log:
            check_logarithm(opened.series)
        if opened.series.period > self.history:
            what = (
                f"history is {self.history}, a season has {opened.series.period} {opened.series.step.name}s"
            )
            raise UserError(what, "a whole season or more", f"Use --set history={opened.series.period}.")
        train, val, test = cut_in_time(opened.series, self.history, self.horizon, self.val, self.test)
        return Splits(opened.name, train, val, test, notes=opened.notes)

    def contents(self, splits: Splits[Windows]) -> str:
        """What is measured from when to when, and how many windows each part has."""
        whole = splits.test.series
        span = f"{len(whole)} {whole.step.name}s from {whole.label(0)} to {whole.label(len(whole) - 1)}"
        counts = " / ".join(f"{len(part):,} {name}" for name, part in splits.parts.items())
        return f"{splits.name}, {span} · {counts} windows"

    def pipeline(self, train: Windows) -> Scaling:
        """The scale of the values, from the training part alone."""
        return Scaling.learn(train, self.log)

    def start_model(self, train: Windows, pipeline: Scaling) -> nn.Module:
        """The model with random weights."""
        return self.build(self.history, self.horizon, train.series.period)

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build(facts["history"], facts["horizon"], facts["period"])

    def build(self, history: int, horizon: int, period: int) -> nn.Module:
        """A freshly initialised model."""
        return make_model(self.model, history, horizon, period, options=self.model_options)

    def task(self, model: nn.Module, splits: Splits[Windows], held_out: str) -> tasks.Forecast:
        """Squared error of scaled values."""
        return tasks.Forecast(model, self.pipeline(splits.train).back, held_out)

    def loader(self, splits: Splits[Windows], pipeline: Scaling, request: Request, machine: Machine) -> Rows:
        """Training windows in a new order every epoch."""
        columns = pipeline.columns(splits.train)
        return Rows(columns, self.batch_size, request.seed, share_of_processes())

    def evaluation(self, splits: Splits[Windows], pipeline: Scaling) -> HeldOut:
        """The windows of the validation part, or of the test part without one."""
        part = splits.test if splits.val is None else splits.val
        return partial(in_order, pipeline.columns(part), 2 * self.batch_size)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Forecast the test part once, beside the baselines; write the record and the weights."""
        splits, scaling = pieces.splits, pieces.pipeline
        with final_weights(self, pieces, folder):
            found = compare(pieces.model, splits, scaling)
            folder.write("model.json", self.described(splits.train.series, scaling, pieces.model))
        about = described(metrics(splits.test.series.unit))
        write_result(self, pieces, folder, at, found.scores(), about=about, penalty=found.penalty)

    def described(self, trained: Series, scaling: Scaling, model: nn.Module) -> dict[str, Any]:
        """What model.json holds: all that is needed to forecast another file."""
        return {
            "series": trained.name, "unit": trained.unit, "step": asdict(trained.step),
            "history": self.history, "horizon": self.horizon, "period": trained.period,
            "scaling": asdict(scaling), "parameters": sum(p.numel() for p in model.parameters()),
        }  # fmt: skip

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """The error of the network and of both baselines, and who forecasts best."""
        m, metric = result["metrics"], metric_of(result, "test_mae")
        beside = f"seasonal naive {m['test_naive_mae']:.4g}, ridge regression {m['test_ridge_mae']:.4g}"
        return (
            f" MAE      {curve}{metric.shown(m['test_mae'])} over {result['tested']} test windows in "
            f"{result['seconds']:.1f} s ({beside})\n          {verdict(m)}"
        )

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Forecast over the series, scores beside the baselines, error by step ahead, residuals."""
        if ood:
            self.refuse_second(ood)
        sections = [series.forecast, series.scores, series.by_step, series.residuals, numbers.training,
                    numbers.rate, numbers.settings]  # fmt: skip
        facts = SeriesFacts(unit=self.examples)
        if folder.read("model.json"):
            model, known = rebuilt(folder, self)
            splits = splits_again(self, folder, data)
            found = compare(model, splits, Scaling(**known["scaling"]))
            said = [verdict(found.scores())]
            facts = SeriesFacts(splits, model, said, unit=self.examples, comparison=found)
        return write_report(folder.path, facts, sections)

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Done, skip: Skip
    ) -> Iterator[Forecast]:
        """The values that follow the end of each file; all of the horizon, whatever `top` says."""
        model, facts = rebuilt(folder, self)
        paths = csv_files(files)
        for number, file in enumerate(paths, 1):
            try:
                known, note = self.known(file, facts)
            except UserError as error:
                skip(file, f"{error.what}; wanted: {error.wanted}")
                continue
            if note:
                skip(file, note)
            scaling = Scaling(**facts["scaling"])
            inputs = scaling.scaled(known.values[-facts["history"] :]).float()
            with evaluating(model), torch.inference_mode():
                values = scaling.back(model(inputs[None])[0]).tolist()
            for ahead, value in enumerate(values):
                yield Forecast(file, known.label(len(known) + ahead), value, facts["unit"], len(paths) == 1)
            progress(number, len(paths))

    def known(self, file: Path, facts: dict[str, Any]) -> tuple[Series, str]:
        """The series of a file that this run can go on with, and what of the file was left out.

        Raises:
            UserError: it is too short, of another calendar, or has values without a logarithm.
        """
        # 1. The column that the run was trained on, if the file has it under this name.
        target = facts["series"] if has_column(file, facts["series"]) else None
        found, column = read_series(file, target)
        # 2. As many values as the network needs, in the same steps.
        step = Step(**facts["step"])
        if found.step != step:
            raise UserError(f"it has a value every {found.step.name}", f"one every {step.name}")
        if len(found) < facts["history"]:
            raise UserError(f"it has {len(found)} values", f"{facts['history']} or more")
        if facts["scaling"]["log"]:
            check_logarithm(found)
        return found, column.note()

    def next_step(self, folder: RunFolder) -> str:
        """A forecast of what comes after the end of the data."""
        return command("predict", folder.path, open_series(self.data, self.target).file)
