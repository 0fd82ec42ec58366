"""What a network says of recordings: logits for those of a part, classes for a person's own files."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.data.audio.batches import Batch
from gradschool.data.audio.features import Features
from gradschool.data.audio.wave_file import ENDINGS, Unreadable, decoded, resampled, sixteen_bits
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.inference import device_of, evaluating


@dataclass(frozen=True)
class Heard:
    """The most probable classes of one file, best first, each with its probability in [0, 1].

    Args:
        file: that was heard.
        top: (class, probability), ...
        changes: what was done to it first, in words; () for nothing.
    """

    file: Path
    top: list[tuple[str, float]]
    changes: Sequence[str] = ()

    def line(self) -> str:
        """For a terminal."""
        told = f"  ({'; '.join(self.changes)})" if self.changes else ""
        return f"{self.file}  {'  '.join(f'{name} {100 * p:.1f} %' for name, p in self.top)}{told}"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        top = [{"class": name, "probability": p} for name, p in self.top]
        return {"file": self.file, "top": top} | ({"changes": list(self.changes)} if self.changes else {})


@torch.no_grad()
def logits_of(model: nn.Module, batches: Iterable[Batch]) -> Float[Tensor, "n k"]:
    """The float32 logits of all batches, on the CPU, in order; the model is in eval mode meanwhile."""
    device = device_of(model)
    with evaluating(model):
        return torch.cat([model(x.to(device), lengths.to(device)).float().cpu() for x, lengths, _ in batches])


def heard(
    model: nn.Module, features: Features, classes: Sequence[str], files: Sequence[Path], top: int,
    progress: Callable[[int, int], None], skip: Callable[[Path, str], None],
) -> Iterator[Heard]:  # fmt: skip
    """Classify WAV files, each alone.

    Args:
        model: features and lengths to logits.
        features: as in training; a file of another rate is resampled, which its answer says.
        classes: names, in label order.
        files: and folders that are searched through.
        top: how many classes to name.
        progress: told (files done, files in all).
        skip: told (file, reason) of every file that cannot be read.

    Raises:
        UserError: a path does not exist, or there is no WAV file.
        WorkFailed: none of the files could be read.
    """
    found, told, reasons = wave_files(files), 0, []
    for number, file in enumerate(found, 1):
        try:
            sound = resampled(decoded(file.read_bytes()), features.rate)
        except (Unreadable, OSError) as error:
            reasons.append(str(getattr(error, "strerror", None) or error))
            skip(file, reasons[-1])
            continue
        finally:
            progress(number, len(found))
        wave = torch.from_numpy(sixteen_bits(sound.samples)).float()[None] / 32768
        batch = (*features.of(wave, torch.tensor([wave.shape[1]])), torch.zeros(1))
        best = logits_of(model, [batch])[0].softmax(0).topk(min(top, len(classes)))
        answers = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        told += 1
        yield Heard(file, [(classes[i], p) for i, p in answers], sound.changes)
    if not told:
        what = (
            f"{found[0]} could not be read ({reasons[0]})"
            if len(found) == 1
            else f"none of {len(found)} files"
        )
        raise WorkFailed(what if len(found) == 1 else f"{what} could be read", "WAV files of PCM", "")


def wave_files(paths: Sequence[Path]) -> list[Path]:
    """All files named, and all WAV files in the folders named, each once, in order.

    Raises:
        UserError: a path does not exist, or there is no WAV file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist", "a WAV file or a folder of them", "Check the path.")
        inside = (
            each for each in sorted(path.rglob("*")) if each.suffix.lower() in ENDINGS and each.is_file()
        )
        found += inside if path.is_dir() else [path]
    if not found:
        raise UserError(
            f"no WAV file in {', '.join(map(str, paths)) or 'nothing'}", "files that end in .wav", ""
        )
    return list(dict.fromkeys(found))
