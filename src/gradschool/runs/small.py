"""A kind of run that trains itself: so small that it needs no engine, so that it can be read in one piece."""

import time
from typing import Any

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.metric import described
from gradschool.runs.config import config
from gradschool.runs.kind import Kind
from gradschool.runs.request import Request, Say


class SmallRun(Kind):
    """A run without an engine: it cannot be resumed, for it is over in seconds, and makes its own data."""

    data: str

    def train(self, request: Request, say: Say) -> RunFolder:
        """Train from the start and leave a finished run folder.

        Args:
            request: as of every run: seed, place, whose functions.
            say: told what a person should read.
        """
        raise NotImplementedError

    def begin(self, request: Request) -> RunFolder:
        """The new folder, with what is known before the first step."""
        if request.device not in ("auto", "cpu"):
            raise UserError(
                f"{request.recipe} came with device {request.device}", "cpu", "Leave --device out."
            )
        usual = type(self).data  # a dataclass keeps its default here
        if self.data != usual:
            raise UserError(f"{request.recipe} reads no data", f"its own, {usual}", "Leave --data out.")
        folder = RunFolder.create(request.recipe, request.out)
        folder.write("config.json", config(self, request) | {"device": "cpu"})
        folder.write("environment.json", {"device": "cpu", "started": time.strftime("%F %T")})
        return folder

    def end(
        self, folder: RunFolder, metrics: dict[str, float], tested: int, seconds: float, **facts: Any
    ) -> None:
        """Write result.json.

        Args:
            folder: of the run.
            metrics: numbers by name, each with its part: test_accuracy.
            tested: on how many examples.
            seconds: that training took.
            facts: what else a reader should know.
        """
        known = {"metrics": metrics, "main": f"test_{self.monitor}", "about": described(self.metrics)}
        place = {"tested": tested, "test_images": tested, "seconds": seconds, "device": "cpu"}
        folder.write("result.json", {**known, **facts, **place})
        folder.close()
