"""Checks of chapter 13, counts and vectors: plain loops, probabilities and whole tables in float64."""

import math
from collections import Counter

import numpy as np
import torch

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, sums of a few products, against float64")
FLOAT64 = Tolerance(1e-9, 1e-12, "float64, a few operations a number, in another order")
GENTLE = Tolerance(1e-6, 1e-7, "float64, but a discount times whole numbers may be float32 on the way")
EXACT = Tolerance(0, 0, "whole numbers and words")


def draw(seed, *shape, dtype=torch.float32):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def whole(seed, most, *shape):
    """Random whole numbers from 0 to `most`."""
    return torch.randint(0, most + 1, shape, generator=torch.Generator().manual_seed(seed))


# Counting


def discounts_by_hand(count):
    """Counts of counts by a Counter; the paper's three fractions one by one."""
    n = Counter(count.tolist())
    found = [0.0]
    y = n[1] / (n[1] + 2 * n[2]) if n[1] else math.nan
    for j in (1, 2, 3):
        d = j - (j + 1) * y * n[j + 1] / n[j] if n[j] else math.nan
        found.append(d if 0 <= d <= j else j / 2)
    return torch.tensor(found, dtype=torch.float64)


def kneser_ney_discounts(ladder: Ladder) -> None:
    """By hand, many, and samples in which a number of the formula is 0 or a discount leaves its range."""
    told = {
        "counts 1, 1, 1, 1, 2, 2, 3, 4": [1, 1, 1, 1, 2, 2, 3, 4],
        "counts 1, 1, 1, 2, 2, 3, with zeros among them": [0, 1, 2, 0, 1, 3, 0, 2, 1],
        "many counts, some of them large": [1] * 60 + [2] * 25 + [3] * 12 + [4] * 7 + [5] * 9 + [6, 90, 700],
        "counts 1, 1, 2, without a 3": [1, 1, 2],
        "counts 1 and 3, without a 2": [1, 1, 3, 3, 4],
        "counts 2, 2, 3, without a 1": [2, 2, 3],
        "counts 7 and 8, large ones alone": [7, 8],
        "counts 1, 2, 2, 2, whose formula gives D_1 = 1/7": [1, 2, 2, 2],
        "two 1, two 2 and five 3, whose formula gives D_2 = -1/2": [1, 1, 2, 2, 3, 3, 3, 3, 3],
        "counts 1, 2, 3 and five times 4, whose formula gives D_3 below 0": [1, 2, 3, 4, 4, 4, 4, 4],
        "no n-gram at all": [],
    }
    cases = [Case(about, (torch.tensor(counts, dtype=torch.int64),)) for about, counts in told.items()]
    ladder.agrees(cases, discounts_by_hand, FLOAT64)


def pair_after_pair(count, discount=0.75):
    """One probability at a time, in Python's float64."""
    rows = count.tolist()
    before = [sum(row[w] > 0 for row in rows) for w in range(len(rows))]
    found = []
    for row in rows:
        total, kinds = sum(row), sum(c > 0 for c in row)
        weight = discount * kinds / total if total else 1.0
        own = [max(c - discount, 0) / total if total else 0.0 for c in row]
        found.append([p + weight * n / sum(before) for p, n in zip(own, before, strict=True)])
    return torch.tensor(found, dtype=torch.float64)


def continuation(ladder: Ladder) -> None:
    """Two words, San Francisco, a row without counts, other discounts; then rows sum to 1."""
    francisco = torch.tensor([[0, 9, 0, 1], [0, 0, 1, 0], [1, 0, 0, 2], [0, 0, 3, 0]])
    lonely = torch.tensor([[2, 1, 0], [0, 0, 0], [0, 4, 1]])
    many = whole(0, 4, 6, 6) * whole(1, 1, 6, 6)
    cases = [
        Case("2 words, counts ((0, 2), (1, 1)), D = 0.5", (torch.tensor([[0, 2], [1, 1]]), 0.5)),
        Case("word 1 (Francisco) 9 times, always after word 0 (San)", (francisco,)),
        Case("a word that nothing ever followed", (lonely,)),
        Case("6 words, D = 0.3", (many, 0.3)),
        Case("6 words, D = 1, so that pairs seen once keep nothing", (many, 1.0)),
        Case("1 word, seen after itself", (torch.tensor([[5]]),)),
    ]
    ladder.agrees(cases, pair_after_pair, GENTLE)
    sums = ladder.subject(many).sum(1)
    ladder.same("Each row sums to 1, which", sums, torch.ones(6, dtype=torch.float64), GENTLE)


