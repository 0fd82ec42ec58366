"""What can be asked of a language model that writes: how its text is drawn, and under which rules.

All of it is checked before anything is drawn; what does not go together is refused in a sentence.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from gradschool.data.encoding import decoded
from gradschool.data.text.decode import content_of, json_fault
from gradschool.data.text.patterns.guide import Guide, guide
from gradschool.data.text.patterns.schema import pattern_of
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.language.reading import Reader
from gradschool.runs.kind import Wanted, check_count
from gradschool.runs.language.generate import OVER, Drawing, drawn, searched
from gradschool.runs.language.speculated import Counted, Pair, speculated
from gradschool.runs.reopen import reopen

USUAL = 500  # tokens, if nobody says how many
MOST = {"n": 1000, "tokens": 1_000_000, "beams": 100}  # texts and beams are read side by side
EXAMPLES = {"n": 3, "tokens": 300, "beams": 4}
TAKES = "--prompt, --tokens, --temperature, --top-k, --top-p, --min-p, -n and --seed; see sample --help"


@dataclass(frozen=True)
class Plan:
    """How texts are made.

    Args:
        n: how many.
        length: tokens of each, at most.
        drawing: how tokens are drawn.
        beams: of a beam search; None: tokens are drawn.
        penalty: of the length, for the beams.
        draft: a small model with its window, which proposes tokens.
        counted: what its proposals were worth, filled in as tokens come.
    """

    n: int
    length: int
    drawing: Drawing
    beams: int | None = None
    penalty: float = 1.0
    draft: Reader | None = None
    counted: Counted = field(default_factory=Counted)

    def pieces(self, model: nn.Module, start: Sequence[int], context: int) -> Iterator[list[list[int]]]:
        """What comes next of each text, again and again.

        Args:
            model: in eval mode.
            start: tokens of the prompt.
            context: tokens that a model without a state looks back.
        """
        if self.beams is not None:
            found = searched(model, start, self.beams, self.length, self.penalty, context)
            yield [list(text.tokens) for text in found[: self.n]]
        elif self.draft is not None:
            pair = Pair(Reader(model, context), self.draft, start)
            for new in speculated(pair, self.length, self.drawing, self.counted):
                yield [new]
        else:
            for tokens in drawn(model, start, self.n, self.length, self.drawing, context):
                yield [[] if token == OVER else [token] for token in tokens.tolist()]

    def note(self) -> str:
        """What a person should know of how the texts were made; "" for nothing."""
        return "" if self.draft is None else str(self.counted)


def planned(wanted: Wanted, tokeniser: Tokeniser) -> Plan:
    """What is asked of a language model.

    Raises:
        UserError: a language model does not do it, a number is out of range, or one wish excludes another.
    """
    refuse_others(wanted)
    # 1. Numbers.
    n, length = 1 if wanted.n is None else wanted.n, USUAL if wanted.tokens is None else wanted.tokens
    beams = 1 if wanted.beams is None else wanted.beams
    for name, value in {"n": n, "tokens": length, "beams": beams}.items():
        check_count(name, value, MOST[name], f"{'-n' if name == 'n' else f'--{name}'} {EXAMPLES[name]}")
    if n > beams and wanted.beams is not None:
        raise UserError(f"-n is {n} with {beams} beams", "as many beams as texts, or more", f"--beams {n}")
    penalty = 1.0 if wanted.length_penalty is None else wanted.length_penalty
    if not 0 <= penalty < float("inf"):
        raise UserError(f"length-penalty is {penalty}", "a number >= 0", "Example: --length-penalty 0.6")
    # 2. Rules, a draft, and how tokens are drawn.
    refuse_together(wanted)
    drawing = Drawing(
        1.0 if wanted.temperature is None else wanted.temperature, wanted.top_k, wanted.seed, wanted.top_p,
        wanted.min_p, wanted.repetition_penalty, rules_of(wanted, tokeniser, length),
    )  # fmt: skip
    draft = None if wanted.draft is None else draft_of(wanted.draft, tokeniser)
    return Plan(n, length, drawing, wanted.beams, penalty, draft)


def refuse_others(wanted: Wanted) -> None:
    """Refuse what is asked of models of pictures."""
    asked = {"class": wanted.label, "steps": wanted.steps, "guidance": wanted.guidance,
             "sampler": wanted.sampler, "film": wanted.film or None}  # fmt: skip
    other = next((name for name, value in asked.items() if value is not None), None)
    if other:
        raise UserError(f"--{other} was given to a language model", TAKES, f"Leave --{other} out.")


def refuse_together(wanted: Wanted) -> None:
    """Refuse two wishes of which one would be ignored."""
    draws = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
    excluded = {
        "beams": (*draws, "pattern", "schema", "draft"),
        "draft": ("repetition_penalty", "pattern", "schema", "n"),
        "pattern": ("schema",),
    }
    for one, others in excluded.items():
        other = next((name for name in others if getattr(wanted, name) is not None), None)
        if getattr(wanted, one) is not None and other is not None:
            names = [f"--{each.replace('_', '-')}" for each in (one, other)]
            raise UserError(
                f"{' and '.join(names)} came together", "one of the two", f"Leave {names[1]} out."
            )
    if wanted.length_penalty is not None and wanted.beams is None:
        raise UserError("--length-penalty came without --beams", "both", "Example: --beams 4")


def rules_of(wanted: Wanted, tokeniser: Tokeniser, length: int) -> Guide | None:
    """What the text has to match, as a table of its tokens; None: anything.

    Raises:
        UserError: the pattern or the schema is wrong, or has no text of so many of these tokens.
    """
    if wanted.pattern is None and wanted.schema is None:
        return None
    pattern = wanted.pattern if wanted.schema is None else pattern_of(schema_of(wanted.schema))
    # 1. The bytes of every token; those that write nothing are never drawn.
    if isinstance(tokeniser, ByteBPE):
        tokens = tokeniser.tokens
    elif isinstance(tokeniser, Characters):
        tokens = [tokeniser.decode([token]).encode() for token in range(len(tokeniser))]
    else:
        advice = "Train with --set tokeniser=characters or tokeniser=bpe."
        raise UserError("a pattern was given to a model of words", "tokens that give back their text", advice)
    # 2. There has to be a text that is short enough.
    rules = guide(pattern or "", tokens)
    shortest = int(rules.to_end[0])
    if shortest > length:
        what, text = f"tokens is {length}", "for the shortest text that matches"
        raise UserError(what, f"{shortest} or more {text}", f"Example: --tokens {shortest}")
    return rules


def schema_of(file: Path) -> Any:
    """The JSON schema in a file.

    Raises:
        UserError: there is no such file, or it is no JSON.
    """
    wanted = "a file with a JSON schema"
    try:
        return json.loads(decoded(content_of(file, wanted), file.name)[0])
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is no JSON: {json_fault(error)}", wanted) from error


def draft_of(path: Path, tokeniser: Tokeniser) -> Reader:
    """The small model of a finished run, ready to propose.

    Raises:
        UserError: the run is no language model, or has other tokens.
    """
    folder = RunFolder.open(path)
    run, _ = reopen(folder)
    if not (run.prompts and hasattr(run, "as_language")):
        raise UserError(f"--draft {path} is {run.title}", "a language model", "Leave --draft out.")
    language = run.as_language(folder)
    model, known = language.reopened(folder)
    if known.facts() != tokeniser.facts():
        wanted = "the tokens of the run"
        raise UserError(f"the draft {path} has other tokens", wanted, "Train it on the same text.")
    return Reader(model, language.context)
