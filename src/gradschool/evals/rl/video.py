"""Frames as a file that plays: a GIF, which every program shows, or an MP4, smaller and in all colours."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.errors import UserError
from gradschool.parts import need

FASTEST, SLOWEST, SHORTEST = 40, 500, 4_000  # milliseconds of a frame, of a film
QUALITY = "18"  # constant rate factor of x264: 0 is without loss, 51 the worst


def pace(frames: int) -> int:
    """Milliseconds of a frame: a game of five moves is shown more slowly than one of five hundred."""
    return min(max(SHORTEST // frames, FASTEST), SLOWEST)


def gif(frames: Sequence[Image.Image]) -> bytes:
    """An animation that begins anew when it is over."""
    first, *others = frames
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=pace(len(frames)), loop=0)
    return file.getvalue()


def mp4(frames: Sequence[Image.Image]) -> bytes:
    """A video in H.264, as browsers and slides play it; width and height are even, for colours are stored
    for squares of 2 x 2 pixels.
    """
    import av

    file, rate = io.BytesIO(), Fraction(1000, pace(len(frames)))
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": QUALITY})
        (stream.width, stream.height), stream.pix_fmt = frames[0].size, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.asarray(frame.convert("RGB")))
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return file.getvalue()


FORMS = {".gif": gif, ".mp4": mp4}


def check_form(path: Path) -> None:
    """Refuse what no film can be written to.

    Raises:
        UserError: the file's ending is another, its folder is not there, or the package that writes MP4 is
            not installed.
    """
    if path.suffix.lower() not in FORMS:
        wanted = f"a file ending in {' or '.join(FORMS)}"
        raise UserError(f"--out is {path}", wanted, "Example: --out film.gif")
    if not path.parent.is_dir():
        raise UserError(f"--out is {path}, and {path.parent} is no folder", "a file in a folder")
    if path.is_dir():
        raise UserError(f"--out is {path}, which is a folder", "a file", "Example: --out film.gif")
    if path.suffix.lower() == ".mp4":
        need("av", "films", "a film as MP4")


def save(path: Path, frames: Sequence[Image.Image]) -> Path:
    """Write a film, whole or not at all, in the form that the file's ending names.

    Raises:
        UserError: it cannot be written there.
        WorkFailed: the disk is full.
    """
    content = FORMS[path.suffix.lower()](frames)
    with disk_errors(path, "Free some space, or choose another place with --out."):
        write_whole(path, content)
    return path