def twos_to_the_bits(nats, tokens, size):
    """The base-2 logarithm of 1 / probability of the text, over its bytes; float64."""
    value = nats.double() if isinstance(nats, torch.Tensor) else nats
    found = value * tokens * math.log2(math.e) / size
    return found.to(nats.dtype) if isinstance(nats, torch.Tensor) else found


def bits_per_byte(ladder: Ladder) -> None:
    """A number by hand, real ones, extremes, a tensor; then bytes cost 8 bits if all are equally likely."""
    wide = draw(0, 5, dtype=torch.float64).abs()
    cases = [
        Case("nats = log 2 (a bit a token), 8 tokens in 4 bytes", (math.log(2), 8, 4)),
        Case("nats = 1, 3 tokens in 10 bytes", (1.0, 3, 10)),
        Case("nats = 6.2, 250,000 tokens in 1,115,394 bytes", (6.2, 250_000, 1_115_394)),
        Case("nats = 0, where every token was certain", (0.0, 7, 30)),
        Case("no tokens", (2.5, 0, 30)),
        Case("a tensor of 2x3 costs", (draw(1, 2, 3).abs(), 5, 17)),
        Case("a tensor of 5 costs in float64", (wide, 11, 3)),
    ]
    ladder.agrees(cases, twos_to_the_bits, CLOSE)
    ladder.gradients(cases[5:], twos_to_the_bits, CLOSE)
    costs = [math.log(256), 1.7], [9, 250], [9, 999]
    exact = [twos_to_the_bits(*each) for each in zip(*costs, strict=True)]
    came = [ladder.subject(*each) for each in zip(*costs, strict=True)]
    ladder.same("Plain numbers are float64, to whose last digits this", came, exact, FLOAT64)
    eight = ladder.subject(math.log(256), 9, 9)
    ladder.same("If all 256 bytes are equally likely, one costs 8 bits, which", eight, 8.0, CLOSE)


# Word vectors


def dense_table(count, word, context, smoothing=0.75, shift=1.0):
    """The whole table of counts in NumPy's float64, its margins, and the logarithm of each entry."""
    table = np.zeros((int(word.max()) + 1, int(context.max()) + 1))
    for c, w, u in zip(count.tolist(), word.tolist(), context.tolist(), strict=True):
        table[w, u] = c
    p_word, powers = table.sum(1) / table.sum(), table.sum(0) ** smoothing
    p_context = powers / powers.sum()
    found = [
        max(math.log(table[w, u] / table.sum() / (p_word[w] * p_context[u]) / shift), 0.0)
        for w, u in zip(word.tolist(), context.tolist(), strict=True)
    ]
    return torch.tensor(found, dtype=count.dtype)


def ppmi(ladder: Ladder) -> None:
    """By hand without smoothing; with it, with a shift, with both; float64; then a table of chance is 0."""
    two, three = (numbers(0, 0, 1), numbers(0, 1, 1)), numbers(4.0, 2.0, 2.0)
    table = whole(0, 9, 5, 7) * whole(1, 1, 5, 7)
    word, context = table.nonzero().T
    count = table[word, context].float()
    cases = [
        Case("(0, 0) 4 times, (0, 1) and (1, 1) twice, smoothing = 1", (three, *two, 1.0)),
        Case("(0, 0) 4 times, (0, 1) and (1, 1) twice, smoothing = 0.75", (three, *two)),
        Case("(0, 0) 4 times, (0, 1), (1, 1) twice, smoothing = 1, shift = 1.5", (three, *two, 1.0, 1.5)),
        Case("pairs of 5 words and 7 contexts", (count, word, context)),
        Case("pairs of 5 words and 7 contexts, smoothing = 0.5, shift = 2", (count, word, context, 0.5, 2.0)),
        Case("counts that are fractions, in float64", (count.double() / 3, word, context, 0.9)),
        Case("one pair, in float16", (torch.tensor([3.0]).half(), torch.tensor([2]), torch.tensor([1]))),
    ]
    ladder.agrees(cases, dense_table, CLOSE)
    chance = torch.outer(torch.tensor([1.0, 2.0, 5.0]), torch.tensor([3.0, 1.0]))
    word, context = (chance > 0).nonzero().T
    found = ladder.subject(chance.flatten(), word, context, 1.0)
    ladder.same("Where all is as frequent as by chance, everything is 0, which", found, torch.zeros(6), CLOSE)


