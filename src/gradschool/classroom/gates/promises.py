"""What a docstring promises, sentence by sentence, so that each promise has a case of the check."""

import ast
import re

from gradschool.classroom.exercise.manifest import Exercise, source_of
from gradschool.classroom.exercise.strip import blank, find, read_source

# Words by which a sentence promises more than what the function is.
WORDS = re.compile(
    r"\b(any|every|all|never|always|must|only|in place|unchanged|as (?:they|it) (?:are|is|were|was)"
    r"|gradients?|generator|seed|dtype|device|float64|float32|integer|empty|zeros?|infinite|infinity|finite|nan"
    r"|overflow\w*|raises|\w*error|default|if None|at least|at most|without|exactly|once|same|order"
    r"|sorted|copy|new)\b"
    r"|\(0, 1\)|\[0, 1\]|\+-|±|>= ?0|> ?0",
    re.IGNORECASE,
)


def docstring(exercise: Exercise) -> str:
    """The docstring of an exercise's function, on one line."""
    function, _ = find(ast.parse(read_source(source_of(exercise.target))), exercise.function)
    return " ".join((ast.get_docstring(function) or "").split())


def promised(exercise: Exercise) -> list[str]:
    """The sentences of a docstring that promise something, but for errors that the blank itself raises."""
    told = [part for part in sentences(docstring(exercise)) if WORDS.search(part)]
    return [part for part in told if part.partition(":")[0] not in given_errors(exercise)]


def given_errors(exercise: Exercise) -> set[str]:
    """The names of the errors that are raised by what stays in an exercise's blank."""
    kept = blank(read_source(source_of(exercise.target)), exercise.function, exercise.steps).text
    function, _ = find(ast.parse(kept), exercise.function)
    raised = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise)]
    return {ast.unparse(each.func) for each in raised if isinstance(each, ast.Call)}


def sentences(text: str) -> list[str]:
    """A docstring in sentences; entries of Args and clauses behind a semicolon count as sentences."""
    text = re.sub(r"\b(Args|Returns|Raises|Source|Sources|Example|Examples|Yields|Note):", "", text)
    return [part.strip(" .;") for part in re.split(r"(?<=[.;])\s+", text) if part.strip(" .;")]


def unproved(exercise: Exercise) -> list[str]:
    """The sentences that promise something and that no entry of proofs.toml covers."""
    covered = [" ".join(each.says.split()) for each in exercise.promises]
    return [part for part in promised(exercise) if not any(says in part or part in says for says in covered)]
