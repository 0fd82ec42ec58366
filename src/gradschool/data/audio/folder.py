"""A folder or zip of class folders with WAV files, as a data set; one bad file never ends a run.

The class of a file is the folder that it lies in; who speaks can be read from its name by a pattern.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import torch

from gradschool import phrases
from gradschool.data.audio.recordings import Recordings
from gradschool.data.audio.wave_file import ENDINGS, Sound, Unreadable, decoded, resampled, sixteen_bits
from gradschool.data.source import Source, counted, open_source
from gradschool.errors import UserError

WANTED = "a folder or zip with a folder of WAV files for each word"
LEAST = 4  # recordings of a class below which nothing can be learnt or tested


def read_folder(
    path: Path, rate: int | None = None, speaker: str = ""
) -> tuple[Recordings, list[tuple[str, str]], list[str]]:
    """All recordings of a folder or zip; (file, reason) of what was left out; sentences on what was changed.

    Args:
        path: of the folder or zip.
        rate: samples a second that all get; None: that of most files.
        speaker: regular expression for the name of a file without its ending, whose first group, or whose
            match, is the speaker: "^[^_]+_([^_]+)" takes theo from 3_theo_7. "": speakers are not known.

    Raises:
        UserError: there is nothing to train on, the pattern is no regular expression, or it fits no file.
    """
    source = open_source(path)
    # 1. Every WAV file in a folder is an example of a class.
    names = [name for name in source.names if name.lower().endswith(ENDINGS)]
    skipped = [(name, "lies in no class folder") for name in names if not PurePosixPath(name).parent.name]
    sounds, bad = read_all(source, [name for name in names if PurePosixPath(name).parent.name])
    skipped += bad
    other = [name for name in source.names if name not in names and not name.endswith((".txt", ".md"))]
    skipped += [(name, "is no WAV file") for name in other]
    sounds, same = each_once(sounds)
    skipped += same
    classes = sorted({PurePosixPath(name).parent.name for name in sounds})
    if len(classes) < 2:
        found = f"one class ({classes[0]})" if classes else "no WAV file that could be used"
        first = f" ({skipped[0][0]}: {skipped[0][1]})" if skipped else ""
        raise UserError(f"{path} has {found}{first}", WANTED, "")
    # 2. One rate for all.
    rate = rate or Counter(sound.rate for sound in sounds.values()).most_common(1)[0][0]
    sounds = {name: resampled(sound, rate) for name, sound in sounds.items()}
    waves = [torch.from_numpy(sixteen_bits(sound.samples)) for sound in sounds.values()]
    labels = [classes.index(PurePosixPath(name).parent.name) for name in sounds]
    speakers, told = speakers_of(list(sounds), speaker)
    whole = Recordings.of(waves, labels, classes, rate, speakers, list(sounds))
    return whole, skipped, [*source.notes(), *told, *changed(sounds), *few(whole)]


def read_all(source: Source, names: Sequence[str]) -> tuple[dict[str, Sound], list[tuple[str, str]]]:
    """The sounds by file, and (file, reason) of those that cannot be read."""
    found, bad = dict[str, Sound](), []
    for name in names:
        try:
            found[name] = decoded(source.read(name))
        except Unreadable as reason:
            bad.append((name, str(reason)))
        except Exception as error:  # damage inside a zip raises whatever comes: zlib.error, EOFError ...
            bad.append((name, f"could not be read ({error})"))
    return found, bad


def each_once(sounds: Mapping[str, Sound]) -> tuple[dict[str, Sound], list[tuple[str, str]]]:
    """Each recording once, by file, and (file, reason) of the others: a copy could be trained and tested on.

    Copies that lie in folders of two classes are all left out, since nobody knows which is right.
    """
    groups = dict[tuple[int, bytes], list[str]]()
    for name, sound in sounds.items():
        digest = hashlib.sha256(sound.samples.tobytes()).digest()
        groups.setdefault((sound.rate, digest), []).append(name)
    kept, same = dict[str, Sound](), []
    for first, *others in groups.values():
        classes = {PurePosixPath(name).parent.name for name in (first, *others)}
        if len(classes) > 1:
            reason = f"the same recording lies in {' and '.join(sorted(classes))}"
            same += [(name, reason) for name in (first, *others)]
            continue
        kept[first] = sounds[first]
        same += [(name, f"is the same recording as {first}") for name in others]
    return kept, same


def speakers_of(names: Sequence[str], pattern: str) -> tuple[list[str], list[str]]:
    """The speaker of each file, all or none of them, and a sentence where some are not known.

    Raises:
        UserError: the pattern is no regular expression, or fits no file.
    """
    if not pattern:
        return [], []
    example = "Example: --set speaker='^[^_]+_([^_]+)' for files such as 3_theo_7.wav"
    try:
        found = [re.search(pattern, PurePosixPath(name).stem) for name in names]
    except re.error as error:
        raise UserError(f"speaker is {pattern!r} ({error})", "a regular expression", example) from error
    speakers = [(match[1] if match.re.groups else match[0]) or "" if match else "" for match in found]
    lost = [name for name, who in zip(names, speakers, strict=True) if not who]
    if len(lost) == len(names):
        raise UserError(
            f"speaker is {pattern!r}, which fits no file such as {names[0]}", "one that does", example
        )
    note = counted(lost, "file names no speaker and counts as one of its own",
                   "files name no speaker and count as one more")  # fmt: skip
    return [who or "(unknown)" for who in speakers], note


def changed(sounds: dict[str, Sound]) -> list[str]:
    """A sentence for each kind of change, with the file that it met first."""
    files = dict[str, list[str]]()
    for name, sound in sounds.items():
        for change in sound.changes:
            files.setdefault(change.partition(":")[0], []).append(name)
    loud = {
        "clipped": f" ({phrases.counted(sum(each.clipped for each in sounds.values()), 'sample')} in all)"
    }
    return [note for change, names in files.items() for told in [change + loud.get(change, "")]
            for note in counted(names, f"file is {told}", f"files are {told}")]  # fmt: skip


def few(whole: Recordings) -> list[str]:
    """That some classes have hardly any recording."""
    counts = whole.labels.bincount(minlength=len(whole.classes)).tolist()
    small = [f"{name} ({n})" for name, n in zip(whole.classes, counts, strict=True) if n < LEAST]
    return [f"Fewer than {LEAST} recordings of {', '.join(small)}: too few to learn from."] if small else []
