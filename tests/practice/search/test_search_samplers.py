"""Samplers and pruners: the same trial draws the same, a grid has each point once, no pickle is loaded."""

import pickle

import optuna
import pytest

from gradschool import recipes
from gradschool.errors import UserError
from gradschool.practice.search import samplers
from gradschool.practice.search.samplers import grid_size, make_pruner, make_sampler, refuse_sampler
from gradschool.practice.search.space import read_space
from gradschool.practice.search.trial import suggested

DIGITS = recipes.find("digits")()
RANGES = read_space(["learning_rate=1e-4..1e-1:log", "weight_decay=0..1"], DIGITS, "digits")
LISTS = read_space(["batch_size=32,64", "schedule=cosine,linear,constant"], DIGITS, "digits")


def valley(params) -> float:
    """Lowest at a learning rate of 0.01 and a weight decay of 0.3."""
    return abs(params["learning_rate"] - 0.01) + (params["weight_decay"] - 0.3) ** 2


def searched(name, space, trials, seed=0, score=valley, study=None):
    """So many trials more, each with a sampler of its own, as a worker makes them."""
    study = study or optuna.create_study()
    for number in range(len(study.trials), len(study.trials) + trials):
        study.sampler = make_sampler(name, space, seed, number, False)
        trial = study.ask()
        suggested(trial, space)
        study.tell(trial, score(trial.params))
    return study


def drawn(study):
    return [trial.params for trial in study.trials]


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.mark.parametrize("name", ["random", "tpe", "gp"])
def test_a_search_in_two_parts_draws_what_one_in_one_part_draws(name):
    whole = searched(name, RANGES, 14)
    first = searched(name, RANGES, 6)
    storage = first._storage
    again = optuna.load_study(study_name=first.study_name, storage=storage)
    assert drawn(searched(name, RANGES, 8, study=again)) == drawn(whole)
    assert (
        len({tuple(each.values()) for each in drawn(whole)}) == 14
    )  # a sampler made anew does not repeat itself
    assert drawn(searched(name, RANGES, 3, seed=1)) != drawn(whole)[:3]


def test_the_grid_has_every_point_once():
    study = searched("grid", LISTS, grid_size(LISTS), score=lambda _: 0.0)
    points = {tuple(sorted(each.items())) for each in drawn(study)}
    expected = {
        (("batch_size", b), ("schedule", s)) for b in (32, 64) for s in ("cosine", "linear", "constant")
    }
    assert points == expected and grid_size(LISTS) == 6


class WithPickle(optuna.samplers.CmaEsSampler):
    """Optuna's own; it only draws the seed of a new state where it takes up an old one, as ours does."""

    def _restore_optimizer(self, completed_trials):
        found = super()._restore_optimizer(completed_trials)
        if found is not None:
            self._cma_rng.rng.randint(1, 2**31 - 2)
        return found


def test_cma_es_is_optunas_own_and_loads_no_pickle(monkeypatch):
    """The oracle: Optuna's sampler, whose state goes through its pickle, under the same seeds."""
    pytest.importorskip("cmaes")
    expected = optuna.create_study()
    for number in range(40):
        ours = make_sampler("cmaes", RANGES, 3, number, False)
        expected.sampler = WithPickle(warn_independent_sampling=False)
        for part in ("_cma_rng", "_independent_sampler"):  # the same generators
            setattr(expected.sampler, part, getattr(ours, part))
        trial = expected.ask()
        suggested(trial, RANGES)
        expected.tell(trial, valley(trial.params))

    def refuse(*_):
        raise AssertionError("a pickle was loaded")

    monkeypatch.setattr(pickle, "loads", refuse)
    study = searched("cmaes", RANGES, 40, seed=3)
    theirs = [list(each.values()) for each in drawn(expected)]
    for found, wanted in zip(drawn(study), theirs, strict=True):
        assert list(found.values()) == pytest.approx(wanted, rel=1e-6)  # replayed sums round differently
    assert min(study.trials, key=lambda each: each.value).value < 0.02
    assert not any("optimizer" in key for each in study.trials for key in each.system_attrs)


@pytest.mark.parametrize(
    ("name", "words", "sentence"),
    [
        ("grid", ["learning_rate=0.1..1"], "a grid has no end over learning_rate=0.1..1"),
        ("grid", ["batch_size=1..200", "epochs=1..200:int"], "the grid has 40,000 points"),
        ("cmaes", ["learning_rate=0.1..1", "batch_size=1,2"], "over ranges, two or more"),
    ],
)
def test_a_method_that_cannot_search_the_space_says_so(name, words, sentence, monkeypatch):
    monkeypatch.setattr("gradschool.practice.search.samplers.need", lambda *_: None)
    with pytest.raises(UserError, match=sentence):
        refuse_sampler(name, read_space(words, DIGITS, "digits"))
    refuse_sampler("tpe", read_space(words, DIGITS, "digits"))


@pytest.mark.parametrize(("name", "ends"), [("none", 0), ("median", 1), ("asha", 1), ("hyperband", 1)])
def test_a_pruner_ends_the_worst_of_many(name, ends):
    """Eleven trials of nine evaluations at fixed heights, the highest last: it alone may be ended for it."""
    study = optuna.create_study(direction="minimize", study_name="fixed", pruner=make_pruner(name))
    for height in [*range(10), 100]:
        trial = study.ask()
        seen = 0
        for seen in range(1, 10):
            trial.report(float(height), seen)
            if trial.should_prune():
                break
        study.tell(trial, state=optuna.trial.TrialState.PRUNED) if seen < 9 else study.tell(trial, height)
    states = [each.state == optuna.trial.TrialState.PRUNED for each in study.trials]
    assert states[0] is False and states[-1] == bool(ends)


def test_rustuna_is_asked_for_tpe_without_pruning_where_it_is_installed(monkeypatch):
    monkeypatch.setattr(samplers.importlib.util, "find_spec", lambda name: name)
    assert samplers.rust("tpe", "none") == ("rustuna",)
    assert (
        samplers.rust("tpe", "median") == samplers.rust("random", "none") == samplers.rust("gp", "none") == ()
    )
    monkeypatch.setattr(samplers.importlib.util, "find_spec", lambda name: None)
    assert samplers.rust("tpe", "none") == ()
    with pytest.raises(UserError, match="begun with Rustuna, which is not installed here"):
        make_sampler("tpe", RANGES, 0, 0, False, True)


def test_rustunas_tpe_draws_the_same_again_and_comes_near_the_valley():
    pytest.importorskip("rustuna")

    def found():
        study = optuna.create_study()
        for number in range(30):
            study.sampler = make_sampler("tpe", RANGES, 0, number, False, True)
            trial = study.ask()
            suggested(trial, RANGES)
            study.tell(trial, valley(trial.params))
        return study

    whole = found()
    assert drawn(found()) == drawn(whole) and len({tuple(each.values()) for each in drawn(whole)}) == 30
    first, last = (sorted(t.value for t in part) for part in (whole.trials[:10], whole.trials[20:]))
    assert last[5] < first[5], "the median of the last ten is better than of the ten at random"
