"""The seven gates, for every exercise of the course: a check counts only if it has been seen to fail."""

import ast
import hashlib
import sys
from dataclasses import replace

import pytest

from gradschool.classroom.check.client import check
from gradschool.classroom.check.job import Job
from gradschool.classroom.check.mistakes import mutated
from gradschool.classroom.check.report import LINES, lines
from gradschool.classroom.exercise.manifest import chapters, find_exercise, source_of
from gradschool.classroom.exercise.strip import blank, find, read_source, steps_of
from gradschool.classroom.workspace.layout import text_for

EXERCISES = [exercise.id for chapter in chapters() for exercise in chapter.exercises]
MUTANTS = [  # the first of each exercise is quick's sample
    pytest.param(
        exercise.id, number, id=f"{exercise.id}-{number}", marks=[pytest.mark.long] if number else []
    )
    for chapter in chapters()
    for exercise in chapter.exercises
    for number in range(len(exercise.mutants))
]


@pytest.fixture
def run(request):
    """Runs a job: on a warm server of our own where there can be one."""
    return request.getfixturevalue("server").check if sys.platform == "linux" else check


@pytest.fixture
def verdict(run, tmp_path):
    """Judges a text as the file of an exercise."""

    def judged(name, text):
        chapter, exercise = find_exercise(name)
        file = tmp_path / f"{exercise.slug}.py"
        file.write_text(text, encoding="utf-8")
        return run(Job.of(chapter, exercise, file))

    return judged


def told(result):
    return "\n".join(lines(result, 100))


@pytest.mark.parametrize("name", EXERCISES)
def test_gate_1_reference_passes(verdict, name):
    result = verdict(name, text_for(*find_exercise(name), solved=True))
    assert result.passed, told(result)
    assert result.stages, "a pass names the stages that it passed"


@pytest.mark.long
@pytest.mark.parametrize("name", EXERCISES)
def test_gate_2_blank_is_not_attempted(verdict, name):
    text = text_for(*find_exercise(name))
    compile(text, name, "exec")
    result = verdict(name, text)
    assert result.outcome == "not_attempted", told(result)


@pytest.mark.parametrize(("name", "number"), MUTANTS)
def test_gate_3_mutant_falls_at_its_stage_with_its_sentence(verdict, name, number):
    chapter, exercise = find_exercise(name)
    mutant = exercise.mutants[number]
    result = verdict(name, text_for(chapter, exercise, True, mutated(exercise, mutant)))
    assert (result.stage, result.why) == (mutant.stage, mutant.why), told(result)
    assert result.outcome not in ("pass", "infra_error", "not_attempted")
    assert len(lines(result, 100)) <= LINES


@pytest.mark.long
@pytest.mark.parametrize("name", EXERCISES)
def test_gate_4_code_under_test_is_the_workspace_file(verdict, name):
    chapter, exercise = find_exercise(name)
    text = text_for(chapter, exercise).replace("raise NotAttempted", "raise RuntimeError('it is this file')")
    result = verdict(name, text)
    assert result.outcome == "crash", told(result)
    assert "it is this file" in result.said
    assert result.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert result.file.endswith(f"{exercise.slug}.py")


def test_gate_5_a_check_that_compares_nothing_is_a_fault_of_the_course(run, tmp_path):
    chapter, exercise = find_exercise(EXERCISES[0])
    folder = tmp_path / chapter.folder.name
    folder.mkdir()
    (folder / "exercises.toml").write_bytes((chapter.folder / "exercises.toml").read_bytes())
    (folder / "checks.py").write_text(f"def {exercise.slug}(ladder): pass\n")
    file = tmp_path / "answer.py"
    file.write_text(text_for(chapter, exercise, solved=True), encoding="utf-8")
    job = replace(Job.of(chapter, exercise, file), chapter=str(folder))
    assert run(job).outcome == "infra_error"
    (folder / "checks.py").write_text("")
    assert run(job).outcome == "infra_error"


def test_a_judge_that_fails_leaves_no_second_server(run, tmp_path):
    """A mutant that is in no source ends the judge; the next check must be clean all the same."""
    chapter, exercise = find_exercise("top-p")
    folder = tmp_path / chapter.folder.name
    folder.mkdir()
    manifest = (chapter.folder / "exercises.toml").read_text(encoding="utf-8")
    assert manifest.count('find = "descending=True"') == 1
    broken = manifest.replace('find = "descending=True"', 'find = "nowhere"')
    (folder / "exercises.toml").write_text(broken, encoding="utf-8")
    for checks in chapter.checks:
        (folder / checks.name).write_bytes(checks.read_bytes())
    file, right = tmp_path / "answer.py", text_for(chapter, exercise, solved=True)
    file.write_text(right.replace("descending=True", "descending=False"), encoding="utf-8")
    assert run(replace(Job.of(chapter, exercise, file), chapter=str(folder))).outcome == "infra_error"
    file.write_text(right, encoding="utf-8")
    results = [run(Job.of(chapter, exercise, file)) for _ in range(4)]
    assert all(result.passed for result in results), told(results[0])


def test_gate_5_there_are_exercises():
    assert EXERCISES
    assert len(MUTANTS) >= 3 * len(EXERCISES)


@pytest.mark.parametrize("name", EXERCISES)
def test_gate_6_steps_exist_and_count_up(name):
    _, exercise = find_exercise(name)
    source = read_source(source_of(exercise.target))
    function, _ = find(ast.parse(source), exercise.function)
    known = list(steps_of(source, function))
    assert known == list(range(1, len(known) + 1))
    assert exercise.steps == "all" or set(exercise.steps) <= set(known)


@pytest.mark.parametrize("name", EXERCISES)
def test_gate_7_blank_and_what_was_removed_give_the_source(name):
    _, exercise = find_exercise(name)
    source = read_source(source_of(exercise.target))
    cut = blank(source, exercise.function, exercise.steps)
    assert cut.restored() == source
    removed = {line.strip() for part in cut.cuts for line in part.removed}
    left = {line.strip() for line in cut.function.splitlines()}
    assert not {line for line in removed & left if len(line) > 12}, "the blank still holds part of the answer"
