"""Experiments of chapter 13, on the lectures of chapters 1 to 11 and on sentences that are made here."""

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from operator import ne
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.tokens.measure import bytes_per_token
from gradschool.data.text.tokens.split import GPT2, count_chunks
from gradschool.data.text.tokens.unigram import Unigram
from gradschool.data.text.tokens.wordpiece import WordPiece
from gradschool.data.text.tokens.words import Words
from gradschool.data.text.vectors.cooccurrence import Corpus, WordVocabulary, cooccurrence, words_of
from gradschool.data.text.vectors.stretches import Stretches
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.evals.language.linear import scored
from gradschool.evals.language.ngrams import NGram
from gradschool.evals.language.words import answers, ppmi_svd
from gradschool.models.language.bag import bag
from gradschool.models.language.word_table import WordTable
from gradschool.ops.sequence.counting import bits_per_byte
from gradschool.ops.sequence.words import cos_add, keep_probability, unit
from gradschool.tasks.word_vectors import Predicting

CHAPTERS = range(1, 12)
HELD_OUT = (3, 6, 9)  # one chapter at a time is held out, so there are three repeats
SIGNS = r"""```.*?```|\$\$.*?\$\$|\(?\{\w+\}`[^`]*`\)?|`[^`\n]*`|\$[^$\n]*\$|^[ \t]*[|#>][^\n]*$|\*"""
NO_PROSE = re.compile(SIGNS + r"|!?\[([^\]\n]*)\]\([^)\n]*\)", re.S | re.M)
TIES = ("rustbpe", "hf", "cs336")
SENTENCES = {  # three that say the same in every language
    "English": "Water is the most important thing that we drink.|Every person needs it every day.|"
    "Without water there is no life on the earth.",
    "German": "Wasser ist das Wichtigste, was wir trinken.|Jeder Mensch braucht es jeden Tag.|"
    "Ohne Wasser gibt es kein Leben auf der Erde.",
    "Russian": "Вода — самое важное, что мы пьём.|Каждый человек нуждается в ней каждый день.|"
    "Без воды нет жизни на земле.",
    "Hindi": "पानी सबसे ज़रूरी चीज़ है जो हम पीते हैं।|हर व्यक्ति को हर दिन इसकी ज़रूरत होती है।|"
    "पानी के बिना धरती पर कोई जीवन नहीं है।",
    "Chinese": "水是我们喝的最重要的东西。|每个人每天都需要它。|没有水，地球上就没有生命。",
}
PEOPLE = """king queen crown throne palace|prince princess palace heir pony|father mother child home family
brother sister twin family room|boy girl toy school game|actor actress stage film script"""
ROLES = [line.split() for line in re.split(r"[|\n]", PEOPLE)]  # a man, a woman, and things of both
SEX = (["he", "his", "him", "beard"], ["she", "her", "hers", "dress"])
COMMON = ["saw", "likes", "had", "near", "old", "new", "often", "small"]
GROUPS = {
    "training": "gradient loss weights step learning epochs",
    "images": "images photographs pixels digits pictures image",
    "networks": "layer layers units filters convolution network",
    "generators": "generator critic encoder decoder samples noise",
    "probability": "density gaussian variance mean distribution probability",
}


def prose(chapter: int) -> str:
    """A lecture as running text, without code, formulas, tables and headings."""
    (file,) = Path(__file__).parents[1].glob(f"{chapter:02d}-*/lecture.md")
    text = NO_PROSE.sub(r"\1", file.read_text(encoding="utf-8"))
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", re.sub(r"[ \t]+", " ", text)).strip() + "\n"


def without(chapter: int) -> str:
    """All lectures but one."""
    return "\n".join(prose(each) for each in CHAPTERS if each != chapter)


def spread(values: Sequence[float]) -> dict:
    """Mean, deviation and range."""
    return {"n": len(values), "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
            "lowest": min(values), "highest": max(values)}  # fmt: skip


