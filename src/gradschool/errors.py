"""Errors meant for people: one sentence with what came, what was wanted, and the next step."""


class UserError(Exception):
    """Wrong use: an argument, a file or a setting is not what it should be (exit code 2).

    Args:
        what: what came, e.g. "learning_rate is 'fast'".
        wanted: what was wanted, e.g. "a number > 0".
        next_step: what to do now, e.g. "try --set learning_rate=0.01".
    """

    exit_code = 2

    def __init__(self, what: str, wanted: str = "", next_step: str = "") -> None:
        self.what, self.wanted, self.next_step = what, wanted, next_step
        super().__init__(what, wanted, next_step)

    def __str__(self) -> str:
        text = f"{self.what}; wanted: {self.wanted}" if self.wanted else self.what
        return f"{text}. {self.next_step}".strip() if self.next_step else f"{text}."


class WorkFailed(UserError):
    """The work itself failed: a target was missed, the loss is NaN, the disk is full (exit code 1)."""

    exit_code = 1


class Interrupted(WorkFailed):
    """The work was asked to stop, by Ctrl-C or a scheduler; everything is saved."""
