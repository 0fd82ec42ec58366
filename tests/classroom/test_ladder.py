"""The check's parts: drivers beside the learner's code, the ladder's order, processes without fork."""

import json
import sys

import numpy as np
import pytest
import torch

from gradschool.classroom.check.calls import Call, Crash, same_calls, weight
from gradschool.classroom.check.compare import Tolerance, close, parts, same_kinds
from gradschool.classroom.check.job import Job
from gradschool.classroom.check.ladder import Case, Ladder
from gradschool.classroom.check.mistakes import ENOUGH
from gradschool.classroom.check.remote import Local, same_bytes
from gradschool.classroom.check.report import Failure, Result, first_lines, lines
from gradschool.classroom.check.watch import CHANGED, DREW, watched
from gradschool.classroom.check.wire import pack, unpack
from gradschool.classroom.exercise.manifest import find_exercise
from gradschool.classroom.workspace.layout import text_for

EXACT = Tolerance(0, 0, "whole numbers")
CHECKS = """
from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

def drive(mine, start):
    import itertools
    return list(itertools.islice((mine(start + k, 1, 1) for k in itertools.count()), 3))

def double(ladder):
    ladder.agrees([Case("three calls from 4", (4,))], lambda s: [2 * s, 2 * s + 2, 2 * s + 4],
                  Tolerance(0, 0, "whole numbers"), through=drive)
"""


def failure_of(function, *arguments):
    with pytest.raises(Failure) as caught:
        function(*arguments)
    return caught.value


@pytest.mark.skipif(sys.platform != "linux", reason="the forked server runs on Linux")
@pytest.mark.parametrize(("body", "outcome"), [("2 * w", "pass"), ("w", "wrong_value"), ("1 / 0", "crash")])
def test_driver_runs_beside_the_learners_function(server, tmp_path, body, outcome):
    folder = tmp_path / "01-neurons"
    folder.mkdir()
    chapter, _ = find_exercise("perceptron-update")
    text = (chapter.folder / "exercises.toml").read_text().replace('"perceptron-update"', '"double"')
    (folder / "exercises.toml").write_text(text)
    (folder / "checks.py").write_text(CHECKS)
    mine = f"def update(w, x, target, learning_rate=1.0):\n    return {body}\n"
    result = server.check(Job("double", str(folder), str(tmp_path / "mine.py"), mine))
    assert result.outcome == outcome, lines(result)


@pytest.mark.long
@pytest.mark.parametrize(("solved", "outcome"), [(True, "pass"), (False, "not_attempted")])
def test_without_fork_the_verdict_is_the_same(tmp_path, solved, outcome):
    from gradschool.classroom.check.spawn import run_spawned

    chapter, exercise = find_exercise("attend")
    file = tmp_path / "attend.py"
    file.write_text(text_for(chapter, exercise, solved), encoding="utf-8")
    assert run_spawned(Job.of(chapter, exercise, file)).outcome == outcome


@pytest.mark.long
@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("__import__('os')._exit(0)", "import"),
        ("print('begun')\nwhile True: pass", "timeout"),
        ("a = []\nwhile True: a.append(bytearray(10**7))", "memory"),
    ],
)
def test_without_fork_tricks_end_the_same_way(tmp_path, body, outcome):
    from gradschool.classroom.check.spawn import run_spawned

    chapter, exercise = find_exercise("perceptron-update")
    text = f"{body}\ndef update(w, x, target, learning_rate=1.0): ...\n"
    result = run_spawned(Job(exercise.id, str(chapter.folder), "mine.py", text, 2.0, 2**28))
    assert result.outcome == outcome, lines(result)
    assert result.printed == ("begun" if outcome == "timeout" else "")


