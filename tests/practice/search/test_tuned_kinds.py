"""A search runs over every kind of run: each has a validation score with a direction, or refuses."""

from dataclasses import dataclass

import pytest

from gradschool.errors import UserError
from gradschool.practice.search.found import best_of, rows
from gradschool.practice.search.study import Asked, begin
from gradschool.practice.search.work import Limits, work
from gradschool.runs.kinds import find_kind, places


@dataclass(frozen=True)
class Case:
    """A recipe with one setting to search over, made small."""

    recipe: str
    over: str
    set: tuple[str, ...] = ()
    steps: int | None = 3
    data: str | None = None


CASES = [
    Case("vae_digits", "beta=0.5,2", ("evaluations=1",)),
    Case(
        "ddpm_digits",
        "learning_rate=1e-4..1e-2:log",
        ("evaluations=1", "shown=1", "times=4", "sampler_steps=2"),
    ),
    Case("impute_digits", "batch_size=16,32", ("evaluations=1",)),
    Case("perceptron", "gap=0.1..1", ("points=20",), None),
    Case("anbn_srn", "learning_rate=0.01,0.1"),
    Case("gridworld", "epsilon_start=0.1..0.5", ("episodes=20", "evaluations=1")),
    Case("cartpole_ppo", "gamma=0.9,0.99", ("worlds=4", "batch_size=64", "tested=2", "evaluations=1")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.recipe)
def test_a_search_finds_the_best_of_a_kind_by_its_own_direction(case, tmp_path):
    asked = Asked(case.recipe, (case.over,), case.set, case.data, "random", steps=case.steps)
    study = begin(asked, tmp_path / "study")
    work(study, Limits(2), lambda _: None)
    found = rows(study)
    assert [row.state for row in found] == ["done", "done"], [row.why for row in found]
    values = [row.value for row in found]
    best = best_of(study, found)
    assert best.row.value == (max(values) if study.run.metrics[0].better == "higher" else min(values))
    assert f"test_{study.metric.name}" in best.test


@pytest.mark.parametrize("name", sorted(places()))
def test_a_kind_that_is_searched_has_a_score_with_a_direction(name):
    kind = find_kind(name)
    if kind.validates:
        assert kind.metrics and kind.metrics[0].better in ("higher", "lower")


@pytest.mark.parametrize("recipe", ["score_rings", "ppmi_svd"])
def test_a_kind_without_a_validation_score_is_refused(recipe, tmp_path):
    with pytest.raises(UserError, match="no validation score to search by"):
        begin(Asked(recipe, ("window=1,2",)), tmp_path / "study")
