"""How a file of networks is made: few files to read, a source, the library's own layers only."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from gradschool.models import catalogue

ROOT = Path(__file__).resolve().parents[2] / "src" / "gradschool"
FILES = sorted(path for path in (ROOT / "models").glob("*/*.py") if path.name != "__init__.py")


def files_imported(path):
    """Project files that a file imports, seen in its syntax tree."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            place = ROOT.parent / Path(*name.split("."))
            found |= {p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()}
    return found - {ROOT / "__init__.py"}


def closure(path, stop=frozenset()):
    """A file and all it reaches; files in `stop` are reached but not followed, nor what they stand for."""
    reached, todo = set(), [path]
    while todo:
        file = todo.pop()
        if file not in reached:
            reached.add(file)
            todo += [] if file in stop else files_imported(file)
    return reached


def layers():
    """The files that define the layers which bear torch.nn's names: nn/__init__ and what it re-exports."""
    front = ROOT / "nn" / "__init__.py"
    return {front} | files_imported(front)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_reaches_few_files(path):
    # Layers with torch.nn's names and meaning are vocabulary, read once: together they count as one file.
    vocabulary = layers()
    reached = closure(path, stop=frozenset(vocabulary))
    count = len(reached - vocabulary) + bool(reached & vocabulary)
    assert count <= 6, sorted(file.relative_to(ROOT).as_posix() for file in reached - vocabulary)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rests_on_layers_and_ops_only(path):
    folders = {file.relative_to(ROOT).parts[0] for file in closure(path) - {path}}
    assert folders <= {
        "nn",
        "ops",
        "parts.py",
        "errors.py",
        "phrases.py",
        "scan.py",
    }  # the last four: the switch, and its sentences


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_uses_no_layer_of_torch(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"torch import .*\bnn\b|torch\.nn\.(?!functional import (pad|one_hot|pixel_shuffle)\b)", text
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_names_its_source(path):
    idea = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert re.search(r"Sources?: .*(19|20)\d\d", idea, re.DOTALL)


@pytest.mark.parametrize("name", sorted(catalogue.listing()))
def test_size_functions_look_alike(name):
    function = catalogue.find(name)
    first, second, *rest = inspect.signature(function).parameters.values()
    assert (first.name, second.name) == ("classes", "channels")
    assert second.default in (1, 3) and all(p.default is not p.empty for p in rest)
    assert function.__doc__ and catalogue.name_of(function) == name
