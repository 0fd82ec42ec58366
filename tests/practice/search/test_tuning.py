"""A study from start to end on a network of seconds: trials are runs, kills lose nothing, failures stay."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import Interrupted, UserError
from gradschool.evals.report.search import SECTIONS
from gradschool.practice.search import trial as trials_module
from gradschool.practice.search import work as work_module
from gradschool.practice.search.crew import processes
from gradschool.practice.search.found import best_of, rows, so_far
from gradschool.practice.search.report import write_report
from gradschool.practice.search.storage import address_of, open_storage, shown
from gradschool.practice.search.study import Asked, begin, open_study
from gradschool.practice.search.trial import PRUNED, Outcome, run_trial
from gradschool.practice.search.work import OWNER, Limits, claim, is_left, me, settle, work
from gradschool.runs.reopen import reopen

OVER = ("learning_rate=1e-3..1e-1:log", "batch_size=32,64")
ASKED = Asked("digits", OVER, set=("evaluations=2",), sampler="random", steps=4)


def searched(study, trials: int) -> list[optuna.trial.FrozenTrial]:
    told: list[optuna.trial.FrozenTrial] = []
    work(study, Limits(trials), told.append)
    return told


def states(study) -> list[str]:
    return [row.state for row in rows(study)]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished study of three trials."""
    study = begin(ASKED, tmp_path_factory.mktemp("tuning") / "done")
    searched(study, 3)
    return study


def test_every_trial_is_a_run_with_the_values_that_were_drawn(done):
    for row in rows(done):
        folder = RunFolder.open(row.run)
        run, request = reopen(folder)
        assert run.learning_rate == row.params["learning_rate"] and run.batch_size == row.params["batch_size"]
        assert (request.seed, request.steps) == (0, 4)
        assert run.report(folder).is_file()
        # The value is the last validation score, of the weights that the run ends with.
        scores = [line["val_accuracy"] for line in folder.metrics() if "val_accuracy" in line]
        assert (
            len(scores) == 2
            and row.value == scores[-1] == folder.read("result.json")["metrics"]["val_accuracy"]
        )
    assert states(done) == ["done"] * 3


def test_the_best_is_chosen_by_validation_alone(done):
    found = rows(done)
    best = best_of(done, found)
    assert best.row.value == max(row.value for row in found)
    assert (
        best.test["test_accuracy"] == RunFolder(best.row.run).read("result.json")["metrics"]["test_accuracy"]
    )
    heights = [value for _, value in so_far(done, found)]
    assert heights == [max(row.value for row in found[: i + 1]) for i in range(3)]
    # No test score of any trial is in the study.
    loaded = done.load()
    assert not any(
        "test" in name for each in loaded.trials for name in (*each.user_attrs, *each.system_attrs)
    )


def test_a_run_that_keeps_the_best_is_judged_by_its_best(tmp_path):
    asked = replace(ASKED, set=("evaluations=4", "keep=best", "learning_rate=0.3"), over=("momentum=0,0.5",))
    study = begin(asked, tmp_path / "best")
    searched(study, 1)
    (row,) = rows(study)
    scores = [line["val_accuracy"] for line in RunFolder(row.run).metrics() if "val_accuracy" in line]
    assert row.value == max(scores)
    result = RunFolder(row.run).read("result.json")
    assert result["metrics"]["val_accuracy"] == max(scores) and result["kept_step"] < 4


def test_a_tenth_is_held_out_where_the_recipe_holds_out_nothing(done, tmp_path):
    assert done.run.val == 0.1 and RunFolder(done.place(0)).read("data.json")["parts"]["val"]["count"] == 144
    with pytest.raises(UserError, match="digits has no validation part"):
        begin(replace(ASKED, set=("val=0",)), tmp_path / "none")
    assert not (tmp_path / "none").exists()
    kept = begin(replace(ASKED, set=("val=0.2",)), tmp_path / "fifth")
    assert kept.run.val == 0.2


def test_the_same_words_go_on_and_others_are_refused(done):
    assert begin(ASKED, done.path).space == done.space
    for change, sentence in (
        ({"over": OVER[:1]}, "searches over"),
        ({"recipe": "vae_digits"}, "has the recipe digits"),
        ({"sampler": "tpe"}, "has the sampler random"),
        ({"set": ()}, "has --set evaluations=2"),
        ({"steps": None}, "has the steps 4"),
    ):
        with pytest.raises(UserError, match=sentence) as told:
            begin(replace(ASKED, **change), done.path)
        assert "Use another --out" in str(told.value)
    (done.path.parent / "full").mkdir()
    (done.path.parent / "full" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="holds something else"):
        begin(ASKED, done.path.parent / "full")


