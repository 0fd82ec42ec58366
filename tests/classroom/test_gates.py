"""Gates 8 to 10: machine-made wrong answers fall, machine-made right ones pass, every promise has a case."""

import ast
import sys
import zlib
from types import SimpleNamespace

import pytest
import torch

from gradschool.classroom.check.compare import numbers
from gradschool.classroom.check.job import Job
from gradschool.classroom.check.judge import check_of
from gradschool.classroom.check.ladder import Ladder
from gradschool.classroom.check.mistakes import allowed, function_from, walked
from gradschool.classroom.check.remote import Local
from gradschool.classroom.check.report import Failure, lines
from gradschool.classroom.exercise.manifest import chapters, find_exercise, source_of
from gradschool.classroom.exercise.proofs import Equivalent
from gradschool.classroom.exercise.strip import read_source
from gradschool.classroom.gates.mutants import Slip, slips
from gradschool.classroom.gates.promises import docstring, promised, sentences, unproved
from gradschool.classroom.gates.rewrites import FORMS, rewrites
from gradschool.classroom.workspace.layout import text_for

EXERCISES = [exercise.id for chapter in chapters() for exercise in chapter.exercises]
SAMPLE = [name for name in EXERCISES if zlib.crc32(name.encode()) % 4 == 0]  # for every day
FORKS = pytest.mark.skipif(sys.platform != "linux", reason="mutants run in forked processes")


@pytest.fixture(autouse=True)
def no_eye_on_pythons_generator(monkeypatch):
    """beartype, which checks types under pytest alone, draws from it."""
    monkeypatch.setattr("gradschool.classroom.check.watch.random", SimpleNamespace(getstate=lambda: 0))


def sample(name, found):
    """One of many, another for every exercise, the same every day."""
    return found[zlib.crc32(name.encode()) % len(found)] if found else None


@FORKS
@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_gate_8_machine_made_mutants_fall(name):
    from gradschool.classroom.gates.survey import survey

    found = survey(*find_exercise(name))
    assert found.total >= 2, "a function without slips is no exercise"
    told = "\n".join(f"{slip.kind}: {slip.was} -> {slip.now}" for slip in found.survivors)
    assert len(found.survivors) <= 0.02 * found.total, f"{told}\nnot all fall"
    assert found.equivalent <= max(3, 0.15 * found.total), "equivalents are few"


@FORKS
@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_equivalents_are_mutants_that_survive(name, unchecked):
    from gradschool.classroom.gates.survey import fate_of

    chapter, exercise = find_exercise(name)
    made = {(slip.was, slip.now): slip for slip in slips(exercise)}
    for each in exercise.equivalents:
        assert (each.was, each.now) in made, f"no mutant turns {each.was!r} into {each.now!r}"
        assert fate_of(exercise, made[each.was, each.now], check_of(chapter, exercise)) == "survived"


@FORKS
@pytest.mark.long
@pytest.mark.parametrize("name", SAMPLE)
def test_gate_8_a_sample_falls(name):
    from gradschool.classroom.gates.survey import survey

    chapter, exercise = find_exercise(name)
    found = survey(chapter, exercise, [sample(name, list(slips(exercise)))])
    assert not found.survivors, found.survivors[0].now


@pytest.fixture
def passes(request, tmp_path):
    """Judges a module's source as the answer to an exercise."""

    def judged(name, source):
        chapter, exercise = find_exercise(name)
        file = tmp_path / f"{exercise.slug}.py"
        whole = exercise.model_copy(update={"steps": "all"})  # a machine writes no comments, so no steps
        file.write_text(text_for(chapter, whole, True, source), encoding="utf-8")
        result = request.getfixturevalue("server").check(Job.of(chapter, exercise, file))
        assert result.passed, "\n".join(lines(result, 100))

    return judged


@FORKS
@pytest.mark.slow
@pytest.mark.parametrize("name", EXERCISES)
def test_gate_9_machine_made_right_answers_pass(passes, name):
    made = list(rewrites(find_exercise(name)[1]))
    assert made
    for _, source in made:
        passes(name, source)


@FORKS
@pytest.mark.long
@pytest.mark.parametrize("name", SAMPLE)
def test_gate_9_a_sample_passes(passes, name):
    passes(name, sample(name, list(rewrites(find_exercise(name)[1])))[1])