@pytest.mark.parametrize(
    ("got", "want", "outcome"),
    [
        ([1.0], (1.0,), "wrong_type"),
        (np.ones(3), torch.ones(3), "wrong_type"),
        ((1.0, 2.0), (1.0,), "wrong_type"),
        ({"a": 1}, {"b": 1}, "wrong_type"),
        (np.ones((3, 1)), np.ones(3), "wrong_shape"),
        (np.ones(3, np.float32), np.ones(3), "wrong_dtype"),
        (torch.ones(3), torch.ones(3).double(), "wrong_dtype"),
        (np.array([1.0, np.nan]), np.ones(2), "wrong_value"),
        (np.array([1.0, np.inf]), np.ones(2), "wrong_value"),
        ("no", "yes", "wrong_value"),
        ((1, [2, 3]), (1, [2, 4]), "wrong_value"),
    ],
)  # fmt: skip
def test_first_difference_decides_the_outcome(got, want, outcome):
    ladder = Ladder(Local(lambda: got))
    assert failure_of(ladder.agrees, [Case("nothing", ())], lambda: want, EXACT).outcome == outcome


@pytest.mark.parametrize(
    "value", [1.5, True, None, "word", (1, [2.0]), np.eye(2), torch.ones(2, 3), {"a": torch.ones(1)}]
)
def test_equal_results_pass(value):
    ladder = Ladder(Local(lambda: value))
    ladder.agrees([Case("nothing", ())], lambda: value, EXACT)
    ladder.finish()
    assert ladder.passed == ["shape", "dtype", "value"]


def test_number_and_array_without_axes_are_the_same():
    same_kinds("it", np.array(2.0), 2.0)
    close("wrong_value", "", np.array(2.0), 2, EXACT)


def test_check_that_climbs_down_is_a_fault_of_the_course():
    ladder = Ladder(Local(lambda: 1))
    ladder.holds("it holds", True)
    with pytest.raises(ValueError, match="goes down"):
        ladder.agrees([Case("nothing", ())], lambda: 1, EXACT)


def test_missing_gradient_is_told():
    ladder = Ladder(Local(lambda x: x.detach() * 2))
    case = Case("ones", (torch.ones(3),))
    assert failure_of(ladder.gradients, [case], lambda x: x * 2, EXACT).outcome == "wrong_gradient"


def test_report_never_exceeds_six_lines_and_never_cuts_the_next_step():
    result = Result("a", "wrong_value", "value", "word " * 400, "why " * 100, "do this")
    told = lines(result, 60)
    assert len(told) <= 6
    assert told[-1].strip() == "next: do this"
    assert max(map(len, told)) <= 60


@pytest.mark.parametrize(
    ("got", "want", "words"),
    [
        ({"most": 0.5}, {"most": 0.25}, "0.25 was expected for 'most', 0.5 came"),
        ([1, 2], [1, 3], "3 was expected at [1], 2 came"),
        ({"rows": [[1, 2]]}, {"rows": [[1, 3]]}, "3 was expected at [0][1] of 'rows', 2 came"),
        ({"w": np.eye(3)}, {"w": np.ones((3, 3))}, "at [0, 1] of 'w' 1 was expected, 0 came; 6 of 9 differ"),
        (np.eye(3), np.ones((3, 3)), "at [0, 1] 1 was expected, 0 came; 6 of 9 differ"),
        ({"w": np.ones(2)}, {"w": np.ones(3)}, "shape (3,) of 'w' was expected, (2,) came"),
        ({"w": 1, "b": 2}, {"w": 1, "c": 2}, "parts 'w', 'c' were expected, 'w', 'b' came"),
        ({"w": None}, {"w": 1.0}, "a number was expected for 'w', None came"),
        (np.array(0.123456), np.array(0.5), "0.5 was expected, 0.1235 came"),
        (np.array([1.0, 2.00001]), np.array([1.0, 2.0]), "(1, 2) was expected, (1, 2.00001) came"),
        (1 / 3, 0.333333, "0.333333 was expected, 0.333333333 came"),
    ],
)
def test_first_differing_place_is_told_in_words(got, want, words):
    failure = failure_of(Ladder(Local(lambda: got)).agrees, [Case("it", ())], lambda: want, EXACT)
    assert words in failure.said