def test_a_search_in_two_parts_finds_what_one_in_one_part_finds(done, tmp_path):
    parts = begin(ASKED, tmp_path / "parts")
    assert len(searched(parts, 1)) == 1
    assert len(searched(open_study(parts.path), 3)) == 2
    assert searched(parts, 3) == []  # there is enough
    assert [(r.params, r.value) for r in rows(parts)] == [(r.params, r.value) for r in rows(done)]


def test_no_trial_begins_when_time_is_up(tmp_path):
    study = begin(ASKED, tmp_path / "late")
    work(study, Limits(3, until=time.time() - 1), lambda _: None)
    assert rows(study) == []
    work(study, Limits(3, parent=os.getpid()), lambda _: None)  # the process that wanted the work is another
    assert rows(study) == []


def test_a_trial_that_fails_is_kept_with_its_sentence_and_the_study_goes_on(tmp_path, monkeypatch):
    study = begin(replace(ASKED, over=("learning_rate=1e20,0.01",), set=("optimizer=sgd",), sampler="grid"),
                  tmp_path / "fails")  # fmt: skip
    searched(study, 9)
    found = {row.params["learning_rate"]: row for row in rows(study)}  # a grid ends with its points
    assert found[1e20].state == "failed" and "learning rate" in found[1e20].why and found[1e20].value is None
    assert found[0.01].state == "done" and best_of(study, rows(study)).row.number == found[0.01].number

    def broken(*_):
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(trials_module, "trained", broken)
    other = begin(ASKED, tmp_path / "breaks")
    searched(other, 2)
    assert [row.why for row in rows(other)] == ["RuntimeError: shapes cannot be multiplied"] * 2
    assert best_of(other, rows(other)) is None


class EndsAt(optuna.pruners.BasePruner):
    """Ends one trial at one of its evaluations."""

    def __init__(self, number: int, at: int) -> None:
        self.number, self.at = number, at

    def prune(self, study, trial):
        return trial.number == self.number and trial.last_step == self.at


@pytest.fixture
def pruned(tmp_path, monkeypatch):
    """A study whose second trial is ended at its second of four evaluations."""
    monkeypatch.setattr("gradschool.practice.search.study.make_pruner", lambda _: EndsAt(1, 2))
    asked = replace(ASKED, set=("evaluations=4",), steps=8, pruner="median")
    study = begin(asked, tmp_path / "pruned")
    searched(study, 3)
    return study


def test_a_pruned_trial_stops_there_and_is_a_whole_run(pruned):
    assert states(pruned) == ["done", "pruned", "done"]
    assert [RunFolder(pruned.place(n)).read("result.json")["steps"] for n in range(3)] == [8, 4, 8]
    loaded = pruned.load().trials
    for number, last in ((0, 4), (1, 2), (2, 4)):
        lines = [line for line in RunFolder(pruned.place(number)).metrics() if "val_accuracy" in line]
        assert loaded[number].intermediate_values == {
            i: line["val_accuracy"] for i, line in enumerate(lines, 1)
        }
        assert len(lines) == last
    stopped = RunFolder(pruned.place(1)).read("result.json")["stopped"]
    assert stopped.startswith(PRUNED) and (pruned.place(1) / "model.safetensors").is_file()


def test_a_pruned_trial_whose_end_was_not_told_stays_pruned(pruned):
    """Killed between its last file and the study's book: the folder says how it ended."""
    loaded = pruned.load()
    trial = loaded.ask()
    for name in ("result.json", "config.json"):
        pruned.place(3).mkdir(exist_ok=True)
        (pruned.place(3) / name).write_text((pruned.place(1) / name).read_text())
    assert run_trial(pruned, trial) == Outcome("pruned")


def test_a_trial_that_is_stopped_goes_on_from_its_step(done, tmp_path, monkeypatch):
    study = begin(ASKED, tmp_path / "stopped")
    real = trials_module.train

    def interrupted(run, request, say, hooks):
        def stop(line):
            if line["step"] == 2 and "loss" in line:
                os.kill(os.getpid(), signal.SIGINT)

        return real(run, request, say, [*hooks, stop])

    monkeypatch.setattr(trials_module, "train", interrupted)
    with pytest.raises(Interrupted, match="step 2 of 4"):
        searched(study, 3)
    assert states(study) == ["running"]
    # The same search takes it up: no step is trained twice, and the numbers are those of a straight one.
    monkeypatch.setattr(trials_module, "train", real)
    begun = []
    monkeypatch.setattr(trials_module, "resume", lambda *a: begun.append(a[0].path) or resume_of(*a))
    searched(study, 3)
    assert begun == [study.place(0)]
    assert [(r.number, r.params, r.value) for r in rows(study)] == [
        (r.number, r.params, r.value) for r in rows(done)
    ]


