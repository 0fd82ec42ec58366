"""Machine-made mutants of a function: one small slip each, from its syntax tree.

After DeMillo, Lipton and Sayward 1978; the slips are those of array code: axes, dtypes, generators, in place.
"""

import ast
import copy
import functools
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gradschool.classroom.exercise.manifest import Exercise, source_of
from gradschool.classroom.exercise.strip import body_after_docstring, find, read_source, split, steps_of

OTHER_OPERATOR = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult, ast.Mod: ast.FloorDiv,
}  # fmt: skip
OTHER_BOUND = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
SIDED = (ast.Sub, ast.Div, ast.MatMult, ast.Pow)
OTHER_NAME = {
    "sum": "mean", "mean": "sum", "max": "min", "min": "max", "amax": "amin", "amin": "amax",
    "argmax": "argmin", "argmin": "argmax", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor",
    "zeros": "ones", "ones": "zeros", "zeros_like": "ones_like", "ones_like": "zeros_like",
    "logsumexp": "sum", "prod": "sum", "log_softmax": "softmax", "std": "var", "var": "std",
}  # fmt: skip
DROPPED = {  # calls left out: x.sqrt() and np.sqrt(x) become x
    "sqrt", "rsqrt", "exp", "log", "log2", "square", "abs", "clamp", "clamp_min", "clamp_max", "clip",
    "maximum", "minimum", "detach", "clone", "copy", "float", "double", "to", "type", "astype", "unique",
    "flip", "relu", "softmax", "softplus", "nan_to_num", "round", "triu", "tril", "cumsum", "sort", "flatten",
}  # fmt: skip
SYMMETRIC = {
    "min", "max", "minimum", "maximum", "hypot", "allclose", "isclose", "transpose", "swapaxes", "flip",
}  # fmt: skip
UNSEEN = {"strict", "device"}  # keywords that change nothing where lengths fit and all is on one device


@dataclass(frozen=True)
class Slip:
    """A mutant.

    Args:
        kind: of slip, for the table.
        was, now: the smallest statement around it, before and after.
        source: the target's module with it.
    """

    kind: str
    was: str
    now: str
    source: str


def slips(exercise: Exercise) -> Iterator[Slip]:
    """All mutants of an exercise's function, within what the learner writes; no two of the same text."""
    source = read_source(source_of(exercise.target))
    function, _ = find(ast.parse(source), exercise.function)
    lines = written_lines(exercise, source, function)
    seen = {ast.unparse(function)}
    for kind, changed, was, now in variants(exercise, function, lines):
        text = ast.unparse(ast.fix_missing_locations(changed))
        if text not in seen:
            seen.add(text)
            yield Slip(kind, was, now, put_back(source, function, changed))


def written_lines(exercise: Exercise, source: str, function: Any) -> set[int]:
    """The lines of a function that the learner writes; what stands before step 1 stays in the blank."""
    known = steps_of(source, function)
    if not known:
        return set(range(body_after_docstring(function)[0].lineno, (function.end_lineno or 0) + 1))
    steps = known if exercise.steps == "all" else exercise.steps
    return {n for step in steps for n in range(known[step][0], known[step][1] + 1)}


def put_back(source: str, function: Any, changed: Any) -> str:
    """A module with a function changed; its decorators and what stands around it stay."""
    lines = split(source)
    changed = copy.copy(changed)
    changed.decorator_list = []
    indent = " " * function.col_offset
    text = textwrap.indent(ast.unparse(changed), indent) + "\n"
    return "".join([*lines[: function.lineno - 1], text, *lines[function.end_lineno :]])


def variants(exercise: Exercise, function: Any, lines: set[int]) -> Iterator[tuple[str, Any, str, str]]:
    """Kind of slip, the changed function, and its statement before and after."""
    # 1. Slips in one expression or statement, but for the words of an error and for what nobody sees.
    nodes = list(ast.walk(function))
    spared = [n for n in nodes if isinstance(n, ast.Raise) or getattr(n, "arg", "") in UNSEEN]
    words = {part for node in spared for part in ast.walk(node)}
    for index, node in enumerate(nodes):
        if getattr(node, "lineno", 0) in lines and node not in words:
            for kind, change in changes(node, function):
                changed = copy.deepcopy(function)
                place = list(ast.walk(changed))[index]
                before = nearest(changed, place)
                was = head(before)
                if change(place) is not False:
                    yield kind, changed, was, head(before) if before in ast.walk(changed) else ""
    # 2. Slips of a whole function, put before its first line.
    start = len(function.body) - len(body_after_docstring(function))
    for kind, line in openings(exercise, function):
        changed = copy.deepcopy(function)
        changed.body[start:start] = ast.parse(line).body
        yield kind, changed, "def", line.splitlines()[-1]


