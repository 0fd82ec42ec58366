"""The learner's own functions in the commands of practice, and what these functions compute."""

import importlib
import json

import optuna
import pytest
import torch

from gradschool import recipes
from gradschool.classroom.exercise.manifest import find_chapter
from gradschool.classroom.workspace.layout import Workspace, start, text_for
from gradschool.classroom.workspace.overlay import install
from gradschool.cli.main import main
from gradschool.evals.classification.difference import paired
from gradschool.evals.classification.greedy import greedy
from gradschool.ops.practice.folds import out_of_fold
from gradschool.ops.practice.search import promoted, proposed
from gradschool.practice.ensemble.nested import nested
from gradschool.practice.search.own import Halving, Tpe, is_rung
from gradschool.practice.search.samplers import make_pruner, make_sampler
from gradschool.practice.search.space import read_space
from gradschool.practice.search.trial import suggested

CHAPTER = find_chapter("practice")
DIGITS = recipes.find("digits")()
WORDS = ["learning_rate=1e-4..1e-1:log", "batch_size=16..20", "schedule=cosine,constant"]
SPACE = read_space(WORDS, DIGITS, "digits")


@pytest.fixture
def mine(tmp_path):
    """Puts the answer to an exercise in force; afterwards the library's functions are back."""
    work, kept = Workspace(tmp_path / "work"), {}
    start(CHAPTER, work)
    for exercise in CHAPTER.exercises:
        kept[exercise.id] = importlib.import_module(exercise.module)

    def put(name, old="", new=""):
        exercise = next(one for one in CHAPTER.exercises if one.id == name)
        text = text_for(CHAPTER, exercise, solved=True)
        assert old in text
        work.file(CHAPTER, exercise).write_text(text.replace(old, new) if old else text)
        (one,) = install(work, only=(name,))
        return one

    put.root = work.root
    yield put
    for exercise in CHAPTER.exercises:
        function = getattr(kept[exercise.id], exercise.function, None)
        if hasattr(function, "mine"):
            function.mine = None


def searched(seed, trials):
    """A search over the space; the score is best at a rate of 0.01."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    for number in range(trials):
        study.sampler = make_sampler("tpe", SPACE, seed, number, False)
        trial = study.ask()
        suggested(trial, SPACE)
        gap = torch.tensor(trial.params["learning_rate"]).log10() + 2
        study.tell(trial, float(gap.square()) + (trial.params["schedule"] == "constant"))
    return study


def test_tpe_of_the_learner_draws_the_trials(mine):
    one = mine("tpe-ratio")
    assert isinstance(make_sampler("tpe", SPACE, 0, 0, False), Tpe)
    study = searched(0, 30)
    assert one.calls == 30 - 8, "the first eight are drawn at random"
    rates = torch.tensor([trial.params["learning_rate"] for trial in study.trials]).log10()
    assert rates.min() >= -4 and rates.max() <= -1
    assert {trial.params["batch_size"] for trial in study.trials} <= {16, 17, 18, 19, 20}
    early, late = (rates[:8] + 2).abs().mean(), (rates[-10:] + 2).abs().mean()
    assert late < early, "it looks where good trials are dense"
    assert study.trials[7].params == searched(0, 8).trials[7].params, "a seed draws the same"


def test_without_the_learner_optuna_draws():
    assert isinstance(make_sampler("tpe", SPACE, 0, 0, False), optuna.samplers.TPESampler)
    assert isinstance(make_pruner("asha"), optuna.pruners.SuccessiveHalvingPruner)


def test_asha_of_the_learner_ends_trials(mine):
    one = mine("rung-promotion")
    pruner = make_pruner("asha")
    assert isinstance(pruner, Halving) and [n for n in range(1, 30) if is_rung(n, 3)] == [1, 3, 9, 27]
    study = optuna.create_study(direction="maximize", pruner=pruner)
    ended = []
    for score in (0.5, 0.6, 0.4, 0.9, 0.55, 0.95):
        trial = study.ask()
        ended_at = None
        for step in (1, 2, 3):
            trial.report(score, step)
            if trial.should_prune():
                ended_at = step
                break
        ended.append(ended_at)
        study.tell(trial, score)
    # With 1 to 5 trials on a rung the best one goes on, with 6 the best two.
    assert ended == [None, None, 1, None, 1, None] and one.calls > 6


def test_a_search_that_is_told_to_stop_everything_does(mine, monkeypatch, tmp_path, capsys):
    """The command runs the learner's function: one that promotes nobody prunes every trial."""
    mine("rung-promotion", "found[best] = True", "found[best] = False")
    monkeypatch.setenv("GRADSCHOOL_WORK", str(mine.root))
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    promoted.mine = None  # the command puts it in force itself
    words = ["tune", "digits", "--over", "learning_rate=1e-3,1e-2", "--pruner", "asha", "--trials", "2"]
    words += ["--steps", "2", "--set", "evaluations=2", "--mine", "--out", str(tmp_path / "study")]
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 1
    told = capsys.readouterr()
    assert "yours    promoted (" in told.out and "ran: promoted 2 times" in told.out