def test_printing_stands_below_the_verdict_and_is_cut():
    result = Result(
        "a", "pass", printed=first_lines("".join(f"{i} \x1b[31m{'y' * 200}\n" for i in range(1234)))
    )
    told = lines(result, 60)
    assert told[1:3] == ["   printed:", "   | 0  [31m" + "y" * 43 + " ..."]
    assert told[-1] == "   | (and 1,229 more lines, from all calls together)"
    assert len(told) == 8
    assert max(map(len, told)) <= 60
    assert lines(Result("a", "pass", printed=first_lines("")), 60) == lines(Result("a", "pass"), 60)


WIDE = torch.arange(24.0).reshape(2, 3, 4)
FORMS = {
    "a view with steps": WIDE[:, ::2, 1::2],
    "a column": WIDE[0, :, 0],
    "one element of a wide table": WIDE[:1, 0, 0],
    "one element with strides": WIDE[:, ::3, ::4][:1],
    "expanded": torch.ones(1, 3).expand(4, 3),
    "transposed": WIDE.mT,
    "conjugated": torch.tensor([1 + 2j, 3 - 1j]).conj(),
    "imaginary part of a conjugate": torch.tensor([1 + 2j]).conj().imag,
    "asks for a gradient": torch.ones(2, requires_grad=True) * 2,
    "a parameter": torch.nn.Parameter(torch.ones(2, 3)),
    "no elements": torch.empty(0, 3),
    "no axes": torch.tensor(2.5),
    "half precision with steps": WIDE.bfloat16()[0, :1, ::4],
    "yes and no": WIDE[0] > 3,
    "sparse": torch.eye(3).to_sparse(),
    "an array backwards": np.arange(6.0)[::-1],
    "a column of an array": np.arange(6.0).reshape(2, 3)[:, 1],
    "a broadcast array": np.broadcast_to(np.arange(3.0), (2, 3)),
    "a masked array": np.ma.array([1.0, 2.0]),
    "a number of NumPy": np.float32(1.5),
    "a named tuple": torch.tensor([3.0, 1.0]).sort(),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_result_arrives_in_whatever_form_it_lies(name):
    value, blobs = FORMS[name], []
    header = json.loads(json.dumps(pack(value, blobs)))
    came = unpack(header, [bytearray(blob) for blob in blobs])
    plain = (
        value.to_dense()
        if name == "sparse"
        else np.asarray(value)
        if isinstance(value, np.ndarray)
        else value
    )
    same_kinds(name, came, tuple(plain) if isinstance(plain, tuple) else plain)
    for ours, theirs in zip(parts(came), parts(plain), strict=True):
        assert ours.dtype == theirs.dtype and tuple(ours.shape) == tuple(theirs.shape)
    close("wrong_value", name, came, plain, EXACT)


def test_a_crash_is_told_last_and_says_for_which_arguments():
    def f(x, y):
        return 1 / x + len(y)

    ladder = Ladder(Local(f))
    cases = [Case("x = 0", (0, [])), Case("x = 1", (1, [2.0]))]
    failure = failure_of(ladder.agrees, cases, lambda x, y: 0.0, EXACT)
    assert failure.said == "For x = 0: ZeroDivisionError: division by zero"
    assert [call.about for call in ladder.subject.calls] == ["x = 0", "x = 1"]
    failure = failure_of(Ladder(Local(f)).subject, 0, torch.ones(2, 3))
    assert failure.said.startswith("For the arguments 0, 2x3 numbers: ZeroDivisionError")


def changes(x):
    x += 1
    return x


@pytest.mark.parametrize("through", [None, lambda mine, x: mine(x)])
def test_changed_arguments_and_global_draws_are_found_beside_drivers_too(through):
    def climb(function, allowed=()):
        ladder = Ladder(Local(function), allowed)
        ladder.agrees([Case("ones", (torch.ones(2),))], lambda x: x + 1, EXACT, through=through)
        ladder.finish()

    climb(lambda x: x + 1)
    assert failure_of(climb, changes).said == CHANGED.format("x")
    climb(changes, [CHANGED.format("x")])
    for who, draw in {"torch": torch.rand_like, "NumPy": lambda x: np.random.rand()}.items():  # noqa: NPY002
        found = failure_of(climb, lambda x, draw=draw: x + 1 + 0 * draw(x))
        assert found.said == DREW.format(who)


def test_draws_are_repeatable_follow_their_distribution_and_are_independent():
    def uniform(x):
        return np.clip(x, 0, 1)

    def climb(draw):
        Ladder(Local(draw)).seeded(lambda mine, seed: mine(seed), cdf=uniform)

    def rng(seed):
        return np.random.default_rng(seed)

    climb(lambda seed: rng(seed).random((50, 40)))
    climb(lambda seed: torch.rand(50, 40, generator=torch.Generator().manual_seed(seed)))
    wrong = {
        "did not": lambda seed: rng(None).random((50, 40)),
        "Another seed": lambda seed: rng(0).random((50, 40)),
        "off by": lambda seed: rng(seed).random((50, 40)) ** 1.3,
        "along axis 1": lambda seed: np.repeat(rng(seed).random((50, 20)), 2, axis=1),
        "along axis 0": lambda seed: np.repeat(rng(seed).random((25, 40)), 2, axis=0),
    }
    for words, draw in wrong.items():
        assert words in failure_of(climb, draw).said


@pytest.mark.parametrize(
    ("ours", "theirs", "alike"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-9], True),
        ([1.0, 2.0], [1.0, 2.1], False),
        ([Crash("E", "at 3")], [Crash("E", "at 3")], True),
        ([Crash("E", "at 3")], [Crash("E", "at 4")], False),
        ([Crash("E", "at 3")], [np.ones(2)], False),
        ([None], [None], True),
        (["a"], ["b"], False),
    ],
)
def test_calls_are_the_same_only_if_everything_is(ours, theirs, alike):
    pair = [[Call("", came) for came in side] for side in (ours, theirs)]
    assert same_calls(*pair, Tolerance(1e-6, 0, "")) is alike


