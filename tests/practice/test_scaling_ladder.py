"""A ladder of language models: its plan, its law from losses that are known, and runs that are taken up."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gradschool import recipes
from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.language.scaling.budgets import in_budgets
from gradschool.evals.language.scaling.isoflop import Runs
from gradschool.evals.language.scaling.law import Law
from gradschool.models.language.gpt2 import gpt2
from gradschool.practice import scaling
from gradschool.practice.scaling import fitted, loss_of, plan
from gradschool.runs.language.model import LanguageRun

TRUE = Law(E=1.2, A=8.0, B=60.0, alpha=0.3, beta=0.35)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    draw, words = random.Random(0), ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "two", "dogs"]
    file = tmp_path_factory.mktemp("ladder") / "cats.txt"
    file.write_text(" ".join(draw.choice(words) for _ in range(1500)))
    return LanguageRun(
        data=str(file), model=gpt2, model_options={"depth": 1, "heads": 2, "width": 8, "dropout": 0.0},
        context=8, batch_size=4, threads=1, precision="fp32",
    )  # fmt: skip


@pytest.fixture(scope="module")
def ladder(base):
    return plan(base, "width", (8, 12, 16), (2e7, 4e7, 1e8), (24, 2e8))


def test_every_size_has_every_budget_and_uses_it_up(ladder, base):
    assert len(ladder.rungs) == 9 and not ladder.left_out
    budgets = [2e7] * 3 + [4e7] * 3 + [1e8] * 3
    assert [each.compute for each in ladder.rungs] == pytest.approx(budgets, rel=0.05)
    for each in (*ladder.rungs, ladder.largest):
        model = each.run.build_model(len(base.open(0).train.tokeniser))
        tables = model.positions.weight.numel()  # the tokens' table is the output's matrix, too
        matrices = sum(p.numel() for p in model.parameters() if p.dim() > 1)
        assert each.parameters == matrices - tables
        assert each.tokens == each.steps * 32
    short = plan(base, "width", (8, 12, 16), (1e6, 4e7, 1e8), (24, 2e8))
    assert len(short.left_out) == 3 and "fewer than 20" in short.left_out[0]
    with pytest.raises(UserError, match="runs have 20 steps"):
        plan(base, "width", (8, 12), (1e6, 2e6), (24, 1e8))
    with pytest.raises(UserError, match="widht"):
        plan(base, "widht", (8, 12), (1e7, 2e7), (24, 1e8))


def test_a_law_that_is_exact_is_found_with_its_prediction(ladder):
    losses = [float(TRUE.loss(each.parameters, each.tokens)) for each in ladder.rungs]
    found = fitted(ladder, losses)
    wanted = float(TRUE.loss(ladder.largest.parameters, ladder.largest.tokens))
    said, low, high = found.predicted
    assert said == pytest.approx(wanted, rel=2e-3)
    # The interval of an exact law is as narrow as the rounding of its fits.
    assert low - 1e-6 <= said <= high + 1e-6
    assert [row[0] for row in found.intervals] == ["E", "A", "B", "alpha", "beta"]
    assert bool(found.minima) != bool(found.note)


def test_whole_steps_are_put_back_to_their_budgets(ladder):
    losses = [1.0] * 9
    runs = in_budgets(fitted_runs(ladder, losses))
    assert sorted(set(runs.compute)) == pytest.approx([2e7, 4e7, 1e8], rel=0.05)
    # On both sides of a number whose first digit rounds down and up.
    compute = np.array([1.49e12, 3e12, 1.51e12, 1.5e12, 2.9e12])
    runs = in_budgets(Runs(np.arange(1.0, 6), compute, np.ones(5)))
    assert len(set(runs.compute)) == 2 and runs.compute[0] == runs.compute[2] == runs.compute[3]


def fitted_runs(ladder, losses):
    n, c = ([getattr(each, name) for each in ladder.rungs] for name in ("parameters", "compute"))
    return Runs(np.array(n, float), np.array(c, float), np.array(losses))


def test_a_ladder_goes_on_where_it_was_killed(ladder, tmp_path, cut_short):
    each = replace(ladder.rungs[0], steps=6, run=replace(ladder.rungs[0].run, save_every=0.0))
    loss = loss_of(each, "gpt", 0, tmp_path / "whole")
    folder = tmp_path / "whole" / each.name
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
    assert loss_of(each, "gpt", 0, tmp_path / "whole") == loss
    assert before == {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
    # 1. Killed between two checkpoints.
    place = cut_short(RunFolder(folder))
    (tmp_path / "killed").mkdir()
    place.rename(tmp_path / "killed" / each.name)
    assert loss_of(each, "gpt", 0, tmp_path / "killed") == pytest.approx(loss, abs=1e-6)
    # 2. Killed before the first.
    (tmp_path / "early" / each.name).mkdir(parents=True)
    (tmp_path / "early" / each.name / "config.json").write_text((folder / "config.json").read_text())
    assert loss_of(each, "gpt", 0, tmp_path / "early") == pytest.approx(loss, abs=1e-6)
    # 3. Another run in the same place is not taken for this one.
    with pytest.raises(UserError, match="other settings"):
        loss_of(replace(each, steps=7), "gpt", 0, tmp_path / "whole")


def test_a_ladder_on_a_text_by_its_relative_path_goes_on(base, tmp_path, monkeypatch):
    monkeypatch.chdir(Path(base.data).parent)
    beside = plan(replace(base, data="cats.txt"), "width", (8, 12, 16), (2e7, 4e7, 1e8), (24, 2e8))
    loss = loss_of(beside.rungs[0], "gpt", 0, tmp_path / "runs")
    assert loss_of(beside.rungs[0], "gpt", 0, tmp_path / "runs") == loss


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_command_says_the_cost_predicts_and_reports(base, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recipes, "find", lambda name: lambda: base)
    monkeypatch.setattr(scaling, "LEAST", 2)
    words = ["scaling", "gpt", "--dial", "width", "--sizes", "8", "12", "16", "--compute", "2e6", "4e6",
             "--largest", "20", "--largest-compute", "6e6", "--json"]  # fmt: skip
    torch.manual_seed(0)
    for extra in (["--dry"], []):
        with pytest.raises(SystemExit) as left:
            main([*words, *extra])
        said = capsys.readouterr()
        assert not left.value.code, said.err
        assert "7 runs" in said.out and "minutes here" in said.out
    told = json.loads(said.out.splitlines()[-1])
    assert len(told["runs"]) == 6 and told["largest"]["loss"] > 0
    kept = json.loads((tmp_path / "runs/scaling/prediction.json").read_text())
    assert kept["largest"]["loss"] is None and kept["largest"]["predicted"] == told["largest"]["predicted"]
    page = (tmp_path / "runs/scaling/report.html").read_text()
    for title in ("Scaling law", "Compute", "Runs"):
        assert f'-title">{title}</h2>' in page, title


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["digits"], "a recipe of a language model"), (["nonsense"], "no recipe"),
     (["shakespeare_lstm", "--sizes", "1"], "two different numbers")],
)  # fmt: skip
def test_wrong_use_of_the_ladder_is_a_sentence(capsys, words, sentence):
    with pytest.raises(SystemExit) as left:
        main(["scaling", *words])
    assert left.value.code == 2 and sentence in capsys.readouterr().err