resume_of = trials_module.resume


def left_running(study, owner) -> optuna.trial.FrozenTrial:
    """A trial that runs, as its owner has signed it."""
    trial = study.load().ask()
    if owner is not None:
        trial.set_user_attr(OWNER, owner)
    return study.load().trials[trial.number]


def test_who_still_trains_is_left_alone(tmp_path):
    study = begin(ASKED, tmp_path / "owners")
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    began = me()["began"]
    gone.wait()
    import psutil

    parent = psutil.Process(os.getppid())
    for owner, is_free in (
        (None, True),
        (me() | {"pid": gone.pid}, True),
        (me(), True),  # of this process, which trains nothing
        (me() | {"began": began - 100}, True),  # another process had this number
        ({**me(), "pid": parent.pid, "began": parent.create_time()}, False),
        (me() | {"host": "elsewhere"}, False),
    ):
        assert is_left(study, left_running(study, owner)) is is_free, owner


def test_a_trial_whose_process_dies_again_and_again_is_failed(tmp_path):
    study = begin(ASKED, tmp_path / "dies")
    for _ in range(3):
        trial = claim(study, Limits(1))
        assert trial.number == 0
        work_module.BUSY.clear()  # as if the process had died
    assert claim(study, Limits(1)) is None
    (row,) = rows(study)
    assert row.state == "failed" and "its process ended 3 times" in row.why


def test_two_workers_never_take_the_same_trial(tmp_path):
    study = begin(ASKED, tmp_path / "many")
    taken, limits = [], Limits(12)

    def worker():
        own = open_study(study.path)
        while (trial := claim(own, limits)) is not None:
            taken.append(trial.number)
            settle(own, trial, Outcome("complete", 0.5))

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(taken) == list(range(12))
    assert states(study) == ["done"] * 12


@pytest.mark.long
def test_two_processes_share_a_study_and_a_kill_loses_one_trial_at_most(tmp_path):
    """kill -9 while trials run; then the same search, by two processes, goes on to the number asked for."""
    study = begin(replace(ASKED, steps=150, set=("evaluations=2", "save_every=0.05")), tmp_path / "killed")
    words = [
        sys.executable,
        "-m",
        "gradschool.practice.search.worker",
        str(study.path),
        "4",
        "0",
        str(os.getpid()),
    ]
    worker = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    saved = study.place(0) / "checkpoints" / "index.json"
    while not saved.exists() and worker.poll() is None:
        time.sleep(0.02)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert states(study) in (["running"], ["done", "running"])
    lines: list[str] = []
    processes(study, Limits(4), 2, lines.append)
    assert states(study) == ["done"] * 4 and sum(" trial " in line for line in lines) >= 3
    steps = [line["step"] for line in RunFolder(study.place(0)).metrics() if "loss" in line]
    assert steps == list(range(1, 151))  # none twice, none lost


