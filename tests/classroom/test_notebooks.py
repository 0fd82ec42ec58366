"""Notebooks run in a real kernel: solutions pass, blanks say "not attempted", nothing raises."""

import tempfile
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="notebooks are an optional part")

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient

from gradschool.classroom.author.notebooks import notebook
from gradschool.classroom.check.client import Server, own_place
from gradschool.classroom.exercise.manifest import chapters, find_chapter


def often(longer):
    """The first chapter always; of the others those that `longer` takes by number in the whole suite."""
    marks = [[], *(pytest.mark.long if longer(i) else pytest.mark.slow for i in range(1, len(chapters())))]
    return [pytest.param(c, id=c.id, marks=m) for c, m in zip(chapters(), marks, strict=True)]


@pytest.fixture(scope="module", autouse=True)
def own_temporary_folder(tmp_path_factory):
    """The kernels' check server lives in a folder of ours and is stopped at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("t")))
        patch.setattr(tempfile, "tempdir", None)
        yield
        with Server(own_place()):
            pass
    tempfile.tempdir = None


@pytest.fixture(scope="module")
def kernel(own_temporary_folder):
    """One kernel for all notebooks, which forgets all names between them: a new one loads torch anew."""
    manager = KernelManager()
    yield manager
    manager.shutdown_kernel(now=True)


def said(made):
    """What each exercise cell printed."""
    return {
        cell.source.split("\n")[0].removeprefix("%%exercise "): "".join(
            o.get("text", "") for o in cell.outputs
        )
        for cell in made.cells
        if cell.cell_type == "code" and cell.source.startswith("%%exercise")
    }


def executed(chapter, kind, folder, kernel=None):
    """A notebook as it is after a run. Figures know nothing of its names: they are drawn in one kind only."""
    made = notebook(chapter, kind, "")
    made.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    if kind == "exercise":
        made.cells = [cell for cell in made.cells if not cell.source.startswith("%figure")]
    NotebookClient(made, kernel, timeout=100, resources={"metadata": {"path": str(folder)}}).execute()
    return made


@pytest.mark.parametrize("chapter", often(lambda i: i % 3 == 0))
def test_solutions_run_clean_and_pass(chapter, tmp_path, kernel):
    told = said(executed(chapter, "solution", tmp_path, kernel))
    assert list(told) == [exercise.id for exercise in chapter.exercises]
    for name, text in told.items():
        assert text.split()[:2] == [name, "pass"], text


@pytest.mark.parametrize("chapter", often(lambda i: i % 3 == 1))
def test_blanks_run_and_say_not_attempted(chapter, tmp_path, kernel):
    told = said(executed(chapter, "exercise", tmp_path, kernel))
    assert list(told) == [exercise.id for exercise in chapter.exercises]
    for name, text in told.items():
        assert text.split()[:3] == [name, "not", "attempted"], text


@pytest.mark.slow
@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.id)
def test_codealong_runs_without_exercises(chapter, tmp_path):
    assert not said(executed(chapter, "codealong", tmp_path))


def test_badge_and_installing_cell_come_with_a_repository():
    chapter = find_chapter("neurons")
    with_one, without = (
        notebook(chapter, "exercise", "someone/some-course"),
        notebook(chapter, "exercise", ""),
    )
    assert len(with_one.cells) == len(without.cells) + 2
    assert (
        "github/someone/some-course/blob/main/notebooks/01-neurons-exercise.ipynb" in with_one.cells[0].source
    )
    assert (
        with_one.cells[1].source
        == '%pip install -q "gradschool @ git+https://github.com/someone/some-course"'
    )


def test_cell_ids_are_stable_and_the_file_is_valid(tmp_path):
    chapter = find_chapter("convolution")
    first, second = (nbformat.writes(notebook(chapter, "exercise", "")) for _ in range(2))
    assert first == second
    file = Path(tmp_path / "a.ipynb")
    file.write_text(first, encoding="utf-8")
    nbformat.validate(nbformat.read(file, as_version=4))
