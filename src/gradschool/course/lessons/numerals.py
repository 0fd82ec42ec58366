"""Numbers from 1 to 999 in English and in German words: a language pair whose word order crosses.

"twenty three" is "drei und zwanzig", three and twenty: the last two words change places.
"""

import torch
from torch import Tensor

ENGLISH = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen"""
GERMAN = """eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn
siebzehn achtzehn neunzehn"""
TENS = {"en": "twenty thirty forty fifty sixty seventy eighty ninety",
        "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"}  # fmt: skip
PAD, BEGIN, END = 0, 1, 2


def english(number: int) -> list[str]:
    """A number from 1 to 999 in English words."""
    small, tens = ENGLISH.split(), TENS["en"].split()
    words = [small[number // 100 - 1], "hundred"] if number >= 100 else []
    rest = number % 100
    if rest >= 20:
        return words + [tens[rest // 10 - 2]] + ([small[rest % 10 - 1]] if rest % 10 else [])
    return words + ([small[rest - 1]] if rest else [])


def german(number: int) -> list[str]:
    """A number from 1 to 999 in German words, each of its parts a word of its own."""
    small, tens = GERMAN.split(), TENS["de"].split()
    ones = ["ein", *small[1:]]
    words = [ones[number // 100 - 1], "hundert"] if number >= 100 else []
    rest = number % 100
    if rest >= 20:
        return words + ([ones[rest % 10 - 1], "und"] if rest % 10 else []) + [tens[rest // 10 - 2]]
    return words + ([small[rest - 1]] if rest else [])


SOURCES = ["", "", "", *dict.fromkeys(word for n in range(1, 1000) for word in english(n))]
TARGETS = ["", "", "", *dict.fromkeys(word for n in range(1, 1000) for word in german(n))]


def rows(numbers: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """English words (n, m), their lengths (n), and German words between BEGIN and END (n, t), padded."""
    read = [[SOURCES.index(word) for word in english(number)] for number in numbers]
    write = [[BEGIN, *(TARGETS.index(word) for word in german(number)), END] for number in numbers]
    lengths = torch.tensor([len(row) for row in read])
    padded = [
        torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in each], True, PAD)
        for each in (read, write)
    ]
    return padded[0], lengths, padded[1]


def greedy(model, source: Tensor, lengths: Tensor, steps: int = 8) -> Tensor:
    """What a translator writes, its most probable word at every step: (n, steps), PAD after END."""
    memory = model.encode(source, lengths)
    written = torch.full((len(source), 1), BEGIN)
    over = torch.zeros(len(source), dtype=torch.bool)
    for _ in range(steps):
        word = model.decode(written, memory)[:, -1].argmax(1)
        written = torch.cat([written, word.masked_fill(over, PAD)[:, None]], 1)
        over |= word == END
    return written[:, 1:]
