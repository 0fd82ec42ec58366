"""Classes and probabilities for files and folders of pictures, read as they were for training.

A file that cannot be read is told and left out; the rest goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from gradschool.data.vision.decode import ENDINGS, Unreadable, decoded
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.inference import Precision, Transform, collect

JUNK = ("__MACOSX", ".")

Progress = Callable[[int, int], None]
Skip = Callable[[Path, str], None]


@dataclass(frozen=True)
class Classifier:
    """A trained network and all that it needs to look at a picture.

    Args:
        model: maps transformed images to one logit a class.
        classes: their names, in order.
        transform: uint8 pixels (b, channels, height, width) to the network's input, placed where it runs.
        channels: 1 for grey, 3 for colour.
        height: in pixels, as stored for training.
        width: in pixels.
        precision: makes the context to run in.
        flip: average with the mirrored picture, as the test score did.
    """

    model: nn.Module
    classes: Sequence[str]
    transform: Transform
    channels: int
    height: int
    width: int
    precision: Precision = nullcontext
    flip: bool = False


@dataclass(frozen=True)
class Prediction:
    """The most probable classes of one file, best first, each with its probability in [0, 1].

    Of a file whose pixels were given classes: the share of the picture that each covers, and the mask's file.
    """

    file: Path
    top: list[tuple[str, float]]
    mask: Path | None = None


def predict(
    classifier: Classifier,
    paths: Sequence[Path],
    batch_size: int = 64,
    top: int = 5,
    progress: Progress | None = None,
    skip: Skip | None = None,
) -> Iterator[Prediction]:
    """Classify pictures, batch by batch.

    Args:
        classifier: the trained network.
        paths: files, and folders that are searched through; a file named here is tried whatever its name.
        batch_size: pictures at a time, >= 1.
        top: how many classes to name.
        progress: called with (files done, files in all) after each batch.
        skip: called with (file, reason) for each file that cannot be read.

    Raises:
        UserError: a path does not exist, or no picture is found.
        WorkFailed: none of the files could be read.
    """
    files = pictures_in(paths)
    read_any, why = False, ""
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(files), batch_size):
            # 1. Decode a batch in parallel; what cannot be read is told and left out.
            part = files[start : start + batch_size]
            decoded = dict(zip(part, pool.map(lambda file: _try(classifier, file), part), strict=True))
            good = {file: pixels for file, pixels in decoded.items() if isinstance(pixels, Tensor)}
            for file, reason in decoded.items():
                if isinstance(reason, str):
                    why = why or f" ({reason})"
                    if skip is not None:
                        skip(file, reason)
            # 2. One pass for the rest.
            if good:
                read_any = True
                yield from _classified(classifier, good, top)
            if progress is not None:
                progress(start + len(part), len(files))
    if not read_any:
        what = (
            f"{files[0]} could not be read{why}"
            if len(files) == 1
            else f"None of {len(files)} files could be read"
        )
        raise WorkFailed(what, "pictures such as JPEG or PNG", "")


def pictures_in(paths: Sequence[Path]) -> list[Path]:
    """All files named, and all pictures in the folders named, each once, in order.

    Raises:
        UserError: a path does not exist, or there is no picture.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
            found += [
                p for p in inside if not any(part.startswith(JUNK) for part in p.relative_to(path).parts)
            ]
        elif path.exists():
            found.append(path)
        else:
            raise UserError(f"{path} does not exist", "a picture or a folder of pictures", "Check the path.")
    if not found:
        where = ", ".join(map(str, paths)) or "nothing"
        raise UserError(f"No picture in {where}", f"files such as {', '.join(ENDINGS[:4])}", "")
    return list(dict.fromkeys(found))


def read_picture(file: Path, channels: int, height: int, width: int) -> UInt8[Tensor, "c h w"]:
    """One picture as for training: by the same decoder, in the wanted colours, cropped at the centre.

    Raises:
        Unreadable, OSError: with the reason.
    """
    from PIL import Image, ImageOps

    # 1. The decoder of the data sets; it can shrink while decoding where the wanted size is square.
    pixels = decoded(file.read_bytes(), height if height == width else None)
    # 2. Grey or colour as the network has learnt it.
    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
    image = image.convert("L" if channels == 1 else "RGB")
    image = ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image)).view(height, width, channels).permute(2, 0, 1).contiguous()


def _try(classifier: Classifier, file: Path) -> Tensor | str:
    """The pixels, or why there are none."""
    try:
        return read_picture(file, classifier.channels, classifier.height, classifier.width)
    except Unreadable as reason:
        return str(reason)
    except OSError as error:
        return str(error.strerror)


def _classified(classifier: Classifier, pixels: dict[Path, Tensor], top: int) -> Iterator[Prediction]:
    x = classifier.transform(torch.stack(list(pixels.values())))
    unknown = torch.zeros(len(x), dtype=torch.int64)
    logits, _ = collect(classifier.model, [(x, unknown)], classifier.precision, classifier.flip)
    best = logits.softmax(1).topk(min(top, logits.shape[1]), dim=1)
    for file, shares, places in zip(pixels, best.values.tolist(), best.indices.tolist(), strict=True):
        yield Prediction(file, [(classifier.classes[i], p) for i, p in zip(places, shares, strict=True)])
