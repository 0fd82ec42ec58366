"""Answer questions from a folder of texts: find passages, point at a sentence, or put them into a prompt.

Source: Lewis et al. 2020 (retrieval-augmented generation): what is found stands in the prompt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.data.text.passages import Passage, sentences_of
from gradschool.evals.language.retrieval.ranking import BM25, cosines, fused

Embed = Callable[[Sequence[str]], Float[Tensor, "n d"]]


@dataclass(frozen=True)
class Found:
    """A passage that may answer a question.

    Args:
        passage: where it stands and what it says.
        score: the larger the better; scores of other questions cannot be compared.
        sentence: of the passage, the one that is nearest to the question.
    """

    passage: Passage
    score: float
    sentence: str


def ranked(question: str, texts: Sequence[str], embed: Embed | None = None) -> Float[Tensor, " n"]:
    """A score for every text: BM25, or its ranks together with those of nearness.

    Args:
        question: asked.
        texts: to look in.
        embed: texts to vectors whose cosines say how alike they are; None: words alone.
    """
    by_words = BM25(texts).scores(question)
    if embed is None:
        return by_words
    vectors = embed([question, *texts])
    return fused(by_words, cosines(vectors[:1], vectors[1:])[0].double().cpu())


def find(question: str, passages: Sequence[Passage], k: int = 3, embed: Embed | None = None) -> list[Found]:
    """The k best passages for a question, the best first. Without `embed` they share a word with it.

    Args:
        question: in words that the texts use, if there is no `embed`.
        passages: to look in.
        k: passages at most.
        embed: see `ranked`.
    """
    scores = ranked(question, [passage.text for passage in passages], embed)
    found = []
    for i in scores.argsort(descending=True, stable=True)[:k].tolist():
        if embed is None and scores[i] <= 0:
            break
        sentences = sentences_of(passages[i].text)
        best = int(ranked(question, sentences, embed).argmax())
        found.append(Found(passages[i], float(scores[i]), sentences[best]))
    return found


def prompt_of(question: str, found: Sequence[Found]) -> str:
    """A prompt for a model that goes on with texts: the passages, numbered, then the question.

    Args:
        question: asked.
        found: from `find`; the best stands last, next to the question.
    """
    sources = [f"[{number}] {each.passage.text}" for number, each in reversed(list(enumerate(found, 1)))]
    told = "\n".join(sources) or "[nothing was found]"
    return f"Texts:\n{told}\n\nQuestion: {question}\nAnswer (from the texts):"


def recall(
    questions: Sequence[tuple[str, int]], passages: Sequence[Passage], k: int, embed: Embed | None = None
) -> float:
    """The share of questions whose passage is among the first k.

    Args:
        questions: each with the number of the passage that answers it.
        passages: to look in.
        k: passages that are looked at.
        embed: see `ranked`.
    """
    texts = [passage.text for passage in passages]
    hits = [torch.isin(torch.tensor(right), ranked(q, texts, embed).topk(min(k, len(texts))).indices).item()
            for q, right in questions]  # fmt: skip
    return sum(hits) / len(hits)
