"""The tables of a classifier's report that need no pictures: scores of each class, and the confusion
matrix.
"""

from collections.abc import Sequence

from jaxtyping import Int64
from markupsafe import Markup
from torch import Tensor

from gradschool.evals.classification import metrics
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import in_words

MANY = 30  # classes from which on the table shows the ten worst first


def class_table(confusion: Int64[Tensor, "k k"], classes: Sequence[str], unit: str) -> Section:
    """Precision, recall and F1 of each class.

    Args:
        confusion: of the test part; rows are true classes.
        classes: their names.
        unit: what examples are called.
    """
    s = metrics.class_scores(confusion)
    order = s.recall.nan_to_num(2.0).argsort().tolist()
    bars = [
        tuple(map(Bar, each))
        for each in zip(*(x.tolist() for x in (s.recall, s.precision, s.f1)), strict=True)
    ]
    rows = [
        (in_words(classes[i]), int(s.support[i]), *bars[i])
        for i in order
    ]  # fmt: skip
    means = [Bar(float(score.nanmean())) for score in (s.recall, s.precision, s.f1)]
    rows.append((Markup("<b>mean over classes</b>"), int(s.support.sum()), *means))
    reading = (
        f"Recall: of the {unit} that are this class, how many were found. Precision: of those called this "
        "class, how many are. Worst recall first."
    )
    head = ("class", unit, "recall, %", "precision, %", "F1, %")
    body = html.table(head, rows if len(order) <= MANY else [*rows[:10], rows[-1]], "Scores by class")
    if len(order) > MANY:
        body += html.details(f"All {len(order)} classes", html.table(head, rows, "Scores of all classes"))
    return Section("Classes", reading, body)


def confusion_table(confusion: Int64[Tensor, "k k"], classes: Sequence[str], unit: str) -> Section:
    """The confusion matrix and its worst cells in words; arguments as above."""
    names = [in_words(name) for name in classes]
    worst = [
        (names[t], names[p], f"{n} of {of}", Bar(n / of))
        for t, p, n, of in metrics.most_confused(confusion, 10)
    ]
    matrix = charts.confusion(metrics.row_normalised(confusion).numpy(), names)
    pairs = html.table(("true", "predicted", unit, "share, %"), worst, "Most confused pairs", words=2)
    reading = (
        "A row is a true class, a column the predicted class; each row sums to 100 %, so the diagonal is "
        "recall. Off the diagonal, a dark cell is a habit."
    )
    return Section(
        "Confusion", reading, html.join([matrix, pairs if worst else html.paragraph("No mistakes.")])
    )
