"""A lecture in the terminal: Markdown by rich, formulas in Unicode as far as that goes."""

import re
from collections.abc import Sequence

from gradschool.classroom.author.render import Block, Code, Figure, Task, Text

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
}  # fmt: skip
MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "vec": "\u20d7", "dot": "\u0307"}
UP = str.maketrans("0123456789+-=()niTtk", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀᵗᵏ")
DOWN = str.maketrans("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
MATH = re.compile(r"\$\$(.+?)\$\$|\$(?!\s)([^$\n]+?)(?<!\s)\$", re.DOTALL)


def plain_math(text: str) -> str:
    """Text with its $formulas$ in Unicode."""

    def one(found: re.Match[str]) -> str:
        return f"\n\n    {unicode(found[1].strip())}\n\n" if found[1] else unicode(found[2])

    return MATH.sub(one, text)


def unicode(formula: str) -> str:
    """A LaTeX formula in Unicode; what has no sign keeps its name."""
    formula = re.sub(r"\\(begin|end)\{[a-z]+\*?\}(\{[lcr|]*\})?", " ", formula)
    formula = re.sub(
        r"\\(hat|bar|tilde|vec|dot)(?:\{(\w)\}|\s+(\w))", lambda f: (f[2] or f[3]) + MARKS[f[1]], formula
    )
    # 1. Fractions, roots and words, from the inside out.
    before = ""
    while before != formula:
        before = formula
        formula = re.sub(
            r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", lambda f: f"{group(f[1])}/{group(f[2])}", formula
        )
        formula = re.sub(r"\\sqrt(?:\{([^{}]*)\}|\s+(\w))", lambda f: f"√{group(f[1] or f[2])}", formula)
        formula = re.sub(
            r"\\(?:text|mathrm|mathbf|mathbb|mathcal|operatorname|boldsymbol|bar|hat|tilde|vec)\{([^{}]*)\}",
            r"\1",
            formula,
        )
        formula = re.sub(r"\^\{([^{}]*)\}|\^(\\\w+|.)", lambda f: script(f[1] or f[2], UP, "^"), formula)
        formula = re.sub(r"_\{([^{}]*)\}|_(\\\w+|.)", lambda f: script(f[1] or f[2], DOWN, "_"), formula)
    # 2. Signs; then the braces, spaces and marks that only TeX needs.
    formula = re.sub(r"\\(left|right|big|Big|bigl|bigr|displaystyle)(?![a-z])", "", formula)
    formula = re.sub(r"\\([A-Za-z]+)", lambda f: SIGNS.get(f[1], f[1]), formula)
    formula = formula.replace("\\\\", "\n    ").replace("\\{", "{").replace("\\}", "}").replace("&", "")
    return re.sub(r"\\[,;:! ]", " ", formula).replace("{", "").replace("}", "")


def group(text: str) -> str:
    """A part of a fraction, in brackets if it needs them."""
    return text if re.fullmatch(r"\\?\w+|.", text.strip()) else f"({text})"


def script(text: str, signs: dict[int, int], mark: str) -> str:
    """An index or exponent in small signs where all of it has them."""
    text = re.sub(r"\\([A-Za-z]+)", lambda f: SIGNS.get(f[1], f[1]), text)
    small = text.translate(signs)
    kept = any(a == b and not a.isspace() for a, b in zip(text, small, strict=True)) and text not in ("ᵀ",)
    return f"{mark}{group(text)}" if kept else small


def show(blocks: Sequence[Block], width: int | None = None) -> None:
    """Print a lecture."""
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.syntax import Syntax

    console = Console(width=width or min(Console().width, 100))
    for block in blocks:
        match block:
            case Text():
                console.print(Markdown(plain_math(block.markdown)))
            case Code():
                code = Syntax(block.text.rstrip(), block.language, background_color="default", word_wrap=True)
                console.print(Panel(code, title=block.title or None, title_align="left", border_style="dim"))
                if block.printed:
                    console.print(Padding(block.printed.rstrip(), (0, 2)), markup=False, highlight=False)
            case Figure():
                console.print(
                    f"[figure: {plain_math(block.caption)}; see it with --html]", style="dim", markup=False
                )
            case Task():
                one = block.exercise
                told = f"about {one.minutes} minutes\ngradschool check {one.id}"
                console.print(
                    Panel(told, title=f"Exercise {one.id}", title_align="left", border_style="bold")
                )
