"""gradschool chat RUN: talk to a language model that was fine-tuned on answers."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.cli.words import check_seed
from gradschool.errors import UserError
from gradschool.phrases import command, counted

PROMPT = "> "


@dataclass(frozen=True)
class Args:
    """Talk to a fine-tuned language model. /reset forgets what was said, /quit ends the talk."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run."""
    say: str | None = None
    """Ask this one question and leave."""
    temperature: float = 0.0
    """0 takes the most probable token, 1 draws as the model says."""
    seed: int = 0
    """Of the draws."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """One question, or as many as a person has.

    Raises:
        UserError: the run is no model that was fine-tuned on answers, or the temperature is no number >= 0.
    """
    from gradschool.engine.run import RunFolder
    from gradschool.runs.reopen import reopen

    check_seed(args.seed)
    if not 0 <= args.temperature < float("inf"):
        raise UserError(
            f"temperature is {args.temperature}", "a number >= 0", f"Example: {command('chat RUN')}"
        )
    folder = RunFolder.open(args.run)
    run, _ = reopen(folder)
    chat = run.chat(folder, args.temperature, args.seed)
    told: list[dict[str, Any]] = []
    if args.say is not None:
        told.append(asked(chat, args.say))
    else:
        told += talk(chat)
    finish(args, {"run": folder.path, "talk": told})
    return 0


def asked(chat: Any, text: str) -> dict[str, Any]:
    """Ask, print the answer as it comes, and say what the context has no room for."""
    before = chat.forgotten
    reply = chat.say(text, heard)
    print()
    if not reply.ended:
        print(" note     the answer has no end: the context is full", file=sys.stderr)
    if reply.forgotten > before:
        gone = counted(reply.forgotten, "turn")
        print(f" note     {gone} of this talk no longer fit into the context", file=sys.stderr)
    return {"question": text, "answer": reply.text, "ended": reply.ended, "forgotten": reply.forgotten}


def talk(chat: Any) -> list[dict[str, Any]]:
    """Questions from the terminal or a pipe, until /quit or their end; one that cannot be asked is told."""
    told: list[dict[str, Any]] = []
    if sys.stdin.isatty():
        print("/reset forgets what was said, /quit ends the talk.", file=sys.stderr)
    while True:
        try:
            text = input(PROMPT if sys.stdin.isatty() else "").strip()
        except (EOFError, KeyboardInterrupt):
            return told
        if text == "/quit":
            return told
        if text == "/reset":
            chat.reset()
            print(" note     all that was said is forgotten", file=sys.stderr)
        elif text.startswith("/"):
            print(f" note     there is no {text.split()[0]}: /reset or /quit", file=sys.stderr)
        elif text:
            try:
                told.append(asked(chat, text))
            except UserError as error:
                print(f" note     {error}", file=sys.stderr)


def heard(text: str) -> None:
    """Print a piece of an answer as it comes."""
    print(text, end="", flush=True)
