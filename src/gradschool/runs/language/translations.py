"""What a translation run does with a trained network: scores, files, prompts, and what its report shows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gradschool.data.examples import Splits
from gradschool.data.text.decode import read_text
from gradschool.data.text.labelled.tables import lines_of
from gradschool.data.text.pairs.pairs import TextPairs
from gradschool.engine.checkpoint import disk_errors, write_whole
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.language.scored import listed
from gradschool.evals.language.translation.alignment import alignment
from gradschool.evals.language.translation.dictionary import Dictionary
from gradschool.evals.language.translation.scores import by_length, score
from gradschool.evals.language.translation.translator import Translator
from gradschool.evals.report.text.translations import Example, TranslationFacts
from gradschool.runs.kind import Wanted, check_count

FILE = "translations.tsv"  # of the test part: source, reference, greedy, beam search
SHOWN, MAPS = 12, 3  # examples in the report, and of how many the attention is drawn
ASKED = ("prompt", "beams", "seed", "heard", "noted")  # of what `sample` may be asked for
MOST = 100  # beams, which are read side by side
SHORT = 90  # characters of a source of which the attention is drawn


@dataclass(frozen=True)
class Translated:
    """A text and its translation."""

    source: str
    text: str
    file: Path | None = None

    def line(self) -> str:
        """For a terminal."""
        return self.text

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        told = {"source": self.source, "translation": self.text}
        return told if self.file is None else {"file": self.file, **told}


def scored(
    splits: Splits[TextPairs], greedy: Sequence[str], beamed: Sequence[str], beams: int
) -> tuple[list[dict[str, Any]], str]:
    """BLEU and chrF of what needs no network and of the network, the best last, and sacrebleu's signature."""
    # 1. Two simple translators.
    test = splits.test
    words = Dictionary.of(splits.train)
    said = {
        "the source, copied": test.sources,
        "a dictionary, word by word (IBM model 1)": [words.translate(text) for text in test.sources],
        "this network, greedy": greedy,
    }
    # 2. The network, with its search.
    if beams > 1:
        said[f"this network, {beams} beams"] = beamed
    found = {name: score(texts, test.targets) for name, texts in said.items()}
    rows = [{"name": name, "bleu": each.bleu, "chrf": each.chrf} for name, each in found.items()]
    return rows, next(iter(found.values())).signature


def write(folder: RunFolder, test: TextPairs, greedy: Sequence[str], beamed: Sequence[str]) -> None:
    """Keep the translations of the test part, a line each."""
    rows = zip(test.sources, test.targets, greedy, beamed, strict=True)
    folder.write(FILE, "source\treference\tgreedy\tbeams\n" + "".join("\t".join(row) + "\n" for row in rows))


def facts_of(
    translator: Translator, splits: Splits[TextPairs], folder: RunFolder, result: dict[str, Any]
) -> TranslationFacts:
    """What the report shows."""
    # 1. The translations as the run wrote them.
    lines = (folder.path / FILE).read_text(encoding="utf-8").split("\n")[1:-1]
    rows = [line.split("\t") for line in lines]
    sources, references, _, made = (list(column) for column in zip(*rows, strict=True))
    # 2. The first of them, and the attention of the first short ones.
    shown = [Example(*row) for row in rows[:SHOWN]]
    short = [each for each in shown if len(each.source) <= SHORT][:MAPS] or shown[:1]
    maps = [alignment(translator, each.source, each.beams) for each in short]
    groups = by_length(sources, made, references)
    return TranslationFacts(splits=splits, model=translator.model, unit="pairs", rows=result["rows"],
                            signature=result["signature"], groups=groups, shown=shown, maps=maps)  # fmt: skip


def sample(translator: Translator, folder: RunFolder, wanted: Wanted, beams: int, out: Path | None) -> Path:
    """Translate a prompt, and write the translation.

    Raises:
        UserError: there is no prompt, or something is asked for that a translator does not do.
    """
    # 1. What can be asked for.
    other = next(
        (f.name for f in fields(Wanted) if f.name not in ASKED and getattr(wanted, f.name) != f.default), ""
    )
    if other:
        name = {"label": "class"}.get(other, other.replace("_", "-"))
        raise UserError(f"--{name} was given to a translator", "--prompt and --beams", f"Leave --{name} out.")
    if not (wanted.prompt or "").strip():
        raise UserError("a translator got no text", "one", 'Example: --prompt "Ein Hund läuft im Schnee."')
    beams = beams if wanted.beams is None else wanted.beams
    check_count("beams", beams, MOST, "--beams 5; 1 takes the most probable token at every step")
    # 2. The translation and its file.
    [found] = translator.translate([str(wanted.prompt)], beams)
    wanted.heard(found)
    name = "translation.txt"
    out = folder.path / name if out is None else out / name if out.is_dir() else out
    with disk_errors(out.parent):
        write_whole(out, f"{found}\n".encode())
    return out


def of_files(
    translate: Callable[[Sequence[str]], list[str]], files: Sequence[Path],
    progress: Callable[[int, int], None], skip: Callable[[Path, str], None],
) -> Iterator[Translated]:  # fmt: skip
    """The translation of every line of text files; an empty line stays empty: lines keep their numbers.

    Args:
        translate: texts to their translations.
        files: text files, and folders whose .txt files are taken.
        progress: told how far it is.
        skip: told of every file that is left out.

    Raises:
        WorkFailed: no file could be read.
    """
    items, done = listed(files), 0
    for number, file in enumerate(items, 1):
        try:
            text = read_text(file)[0]
        except UserError as error:
            skip(file, error.what)
            continue
        lines = lines_of(text.removesuffix("\n").removesuffix("\r"))
        pairs = zip(lines, translate(lines), strict=True)
        yield from (Translated(line, made, file) for line, made in pairs)
        done += 1
        progress(number, len(items))
    if not done:
        raise WorkFailed("no text could be read", "text files with a sentence on each line", "")
