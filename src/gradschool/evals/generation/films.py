"""How pictures come about, as a file: an animation, a strip of moments, or a page with a slider."""

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.evals.pictures import enlarged, grid

Frames = Sequence[Float[Tensor, "n c h w"]]
MOMENTS, ROWS = 12, 8  # of a strip, at most
SIDE = 64  # pixels on the screen that a small picture should have
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Film</title>
<style>body{{font:16px/1.5 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}}
img{{width:100%;image-rendering:pixelated}}input{{width:70%;vertical-align:middle}}</style>
<img id="frame" src="{first}" alt="generated pictures at one moment">
<p><button id="play">Pause</button> <input id="at" type="range" min="0" max="{last}" value="0"
aria-label="moment"> <output id="told"></output></p>
<script>
const frames = {frames}, at = document.getElementById("at"), play = document.getElementById("play");
let runs = true, rest = 0;
function show() {{
  document.getElementById("frame").src = frames[at.value];
  document.getElementById("told").textContent = at.value + " of {last}";
}}
function go(on) {{ runs = on; play.textContent = on ? "Pause" : "Play"; }}
at.oninput = () => {{ go(false); show(); }};
play.onclick = () => go(!runs);
setInterval(() => {{
  if (!runs || rest-- > 0) return;
  at.value = (Number(at.value) + 1) % frames.length;
  if (at.value == {last}) rest = 20;
  show();
}}, 100);
show();
</script></html>
"""


def larger(frames: Frames) -> int:
    """How many times small pictures are enlarged: twice or more."""
    return max(2, SIDE // frames[0].shape[-1])


def save_gif(path: Path, frames: Frames, columns: int, milliseconds: int = 80) -> None:
    """Write grids one after the other as an animation that stays on its last for two seconds."""
    factor = larger(frames)
    pictures = [enlarged(grid(frame, columns), factor) for frame in frames]
    times = [milliseconds] * (len(pictures) - 1) + [2000]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=times, loop=0)


def save_strip(path: Path, frames: Frames, columns: int) -> None:
    """Write at most twelve moments side by side, one picture a row and at most eight of them; `columns` of a
    grid play no part.
    """
    last = len(frames) - 1
    some = [frames[round(i * last / (MOMENTS - 1))] for i in range(MOMENTS)] if last >= MOMENTS else frames
    rows = torch.stack([frame[:ROWS] for frame in some], 1).flatten(0, 1)
    enlarged(grid(rows, len(some)), larger(frames)).save(path)


def save_page(path: Path, frames: Frames, columns: int) -> None:
    """Write a page that needs nothing else: it plays, and a slider stops it at any moment."""
    shown = [inside(frame, columns) for frame in frames]
    page = PAGE.format(first=shown[0], last=len(shown) - 1, frames=json.dumps(shown))
    path.write_text(page, encoding="utf-8")


def inside(frame: Float[Tensor, "n c h w"], columns: int) -> str:
    """A grid as the address of an image inside a page, every pixel as it is."""
    buffer = io.BytesIO()
    enlarged(grid(frame, columns), 1).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


FORMS = {".gif": save_gif, ".png": save_strip, ".html": save_page}


def save_film(path: Path, frames: Frames, columns: int) -> None:
    """Write a film in the form that the file's ending names, one of `FORMS`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    FORMS[path.suffix.lower()](path, frames, columns)
