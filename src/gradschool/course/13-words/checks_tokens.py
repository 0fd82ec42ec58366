"""Checks of chapter 13, tokens: windows, Python's own replacement of text, every way to cut a text."""

import math

import torch

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

EXACT = Tolerance(0, 0, "whole numbers and words")


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def whole(seed, most, *shape):
    """Random whole numbers from 0 to `most`."""
    return torch.randint(0, most + 1, shape, generator=torch.Generator().manual_seed(seed))


def counted(mine, words):
    """The counts as a text, sorted by pair; words are sent as lists, since keys of a dict must be text."""
    given = {tuple(word): times for word, times in words}
    found = mine(given)
    if given != {tuple(word): times for word, times in words}:
        return "the words were changed"
    return ", ".join(f"{a} {b}: {times}" for (a, b), times in sorted(found.items()))


def slid(words):
    """A window of two over each word, once for each time that it occurs."""
    found = []
    for word, times in words:
        for _ in range(times):
            found += [(word[i], word[i + 1]) for i in range(len(word) - 1)]
    counts = {pair: found.count(pair) for pair in sorted(set(found))}
    return ", ".join(f"{a} {b}: {times}" for (a, b), times in counts.items())


def pair_counts(ladder: Ladder) -> None:
    """Small words by hand, repeated pairs, one part alone, nothing; then random words."""
    drawn = [(whole(i, 3, 2 + i).tolist(), 1 + i % 3) for i in range(7)]
    cases = [
        Case("the word 1 2 3, twice", ([([1, 2, 3], 2)],)),
        Case("the words 1 2 1 2, three times, and 2 1, once", ([([1, 2, 1, 2], 3), ([2, 1], 1)],)),
        Case("the word 5 5 5, once", ([([5, 5, 5], 1)],)),
        Case("a word of one part", ([([7], 4)],)),
        Case("no words", ([],)),
        Case("7 words of parts 0 to 3", (drawn,)),
    ]
    ladder.agrees(cases, slid, EXACT, through=counted)


def rewritten(mine, word, pair, new):
    """The new word as a text. A pair is sent as a list; the word must stay, and another list come."""
    given = list(word) if isinstance(word, list) else tuple(word)
    found = mine(given, tuple(pair), new)
    if list(given) != list(word):
        return "the word was changed"
    if found is given:
        return "the list that was given, not a new one"
    return " ".join(map(str, found)) if isinstance(found, list) else found


def in_text(word, pair, new):
    """Parts as characters; Python's `str.replace` goes from left to right, too."""
    text = "".join(chr(1000 + part) for part in word)
    text = text.replace("".join(chr(1000 + part) for part in pair), chr(1000 + new))
    return " ".join(str(ord(character) - 1000) for character in text)


def merge(ladder: Ladder) -> None:
    """By hand, overlaps, the ends, nothing to do, a tuple, empty; then many."""
    cases = [
        Case("1 2 3 1 2, pair 1 2 becomes 9", ([1, 2, 3, 1, 2], [1, 2], 9)),
        Case("1 1 1, pair 1 1 becomes 9", ([1, 1, 1], [1, 1], 9)),
        Case("1 1 1 2 1 1 1 1, pair 1 1 becomes 9", ([1, 1, 1, 2, 1, 1, 1, 1], [1, 1], 9)),
        Case("2 1 2 1 3, pair 1 2 becomes 9", ([2, 1, 2, 1, 3], [1, 2], 9)),
        Case("a word without the pair", ([4, 5, 6], [5, 4], 9)),
        Case("a tuple, 1 2 1 2 3, pair 1 2 becomes 9", ((1, 2, 1, 2, 3), [1, 2], 9)),
        Case("one part", ([1], [1, 1], 9)),
        Case("an empty word", ([], [1, 1], 9)),
        Case("60 parts 0 and 1, pair 1 0 becomes 300", (whole(0, 1, 60).tolist(), [1, 0], 300)),
    ]
    ladder.agrees(cases, in_text, EXACT, through=rewritten)


def in_order(mine, ties, parts):
    """Numbers of parts (each sent with its bytes as a list) in the order of their keys."""
    key = mine(ties)
    return [number for number, _ in sorted(parts, key=lambda part: key(part[0], bytes(part[1])))]