@pytest.mark.long
@pytest.mark.parametrize("name", EXERCISES)
def test_gate_10_every_promise_has_a_case(name):
    chapter, exercise = find_exercise(name)
    assert not unproved(exercise), f"{chapter.folder.name}/proofs.toml shows no case for these"
    failure, ladder = walked(exercise, read_source(source_of(exercise.target)), check_of(chapter, exercise))
    assert failure is None
    for each in exercise.promises:
        assert " ".join(each.says.split()) in docstring(exercise), "the docstring does not say so"
        assert any(each.shown in said for said in ladder.said), f"no case and no sentence has {each.shown!r}"


FUNCTION = '''
def f(x, scale=2.0, keep=True):
    """Something."""
    assert len(x) + 1 > 0
    # 1. All of it.
    y = x.sum(axis=0, keepdims=True) / scale
    if keep and len(x) > 1:
        y = y - x
    return y.sqrt()
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """An exercise whose function is FUNCTION."""
    file = tmp_path / "toy.py"
    file.write_text(FUNCTION)
    for module in ("mutants", "rewrites"):
        monkeypatch.setattr(f"gradschool.classroom.gates.{module}.source_of", lambda target: file)
    return find_exercise("perceptron-update")[1].model_copy(
        update={"target": "gradschool.toy:f", "steps": "all"}
    )


def test_mutants_are_one_slip_each_and_different(toy):
    made = list(slips(toy))
    now = [slip.now for slip in made]
    for wanted in (
        "y = x.mean(axis=0, keepdims=True) / scale", "y = x.sum(axis=1, keepdims=True) / scale",
        "y = x.sum(axis=0) / scale", "y = x.sum(axis=0, keepdims=True) * scale", "if keep or len(x) > 1:",
        "if keep and len(x) >= 1:", "y = x - y", "return y", "scale = 2.0", "keep = True",
    ):  # fmt: skip
        assert wanted in now, wanted
    assert len({slip.source for slip in made}) == len(made)
    assert not any(slip.was.startswith("assert") for slip in made), "what stands before step 1 is given"
    for slip in made:
        ast.parse(slip.source)


SPARED = '''
def f(x, low, high):
    """Something."""
    if low > high:
        raise ValueError("low", "high")
    # 1. All of it.
    pairs = zip(torch.minimum(low, high), torch.zeros(3, device=x.device), strict=True)
    if not pairs:
        raise ValueError("none", "some")
    return pairs
