"""Checkpoints: folders of safetensors and JSON that are whole or not there, and no pickle anywhere.

A checkpoint is written under a temporary name, flushed to disk, renamed, and only then entered in
`index.json`; each carries the checksums of its files, so a damaged one is refused and the one before it
can be offered.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from torch import Tensor

from gradschool.errors import UserError, WorkFailed

KEEP = 2  # the last two, so that a damaged last one has a predecessor; the best is kept besides

Tensors = Mapping[str, Mapping[str, Tensor]]


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turn a full disk or an unwritable folder into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WorkFailed(
                f"the disk of {place} is full", "room for a checkpoint",
                f"Free some space, then go on with --resume {place}; what was saved before is whole.",
            ) from error  # fmt: skip
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise UserError(
                f"{place} cannot be written", "a folder that can", "Choose another with --out."
            ) from error
        raise


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees all of it or the old one."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with new.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise


class Checkpoints:
    """The checkpoints of one run, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def index(self) -> dict[str, Any]:
        """What `index.json` says: the names of all whole checkpoints in order, and of the best."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "index.json").read_text())
            return found
        except FileNotFoundError:
            return {"all": [], "best": None}
        except ValueError:
            names = sorted(p.name for p in self.folder.glob("step-*"))
            return {"all": names, "best": None}

    def save(self, step: int, tensors: Tensors, state: Mapping[str, Any], best: bool = False) -> Path:
        """Write a checkpoint: one safetensors file for each entry of `tensors`, `state` as JSON.

        Raises:
            WorkFailed: the disk is full. Earlier checkpoints stay as they are.
        """
        final = self.folder / f"step-{step:08d}"
        new = self.folder / f".new-{os.getpid()}"
        with disk_errors(self.folder.parent):
            # 1. Write everything under a temporary name.
            shutil.rmtree(new, ignore_errors=True)
            try:
                new.mkdir(parents=True)
                sums = {}
                for name, content in self._contents(tensors, state):
                    write_whole(new / name, content)
                    sums[name] = hashlib.sha256(content).hexdigest()
                write_whole(new / "checksums.json", json.dumps(sums).encode())
                # 2. Give it its name in one step.
                shutil.rmtree(final, ignore_errors=True)
                new.replace(final)
            finally:
                shutil.rmtree(new, ignore_errors=True)
            # 3. Enter it in the index, then drop what nobody needs.
            index = self.index()
            names = sorted({*index["all"], final.name})
            best_name = final.name if best else index["best"]
            kept = sorted({*names[-KEEP:], *([best_name] if best_name else [])})
            write_whole(self.folder / "index.json", json.dumps({"all": kept, "best": best_name}).encode())
            for name in set(names) - set(kept):
                shutil.rmtree(self.folder / name, ignore_errors=True)
        return final

    @staticmethod
    def _contents(tensors: Tensors, state: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
        for name, group in tensors.items():
            whole = {key: value.detach().cpu().contiguous().clone() for key, value in group.items()}
            yield f"{name}.safetensors", save(whole)
        yield "state.json", json.dumps(state).encode()

    def load(
        self, which: str = "last", device: str = "cpu"
    ) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """Read a checkpoint: "last", "best", or a name such as "step-00001200".

        Raises:
            UserError: there is none, or it is damaged; the sentence names the one before it.
        """
        folder = self.find(which)
        damaged = self.damage(folder)
        if damaged:
            others = [name for name in reversed(self.index()["all"]) if name != folder.name]
            good = next((name for name in others if not self.damage(self.folder / name)), None)
            advice = (
                f"Go on from the one before it with --checkpoint {good}." if good else "Start the run again."
            )
            raise UserError(f"checkpoint {folder.name} is damaged ({damaged})", "a whole one", advice)
        tensors = {file.stem: load_file(file, device=device) for file in sorted(folder.glob("*.safetensors"))}
        state: dict[str, Any] = json.loads((folder / "state.json").read_text())
        return tensors, state

    def find(self, which: str = "last") -> Path:
        """The folder of a checkpoint; "best" falls back to the last where no best was recorded."""
        index = self.index()
        if not index["all"]:
            raise UserError(
                f"{self.folder.parent} has no checkpoint yet", "a run that saved one", "Start it again."
            )
        name = (
            which
            if which.startswith("step-")
            else (index["best"] if which == "best" else None) or index["all"][-1]
        )
        if not (self.folder / name).is_dir():
            known = ", ".join(index["all"])
            raise UserError(
                f"checkpoint {name} is not in {self.folder}", f"one of {known}", "Use --checkpoint NAME."
            )
        return self.folder / name

    def damage(self, folder: Path) -> str:
        """What is wrong with a checkpoint folder, or an empty string."""
        try:
            sums = json.loads((folder / "checksums.json").read_text())
            for name, wanted in sums.items():
                if hashlib.sha256((folder / name).read_bytes()).hexdigest() != wanted:
                    return f"{name} has another checksum than when it was saved"
        except FileNotFoundError as error:
            return f"{Path(error.filename).name} is missing"
        except ValueError:
            return "checksums.json is not readable"
        return ""
