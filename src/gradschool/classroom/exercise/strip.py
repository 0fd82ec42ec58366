"""Cuts the blank of an exercise out of the library's source, by syntax tree, function and numbered step.

A step is a comment `# 2. What happens here.` on a line of its own in the function's body; it reaches to the
next one. Decorators, signature, docstring and step comments stay; the first blanked step raises
NotAttempted, later ones are `...`. What is taken out is kept, so that putting it back gives the source
byte for byte.
"""

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gradschool.errors import UserError

STEP = re.compile(r"#\s*(\d+)\.\s")
RAISE = "raise NotAttempted"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Cut:
    """Lines `start` to `end` (counted from 0, end not included) of the source, and what stands there now."""

    start: int
    end: int
    removed: tuple[str, ...]
    put: str


@dataclass(frozen=True)
class Blank:
    """A source with its steps blanked.

    Args:
        text: the whole module with the blanks.
        cuts: from top to bottom; each became one line.
        first, last: lines of the function in `text`, decorators included, counted from 0, last not included.
    """

    text: str
    cuts: tuple[Cut, ...]
    first: int
    last: int

    def restored(self) -> str:
        """The source again, byte for byte."""
        lines = split(self.text)
        for cut in self.cuts:  # what is above a cut is restored already, so its line is the source's
            lines[cut.start : cut.start + 1] = cut.removed
        return "".join(lines)

    @property
    def function(self) -> str:
        """The blanked function (for a method: its class) alone."""
        return "".join(split(self.text)[self.first : self.last])


def find(tree: ast.Module, name: str) -> tuple[Function, ast.stmt]:
    """The function called `name` (or `Class.method`), and the top-level statement that holds it.

    Raises:
        UserError: there is none, or more than one.
    """
    *owner, last = name.split(".")
    holders: list[ast.stmt] = tree.body
    if owner:
        holders = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner[0]]
    pairs = [(n, holder) for holder in holders for n in (holder.body if owner else [holder])]  # type: ignore
    found = [(n, holder) for n, holder in pairs if isinstance(n, Function) and n.name == last]
    if len(found) != 1:
        count = "no function" if not found else f"{len(found)} functions"
        raise UserError(f"the module has {count} {name!r}", "exactly one", "Mend the target.")
    return found[0]


def body_after_docstring(function: Function) -> list[ast.stmt]:
    """The statements of a function but for its docstring."""
    return function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body


def steps_of(source: str, function: Function) -> dict[int, tuple[int, int]]:
    """Each step's number and the lines below its comment, counted from 0, end not included; {} without steps.

    Raises:
        UserError: the numbers are not 1, 2, 3 ..., or a step has no statements.
    """
    # 1. Numbers count up from 1.
    body, comments = body_after_docstring(function), lone_comments(source, function)
    numbered = [(line, number) for line, number in comments if number is not None]
    if [number for _, number in numbered] != list(range(1, len(numbered) + 1)):
        got = ", ".join(str(number) for _, number in numbered)
        raise UserError(f"the steps of {function.name} are {got}", "1, 2, 3 ... in order", "Renumber them.")
    if not numbered:
        return {}
    # 2. A step's text goes on in the comment lines right below it; then its statements, to the next step.
    alone, steps = {line for line, _ in comments}, {}
    edges = [line for line, _ in numbered[1:]] + [(function.end_lineno or 0) + 1]
    for (line, number), edge in zip(numbered, edges, strict=True):
        start = line + 1
        while start in alone:
            start += 1
        ends = [statement.end_lineno or 0 for statement in body if start <= statement.lineno < edge]
        if not ends:
            raise UserError(f"step {number} of {function.name} has no statements", "one or more", "Write it.")
        steps[number] = (start - 1, max(ends + [line for line in alone if start <= line < edge]))
    return steps


def lone_comments(source: str, function: Function) -> list[tuple[int, int | None]]:
    """Comments on lines of their own, indented as a function's body: line, and step number if any."""
    column, last = function.body[0].col_offset, function.end_lineno or 0
    return [
        (token.start[0], int(match[1]) if (match := STEP.match(token.string)) else None)
        for token in tokenize.generate_tokens(io.StringIO(source, newline="").readline)
        if token.type == tokenize.COMMENT
        and function.lineno < token.start[0] <= last
        and token.start[1] == column
        and not token.line[:column].strip()
    ]


