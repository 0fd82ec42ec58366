"""Experiments of chapter 13, on the lectures of chapters 1 to 11 and on sentences that are made here."""

import re
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

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
from gradschool.evals.language.counting import counted
from gradschool.evals.language.linear import scored
from gradschool.evals.language.ngrams import NGram
from gradschool.evals.language.words import answers, ppmi_svd
from gradschool.models.language.bag import bag
from gradschool.models.language.word_table import WordTable
from gradschool.ops.language import dirichlet_predictive
from gradschool.ops.sequence.counting import bits_per_byte
from gradschool.ops.sequence.words import cos_add, glove_loss, keep_probability
from gradschool.tasks.word_vectors import Predicting

CHAPTERS = range(1, 12)
HELD_OUT = (3, 6, 9)  # one chapter at a time is held out, so there are three repeats
NO_PROSE = re.compile(
    r"```.*?```|\$\$.*?\$\$|\(?\{\w+\}`[^`]*`\)?|`[^`\n]*`|\$[^$\n]*\$|^[ \t]*[|#>][^\n]*$|\*"
    r"|!?\[([^\]\n]*)\]\([^)\n]*\)",
    re.S | re.M,
)
TIES = ("rustbpe", "hf", "cs336")
SENTENCES = {
    "English": ("Water is the most important thing that we drink.", "Every person needs it every day.",
                "Without water there is no life on the earth."),
    "German": ("Wasser ist das Wichtigste, was wir trinken.", "Jeder Mensch braucht es jeden Tag.",
               "Ohne Wasser gibt es kein Leben auf der Erde."),
    "French": ("L'eau est la chose la plus importante que nous buvons.",
               "Chaque personne en a besoin chaque jour.", "Sans eau, il n'y a pas de vie sur la terre."),
    "Spanish": ("El agua es lo más importante que bebemos.", "Cada persona la necesita cada día.",
                "Sin agua no hay vida en la tierra."),
    "Russian": ("Вода — самое важное, что мы пьём.", "Каждый человек нуждается в ней каждый день.",
                "Без воды нет жизни на земле."),
    "Greek": ("Το νερό είναι το πιο σημαντικό πράγμα που πίνουμε.", "Κάθε άνθρωπος το χρειάζεται κάθε μέρα.",
              "Χωρίς νερό δεν υπάρχει ζωή στη γη."),
    "Hindi": ("पानी सबसे ज़रूरी चीज़ है जो हम पीते हैं।", "हर व्यक्ति को हर दिन इसकी ज़रूरत होती है।",
              "पानी के बिना धरती पर कोई जीवन नहीं है।"),
    "Chinese": ("水是我们喝的最重要的东西。", "每个人每天都需要它。", "没有水，地球上就没有生命。"),
}  # fmt: skip
PEOPLE = {
    "rules": ("king", "queen", ["crown", "throne", "palace"]),
    "inherits": ("prince", "princess", ["palace", "heir", "pony"]),
    "raises": ("father", "mother", ["child", "home", "family"]),
    "shares": ("brother", "sister", ["twin", "family", "room"]),
    "plays": ("boy", "girl", ["toy", "school", "game"]),
    "acts": ("actor", "actress", ["stage", "film", "script"]),
}
SEX = (["he", "his", "him", "beard"], ["she", "her", "hers", "dress"])
COMMON = ["saw", "likes", "had", "near", "old", "new", "often", "small"]
GROUPS = {
    "training": ["gradient", "loss", "weights", "step", "learning", "epochs"],
    "images": ["images", "photographs", "pixels", "digits", "pictures", "image"],
    "networks": ["layer", "layers", "units", "filters", "convolution", "network"],
    "generators": ["generator", "critic", "encoder", "decoder", "samples", "noise"],
    "probability": ["density", "gaussian", "variance", "mean", "distribution", "probability"],
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
    kept = {str(t): float((share * keep_probability(share, t)).sum()) for t in (1e-2, 1e-3, 1e-4)}
    whole = "".join(prose(each) for each in CHAPTERS)
    return {"characters": len(whole), "bytes": len(whole.encode()), "words": total, "kinds": len(counts),
            "once": ordered.count(1), "top": counts.most_common(12), "ranks": [[r, ordered[r - 1]] for r in ranks],
            "covers": {str(n): sum(ordered[:n]) / total for n in (10, 100, 1000)},
            "unknown": spread(new), "kept": kept}  # fmt: skip


def add_one(train: Tensor, test: Tensor, order: int, kinds: int) -> float:
    """Nats of a token under an n-gram model with one added to every count; the first tokens are left out."""
    seen, total = counted(train.unfold(0, order, 1), test.unfold(0, order, 1))[-1]
    return float(-dirichlet_predictive(seen, total, torch.full(seen.shape, 1 / kinds), kinds).double().log().mean())


def orders() -> dict:
    """Nats of a held-out character under n-gram models of orders 1 to 8 with three ways of smoothing."""
    found: dict[str, list[list[float]]] = {"kneser-ney": [], "witten-bell": [], "add-one": []}
    seconds, perplexity = [], []
    for chapter in HELD_OUT:
        characters = Characters.train([without(chapter), prose(chapter)])
        train, test = (torch.tensor(characters.encode(each)) for each in (without(chapter), prose(chapter)))
        kinds = len(characters)
        for name in ("kneser-ney", "witten-bell"):
            found[name].append([NGram.fit(train, n, kinds, name).nats(test) for n in range(1, 9)])
        found["add-one"].append([add_one(train, test, n, kinds) for n in range(1, 9)])
        seconds.append(kinds)
        perplexity.append(float(np.exp(min(found["kneser-ney"][-1]))))
    best = {name: spread([min(each) for each in runs]) for name, runs in found.items()}
    rows = {name: [spread([each[n] for each in runs]) for n in range(8)] for name, runs in found.items()}
    order = {name: 1 + int(np.argmin([row["mean"] for row in each])) for name, each in rows.items()}
    return {"rows": rows, "best": best, "order": order, "kinds": seconds, "perplexity": spread(perplexity)}


def tokenisers() -> dict:
    """Five tokenisers of about 1,000 tokens under a Kneser-Ney trigram: nats, perplexity, bits per byte."""
    made: dict[str, Callable[[str], Any]] = {
        "characters": lambda t: Characters.train([t]),
        "words": lambda t: Words.train([t], 1000),
        "wordpiece": lambda t: WordPiece.train([t], 1000),
        "bpe": lambda t: ByteBPE.train([t], 1000),
        "unigram": lambda t: Unigram.train([t], 1000),
    }
    rows: dict[str, list[dict]] = {name: [] for name in made}
    for chapter in HELD_OUT:
        seen, new = without(chapter), prose(chapter)
        for name, make in made.items():
            tokeniser = make(seen if name != "characters" else seen + new)
            train, test = tokeniser.encode(seen), tokeniser.encode(new)
            nats = NGram.fit(train, 3, len(tokeniser)).nats(test)
            unknown = {"words": 0, "unigram": 0, "wordpiece": 1}.get(name)
            row = {"size": len(tokeniser), "bytes": bytes_per_token(tokeniser, new), "nats": nats,
                   "perplexity": float(np.exp(nats)), "bits": bits_per_byte(nats, len(test), len(new.encode())),
                   "unknown": test.count(unknown) / len(test) if unknown is not None else 0.0,
                   "back": tokeniser.decode(test) == new}  # fmt: skip
            rows[name].append(row)
    keys = ("size", "bytes", "nats", "perplexity", "bits", "unknown")
    return {name: {key: spread([row[key] for row in each]) for key in keys} | {"back": each[0]["back"]}
            for name, each in rows.items()}  # fmt: skip


def vocabulary() -> dict:
    """Bytes per token of byte-level BPE against the vocabulary's size, and tokens by language at 2,000."""
    sizes = [256, 300, 400, 600, 1000, 1500, 2000, 3000, 4000]
    rows, languages = [], {name: [] for name in SENTENCES}
    for chapter in HELD_OUT:
        whole = ByteBPE.train([without(chapter)], sizes[-1])
        cut = {size: ByteBPE(whole.merges[: size - 256]) for size in sizes}
        rows.append([bytes_per_token(cut[size], prose(chapter)) for size in sizes])
        for name, sentences in SENTENCES.items():
            languages[name] += [len(cut[2000].encode(each)) for each in sentences]
    base = languages["English"]
    return {
        "sizes": sizes, "rows": [spread(each) for each in zip(*rows, strict=True)],
        "languages": {name: {"tokens": sum(n[:3]), "bytes": sum(len(s.encode()) for s in SENTENCES[name]),
                             "characters": sum(map(len, SENTENCES[name])),
                             "times": spread([a / b for a, b in zip(n, base, strict=True)])}
                      for name, n in languages.items()},
    }  # fmt: skip


def ties() -> dict:
    """How far the merges of three rules for ties lie apart: 744 merges each on three texts."""
    pairs = [("rustbpe", "hf"), ("rustbpe", "cs336"), ("hf", "cs336")]
    found: dict[str, dict[str, list[float]]] = {
        f"{a} {b}": {"first": [], "place": [], "tokens": [], "chunks": []} for a, b in pairs
    }
    bytes_each: dict[str, list[float]] = {rule: [] for rule in TIES}
    for chapter in HELD_OUT:
        made = {rule: ByteBPE.train([without(chapter)], 1000, rule) for rule in TIES}
        chunks = list(count_chunks([prose(chapter)], GPT2))
        cut = {rule: [[bpe.tokens[t] for t in bpe.encode(chunk)] for chunk in chunks] for rule, bpe in made.items()}
        for rule, bpe in made.items():
            bytes_each[rule].append(bytes_per_token(bpe, prose(chapter)))
        for a, b in pairs:
            one, two, row = made[a].parts[256:], made[b].parts[256:], found[f"{a} {b}"]
            other = [i for i, (x, y) in enumerate(zip(one, two, strict=True)) if x != y]
            row["first"].append(other[0] + 1)
            row["place"].append(len(other))
            row["tokens"].append(len(set(one) - set(two)))
            row["chunks"].append(statistics.fmean(x != y for x, y in zip(cut[a], cut[b], strict=True)))
    return {"merges": 744, "bytes": {rule: spread(each) for rule, each in bytes_each.items()},
            **{name: {key: spread(each) for key, each in row.items()} for name, row in found.items()}}  # fmt: skip


def made_sentences(n: int, seed: int) -> list[list[str]]:
    """Sentences on twelve people: words near a person tell the sex and the role, with some noise."""
    rng = np.random.default_rng(seed)
    roles, found = list(PEOPLE), []
    for _ in range(n):
        role, sex = rng.integers(len(roles)), rng.integers(2)
        told = sex if rng.random() < 0.85 else 1 - sex
        thing = role if rng.random() < 0.85 else rng.integers(len(roles))
        words = [rng.choice(SEX[told]), rng.choice(PEOPLE[roles[thing]][2]), *rng.choice(COMMON, 2)]
        found.append(["the", PEOPLE[roles[role]][sex], *rng.permutation(words).tolist()])
    return found


def questions() -> list[tuple[str, str, str, str]]:
    """All analogies from one role to another: man is to woman as king is to queen, and the other way."""
    pairs = [(he, she) for he, she, _ in PEOPLE.values()]
    return [(*one[::way], *two[::way]) for one in pairs for two in pairs if one != two for way in (1, -1)]


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


def glove(corpus: Corpus, words: WordVocabulary, size: int, steps: int, seed: int) -> WordVectors:
    """Vectors by GloVe, all pairs in every step of Adam."""
    torch.manual_seed(seed)
    table = WordTable(len(words), size)
    nn.init.normal_(table.outputs, std=0.1)
    pairs = cooccurrence(corpus, len(words), 4, weighted=True).tocoo()
    word, context = (torch.from_numpy(each.astype(np.int64)) for each in (pairs.row, pairs.col))
    count, adam = torch.from_numpy(pairs.data).float(), torch.optim.Adam(table.parameters(), 0.03)
    for _ in range(steps):
        adam.zero_grad()
        glove_loss(table.score(word, context), count).backward()
        adam.step()
    return WordVectors(list(words.words), table.vectors(both=True).detach())


def people() -> dict:
    """Analogies among twelve people by three methods, with more and more sentences; and with own words."""
    found: dict[str, dict] = {name: {} for name in ("counting", "skip_gram", "glove")}
    asked = questions()
    for n in (100, 300, 1000, 3000):
        right: dict[str, list[float]] = {name: [] for name in found}
        own: dict[str, list[float]] = {name: [] for name in found}
        for seed in range(3):
            sentences = made_sentences(n, seed)
            words = WordVocabulary.of(sentences, 2)
            corpus = Corpus.of(sentences, words)
            counts = cooccurrence(corpus, len(words), 4)
            made = {"counting": ppmi_svd(counts, words.words, 10, power=0.5),
                    "skip_gram": skip_gram(corpus, words, 10, max(4, 60_000 // n), seed),
                    "glove": glove(corpus, words, 10, 300, seed)}  # fmt: skip
            for name, vectors in made.items():
                right[name].append(float(answers(vectors, asked).mean()))
                own[name].append(own_words(vectors, asked))
        for name in found:
            found[name][str(n)] = {"right": spread(right[name]), "own": spread(own[name])}
    return found | {"questions": len(asked)}


def own_words(vectors: WordVectors, asked: Sequence[tuple[str, str, str, str]]) -> float:
    """How often the best word of all is one of the question's own three."""
    a, b, c = ([each[i] for each in asked] for i in range(3))
    rows = [vectors.table[[vectors.numbers[word] for word in part]] for part in (a, b, c)]
    best = [vectors.words[i] for i in cos_add(vectors.table, *rows).argmax(1).tolist()]
    return statistics.fmean(word in each[:3] for word, each in zip(best, asked, strict=True))


def neighbours() -> dict:
    """Neighbours of some words of the lectures by PPMI and SVD, how stable they are, and a map of 30 words."""
    texts = [words_of(prose(each)) for each in CHAPTERS]
    asked = [word for group in GROUPS.values() for word in group]

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
    table = whole.table[[whole.numbers[word] for word in asked]]
    table = table / table.norm(dim=1, keepdim=True)
    u, s, _ = torch.linalg.svd(table - table.mean(0), full_matrices=False)
    return {"vocabulary": len(whole), "lists": lists, "same": spread(same), "groups": GROUPS,
            "map": (u * s)[:, :2].tolist(), "explained": float((s[:2] ** 2).sum() / (s**2).sum())}  # fmt: skip


def lectures() -> dict:
    """Which lecture are 40 words of? Linear models on counts against a network, by the share of the text."""
    pieces, labels = [], []
    for chapter in CHAPTERS:
        words = words_of(prose(chapter))
        pieces += [" ".join(words[i : i + 40]) for i in range(0, len(words) - 39, 40)]
        labels += [chapter - 1] * (len(words) // 40)
    y, found = np.array(labels), {}
    for share in (0.125, 0.25, 0.5, 1.0):
        runs: dict[str, list[float]] = {}
        for seed in range(3):
            order = np.random.default_rng(seed).permutation(len(y))
            test, train = order[:200], order[200 : 200 + int(share * (len(y) - 200))]
            few = [pieces[i] for i in train], y[train]
            new = [pieces[i] for i in test], y[test]
            for name, value in (scored(few, new) | {"network": trained_bag(few, new, seed)}).items():
                runs.setdefault(name, []).append(value)
        found[str(share)] = {"pieces": len(train)} | {name: spread(each) for name, each in runs.items()}
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