def kept(share, threshold=1e-3):
    """sqrt(t / f) (1 + sqrt(t / f)), the root taken by logarithms in float64."""
    root = torch.exp(0.5 * (math.log(threshold) - share.double().log()))
    return torch.minimum(root * (1 + root), torch.ones_like(root)).to(share.dtype)


def keep_probability(ladder: Ladder) -> None:
    """By hand, the default, other thresholds, the whole text; then rare words are always kept."""
    shares = torch.tensor([0.06, 0.01, 0.003, 0.001, 1e-5])
    cases = [
        Case("f = (0.16), t = 0.01", (torch.tensor([0.16]), 0.01)),
        Case("f = (0.06, 0.01, 0.003, 0.001, 0.00001)", (shares,)),
        Case("f = (0.06, 0.01, 0.003, 0.001, 0.00001), t = 0.0001", (shares, 1e-4)),
        Case("f = 1, a text of one word", (torch.ones(1), 0.04)),
        Case("4 shares in float64", (torch.tensor([0.5, 0.25, 0.2, 0.05], dtype=torch.float64), 0.02)),
    ]
    ladder.agrees(cases, kept, CLOSE)
    found = ladder.subject(torch.tensor([0.038, 0.03, 0.001]), 0.1)
    ladder.same("Words rarer than 2.6 t are always kept, which", found, torch.ones(3), CLOSE)


def told_apart(centre, context, negatives):
    """Torch's binary cross-entropy of k + 1 scores, the first of them true, in float64."""
    words = torch.cat([context[:, None], negatives], 1).double()
    scores = torch.einsum("bd,bkd->bk", centre.double(), words)
    truth = torch.zeros_like(scores)
    truth[:, 0] = 1
    loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, truth, reduction="none")
    return (loss.sum() / len(centre)).to(centre.dtype)


def skip_gram_loss(ladder: Ladder) -> None:
    """One pair by hand, several, float64, scores of a thousand; then a right answer costs nothing."""
    v, u, n = draw(0, 4, 3), draw(1, 4, 3), draw(2, 4, 5, 3)
    axis, turned = numbers([1.0, 0.0]), numbers([1.0], [-1.0], [1.0], [-1.0])
    one, two = numbers([[-1.0, 3.0]]), numbers([[0.0, 3.0], [1.0, 1.0]])
    cases = [
        Case("v = (1, 0), u = (2, 5), n = (-1, 3)", (axis, numbers([2.0, 5.0]), one)),
        Case("v = (1, 0), u = (0, 5), n = (0, 3) and (1, 1)", (axis, numbers([0.0, 5.0]), two)),
        Case("v = (1, 0), u = (-200, 5), n = (-1, 3)", (axis, numbers([-200.0, 5.0]), one)),
        Case("4 pairs in 3 dimensions, 5 random words each", (v, u, n)),
        Case("4 pairs in float64", (v.double(), u.double(), n.double())),
        Case("scores of about +-1000, of which half are wrong", (30 * v, 30 * u * turned, 30 * n)),
    ]
    ladder.agrees(cases, told_apart, CLOSE)
    ladder.gradients(cases, told_apart, CLOSE)
    sure = ladder.subject(50 * axis, axis, -axis[None])
    ladder.same("Where all is told apart with certainty the loss is 0, which", sure, torch.zeros(()), CLOSE)