def text() -> dict:
    """The words of eleven lectures: how frequent each rank is, and how many of a new lecture are unknown."""
    words = [words_of(prose(each)) for each in CHAPTERS]
    counts = Counter(word for each in words for word in each)
    ordered, total = [n for _, n in counts.most_common()], counts.total()
    ranks = sorted({int(rank) for rank in np.geomspace(1, len(ordered), 60)})
    new = []
    for each in range(len(words)):
        known = {word for other in range(len(words)) if other != each for word in words[other]}
        new.append(statistics.fmean(word not in known for word in words[each]))
    share = torch.tensor(ordered, dtype=torch.float64) / total
    kept = {f"1e{e}": float((share * keep_probability(share, 10.0**e)).sum()) for e in (-2, -3, -4)}
    return {"words": total, "kinds": len(counts), "once": ordered.count(1), "top": counts.most_common(5),
            "unknown": spread(new), "kept": kept, "ranks": [[r, ordered[r - 1]] for r in ranks],
            "covers": {str(n): sum(ordered[:n]) / total for n in (10, 100, 1000)}}  # fmt: skip


def add_one(train: list[int], test: list[int], order: int, kinds: int) -> float:
    """Nats of a token under an n-gram model with one added to every count; the first tokens are left out."""
    # Each n-gram is a number with base `kinds`; without its last digit it is its history.
    powers = kinds ** np.arange(order, dtype=np.int64)[::-1]
    seen, asked = (np.lib.stride_tricks.sliding_window_view(each, order) @ powers for each in (train, test))
    kept, total = Counter(seen.tolist()), Counter((seen // kinds).tolist())
    return -statistics.fmean(np.log([(kept[n] + 1) / (total[n // kinds] + kinds) for n in asked.tolist()]))


def orders() -> dict:
    """Nats of a held-out character under n-gram models of orders 1 to 8 with three ways of smoothing."""
    found: dict[str, list[list[float]]] = {"kneser-ney": [], "witten-bell": [], "add-one": []}
    for chapter in HELD_OUT:
        seen, new = without(chapter), prose(chapter)
        characters = Characters.train([seen, new])
        train, test, kinds = characters.encode(seen), characters.encode(new), len(characters)
        for name in ("kneser-ney", "witten-bell"):
            found[name].append([NGram.fit(train, n, kinds, name).nats(test) for n in range(1, 9)])
        found["add-one"].append([add_one(train, test, n, kinds) for n in range(1, 9)])
    rows = {name: [spread([each[n] for each in runs]) for n in range(8)] for name, runs in found.items()}
    order = {name: 1 + int(np.argmin([row["mean"] for row in each])) for name, each in rows.items()}
    best = {name: rows[name][order[name] - 1] for name in rows}
    return {"rows": rows, "best": best, "order": order, "kinds": kinds}


def tokenisers() -> dict:
    """Five tokenisers of about 1,000 tokens under a Kneser-Ney trigram: nats, perplexity, bits per byte."""
    kinds: dict[str, Any] = {"words": Words, "wordpiece": WordPiece, "bpe": ByteBPE, "unigram": Unigram}
    unknown = {"words": 0, "unigram": 0, "wordpiece": 1}
    found: dict[str, dict[str, list[float]]] = {}
    for chapter in HELD_OUT:
        seen, new = without(chapter), prose(chapter)
        made = {name: kind.train([seen], 1000) for name, kind in kinds.items()}
        for name, tokeniser in {"characters": Characters.train([seen, new]), **made}.items():
            train, test = tokeniser.encode(seen), tokeniser.encode(new)
            nats = NGram.fit(train, 3, len(tokeniser)).nats(test)
            row = {"size": len(tokeniser), "bytes": bytes_per_token(tokeniser, new), "nats": nats,
                   "perplexity": np.exp(nats), "bits": bits_per_byte(nats, len(test), len(new.encode())),
                   "unknown": test.count(unknown.get(name, -1)) / len(test),
                   "back": tokeniser.decode(test) == new}  # fmt: skip
            for key, value in row.items():
                found.setdefault(name, {}).setdefault(key, []).append(float(value))
    return {name: {key: spread(each) for key, each in row.items()} for name, row in found.items()}


def vocabulary() -> dict:
    """Bytes per token of byte-level BPE against the vocabulary's size, and tokens by language at 2,000."""
    sizes = [256, 300, 400, 600, 1000, 1500, 2000, 3000, 4000]
    rows: list[list[float]] = []
    languages: dict[str, list[int]] = {name: [] for name in SENTENCES}
    for chapter in HELD_OUT:
        whole = ByteBPE.train([without(chapter)], sizes[-1])
        cut = {size: ByteBPE(whole.merges[: size - 256]) for size in sizes}
        rows.append([bytes_per_token(cut[size], prose(chapter)) for size in sizes])
        for name, said in SENTENCES.items():
            languages[name] += [len(cut[2000].encode(each)) for each in said.split("|")]
    base = languages["English"]
    times = {name: spread([a / b for a, b in zip(n, base, strict=True)]) for name, n in languages.items()}
    size = {name: [len(said), len(said.encode())] for name, said in SENTENCES.items()}
    return {"sizes": sizes, "rows": [spread(each) for each in zip(*rows, strict=True)], "times": times,
            "size": size, "tokens": {name: sum(n[:3]) for name, n in languages.items()}}  # fmt: skip


def ties() -> dict:
    """How far the merges of three rules for ties lie apart: 744 merges each on three texts."""
    found: dict[str, dict[str, list[float]]] = {}
    for chapter in HELD_OUT:
        made = {rule: ByteBPE.train([without(chapter)], 1000, rule) for rule in TIES}  # type: ignore[arg-type]
        chunks = list(count_chunks([prose(chapter)], GPT2))
        cut = {
            rule: [[bpe.tokens[t] for t in bpe.encode(each)] for each in chunks] for rule, bpe in made.items()
        }
        for a, b in combinations(TIES, 2):
            one, two = made[a].parts[256:], made[b].parts[256:]
            other = [i for i, (x, y) in enumerate(zip(one, two, strict=True)) if x != y]
            values = {"first": other[0] + 1, "place": len(other), "tokens": len(set(one) - set(two)),
                      "chunks": statistics.fmean(map(ne, cut[a], cut[b]))}  # fmt: skip
            for key, value in values.items():
                found.setdefault(f"{a} {b}", {}).setdefault(key, []).append(value)
        for rule, bpe in made.items():
            found.setdefault(rule, {}).setdefault("bytes", []).append(bytes_per_token(bpe, prose(chapter)))
    return {name: {key: spread(each) for key, each in row.items()} for name, row in found.items()}


def made_sentences(n: int, seed: int) -> list[list[str]]:
    """Sentences on twelve people: words near a person tell the sex and the role, with some noise."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        role, sex = rng.integers(len(ROLES)), rng.integers(2)
        told = sex if rng.random() < 0.85 else 1 - sex
        thing = role if rng.random() < 0.85 else rng.integers(len(ROLES))
        words = [rng.choice(SEX[told]), rng.choice(ROLES[thing][2:]), *rng.choice(COMMON, 2)]
        found.append(["the", ROLES[role][sex], *rng.permutation(words).tolist()])
    return found


def questions() -> list[tuple[str, str, str, str]]:
    """All analogies from one role to another: man is to woman as king is to queen, and the other way."""
    pairs = [(he, she) for he, she, *_ in ROLES]
    return [(*one[::way], *two[::way]) for one in pairs for two in pairs if one != two for way in (1, -1)]  # type: ignore[misc]


def skip_gram(corpus: Corpus, words: WordVocabulary, size: int, epochs: int, seed: int) -> WordVectors:
    """Vectors by skip-gram with negative sampling."""
    torch.manual_seed(seed)
    table = WordTable(len(words), size)
    task = Predicting(table, "skip_gram")
    text = Stretches(corpus, words, 256, seed, 4, 0.05)
    for epoch in range(epochs):
        for batch in text.epoch(epoch):
            task.step(batch, SimpleNamespace(rate=0.05 * (1 - epoch / epochs)))  # type: ignore[arg-type]
    return WordVectors(list(words.words), table.vectors())


def people() -> dict:
    """Analogies among twelve people by two methods, with more and more sentences; and with own words."""
    asked = questions()
    found: dict[str, Any] = {"counting": {}, "skip_gram": {}, "questions": len(asked)}
    for n in (100, 300, 1000, 3000):
        runs: dict[str, list[tuple[float, float]]] = {"counting": [], "skip_gram": []}
        for seed in range(3):
            words = WordVocabulary.of(sentences := made_sentences(n, seed), 2)
            corpus = Corpus.of(sentences, words)
            counts = cooccurrence(corpus, len(words), 4)
            made = {"counting": ppmi_svd(counts, words.words, 10, power=0.5),
                    "skip_gram": skip_gram(corpus, words, 10, max(4, 60_000 // n), seed)}  # fmt: skip
            for name, vectors in made.items():
                runs[name].append((float(answers(vectors, asked).mean()), own_words(vectors, asked)))
        for name, values in runs.items():
            right, own = zip(*values, strict=True)
            found[name][str(n)] = {"right": spread(right), "own": spread(own)}
    return found


def own_words(vectors: WordVectors, asked: Sequence[tuple[str, str, str, str]]) -> float:
    """How often the best word of all is one of the question's own three."""
    rows = [torch.stack([vectors.vector(each[i]) for each in asked]) for i in range(3)]
    best = cos_add(vectors.table, *rows).argmax(1).tolist()
    return statistics.fmean(vectors.words[i] in each[:3] for i, each in zip(best, asked, strict=True))


def neighbours() -> dict:
    """Neighbours of some words of the lectures by PPMI and SVD, their stability, and a map of 30 words."""
    texts = [words_of(prose(each)) for each in CHAPTERS]
    asked = " ".join(GROUPS.values()).split()

    def counted_vectors(kept: Sequence[list[str]]) -> WordVectors:
        words = WordVocabulary.of(kept, 5)
        return ppmi_svd(cooccurrence(Corpus.of(kept, words), len(words), 4), words.words, 50, power=0.5)

    whole = counted_vectors(texts)
    lists = {word: whole.nearest(word, 5) for word in ("gradient", "images", "encoder", "probability", "two")}
    same = []
    for out in HELD_OUT:
        part = counted_vectors([each for i, each in enumerate(texts, 1) if i != out])
        shared = [word for word in asked if word in part]
        near = [{w for w, _ in vectors.nearest(word, 5)} for word in shared for vectors in (whole, part)]
        same.append(statistics.fmean(len(a & b) / 5 for a, b in zip(near[::2], near[1::2], strict=True)))
    table = unit(torch.stack([whole.vector(word) for word in asked]))
    u, s, _ = torch.linalg.svd(table - table.mean(0), full_matrices=False)
    explained = float(s[:2].square().sum() / s.square().sum())
    return {"vocabulary": len(whole), "lists": lists, "same": spread(same), "groups": GROUPS,
            "map": (u * s)[:, :2].tolist(), "explained": explained}  # fmt: skip


def lectures() -> dict:
    """Which lecture are 40 words of? Linear models on counts against a network, by the share of the text."""
    pieces, labels = [], []
    for chapter in CHAPTERS:
        words = [word for word in words_of(prose(chapter)) if word.isalpha()]
        pieces += [" ".join(words[i : i + 40]) for i in range(0, len(words) - 39, 40)]
        labels += [chapter - 1] * (len(words) // 40)
    y, found = np.array(labels), {}
    for name_of, share in (("eighth", 0.125), ("half", 0.5), ("all", 1.0)):
        runs: dict[str, list[float]] = {}
        for seed in range(3):
            order = np.random.default_rng(seed).permutation(len(y))
            test, train = order[:200], order[200 : 200 + int(share * (len(y) - 200))]
            parts = [([pieces[i] for i in rows], y[rows]) for rows in (train, test)]
            values = [*scored(*parts).values(), trained_bag(*parts, seed)]  # type: ignore[arg-type, call-arg]
            for name, value in zip(("chance", "words", "pairs", "bayes", "network"), values, strict=True):
                runs.setdefault(name, []).append(value)
        found[name_of] = {"pieces": len(train)} | {name: spread(each) for name, each in runs.items()}
    return found


def trained_bag(train: tuple[list[str], Any], test: tuple[list[str], Any], seed: int) -> float:
    """Accuracy of a mean of learned word vectors with a linear layer."""
    torch.manual_seed(seed)
    words = Words.train(train[0])
    x, new = (torch.tensor([words.encode(text) for text in part[0]]) for part in (train, test))
    y, model = torch.from_numpy(train[1]), bag(len(words), len(CHAPTERS))
    adam = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(40):
        for rows in torch.randperm(len(x)).split(32):
            adam.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            adam.step()
    return float((model.eval()(new).argmax(1).numpy() == test[1]).mean())