@pytest.mark.parametrize("words", [["--workers", "2"], ["--ray", "auto"]])
def test_several_workers_and_own_functions_are_refused(words, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["tune", "digits", "--over", "learning_rate=1e-3,1e-2", "--mine", *words])
    assert left.value.code == 2 and "--mine came with several workers" in capsys.readouterr().err


def test_greedy_selection_takes_the_learners_step(mine):
    one = mine("greedy-step", "-mixed", "mixed")
    labels = torch.tensor([0, 1, 0])
    right = torch.eye(2, dtype=torch.float64)[labels]
    found = greedy(torch.stack([right, 1 - right]), labels, 1)
    assert found.tolist() == [0, 1] and one.calls == 1, "with the wrong sign the worst is chosen"


def test_an_interval_is_the_learners(mine):
    one = mine("paired-bootstrap", "gap = ours - theirs", "gap = theirs - ours")
    found = paired(torch.tensor([1.0, 1, 0]), torch.zeros(3))
    assert one.calls == 1 and found.value == pytest.approx(-2 / 3)


def test_a_plan_counts_with_the_learners_function(mine, monkeypatch, tmp_path, capsys):
    mine("break-even", "return buy / saved if saved > 0 else math.inf", "return 1234.0")
    monkeypatch.setenv("GRADSCHOOL_WORK", str(mine.root))
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    prices = ["--price", "1", "--buy", "2000", "--watts", "100", "--kwh", "0.3"]
    with pytest.raises(SystemExit) as left:
        main(["plan", "digits", *prices, "--mine", "--json"])
    assert left.value.code == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["break_even_hours"] == 1234 and told["mine"][0]["exercise"] == "break-even"


def test_weights_judged_fold_by_fold():
    """A member that is right about the first fold alone and one that is always fair: against a loop."""
    source = torch.Generator().manual_seed(0)
    labels, fold = torch.arange(60) % 3, torch.arange(60) // 2 % 3
    noise = 0.3 * torch.randn(2, 60, 3, generator=source, dtype=torch.float64)
    right = torch.nn.functional.one_hot(labels, 3).double()
    logits = noise + torch.stack([3 * right * (fold == 0)[:, None], right])
    found = nested("simplex", logits, labels, fold)
    losses = -logits.log_softmax(2)[:, torch.arange(60), labels]
    chosen = []
    for number in range(3):
        inner = losses[:, fold != number].mean(1)
        chosen.append(losses[inner.argmin(), fold == number].mean())
    assert found.chosen == pytest.approx(float(torch.stack(chosen).mean()))
    assert found.looks == pytest.approx(float(losses.mean(1).min())) and found.looks <= found.chosen
    assert found.gap.value == pytest.approx(found.loss - found.mean)
    assert found.gap.low <= found.gap.value <= found.gap.high
    assert set(found.facts()) == {"loss", "plain_mean", "against_mean", "chosen_member", "best_member"}


def test_no_example_is_predicted_by_a_model_that_has_seen_it():
    seen = []

    def learn(x, y):
        seen.append(set(y.tolist()))
        return lambda new: new[:, 0]

    y, fold = torch.arange(20), torch.arange(20) % 3
    said = out_of_fold(learn, y[:, None].float(), y, fold)
    assert said.tolist() == list(range(20))
    assert [each & set(y[fold == n].tolist()) for n, each in enumerate(seen)] == [set()] * 3


def test_tpe_proposes_points_near_good_ones():
    source = torch.Generator().manual_seed(0)
    points = torch.rand(40, 2, generator=source, dtype=torch.float64)
    losses = (points - 0.3).square().sum(1)
    found = torch.stack([proposed(points, losses, source) for _ in range(30)])
    assert found.min() >= 0 and found.max() <= 1
    assert (found - 0.3).norm(dim=1).median() < 0.75 * (points - 0.3).norm(dim=1).median()
    assert proposed(points[:0], losses[:0], source).shape == (2,)
