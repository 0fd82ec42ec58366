"""The process that runs the learner's code: it gets arguments and gives back data, and knows no answer.

The function to write, its fast twin and whatever would give it away are blanked here before the learner's
file is loaded, so calling the reference raises. It judges nothing: whatever it says about itself, the
numbers it sends are compared elsewhere.
"""

import ast
import importlib.abc
import importlib.util
import itertools
import linecache
import os
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradschool.classroom import NotAttempted
from gradschool.classroom.check.limits import Forbidden, Limits, confine, tell_where
from gradschool.classroom.check.rules import is_forbidden
from gradschool.classroom.check.watch import Fault, is_draw, watched
from gradschool.classroom.check.wire import Channel, Closed
from gradschool.classroom.exercise.manifest import source_of
from gradschool.classroom.exercise.moved import compiled
from gradschool.classroom.exercise.strip import body_after_docstring, find, read_source

MODULE = "gradschool_work"


@dataclass(frozen=True)
class Work:
    """What a subject is started with.

    Args:
        text, path: the learner's file.
        function: name of the function under test in it.
        hidden: library functions that are blanked, `module:name`.
        forbid, allow: as in the manifest.
        closed: further files that must not be opened.
        limits: of time and memory.
    """

    text: str
    path: str
    function: str
    hidden: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


