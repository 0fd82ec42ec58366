"""Which class and which part a file belongs to: from its folders, from a table, or from its own name.

Layouts: class folders; train and test (and val) folders of class folders; a table beside the pictures; or a
class that begins every file's name (cat.0.jpg), where no folder names one. What is left over is listed with a
reason; what can only be a mistake is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gradschool.data.source import Source, counted
from gradschool.data.vision import tables
from gradschool.data.vision.decode import ENDINGS
from gradschool.errors import UserError

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test", "val": "val",
         "valid": "val", "validation": "val", "dev": "val"}  # fmt: skip
IMAGES, MASKS = ("image", "images", "img", "imgs"), ("label", "labels", "mask", "masks", "annotations")
KNOWN = ("classes.json",)  # read elsewhere, or needed by nobody
ENOUGH = 2  # pictures of each class before file names are believed to begin with it


@dataclass(frozen=True)
class Entry:
    """An image file with its class and its part ("" where the layout names none)."""

    name: str
    label: str
    part: str


@dataclass(frozen=True)
class Listing:
    """The images that are to be read, (file, reason) of those left out, and what a person should know."""

    found: Sequence[Entry]
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def entries(source: Source) -> Listing:
    """Every image with its class and part.

    Raises:
        UserError: there is no image with a class, a row of a table has none or another than before, or the
            folders hold masks.
    """
    images = [name for name in source.names if is_image(name)]
    refuse_masks(source, images)
    # 1. A table that says it is one; else class folders; else any table; else the names of the files.
    found, stray = from_folders(images)
    sheet = tables.chosen(source, images, by_name_only=len({entry.label for entry in found}) > 1)
    if sheet is not None:
        listing = from_table(sheet, images)
    elif found:
        listing = Listing(found, [(name, "not in a class folder") for name in stray])
    else:
        listing = from_names(source, images)
    # 2. What else lies there.
    foreign = [(n, "of a kind that is not read: make it a JPEG") for n in source.names if is_foreign(n)]
    read = sheet.files if sheet else ()
    others = [n for n in source.names if not (is_image(n) or is_foreign(n) or n in read or is_known(n))]
    is_no_picture = "file is no picture and is left out", "files are no pictures and are left out"
    notes = [*listing.notes, *counted(others, *is_no_picture)]
    return replace(listing, skipped=[*listing.skipped, *foreign, *source.lost], notes=notes)


def inside(folder: str, source: Source) -> Listing:
    """Every image below one of the outermost folders, with its class and part.

    Raises:
        UserError: there is no such folder, or as for `entries`.
    """
    names = [name for name in source.names if name.startswith(f"{folder}/")]
    if not names:
        raise UserError(f"{source.path} has no folder {folder}", "one with class folders in it", "")
    return entries(replace(source, names=names))


def is_image(name: str) -> bool:
    """Whether a file's ending is that of a picture that is read."""
    return name.lower().endswith(ENDINGS)


def is_foreign(name: str) -> bool:
    """Whether a file is a picture in a format that the decoder lacks."""
    return name.lower().endswith((".heic", ".heif", ".avif", ".svg", ".psd", ".dng", ".cr2", ".nef"))


def is_known(name: str) -> bool:
    """Whether a file that is no picture belongs to a set."""
    return name.rpartition("/")[2] in KNOWN


def refuse_masks(source: Source, images: Sequence[str]) -> None:
    """Pictures and their masks are no two classes.

    Raises:
        UserError: the folders that hold pictures are called images and masks.
    """
    folders = {name.split("/")[-2] for name in images if "/" in name}
    words = {folder.lower() for folder in folders}
    if words & set(IMAGES) and words & set(MASKS) and words <= {*IMAGES, *MASKS}:
        what = f"{source.path} holds pictures and masks ({', '.join(sorted(folders))})"
        advice = f"Train a segmenter on it: gradschool train unet_membrane --data {source.path}"
        raise UserError(what, "a folder for each class with its images in it", advice)


def whole(listing: Listing) -> Listing:
    """Where some files are in a part, those in none are left out."""
    if not any(entry.part for entry in listing.found):
        return listing
    lost = [(entry.name, "in none of the parts") for entry in listing.found if not entry.part]
    kept = [entry for entry in listing.found if entry.part]
    return replace(listing, found=kept, skipped=[*listing.skipped, *lost])


