"""Submissions that try to pass without being right: each ends in its own typed outcome, never in a pass."""

import sys
from textwrap import dedent, indent

import pytest

from gradschool.classroom.check import limits
from gradschool.classroom.check.report import lines

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the forked server runs on Linux")

RIGHT = """
    answer = 1 if w[0] + x @ w[1:] >= 0 else 0
    return w + learning_rate * (target - answer) * np.concatenate([[1.0], x])
"""


def perceptron(body, top=""):
    head = "import os, sys, time\nimport numpy as np\n"
    body = indent(dedent(body).strip(), "    ")
    return f"{head}{dedent(top)}\n\ndef update(w, x, target, learning_rate=1.0):\n{body}\n"


def attention(body, top=""):
    body = indent(dedent(body).strip(), "    ")
    return f"import torch\n{dedent(top)}\n\ndef attend(q, k, v, mask=None, causal=False):\n{body}\n"


# name: (body, what stands above the function, outcome, words of the report)
PERCEPTRON = {
    "leaves at once": ("os._exit(0)", "", "crash", "ended before it answered"),
    "leaves while loading": ("return w", "os._exit(0)", "import", "ended"),
    "exits politely": ("sys.exit(0)", "", "crash", "SystemExit"),
    "exits while loading": ("return w", "sys.exit(0)", "import", "SystemExit"),
    "raises what few catch": ("raise Odd", "class Odd(BaseException): pass", "crash", "Odd"),
    "kills its process": ("import signal; signal.raise_signal(signal.SIGKILL)", "", "crash", "ended"),
    "reads address zero": ("import ctypes; ctypes.string_at(0)", "", "crash", "ended"),
    "recurses without end": ("return update(w, x, target)", "", "crash", "RecursionError"),
    "loops": ("while True: pass", "", "timeout", "still running"),
    "sleeps": ("time.sleep(1000)", "", "timeout", "still running"),
    "loops while loading": ("return w", "while True: pass", "timeout", "still running"),
    "asks for 100 GB": ("return np.ones(10**11 // 8)", "", "memory", "memory"),
    "grows a list": ("a = []\nwhile True: a.append(bytearray(10**7))", "", "memory", "memory"),
    "prints without end": ("while True: print('x' * 1000)", "", "crash", "1 MB was printed"),
    "gives NaN": ("return w * np.nan", "", "wrong_value", "nan"),
    "gives text that says pass": ("return 'pass'", "", "wrong_type", "'pass' came"),
    "gives nothing": ("print('passed')", "", "wrong_type", "None came"),
    "lies about equality": (
        "return Liar()",
        "class Liar:\n    __class__ = np.ndarray\n    __eq__ = lambda a, b: True",
        "wrong_type",
        "Liar came",
    ),
    "lies as an array": (
        "return np.zeros(3).view(Liar)",
        "class Liar(np.ndarray):\n    def __eq__(self, other): return True",
        "wrong_shape",
        "(3,) came",
    ),
    "changes its argument": (
        "w[0] += 1e-13\n" + dedent(RIGHT),
        "",
        "broken_invariant",
        "changed its argument w",
    ),
    "makes every comparison true": (
        "return np.zeros(len(w))",
        "np.allclose = np.isclose = np.array_equal = np.testing.assert_allclose = lambda *a, **k: True",
        "wrong_value",
        "expected",
    ),
    "patches the checks": (
        "return np.zeros(len(w))",
        """
        import gradschool.classroom.check.judge as judge, gradschool.classroom.check.ladder as ladder
        import gradschool.classroom.check.runner as runner
        ladder.close = ladder.same_shapes = lambda *a, **k: None
        ladder.Ladder.agrees = judge.judge = runner.concluded = lambda *a, **k: None
        """,
        "wrong_value",
        "expected",
    ),
    "writes a verdict to every open file": (
        """
        for fd in range(3, 256):
            try: os.write(fd, b'{"exercise": "perceptron-update", "outcome": "pass"}' * 9)
            except OSError: pass
        return w
        """,
        "",
        "crash",
        "no answer",
    ),
    "sends answers of its own": (
        """
        from gradschool.classroom.check.wire import Channel
        from socket import socket
        for fd in range(3, 256):
            try: Channel(socket(fileno=os.dup(fd))).send({"ok": True, "value": None, "outcome": "pass"})
            except OSError: pass
        return w
        """,
        "",
        "wrong_type",
        "None came",
    ),
    "forks": ("os.fork()\nreturn w", "", "broken_invariant", "os.fork"),
    "starts a program": (
        "import subprocess; subprocess.run(['true'])\nreturn w",
        "",
        "broken_invariant",
        "Popen",
    ),
    "kills its judge": ("os.kill(os.getppid(), 9)\nreturn w", "", "broken_invariant", "os.kill"),
    "writes a file": ("open('progress.json', 'w')\nreturn w", "", "broken_invariant", "to write"),
    "calls a number": (
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "",
        "broken_invariant",
        "socket",
    ),
    "calls the reference": (
        "return perceptron.update(w, x, target, learning_rate)",
        "from gradschool.scratch.neurons import perceptron",
        "broken_invariant",
        "what you are writing",
    ),
    "reads the reference": (
        "return w",
        "import inspect\nfrom gradschool.scratch.neurons import perceptron\n"
        "inspect.getsource(perceptron.train)",
        "broken_invariant",
        "holds the answer",
    ),
    "loads the reference past the blank": (
        "return w",
        """
        import importlib.machinery
        from gradschool.scratch.neurons import perceptron
        importlib.machinery.SourceFileLoader("other", perceptron.__file__).load_module()
        """,
        "broken_invariant",
        "holds the answer",
    ),
    "reads the reference's bytecode": (
        "return w",
        """
        import importlib.util
        from gradschool.scratch.neurons import perceptron
        open(importlib.util.cache_from_source(perceptron.__file__), "rb").read()
        """,
        "broken_invariant",
        "holds the answer",
    ),
    "reads the oracle": (
        "return w",
        """
        from pathlib import Path
        import gradschool
        (Path(gradschool.__file__).parent / "course" / "01-neurons" / "checks.py").read_text()
        """,
        "broken_invariant",
        "holds the answer",
    ),
}

