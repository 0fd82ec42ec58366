"""Vectors of n-grams: the rows that a plain walk through the text looks up, and none beyond its beginning."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.nn.attention.cache import KVCache
from gradschool.nn.attention.grams import ROWS, Grams


def grams(pieces, longest, seed=0):
    made = Grams(pieces, 3, longest)
    with torch.no_grad():
        for table in made.tables:
            table.weight.normal_(generator=torch.Generator().manual_seed(seed))
    return made


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9), st.integers(2, 4))
@torch.no_grad()
def test_each_length_adds_its_row(text, longest):
    made = grams(5, longest)
    found = made(torch.tensor([text]))[0]
    for t in range(len(text)):
        wanted = torch.zeros(3)
        for n in range(2, longest + 1):
            last = [text[t - i] if t >= i else 5 for i in range(n)]
            key = 0
            for token in last:
                key = key * 6 + token
            wanted += made.tables[n - 2].weight[key % made.tables[n - 2].num_embeddings]
        torch.testing.assert_close(found[t], wanted)


def test_few_tokens_have_a_row_for_every_pair_and_many_share():
    assert [t.num_embeddings for t in Grams(5, 2, 3).tables] == [36, 216]
    assert [t.num_embeddings for t in Grams(65, 2, 3).tables] == [66**2, ROWS]
    assert not any(p.any() for p in Grams(65, 2, 3).parameters())
    assert all(ROWS % i for i in range(2, 128)), "a prime: remainders depend on every token"


@torch.no_grad()
def test_texts_of_a_row_and_padding_are_no_neighbours():
    made = grams(5, 3)
    one, two = torch.tensor([[1, 2, 3]]), torch.tensor([[4, 0]])
    both = made(torch.cat([one, two], 1), texts=torch.tensor([[0, 0, 0, 1, 1]]))
    torch.testing.assert_close(both, torch.cat([made(one), made(two)], 1))
    padded = made(torch.tensor([[4, 1, 2, 3]]), valid=torch.tensor([[False, True, True, True]]))
    torch.testing.assert_close(padded[:, 1:], made(one))


@torch.no_grad()
def test_a_cache_that_goes_on_with_other_rows_knows_their_tokens():
    made, cache = grams(5, 3), KVCache(1, (2, 1, 6, 2), torch.zeros(1))
    x = torch.tensor([[1, 2, 3], [3, 2, 1]])
    made(x[:, :2], cache=cache)
    cache.layers[0].length = 2
    cache.choose(torch.tensor([1, 1]))
    found = made(torch.tensor([[0], [4]]), cache=cache)
    wanted = made(torch.tensor([[3, 2, 0], [3, 2, 4]]))[:, 2:]
    torch.testing.assert_close(found, wanted)
    # A token that is taken back is no neighbour of the next.
    cache.layers[0].length = 3
    cache.back(2)
    assert torch.equal(made(x[:, 2:], cache=cache), made(torch.tensor([[3, 3], [3, 1]]))[:, 1:])