def pulled(score, count, most=100.0, power=0.75):
    """Pair after pair in float64."""
    total = 0.0
    for s, c in zip(score.double(), count.double(), strict=True):
        weight = torch.exp(power * torch.log(c / most)) if c < most else torch.ones_like(c)
        total = total + weight * (s - torch.log(c)).square()
    return (total / len(score)).to(score.dtype)


def glove_loss(ladder: Ladder) -> None:
    """By hand, at and above the most, other settings, float64; then right scores cost nothing."""
    both, score, count = torch.ones(2), draw(0, 6), torch.tensor([1.0, 2.5, 16.0, 99.0, 130.0, 4000.0])
    cases = [
        Case("score = (2), count = (1), most = 16, power = 0.5", (numbers(2.0), numbers(1.0), 16.0, 0.5)),
        Case("score = (1, 3), count = (1, 1), most = 4, power = 0.5", (numbers(1.0, 3.0), both, 4.0, 0.5)),
        Case("6 pairs, two of them above 100", (score, count)),
        Case("6 pairs, most = 10, power = 0.3", (score, count, 10.0, 0.3)),
        Case("6 pairs in float64", (3 * score.double(), count.double())),
    ]
    ladder.agrees(cases, pulled, CLOSE)
    ladder.gradients(cases, pulled, CLOSE)
    right = ladder.subject(count.log(), count)
    ladder.same("Where all scores are logarithms of counts the loss is 0, which", right, 0 * right, CLOSE)


def of_words(mine, words, table, questions, product):
    """The learner's function with word vectors of these words."""
    from gradschool.data.text.vectors.wordvectors import WordVectors

    vectors = WordVectors(words, table)
    return mine(vectors, questions, product) if product is not None else mine(vectors, questions)


def one_word_at_a_time(words, table, questions, product):
    """The cosines of each word with a, b and c, in float64; the best that the question does not name."""
    unit = {w: v / np.linalg.norm(v) for w, v in zip(words, table.double().numpy(), strict=True)}
    right = []
    for a, b, c, d in questions:
        scores = {}
        for word in words:
            to_a, to_b, to_c = (unit[word] @ unit[other] for other in (a, b, c))
            scores[word] = to_b - to_a + to_c
            if product:
                scores[word] = (to_b + 1) / 2 * (to_c + 1) / 2 / ((to_a + 1) / 2 + 1e-3)
        best = max((word for word in words if word not in (a, b, c)), key=scores.__getitem__)
        right.append(best == d)
    return np.array(right, dtype=bool)


def analogy(ladder: Ladder) -> None:
    """Capitals in a plane, every question on random words by sum and by product, none at all."""
    words = ["paris", "france", "rome", "italy", "cow"]
    table = torch.tensor([[2.0, 1.0], [0.2, 1.0], [2.0, 0.1], [0.5, 0.3], [-1.0, 0.4]])
    names = list("abcdefg")
    every = [(a, b, c, d) for a in names[:3] for b in names[2:5] for c in names[1:6] for d in names]
    random, different = draw(3, 7, 3), [each for each in every if len(set(each)) == 4][:100]
    away = torch.tensor([[1.0, 0.0], [0.9, 0.1], [1.0, 0.05], [-1.0, 0.2], [-1.0, -0.3]])
    far = [(*words[:3], word) for word in words[3:]]
    france = [("france", "paris", "italy", "rome"), ("france", "paris", "italy", "cow")]
    cases = [
        Case("france to paris as italy to rome, then to cow", (words, table, france, None)),
        Case("100 questions and 7 words in 3 dimensions", (names, random, different, False)),
        Case("100 questions and 7 words, by 3CosMul", (names, random, different, True)),
        Case("all other words lie on the other side", (words, away, far, False)),
        Case("no questions", (words, table, [], False)),
    ]
    ladder.agrees(cases, one_word_at_a_time, EXACT, through=of_words)
    longer = ladder.inside(of_words)(names, random * torch.arange(1.0, 8.0)[:, None], different, False)
    wanted = one_word_at_a_time(names, random, different, False)
    ladder.same("Longer vectors have the same angles and give the same answers, which", longer, wanted, EXACT)
