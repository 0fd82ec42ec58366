"""gradschool sample RUN: something new from a run that makes things: pictures, names, texts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from gradschool.cli.main import finish
from gradschool.cli.words import check_seed

OF_TEXT = (
    "prompt", "tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "beams",
    "length_penalty", "pattern", "schema", "draft", "weights",
)  # fmt: skip


@dataclass(frozen=True)
class Args:
    """Ask a finished run for something new: pictures of a generator, names or texts of a language model."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run."""
    n: Annotated[int | None, tyro.conf.arg(aliases=["-n"])] = None
    """How many; if not given, as many as is usual: 64 pictures, 20 names, 1 text, 1 episode."""
    seed: int = 0
    """Of the noise: the same seed gives the same."""
    label: Annotated[str | None, tyro.conf.arg(name="class")] = None
    """Only of this class (its name or number), for class-conditional models."""
    steps: int | None = None
    """Steps from noise to picture, for a diffusion model or flow."""
    guidance: float | None = None
    """How strongly the class pulls a diffusion model; 1 is as trained."""
    sampler: str | None = None
    """ddpm, ddim, heun or dpm for a diffusion model; euler too for a flow."""
    out: Path | None = None
    """Where to write; else a file in the run, named after the seed. Pictures: a .png, .jpg or .webp file for
    one sheet, or a folder for one file a picture. Names and episodes: a text file."""
    film: bool = False
    """Draw how pictures come about: a walk through the codes, or noise that clears up. A .gif file, or with
    --out a .html page with a slider, or a .png strip of moments."""
    prompt: str | None = None
    """A text to go on with, for a language model, or to translate, for a translator."""
    tokens: int | None = None
    """How many characters, words or other tokens of text to draw; 500 if not given."""
    temperature: float | None = None
    """Below 1 a language model keeps to what is probable (0: the most probable token); 1 is as trained."""
    top_k: int | None = None
    """Draw among so many most probable tokens only."""
    top_p: float | None = None
    """Draw among the fewest most probable tokens whose probabilities sum to this (nucleus sampling)."""
    min_p: float | None = None
    """Draw among tokens that are at least so many times as probable as the most probable one."""
    repetition_penalty: float | None = None
    """Above 1 tokens of the text so far become less probable; 1.2 is usual."""
    beams: Annotated[int | None, tyro.conf.arg(aliases=["--beam"])] = None
    """Search for the most probable text with so many beams, in place of drawing one."""
    length_penalty: float | None = None
    """Power of the length by which a beam's log-probability is divided; 1 if not given."""
    pattern: str | None = None
    """A regular expression that what is written matches as a whole."""
    schema: Path | None = None
    """A file with the JSON schema that what is written fits."""
    draft: Path | None = None
    """Folder of a smaller run with the same tokens: it proposes tokens, the run checks several at once."""
    weights: Literal["int8", "int4"] | None = None
    """Write with weights of 8 or 4 bits in place of those the network was trained with."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Draw, write, say where."""
    from gradschool.engine.run import RunFolder
    from gradschool.errors import UserError
    from gradschool.runs.kind import Wanted
    from gradschool.runs.reopen import reopen

    check_seed(args.seed)
    folder = RunFolder.open(args.run)
    run, _ = reopen(folder)
    text: dict[str, Any] = {name: getattr(args, name) for name in OF_TEXT}
    given = [name.replace("_", "-") for name, value in text.items() if value is not None]
    if given and not run.prompts:
        raise UserError(
            f"--{given[0]} was given to {run.title}", "a language model", f"Leave --{given[0]} out."
        )
    notes: list[str] = []
    text |= {"heard": heard, "noted": notes.append}
    if args.out is not None and run.prompts and not args.out.parent.is_dir():
        raise UserError(
            f"--out is {args.out}, and {args.out.parent} is no folder that is here", "a file in one", ""
        )
    wanted = Wanted(args.n, args.seed, args.label, args.steps, args.guidance, args.sampler, args.film, **text)
    path = run.sample(folder, wanted, args.out)
    if run.prompts and args.n in (None, 1):
        print("\n")
    said = ". ".join(notes) or run.said_of(folder, path)
    print(f" {run.makes:<8} {path}")
    if said:
        print(f" {'':<8} {said}")
    finish(args, {"run": folder.path, run.makes: path} | ({"said": said} if said else {}))
    return 0


def heard(text: str) -> None:
    """Print a piece of a text as it comes."""
    print(text, end="", flush=True)
