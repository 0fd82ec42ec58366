"""A tokeniser of the tests' own: letters by their place in an alphabet."""


class Letters:
    def __init__(self, alphabet):
        self.alphabet = sorted(alphabet)
        self.numbers = {letter: number for number, letter in enumerate(self.alphabet)}

    def __len__(self):
        return len(self.alphabet)

    def encode(self, text):
        return [self.numbers[letter] for letter in text]

    def decode(self, ids):
        return "".join(self.alphabet[id] for id in ids)

    def shown(self, id):
        return self.alphabet[id]

    def facts(self):
        return {"kind": "letters", "alphabet": "".join(self.alphabet)}


def letters(running, start, stop):
    return Letters(running.alphabet)
