"""Count the size budgets of docs/design.md: prints what is over and fails if anything is.

A file or function over its budget must be named in EXCEPTIONS with a reason.
"""

import ast
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "gradschool"
FILE, MODEL, LOOP, CHECKS, FUNCTION = 300, 200, 150, 500, 40  # CHECKS: a chapter's, one function an exercise
EXCEPTIONS: dict[str, str] = {
    "course/14-attention/experiments.py": "nine experiments that share nothing; each is read by itself",
    "course/17-practice/experiments.py": "a dozen experiments that share little; each is read by itself",
}


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body: its signature and docstring teach and are not counted."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return function.end_lineno - body[0].lineno + 1 if body else 0


def over_budget() -> list[str]:
    """One line for everything over its budget that has no stated reason."""
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        name, text = file.relative_to(SOURCE).as_posix(), file.read_text(encoding="utf-8")
        limit = LOOP if name == "engine/loop.py" else MODEL if name.startswith("models/") else FILE
        limit = CHECKS if name.startswith("course/") and file.stem.startswith("checks") else limit
        if (lines := text.count("\n")) > limit and name not in EXCEPTIONS:
            found.append(f"{name}: {lines} lines, budget {limit}")
        for node in ast.walk(ast.parse(text)):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and length(node) > FUNCTION and f"{name}:{node.name}" not in EXCEPTIONS:
                found.append(f"{name}:{node.name}: {length(node)} lines, budget {FUNCTION}")
    return found


if __name__ == "__main__":
    files = list(SOURCE.rglob("*.py"))
    excess = over_budget()
    print(
        "\n".join(excess)
        or f"{len(files)} files within their budgets, {len(EXCEPTIONS)} exceptions with a reason"
    )
    sys.exit(bool(excess))