class Blanked(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports library modules with some of their functions raising Forbidden.

    Args:
        targets: the functions, `module:name`.
    """

    def __init__(self, targets: Sequence[str]) -> None:
        by_module = itertools.groupby(sorted(targets), key=lambda target: target.split(":")[0])
        self.files = {module: str(source_of(module)) for module, _ in by_module}
        self.code = {
            module: blanked([t.split(":")[1] for t in targets if t.split(":")[0] == module], file)
            for module, file in self.files.items()
        }

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Ours for the modules with blanked functions only."""
        if fullname not in self.code:
            return None
        return importlib.util.spec_from_file_location(fullname, self.files[fullname], loader=self)

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the module's blanked code."""
        exec(self.code[module.__name__], module.__dict__)


def blanked(names: Sequence[str], file: str) -> types.CodeType:
    """A module's code with functions' bodies replaced by `raise Forbidden`; absent names are skipped."""
    tree = ast.parse(read_source(Path(file)))
    for name in names:
        if any(getattr(node, "name", None) == name.split(".")[0] for node in tree.body):
            function, _ = find(tree, name)
            said = f"{name} is what you are writing: the library's own is not there in a check"
            line = function.body[len(function.body) - len(body_after_docstring(function))].lineno
            refusal = ast.parse(
                f"raise __import__('sys').modules[{Forbidden.__module__!r}].Forbidden({said!r})"
            )
            function.body = [ast.increment_lineno(refusal.body[0], line)]
    return compile(tree, file, "exec")


def disable(forbid: Sequence[str], allow: Sequence[str]) -> None:
    """Make forbidden entry points raise, also under the names that are imported from now on."""
    for pattern in forbid:
        owner_name, _, name = pattern.rpartition(".")
        if pattern == "loops" or pattern.startswith("aten::") or not owner_name:
            continue
        owner = resolve(owner_name)
        # What is there already: `dir` also names parts of SciPy that would be loaded only now, for a second.
        names = [n for n in vars(owner) if not n.startswith("_")] if name == "*" else [name]
        for one in names:
            full = f"{owner_name}.{one}"
            is_function = isinstance(
                getattr(owner, one, None), types.FunctionType | types.BuiltinFunctionType
            )
            if (is_function or name != "*") and is_forbidden(full, forbid, allow):
                setattr(owner, one, refuser(full))


def resolve(dotted: str) -> Any:
    """The module or class with a dotted name."""
    first, *rest = dotted.split(".")
    found: Any = importlib.import_module(first)
    for part in rest:
        found = getattr(found, part)
    return found


def refuser(name: str) -> Callable[..., Any]:
    """A function that raises Forbidden."""

    def refused(*args: Any, **kwargs: Any) -> Any:
        raise Forbidden(f"{name} is not there in this exercise")

    return refused


def kernel_guard(forbid: Sequence[str]) -> Callable[[], AbstractContextManager[Any]]:
    """A context in which torch's forbidden kernels raise, however they are reached."""
    kernels = tuple(pattern for pattern in forbid if pattern.startswith("aten::"))
    if not kernels:
        return nullcontext
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Guard(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = func._schema.name
            if name.startswith(kernels):
                raise Forbidden(f"{name.removeprefix('aten::')} of torch is not there in this exercise")
            return func(*args, **(kwargs or {}))

    with Guard():  # type: ignore[no-untyped-call]
        torch.zeros(1)  # what torch loads for the first of them is loaded now, before files are closed
    return Guard


def load(work: Work) -> Callable[..., Any]:
    """The learner's function, from their text, compiled under their file's path."""
    module = types.ModuleType(f"{MODULE}.{work.function}")
    module.__file__ = work.path
    sys.modules[module.__name__] = module
    linecache.cache[work.path] = (len(work.text), None, work.text.splitlines(True), work.path)
    exec(compiled(work.text, work.path), module.__dict__)
    return under_test(module, work.function)


def under_test(module: types.ModuleType, name: str) -> Any:
    """What a check calls: the function, or for `Class.method` the class."""
    return plain(getattr(module, name.split(".")[0]))


def plain(function: Any) -> Any:
    """The function under an `@op`, or the function itself."""
    return getattr(function, "taught", function)


def serve(channel: Channel, work: Work) -> None:
    """Load the learner's file and answer calls until the judge hangs up."""
    sys.dont_write_bytecode = True
    sys.setrecursionlimit(3000)
    try:
        # 1. Close every way to the answer, then let the learner's code in.
        finder = Blanked(work.hidden)
        if already := set(finder.code) & set(sys.modules):
            raise SystemError(f"{already} were loaded before they were blanked")
        sys.meta_path.insert(0, finder)
        disable(work.forbid, work.allow)
        guard = kernel_guard(work.forbid)
        confine(work.limits, frozenset(map(os.path.realpath, [*finder.files.values(), *work.closed])))
    except BaseException as error:
        channel.send(
            {"ok": False, "kind": "infra", "name": type(error).__name__, "text": str(error), "at": []}
        )
        return
    tell_where(work.limits.seconds)
    faults: list[Fault] = []
    try:
        function = watched(load(work), work.function, faults)
        channel.send({"ok": True, "callable": callable(function)})
    except BaseException as error:
        channel.send(told(error, work.path))
        return
    # 2. One answer for each request.
    kept: dict[int, Any] = {}
    try:
        for number in itertools.count():
            reply = answer(function, channel.receive(), guard, kept, number, work.path)
            # The arguments of a plain call travel back and are compared by the judge, who trusts no word.
            besides = [list(fault) for fault in faults if "after" not in reply or is_draw(fault)]
            faults.clear()
            channel.send(reply | {"faults": besides})
    except Closed:
        return


def answer(
    function: Callable[..., Any],
    request: dict[str, Any],
    guard: Any,
    kept: dict[int, Any],
    number: int,
    path: str,
) -> dict[str, Any]:
    """Do what was asked: call the function, or go back through an earlier call."""
    try:
        if request["do"] == "backward":
            return {"ok": True, "value": backward(kept.pop(request["call"]), request["up"])}
        if request["do"] == "inside":
            with guard():
                return {
                    "ok": True,
                    "value": inside(request["source"], request["name"])(function, *request["args"]),
                }
        args, kwargs = request["args"], request["kwargs"]
        with guard():
            value = function(*args, **kwargs)
        wanted = [a for a in args if getattr(a, "requires_grad", False)]
        if wanted:
            kept[number] = (list(tensors(value)), wanted)
        return {"ok": True, "value": value, "after": [*args, *kwargs.values()], "call": number}
    except BaseException as error:
        return told(error, path)


def inside(source: str, name: str) -> Callable[..., Any]:
    """A function of the check's own, out of its source, to drive the learner's with what is no data."""
    namespace: dict[str, Any] = {"__name__": "check"}
    exec(compile(source, "<check>", "exec"), namespace)
    driver: Callable[..., Any] = namespace[name]
    return driver


def backward(call: tuple[list[Any], list[Any]], up: list[Any]) -> list[Any]:
    """Gradients of a call's inputs; None where none flows."""
    import torch

    outputs, inputs = call
    pairs = [(y, g) for y, g in zip(outputs, up, strict=True) if y.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    ys, gs = zip(*pairs, strict=True)
    return list(torch.autograd.grad(ys, inputs, gs, allow_unused=True))


def tensors(value: Any) -> Iterator[Any]:
    """The tensors in a value, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from tensors(part)
    elif hasattr(value, "requires_grad"):
        yield value


def told(error: BaseException, path: str) -> dict[str, Any]:
    """An exception as data: its kind, its text, and where in the learner's own file it came from."""
    kinds = {
        NotAttempted: "not_attempted",
        Forbidden: "forbidden",
        MemoryError: "memory",
        SyntaxError: "syntax",
    }
    kind = next((word for known, word in kinds.items() if isinstance(error, known)), "crash")
    try:
        text = str(error)[:300]
    except BaseException:
        text = "(its text cannot be had)"
    if "DefaultCPUAllocator" in text:
        kind = "memory"
    if isinstance(error, OSError) and error.errno == 27:
        text = "more than 1 MB was printed"
    trace, at = error.__traceback__, []
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            at.append(trace.tb_lineno)
        trace = trace.tb_next
    return {"ok": False, "kind": kind, "name": type(error).__name__, "text": text, "at": at[-3:]}
