"""The classes of natural_animals as 262 drawings on white: for testing far from the training photographs.

Built from 14 npm packages of emoji and icons, with checksums of the published files. Which drawing of which
style stands for which class is in drawn_animals.csv; `approximate` marks a near relative.
"""

import csv
import io
import json
import tarfile
import zipfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.pictureset import PictureSet

if TYPE_CHECKING:
    from PIL import Image

SIDE, LARGE, ROOM = 64, 256, 1.1  # pixels; pixels while drawing; sides of the white square to the drawing's
ICONS = "@iconify-json"
PACKAGES = {  # style: package, version, bytes, sha256, licence
    "emojione": (
        f"{ICONS}/emojione", "1.2.3", 687690,
        "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e", "CC-BY-4.0",
    ),
    "emojione-monotone": (
        f"{ICONS}/emojione-monotone", "1.2.1", 1094642,
        "40b90004bafb406b59266155ef9b7e1dd67bf2947fc8db8d07388776f4d0d04e", "CC-BY-4.0",
    ),
    "emojione-v1": (
        f"{ICONS}/emojione-v1", "1.2.3", 3704153,
        "6641d59d48a42823fdc2b84e7427e9f302944eb98d2c7d94d6e67c139e7b37b3", "CC-BY-SA-4.0",
    ),
    "fluent-emoji": (
        f"{ICONS}/fluent-emoji", "1.2.7", 14323330,
        "8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b", "MIT",
    ),
    "fluent-emoji-3d": (
        "@lobehub/fluent-emoji-3d", "1.1.0", 15792027,
        "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58", "MIT",
    ),
    "fluent-emoji-flat": (
        f"{ICONS}/fluent-emoji-flat", "1.2.6", 1172438,
        "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175", "MIT",
    ),
    "fluent-emoji-high-contrast": (
        f"{ICONS}/fluent-emoji-high-contrast", "1.2.6", 1054969,
        "0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0", "MIT",
    ),
    "fxemoji": (
        f"{ICONS}/fxemoji", "1.2.2", 1034876,
        "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef", "Apache-2.0",
    ),
    "game-icons": (
        f"{ICONS}/game-icons", "1.2.4", 2739244,
        "f5758efb34d91c4f50b941f355f16ee73938625e5996fabc25171288404460a4", "CC-BY-3.0",
    ),
    "noto": (
        f"{ICONS}/noto", "1.2.9", 3102958,
        "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad", "Apache-2.0",
    ),
    "noto-v1": (
        f"{ICONS}/noto-v1", "1.2.5", 1587591,
        "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37", "Apache-2.0",
    ),
    "openmoji": (
        f"{ICONS}/openmoji", "1.2.29", 1264633,
        "03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5", "CC-BY-SA-4.0",
    ),
    "openmoji-black": (
        "openmoji", "17.0.0", 4339458,
        "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68", "CC-BY-SA-4.0",
    ),
    "twemoji": (
        f"{ICONS}/twemoji", "1.2.5", 1555888,
        "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7", "CC-BY-4.0",
    ),
}  # fmt: skip


def build(folder: Path, made: Path) -> None:
    """Every drawing in 64 by 64 pixels on white, and index.csv.

    Raises:
        ValueError: a package lacks a drawing.
    """
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as table:
        rows = [{**row, "style": style} for row in csv.DictReader(table) for style in row["styles"].split()]
    classes = sorted({row["class"] for row in rows})
    made_of = {style: drawings(folder / archive_of(style), style) for style in {row["style"] for row in rows}}
    told = io.StringIO()
    writer = csv.writer(told, lineterminator="\n")
    writer.writerow(["file", "label", "class", "style", "drawing", "approximate", "licence"])
    with zipfile.ZipFile(made, "w") as out:
        for row in sorted(rows, key=lambda row: (row["class"], row["style"], row["drawing"])):
            name, style, drawing = row["class"], row["style"], row["drawing"]
            place = f"{name}/{style}__{drawing}.png"
            out.writestr(zipfile.ZipInfo(place), framed(made_of[style](drawing, row["emoji"])))
            licence = PACKAGES[style][-1]
            writer.writerow([place, classes.index(name), name, style, drawing, row["approximate"], licence])
        out.writestr(zipfile.ZipInfo("index.csv"), told.getvalue())


