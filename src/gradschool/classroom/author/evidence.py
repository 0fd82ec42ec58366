"""Results that a lecture states: measured by a chapter's experiments.py, kept in results/*.json, never typed.

A result carries a fingerprint of the code that it was measured with; when that code changes the result is
stale, and a lecture with a stale number is not rendered.
"""

import ast
import functools
import hashlib
import importlib.util
import json
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from gradschool.classroom.exercise.manifest import PACKAGE, Chapter, find_chapter
from gradschool.errors import UserError


def measure(chapter: Chapter, name: str) -> Path:
    """Run an experiment and write its result.

    Raises:
        UserError: there is no such experiment.
    """
    # 1. Run it.
    experiment = getattr(content(chapter, "experiments"), name, None)
    if not callable(experiment):
        raise UserError(f"experiments.py of {chapter.id} has no {name}", "a function", "Write it.")
    start = time.monotonic()
    values = experiment()
    # 2. Write it down with all that a reader needs to judge it.
    record = {
        "name": name, "chapter": chapter.id, "about": experiment.__doc__, "values": values,
        "fingerprint": fingerprint(chapter, name), "seconds": round(time.monotonic() - start, 1),
        "machine": machine(), "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip
    file = chapter.folder / "results" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return file


def values(chapter: Chapter, name: str) -> Any:
    """What an experiment measured.

    Raises:
        UserError: it was not measured, or its code has changed since.
    """
    file = chapter.folder / "results" / f"{name}.json"
    again = f"Measure it: python -m gradschool.classroom.author.evidence {chapter.id} {name}"
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"there is no result {name} in {chapter.id}", "a measured number", again) from None
    if record["fingerprint"] != fingerprint(chapter, name):
        raise UserError(f"the result {name} of {chapter.id} is stale: its code has changed", "", again)
    return record["values"]


def number(chapter: Chapter, role: str) -> str:
    """The text of a role `xor.runs.median|.1f`: one measured value, formatted.

    Raises:
        UserError: there is no such value, or it is stale.
    """
    path, _, form = role.partition("|")
    name, *keys = path.strip().split(".")
    value = values(chapter, name)
    for key in keys:
        try:
            value = value[int(key) if isinstance(value, list) else key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise UserError(f"the result {name} has no {key!r}", f"one of {list(value)}", "") from None
    return format(value, form.strip())


def content(chapter: Chapter, name: str) -> ModuleType:
    """A Python file of a chapter's folder, as a module.

    Raises:
        UserError: it does not exist.
    """
    file = chapter.folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_{chapter.number}", file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise UserError(f"{file} does not exist", "", "Write it.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fingerprint(chapter: Chapter, name: str) -> str:
    """A hash of one experiment: its function, what that uses of experiments.py, and every module of ours that
    these import, but for text, layout and places. A result stays valid when a module moves to another folder
    and when another experiment changes.
    """
    file = chapter.folder / "experiments.py"
    own, files = own_code(file, name, file.stat().st_mtime_ns if file.is_file() else 0)
    parts = sorted(without_text(f, f.stat().st_mtime_ns) for f in files)
    return hashlib.sha256("\n".join([own, *parts]).encode()).hexdigest()[:16]


@functools.cache
def own_code(file: Path, name: str, changed: int) -> tuple[str, frozenset[Path]]:
    """An experiment's own `textless` code, and the files of ours that it imports.

    Args:
        file: experiments.py of its chapter.
        name: of the experiment.
        changed: when the file was written last, so that it is read again then; 0 if there is none.
    """
    tree = ast.parse(file.read_bytes()) if changed else ast.Module([], [])
    used = closure(tree, name)
    files = set()
    for node in ast.walk(ast.Module(used, [])):
        if is_ours(node):
            stem = PACKAGE.parent.joinpath(*(node.module or "").split("."))
            inside = [stem / f"{alias.name}.py" for alias in node.names]
            files |= {f for f in (stem.with_suffix(".py"), *inside) if f.is_file()}
    return textless(ast.Module(used, [])), frozenset(files)


def closure(tree: ast.Module, name: str) -> list[ast.stmt]:
    """The statements of a module that its definition `name` needs, directly or not, in their order."""
    defined = {word: node for node in tree.body for word in defines(node)}
    needed, found = {name}, set()
    while needed:
        if (node := defined.get(needed.pop())) and node not in found:
            found.add(node)
            needed |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return [node for node in tree.body if node in found]


def defines(node: ast.stmt) -> list[str]:
    """The names that a statement of a module gives a meaning."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


@functools.cache
def without_text(file: Path, changed: int) -> str:
    """A file's `textless` tree; its imports of ours name things, not their places.

    Args:
        file: which.
        changed: when it was written last, so that it is read again then.
    """
    return textless(ast.parse(file.read_bytes()))


def textless(tree: ast.Module) -> str:
    """A syntax tree as text, without docstrings and the words of errors."""
    ours = [node for node in ast.walk(tree) if is_ours(node)]
    names = sorted({alias.asname or alias.name for node in ours for alias in node.names})
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        elif isinstance(node, ast.Raise):
            for inner in ast.walk(node):
                if isinstance(inner, ast.JoinedStr):
                    inner.values = []
                elif isinstance(inner, ast.Constant):
                    inner.value = ""
    return f"{names} {bare(tree)}"


def is_ours(node: ast.AST) -> TypeGuard[ast.ImportFrom]:
    """Whether a line imports from this package."""
    return isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("gradschool.")


def bare(node: Any) -> str:
    """A syntax tree as text that is the same in every Python: fields that are empty, as new ones are, are
    left out, which `ast.dump` does in some versions only.
    """
    if isinstance(node, list):
        return f"[{', '.join(bare(each) for each in node if not is_ours(each))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [f"{name}={bare(value)}" for name, value in ast.iter_fields(node) if value not in (None, [])]
    return f"{type(node).__name__}({', '.join(fields)})"


def machine() -> dict[str, str]:
    """Hardware and versions."""
    found = {"platform": platform.platform(), "processor": platform.processor() or platform.machine()}
    for package in ("gradschool", "torch", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found | {"python": platform.python_version()}


if __name__ == "__main__":
    print(measure(find_chapter(sys.argv[1]), sys.argv[2]))
