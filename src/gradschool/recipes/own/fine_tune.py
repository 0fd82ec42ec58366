"""Questions and answers of your own: a language model of yours learns to answer as they do."""

from gradschool.runs.language.tuning.answers import AnswersRun


def fine_tune() -> AnswersRun:
    """Your own questions and answers: JSON lines with prompt and answer, or messages (--data FILE.jsonl), for
    a language model that you have trained (--set start=RUN).
    """
    return AnswersRun(
        data="", epochs=5, batch_size=16, learning_rate=3e-4, weight_decay=0.01, warmup=0.1, clip=1.0,
        keep="best",
    )  # fmt: skip