def archive_of(style: str) -> str:
    """The name of the file that holds a style."""
    package, version = PACKAGES[style][:2]
    return f"{package.rpartition('/')[2]}-{version}.tgz"


def drawings(archive: Path, style: str) -> Any:
    """A function from (drawing, code of the emoji) to a picture, for one style."""
    with tarfile.open(archive) as opened:
        inside = {member.name.removeprefix("package/"): member for member in opened.getmembers()}

        def content(name: str) -> bytes:
            member = inside.get(name)
            file = opened.extractfile(member) if member else None
            if file is None:
                raise ValueError(f"{archive.name} holds no {name}")
            return file.read()

        if style == "fluent-emoji-3d":
            names = [n for n in inside if n.startswith("assets/")]
            return partial(raster, {n: content(n) for n in names})
        if style == "openmoji-black":
            return partial(outline, {n: content(n) for n in inside if n.startswith("black/svg/")})
        return partial(icon, json.loads(content("icons.json")))


def raster(files: dict[str, bytes], drawing: str, emoji: str) -> "Image.Image":
    """A drawing that is published in pixels."""
    from PIL import Image

    return Image.open(io.BytesIO(files[f"assets/{emoji.lower()}.webp"])).convert("RGBA")


def outline(files: dict[str, bytes], drawing: str, emoji: str) -> "Image.Image":
    """A drawing that is published as a file of its own."""
    return drawn(files[f"black/svg/{emoji}.svg"].decode())


def icon(icons: dict[str, Any], drawing: str, emoji: str) -> "Image.Image":
    """A drawing out of a file of many: the inside of an SVG, or another name of one."""
    found = icons["icons"].get(drawing) or icons["icons"][icons["aliases"][drawing]["parent"]]
    size = {key: found.get(key, icons.get(key, usual)) for key, usual in
            (("left", 0), ("top", 0), ("width", 16), ("height", 16))}  # fmt: skip
    box = " ".join(str(value) for value in size.values())
    body = found["body"].replace("currentColor", "#000")
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return drawn(
        f'<svg {spaces} width="{size["width"]}" height="{size["height"]}" viewBox="{box}">{body}</svg>'
    )


def drawn(svg: str) -> "Image.Image":
    """An SVG in pixels, large, with what it leaves free transparent."""
    import resvg_py
    from PIL import Image

    return Image.open(
        io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=LARGE, height=LARGE)))
    ).convert("RGBA")


def framed(picture: "Image.Image") -> bytes:
    """A drawing in the middle of a white square with a little room around, as a PNG."""
    from PIL import Image

    # 1. What is drawn, without what is transparent around it.
    inner = picture.crop(picture.getchannel("A").getbbox())
    side = round(ROOM * max(inner.size))
    # 2. White around, then small.
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(inner, ((side - inner.width) // 2, (side - inner.height) // 2))
    with io.BytesIO() as out:
        square.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
        return out.getvalue()


def remote(style: str) -> RemoteFile:
    """A style's package where it is published."""
    package, version, size, digest, _ = PACKAGES[style]
    return RemoteFile(archive_of(style), f"npm:{package}@{version}", size, f"sha256:{digest}")


SET = PictureSet(
    name="drawn_animals",
    title="Drawn animals",
    classes=[],
    licence="free licences, one a file in index.csv",
    source="emoji and icon sets: Noto, Twemoji, OpenMoji, Fluent and others",
    files=[remote(style) for style in PACKAGES],
    packs=["natural-animals/drawn-animals.zip"],
    build=build,
    needs=("resvg_py", "drawings"),
    made="drawn-animals.zip",
)
