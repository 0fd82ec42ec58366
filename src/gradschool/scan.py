"""What a package holds, read from its source: nothing is imported, so listing stays quick.

A new file is found by lying in the right folder: there is no list to keep.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


def modules(package: str, folder: Path) -> dict[str, Path]:
    """Every module in a package's folder and the folders below it: its dotted name and its file."""
    files = sorted(folder.rglob("*.py"))
    names = [".".join((package, *file.relative_to(folder).with_suffix("").parts)) for file in files]
    return {name: file for name, file in zip(names, files, strict=True) if file.stem != "__init__"}


def definitions(package: str, folder: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Every definition at the top of every module: (the module's dotted name, the definition)."""
    for name, file in modules(package, folder).items():
        for node in parsed(file, file.stat().st_mtime_ns):
            yield name, node


@cache
def parsed(file: Path, written: int) -> list[ast.stmt]:
    """The statements of a file as it was written at `written`: whoever asks again need not wait again."""
    return ast.parse(file.read_text(encoding="utf-8")).body
