"""A lecture with everything in it resolved: code of the library, measured numbers, figures, output.

The result is a list of blocks that `page` turns into HTML and `terminal` into text. Whatever does not hold
(an unknown target, a dead link, a failing block, a stale number) stops it with a sentence.
"""

import ast
import contextlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from gradschool.classroom.author.evidence import content, number
from gradschool.classroom.author.references import with_references
from gradschool.classroom.exercise.manifest import PACKAGE, Chapter, Exercise, source_of
from gradschool.classroom.exercise.strip import STEP, find, first_line, read_source, split
from gradschool.classroom.workspace.layout import imports_for
from gradschool.errors import UserError
from gradschool.phrases import command

FENCE = re.compile(r"^```([^`\n]*)\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
RESULT = re.compile(r"\{result\}`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)")


@dataclass(frozen=True)
class Text:
    """Markdown with math."""

    markdown: str


@dataclass(frozen=True)
class Code:
    """Code out of the library, or a block of the lecture with what it printed.

    Args:
        text: as it stands.
        title: where in the library; "" for a block of the lecture.
        printed: by it.
        language: python, text, toml ...
        imports: what a function of the library needs to run elsewhere; "" for parts of one.
    """

    text: str
    title: str = ""
    printed: str = ""
    language: str = "python"
    imports: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure as SVG ("" if nothing was run), with its function's name and its caption in Markdown."""

    svg: str
    caption: str
    name: str


@dataclass(frozen=True)
class Task:
    """The place of an exercise."""

    exercise: Exercise


@dataclass(frozen=True)
class Question:
    """A question to check oneself with, and its answer, folded; both Markdown."""

    ask: str
    answer: str


Block = Text | Code | Figure | Task | Question


def resolve(chapter: Chapter, runs: bool = True) -> list[Block]:
    """The blocks of a chapter's lecture.

    Args:
        chapter: which.
        runs: whether its code is run and its figures are drawn; what is run elsewhere needs neither.

    Raises:
        UserError: something in it does not hold; the sentence says what, and in which line.
    """
    file = chapter.folder / "lecture.md"
    if not file.is_file():
        raise UserError(
            f"{chapter.id} has no lecture yet", "", f"Its exercises: {command('start', chapter.id)}"
        )
    text, at = read_source(file).replace("\r\n", "\n"), 0
    blocks: list[Block] = []
    names: dict[str, Any] = {"__name__": "lecture"}
    for fence in [*FENCE.finditer(text), None]:
        # 1. The text up to here.
        before = text[at : fence.start() if fence else len(text)]
        with place(file, text, at):
            if before.strip():
                check_links(chapter, before)
                blocks.append(Text(with_numbers(chapter, before)))
        # 2. The fenced block.
        if fence:
            with place(file, text, fence.start()):
                blocks.append(fenced(chapter, fence[1].strip(), fence[2], names if runs else None))
            at = fence.end()
    return blocks


def with_numbers(chapter: Chapter, markdown: str) -> str:
    """Text whose {result}, {cite} and {paper} roles have become the numbers and papers they name."""
    return with_references(chapter, RESULT.sub(lambda role: number(chapter, role[1]), markdown))


@contextlib.contextmanager
def place(file: Path, text: str, at: int) -> Iterator[None]:
    """Errors name the file and the line."""
    try:
        yield
    except UserError as error:
        line = text.count("\n", 0, at) + 1
        raise UserError(f"{file}, near line {line}: {error.what}", error.wanted, error.next_step) from error


def fenced(chapter: Chapter, info: str, body: str, names: dict[str, Any] | None) -> Block:
    """One fenced block, by the word in its first line; code runs among `names`, if there are any."""
    kind, _, rest = info.partition(" ")
    match kind:
        case "{code}":
            return library_code(rest)
        case "{figure}":
            name, caption = rest.strip(), with_numbers(chapter, body).strip()
            return Figure("" if names is None else drawn(chapter, name), caption, name)
        case "{exercise}":
            for exercise in chapter.exercises:
                if exercise.id == rest.strip():
                    return Task(exercise)
            raise UserError(f"{chapter.id} has no exercise {rest.strip()!r}", "one of its own", "")
        case "{question}":
            ask, cut, answer = body.partition("\n---\n")
            if not cut:
                raise UserError("a question has no answer", "text, a line ---, the answer", "")
            return Question(with_numbers(chapter, ask).strip(), with_numbers(chapter, answer).strip())
        case "python":
            return Code(body, printed="" if names is None else run(body, names))
    if kind.startswith("{"):
        raise UserError(f"there is no directive {kind}", "{code}, {figure}, {exercise} or {question}", "")
    return Code(body, language=kind or "text")


def library_code(words: str) -> Code:
    """A function or class of the library, or some steps of a function: `module:name steps=1,3`."""
    target, _, chosen = words.strip().partition(" ")
    name = target.partition(":")[2]
    file = source_of(target)
    is_ours = file.is_relative_to(PACKAGE.parent)
    source, where = read_source(file), file.relative_to(PACKAGE.parent).as_posix() if is_ours else file.name
    tree = ast.parse(source)
    lines = split(source)
    # 1. The whole of a class or function.
    holders = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name]
    node: Any = holders[0] if len(holders) == 1 else find(tree, name)[0]
    start, end = first_line(node), node.end_lineno or 0
    if not chosen:
        imports = imports_for(source, node, target.partition(":")[0])
        return Code(dedent("".join(lines[start:end])), f"{where}, line {start + 1}", imports=imports)
    # 2. Steps only, with the comments that name them.
    known = steps_within(lines, start, end)
    parts = []
    for step in chosen.removeprefix("steps=").split(","):
        if not step.strip().isdigit() or int(step) not in known:
            raise UserError(f"{target} has no step {step!r}", f"steps {sorted(known)}", "")
        first, last = known[int(step)]
        parts.append(dedent("".join(lines[first:last])))
    return Code(dedent("".join(parts)), f"{where}, {name}")


