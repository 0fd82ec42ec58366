"""A frozen classifier of ours that looks at what was handed in, trained at first need."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.generation.judge import described, judge_for
from gradschool.runs.generation.score import Looked, look
from gradschool.runs.reopen import reopen


@dataclass(frozen=True)
class Eye:
    """A frozen classifier of what a part was trained on.

    Args:
        run: a run of that part's kind on its data.
        splits: the data.
    """

    run: GenerativeRun
    splits: Splits[Images]

    @cached_property
    def judge(self) -> RunFolder:
        """Its run, from the cache or trained now."""
        return judge_for(self.run, self.splits)

    @property
    def name(self) -> str:
        """In words."""
        return described(self.judge)

    def sees(self, pixels: Tensor) -> Looked:
        """Features and probabilities of uint8 pictures."""
        return look(reopen(self.judge)[0].classifier(self.judge), pixels)