def blank(source: str, name: str, steps: Literal["all"] | tuple[int, ...] = "all") -> Blank:
    """Blank steps of a function; the whole body where it has no steps and all are asked for.

    Args:
        source: text of the module, line ends as in the file.
        name: function, or Class.method.
        steps: which.

    Raises:
        UserError: the function is only a docstring or one line, is defined twice, or has no such steps.
    """
    function, holder = find(ast.parse(source), name)
    body = body_after_docstring(function)
    # 1. Refuse what leaves nothing to write.
    if not body or all(isinstance(n, ast.Pass) or is_ellipsis(n) for n in body):
        raise UserError(f"{name} is only a docstring", "a body to write", "Choose another function.")
    if body[0].lineno <= signature_end(function):
        raise UserError(f"the body of {name} stands on the line of its def", "lines of its own", "Break it.")
    # 2. The lines to take out.
    known = steps_of(source, function)
    if steps == "all":
        spans = list(known.values()) or [(body[0].lineno - 1, function.end_lineno or 0)]
    elif missing := [step for step in steps if step not in known]:
        raise UserError(f"{name} has no step {missing[0]}", f"steps {list(known)}", "Mend the manifest.")
    else:
        spans = [known[step] for step in sorted(steps)]
    # 3. One line for each: the first raises.
    lines = split(source)
    cuts: list[Cut] = []
    indent = lines[body[0].lineno - 1][: body[0].col_offset]
    for start, end in spans:
        newline = lines[end - 1][len(lines[end - 1].rstrip("\r\n")) :]
        put = f"{indent}{RAISE if not cuts else '...'}{newline}"
        cuts.append(Cut(start, end, tuple(lines[start:end]), put))
    for cut in reversed(cuts):
        lines[cut.start : cut.end] = [cut.put]
    taken = sum(cut.end - cut.start - 1 for cut in cuts)
    return Blank("".join(lines), tuple(cuts), first_line(holder), (holder.end_lineno or 0) - taken)


def split(source: str) -> list[str]:
    """Lines with their ends, cut where Python cuts them (str.splitlines cuts at form feeds, too)."""
    return io.StringIO(source, newline="").readlines()


def is_ellipsis(statement: ast.stmt) -> bool:
    """Whether a statement is `...`."""
    return isinstance(statement, ast.Expr) and getattr(statement.value, "value", None) is ...


def signature_end(function: Function) -> int:
    """Last line of a signature whose body stands on it, counted from 1: the longest reach of its parts."""
    parts = [*ast.walk(function.args), *([function.returns] if function.returns else [])]
    return max([function.lineno, *(getattr(part, "end_lineno", 0) for part in parts)])


def first_line(statement: ast.stmt) -> int:
    """First line of a function or class with its decorators, counted from 0."""
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(d.lineno for d in decorators)]) - 1


def read_source(file: Path) -> str:
    """A source file's text with its line ends as they are.

    Raises:
        UserError: it is no text in the encoding that it says, or in UTF-8.
    """
    text = decoded(file.read_bytes())
    if said := foreign(text):
        raise UserError(f"{file} {said}", "text in UTF-8", "Save it as UTF-8 in your editor.")
    return text


def decoded(data: bytes) -> str:
    """A source file's text as Python reads it: by its byte-order mark, by its coding line, else as UTF-8.

    Bytes that are no text become lone surrogates; see `foreign`.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding, "surrogateescape")
    except (SyntaxError, UnicodeError):
        return data.decode("utf-8", "surrogateescape")


def foreign(text: str) -> str:
    """What of a decoded file is no text, for a sentence; "" if all of it is."""
    if text[:2] in ("\udcff\udcfe", "\udcfe\udcff"):
        return "is saved as UTF-16, which Python does not read"
    for number, line in enumerate(text.split("\n"), 1):
        for byte in (ord(c) - 0xDC00 for c in line if "\udc80" <= c <= "\udcff"):
            return f"has a byte in line {number} that is no UTF-8 (0x{byte:02x})"
    return ""


def is_attempted(text: str, name: str) -> bool:
    """Whether a learner's function no longer holds `raise NotAttempted`.

    Raises:
        SyntaxError: the text is not Python.
        UserError: it has no function of that name.
    """
    function, _ = find(ast.parse(text), name)
    raised = [n.exc for n in ast.walk(function) if isinstance(n, ast.Raise)]
    names = [getattr(e.func if isinstance(e, ast.Call) else e, "id", "") for e in raised]
    return "NotAttempted" not in names