def nearest(function: Any, node: Any) -> Any:
    """The smallest statement that holds a node."""
    holders = [
        s for s in ast.walk(function) if isinstance(s, ast.stmt) and any(n is node for n in ast.walk(s))
    ]
    return min(holders, key=lambda s: sum(1 for _ in ast.walk(s)))


def head(statement: Any) -> str:
    """A statement as one line; of one with a body, the first."""
    return ast.unparse(statement).splitlines()[0] if statement is not None else ""


def openings(exercise: Exercise, function: Any) -> Iterator[tuple[str, str]]:
    """Lines that make a function forget an argument, or change a copy of it."""
    spec = function.args
    pairs = [*zip(spec.args[len(spec.args) - len(spec.defaults) :], spec.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d is not None]
    for argument, default in pairs:
        yield "argument at its default", f"{argument.arg} = {ast.unparse(default)}"
    for name in exercise.in_place:
        yield "copy for in place", f"{HELP}\n{name} = slips.copied({name})"


HELP = "from gradschool.classroom.gates import slips"
Change = Callable[[Any], object]


def changes(node: Any, function: Any) -> Iterator[tuple[str, Change]]:
    """The slips that one node allows: kind, and what makes the slip in a copy of it."""
    match node:
        case ast.BinOp():
            yield from operator_slips(node, parameters(function))
        case ast.Compare(ops=[only]) if type(only) in OTHER_BOUND:
            yield "bound", lambda n: setattr(n, "ops", [OTHER_BOUND[type(n.ops[0])]()])
        case ast.BoolOp():
            other = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield "and for or", lambda n: setattr(n, "op", other())
        case ast.UnaryOp():
            yield "sign or not", lambda n: become(n, n.operand)
        case ast.Constant():
            yield from constant_slips(node)
        case ast.Call():
            yield from call_slips(node)
        case ast.Attribute(attr=name) if name in ("T", "mT") and isinstance(node.ctx, ast.Load):
            yield "call dropped", lambda n: become(n, n.value)
        case ast.IfExp():
            yield "branch", lambda n: become(n, n.body)
            yield "branch", lambda n: become(n, n.orelse)
        case ast.stmt():
            yield from statement_slips(node, function)


def operator_slips(node: ast.BinOp, arguments: set[str]) -> Iterator[tuple[str, Change]]:
    """Another operator, the sides changed round, the result written into an argument."""
    if type(node.op) in OTHER_OPERATOR:
        yield "operator", lambda n: setattr(n, "op", OTHER_OPERATOR[type(n.op)]())
    if isinstance(node.op, SIDED):
        yield "order", lambda n: n.__dict__.update(left=n.right, right=n.left)
    if isinstance(node.left, ast.Name) and node.left.id in arguments:
        yield "argument changed", lambda n: become(n, helper("written_into", n.left, copy.copy(n)))


def constant_slips(node: ast.Constant) -> Iterator[tuple[str, Change]]:
    """A constant that is a little off, or none at all."""
    value = node.value
    others: set[Any] = set()
    if isinstance(value, bool):
        others = {not value}
    elif isinstance(value, int):
        others = {value + 1, value - 1, 0} - {value}
    elif isinstance(value, float):
        others = {2 * value, 0.0, 1.0} - {value}
    for other in sorted(others, key=repr):
        yield "constant", functools.partial(set_value, other=other)


def set_value(node: Any, other: object) -> None:
    """Give a constant another value."""
    node.value = other


def call_slips(node: ast.Call) -> Iterator[tuple[str, Change]]:
    """Another function, no call, arguments changed round, a keyword left out, a copy for what is in place."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in OTHER_NAME:
        yield "reduction", rename
    if name in DROPPED and receiver(node) is not None:
        yield "call dropped", lambda n: become(n, receiver(n))
    starred = any(isinstance(a, ast.Starred) for a in node.args[:2])
    if len(node.args) >= 2 and not starred and name not in SYMMETRIC:
        yield "order", lambda n: n.args.__setitem__(slice(0, 2), [n.args[1], n.args[0]])
    for index, keyword in enumerate(node.keywords):
        if keyword.arg is not None and keyword.arg not in UNSEEN:
            kind = "generator dropped" if keyword.arg in ("generator", "rng") else "keyword dropped"
            yield kind, functools.partial(drop_keyword, index=index)
    drawn_from = getattr(getattr(node.func, "value", None), "id", "")
    if drawn_from in ("rng", "generator"):
        fresh = ast.parse("__import__('numpy').random.default_rng()", mode="eval").body
        yield "generator dropped", lambda n: setattr(n.func, "value", copy.deepcopy(fresh))


def drop_keyword(node: Any, index: int) -> None:
    """Leave a keyword argument out."""
    node.keywords.pop(index)


def rename(node: Any) -> None:
    """The function's counterpart."""
    if isinstance(node.func, ast.Attribute):
        node.func.attr = OTHER_NAME[node.func.attr]
    else:
        node.func.id = OTHER_NAME[node.func.id]


def receiver(node: Any) -> Any:
    """What a call that does nothing gives: x of x.sqrt(), np.sqrt(x), sqrt(x); None for float(x)."""
    modules = ("np", "torch", "math", "F", "numpy")
    method = isinstance(node.func, ast.Attribute)
    if method and not (isinstance(node.func.value, ast.Name) and node.func.value.id in modules):
        return node.func.value
    return node.args[0] if node.args and ast.unparse(node.func) != "float" else None


def statement_slips(node: Any, function: Any) -> Iterator[tuple[str, Change]]:
    """A statement dropped, a condition the other way round, a result in the wrong dtype or shape."""
    match node:
        case ast.With() if "no_grad" in ast.unparse(node.items[0]):
            yield "no_grad dropped", lambda n: become(n, ast.If(ast.Constant(True), n.body, []))
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Expr() | ast.AugAssign():
            if isinstance(node, ast.Expr) and (copies := out_of_place(node)) is not None:
                yield "copy for in place", lambda n: become(n, copy.deepcopy(copies))
            yield "statement dropped", lambda n: become(n, ast.Pass())
        case ast.Assign(targets=[ast.Name(id=name)]) if name in earlier(function, node):
            yield "statement dropped", lambda n: become(n, ast.Pass())
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield "statement dropped", lambda n: become(n, ast.Pass())
        case ast.If():
            yield "condition", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
            yield "condition", lambda n: setattr(n, "test", ast.Constant(False))
        case ast.Return(value=value) if value is not None:
            yield "dtype narrowed", lambda n: setattr(n, "value", helper("narrowed", n.value))
            yield "first for all", lambda n: setattr(n, "value", helper("first_for_all", n.value))


def out_of_place(node: ast.Expr) -> ast.Assign | None:
    """`x.mul_(a).add_(b)` as `x = x.mul(a).add(b)`: another tensor under the name, the old one as it was."""
    call, changed = copy.deepcopy(node.value), False
    inner: Any = call
    while (
        isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Attribute)
        and inner.func.attr.endswith("_")
    ):
        inner.func.attr, changed = inner.func.attr[:-1], True
        inner = inner.func.value
    if not changed or not isinstance(inner, ast.Name | ast.Attribute | ast.Subscript):
        return None
    target = copy.deepcopy(inner)
    target.ctx = ast.Store()
    return ast.Assign([target], call, lineno=node.lineno)


def earlier(function: Any, node: Any) -> set[str]:
    """The names that have a meaning before a statement."""
    names = [n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return {n.id for n in names if n.lineno < node.lineno} | parameters(function)


def parameters(function: Any) -> set[str]:
    """The names of a function's parameters, but for self."""
    return {a.arg for a in [*function.args.args, *function.args.kwonlyargs]} - {"self"}


def helper(name: str, *arguments: Any) -> ast.Call:
    """A call of a function of `slips`."""
    module = ast.parse("__import__('gradschool.classroom.gates.slips', fromlist=['slips'])", mode="eval").body
    return ast.Call(ast.Attribute(module, name, ast.Load()), list(arguments), [])


def become(node: Any, other: Any) -> None:
    """Turn a node of a tree into another."""
    place = {key: getattr(node, key) for key in ("lineno", "col_offset") if hasattr(node, key)}
    node.__class__ = other.__class__
    node.__dict__.clear()
    node.__dict__.update({**place, **other.__dict__})
