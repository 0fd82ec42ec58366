"""What a frozen network makes of pictures: computed once, and kept in the user's cache picture by picture.

A picture is found again whichever part of whichever set it comes in, so folds, draws of a few shots and
further runs of the same body cost nothing. Deviation: of batch normalisation the running statistics count.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.cache import Arrays, Room, cache_folder, mapped, remembered
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.engine.device import Machine
from gradschool.evals.inference import collect

AT_ONCE = 512  # pictures an entry of the cache: what a run that is cut short loses at most


@dataclass(frozen=True)
class FrozenBody:
    """A network that is not trained, and how it looks at pictures.

    Args:
        network: images (b, c, h, w) to features (b, d); on the machine's device.
        pipeline: prepares pictures; its random changes are left out.
        machine: computes.
        flip: average the features of a picture and of its mirror image.
        batch: pictures that go through the network together.
    """

    network: nn.Module
    pipeline: Pipeline
    machine: Machine
    flip: bool = False
    batch: int = 64

    def key(self) -> str:
        """Tells apart all that features depend on besides the pictures: network, weights, preparation."""
        looks = (replace(self.pipeline, augment=Augment(), num_classes=0), self.flip, self.machine.precision)
        key = hashlib.blake2b(f"{looks}{self.network}".encode(), digest_size=12)
        for name, value in sorted(self.network.state_dict().items()):
            flat = value.detach().cpu().contiguous().reshape(-1)
            key.update(name.encode() + flat.view(torch.uint8).numpy().tobytes())
        return f"features-{key.hexdigest()}"

    def features(self, images: Images) -> Float[Tensor, "n d"]:
        """The features of all pictures in their order, float32, on the CPU."""
        # 1. What is known already, and which pictures are not; equal ones go through the network once.
        key, digests = self.key(), digests_of(images)
        known = {digest: row for rows in kept(key) for digest, row in rows.items()}
        first = {digest: i for i, digest in reversed(list(enumerate(digests))) if digest not in known}
        new = sorted(first.values())
        # 2. The others in stretches, each an entry of its own.
        for start in range(0, len(new), AT_ONCE):
            chosen = new[start : start + AT_ONCE]
            names = b"".join(digests[i] for i in chosen)
            stretch = hashlib.blake2b(names, digest_size=8).hexdigest()
            part = images.take(torch.tensor(chosen))
            known |= rows_of(remembered(f"{key}-{stretch}", partial(self.entry, part, names)))
        return torch.from_numpy(np.stack([known[digest] for digest in digests]))

    def entry(self, images: Images, names: bytes, room: Room) -> Arrays:
        """What the cache keeps of some pictures: their digests and their features."""
        looks, place = replace(self.pipeline, augment=Augment()), self.machine.place
        batches = ((place(x), y) for x, y in evaluation_batches(images, looks, self.batch))
        found, _ = collect(self.network, batches, self.machine.autocast, self.flip)
        return {"digests": np.frombuffer(names, np.uint8).reshape(len(found), -1), "features": found.numpy()}


def digests_of(images: Images) -> list[bytes]:
    """A digest of the pixels of each picture."""
    shape = str(tuple(images.pixels.shape[1:])).encode()
    return [
        hashlib.blake2b(images.pixels[i].contiguous().numpy().tobytes(), digest_size=16, key=shape).digest()
        for i in range(len(images))
    ]


def kept(key: str) -> list[dict[bytes, np.ndarray]]:
    """The rows of every whole entry that the cache has under a key."""
    places = sorted(Path(cache_folder() / "decoded").glob(f"{key}-*"))
    entries = [mapped(place) for place in places if place.suffix != ".lock"]
    return [rows_of(entry) for entry in entries if entry is not None]


def rows_of(entry: Arrays) -> dict[bytes, np.ndarray]:
    """Digest to features."""
    return {digest.tobytes(): row for digest, row in zip(entry["digests"], entry["features"], strict=True)}
