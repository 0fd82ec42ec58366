"""Blanks, manifests, lectures: what fits is exact, what does not is refused in words."""

import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradschool.classroom.author import evidence
from gradschool.classroom.author.render import Code, Text, resolve
from gradschool.classroom.author.terminal import MATH, plain_math, unicode
from gradschool.classroom.exercise.manifest import chapters, find_chapter, find_exercise, read_chapter
from gradschool.classroom.exercise.strip import blank, is_attempted
from gradschool.classroom.quiz import read_quiz
from gradschool.errors import UserError

SOURCE = '''
import math


@staticmethod
def area(r, *, unit: str = "m") -> float:
    """Area of a disc."""
    check = r >= 0
    # 1. Square it;
    #    this comment goes on.
    s = r * r
    # a comment inside the step
    # 2. Multiply.
    if check:
        # 7. no step: it stands deeper
        s = s * math.pi

    # 3. Give back.
    return s


def other(x):
    return x
'''


def test_blank_keeps_signature_docstring_and_step_comments():
    text = blank(SOURCE, "area").function
    assert text == textwrap.dedent('''\
        @staticmethod
        def area(r, *, unit: str = "m") -> float:
            """Area of a disc."""
            check = r >= 0
            # 1. Square it;
            #    this comment goes on.
            raise NotAttempted
            # 2. Multiply.
            ...

            # 3. Give back.
            ...
        ''')


@pytest.mark.parametrize("steps", ["all", (1,), (2,), (1, 3), (3, 1)])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_and_what_was_removed_give_the_source(steps, end):
    source = SOURCE.replace("\n", end)
    cut = blank(source, "area", steps)
    assert cut.restored() == source
    assert cut.text.count("raise NotAttempted") == 1
    assert ("* math.pi" in cut.text) == (steps in [(1,), (1, 3), (3, 1)])


STATEMENTS = st.sampled_from(
    ["x = 1", "y = '''a\n  # 9. text\n'''", "if x:\n    x = 2", "# aside", "", "return (x,\n    2)"]
)


@given(st.lists(st.lists(STATEMENTS, max_size=3), min_size=1, max_size=4), st.data())
def test_round_trip_for_any_body(bodies, data):
    lines = ["x = 0"]
    for number, body in enumerate(bodies, 1):
        lines += [f"# {number}. Step.", *body, f"z{number} = {number}"]
    source = (
        "def f(x):\n"
        + textwrap.indent("\n".join(lines), "    ", lambda line: "'''" not in line and "# 9" not in line)
        + "\n"
    )
    try:
        compile(source, "source", "exec")
    except SyntaxError:
        return
    chosen = data.draw(st.sets(st.integers(1, len(bodies)), min_size=1))
    cut = blank(source, "f", tuple(chosen))
    assert cut.restored() == source
    compile(cut.text, "blank", "exec")
    assert not is_attempted(cut.text, "f")
    assert is_attempted(source, "f")


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ('def f():\n    """Only this."""\n', "f", "only a docstring"),
        ("def f():\n    ...\n", "f", "only a docstring"),
        ("def f(): return 1\n", "f", "on the line of its def"),
        ("def f():\n    return 1\ndef f():\n    return 2\n", "f", "2 functions"),
        ("def g():\n    return 1\n", "f", "no function"),
        ("def f():\n    # 1. One.\n    x = 1\n    # 3. Three.\n    return x\n", "f", "1, 3"),
        ("def f():\n    # 1. One.\n    # 2. Two.\n    return 1\n", "f", "step 1"),
    ],
)
def test_what_cannot_be_blanked_is_refused(source, name, words):
    with pytest.raises(UserError, match=words):
        blank(source, name)


def test_missing_step_is_refused():
    with pytest.raises(UserError, match="no step 4"):
        blank(SOURCE, "area", (4,))


GOOD = """
[chapter]
title = "Test"
[[exercise]]
id = "one"
target = "gradschool.scratch.neurons.perceptron:update"
minutes = 5
hints = ["a"]
mutants = [
  { find = "a", put = "b", stage = "value", why = "c" },
  { find = "d", put = "e", stage = "shape", why = "f" },
  { find = "g", put = "h", stage = "dtype", why = "i" },
]
"""


def chapter_of(tmp_path, text, name="01-test"):
    (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / name / "exercises.toml").write_text(text, encoding="utf-8")
    return tmp_path / name


