"""What is known of sets of word vectors, and of the questions that these are measured by."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gradschool.data.setinfo import Contents, SetInfo
from gradschool.data.text.read import read_lines

ANALOGIES, WORDSIM, SIMLEX = "questions-words.txt", "wordsim353.txt", "simlex999.txt"


@dataclass(frozen=True, kw_only=True)
class VectorSet(SetInfo):
    """Word vectors in a file that `WordVectors.load` reads."""

    examples: ClassVar[str] = "words"

    def contents(self, place: Path | None) -> Contents:
        """How many words there are."""
        # Late, as listing the sets must not load torch.
        from gradschool.data.text.vectors.wordvectors import WordVectors

        assert place is not None, "word vectors lie in a file"
        return {"": {self.examples: len(WordVectors.load(place))}}


@dataclass(frozen=True, kw_only=True)
class TestSet(SetInfo):
    """A folder with analogies, WordSim-353 and SimLex-999."""

    __test__ = False  # pytest collects classes of such names
    examples: ClassVar[str] = "questions"

    def contents(self, place: Path | None) -> Contents:
        """How many questions or pairs each file has."""
        assert place is not None, "the questions lie in a folder"
        files = {"analogies": ANALOGIES, "wordsim": WORDSIM, "simlex": SIMLEX}
        lines = {name: read_lines(place / file) for name, file in files.items()}
        return {
            name: {self.examples: sum(line[:1] not in ("", ":") for line in each)}
            for name, each in lines.items()
        }
