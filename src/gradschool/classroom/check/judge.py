"""The judge: asks the learner's process for results, compares them with an independent oracle, and decides.

It runs in a process of its own that never executes learner code; all that reaches it is data. On a failure
it lets the manifest's mutants walk the same ladder: if one falls in the same way, the mistake has a name.
"""

import ast
import hashlib
import importlib.util
import time
from collections.abc import Callable
from typing import Any

from gradschool.classroom.check.ladder import Ladder
from gradschool.classroom.check.mistakes import allowed, known_mistake
from gradschool.classroom.check.remote import Remote
from gradschool.classroom.check.report import Failure, Outcome, Result
from gradschool.classroom.check.rules import broken_rules
from gradschool.classroom.check.wire import Channel
from gradschool.classroom.exercise.manifest import Chapter, Exercise, source_of
from gradschool.classroom.exercise.strip import find, foreign, read_source
from gradschool.errors import UserError

NEXT = {
    "not_attempted": "write it, and take out the line `raise NotAttempted`. A hint: gradschool hint {id}",
    "syntax": "mend that line; nothing else could be looked at.",
    "import": "mend that line; the function itself was not called yet.",
    "timeout": "look for a loop that does not end.",
    "memory": "look for an array that grows, or a product over axes that should meet.",
    "crash": "look at the names and shapes in that line; what you print() is shown here.",
    "wrong_type": "compare with Returns in the docstring.",
    "wrong_shape": "write down the shape after each step and compare with the signature.",
    "wrong_dtype": "make new arrays in the dtype of the inputs.",
    "wrong_value": "work this case by hand, step by step. A hint: gradschool hint {id}",
    "wrong_gradient": "look for .detach(), .data, .item() or torch.no_grad on the way.",
    "broken_invariant": "read the docstring again for what must hold. A hint: gradschool hint {id}",
    "fails_training": "values are right on small cases: look at what happens over many steps.",
    "pass": "yours now runs in the library: gradschool train {recipe} --mine",
    "infra_error": "this is a fault of the course, not yours; nothing is counted. Please report it.",
}  # fmt: skip


def judge(chapter: Chapter, exercise: Exercise, text: str, path: str, channel: Channel) -> Result:
    """Judge one exercise.

    Args:
        chapter, exercise: what is checked.
        text, path: the learner's file.
        channel: to the process that has loaded this very text.
    """
    start = time.monotonic()
    stages: list[str] = []
    sha = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

    def result(outcome: Outcome, stage: str = "", said: str = "", why: str = "") -> Result:
        return Result(
            exercise.id, outcome, stage, said, why, next_step(outcome, stage, exercise),
            time.monotonic() - start, path, sha, tuple(stages),
        )  # fmt: skip

    remote = Remote(channel, text, parameters(exercise))
    ladder = Ladder(remote, allowed(exercise))
    try:
        # 1. What can be seen without running it, then whether it loads.
        check = check_of(chapter, exercise)
        tree = parse(text)
        ladder.enter("rules")
        for line, name in broken_rules(tree, exercise.forbid, exercise.allow):
            raise Failure("broken_invariant", f"Line {line} uses {name}, which this exercise does without.")
        ladder.enter("signature")
        same_signature(exercise, tree)
        loaded(remote)
        # 2. The ladder of this exercise.
        check(ladder)
        ladder.finish()
        stages.extend(ladder.passed)
        return result("pass", ladder.passed[-1])
    except Failure as failure:
        stages.extend(ladder.passed)
        stage = failure.stage or ladder.stage
        if failure.outcome in ("not_attempted", "infra_error"):
            return result(failure.outcome, stage, failure.said)
        return result(failure.outcome, stage, failure.said, known_mistake(exercise, check, failure, ladder))
    except Exception as error:
        return result("infra_error", ladder.stage, f"{type(error).__name__}: {error}")


def next_step(outcome: Outcome, stage: str, exercise: Exercise) -> str:
    """What to do after an outcome at a stage; nothing after a pass of what no recipe runs."""
    if outcome == "pass" and not exercise.recipe:
        return ""
    if stage == "signature" and outcome == "wrong_type":
        return f"put the line of its `def` back. What has changed: gradschool diff {exercise.id}"
    if stage == "rules":
        return "do without it: what the exercise leaves out stands at the top of your file."
    return NEXT[outcome].format(id=exercise.id, recipe=exercise.recipe)


def parse(text: str) -> ast.Module:
    """The learner's file as a tree.

    Raises:
        Failure: it is not Python.
    """
    if said := foreign(text):
        raise Failure("syntax", f"Your file {said}: save it as UTF-8 in your editor.")
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        quoted = f"`{text.splitlines()[line - 1].strip()}`" if text.splitlines()[line - 1 : line] else ""
        message = getattr(error, "msg", str(error))
        raise Failure("syntax", f"Line {line} is not Python: {quoted} ({message}).") from error


def loaded(remote: Remote) -> None:
    """Hear that the learner's file was loaded.

    Raises:
        Failure: it was not.
    """
    try:
        remote.hear()
    except Failure as failure:
        outcome = "import" if failure.outcome == "crash" else failure.outcome
        raise Failure(outcome, failure.said, failure.stage or "signature") from None


def same_signature(exercise: Exercise, tree: ast.Module) -> None:
    """Refuse a function whose parameters are not those of the reference.

    Raises:
        Failure: its name, or a parameter's name or place, is another.
    """
    reference, _ = find(ast.parse(read_source(source_of(exercise.target))), exercise.function)
    try:
        mine, _ = find(tree, exercise.function)
    except UserError as error:
        said = error.what.replace("the module", "your file")
        raise Failure("wrong_type", f"{said}; exactly one was expected.") from None
    want, came = (ast.unparse(strip_types(f)) for f in (reference, mine))
    if want != came:
        raise Failure("wrong_type", f"The signature is ({came}); ({want}) was expected.")


def parameters(exercise: Exercise) -> list[str]:
    """The names of the reference's parameters."""
    reference, _ = find(ast.parse(read_source(source_of(exercise.target))), exercise.function)
    return [each.arg for each in reference.args.args]


def strip_types(function: Any) -> ast.arguments:
    """A function's arguments without annotations."""
    arguments: ast.arguments = ast.parse(f"def f({ast.unparse(function.args)}): ...").body[0].args  # type: ignore
    for node in ast.walk(arguments):
        if isinstance(node, ast.arg):
            node.annotation = None
    return arguments


def check_of(chapter: Chapter, exercise: Exercise) -> Callable[[Ladder], None]:
    """The function in a file of the chapter's checks that walks this exercise's ladder.

    Raises:
        Failure: there is none, which is the course's fault.
    """
    if not chapter.checks:
        raise Failure("infra_error", f"{chapter.folder / 'checks.py'} does not exist")
    for file in chapter.checks:
        if f"def {exercise.slug}(" in file.read_text(encoding="utf-8"):
            spec = importlib.util.spec_from_file_location(f"{file.stem}_{chapter.number}", file)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            check: Callable[[Ladder], None] = getattr(module, exercise.slug)
            return check
    names = " or ".join(file.name for file in chapter.checks)
    raise Failure("infra_error", f"{chapter.folder} has no check {exercise.slug} in {names}")