def test_what_many_mistakes_have_in_common_names_none():
    truth = Call("", np.array([1.0, 2.0]))
    weights = [
        weight(Call("", came), truth, EXACT)
        for came in (np.array([1.0, 2.0]), Crash("E", ""), np.full(2, np.nan), np.array([1.0, 3.0]))
    ]
    assert weights == [0, 1, 1, 2] and ENOUGH == 2


def test_arguments_in_bfloat16_are_compared_bit_for_bit():
    a = torch.tensor([1.0, 2.0]).bfloat16()
    assert same_bytes(a, a.clone()) and not same_bytes(a, a + 1)


def test_whole_numbers_beyond_2_to_the_53_are_told_apart():
    want = np.array([2**60 + 1])
    close("wrong_value", "", want.copy(), want, EXACT)
    assert "was expected" in failure_of(close, "wrong_value", "", want - 1, want, EXACT).said
    close("wrong_value", "", np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), EXACT)


def test_a_tensor_that_no_longer_asks_for_its_gradient_was_changed():
    def forgets(x):
        x.requires_grad_(False)

    def adds_up(x):
        x.sum().backward()

    for function in (forgets, adds_up):
        faults = []
        watched(function, function.__name__, faults)(torch.ones(2, requires_grad=True))
        assert [said for said, _ in faults] == [CHANGED.format("x")]


def test_a_wide_case_is_the_same_in_float64():
    case = Case("two", (torch.ones(2), torch.tensor([1]), 3.0), {"y": torch.ones(1)}).wide()
    assert [case.args[0].dtype, case.args[1].dtype] == [torch.float64, torch.int64]
    assert case.args[2] == 3.0
    assert case.kwargs["y"].dtype == torch.float64
    assert case.about == "two, in float64"
