"""The learner's function as the judge holds it: calls go to another process, and only data come back."""

import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from gradschool.classroom.check.report import Failure
from gradschool.classroom.check.subject import tensors
from gradschool.classroom.check.wire import Channel, Closed, Garbled


class Remote:
    """The learner's function, which runs elsewhere; differentiable where an argument asks for a gradient.

    Args:
        channel: to the process that runs it.
        text: of the learner's file, to quote lines from.
    """

    def __init__(self, channel: Channel, text: str) -> None:
        self.channel, self.text = channel, text
        self.changed: list[str] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it.

        Raises:
            Failure: it raised, ended, took too long or gave back no data.
        """
        if any(getattr(a, "requires_grad", False) for a in args):
            return differentiable(self, args, kwargs)
        return self.ask({"do": "call", "args": args, "kwargs": kwargs})["value"]

    def inside(self, driver: Callable[..., Any]) -> Callable[..., Any]:
        """A check's own function that runs beside the learner's and gets it as its first argument."""
        source = textwrap.dedent(inspect.getsource(driver))

        def call(*args: Any) -> Any:
            request = {"do": "inside", "source": source, "name": driver.__name__, "args": list(args)}
            return self.ask(request)["value"]

        return call

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request, one answer; arguments that came back changed are remembered."""
        try:
            self.channel.send(request)
            answer = self.hear()
        except Closed:
            raise ended() from None
        if request["do"] == "call":
            sent, back = [*request["args"], *request["kwargs"].values()], answer.get("after")
            if not isinstance(back, list) or not all(map(same_bytes, sent, back)):
                self.changed.append("an argument")
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
        return Failure("crash", f"{name}{where}: {text}", came=name)


class Local:
    """A function of the course's own, called here: a mutant on the ladder."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.changed: list[str] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it; arguments that it changed are remembered.

        Raises:
            Failure: it raised.
        """
        copies: list[Any] = [np.array(a) if isinstance(a, np.ndarray) else a for a in args]
        copies = [c.detach().clone() if is_tensor(c) and not c.requires_grad else c for c in copies]
        value = caught(self.function, *copies, **kwargs)
        if not all(map(same_bytes, args, copies)):
            self.changed.append("an argument")
        return value

    def inside(self, driver: Callable[..., Any]) -> Callable[..., Any]:
        """As `Remote.inside`."""
        return functools.partial(caught, driver, self.function)


def caught(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function of the course's own; what it raises is a crash, as it is of a learner's."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise Failure("crash", str(error), came=type(error).__name__) from error


def ended() -> Failure:
    """The failure of a process that has gone."""
    return Failure("crash", "Its process ended before it answered: it must return, never exit.")


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor, without importing torch."""
    return hasattr(value, "requires_grad")


def same_bytes(a: Any, b: Any) -> bool:
    """Whether two arguments hold the same numbers bit for bit; what is no array counts as the same."""
    if is_tensor(a) and is_tensor(b):
        a, b = a.detach().numpy(), b.detach().numpy()
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
