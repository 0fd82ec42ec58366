"""One check to run, as whoever asks hands it to the process that runs it."""

from dataclasses import dataclass
from pathlib import Path

from gradschool.classroom.check.limits import Limits, crowding
from gradschool.classroom.exercise.manifest import Chapter, Exercise, read_chapter
from gradschool.classroom.exercise.strip import decoded


@dataclass(frozen=True)
class Job:
    """One check to run.

    Args:
        exercise: its id.
        chapter: folder of its chapter.
        path, text: the learner's file and what stands in it.
        seconds: time limit; 0 takes the exercise's own.
        memory: bytes it may use on top of what Python and torch take.
    """

    exercise: str
    chapter: str
    path: str
    text: str
    seconds: float = 0.0
    memory: int = 2**30

    @classmethod
    def of(cls, chapter: Chapter, exercise: Exercise, file: Path) -> "Job":
        """The job of checking a file as it is now; what is no text in it is for the judge to say."""
        return cls(exercise.id, str(chapter.folder), str(file.resolve()), decoded(file.read_bytes()))

    def find(self) -> tuple[Chapter, Exercise]:
        """The exercise, as the manifest has it now.

        Raises:
            UserError: the manifest does not fit.
            LookupError: it has no such exercise.
        """
        chapter = read_chapter(Path(self.chapter))
        for exercise in chapter.exercises:
            if exercise.id == self.exercise:
                return chapter, exercise
        raise LookupError(f"{self.chapter} has no exercise {self.exercise}")

    def limits(self, exercise: Exercise) -> Limits:
        """What the check may use."""
        return Limits(self.seconds or exercise.seconds * crowding(), self.memory)
