"""What a check finds: one typed outcome, told in at most six lines."""

import re
import shutil
import textwrap
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from gradschool.phrases import as_called, called

Outcome = Literal[
    "not_attempted", "syntax", "import", "timeout", "memory", "crash", "wrong_type", "wrong_shape",
    "wrong_dtype", "wrong_value", "wrong_gradient", "broken_invariant", "fails_training", "pass",
    "infra_error",
]  # fmt: skip
LINES = 6
PRINTED = 5  # lines of the learner's own output that are shown below the verdict


class Failure(Exception):
    """A check stops here.

    Args:
        outcome: what it is.
        stage: where on the ladder; "" is filled in by the ladder.
        said: what was expected, what came, and the first differing place, as sentences.
        crash: class and text of the exception, if there was one.
    """

    def __init__(
        self, outcome: Outcome, said: str, stage: str = "", crash: tuple[str, str] | None = None
    ) -> None:
        super().__init__(said)
        self.outcome, self.said, self.stage, self.crash = outcome, said, stage, crash


@dataclass(frozen=True)
class Result:
    """One exercise's verdict.

    Args:
        exercise: its id.
        outcome: typed.
        stage: where it stopped; the last stage of all for a pass.
        said: sentences for the learner.
        why: the known mistake that gives exactly this, if there is one.
        next: what to do now.
        seconds: how long the check ran.
        file, sha256: whose code was under test.
        stages: those that were passed.
        printed: what the learner's code printed, cut.
    """

    exercise: str
    outcome: Outcome
    stage: str = ""
    said: str = ""
    why: str = ""
    next: str = ""
    seconds: float = 0.0
    file: str = ""
    sha256: str = ""
    stages: tuple[str, ...] = field(default_factory=tuple)
    printed: str = ""

    @property
    def passed(self) -> bool:
        """Whether the outcome is a pass."""
        return self.outcome == "pass"

    def record(self) -> dict[str, Any]:
        """For `check --json`: exercise, outcome, stage, message, and whose code it was."""
        message = " ".join(part for part in (self.said, self.why, self.next) if part)
        return asdict(self) | {"message": message}


def lines(result: Result, width: int | None = None) -> list[str]:
    """A result as at most six lines of text; below them the first lines that the learner's code printed.

    Args:
        result: of a check.
        width: of the terminal; asked for if None, 100 at most.
    """
    width = min(width or shutil.get_terminal_size().columns, 100)
    # 1. One line that says it all.
    name = "broken rule" if result.stage == "rules" else result.outcome.replace("_", " ")
    head = f" {result.exercise:<20} {name:<16} {result.seconds:.1f} s"
    if result.passed:
        head += f"   {len(result.stages)} stages: {' '.join(result.stages)}"
    # 2. What came and why, then the next step, which is never cut off.
    told = textwrap.wrap(
        " ".join(part for part in (result.said, result.why) if part), width - 4, break_on_hyphens=False
    )
    tied = re.sub(
        rf"{re.escape(called())} [^.,]+", lambda found: found[0].replace(" ", "\xa0"), as_called(result.next)
    )
    step = textwrap.wrap(f"next: {tied}", width - 4, break_on_hyphens=False) if result.next else []
    step = [line.replace("\xa0", " ") for line in step]
    room = LINES - 1 - len(step)
    if len(told) > room:
        told = [*told[: room - 1], textwrap.shorten(told[room - 1], width - 8, placeholder="") + " ..."]
    verdict = [head, *(f"   {line}" for line in [*told, *step][: LINES - 1])]
    # 3. What was printed stands apart.
    printed = [
        line if len(line) <= width - 6 else line[: width - 10] + " ..."
        for line in result.printed.splitlines()
    ]
    return [*verdict, *(["   printed:"] if printed else []), *(f"   | {line}" for line in printed)]


def first_lines(output: str) -> str:
    """The first lines of what was printed over all calls of a check, then how many more there were."""
    found = ["".join(c if c.isprintable() else " " for c in line)[:500] for line in output.splitlines()]
    more = len(found) - PRINTED
    return "\n".join(
        [*found[:PRINTED], *([f"(and {more:,} more lines, from all calls together)"] if more > 0 else [])]
    )


def from_record(record: dict[str, Any], file: Path) -> Result:
    """A result from the JSON of a judge; only its own fields are taken."""
    known = {name: record[name] for name in Result.__annotations__ if name in record}
    return Result(**known | {"stages": tuple(record.get("stages", ())), "file": str(file)})