def in_the_order_of_the_programs(ties, parts):
    """GPT-2's order of bytes from its three ranges; bytes compared by Python."""
    if ties == "rustbpe":
        return sorted(number for number, _ in parts)
    if ties == "cs336":
        return [number for number, _ in sorted(parts, key=lambda part: bytes(part[1]), reverse=True)]
    first = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    place = [*first, *(byte for byte in range(256) if byte not in first), *range(256, 999)]
    return sorted((number for number, _ in parts), key=place.index)


def merge_ties(ladder: Ladder) -> None:
    """The same parts by each of the three rules: letters, a space, all bytes, merges that begin alike."""
    letters = [(97, [97]), (98, [98]), (32, [32]), (200, [200]), (256, [97, 98])]
    bytes_alone = [(byte, [byte]) for byte in range(256)]
    merges = [
        (257, [98, 97]), (97, [97]), (256, [97, 98]), (258, [97, 98, 97]), (32, [32]), (259, [255]),
        (260, [97, 0]), (261, [32, 97]), (262, [97, 255, 255]),
    ]  # fmt: skip
    rules = ("rustbpe", "hf", "cs336")
    told = {"a, b, space, byte 200 and the merge ab": letters, "all 256 bytes": bytes_alone}
    told["merges of which some begin with others"] = merges
    cases = [Case(f"{about}, ties = {r!r}", (r, parts)) for about, parts in told.items() for r in rules]
    ladder.agrees(cases, in_the_order_of_the_programs, EXACT, through=in_order)


def encoded(mine, word, merges, turned=False):
    """The parts as a text. Merges are sent as a list; `turned`: the mapping has the last one first."""
    given = list(word) if isinstance(word, list) else tuple(word)
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
    found = mine(given, dict(reversed(ranks.items())) if turned else ranks)
    if list(given) != list(word) or len(ranks) != len(merges):
        return "an argument was changed"
    if found is given:
        return "the list that was given, not a new one"
    return " ".join(map(str, found)) if isinstance(found, list) else found


def merge_by_merge(word, merges, turned=False):
    """All merges one after the other, as training did them, each over the whole text."""
    text = "".join(chr(1000 + part) for part in word)
    for rank, (a, b) in enumerate(merges):
        text = text.replace(chr(1000 + a) + chr(1000 + b), chr(1256 + rank))
    return " ".join(str(ord(character) - 1000) for character in text)


def encode_by_merges(ladder: Ladder) -> None:
    """By hand, an order that differs from left to right and from the longest, repeats; nothing to do."""
    abc = [97, 98, 99]
    tower = [[97, 98], [256, 99], [257, 100]]
    drawn = [[97, 98], [98, 97], [256, 256], [97, 97], [257, 256], [258, 97], [99, 256], [260, 99]]
    cases = [
        Case("abc, where bc was learnt before ab", (abc, [[98, 99], [97, 98]])),
        Case("abc, where ab was learnt before bc", (abc, [[97, 98], [98, 99]])),
        Case("abcdab, ab then ab+c then abc+d", ([*abc, 100, 97, 98], tower)),
        Case("aaaaa, aa then aa+aa", ([97] * 5, [[97, 97], [256, 256]])),
        Case("xabx, where only ab is known", ([120, 97, 98, 120], [[97, 98]])),
        Case("no merges", (abc, [])),
        Case("one byte", ([97], [[97, 97]])),
        Case("an empty word", ([], [[97, 98]])),
        Case("a tuple, abab", ((97, 98, 97, 98), drawn)),
        Case("40 letters a to c, 8 merges", ((97 + whole(2, 2, 40)).tolist(), drawn)),
        Case("abcdab, the last merge standing first in `ranks`", ([*abc, 100, 97, 98], tower, True)),
    ]
    ladder.agrees(cases, merge_by_merge, EXACT, through=encoded)


def pieces_of(mine, word, pieces):
    """The pieces with bars between them; None stays None."""
    found = mine(word, {piece: number for number, piece in enumerate(pieces)})
    return "|".join(found) if isinstance(found, list) else "no way" if found is None else found


def by_pattern(word, pieces):
    """Greedy matching by regular expressions, the longest alternative first."""
    import re

    first = sorted((re.escape(p) for p in pieces if not p.startswith("##")), key=len, reverse=True)
    inside = sorted((re.escape(p[2:]) for p in pieces if p.startswith("##")), key=len, reverse=True)
    found, rest, marks = [], word, first
    while rest:
        match = re.match("|".join(marks), rest) if marks else None
        if match is None:
            return "no way"
        found.append(("##" if found else "") + match[0])
        rest, marks = rest[match.end() :], inside
    return "|".join(found)