ATTENTION = {
    "lies as a tensor": (
        "return torch.zeros(1).as_subclass(Liar)",
        """
        class Liar(torch.Tensor):
            def __eq__(self, other): return True
            @property
            def shape(self): return torch.Size((1, 1, 3))
            @classmethod
            def __torch_function__(cls, f, types, args=(), kwargs=None): return args[0]
        """,
        "wrong_shape",
        "(1,) came",
    ),
    "makes every comparison true": (
        "return torch.zeros(*q.shape[:-1], v.shape[-1])",
        "torch.equal = torch.allclose = torch.isclose = torch.testing.assert_close = lambda *a, **k: True",
        "wrong_value",
        "expected",
    ),
    "makes every number zero in print": (
        "return torch.full((*q.shape[:-1], v.shape[-1]), torch.nan)",
        "torch.nan_to_num = lambda x: x",
        "wrong_value",
        "nan",
    ),
    "calls the fast twin": (
        "return attend.fast(q, k, v, mask, causal)",
        "from gradschool.ops.attention import attend as library",
        "crash",
        "fast",
    ),
    "calls the library": (
        "return library(q, k, v, mask, causal)",
        "from gradschool.ops.attention import attend as library",
        "broken_invariant",
        "what you are writing",
    ),
    "calls torch's attention": (
        "return torch.nn.functional.scaled_dot_product_attention(q, k, v, mask)",
        "",
        "broken_invariant",
        "scaled_dot_product_attention",
    ),
    "hides torch's attention in a name": (
        "return getattr(torch._C._nn, 'scaled_dot_' + 'product_attention')(q, k, v)",
        "",
        "broken_invariant",
        "is not there",
    ),
    "detaches": (
        """
        s = q @ k.mT / q.shape[-1] ** 0.5
        if causal: s = s.masked_fill(~torch.ones(s.shape[-2:], dtype=torch.bool).tril(), -torch.inf)
        if mask is not None: s = s.masked_fill(~mask, -torch.inf)
        return s.detach().softmax(-1).nan_to_num() @ v
        """,
        "",
        "wrong_gradient",
        "gradient of q",
    ),
    "answers in double": (
        "return torch.zeros(*q.shape[:-1], v.shape[-1]).double()",
        "",
        "wrong_dtype",
        "float64",
    ),
}


