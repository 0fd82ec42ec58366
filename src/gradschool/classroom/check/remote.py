"""The learner's function as the judge holds it: calls go to another process, and only data come back."""

import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradschool.classroom.check.calls import Call, Crash, described
from gradschool.classroom.check.compare import numbers
from gradschool.classroom.check.report import Failure
from gradschool.classroom.check.subject import tensors
from gradschool.classroom.check.watch import CHANGED, Fault, named, watched
from gradschool.classroom.check.wire import Channel, Closed, Garbled


class Held:
    """A function under test as a ladder holds it: it keeps what was called and what came.

    A subclass says how it is called and how a driver runs beside it; both add to `faults`.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.about = ""

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function."""
        raise NotImplementedError

    def driven(self, driver: Callable[..., Any]) -> Callable[..., Any]:
        """The driver, to be called with what follows its first argument."""
        raise NotImplementedError

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it.

        Raises:
            Failure: it raised, ended, took too long or gave back no data.
        """
        return self.kept(lambda: self.call(args, kwargs), args, kwargs)

    def inside(self, driver: Callable[..., Any]) -> Callable[..., Any]:
        """A check's own function that runs beside the function under test and gets it first."""
        run = self.driven(driver)
        return lambda *args: self.kept(lambda: run(*args), args, {})

    def kept(self, act: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do it; what came is kept, and a crash says for which arguments."""
        about = self.about or described(args, kwargs)
        try:
            came = act()
        except Failure as failure:
            if failure.outcome != "crash":
                raise
            self.note(about, Crash.of(*(failure.crash or ("", failure.said))))
            raise Failure("crash", f"For {about}: {failure.said}", failure.stage, failure.crash) from failure
        self.note(about, came)
        return came

    def note(self, about: str, came: Any) -> None:
        """Keep a call; a driver's tells each fault once, what ended in a crash tells none."""
        found = {said: (said, value) for said, value in reversed(self.faults)}
        self.faults.clear()
        if isinstance(came, Crash):
            found.clear()
        self.calls.append(Call(about, came, tuple(reversed(found.values()))))


class Remote(Held):
    """The learner's function, which runs elsewhere; differentiable where an argument asks for a gradient.

    Args:
        channel: to the process that runs it.
        text: of the learner's file, to quote lines from.
        names: of the function's parameters.
    """

    def __init__(self, channel: Channel, text: str, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.channel, self.text, self.names = channel, text, names

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Send the arguments, hear the result."""
        if any(getattr(a, "requires_grad", False) for a in args):
            return differentiable(self, args, kwargs)
        return self.ask({"do": "call", "args": args, "kwargs": kwargs})["value"]

    def driven(self, driver: Callable[..., Any]) -> Callable[..., Any]:
        """Send the driver's source."""
        source = textwrap.dedent(inspect.getsource(driver))

        def run(*args: Any) -> Any:
            request = {"do": "inside", "source": source, "name": driver.__name__, "args": list(args)}
            return self.ask(request)["value"]

        return run

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request, one answer; arguments that came back changed are remembered."""
        try:
            self.channel.send(request)
            answer = self.hear()
        except Closed:
            raise ended() from None
        if request["do"] == "call":
            sent, back = [*request["args"], *request["kwargs"].values()], answer.get("after")
            back = back if isinstance(back, list) and len(back) == len(sent) else [None] * len(sent)
            given = zip(named(self.names, request["args"], request["kwargs"]), sent, back, strict=True)
            changed = [(name, after) for name, before, after in given if not same_bytes(before, after)]
            self.faults += [(CHANGED.format(name), after) for name, after in changed]
        self.faults += [(str(said), value) for said, value in answer.get("faults", [])]
        return answer

    def hear(self) -> dict[str, Any]:
        """The next answer, exceptions in it raised as failures."""
        try:
            answer = self.channel.receive()
        except Closed:
            raise ended() from None
        except TimeoutError:
            raise Failure("timeout", "It was still running when its time was up.") from None
        except Garbled as error:
            raise Failure("crash", f"Its process sent {error}.") from None
        if not isinstance(answer, dict) or "ok" not in answer:
            raise Failure("crash", "Its process sent bytes that are no answer.")
        if answer["ok"] is not True:
            raise self.failure(answer)
        return answer

    def failure(self, answer: dict[str, Any]) -> Failure:
        """What an exception on the other side amounts to."""
        lines, at = self.text.splitlines(), [n for n in answer.get("at", []) if isinstance(n, int)]
        where = f" at line {at[-1]}: `{lines[at[-1] - 1].strip()}`" if at and 0 < at[-1] <= len(lines) else ""
        name, text = str(answer.get("name"))[:60], " ".join(str(answer.get("text"))[:300].split())
        match answer.get("kind"):
            case "not_attempted":
                return Failure("not_attempted", "", "signature")
            case "forbidden":
                return Failure("broken_invariant", f"{text}{where}.", "rules")
            case "memory":
                return Failure("memory", f"It asked for more memory than a check may use{where}.")
            case "syntax":
                return Failure("syntax", f"{text}.", "signature")
            case "infra":
                return Failure("infra_error", f"{name}: {text}")
        return Failure("crash", f"{name}{where}: {text}", crash=(name, text))


class Local(Held):
    """A function of the course's own, called here: a mutant on the ladder.

    Args:
        function: for `Class.method` the class.
        name: of the function in its module.
    """

    def __init__(self, function: Callable[..., Any], name: str = "") -> None:
        super().__init__()
        self.function = watched(function, name, self.faults)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call it with copies, as a remote function gets them."""
        return caught(self.function, *map(copied, args), **{name: copied(v) for name, v in kwargs.items()})

    def driven(self, driver: Callable[..., Any]) -> Callable[..., Any]:
        """The driver itself, with copies."""
        return lambda *args: caught(driver, self.function, *map(copied, args))


def copied(value: Any) -> Any:
    """Data of its own; a tensor that asks for a gradient stays, since a copy would cut it off."""
    if isinstance(value, list | tuple):
        return type(value)(copied(part) for part in value)
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    if is_tensor(value) and not value.requires_grad:
        return value.detach().clone()
    return np.array(value) if isinstance(value, np.ndarray) else value


def caught(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function of the course's own; what it raises is a crash, as it is of a learner's."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        crash = type(error).__name__, str(error)
        raise Failure("crash", f"{crash[0]}: {crash[1]}", crash=crash) from error


def ended() -> Failure:
    """The failure of a process that has gone."""
    return Failure("crash", "Its process ended before it answered: it must return, never exit.")


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor, without importing torch."""
    return hasattr(value, "requires_grad")


def same_bytes(a: Any, b: Any) -> bool:
    """Whether two arguments hold the same numbers bit for bit; what is no data counts as the same."""
    if isinstance(a, list | tuple):
        return isinstance(b, list | tuple) and len(a) == len(b) and all(map(same_bytes, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_bytes(part, b[key]) for key, part in a.items())
    if isinstance(a, int | float | str) and type(a) is type(b):
        return a == b or a != a  # NaN is itself
    if is_tensor(a) and is_tensor(b):
        a, b = numbers(a), numbers(b)  # widening a bfloat16 keeps all its bits
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.shape == b.shape and a.tobytes() == b.tobytes()
    return True


def differentiable(remote: Remote, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A remote call as a node of this process's graph: its way back goes through the learner's code."""
    import torch

    wanted = [a for a in args if getattr(a, "requires_grad", False)]

    class Call(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            answer = remote.ask({"do": "call", "args": args, "kwargs": kwargs})
            ctx.call, values = answer["call"], list(tensors(answer["value"]))
            if not values:
                raise Failure("wrong_type", "A tensor was expected; none came.")
            outputs = tuple(v.detach() for v in values)
            return outputs if isinstance(answer["value"], tuple) else outputs[0]

        @staticmethod
        def backward(ctx: Any, *up: Any) -> Any:
            answer = remote.ask({"do": "backward", "call": ctx.call, "up": [g.contiguous() for g in up]})
            return tuple(answer["value"])

    return Call.apply(*wanted)
