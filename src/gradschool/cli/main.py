"""The command line: find the command, check its words, run it, and turn errors into sentences.

Each command is one module of a group's folder, with a frozen dataclass `Args`, which tyro turns into options
and help, and a function `run(args)`. Nothing heavy is imported before the command that needs it.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from gradschool.errors import UserError
from gradschool.phrases import as_called, called, command, did_you_mean, hanging, nearest

GROUPS = {
    "learn": {
        "map": "the course: chapters, minutes, what is done, the next step",
        "read": f"a chapter's lecture, here or in the browser: {command('read neurons --open')}",
        "glossary": f"what a term means and which chapter introduces it: {command('glossary likelihood')}",
        "notebook": "a chapter as a Jupyter notebook",
        "start": f"lay out a chapter's exercises: {command('start neurons')}",
        "check": "a verdict on what you wrote; --watch checks on every save",
        "hint": "the next hint for an exercise",
        "diff": "what you have changed in an exercise's file",
        "reset": "begin an exercise afresh, with a backup",
        "solution": "the library's own function",
        "quiz": "questions on a chapter, with an explanation for every answer",
        "hand": f"an exercise on paper, marked step by step: {command('hand trace 1')}",
        "bugs": f"a training loop with one fault to find: {command('bugs 7')}",
        "coursework": f"a whole coursework: its figures, and its marks: {command('coursework vae-dcgan')}",
    },
    "runs": {
        "train": f"train a recipe: {command('train digits')}",
        "report": "write a run's report as one HTML file",
        "predict": "what a run says of files: classes of pictures, how probable lines are",
        "sample": "something new from a run: pictures, a film, names",
        "chat": "talk to a language model that was fine-tuned on answers",
        "eval": f"examine a language model: {command('eval RUN text FILE')}",
        "score": "how good a generator's pictures are, as a classifier of ours sees them",
        "judge": "is it what it should be, among a classifier's first five guesses?",
        "play": f"film a trained agent as it plays: {command('play RUN')}",
        "export": "write a run's network as ONNX and check it",
        "tokens": f"train a tokeniser on a text of yours: {command('tokens FILE')}",
        "search": f"passages of your texts that answer a question: {command('search FOLDER QUESTION')}",
        "runs": "list the runs in this folder",
        "compare": "put runs side by side",
        "tune": f"search for settings: {command('tune digits --over batch_size=32,64')}",
        "scaling": f"small language models say what a larger will reach: {command('scaling RECIPE')}",
        "ladder": "an ablation as a table: one baseline, one change at a time",
    },
    "practice": {
        "plan": f"memory, time and cost of a run before it is trained: {command('plan digits')}",
        "ensemble": f"several runs that answer as one: {command('ensemble RUN RUN')}",
        "prune": f"a classifier without its smallest weights or channels: {command('prune RUN')}",
    },
    "project": {
        "data": "data sets: where each lies; fetch or check one",
        "add": f"the parts beside the base; {command('add rl')} installs one",
        "bench": "time the library against its peers on this machine",
        "new": f"a chapter of your own: {command('new chapter NAME --dir FOLDER')}",
        "gates": "prove a chapter's checks: right answers pass, mistakes do not",
        "doctor": "what this machine offers and what that means",
        "test": "lint, types, import contracts, size budgets and tests",
    },
}
HEADINGS = {
    "learn": "Learn",
    "runs": "Train, and use what was trained",
    "practice": "Get better results",
    "project": "Data, machine, project",
}
NO_ROOM = ("can't allocate memory", "out of memory", "Storage size calculation overflowed")  # torch's words
COMMANDS = {name: text for group in GROUPS.values() for name, text in group.items()}


def main(words: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 0 done, 1 the work failed, 2 wrong use."""
    words = list(sys.argv[1:] if words is None else words)
    debug = "--debug" in words
    if hasattr(sys.stdout, "reconfigure"):
        # An old terminal shows ? for a sign it does not have; a pipe gets every line when it is told.
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    words = [word for word in words if word != "--debug"]
    try:
        sys.exit(dispatch(list(map(checked, words))))
    except UserError as error:
        if debug:
            raise
        if "--json" in words:
            told = {"what": error.what, "wanted": error.wanted, "next": error.next_step}
            print(json.dumps({"error": told}))
        said = as_called(f"gradschool: {error}")
        print(hanging("", said) if sys.stderr.isatty() else said, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("\ngradschool: stopped.", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone, e.g. `| head`: nothing is left to say
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        if "--json" in words:
            print(json.dumps({"error": {"what": unforeseen(error), "wanted": "", "next": ""}}))
        print(f"gradschool: {unforeseen(error)}", file=sys.stderr)
        sys.exit(1)


def unforeseen(error: Exception) -> str:
    """The sentence for what no command foresaw: most often a place that cannot be read or written."""
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in NO_ROOM):
        return "the memory of this machine is too small for this: ask for less, or for a smaller network."
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}. Choose another place, or mend this one."
    return (
        f"{type(error).__name__}: {error}. This is a fault of gradschool, not yours: "
        "start the same command with --debug to see where it happened."
    )


def dispatch(words: list[str]) -> int:
    """Find the command and run it; its return value is the exit code, None means 0.

    Raises:
        UserError: there is no such command, or the folder that it was started in is gone.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UserError(
            "the folder that you are in was deleted", "one that is there", "Go to another: cd ~"
        ) from None
    words = words or ["map"]
    if words[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if words[0] in ("-V", "--version", "version"):
        from gradschool import __version__

        print(f"gradschool {__version__}")
        return 0
    name, rest = words[0], words[1:]
    if name not in COMMANDS:
        guess = did_you_mean(nearest(name, COMMANDS))
        raise UserError(f"there is no command {name!r}", "", f"{guess}All commands: {command('--help')}")
    group = next(group for group, commands in GROUPS.items() if name in commands)
    module = importlib.import_module(f"gradschool.cli.{group}.{name}")
    from gradschool.cli.words import parse

    return int(
        module.run(module.parse(rest) if hasattr(module, "parse") else parse(module.Args, name, rest)) or 0
    )


def checked(word: str) -> str:
    """A word as it was typed.

    Raises:
        UserError: no file, name or number can be meant by it.
    """
    if "\0" in word:
        raise UserError(f"{word!r} has a zero byte in it", "text", "Type it again.")
    path = word.partition("=")[2] if word.startswith("--") and "=" in word else word
    if path.startswith("~"):
        try:
            Path(path).expanduser()
        except RuntimeError:
            person = path[1:].partition("/")[0]
            raise UserError(f"{path} is in the home of {person!r}, who is not known here", "", "") from None
    return word


def overview() -> str:
    """The help of the whole command line."""
    lines = ["gradschool: a deep-learning course you can run", "", f"usage: {called()} COMMAND ..."]
    for group, commands in GROUPS.items():
        lines += ["", HEADINGS[group], *(hanging(f"  {name:<10} ", text) for name, text in commands.items())]
    lines += [
        "",
        hanging("", f"{command('COMMAND --help')} explains one; every command takes --json and --debug."),
    ]
    return "\n".join(lines)


def finish(args: Any, result: dict[str, Any]) -> None:
    """Print a command's result as the last line of standard output, if it was asked for."""
    if getattr(args, "json", False):
        print(json.dumps(result, default=str))
