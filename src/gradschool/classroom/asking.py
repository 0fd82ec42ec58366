"""Asks a quiz's questions one after the other, in any place that can show text and take a line."""

from collections.abc import Callable

from gradschool.classroom.quiz import LETTERS, Question, Variant, compute, filled, judge, variant


def answer_to(shown: Variant) -> str:
    """The right answer and its reason, for who has tried and given up."""
    question = shown.question
    if question.options:
        why = {filled(option.text, shown.values): option.why for option in question.options}
        texts = [(letter, shown.shown[LETTERS.index(letter)]) for letter in shown.right]
        return "\n\n".join(f"{letter}) {text}: {filled(why[text], shown.values)}" for letter, text in texts)
    answer = f"`{question.answer}`" if question.kind == "code" else " ".join(shown.right)
    if question.kind == "numeric":
        value = compute(question.answer, shown.values, question)
        answer = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"The answer is {answer}. {filled(question.why, shown.values)}"


def run(
    questions: tuple[Question, ...], seed: int, ask: Callable[[str], str], say: Callable[[str], None]
) -> dict[str, bool]:
    """Ask one question after the other; a wrong answer may be mended, an empty one goes on.

    Args:
        questions: of a chapter.
        seed: of the variants.
        ask: shows a prompt and returns what was typed.
        say: shows Markdown.

    Returns:
        For each question that was answered whether the first answer was right.
    """
    first: dict[str, bool] = {}
    hints = {
        "single": "a letter",
        "multiple": "letters",
        "order": "letters in order",
        "numeric": "a number",
        "code": "an expression",
    }
    for number, question in enumerate(questions, 1):
        shown = variant(question, seed)
        options = "\n".join(f"{LETTERS[i]}) {text}  " for i, text in enumerate(shown.shown))
        say(f"**{number} of {len(questions)}** · {shown.ask}\n\n{options}")
        while reply := ask(f"{hints[question.kind]}, or Enter to go on: ").strip():
            verdict = judge(shown, reply)
            if verdict.right is not None:
                first.setdefault(question.id, verdict.right)
            mark = {True: "Right.", False: "Not so.", None: ""}[verdict.right]
            say(f"{mark} {verdict.feedback}".strip())
            if verdict.right:
                break
        else:
            if question.id in first:
                say(answer_to(shown))
    return first
