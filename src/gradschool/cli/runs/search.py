"""gradschool search FOLDER "question": the passages of a folder of texts that are nearest to a question."""

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish

USUAL = "sentence-transformers/all-MiniLM-L6-v2"
WIDE = 160  # characters of a sentence that are shown


@dataclass(frozen=True)
class Args:
    """Look for passages that answer a question in the .txt and .md files of a folder.

    Three lists stand side by side: nearest by meaning, as a sentence encoder sees it, and best by shared
    words, as BM25 and as TF-IDF weigh them. What was encoded is kept: a second question costs nothing.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    """Folder of texts, or one file."""
    question: Annotated[str, tyro.conf.Positional]
    """What is looked for, in your own words."""
    encoder: str | None = None
    """Folder of a sentence encoder, or its name; all-MiniLM-L6-v2 if not given, and words alone where that is
    not here."""
    k: Annotated[int, tyro.conf.arg(aliases=["-k"])] = 3
    """Passages of each list."""
    index: Path | None = None
    """Folder where the index is kept; runs/search-NAME if not given."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Bring the index up to date, look, tell."""
    from gradschool.errors import UserError
    from gradschool.evals.language.retrieval.index import opened
    from gradschool.evals.language.retrieval.tfidf import TFIDF

    if args.k < 1:
        raise UserError(f"k is {args.k}", "a whole number >= 1", "Example: -k 3")
    if not args.question.strip():
        raise UserError("the question is empty", "a question in words")
    # 1. The encoder, and the index as the folder is now.
    name, embed = encoder_of(args.encoder)
    place = args.index or Path("runs") / f"search-{args.folder.resolve().name}"
    skipped: list[tuple[Path, str]] = []
    found, changes = opened(args.folder, place, name, embed, lambda file, why: skipped.append((file, why)))
    told = {"new": changes.new, "changed": changes.changed, "gone": changes.gone}
    counts = ", ".join(f"{len(files)} {word}" for word, files in told.items() if files) or "nothing new"
    print(f" {place}: {len(found.passages):,} passages; files: {counts}")
    for file, why in skipped:
        print(f" left out: {file}: {why}", file=sys.stderr)
    # 2. All lists.
    lists: dict[str, Any] = {}
    if embed is not None:
        lists["by meaning"] = found.by_meaning(args.question, args.k, embed)
    lists["by words"] = found.by_words(args.question, args.k)
    lists["by TF-IDF"] = found.by_words(args.question, args.k, TFIDF)
    for title, passages in lists.items():
        tell(title, passages)
    finish(args, {
        "index": place, "encoder": name or None, **told, "skipped": skipped,
        **{key_of(title): [facts(each) for each in passages] for title, passages in lists.items()},
    })  # fmt: skip
    return 0


def encoder_of(asked: str | None) -> tuple[str, Any]:
    """The encoder's name and function; the usual one may be missing, then words are all there is."""
    from gradschool.errors import UserError
    from gradschool.runs.language.encoders.body import located
    from gradschool.runs.language.encoders.sentences import sentence_encoder

    try:
        located(asked or USUAL, fetch=False)
    except UserError:
        if asked:
            raise
        print(f" {USUAL} is not here: by words alone. Name one that is: --encoder FOLDER")
        return "", None
    return asked or USUAL, sentence_encoder(asked or USUAL)


def tell(title: str, passages: Sequence[Any]) -> None:
    """A list for a terminal: file and line, score, the sentence that fits best."""
    print(f"\n {title}")
    for each in passages:
        sentence = textwrap.shorten(each.sentence, WIDE, placeholder=" ...")
        print(f"  {shown(each.passage.file)}:{each.passage.line}  {each.score:.2f}  {sentence}")
    if not passages:
        print("  no passage shares a word with the question")


def key_of(title: str) -> str:
    """The name of a list in JSON."""
    return title.lower().replace(" ", "_").replace("-", "_")


def shown(file: Path) -> str:
    """A path as short as it can be pasted from here."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def facts(each: Any) -> dict[str, Any]:
    """A passage for JSON."""
    passage = each.passage
    return {"file": passage.file, "line": passage.line, "score": each.score, "sentence": each.sentence,
            "passage": passage.text}  # fmt: skip
