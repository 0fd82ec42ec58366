"""The ladder: shape, dtype, value, gradient, invariance, state, training; the first failing stage is told.

A chapter's checks.py holds one function an exercise that is handed a Ladder and climbs it. Oracles are
independent of the code under test: closed forms, float64, torch, torchvision, scikit-learn.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from gradschool.classroom.check.calls import Call
from gradschool.classroom.check.compare import (
    DOUBLE,
    Tolerance,
    close,
    in_order,
    same_dtypes,
    same_kinds,
    same_shapes,
)
from gradschool.classroom.check.draws import misdrawn, repeats
from gradschool.classroom.check.report import Failure
from gradschool.classroom.exercise.record import STAGES, Stage


class Subject(Protocol):
    """The function under test, wherever it runs.

    Args:
        calls: what was called so far, and what came.
        about: words for the next call; "" describes its arguments.
    """

    calls: list[Call]
    about: str

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

    def wide(self) -> "Case":
        """The same with its tensors of floating-point numbers in float64."""
        args = tuple(a.double() if is_float(a) else a for a in self.args)
        kwargs = {name: a.double() if is_float(a) else a for name, a in self.kwargs.items()}
        return Case(f"{self.about}, in float64", args, kwargs)


class Ladder:
    """Climbs one exercise's stages; every method raises Failure at the first thing that is wrong.

    Args:
        subject: the function under test.
        allowed: sentences of `watch` about what this exercise's function may do besides.
    """

    def __init__(self, subject: Subject, allowed: Sequence[str] = ()) -> None:
        self.subject, self.allowed = subject, allowed
        self.stage: Stage = "signature"
        self.passed: list[str] = []
        self.compared = 0
        self.tolerance = Tolerance(1e-5, 1e-6, "float32, where a check names none")
        self.said: list[str] = []  # what was looked at, in words

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
        self.tolerance = tolerance
        subject = self.inside(through) if through else self.subject
        pairs, crashes = [], Crashes()
        for case in cases:
            with self.about(case), crashes:
                got, want = subject(*case.args, **case.kwargs), oracle(*case.args, **case.kwargs)
                pairs.append((case, in_order(got, want), want))
        crashes.tell()
        for case, got, want in pairs:
            same_kinds(case.about, got, want)
        for case, got, want in pairs:
            same_shapes(case.about, got, want)
        self.compared += len(pairs)
        self.enter("dtype")
        for case, got, want in pairs:
            same_dtypes(case.about, got, want)
        self.enter("value")
        for case, got, want in pairs:
            close("wrong_value", f"For {case.about}:", got, want, tolerance, DOUBLE)

    def gradients(self, cases: Sequence[Case], oracle: Callable[..., Any], tolerance: Tolerance) -> None:
        """Gradients agree for every floating-point argument; the result is summed with random weights."""
        self.unchanged()  # what was changed in place crashes below, for a reason that misses the cause
        self.enter("gradient")
        self.tolerance = tolerance
        found: list[tuple[Case, list[str], Any, Any]] = []
        crashes = Crashes()
        for case in cases:
            with self.about(case), crashes:
                got = summed_gradients(self.subject, case)
                which = [
                    n
                    for n, a in zip(inspect.signature(oracle).parameters, case.args, strict=False)
                    if is_float(a)
                ]
                self.subject.calls.append(
                    Call(f"the gradients for {case.about}", [NO_GRADIENT if g is None else g for g in got])
                )
                found.append((case, which, got, summed_gradients(oracle, case)))
        crashes.tell()
        for case, which, ours, theirs in found:
            for name, g, w in zip(which, ours, theirs, strict=True):
                lead = f"For {case.about}: the gradient of {name}:"
                if g is None and w is not None and bool(w.any()):
                    raise Failure("wrong_gradient", f"{lead} none flows back.")
                if g is not None and w is not None:
                    close("wrong_gradient", lead, g, w, tolerance, DOUBLE)
        self.compared += len(found)

    def same(self, sentence: str, got: Any, want: Any, tolerance: Tolerance) -> None:
        """Two results that must be the same are; `sentence` says what must hold."""
        self.enter("invariance")
        self.tolerance = tolerance
        self.said.append(sentence)
        close("broken_invariant", f"{sentence} does not hold:", in_order(got, want), want, tolerance)
        self.compared += 1

    def holds(self, sentence: str, true: bool) -> None:
        """A property that must hold does; `sentence` says what was expected and what came."""
        self.enter("invariance")
        self.said.append(sentence)
        if not true:
            raise Failure("broken_invariant", sentence)
        self.compared += 1

    def seeded(self, driver: Callable[..., Any], *args: Any, cdf: Callable[[Any], Any] | None = None) -> None:
        """Random numbers come from the generator that is given, follow their distribution, are independent.

        Args:
            driver: as in `inside`; its last argument is a seed, it returns what was drawn.
            args: what it is called with before the seed.
            cdf: the distribution function that every number is to follow, if they are all of one.
        """
        run = self.inside(driver)
        first, again, other = run(*args, 0), run(*args, 0), run(*args, 1)
        told = "The same seed twice was to draw the same"
        self.holds(f"{told}; it did not: is the generator used?", repeats(first, again))
        self.holds("Another seed was to draw other numbers; it drew the same.", not repeats(first, other))
        if cdf is not None:
            for said in misdrawn(first, cdf):
                self.holds(said, False)
            self.holds("What is drawn follows its distribution, each number by itself.", True)

    def trains(self, sentence: str, true: bool) -> None:
        """A short training gets where it should; `sentence` says where it was to get and where it got."""
        self.unchanged()
        self.enter("training")
        self.said.append(sentence)
        if not true:
            raise Failure("fails_training", sentence)
        self.compared += 1

    def unchanged(self) -> None:
        """No call so far has changed its arguments or drawn from a global random generator."""
        for said in (said for call in self.subject.calls for said, _ in call.faults):
            if said not in self.allowed:
                if STAGES.index(self.stage) < STAGES.index("invariance"):
                    self.enter("invariance")
                raise Failure("broken_invariant", said)

    @contextmanager
    def about(self, case: Case) -> Iterator[None]:
        """Calls within are of this case."""
        self.said.append(case.about)
        self.subject.about = case.about
        try:
            yield
        finally:
            self.subject.about = ""


class Crashes:
    """Lets every case be tried before the first crash is told: what the others give tells mistakes apart."""

    def __init__(self) -> None:
        self.first: Failure | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if isinstance(error, Failure) and error.outcome == "crash":
            self.first = self.first or error
            return True
        return False

    def tell(self) -> None:
        """Raise the first crash."""
        if self.first:
            raise self.first


def summed_gradients(function: Callable[..., Any], case: Case) -> Any:
    """Gradients of a result that is summed with random weights, for every floating-point argument.

    Where the result is a tuple, all its floating-point tensors are summed up.

    Raises:
        Failure: the result carries no gradient.
    """
    import torch

    args = [leaf(a) for a in case.args]
    inputs = [a for a in args if getattr(a, "requires_grad", False)]
    result = function(*args, **case.kwargs)
    found = [each for each in (result if isinstance(result, tuple) else [result]) if is_float(each)]
    if not any(each.requires_grad for each in found):
        raise Failure("wrong_gradient", f"For {case.about}: the result carries no gradient.")
    generator = torch.Generator().manual_seed(0)
    ups = [torch.randn(each.shape, generator=generator, dtype=torch.float64) for each in found]
    total = torch.stack([(y * up.to(y.dtype)).sum() for y, up in zip(found, ups, strict=True)]).sum()
    return torch.autograd.grad(total, inputs, allow_unused=True)


NO_GRADIENT = "no gradient"


def is_float(value: Any) -> bool:
    """Whether a value is a tensor of floating-point numbers."""
    return hasattr(value, "requires_grad") and value.is_floating_point()


def leaf(value: Any) -> Any:
    """A tensor as a leaf that asks for its gradient; anything else as it is."""
    return value.detach().clone().requires_grad_() if is_float(value) else value
