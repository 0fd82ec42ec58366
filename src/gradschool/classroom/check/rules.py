"""What an exercise does without, found in the syntax tree: loops, and calls that would do its work.

The tree names the line before anything runs; `subject` disables the same entry points while it runs.
"""

import ast
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

LOOPS = {
    ast.For: "a for loop", ast.AsyncFor: "a for loop", ast.While: "a while loop",
    ast.ListComp: "a list comprehension", ast.SetComp: "a set comprehension",
    ast.DictComp: "a dict comprehension", ast.GeneratorExp: "a generator",
}  # fmt: skip
LOOPING_CALLS = (
    "map",
    "filter",
    "functools.reduce",
    "numpy.vectorize",
    "numpy.apply_along_axis",
    "torch.vmap",
)


def broken_rules(
    tree: ast.Module, forbid: Sequence[str], allow: Sequence[str] = ()
) -> Iterator[tuple[int, str]]:
    """Line and name of everything in a learner's file that its exercise forbids."""
    names = imported(tree)
    wanted = [pattern for pattern in forbid if pattern != "loops" and not pattern.startswith("aten::")]
    if "loops" in forbid:
        wanted += LOOPING_CALLS
        yield from ((line_of(node), LOOPS[type(node)]) for node in ast.walk(tree) if type(node) in LOOPS)
    for line, name in used_names(tree, names):
        if is_forbidden(name, wanted, allow):
            yield line, name


def line_of(node: ast.AST) -> int:
    """The line of a statement or expression."""
    return int(getattr(node, "lineno", 0))


def is_forbidden(name: str, forbid: Sequence[str], allow: Sequence[str]) -> bool:
    """Whether a dotted name matches a pattern of `forbid` and none of `allow`."""
    return any(fnmatchcase(name, p) for p in forbid) and not any(fnmatchcase(name, p) for p in allow)


def imported(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for, e.g. F for torch.nn.functional."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def used_names(tree: ast.Module, names: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Every dotted name in full (F.conv2d is torch.nn.functional.conv2d), the longest chain only."""
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names_and_chains = (n for n in ast.walk(tree) if isinstance(n, ast.Name | ast.Attribute))
    for node in names_and_chains:
        if id(node) not in inner:
            chain: list[str] = []
            part: ast.expr = node
            while isinstance(part, ast.Attribute):
                chain.append(part.attr)
                part = part.value
            if isinstance(part, ast.Name):
                yield node.lineno, ".".join([names.get(part.id, part.id), *reversed(chain)])
