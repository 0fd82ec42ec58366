"""The plain ops are first principles: no torch.nn.functional, and no Python loop over data."""

import ast
from pathlib import Path

import pytest

import gradschool.ops

FOLDER = Path(gradschool.ops.__file__).parent
FILES = ["activation.py", "conv.py", "linear.py", "loss.py", "norm.py", "pool.py"]
ALLOWED = {"receptive_field", "room", "max_pool2d", "adaptive_avg_pool2d", "blur_pool2d"}
"""Functions that loop over layers or over the two axes of an image, never over data."""

LIBRARY = {"conv1d", "conv2d", "conv_transpose2d", "max_pool2d", "batch_norm", "layer_norm", "softmax",
           "relu",
           "group_norm", "log_softmax", "dropout", "sigmoid", "tanh"}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_no_library_op_and_no_loop(name):
    tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            imported = [a.name for a in node.names] + [getattr(node, "module", "") or ""]
            assert not any("functional" in word or word == "torch.nn" for word in imported)
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("functional", "conv2d_", "native_batch_norm"), ast.unparse(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on_torch = isinstance(node.func.value, ast.Name) and node.func.value.id == "torch"
            assert not (on_torch and node.func.attr in LIBRARY), ast.unparse(node)
    for function in [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name not in ALLOWED]:
        assert not any(isinstance(n, ast.For | ast.While | ast.comprehension) for n in ast.walk(function)), (
            function.name
        )