def test_good_manifest_is_read(tmp_path):
    chapter = read_chapter(chapter_of(tmp_path, GOOD))
    assert (chapter.id, chapter.number, chapter.minutes) == ("test", 1, 5)
    assert chapter.exercises[0].slug == "one"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "Test"', "", "title; wanted: field required"),
        ("minutes = 5", "minutes = 0", "exercise.one.minutes = 0; wanted: input should be greater than 0"),
        ("minutes = 5", "minutes = 5\nminuts = 5", "exercise.one.minuts"),
        ("minutes = 5", "minuts = 5", "exercise.one.minuts"),
        ('id = "one"', 'id = "One"', "exercise.One.id"),
        ('stage = "value"', 'stage = "valeu"', "mutants.0.stage"),
        ('{ find = "g", put = "h", stage = "dtype", why = "i" },', "", "at least 3 items"),
        ('target = "gradschool', 'target = ":torch', "target"),
        ("[chapter]", "[chapter", "not TOML"),
        ("minutes = 5", 'minutes = 5\nprerequisites = ["one"]', "before its prerequisite one"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(tmp_path, old, new, words):
    with pytest.raises(UserError) as caught:
        read_chapter(chapter_of(tmp_path, GOOD.replace(old, new)))
    assert words in str(caught.value)


def test_two_chapters_cannot_share_an_id(tmp_path):
    chapter_of(tmp_path, GOOD)
    chapter_of(tmp_path, GOOD, "02-again")
    with pytest.raises(UserError, match="in test and in again"):
        chapters(tmp_path)


def test_names_are_guessed():
    with pytest.raises(UserError, match="Did you mean conv2d"):
        find_exercise("conv2")
    with pytest.raises(UserError, match="one of neurons"):
        find_chapter("neuron")
    assert find_chapter("1") == find_chapter("01-neurons") == find_chapter("neurons")
    assert find_exercise("some/where/perceptron_update.py")[1].id == "perceptron-update"


def lecture(tmp_path, text):
    folder = chapter_of(tmp_path, GOOD)
    (folder / "lecture.md").write_text(text, encoding="utf-8")
    return read_chapter(folder)


def test_blocks_run_in_one_namespace_and_code_comes_from_the_library(tmp_path):
    code = "```{code} gradschool.scratch.neurons.perceptron:update steps=2\n```\n"
    text = f"# T\n\n```python\nx = 2\n```\nand\n```python\nprint(x + 1)\n```\n{code}"
    chapter = lecture(tmp_path, text)
    blocks = resolve(chapter)
    assert [type(block) for block in blocks] == [Text, Code, Text, Code, Code]
    assert blocks[3].printed == "3\n" and not resolve(chapter, runs=False)[3].printed
    assert "np.concatenate" in blocks[4].text
    assert "# 2." in blocks[4].text
    assert "# 3." not in blocks[4].text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```{code} gradschool.scratch.nothing:f\n```\n", "no module gradschool.scratch.nothing"),
        ("```{code} gradschool.scratch.neurons.perceptron:nothing\n```\n", "no function 'nothing'"),
        ("```{code} gradschool.scratch.neurons.perceptron:update steps=9\n```\n", "no step '9'"),
        ("```{exercise} nothing\n```\n", "no exercise 'nothing'"),
        ("```{figure} nothing\n```\n", "figures.py"),
        ("```{picture} nothing\n```\n", "no directive {picture}"),
        ("line\n\n```python\n1 / 0\n```\n", "near line 4: the block `1 / 0` fails (ZeroDivisionError"),
        ("[here](nowhere.md)\n", "leads nowhere"),
        ("it is {result}`xor.success|.0%`\n", "no result xor"),
    ],
)
def test_what_does_not_hold_stops_the_lecture(tmp_path, text, words):
    with pytest.raises(UserError) as caught:
        resolve(lecture(tmp_path, f"# T\n{text}"))
    assert words in str(caught.value)


def test_result_goes_stale_with_its_code(tmp_path):
    chapter = lecture(tmp_path, "# T\n{result}`half.of.1|.1f} and {result}`half.n`\n".replace(".1f}", ".1f`"))
    code = chapter.folder / "experiments.py"
    code.write_text("def half():\n    'Half.'\n    return {'n': 7, 'of': [1, 0.25]}\n")
    evidence.measure(chapter, "half")
    assert "0.2 and 7" in resolve(chapter)[0].markdown
    code.write_text("def half():\n    'Other words.'\n    return {'n': 7, 'of': [1, 0.25]}  # and a remark\n")
    assert "0.2 and 7" in resolve(chapter)[0].markdown
    code.write_text("def half():\n    return {'n': 8, 'of': [1, 0.25]}\n")
    with pytest.raises(UserError, match="stale"):
        resolve(chapter)
    evidence.measure(chapter, "half")
    with pytest.raises(UserError, match="no 'm'"):
        evidence.number(chapter, "half.m")


def test_captions_hold_numbers_too(tmp_path):
    chapter = lecture(tmp_path, "# T\n```{figure} dot\nSeven is {result}`half.n`.\n```\n")
    (chapter.folder / "experiments.py").write_text("def half():\n    'Half.'\n    return {'n': 7}\n")
    drawing = "from matplotlib.figure import Figure\n\n\ndef dot():\n    return Figure()\n"
    (chapter.folder / "figures.py").write_text(drawing)
    evidence.measure(chapter, "half")
    assert resolve(chapter)[1].caption == "Seven is 7."


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        (r"\frac{Q K^\top}{\sqrt d}", "(Q Kᵀ)/(√d)"),
        (r"\sum_{i=1}^{n} x_i^2", "Σᵢ₌₁ⁿ xᵢ²"),
        (r"\hat y \le \theta_{12}", "y\u0302 ≤ θ₁₂"),
        (r"x^{q}", "x^q"),
        (r"\text{if } a \ne b", "if  a ≠ b"),
        (r"E_\text{source} p_{i, h'}", "E_source p_(i, h')"),
        (r"\tfrac12 \ln \frac1n \sqrt{2h} \frac{\partial L}{\partial x}", "1/2 ln 1/n √(2h) ∂L/∂x"),
        (r"\bar\alpha_t \hat{x} \quad\text{or}\ y", "α\u0304ₜ x\u0302   or y"),
        (r"\underbrace{E[x]^2}_{\text{bias}^2} \| q", "E[x]² (bias²) ‖ q"),
        (
            r"\hat y = \begin{cases} 1 & s \ge 0 \\ 0 & s < 0 \end{cases}",
            "y\u0302 = ⎧ 1   s ≥ 0\n    ⎩ 0   s < 0",
        ),
        (
            r"\begin{pmatrix} -1 & 0 \\ -1 & 10 \\ 2 & 0 \end{pmatrix}, x",
            "⎛ -1    0 ⎞\n⎜ -1   10 ⎟, x\n⎝  2    0 ⎠",
        ),
        (r"\begin{aligned} V &= 2 \\ &\le 3 \end{aligned}", " V = 2\n  ≤ 3"),
    ],
)
def test_formula_in_the_terminal(formula, shown):
    assert unicode(formula) == shown


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.id)
def test_no_formula_of_the_course_shows_its_tex(chapter):
    text = re.sub(
        r"```.*?```", "", (chapter.folder / "lecture.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    shown = [unicode(found[1] or found[2]) for found in MATH.finditer(text)]
    assert shown
    assert not [one for one in shown if re.search(r"\\|frac|underbrace|begin|₍[^₎]*$|⁽[^⁾]*$", one)]


def test_prices_are_no_formulas():
    assert plain_math("5 $ and 6 $") == "5 $ and 6 $"


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ('kind = "single"\noptions = [{text = "a", right = true, why = "b"}]', "two or more options"),
        ('kind = "numeric"\nwhy = "a"', "needs answer and why"),
        ('kind = "essay"', "kind"),
        ('kind = "order"\nitems = ["a", "a"]\nwhy = "b"', "different items"),
    ],
)
def test_quiz_is_refused_in_words(tmp_path, question, words):
    folder = chapter_of(tmp_path, GOOD)
    (folder / "quiz.toml").write_text(f'[[question]]\nid = "q"\nask = "What?"\n{question}\n')
    with pytest.raises(UserError) as caught:
        read_quiz(read_chapter(folder))
    assert words in str(caught.value)


def test_a_fingerprint_knows_code_and_not_its_place_or_text(tmp_path):
    first, moved, other = (tmp_path / f"{name}.py" for name in ("first", "moved", "other"))
    first.write_text(
        '"""A."""\nfrom gradschool.evals import bugs\n\n\ndef f(x):\n    """B."""\n    return bugs.go(x)\n'
    )
    moved.write_text("from gradschool.lessons import bugs  # here\n\ndef f(x):\n    return bugs.go(x)\n")
    other.write_text("from gradschool.evals import bugs\n\n\ndef f(x):\n    return bugs.go(x, 2)\n")
    texts = [evidence.without_text(file, 0) for file in (first, moved, other)]
    assert texts[0] == texts[1] != texts[2]
    assert "type_params" not in texts[0] and "None" not in texts[0]  # what newer Pythons add is no change


def test_a_result_is_stale_when_its_own_code_changes_and_only_then(tmp_path):
    folder = chapter_of(tmp_path, GOOD)
    file = folder / "experiments.py"
    code = (
        "import math\nSIZE = 3\n\ndef helper():\n    return SIZE\n\ndef one():\n    return {'n': helper()}\n"
    )
    other = "\ndef two():\n    raise ValueError('words')\n"

    def both():
        return [evidence.fingerprint(read_chapter(folder), name) for name in ("one", "two")]

    file.write_text(code + other)
    first = both()
    file.write_text(code + other.replace("words", "other words") + "\ndef three():\n    return {}\n")
    assert both() == first
    file.write_text(code.replace("SIZE = 3", "SIZE = 4") + other)
    assert both()[0] != first[0] and both()[1] == first[1]