def wordpiece(ladder: Ladder) -> None:
    """By hand, whole words, marks, dead ends, one letter; then a vocabulary of many pieces."""
    small = ["un", "una", "u", "##able", "##ble", "##b", "##le", "able", "b"]
    letters = ["a", "b", "##a", "##b", "ab", "##ab", "##bb", "aab", "##abb"]
    cases = [
        Case("'unable' with un, una, ##able, ##ble and others", ("unable", small)),
        Case("'able', which is a piece", ("able", small)),
        Case("'unble' with un, ##ble and ##b, ##le", ("unble", small)),
        Case("'unx', of which x is no piece", ("unx", small)),
        Case("'xun', which begins with no piece", ("xun", small)),
        Case("'unaable', where the longest first is right", ("unaable", small)),
        Case("'abc' with a, ab, ##bc: the longest first leads nowhere", ("abc", ["a", "ab", "##bc"])),
        Case("'bb' with b alone, which is no piece within a word", ("bb", ["b"])),
        Case("'b'", ("b", small)),
        Case("'Bb' with B, ##b and b", ("Bb", ["B", "##b", "b"])),
        Case("'ababbaabab'", ("ababbaabab", letters)),
        Case("'aabbabbb'", ("aabbabbb", letters)),
        Case("'a' without pieces", ("a", [])),
    ]
    ladder.agrees(cases, by_pattern, EXACT, through=pieces_of)


def best_way(mine, text, pieces):
    """The learner's cut with bars between pieces; the lattice is laid out here."""
    n = len(text)
    spans = [(i, j) for j in range(1, n + 1) for i in range(j)]
    lattice = [(i, j, text[i:j]) for i, j in spans if text[i:j] in pieces]
    found = mine(lattice, n, pieces)
    return "|".join(found) if isinstance(found, list) else found


def of_all_ways(text, pieces):
    """Every set of places to cut at; the way with the greatest sum."""
    best, found = -math.inf, ""
    for cuts in range(2 ** max(len(text) - 1, 0)):
        way, start = [], 0
        for end in range(1, len(text) + 1):
            if end == len(text) or cuts >> (end - 1) & 1:
                way.append(text[start:end])
                start = end
        score = sum(pieces.get(piece, -math.inf) for piece in way)
        if score > best:
            best, found = score, "|".join(way)
    return found


def viterbi_segmentation(ladder: Ladder) -> None:
    """By hand, against greed and against few pieces, no way, nothing; then random vocabularies."""
    hug = {"h": -3.0, "u": -3.1, "g": -3.2, "hu": -4.0, "ug": -2.5, "hug": -6.0}
    few = {"a": -0.5, "b": -0.7, "ab": -4.0, "abab": -9.0}
    late = {"a": -1.0, "aa": -1.9, "aab": -7.0, "b": -5.0, "ab": -3.3}
    texts = ["".join("ab"[i] for i in whole(seed, 1, 9).tolist()) for seed in range(4)]
    costs = -draw(5, 40).abs().double() - 0.1
    grams = sorted({text[i:j] for text in texts for i in range(9) for j in range(i + 1, min(i + 4, 10))})
    drawn = {gram: round(cost, 3) for gram, cost in zip(grams, costs.tolist(), strict=False)}
    cases = [
        Case("'hug', log p of h -3, u -3.1, g -3.2, hu -4, ug -2.5, hug -6", ("hug", hug)),
        Case("'abab', log p of a -0.5, b -0.7, ab -4, abab -9", ("abab", few)),
        Case("'aaab' with a -1, aa -1.9, aab -7, b -5, ab -3.3", ("aaab", late)),
        Case("'huh', where the last piece is one letter", ("huh", hug)),
        Case("'hugx', of which x is no piece", ("hugx", hug)),
        Case("'xhug', which begins with no piece", ("xhug", hug)),
        Case("an empty text", ("", hug)),
        Case("a certain piece, log p = 0", ("q", {"q": 0.0})),
    ]
    cases += [Case(f"{text!r}, all pieces up to 3 letters", (text, drawn)) for text in texts]
    ladder.agrees(cases, of_all_ways, EXACT, through=best_way)
    alike = {"a": -1.0, "bc": -2.0, "ab": -2.0, "c": -1.0, "b": -4.0}
    came = ladder.inside(best_way)("abc", alike)
    ladder.holds(f"Both ways to cut 'abc' are the best; {came} came.", came in ("a|bc", "ab|c"))
