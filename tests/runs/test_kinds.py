"""What a run can be asked for depends on its kind, and a kind that cannot says so."""

import json

import pytest

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.metric import Metric, bare, in_short, main_score, metric_of
from gradschool.recipes import find, listing
from gradschool.runs.kind import Kind, Wanted
from gradschool.runs.kinds import find_kind, places
from gradschool.runs.reopen import reopen
from gradschool.runs.run import Run
from gradschool.runs.settings import override, to_dict
from gradschool.runs.small import SmallRun


def written(place, recipe):
    """A run's folder as it is before the first step."""
    run = find(recipe)()
    asked = {"recipe": recipe, "kind": run.kind, "seed": 0, "steps": None, "device": "cpu", "plain": False}
    (place / "config.json").write_text(json.dumps(asked | {"settings": to_dict(run)}))
    return RunFolder(place)


@pytest.mark.parametrize("recipe", ["vae_mnist", "impute_digits", "perceptron", "score_rings"])
def test_only_what_classifies_predicts_and_exports(tmp_path, recipe):
    folder = written(tmp_path, recipe)
    run, _ = reopen(folder)
    for name, words in (("predict", ([], 5, None, None)), ("export", (None,)), ("classifier", ())):
        with pytest.raises(UserError, match=f"is {run.title}, which cannot") as told:
            getattr(run, name)(folder, *words)
        assert f"gradschool report {tmp_path}" in str(told.value)
    with pytest.raises(UserError, match="an image classifier"):
        classifier = written(tmp_path, "digits")
        reopen(classifier)[0].sample(classifier, Wanted(), None)


@pytest.mark.parametrize("recipe", sorted(listing()))
def test_every_recipe_is_of_a_kind_that_is_found_by_its_name(recipe):
    run = find(recipe)()
    assert find_kind(run.kind) is type(run), "a kind of run needs a name of its own"
    assert isinstance(run, Run | SmallRun) and run.title.split()[0] in ("a", "an")
    assert run.metrics and run.metrics[0].better and "report" in run.abilities()
    assert type(run).report is not Kind.report


def test_names_of_kinds_are_used_once():
    assert len(set(places().values())) == len(places())


def test_an_unknown_kind_is_a_sentence():
    with pytest.raises(UserError, match=r"no kind of run 'clasifier'.*Did you mean classifier"):
        find_kind("clasifier")


def test_a_recipe_may_be_gone_when_its_run_is_taken_up(tmp_path):
    folder = written(tmp_path, "digits")
    config = folder.read("config.json") | {"recipe": "a recipe of last year"}
    folder.write("config.json", config)
    run, request = reopen(folder)
    assert run == find("digits")() and request.recipe == "a recipe of last year"


def test_metrics_say_what_they_are():
    result = {
        "metrics": {"test_iou": 0.25, "test_mase": 0.5, "train_iou": 0.5}, "main": "test_mase",
        "about": {"iou": {"title": "mean IoU", "unit": "share", "better": "higher"}},
    }  # fmt: skip
    iou, mase = metric_of(result, "test_iou"), metric_of(result, "test_mase")
    assert iou == Metric("iou", "mean IoU", "share", "higher") and iou.shown(0.25) == "25.0 %"
    assert (mase.title, mase.better, mase.best([1.0, 2.0])) == ("mase", "", None)
    assert (iou.best([0.1, 0.3]), Metric("loss").best([0.1, 0.3])) == (0.3, 0.1)
    assert (bare("val_iou"), bare("iou"), bare("test_")) == ("iou", "iou", "test_")
    assert main_score(result) == "test_mase" and main_score({"metrics": {"test_loss": 1.0}}) == "test_loss"
    assert main_score({}) is None
    assert in_short([iou], "val_iou", 0.5) == "val 50.0 %" and in_short([], "val_iou", 0.5) == "val iou 0.500"


@pytest.mark.parametrize("wrong", ["model=resnet19", "model=3", "model=[1]", "model=unet"])
def test_a_model_that_is_none_of_its_kind_is_a_sentence(wrong):
    with pytest.raises(UserError, match="there is no model"):
        override(find("digits")(), [wrong], "digits")
