"""Classes and probabilities for files and folders of pictures, read as they were for training.

A file that cannot be read is told and left out; the rest goes on.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from gradschool.data.vision.decode import Unreadable, decoded
from gradschool.errors import WorkFailed
from gradschool.evals.classifier import Classifier
from gradschool.evals.files import Prediction, Progress, Skip, pictures_in
from gradschool.evals.inference import collect


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
