"""Beam search against all texts of a small model; token by token against a loop."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.ops.decoding.search import beam_search, decode

END = 0


class Toy:
    """Logits that depend on all tokens so far and their order."""

    def __init__(self, kinds: int, seed: int) -> None:
        g = torch.Generator().manual_seed(seed)
        self.cell = torch.nn.GRUCell(kinds, 5).double()
        self.out = torch.randn(5, kinds, generator=g, dtype=torch.float64) * 3
        self.kinds, self.calls = kinds, 0
        for p in self.cell.parameters():
            p.data = torch.randn(p.shape, generator=g, dtype=torch.float64)
            p.requires_grad_(False)

    def read(self, h: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
        return self.cell(torch.nn.functional.one_hot(token, self.kinds).double(), h)

    def step(self, tokens, rows):
        self.calls += 1
        h = torch.zeros(len(tokens), 5, dtype=torch.float64)
        for t in range(tokens.shape[1]):
            h = self.read(h, tokens[:, t])
        return h @ self.out

    def cached(self):
        """The same with a state that is carried along: only the last token is read."""
        h = None

        def step(tokens, rows):
            nonlocal h
            if h is None:
                h = torch.zeros(len(tokens), 5, dtype=torch.float64)
                for t in range(tokens.shape[1] - 1):
                    h = self.read(h, tokens[:, t])
            h = self.read(h[rows], tokens[:, -1])
            return h @ self.out

        return step


def texts(kinds: int, length: int, ends: bool):
    for n in range(1, length + 1):
        for text in itertools.product(range(kinds), repeat=n):
            if (n == length or (ends and text[-1] == END)) and not (ends and END in text[:-1]):
                yield text


def log_p(toy: Toy, prompt, known: dict, text) -> float:
    """Token by token; the logits after each beginning are computed once."""
    total = 0.0
    for i, token in enumerate(text):
        if text[:i] not in known:
            x = toy.step(torch.tensor([[*prompt, *text[:i]]]), None)[0]
            known[text[:i]] = x.log_softmax(0).tolist()
        total += known[text[:i]][token]
    return total


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), penalty=st.sampled_from([0.0, 0.6, 1.0, 2.0, -0.5]), ends=st.booleans())
def test_with_enough_beams_it_is_exhaustive(seed, penalty, ends):
    toy, prompt, length, known = Toy(3, seed), [1, 2], 4, {}
    every = {text: log_p(toy, prompt, known, text) for text in texts(3, length, ends)}
    order = sorted(every, key=lambda text: -every[text] / len(text) ** penalty)
    beams = 3**length
    found = beam_search(toy.step, torch.tensor(prompt), beams, length, END if ends else None, penalty)
    for text, wanted in zip(found, order[:beams], strict=True):
        # float64, sums of a few terms in another order; two texts may be equally good.
        assert text.score == pytest.approx(every[wanted] / len(wanted) ** penalty, abs=1e-9)
        assert text.log_p == pytest.approx(every[text.tokens], abs=1e-9)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), beams=st.integers(1, 4), penalty=st.floats(0, 2))
def test_a_cache_follows_its_rows(seed, beams, penalty):
    toy, prompt = Toy(5, seed), torch.tensor([3, 1])
    plain = beam_search(toy.step, prompt, beams, 6, END, penalty)
    cached = beam_search(toy.cached(), prompt, beams, 6, END, penalty)
    assert [text.tokens for text in plain] == [text.tokens for text in cached]
    assert all(t.tokens[-1] == END or len(t.tokens) == 6 for t in plain) and len(plain) <= beams
    assert [t.score for t in plain] == sorted((t.score for t in plain), reverse=True)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_one_beam_without_an_end_is_greedy(seed):
    toy, prompt = Toy(6, seed), torch.tensor([[2]])
    (found,) = beam_search(toy.step, prompt[0], 1, 5)
    greedy = torch.cat([*decode(toy.step, prompt, lambda x, tokens: x.argmax(1), 5)])
    assert found.tokens == tuple(greedy.tolist())


def test_it_stops_as_soon_as_nothing_can_become_better():
    toy = Toy(4, 0)
    sure = torch.tensor([50.0, 0, 0, 0], dtype=torch.float64)

    def step(tokens, rows):
        toy.calls += 1
        return sure.expand(len(tokens), -1)

    (found,) = beam_search(step, torch.tensor([1]), 1, 10, END, 0.0)
    assert found.tokens == (END,) and toy.calls == 1


def test_what_is_impossible_is_never_a_hypothesis():
    """As under a grammar: of three tokens one may follow."""

    def step(tokens, rows):
        x = torch.full((len(tokens), 3), -torch.inf)
        x[torch.arange(len(tokens)), (tokens[:, -1] + 1) % 3] = 0.0
        return x

    found = beam_search(step, torch.tensor([1]), 4, 9, END)
    assert [text.tokens for text in found] == [(2, END)] and found[0].log_p == 0


def test_a_batch_goes_on_until_all_have_ended():
    script = torch.tensor([[3, END, 2, 2, 2], [3, 3, 3, END, 2]])

    def step(tokens, rows):
        return torch.nn.functional.one_hot(script[rows, tokens.shape[1] - 1], 4).float()

    prompt = torch.tensor([[1], [2]])
    found = torch.stack([*decode(step, prompt, lambda x, tokens: x.argmax(1), 5, END)], 1)
    assert found.tolist() == [[3, END, END, END], [3, 3, 3, END]]
    endless = torch.stack([*decode(step, prompt, lambda x, tokens: x.argmax(1), 5)], 1)
    assert endless.tolist() == script.tolist()


@pytest.mark.parametrize(("beams", "length", "word"), [(0, 3, "beams is 0"), (2, 0, "length is 0")])
def test_no_beam_and_no_length_are_refused(beams, length, word):
    with pytest.raises(ValueError, match=word):
        beam_search(Toy(3, 0).step, torch.tensor([1]), beams, length)


@pytest.mark.parametrize("penalty", [0.0, 1.0, 1.7])
def test_it_finds_what_transformers_finds(penalty):
    peer = pytest.importorskip("transformers")
    torch.manual_seed(0)
    sizes = {"vocab_size": 13, "n_positions": 32, "n_embd": 16, "n_layer": 1, "n_head": 2}
    model = peer.GPT2LMHeadModel(peer.GPT2Config(**sizes, bos_token_id=1, eos_token_id=END)).eval()
    for p in model.parameters():
        p.data.mul_(6)  # far from uniform
    prompt = torch.tensor([[1, 5, 7]])
    asked = {"num_beams": 4, "num_return_sequences": 4, "max_new_tokens": 7, "do_sample": False}
    asked |= {"early_stopping": "never", "length_penalty": penalty, "pad_token_id": END}
    theirs = model.generate(prompt, **asked, output_scores=True, return_dict_in_generate=True)
    with torch.no_grad():
        ours = beam_search(lambda tokens, rows: model(tokens).logits[:, -1], prompt[0], 4, 7, END, penalty)
    torch.testing.assert_close(
        torch.tensor([text.score for text in ours]), theirs.sequences_scores, atol=1e-5, rtol=1e-5
    )