def test_one_database_serves_two_folders_of_one_name(tmp_path):
    """As two machines would: each has its folder, and no trial is in both."""
    address = f"sqlite:///{tmp_path / 'all.db'}"
    one, two = (begin(ASKED, tmp_path / side / "shared", address) for side in ("one", "two"))
    first, second = claim(one, Limits(2)), claim(two, Limits(2))
    assert (first.number, second.number) == (0, 1) and claim(two, Limits(2)) is None
    settle(one, first, Outcome("complete", 0.25))
    assert states(two) == ["done", "running"] and not (one.path / "study.db").exists()
    with pytest.raises(UserError, match="a study shared of digits over"):
        begin(replace(ASKED, over=OVER[:1]), tmp_path / "three" / "shared", address)
    with pytest.raises(UserError, match="has its trials in sqlite"):
        open_study(one.path, "sqlite:///other.db")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nonsense", "--storage is 'nonsense'; wanted: the address of a database"),
        ("nosuch://host/name", "there is no kind of database 'nosuch'"),
        ("sqlite:////nowhere/at/all.db", "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence(address, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        begin(ASKED, tmp_path / "bad", address)
    assert not (tmp_path / "bad").exists() or not list((tmp_path / "bad").glob("trial-*"))


def test_the_driver_of_postgresql_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr("gradschool.parts.importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match="psycopg is not installed, and a study in PostgreSQL needs it"):
        address_of("postgresql://me:secret@host/studies")


def test_a_password_is_shown_nowhere(monkeypatch):
    monkeypatch.setattr("gradschool.practice.search.storage.need", lambda *_: None)
    url = address_of("postgresql://me:secret@host/studies")
    assert shown(url) == "postgresql+psycopg://me:***@host/studies" and url.password == "secret"


@pytest.mark.skipif(not os.environ.get("GRADSCHOOL_POSTGRES"), reason="GRADSCHOOL_POSTGRES names no server")
def test_a_study_in_postgresql(tmp_path):
    address = os.environ["GRADSCHOOL_POSTGRES"]
    study = begin(ASKED, tmp_path / f"postgres-{os.getpid()}", address)
    try:
        searched(study, 2)
        assert states(study) == ["done", "done"]
    finally:
        optuna.delete_study(study_name=study.path.name, storage=open_storage(study.url))


def test_the_report_stands_alone_and_names_every_trial(done):
    text = write_report(done).read_text()
    for title in ("Best trial", "Course of the search", "Slices", "Parallel coordinates", "Trials", "Study"):
        assert f">{title}</h2>" in text
    assert (
        "<script" not in text
        and "http://" not in text.replace("http://www.w3.org", "")
        and "https://" not in text
    )
    best = best_of(done, rows(done))
    assert best.shown in text and all(done.metric.shown(row.value) in text for row in rows(done))
    assert "Only 3 finished" in text and len(SECTIONS) == 7
    # Scores on the test part of the others are not in it.
    others = [RunFolder(row.run).read("result.json")["metrics"]["test_accuracy"] for row in rows(done)
              if row.number != best.row.number]  # fmt: skip
    shown_values = {done.metric.shown(row.value) for row in rows(done)} | {best.shown}
    assert all(
        done.metric.shown(one) not in text for one in others if done.metric.shown(one) not in shown_values
    )


def told(capsys, *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


def test_the_command_searches_reports_and_answers_in_json(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = (
        "tune",
        "digits",
        "--over",
        OVER[0],
        "--steps",
        2,
        "--sampler",
        "random",
        "--trials",
        2,
        "--json",
    )
    code, out, _ = told(capsys, *words)
    found = json.loads(out.splitlines()[-1])
    assert code == 0 and len(found["trials"]) == 2 and Path(found["report"]).is_file()
    assert found["best"]["value"] == max(each["value"] for each in found["trials"])
    assert "test_accuracy" in found["best"]["test"] and all("test" not in each for each in found["trials"])
    assert f"learning_rate={found['best']['params']['learning_rate']!r}" in found["best"]["command"]
    assert told(capsys, "report", "tune-digits")[0] == 0
    assert "study, 2 trials" in told(capsys, "runs")[1]
    code, out, _ = told(
        capsys, "tune", "--resume", "runs/tune-digits", "--trials", 3, "--no-report", "--json"
    )
    again = json.loads(out.splitlines()[-1])
    assert code == 0 and again["trials"][:2] == found["trials"] and len(again["trials"]) == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("digits", "--over", OVER[0], "--trials", "0"), "trials is 0; wanted: a whole number >= 1"),
        (("digits", "--over", OVER[0], "--minutes", "0"), "minutes is 0; wanted: a number > 0"),
        (("digits", "--over", OVER[0], "--workers", "0"), "workers is 0"),
        (("digits", "--over", OVER[0], "--steps", "0"), "steps is 0"),
        (("digits",), "there is nothing to search over"),
        ((), "no recipe is named"),
        (("folder", "--over", OVER[0]), "recipe folder has no data yet"),
        (("score_rings", "--over", "hidden=8,16"), "no validation score to search by"),
        (("digits", "--over", OVER[0], "--set", "learning_rate=0.1"), "is in --set and in --over"),
        (("digits", "--over", "epochs=1,2", "--steps", "5"), "--steps replaces epochs"),
        (("--resume", "nowhere"), "nowhere is not a study"),
        (("digits", "--resume", "nowhere"), "--resume came with a recipe"),
        (("--resume", "nowhere", "--over", OVER[0]), "--resume came with --over"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_trained(words, sentence, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = told(capsys, "tune", *words)
    assert code == 2 and sentence in err and len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
