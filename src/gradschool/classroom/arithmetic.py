"""A learner's arithmetic: an expression of numbers, names and known functions, nothing else."""

import ast
import math
from collections.abc import Mapping
from typing import Any

FUNCTIONS = {name: getattr(math, name) for name in dir(math) if not name.startswith("_")}
FUNCTIONS |= {f.__name__: f for f in (abs, float, int, len, max, min, round, sorted, sum)}


ALLOWED = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call, ast.Name, ast.Load,
    ast.Constant, ast.Tuple, ast.List, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


def evaluate(reply: str, values: Mapping[str, Any]) -> Any:
    """A learner's expression: arithmetic, comparisons and known functions, nothing that reaches further.

    Raises:
        ValueError: it holds something else.
        SyntaxError, NameError, TypeError, ArithmeticError: as Python has it.
    """
    tree = ast.parse(reply.strip().replace("^", "**").rstrip("%"), mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, ALLOWED):
            raise ValueError(f"{type(node).__name__} is not arithmetic")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.LShift):
            exponent = node.right.value if isinstance(node.right, ast.Constant) else None
            if not isinstance(exponent, int | float) or abs(exponent) > 1000:
                raise ValueError("a power has a small number for its exponent")
    return eval(compile(tree, "<reply>", "eval"), {"__builtins__": {}, **FUNCTIONS, **values})