def steps_within(lines: Sequence[str], start: int, end: int) -> dict[int, tuple[int, int]]:
    """Where the numbered steps of lines `start` to `end` lie, at any depth, with the comments that name them.

    Of two steps with one number the outer counts. A step ends at the next one that is as far in or less, or
    where the code goes further out.
    """
    found: dict[int, tuple[int, int]] = {}
    depths: dict[int, int] = {}
    for first in range(start, end):
        match, depth = STEP.match(lines[first].lstrip()), indent(lines[first])
        if match and depth < depths.get(int(match[1]), 1000):
            last = first + 1
            while last < end and (
                not lines[last].strip()
                or indent(lines[last]) > depth
                or (indent(lines[last]) == depth and not STEP.match(lines[last].lstrip()))
            ):
                last += 1
            found[int(match[1])], depths[int(match[1])] = (first, last), depth
    return found


def indent(line: str) -> int:
    """How many spaces a line begins with."""
    return len(line) - len(line.lstrip())


def drawn(chapter: Chapter, name: str) -> str:
    """What a function of the chapter's figures.py draws, as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    draw = getattr(content(chapter, "figures"), name, None)
    if not callable(draw):
        raise UserError(f"figures.py of {chapter.id} has no {name}", "a function", "")
    return vector(draw(), name)


def vector(figure: Any, name: str) -> str:
    """A matplotlib figure as SVG; it is closed. Text stays text, ids do not depend on the day."""
    import matplotlib.pyplot as plt
    from matplotlib import rc_context

    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(file, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    plt.close(figure)
    svg = file.getvalue()
    return svg[svg.index("<svg") :]


def run(body: str, names: dict[str, Any]) -> str:
    """Run a block in the lecture's namespace; returns what it printed.

    Raises:
        UserError: it failed.
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(body, "<lecture>", "exec"), names)
    except Exception as error:
        first = body.strip().splitlines()[0]
        raise UserError(f"the block `{first}` fails ({type(error).__name__}: {error})", "", "") from error
    return printed.getvalue()


def check_links(chapter: Chapter, markdown: str) -> None:
    """Refuse links to files that do not exist; links to the web are not looked up."""
    for link in LINK.findall(markdown):
        path = link.split("#")[0]
        if path and "://" not in path and not (chapter.folder / path).exists():
            raise UserError(f"the link {link} leads nowhere", "a file beside the lecture", "")