'''


def test_mutants_spare_what_stays_in_the_blank_and_what_nobody_sees(toy, tmp_path):
    (tmp_path / "toy.py").write_text(SPARED)
    now = [slip.now for slip in slips(toy)]
    assert "if pairs:" in now and any("torch.ones(3" in line for line in now)
    assert not [line for line in now if "low >= high" in line or line.startswith("raise")]
    assert not [line for line in now if "(high, low)" in line]
    zips = [line for line in now if "zip" in line]
    assert all("strict=True" in line and "device=x.device" in line for line in zips)


def test_float_of_a_number_left_out_is_no_mutant(toy, tmp_path):
    (tmp_path / "toy.py").write_text("def f(x):\n    return float(x.sum().float())\n")
    now = [slip.now for slip in slips(toy)]
    assert "return float(x.sum())" in now and "return x.sum().float()" not in now


def test_rewrites_compute_the_same(toy):
    import numpy as np

    class Array(np.ndarray):
        def sqrt(self):
            return np.sqrt(np.abs(self))

    x = np.arange(6.0).reshape(3, 2).view(Array)

    def run(source):
        names = {}
        exec(source, names)
        return np.asarray(names["f"](x, 3.0))

    made = dict(rewrites(toy))
    assert {"view", "transposed", "renamed", "helper", "twice", "loop"} <= set(made)
    for source in made.values():
        np.testing.assert_array_equal(run(source), run(FUNCTION))


def test_rewrites_hide_no_function_of_the_module(toy, tmp_path):
    body = '    """Something."""\n    y = 2 * x\n    return result(y)\n'
    (tmp_path / "toy.py").write_text(f"def result(y):\n    return y + 1\n\n\ndef f(x):\n{body}")
    for source in dict(rewrites(toy)).values():
        names = {}
        exec(source, names)
        assert names["f"](3) == 7


@pytest.mark.parametrize("form", FORMS)
def test_forms_keep_values_shapes_and_what_is_no_array(form):
    import numpy as np
    import torch

    from gradschool.classroom.gates import forms
    from gradschool.scratch.backpropagation.tensor import Tensor

    change, ours = getattr(forms, form), Tensor(np.ones(2), requires_grad=True)
    assert change(ours) is ours
    for value in (np.array(0.3), np.arange(6.0).reshape(2, 3)):
        for one in (value, torch.tensor(value)):
            came = change((one,))[0]
            assert came.shape == one.shape and came.dtype == one.dtype
            assert np.array_equal(numbers(came), numbers(one))


@FORKS
def test_a_weak_check_is_found_out(monkeypatch):
    from gradschool.classroom.gates import survey as module

    chapter, exercise = find_exercise("reparametrise")
    made = [slip for slip in slips(exercise) if "gates.slips" not in slip.now]
    assert not module.survey(chapter, exercise, made[:3]).survivors
    monkeypatch.setattr(module, "check_of", lambda *_: lambda ladder: ladder.holds("Nothing.", True))
    weak = module.survey(chapter, exercise, made[:3])
    assert len(weak.survivors) == 3 and weak.killed == 0
    known = tuple(Equivalent(was=slip.was, now=slip.now, why="a test") for slip in made[:3])
    same = module.survey(chapter, exercise.model_copy(update={"equivalents": known}), made[:3])
    assert same.equivalent == 3 and not same.survivors
    assert "| **all** | 3 | 0 (0.0%) | 3 | 3 |" in module.table([module.row(weak), module.row(same)])
    unchanged = Slip("none", "", "", read_source(source_of(exercise.target)))
    monkeypatch.undo()
    assert module.survey(chapter, exercise, [unchanged]).survivors == (unchanged,)
    monkeypatch.setattr(module, "check_of", lambda *_: lambda ladder: ladder.holds("Nothing.", False))
    with pytest.raises(Failure):
        module.survey(chapter, exercise, made[:1])


@pytest.fixture
def two_threads():
    torch.set_num_threads(2)
    torch.randn(500, 500) @ torch.randn(500, 500)  # now the second one is there
    yield
    torch.set_num_threads(1)


@FORKS
@pytest.mark.timeout(60)
def test_threads_of_this_process_do_not_stop_a_mutants(two_threads):
    """A fork that waits for them would end by the clock, as if it had been killed."""
    from gradschool.classroom.gates.survey import fate_of

    _, exercise = find_exercise("reparametrise")
    unchanged = Slip("none", "", "", read_source(source_of(exercise.target)))

    def large(ladder):
        x = torch.randn(500, 500)
        ladder.holds("a product is finite", bool((x @ x).isfinite().all()))

    assert fate_of(exercise, unchanged, large) == "survived"


@FORKS
def test_a_check_that_refuses_a_right_answer_is_found_out(monkeypatch):
    from gradschool.classroom.gates import survey as module

    chapter, exercise = find_exercise("reparametrise")
    none = module.Survey(exercise, 1, (), 0)
    found = module.rewritten(chapter, exercise, none)
    assert found.forms > 3 and not found.refused
    monkeypatch.setattr(module, "check_of", lambda *_: lambda ladder: ladder.holds("Nothing.", False))
    assert len(module.rewritten(chapter, exercise, none).refused) == found.forms


def test_the_table_of_the_docs_is_renewed_row_by_row(tmp_path):
    from gradschool.classroom.gates import survey as module

    file, late, early = tmp_path / "gates.md", *(find_exercise(x)[1] for x in ("attend", "pocket"))
    file.write_text("Words before.\n\n" + module.table([module.row(module.Survey(late, 9, (), 0, 5))]))
    text = module.renewed(file, [module.Survey(early, 19, (), 1, 5, ("view",))])
    names = [line.split(" | ")[0].strip("| ") for line in text.splitlines()[4:]]
    assert text.startswith("Words before.") and names == ["pocket", "attend", "**all**"]
    assert "| **all** | 28 | 28 (100.0%) | 0 | 1 | 10 | 9 |" in text
    file.write_text(text)
    again = module.renewed(file, [module.Survey(late, 10, (), 0, 5)])
    assert "| **all** | 29 | 29 (100.0%)" in again and again.count("attend") == 1


def test_promises_are_sentences_with_words_that_can_be_held():
    text = "Clip x. Args: x: any shape; low: > 0. Returns: Same dtype as x. A number."
    assert sentences(text) == ["Clip x", "x: any shape", "low: > 0", "Same dtype as x", "A number"]
    _, exercise = find_exercise("stable-sigmoid")
    bare = exercise.model_copy(update={"promises": ()})
    assert promised(exercise) and unproved(bare) == promised(exercise)


def test_the_ladder_keeps_what_it_looked_at():
    chapter, exercise = find_exercise("pocket")
    source = read_source(source_of(exercise.target))
    ladder = Ladder(Local(function_from(exercise, source), exercise.function), allowed(exercise))
    check_of(chapter, exercise)(ladder)
    assert ladder.said[0] == ladder.subject.calls[0].about
