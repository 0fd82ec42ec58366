"""Machine-made right answers: the reference, written in another way without changing what it computes."""

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

from gradschool.classroom.exercise.manifest import Exercise, source_of
from gradschool.classroom.exercise.strip import body_after_docstring, find, read_source
from gradschool.classroom.gates.mutants import parameters, put_back

FORMS = ("view", "backwards", "transposed", "expanded", "parameter", "array", "number")
RANDOM = {"generator", "rng", "seed"}


def rewrites(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """Name and source of the target's module for every rewriting that this function allows."""
    source = read_source(source_of(exercise.target))
    function, _ = find(ast.parse(source), exercise.function)
    for name, change in {**{form: wrapped(form) for form in FORMS}, **WHOLE}.items():
        changed = copy.deepcopy(function)
        if change(exercise, changed):
            yield name, put_back(source, function, ast.fix_missing_locations(changed))


def wrapped(form: str) -> Callable[[Exercise, Any], bool]:
    """A rewriting that gives back each result in another form."""

    def change(exercise: Exercise, function: Any) -> bool:
        returns = [n for n in own_nodes(function) if isinstance(n, ast.Return) and n.value is not None]
        for node in returns:
            call = f"__import__('gradschool.classroom.gates.forms', fromlist=['forms']).{form}()"
            made = ast.parse(call, mode="eval").body
            made.args = [node.value]  # type: ignore[attr-defined]
            node.value = made
        return bool(returns)

    return change


def own_nodes(function: Any) -> Iterator[Any]:
    """The nodes of a function without those of functions inside it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from own_nodes(node)


def renamed(exercise: Exercise, function: Any) -> bool:
    """Local variables have other names."""
    local = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    outside = {
        name for n in ast.walk(function) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names
    }
    local -= parameters(function) | {"self"} | outside
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in local:
            node.id = f"my_{node.id}"
    return bool(local)


def extracted(exercise: Exercise, function: Any) -> bool:
    """The body is in a helper that is called once."""
    return into_helper(function, "return helper({names})")


def twice(exercise: Exercise, function: Any) -> bool:
    """All is computed twice, and the second result is given back; not what draws, changes or calls others,
    nor what may be read only once.
    """
    source = ast.unparse(function)
    calls = {
        n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    names = parameters(function)
    if exercise.in_place or exercise.draws_from or names & (RANDOM | calls) or "self" in source:
        return False
    if "Iter" in ast.unparse(function.args):
        return False
    return into_helper(function, "helper({names})\nreturn helper({names})")


def looped(exercise: Exercise, function: Any) -> bool:
    """The result is taken out of a loop that runs once."""
    if "loops" in exercise.forbid:
        return False
    return into_helper(function, "for _ in range(1):\n    found_once = helper({names})\nreturn found_once")


def into_helper(function: Any, after: str) -> bool:
    """Move a body into an inner function; generators and bodies that use super() stay."""
    source = ast.unparse(function)
    if "super()" in source or any(
        isinstance(n, ast.Yield | ast.YieldFrom | ast.Global) for n in ast.walk(function)
    ):
        return False
    kept = len(function.body) - len(body_after_docstring(function))
    spec = function.args
    names = [a.arg for a in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]]
    if spec.vararg or spec.kwarg:
        return False
    helper: Any = ast.parse(f"def helper({', '.join(names)}):\n    pass").body[0]
    helper.body = function.body[kept:]
    function.body[kept:] = [helper, *ast.parse(after.format(names=", ".join(names))).body]
    return True


WHOLE: dict[str, Callable[[Exercise, Any], bool]] = {
    "renamed": renamed, "helper": extracted, "twice": twice, "loop": looped,
}  # fmt: skip
