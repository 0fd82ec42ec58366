"""Cut recordings into parts by who speaks, so that the test part holds voices that were never heard.

A network that was trained on a voice knows its pitch, its room and its microphone: a split at random of
recordings tells how well it knows these speakers, not how well it understands others.
"""

import math
from collections.abc import Sequence

import torch

from gradschool.data.audio.recordings import Recordings
from gradschool.data.splits import cut
from gradschool.errors import UserError

FEWEST = 3  # speakers from which on whole speakers are held out


def in_parts(
    whole: Recordings, val: float, test: float, seed: int, tested: Sequence[str] = ()
) -> tuple[Recordings, Recordings | None, Recordings, list[str]]:
    """Training, validation and test part, and sentences on how they were cut.

    Args:
        whole: all recordings.
        val: share of what is not tested on that is held out to choose by, 0 to below 1.
        test: share of all that is tested on, above 0 and below 1; the same for every seed.
        seed: of what is held out to choose by.
        tested: the speakers to test on; none: a share of them is drawn.

    Raises:
        UserError: a speaker to test on is not among the recordings, or too little is left.
    """
    speakers = sorted(set(whole.speakers))
    if len(speakers) < FEWEST and not tested:
        rest, held = cut(whole, test, 0)
        train, chosen = cut(rest, val, seed + 1)
        if held is None:
            raise UserError(f"too few recordings: {len(whole)}", "two or more of a class", "")
        who = "No speakers are known" if not speakers else f"Only {len(speakers)} speakers are known"
        told = (
            f"{who}: the parts share voices, so a new voice may be understood less well than the score says."
        )
        return train, chosen, held, [told]
    tested = checked(speakers, tested) or drawn(speakers, test, 0)
    left = [name for name in speakers if name not in tested]
    chosen_by = drawn(left, val, seed + 1) if val and len(left) > 1 else []
    train = spoken_by(whole, [name for name in left if name not in chosen_by])
    told = f"Tested on {', '.join(tested)}, trained without {'them' if tested[1:] else 'this voice'}."
    return train, spoken_by(whole, chosen_by) if chosen_by else None, spoken_by(whole, tested), [told]


def checked(speakers: Sequence[str], tested: Sequence[str]) -> list[str]:
    """The speakers that a person wants to test on.

    Raises:
        UserError: one of them is unknown, or nobody else is left.
    """
    unknown = [name for name in tested if name not in speakers]
    if unknown or (tested and len(set(tested)) >= len(speakers)):
        what = (
            f"nobody is called {unknown[0]!r}" if unknown else f"all {len(speakers)} speakers are tested on"
        )
        raise UserError(f"tested: {what}", f"some of {', '.join(speakers) or '(no speakers are known)'}", "")
    return sorted(set(tested))


def drawn(speakers: Sequence[str], share: float, seed: int) -> list[str]:
    """A share of the speakers, one at least and never all of them."""
    count = min(max(1, math.ceil(share * len(speakers) - 1e-9)), len(speakers) - 1)
    order = torch.randperm(len(speakers), generator=torch.Generator().manual_seed(seed))
    return sorted(speakers[i] for i in order[:count].tolist())


def spoken_by(whole: Recordings, speakers: Sequence[str]) -> Recordings:
    """The recordings of these speakers, in their old order."""
    return whole.take(torch.tensor([i for i, name in enumerate(whole.speakers) if name in speakers],
                                   dtype=torch.int64))  # fmt: skip


def of_classes(whole: Recordings, words: Sequence[str]) -> Recordings:
    """The recordings of some classes alone, their labels counted anew in the order of `words`.

    Raises:
        UserError: there is no such class, or only one is wanted.
    """
    lost = [word for word in words if word not in whole.classes]
    if lost or len(set(words)) < 2:
        what = f"words has {lost[0]!r}" if lost else f"words has {len(set(words))} class"
        raise UserError(what, f"two or more of {', '.join(whole.classes)}", "")
    kept = [whole.classes.index(word) for word in dict.fromkeys(words)]
    index = torch.isin(whole.labels, torch.tensor(kept)).nonzero().flatten()
    return whole.take(index).joined([], list(dict.fromkeys(words)))
