"""A worker as a program: `python -m gradschool.practice.search.worker FOLDER TRIALS UNTIL PARENT`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradschool.errors import UserError
from gradschool.practice.search.found import best_of, in_words, row_of, rows
from gradschool.practice.search.storage import VARIABLE
from gradschool.practice.search.study import Study, open_study
from gradschool.practice.search.work import Limits, work


def tell(study: Study, say: Callable[[str], None]) -> Callable[..., None]:
    """Says each finished trial in a line; the best so far has a star."""

    def told(trial: Any) -> None:
        best = best_of(study, rows(study))
        say(in_words(study, row_of(study, trial), best.row if best else None))

    return told


def join(place: str, url: str, limits: Limits, say: Callable[[str], None]) -> None:
    """Work on the study in a folder until it has enough trials."""
    study = open_study(Path(place), url)
    work(study, limits, tell(study, say))


if __name__ == "__main__":
    folder, trials, until, parent = sys.argv[1:]
    try:
        ends = Limits(int(trials), float(until) or None, int(parent))
        join(folder, os.environ.get(VARIABLE, ""), ends, lambda line: print(line, flush=True))
    except (UserError, KeyboardInterrupt) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
