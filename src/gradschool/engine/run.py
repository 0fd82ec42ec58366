"""A run is a folder: config, environment, metrics as JSON lines, checkpoints, result, report.

Everything that wants to know about a run (command line, reports, comparisons) reads this folder and
nothing else.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import torch

from gradschool.engine.checkpoint import Checkpoints, disk_errors, write_whole
from gradschool.errors import UserError
from gradschool.phrases import command

SHOWN = 5  # runs that a sentence lists


class Record(dict[str, Any]):
    """What one of a run's files holds; a name that is not there is a sentence.

    Args:
        content: names and values.
        file: that they were read from.
    """

    def __init__(self, content: Mapping[str, Any], file: Path) -> None:
        super().__init__(content)
        self.file = file

    def __missing__(self, name: str) -> Any:
        raise UserError(f"{self.file} lacks {name!r}", "a run of this version", "Train again.")


class RunFolder:
    """One run's folder.

    Args:
        path: where it is.
        writes: False in all but the main process of a run: their `write` and `log` do nothing.
    """

    def __init__(self, path: Path, writes: bool = True) -> None:
        self.path, self.writes = path, writes
        self.checkpoints = Checkpoints(path / "checkpoints")
        self._metrics: TextIO | None = None

    @classmethod
    def create(cls, recipe: str, out: Path | None = None, root: Path = Path("runs")) -> "RunFolder":
        """Make a new folder: `out`, or the next free `runs/<recipe>-0001`.

        Raises:
            UserError: `out` already holds a run, or cannot be written.
        """
        if out is not None:
            with disk_errors(out):
                out.mkdir(parents=True, exist_ok=True)
            if any((out / name).exists() for name in ("config.json", "coursework.json")):
                raise UserError(f"{out} already holds a run", "an empty folder", "Use another --out.")
            return cls(out)
        with disk_errors(root):
            root.mkdir(parents=True, exist_ok=True)
            taken = [int(p.name[-4:]) for p in root.glob(f"{recipe}-[0-9][0-9][0-9][0-9]")]
            number = max(taken, default=0) + 1
            while True:  # another process may take the same number between our look and our mkdir
                try:
                    path = root / f"{recipe}-{number:04d}"
                    path.mkdir()
                    return cls(path)
                except FileExistsError:
                    number += 1

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """An existing run, by its folder or by its name under runs/.

        Raises:
            UserError: there is no run at `path`; the sentence lists some that exist beside it.
        """
        if not (path / "config.json").is_file() and (Path("runs") / path / "config.json").is_file():
            path = Path("runs") / path
        if not (path / "config.json").is_file():
            beside = [p.parent for p in path.parent.glob("*/config.json")]
            near = sorted({*map(str, beside), *(p.parent.name for p in Path("runs").glob("*/config.json"))})
            more = f" and {len(near) - SHOWN:,} more" if len(near) > SHOWN else ""
            known = f"one of {', '.join(near[-SHOWN:])}{more}" if near else "a folder that training has made"
            raise UserError(f"{path} is not a run", known, f"List them with: {command('runs')}")
        return cls(path)

    def write(self, name: str, content: Mapping[str, Any] | str) -> None:
        """Write one of the run's small files, whole or not at all; mappings become JSON."""
        if not self.writes:
            return
        text = content if isinstance(content, str) else json.dumps(content, indent=1, default=str)
        with disk_errors(self.path):
            write_whole(self.path / name, text.encode("utf-8", "backslashreplace"))

    def read(self, name: str) -> dict[str, Any]:
        """Read one of the run's JSON files; {} when it is not there.

        Raises:
            UserError: the file is not JSON.
        """
        try:
            content = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{self.path / name} is not readable ({error})", "JSON", "Train the run again."
            ) from error
        if not isinstance(content, dict):
            raise UserError(f"{self.path / name} holds no names", "JSON in {}", "Train the run again.")
        return Record(content, self.path / name)

    def log(self, line: Mapping[str, Any]) -> None:
        """Append one line to metrics.jsonl; it is on its way to the disk at once, so a kill loses none."""
        if not self.writes:
            return
        with disk_errors(self.path):
            if self._metrics is None:
                self._metrics = (self.path / "metrics.jsonl").open("a", buffering=1)
            self._metrics.write(json.dumps(line) + "\n")

    def metrics(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl; one that a crash cut off, or that is no record, is left out."""
        try:
            text = (self.path / "metrics.jsonl").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        for line in text.splitlines():
            with contextlib.suppress(ValueError):
                if isinstance(record := json.loads(line), dict):
                    yield record

    def forget_after(self, step: int) -> None:
        """Drop metric lines and checkpoints later than the one that a resumed run starts from."""
        if not self.writes:
            return
        self.close()
        if self.checkpoints.folder.exists():
            self.checkpoints.forget_after(step)
        kept = [json.dumps(line) for line in self.metrics() if line.get("step", 0) <= step]
        with disk_errors(self.path):
            write_whole(self.path / "metrics.jsonl", ("\n".join(kept) + "\n" if kept else "").encode())

    def close(self) -> None:
        """Close the metrics file."""
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None


def is_main() -> bool:
    """True in the process that writes: the only one, or the first of those torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def same_everywhere(path: Path | None) -> Path:
    """The main process's path, in every process (as plain bytes: nothing is pickled)."""
    if not torch.distributed.is_initialized():
        assert path is not None
        return path
    room = torch.zeros(4096, dtype=torch.uint8)
    if path is not None:
        text = torch.tensor(list(os.fsencode(path.resolve())), dtype=torch.uint8)
        room[: len(text)] = text
    if torch.distributed.get_backend() == "nccl":
        room = room.cuda()
    torch.distributed.broadcast(room, 0)
    return Path(os.fsdecode(bytes(room.cpu().tolist()).rstrip(b"\0")))
