"""The house: every file in a folder of its kind, no folder too full, no import that hides a circle."""

import ast
import builtins
import dis
import importlib
from pathlib import Path
from types import CodeType

import pytest

from gradschool import scan

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "gradschool"
MOST = 25  # files a folder
FOLDERS = sorted({file.parent for place in (SOURCE, ROOT / "tests") for file in place.rglob("*.py")})
LATE = {
    "classroom/check/client.py": "only where a check cannot be forked",
    "classroom/check/spawn.py": "only in the process that is started",
    "data/sets/audio/spoken_digits.py": "beside torch and SciPy, which listing the sets must not load",
    "data/sets/vision/camvid.py": "beside torch, which listing the sets must not load",
    "data/sets/vision/chestmnist.py": "beside torch, which listing the sets must not load",
    "data/sets/vision/digits.py": "beside scikit-learn and torch, which listing the sets must not load",
    "data/text/labelled/proseset.py": "beside torch, which listing the sets must not load",
    "data/text/vectors/wordsets.py": "beside torch, which listing the sets must not load",
    "engine/device.py": "the version, when a run is described",
    "recipes/__init__.py": "pydantic takes a while to load, and listing recipes needs none",
}


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def python_files(folder: str) -> list[Path]:
    return [file for file in sorted((SOURCE / folder).rglob("*.py")) if file.stem != "__init__"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_no_folder_is_too_full(folder):
    files = [file.name for file in folder.glob("*.py")]
    assert len(files) <= MOST, f"{len(files)} files: give them folders by subject"


@pytest.mark.parametrize("file", python_files("recipes"), ids=lambda file: file.stem)
def test_a_recipe_is_one_function_and_nothing_else(file):
    docstring, *rest = tree(file).body
    assert isinstance(docstring, ast.Expr) and file.parent.parent.name == "recipes"
    others = [node for node in rest if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert [getattr(node, "name", "") for node in others] == [file.stem]
    assert ast.get_docstring(others[0]), "its description is the list's"


def test_recipes_sets_and_models_have_names_of_their_own():
    for folder in ("recipes", "data/sets", "models"):
        names = [file.stem for file in python_files(folder)]
        assert len(names) == len(set(names)), folder


@pytest.mark.parametrize("file", python_files("data/sets"), ids=lambda file: file.stem)
def test_a_set_is_a_record(file):
    names = [target.id for node in tree(file).body if isinstance(node, ast.Assign)
             for target in node.targets if isinstance(target, ast.Name)]  # fmt: skip
    assert "SET" in names and file.parent.parent.name == "sets"


@pytest.mark.parametrize(
    "file", [f for f in python_files("cli") if f.parent.name != "cli"], ids=lambda f: f.stem
)
def test_a_command_has_words_and_a_run(file):
    names = {getattr(node, "name", "") for node in tree(file).body}
    assert {"Args", "run"} <= names


@pytest.mark.parametrize("folder", sorted(p for p in (SOURCE / "classroom/coursework").iterdir() if p.is_dir()
                                          and p.name != "__pycache__"), ids=lambda p: p.name)  # fmt: skip
def test_a_coursework_is_a_folder_with_its_work(folder):
    assert (folder / "work.py").is_file() and (folder / "__init__.py").is_file()


def test_files_beside_the_kinds_of_runs_are_the_core():
    core = {file.stem for file in (SOURCE / "runs").glob("*.py")} - {"__init__"}
    assert core == {
        "again", "config", "finish", "kind", "kinds", "old", "reopen", "request", "run", "settings", "small",
        "train",
    }  # fmt: skip


def test_lessons_are_with_the_course():
    assert {"bugs", "small_loop", "hand"} <= {file.stem for file in python_files("course/lessons")}


def test_no_import_of_ours_is_hidden_in_a_function():
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        place = file.relative_to(SOURCE).as_posix()
        if place.startswith("cli/") or "-" in place:
            continue  # a command loads what it needs when it runs: --help stays quick; chapters are content
        for outer in ast.walk(tree(file)):
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [place for node in ast.walk(outer) if isinstance(node, ast.ImportFrom)
                          and (node.module or "").split(".")[0] == "gradschool"]  # fmt: skip
    assert set(found) == LATE.keys(), "what two files need goes into a third; or say why it is late"


def test_scanning_finds_modules_of_all_folders_and_imports_none(tmp_path):
    (tmp_path / "wing").mkdir()
    (tmp_path / "wing" / "one.py").write_text("raise SystemExit\nx = 1\n")
    (tmp_path / "__init__.py").write_text("")
    assert list(scan.modules("toy", tmp_path)) == ["toy.wing.one"]
    assert [name for name, _ in scan.definitions("toy", tmp_path)] == ["toy.wing.one"] * 2
    assert importlib.import_module("gradschool.scan").__doc__


def test_every_name_that_a_function_uses_exists():
    """Lint cannot see it: shapes in strings look like names that are missing."""

    def all_code(code):
        yield code
        for each in code.co_consts:
            if isinstance(each, CodeType):
                yield from all_code(each)

    missing = []
    for name, file in scan.modules("gradschool", SOURCE).items():
        if "-" in name or name.endswith("__main__"):
            continue  # chapters are content; a program would run
        known = vars(importlib.import_module(name)).keys() | vars(builtins).keys()
        for code in all_code(compile(file.read_text(encoding="utf-8"), str(file), "exec")):
            missing += [(name, code.co_name, step.argval) for step in dis.get_instructions(code)
                        if step.opname == "LOAD_GLOBAL" and step.argval not in known]  # fmt: skip
    assert missing == []
