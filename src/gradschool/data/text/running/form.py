"""Whether data are a running text, for a language model, or texts with labels, for a classifier."""

from pathlib import Path

from gradschool.data.catalogue import find, is_known
from gradschool.data.text.running.corpusset import CorpusSet

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")


def is_running(data: str) -> bool:
    """Whether it is a text file, a folder of .txt files without class folders, or a set of that kind.

    Args:
        data: name of a set, or a path. What is neither counts as a text: opening it will say so.
    """
    path = Path(data).expanduser()
    # 1. A set by name.
    if is_known(data) and not ("/" in data and path.exists()):
        return isinstance(find(data), CorpusSet)
    # 2. Class folders: two or more folders with texts in them, and no text beside these.
    if path.is_dir():
        tables = [p for p in path.iterdir() if is_table(p)]
        beside = any(path.glob("*.txt"))
        classes = [p for p in path.iterdir() if p.is_dir() and any(p.rglob("*.txt"))]
        return not tables and (beside or len(classes) < 2)
    # 3. A file.
    return not is_table(path) and path.suffix.lower() != ".zip"


def is_table(path: Path) -> bool:
    """Whether a file's name says that it is a table, gzipped or not."""
    return path.name.lower().removesuffix(".gz").endswith(TABLES)
