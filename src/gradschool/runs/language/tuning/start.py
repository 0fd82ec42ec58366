"""What fine-tuning starts from: the language model of a finished run, with its tokens and settings.

A run that was fine-tuned is a start as well: it keeps the settings of the language run below it, so a chain
of runs (text, answers, preferences) needs only the last folder.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import nn

from gradschool.data.cache import cache_folder
from gradschool.data.text.tokens.load import tokeniser_of
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.phrases import command
from gradschool.runs.finish import rebuilt
from gradschool.runs.kinds import find_kind
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request, Say
from gradschool.runs.run import Run
from gradschool.runs.settings import from_dict, to_dict
from gradschool.runs.train import train

EXAMPLE = "Add --set start=RUN, the folder of a finished language run."


@dataclass(frozen=True)
class Start:
    """A finished run of a language model.

    Args:
        folder: of the run.
        run: its settings.
        facts: what model.json keeps: the tokeniser, and for a fine-tuned run the language run below it.
    """

    folder: RunFolder
    run: Run
    facts: Mapping[str, Any]

    @cached_property
    def language(self) -> LanguageRun:
        """The settings of the language run."""
        return language_of(self.facts) if "language" in self.facts else self.run  # type: ignore[return-value]

    @cached_property
    def tokeniser(self) -> Tokeniser:
        """How text becomes tokens."""
        return tokeniser_of(self.facts["tokeniser"])

    @property
    def context(self) -> int:
        """Tokens of a row."""
        return self.language.context

    def model(self) -> nn.Module:
        """The trained network, read anew."""
        return rebuilt(self.folder, self.run)[0]

    def kept(self) -> dict[str, Any]:
        """What a run that starts here keeps in its own model.json, so that its folder stands alone."""
        own = {"kind": self.language.kind, "settings": to_dict(self.language)}
        return {**self.facts, "language": own}

    def digest(self) -> str:
        """Tells these weights from all others."""
        with (self.folder.path / "model.safetensors").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def language_of(facts: Mapping[str, Any]) -> LanguageRun:
    """The language run that a fine-tuned run keeps in its model.json."""
    kept = facts["language"]
    found: LanguageRun = from_dict(find_kind(kept["kind"]), kept["settings"])
    return found


def opened(where: str) -> Start:
    """The run that a person names.

    Raises:
        UserError: there is none, it is not finished, it is no language model, its tokens do not give back the
            text, or its network cannot tell packed texts apart.
    """
    folder = RunFolder.open(Path(where).expanduser())
    run, _ = reopen(folder)
    if not (isinstance(run, LanguageRun) or getattr(run, "answers", False)):
        advice = f"Train one: {command('train arithmetic_base')}"
        raise UserError(f"start is {folder.path}, {run.title}", "a language model", advice)
    model, facts = rebuilt(folder, run)
    start = Start(folder, run, facts)
    if start.language.tokeniser == "words":
        what = f"the words of {folder.path} do not give back the text"
        raise UserError(what, "a language model of characters or byte pairs", EXAMPLE)
    if not hasattr(model, "cache"):
        what = (
            f"start is {folder.path}, whose network {start.language.network()} is no decoder with attention"
        )
        raise UserError(what, "a run with a network such as gpt or gpt2", EXAMPLE)
    return start


def trained(run: Run, name: str, say: Say) -> str:
    """The folder of a run that a recipe starts from, trained now or before, in the user's cache.

    Args:
        run: its settings.
        name: of its recipe.
        say: told what happens.
    """
    facts = json.dumps(to_dict(run), sort_keys=True)
    folder = cache_folder() / "starts" / f"{name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"
    if (folder / "result.json").is_file():
        say(f"Start: {folder}, trained before.")
        return str(folder)
    say(f"Start: {name} is trained first, kept in {folder}.")
    shutil.rmtree(folder, ignore_errors=True)  # one that was cut short
    found = train(run, Request(name, out=folder), say=say)
    say(run.conclusion(found.read("result.json"), ""))
    return str(folder)
