"""Open a set of recordings by name, or a folder or zip of class folders by path: always three parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradschool.data.audio.audioset import AudioSet
from gradschool.data.audio.folder import read_folder
from gradschool.data.audio.parts import in_parts, of_classes
from gradschool.data.audio.recordings import Recordings
from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.errors import UserError


@dataclass(frozen=True)
class Wished:
    """What of a set is used, and how it is cut.

    Args:
        words: classes that are used, in label order; none: all.
        tested: speakers to test on; none: a share of them is drawn.
        speaker: pattern that finds the speaker in a file's name, see `folder.read_folder`.
        val: share held out to choose by, 0 to below 1; of the speakers, where they are known.
        test: share held out to test on, above 0 and below 1; likewise.
    """

    words: Sequence[str] = ()
    tested: Sequence[str] = ()
    speaker: str = ""
    val: float = 0.0
    test: float = 0.3


def open_recordings(name: str | Path, wished: Wished | None = None, seed: int = 0) -> Splits[Recordings]:
    """Open a set by name, or a folder or zip of class folders by path.

    Args:
        name: of a set, or a path; a bare name that is both is the set.
        wished: what of it is used, and how it is cut.
        seed: of what is held out to choose by; the test part is the same for every seed.

    Raises:
        UserError: it is not here, holds no recordings, or too few.
    """
    wished = wished or Wished()
    info, place = resolve(name)
    if info is not None and not isinstance(info, AudioSet):
        wanted = "a set of recordings such as spoken_digits, or a folder of class folders of WAV files"
        raise UserError(f"{info.name} ({info.title}) holds no recordings", wanted, "Try --data FOLDER.")
    assert place is not None, "a set of recordings lies in a file"
    skipped, notes = list[tuple[str, str]](), list[str]()
    if info is not None:
        whole = info.read(place)
    else:
        whole, skipped, notes = read_folder(place, speaker=wished.speaker)
    whole = of_classes(whole, wished.words) if wished.words else whole
    train, val, test, told = in_parts(whole, wished.val, wished.test, seed, wished.tested)
    return Splits(info.name if info else place.stem, train, val, test, skipped, [*notes, *told])