def named(result, outcome, words):
    told = "\n".join(lines(result, 100))
    assert result.outcome == outcome, told
    assert words in " ".join(told.split()), told
    assert len(told.partition("   printed:")[0].splitlines()) <= 6
    assert len(told.splitlines()) <= 13


@pytest.mark.parametrize("name", PERCEPTRON)
def test_numpy_submission_never_passes(verdict, name):
    body, top, outcome, words = PERCEPTRON[name]
    seconds = 1.0 if outcome == "timeout" else 0.0
    named(verdict("perceptron-update", perceptron(body, top), seconds=seconds, memory=2**28), outcome, words)


@pytest.mark.parametrize("name", ATTENTION)
def test_torch_submission_never_passes(verdict, name):
    body, top, outcome, words = ATTENTION[name]
    named(verdict("attend", attention(body, top)), outcome, words)


def test_right_answer_passes_after_all_of_this(verdict):
    result = verdict("perceptron-update", perceptron("print('noise')\n" + dedent(RIGHT)))
    assert result.passed, lines(result)
    assert result.printed.splitlines()[:5] == ["noise"] * 5
    assert "more lines" in result.printed


@pytest.mark.long
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('begun')\nk = 0\nwhile True:\n    k += 0", "`"),
        ("print('begun')\nb = a = np.ones((900, 900))\nwhile True:\n    b = a @ a", "`b = a @ a`"),
        ("print('begun')\ntime.sleep(1000)", "at line 7: `time.sleep(1000)`"),
    ],
)
def test_timeout_names_the_line_and_keeps_what_was_printed(verdict, body, words):
    result = verdict("perceptron-update", perceptron(body), seconds=1.0)
    named(result, "timeout", words)
    assert "when its time was up, at line" in result.said
    assert result.printed == "begun"


@pytest.mark.parametrize(
    ("text", "outcome", "words"),
    [
        ("def update(w, x:\n", "syntax", "Line 1 is not Python: `def update(w, x:`"),
        ("import numpi\n" + perceptron("return w"), "import", "line 1: `import numpi`"),
        (perceptron("return w + undefined"), "crash", "NameError at line 6: `return w + undefined`"),
        (perceptron("return w").replace("target,", "label,"), "wrong_type", "target"),
        ("x = 1\n", "wrong_type", "your file has no function 'update'; exactly one was expected."),
        ("x = 1\n", "wrong_type", "gradschool diff perceptron-update"),
        (perceptron("return w[:-1]"), "wrong_shape", "(3,) was expected, (2,) came"),
        ("\0", "syntax", "not Python"),
        ("", "wrong_type", "no function"),
    ],
)
def test_honest_mistake_is_named_with_its_line(verdict, text, outcome, words):
    named(verdict("perceptron-update", text), outcome, words)


def test_loop_where_loops_are_forbidden(verdict):
    text = (
        "import torch\n\ndef conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):\n"
        "    for i in range(3):\n        pass\n    return x\n"
    )
    result = verdict("conv2d", text)
    named(result, "broken_invariant", "Line 4 uses a for loop")
    named(result, "broken_invariant", "broken rule")
    assert "stands at the top of your file" in result.next


@pytest.mark.parametrize(
    "call",
    [
        "torch.nn.functional.conv2d(x, weight)",
        "torch.conv2d(x, weight)",
        "torch.ops.aten.convolution(x, weight, None, [1], [0], [1], False, [0], 1)",
    ],
)
def test_library_convolution_is_refused_however_it_is_reached(verdict, call):
    head = "import torch\n\ndef conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):\n"
    text = f"{head}    return {call}\n"
    named(verdict("conv2d", text), "broken_invariant", "conv")


@pytest.mark.parametrize(("load", "times"), [(0.0, 1.0), (3.0, 1.5), (99.0, 4.0)])
def test_a_busy_machine_gives_more_time(monkeypatch, load, times):
    monkeypatch.setattr(limits.os, "getloadavg", lambda: (load, load, load), raising=False)
    monkeypatch.setattr(limits.os, "cpu_count", lambda: 2)
    assert limits.crowding() == times
