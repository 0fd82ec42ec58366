"""Sections of a report about a fine-tuned language model; all they show is in the result."""

from dataclasses import dataclass

from markupsafe import Markup

from gradschool.evals.report import html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Facts, Material


@dataclass(frozen=True)
class TunedFacts(Facts):
    """What is shown of a fine-tuned model: nothing beyond what its folder holds."""


def against(m: Material[TunedFacts]) -> Section | None:
    """The share of right answers, or of pairs in the right order, beside what needs no training."""
    baselines = m.result.get("baselines")
    if not baselines:
        return None
    own = m.result["metrics"]
    is_order = "test_right" not in own
    score = own["test_preferred" if is_order else "test_right"]
    rows = [(name, Bar(share)) for name, share in {**baselines, "this run": score}.items()]
    what = "pairs in the right order" if is_order else "answers right"
    reading = f"The share of {what} among {m.result['tested']:,} that were not trained on."
    if not is_order:
        away = own["test_kl"]
        reading += (
            " An answer is right if greedy decoding gives exactly the wanted text and ends it. The KL "
            f"divergence from the model at the start is {away:.3f} nats a token of the right answers."
        )
    return Section("Baselines", reading, html.table(("", what), rows, "On the test part"))


def examples(m: Material[TunedFacts]) -> Section | None:
    """The first questions of the test part with the answers before and after."""
    answers = m.result.get("answers")
    if not answers:
        return None
    rows = [
        (
            each["question"],
            each["wanted"],
            each["before"] or "(nothing)",
            marked(each["after"], each["wanted"]),
        )
        for each in answers
    ]
    head = ("question", "wanted", "before", "after")
    reading = "The first questions of the test part, answered by greedy decoding; nothing was selected."
    return Section("Answers before and after", reading, html.table(head, rows, "Answers", words=4))


def marked(answer: str, wanted: str) -> Markup:
    """An answer with a sign of whether it is right."""
    sign = '<b class="good">✓</b> ' if answer == wanted else '<b class="bad">✗</b> '
    return Markup(sign) + Markup("{}").format(answer or "(nothing)")