def from_folders(names: Sequence[str]) -> tuple[list[Entry], list[str]]:
    """Class and part from the path: [anything/][train|test|val/]class/[anything/]file."""
    split = [name.split("/") for name in names]
    # 1. A folder that holds all the others says nothing.
    depth = 0
    while len({p[depth] for p in split if len(p) > depth + 1}) == 1 and max(map(len, split)) > depth + 2:
        depth += 1
    # 2. The next one is the part, where it bears a part's name and holds folders; then comes the class.
    parts = part_folders({p[depth] for p in split if len(p) > depth + 2})
    place = depth + 1 if parts else depth
    # 3. A part that holds pictures itself gives them no class.
    direct = {p[depth] for p in split if len(p) == depth + 2}
    no_class = {*part_folders(direct), *(name for name in direct if name.lower() in PARTS)}
    found, stray = [], []
    for name, p in zip(names, split, strict=True):
        is_part = not parts and len(p) > depth + 1 and p[depth] in no_class
        if len(p) < place + 2 or (parts and p[depth] not in parts) or is_part:
            stray.append(name)
        else:
            found.append(Entry(name, p[place], parts.get(p[depth], "")))
    return found, stray


def part_folders(names: set[str]) -> dict[str, str]:
    """Folder to part, if there is one to train on: train and test, or PetsTrain and PetsTest; else {}."""
    exact = {name: PARTS[name.lower()] for name in names if name.lower() in PARTS}
    if "train" in exact.values():
        return exact
    words = {name: re.findall("[A-Z]?[a-z]+|[A-Z]+", name) for name in names}
    loose = {n: PARTS.get(w[-1].lower()) or PARTS.get(w[0].lower()) for n, w in words.items() if w}
    known = {name: part for name, part in loose.items() if part}
    whole_layout = len(known) == len(names) == len(set(known.values())) > 1
    return known if whole_layout and "train" in known.values() else {}


def from_table(sheet: tables.Sheet, images: Sequence[str]) -> Listing:
    """Class and part as a table says; parts come from the folders where it names none."""
    by_folder = {entry.name: entry.part for entry in from_folders(images)[0]}
    found = []
    for row in sheet.rows:
        part = by_folder.get(row.file, "") if row.part is None else PARTS.get(row.part.lower(), "")
        found.append(Entry(row.file, row.label, part))
    left = sorted({*images} - {row.file for row in sheet.rows})
    unnamed = [(name, f"in no line of {sheet.name}") for name in left]
    return whole(Listing(found, [*sheet.skipped, *unnamed], sheet.notes))


def from_names(source: Source, images: Sequence[str]) -> Listing:
    """Class from the beginning of each file's name, before a point and a number: cat.0.jpg is a cat.

    Raises:
        UserError: names do not begin so, or there are no images at all.
    """
    named = {
        name: re.fullmatch(r"(.*[^\W\d_])\.\d+", name.rpartition("/")[2].rpartition(".")[0])
        for name in images
    }
    label = {name: match[1] for name, match in named.items() if match}
    counts = [sum(other == each for other in label.values()) for each in {*label.values()}]
    if len(counts) < 2 or min(counts) < ENOUGH:
        raise nothing(source, images)
    found = [Entry(name, label[name], "") for name in images if name in label]
    first = found[0]
    shown = first.name.rpartition("/")[2]
    note = f"Classes are the beginnings of the file names: {shown} is of class {first.label}."
    lost = [(name, "no class folder, and no class in its name") for name in images if name not in label]
    return Listing(found, lost, [note])


def nothing(source: Source, images: Sequence[str]) -> UserError:
    """What lies there in place of class folders."""
    foreign = next((name for name in source.names if is_foreign(name)), None)
    table = next((name for name in source.names if tables.is_table(name)), None)
    wanted = "a folder for each class with its images in it"
    if table is not None:
        header = ", ".join(tables.read_rows(source, table)[0]) or "no columns"
        columns = header if header == "no columns" else f"the columns {header}"
        wanted = "columns file and class (or label), and perhaps split"
        return UserError(f"{table} has {columns}", wanted, "Or put the images of each class in a folder.")
    folders = sorted({name.split("/")[-2] for name in images if "/" in name})
    if images and folders:
        where = " and ".join(folders[:3])
        what = f"{source.path} has {len(images)} images in {where} and none in a class folder"
        return UserError(
            what, f"{folders[0]}/CLASS/{images[0].rpartition('/')[2]}", "Or add a table labels.csv."
        )
    kind = "no files" if not source.names else f"{len(source.names)} files, none an image in a class folder"
    kind += f" ({foreign} is of a kind that is not read: make it a JPEG)" if foreign else ""
    lost = f" ({source.lost[0][0]}: {source.lost[0][1]})" if source.lost and not source.names else ""
    return UserError(f"{source.path} has {kind}{lost}", wanted, "")
