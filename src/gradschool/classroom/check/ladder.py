"""The ladder: shape, dtype, value, gradient, invariance, state, training; the first failing stage is told.

A chapter's checks.py holds one function an exercise that is handed a Ladder and climbs it. Oracles are
independent of the code under test: closed forms, float64, torch, torchvision, scikit-learn.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gradschool.classroom.check.compare import Tolerance, close, same_dtypes, same_kinds, same_shapes
from gradschool.classroom.check.report import Failure
from gradschool.classroom.exercise.manifest import STAGES, Stage


class Subject(Protocol):
    """The function under test, wherever it runs; `changed` names arguments that a call has changed."""

    changed: list[str]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""

    def inside(self, driver: Callable[..., Any]) -> Callable[..., Any]:
        """A function of the check's that runs where the learner's does, with it as first argument."""


@dataclass(frozen=True)
class Case:
    """One call.

    Args:
        about: the case in words, as they follow "For".
        args, kwargs: what the function is called with.
    """

    about: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


class Ladder:
    """Climbs one exercise's stages; every method raises Failure at the first thing that is wrong.

    Args:
        subject: the function under test.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.stage: Stage = "signature"
        self.passed: list[str] = []
        self.compared = 0

    def inside(self, driver: Callable[..., Any]) -> Callable[..., Any]:
        """A driver for what data alone cannot drive: models, loops, generators, classes.

        Args:
            driver: `driver(mine, *args)` runs in the learner's process, with their function (for
                `Class.method`: their class) and data; it imports what it needs itself and returns data.
        """
        return self.subject.inside(driver)

    def enter(self, stage: Stage) -> None:
        """Go up to a stage, or stay on it."""
        if stage == self.stage:
            return
        if self.compared and STAGES.index(stage) < STAGES.index(self.stage):
            raise ValueError(f"the check goes down from {self.stage} to {stage}")
        if self.stage not in self.passed and self.compared:
            self.passed.append(self.stage)
        self.stage = stage

    def finish(self) -> None:
        """End the climb: arguments must be as they were, and something must have been compared."""
        self.unchanged()
        if not self.compared:
            raise Failure("infra_error", "this exercise's check compares nothing")
        self.passed.append(self.stage)

    def agrees(
        self,
        cases: Sequence[Case],
        oracle: Callable[..., Any],
        tolerance: Tolerance,
        through: Callable[..., Any] | None = None,
    ) -> None:
        """Results have the oracle's types and shapes, then its dtypes, then its values, in every case.

        Args:
            cases: what both are called with.
            oracle: the truth, independent of the code under test.
            tolerance: how far from it a number may be.
            through: a driver as in `inside` that is called in place of the learner's function.
        """
        self.enter("shape")
        subject = self.inside(through) if through else self.subject
        pairs, came = [], []
        for case in cases:
            got = subject(*case.args, **case.kwargs)
            pairs.append((case, got, oracle(*case.args, **case.kwargs)))
            came.append(got)
        for case, got, want in pairs:
            same_kinds(case.about, got, want, came)
        for case, got, want in pairs:
            same_shapes(case.about, got, want, came)
        self.compared += len(pairs)
        self.enter("dtype")
        for case, got, want in pairs:
            same_dtypes(case.about, got, want)
        self.enter("value")
        for case, got, want in pairs:
            close("wrong_value", f"For {case.about}:", got, want, tolerance, came)

    def gradients(self, cases: Sequence[Case], oracle: Callable[..., Any], tolerance: Tolerance) -> None:
        """Gradients agree for every floating-point argument; the result is summed with random weights."""
        import torch

        self.enter("gradient")
        came: list[Any] = []
        found: list[tuple[Case, list[str], Any, Any]] = []
        for case in cases:
            names = list(inspect.signature(oracle).parameters)
            sides = []
            for function in (self.subject, oracle):
                args = [leaf(a) for a in case.args]
                inputs = [a for a in args if getattr(a, "requires_grad", False)]
                result = function(*args, **case.kwargs)
                if not result.requires_grad:
                    raise Failure("wrong_gradient", f"For {case.about}: the result carries no gradient.")
                up = torch.randn(
                    result.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
                )
                total = (result * up.to(result.dtype)).sum()
                sides.append(torch.autograd.grad(total, inputs, allow_unused=True))
            which = [n for n, a in zip(names, case.args, strict=False) if is_float(a)]
            came.append([NO_GRADIENT if g is None else g for g in sides[0]])
            found.append((case, which, sides[0], sides[1]))
        for case, which, got, want in found:
            for name, g, w in zip(which, got, want, strict=True):
                lead = f"For {case.about}: the gradient of {name}:"
                if g is None and w is not None and bool(w.any()):
                    raise Failure("wrong_gradient", f"{lead} none flows back.", came=came)
                if g is not None and w is not None:
                    close("wrong_gradient", lead, g, w, tolerance, came)
        self.compared += len(found)

    def same(self, sentence: str, got: Any, want: Any, tolerance: Tolerance) -> None:
        """Two results that must be the same are; `sentence` says what must hold."""
        self.enter("invariance")
        close("broken_invariant", f"{sentence} does not hold:", got, want, tolerance, [got])
        self.compared += 1

    def holds(self, sentence: str, true: bool, came: object = None) -> None:
        """A property that must hold does; `sentence` says what was expected and what came."""
        self.enter("invariance")
        if not true:
            raise Failure("broken_invariant", sentence, came=came)
        self.compared += 1

    def trains(self, sentence: str, true: bool) -> None:
        """A short training gets where it should; `sentence` says where it was to get and where it got."""
        self.unchanged()
        self.enter("training")
        if not true:
            raise Failure("fails_training", sentence)
        self.compared += 1

    def unchanged(self) -> None:
        """Every call so far has left its arguments as they were."""
        if self.subject.changed:
            if STAGES.index(self.stage) < STAGES.index("invariance"):
                self.enter("invariance")
            raise Failure(
                "broken_invariant", "A call changed its own arguments; they were to stay as they are."
            )


NO_GRADIENT = "no gradient"


def is_float(value: Any) -> bool:
    """Whether a value is a tensor of floating-point numbers."""
    return hasattr(value, "requires_grad") and value.is_floating_point()


def leaf(value: Any) -> Any:
    """A tensor as a leaf that asks for its gradient; anything else as it is."""
    return value.detach().clone().requires_grad_() if is_float(value) else value
