"""Checkpoints: folders of safetensors and JSON that are whole or not there, and no pickle anywhere.

A checkpoint is written under a temporary name, flushed to disk, renamed, and only then entered in
`index.json`; each carries the checksums of its files, so a damaged one is refused and the one before it
can be offered.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from gradschool.engine.shard import read_shards, write_shards
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError, WorkFailed
from gradschool.phrases import command

KEEP = 2  # the last two, so that a damaged last one has a predecessor; the best is kept besides
INDEX, SUMS, SHARDS, NEW = "index.json", "checksums.json", "shards", ".new"

NO_PLACE = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.EISDIR,
    errno.ENAMETOOLONG,
)  # fmt: skip

Tensors = Mapping[str, Mapping[str, Tensor]]


@contextlib.contextmanager
def disk_errors(place: Path, advice: str = "", option: str = "--out") -> Iterator[None]:
    """Turn a full disk or an unwritable folder into a sentence.

    Args:
        place: what is written to.
        advice: what to do about a full disk, where `place` is not the folder of a run that can be resumed.
        option: that names another place.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            again = command("train --resume", place)
            later = f"Free some space; what was saved before is whole. Then go on with: {again}"
            wanted = "more room" if advice else "room for a checkpoint"
            raise WorkFailed(f"the disk of {place} is full", wanted, advice or later) from error
        if error.errno in NO_PLACE:
            raise UserError(
                f"{place} cannot be written", "a folder that can", f"Choose another with {option}."
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
            found: dict[str, Any] = json.loads((self.folder / INDEX).read_text())
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
        with self._new(step, best) as folder:
            for name, group in tensors.items():
                own = {key: value.detach().cpu().contiguous().clone() for key, value in group.items()}
                write_whole(folder / f"{name}.safetensors", save(own))
            write_whole(folder / "state.json", json.dumps(state).encode())
        return self.folder / f"step-{step:08d}"

    def save_shards(
        self, step: int, tensors: Tensors, state: Mapping[str, Any], best: bool, rank: int
    ) -> None:
        """Write a checkpoint of which every process holds a share; all processes call it together."""
        with contextlib.ExitStack() as stack:
            if rank == 0:
                folder = stack.enter_context(self._new(step, best))
                (folder / SHARDS).mkdir()
                write_whole(folder / "state.json", json.dumps(state).encode())
            torch.distributed.barrier()
            write_shards(self.folder / NEW / SHARDS, tensors)
            torch.distributed.barrier()

    @contextlib.contextmanager
    def _new(self, step: int, best: bool) -> Iterator[Path]:
        """A folder to fill; it becomes a checkpoint only when the block ends well."""
        final, new = self.folder / f"step-{step:08d}", self.folder / NEW
        with disk_errors(self.folder.parent):
            # 1. Everything is written under a temporary name.
            shutil.rmtree(new, ignore_errors=True)
            try:
                new.mkdir(parents=True)
                yield new
                write_whole(new / SUMS, json.dumps(checksums(new)).encode())
                # 2. It gets its name in one step.
                shutil.rmtree(final, ignore_errors=True)
                new.replace(final)
            finally:
                shutil.rmtree(new, ignore_errors=True)
            # 3. It is entered in the index; what nobody needs is dropped.
            index = self.index()
            names = sorted({*index["all"], final.name})
            best_name = final.name if best else index["best"]
            self._keep({*names[-KEEP:], *([best_name] if best_name else [])}, best_name)

    def forget_after(self, step: int) -> None:
        """Drop checkpoints later than the one that a resumed run starts from."""
        index, last = self.index(), f"step-{step:08d}"
        kept = {name for name in index["all"] if name <= last}
        self._keep(kept, index["best"] if index["best"] in kept else None)

    def _keep(self, names: set[str], best: str | None) -> None:
        write_whole(self.folder / INDEX, json.dumps({"all": sorted(names), "best": best}).encode())
        for folder in self.folder.glob("step-*"):
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)

    def load(self, which: str, device: str = "cpu") -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """Read a checkpoint: "last", "best", or a name such as "step-00001200".

        Raises:
            UserError: there is none, or it is damaged; the sentence names the one before it.
        """
        folder = self.undamaged(which)
        tensors = {file.stem: read_weights(file, device) for file in sorted(folder.glob("*.safetensors"))}
        return tensors, json.loads((folder / "state.json").read_text())

    def load_shards(self, which: str, tensors: Tensors) -> dict[str, Any]:
        """Fill `tensors`, sharded or whole, from a checkpoint that many processes wrote; return its state."""
        folder = self.undamaged(which)
        read_shards(folder / SHARDS, tensors)
        state: dict[str, Any] = json.loads((folder / "state.json").read_text())
        return state

    def undamaged(self, which: str) -> Path:
        """The folder of a checkpoint whose files have the checksums they were saved with."""
        folder = self.find(which)
        damaged = self.damage(folder)
        if damaged:
            others = [name for name in reversed(self.index()["all"]) if name != folder.name]
            good = next((name for name in others if not self.damage(self.folder / name)), None)
            advice = f"Go on from another with --checkpoint {good}." if good else "Start the run again."
            raise UserError(f"checkpoint {folder.name} is damaged ({damaged})", "a whole one", advice)
        return folder

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
            wanted = json.loads((folder / SUMS).read_text())
        except FileNotFoundError:
            return f"{SUMS} is missing"
        except ValueError:
            return f"{SUMS} is not readable"
        found = checksums(folder)
        for name, checksum in wanted.items():
            if name not in found:
                return f"{name} is missing"
            if found[name] != checksum:
                return f"{name} has another checksum than when it was saved"
        return ""


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file in a checkpoint folder but the list of checksums itself."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != SUMS]
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }
