"""A lecture in the terminal: Markdown by rich, formulas in Unicode as far as that goes."""

import io
import os
import re
import textwrap
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, cast

from gradschool.classroom.author.render import Block, Code, Figure, Question, Task, Text
from gradschool.phrases import as_called, called, command

if TYPE_CHECKING:
    from rich.console import Console

SIGNS = {
    "cdot": "·", "times": "×", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "mapsto": "↦", "sum": "Σ", "prod": "Π", "int": "∫",
    "infty": "∞", "partial": "∂", "nabla": "∇", "in": "∈", "approx": "≈", "sim": "~", "pm": "±",
    "ldots": "…", "dots": "…", "cdots": "⋯", "top": "ᵀ", "mid": "|", "odot": "⊙", "otimes": "⊗",
    "oplus": "⊕", "star": "⋆", "quad": "  ", "qquad": "    ",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ",
    "epsilon": "ε", "varepsilon": "ε", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ",
    "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "varphi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈",
    "rceil": "⌉", "log": "log", "exp": "exp", "max": "max", "min": "min", "tanh": "tanh", "langle": "⟨",
    "rangle": "⟩", "neg": "¬", "land": "∧", "lor": "∨", "ell": "ℓ", "Vert": "‖", "vert": "|",
    "cap": "∩", "cup": "∪", "subset": "⊂", "emptyset": "∅", "notin": "∉", "forall": "∀", "exists": "∃",
    "Longleftrightarrow": "⟺", "iff": "⟺", "implies": "⟹", "Rightarrow": "⇒", "propto": "∝", "ll": "≪",
    "gg": "≫", "equiv": "≡", "circ": "∘", "zeta": "ζ", "prime": "′", "perp": "⊥", "Pi": "Π",
}  # fmt: skip
MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "vec": "\u20d7", "dot": "\u0307"}
UP = str.maketrans("0123456789+-=()niTtk", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀᵗᵏ")
DOWN = str.maketrans("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
ROWS = re.compile(
    r"\\begin\{(?P<kind>[a-z]+)\*?\}(?:\{[lcr|]*\})?(?P<rows>.*?)\\end\{(?P=kind)\*?\}", re.DOTALL
)
BRACKETS = {"cases": ("⎧⎨⎩", ""), "pmatrix": ("⎛⎜⎝", "⎞⎟⎠"), "bmatrix": ("⎡⎢⎣", "⎤⎥⎦")}
MATH = re.compile(r"\$\$(.+?)\$\$|\$(?!\s)([^$\n]+?)(?<!\s)\$", re.DOTALL)


def plain_math(text: str) -> str:
    """Text with its $formulas$ in Unicode."""

    def one(found: re.Match[str]) -> str:
        shown = textwrap.indent(unicode(found[1].strip()), "    ") if found[1] else unicode(found[2])
        return f"\n\n{shown}\n\n" if found[1] else shown

    return MATH.sub(one, text)


def unicode(formula: str) -> str:
    """A LaTeX formula in Unicode, over several lines where it has rows; what has no sign keeps its name."""
    if not ROWS.search(formula):
        return line(formula)
    # 1. What stands between matrices, and each of these, beside each other.
    pieces, at = [], 0
    for found in ROWS.finditer(formula):
        pieces += [[line(formula[at : found.start()])], rows(found)]
        at = found.end()
    pieces.append([line(formula[at:])])
    # 2. Their middles are at one height.
    middle = max((len(piece) - 1) // 2 for piece in pieces)
    height = max(len(piece) + middle - (len(piece) - 1) // 2 for piece in pieces)
    shown = [""] * height
    for piece in pieces:
        above = middle - (len(piece) - 1) // 2
        wide = max(map(seen, piece))
        for n in range(height):
            text = piece[n - above] if 0 <= n - above < len(piece) else ""
            shown[n] += text + " " * (wide - seen(text))
    return "\n".join(text.rstrip() for text in shown)


def seen(text: str) -> int:
    """How many columns a text takes: marks over letters take none."""
    return len(re.sub(r"[\u0300-\u036f\u20d7]", "", text))


def rows(found: re.Match[str]) -> list[str]:
    """The lines of a matrix, of cases or of aligned rows, between tall brackets."""
    cells = [[line(cell).strip() for cell in row.split("&")] for row in re.split(r"\\\\", found["rows"])]
    align = str.rjust if found["kind"] == "pmatrix" else str.ljust
    if found["kind"] != "aligned":
        widths = [max(map(len, column)) for column in zip_longest(*cells, fillvalue="")]
        cells = [[align(cell, width) for cell, width in zip(row, widths, strict=False)] for row in cells]
    left, right = BRACKETS.get(found["kind"], ("", ""))
    shown = []
    for number, row in enumerate(cells):
        place = 0 if number == 0 else 2 if number == len(cells) - 1 else 1
        body = ("   " if left else " ").join(row)
        shown.append(f"{left[place : place + 1]} {body} {right[place : place + 1]}".rstrip())
    return shown


def line(formula: str) -> str:
    """A formula without rows."""
    # 1. Signs and marks; what only TeX needs goes.
    formula = re.sub(r"\\!|\\(left|right|[bB]igg?[lr]?|displaystyle)(?![a-z])", "", formula)
    formula = re.sub(r"\\([A-Za-z]+)", lambda f: SIGNS.get(f[1], f[0]), formula)
    formula = re.sub(
        r"\\(hat|bar|tilde|vec|dot)(?:\{(\w)\}|\s+(\w)|([^\x00-\x7f]))",
        lambda f: (f[2] or f[3] or f[4]) + MARKS[f[1]],
        formula,
    )
    # 2. Fractions, roots, words and scripts, from the inside out.
    before = ""
    while before != formula:
        before = formula
        for pattern, shown in PARTS:
            formula = re.sub(pattern, shown, formula)
    # 3. Braces and spaces.
    formula = (
        formula.replace("\\\\", "\n").replace("\\|", "‖").replace("\\{", "\ue002").replace("\\}", "\ue003")
    )
    formula = re.sub(r"\\[,;: ]", " ", formula).replace("&", "").replace("{", "").replace("}", "")
    formula = re.sub(r"\\([A-Za-z]+)", r"\1", formula)
    return formula.translate(str.maketrans("\ue000\ue001\ue002\ue003", "_^{}"))


def group(text: str) -> str:
    """A part of a fraction, in brackets if it needs them."""
    text = re.sub(r"^∂\s+(?=\S+$)", "∂", text.strip())
    return text if re.fullmatch(r"\\?[^\W\d]\w*|\d+|∂\S+|.[\u0300-\u036f]?", text) else f"({text})"


def script(text: str, signs: dict[int, int], mark: str) -> str:
    """An index or exponent in small signs where all of it has them."""
    small = text.translate(signs)
    kept = any(a == b and not a.isspace() for a, b in zip(text, small, strict=True)) and text not in ("ᵀ",)
    return f"{mark}{group(text)}" if kept else small


# What stands in braces is replaced from the inside out; \ue000 and \ue001 are _ and ^ that are to stay.
WORDS = r"\\(?:text|mathrm|mathbf|mathbb|mathcal|operatorname|boldsymbol|bar|hat|tilde|vec|dot)\{([^{}]*)\}"
PARTS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (rf"([_^]){WORDS}", lambda f: f"{f[1]}{{{f[2]}}}"),
    (r"\\underbrace\{([^{}]*)\}_\{([^{}]*)\}", lambda f: f"{f[1]} ({f[2].strip()})"),
    (
        r"\\[dt]?frac\s*(?:\{([^{}]*)\}|(\w))\s*(?:\{([^{}]*)\}|(\w))",
        lambda f: f"{group(f[1] or f[2])}/{group(f[3] or f[4])}",
    ),
    (r"\\binom\{([^{}]*)\}\{([^{}]*)\}", lambda f: f"({f[1]} choose {f[2]})"),
    (r"\\sqrt(?:\{([^{}]*)\}|\s+(\w)|([^\x00-\x7f]))", lambda f: f"√{group(f[1] or f[2] or f[3])}"),
    (WORDS, lambda f: f[1]),
    (r"\^\{([^{}]*)\}|\^([^{\\])", lambda f: script(f[1] or f[2], UP, "\ue001")),
    (r"(?<!\})_\{([^{}]*)\}|_([^{\\])", lambda f: script(f[1] or f[2], DOWN, "\ue000")),
)


TABLE = re.compile(r"^\|.*\|[ \t]*\n\|[ :|-]+\|[ \t]*\n(?:\|.*\|[ \t]*(?:\n|\Z))+", re.MULTILINE)


def laid_out(text: str, width: int) -> set[str]:
    """The words of Markdown as they stand in a terminal of that width."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(width=width, file=io.StringIO())
    console.print(Markdown(text))
    return set(cast(io.StringIO, console.file).getvalue().split())


def narrow_tables(text: str, width: int) -> str:
    """Markdown whose tables fit: one that would break words in its columns becomes a list of its rows."""

    def one(found: re.Match[str]) -> str:
        if laid_out(found[0], width) >= laid_out(found[0], 1000):
            return found[0]
        lines = found[0].strip().splitlines()
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))] for row in lines]
        heads, _, *rows = rows
        told = []
        for first, *cells in rows:
            rest = "; ".join(
                f"{head} {cell}".strip() for head, cell in zip(heads[1:], cells, strict=False) if cell
            )
            told.append(f"- **{first}**: {rest}" if first else f"- {rest}")
        return "\n".join(told) + "\n\n"

    return TABLE.sub(one, text)


def wrapped_command(line: str, width: int) -> str:
    """A command over several lines, which the shell joins again when it is pasted."""
    parts = textwrap.wrap(line, width - 4, break_long_words=False, break_on_hyphens=False)
    return " \\\n    ".join(parts) if line.lstrip().startswith(("gradschool ", f"{called()} ")) else line


def show(blocks: Sequence[Block], console: "Console") -> None:
    """Print a lecture, as wide as the console; answers stand at the end."""
    from rich.markdown import Markdown
    from rich.panel import Panel

    def prose(text: str) -> Markdown:
        return Markdown(narrow_tables(plain_math(as_called(text)), console.width))

    answers: list[str] = []
    for block in blocks:
        match block:
            case Text():
                console.print(prose(block.markdown))
            case Code():
                show_code(block, console)
            case Figure():
                caption = f"[figure: {plain_math(block.caption).rstrip('.')}. See it with --open]"
                console.print(caption, style="dim", markup=False)
            case Question():
                answers.append(block.answer)
                console.print(prose(f"**Question {len(answers)}.** {block.ask}"))
            case Task():
                one = block.exercise
                told = f"about {one.minutes} minutes\n{command('check', one.id)}"
                console.print(
                    Panel(told, title=f"Exercise {one.id}", title_align="left", border_style="bold")
                )
    # Answers stand last, so that no eye falls on one beside its question.
    if answers:
        console.print(prose("## Answers"))
    for number, answer in enumerate(answers, 1):
        console.print(prose(f"**Question {number}.** {answer}"))


def show_code(block: Code, console: "Console") -> None:
    """Print Python in a frame, what is to be pasted without one, and what was printed below it."""
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.syntax import Syntax

    if block.language == "python":
        code = Syntax(block.text.rstrip(), "python", background_color="default", word_wrap=True)
        console.print(Panel(code, title=block.title or None, title_align="left", border_style="dim"))
    else:
        lines = (
            wrapped_command(each, console.width - 4) for each in as_called(block.text).rstrip().split("\n")
        )
        console.print(Padding("\n".join(lines), (1, 2)), markup=False, highlight=False)
    if block.printed:
        console.print(Padding(block.printed.rstrip(), (0, 2)), markup=False, highlight=False)


def console_here() -> "Console":
    """The terminal, at most 100 columns wide: longer lines are hard to read."""
    from rich.console import Console

    console = Console()
    return Console(width=min(console.width, 100))


def paged(blocks: Sequence[Block], console: "Console") -> None:
    """Show a lecture through the user's pager where there is a terminal, else print it."""
    if not console.is_terminal:
        show(blocks, console)
        return
    # As git does: colours, and no pager for what fits on one screen.
    os.environ.setdefault("LESS", "FRX")
    with console.pager(styles=True):
        show(blocks, console)
