"""Keys and values that a decoder has computed already, so that each token is read once.

What `ops.attention.cache` does, for all layers and in place: nothing is copied. Memory is taken at the start,
(layers, 2, batch, heads, capacity, size) numbers. Source: Shazeer 2019, section 2.4 (incremental decoding).
"""

import torch
from torch import Tensor


class LayerCache:
    """The keys and values of one layer, (b, heads, capacity, size) each, of which `length` positions are in.

    Args:
        keys: room for keys.
        values: room for values.
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values, self.length = keys, values, 0

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Write keys and values (b, heads, n, size) of n more positions; returns those of all so far."""
        end = self.length + k.shape[2]
        self.keys[:, :, self.length : end] = k
        self.values[:, :, self.length : end] = v
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class KVCache:
    """The caches of all layers of a decoder, and which positions hold tokens. It is filled in place, without
    gradients: it is for reading and sampling, not for training.

    Args:
        layers: of the decoder.
        shape: rows b, heads of keys, capacity (most positions) and numbers of a head.
        like: a tensor whose type and device the cache takes.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(self, layers: int, shape: tuple[int, int, int, int], like: Tensor) -> None:
        if layers < 1 or min(shape) < 1:
            raise ValueError(f"the cache has {layers} layers of {shape}, numbers from 1 were wanted")
        room = like.new_zeros(layers, 2, *shape)
        self.layers = [LayerCache(keys, values) for keys, values in room]
        self.valid = torch.ones(shape[0], shape[2], dtype=torch.bool, device=like.device)
        self.tokens = torch.zeros(shape[0], shape[2], dtype=torch.int64, device=like.device)
        self.padded = False

    @property
    def length(self) -> int:
        """Positions that are in."""
        return self.layers[0].length

    @property
    def capacity(self) -> int:
        """Positions that there is room for."""
        return self.valid.shape[1]

    def note(self, n: int, valid: Tensor | None) -> Tensor | None:
        """Remember which of n positions that are about to be added hold tokens.

        Args:
            n: how many.
            valid: (b, n), False at padding; None: all hold tokens.

        Returns:
            The same of all positions with these, (b, length + n); None where there is no padding at all.

        Raises:
            ValueError: there is no room for them.
        """
        end = self.length + n
        if end > self.capacity:
            raise ValueError(f"{end} positions came, {self.capacity} or fewer were wanted: the cache is full")
        if valid is not None:
            self.valid[:, self.length : end] = valid
            self.padded = True
        return self.valid[:, :end] if self.padded else None

    def read(self, tokens: Tensor) -> Tensor:
        """Remember tokens (b, n) that are about to be added; those before them, (b, length)."""
        self.tokens[:, self.length : self.length + tokens.shape[1]] = tokens
        return self.tokens[:, : self.length]

    def back(self, n: int) -> None:
        """Forget the last n positions; what is read next takes their place.

        Raises:
            ValueError: there are fewer.
        """
        if not 0 <= n <= self.length:
            raise ValueError(f"{n} positions are to be forgotten, 0 to {self.length} was wanted")
        for each in self.layers:
            each.length -= n

    def choose(self, rows: Tensor) -> None:
        """Go on with these rows instead (beam search); a row may be taken more than once.

        Args:
            rows: (b), their old numbers.
        """
        for each in self.layers:
            each.keys, each.values = each.keys[rows], each.values[rows]
        self.valid, self.tokens = self.valid[rows], self.tokens[rows]


class GrowingLayer(LayerCache):
    """A layer's cache that is as long as what is in; arguments as above."""

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """The same as above, in new tensors."""
        self.keys, self.values = torch.cat([self.keys, k], 2), torch.cat([self.values, v], 2)
        self.length = self.keys.shape[2]
        return self.keys, self.values


class GrowingCache(KVCache):
    """The cache as one tensor that a function takes and gives back: nothing is written in place, as a graph
    that is exported wants it. Texts are not padded.

    Args:
        past: keys and values of all layers, (layers, 2, b, heads, m, size); m may be 0.
        seen: the tokens that they belong to, (b, m), for a model that looks at them again.
    """

    def __init__(self, past: Tensor, seen: Tensor | None = None) -> None:
        self.seen = seen
        self.layers = [GrowingLayer(keys, values) for keys, values in past]
        for each in self.layers:
            each.length = past.shape[4]

    def note(self, n: int, valid: Tensor | None) -> Tensor | None:
        """All positions hold tokens.

        Raises:
            ValueError: there is padding.
        """
        if valid is not None:
            raise ValueError("padding came, texts that are not padded were wanted")
        return None

    def read(self, tokens: Tensor) -> Tensor:
        """The tokens before these, which are remembered from now on.

        Raises:
            ValueError: they were not given.
        """
        if self.seen is None:
            raise ValueError("keys and values came alone, the tokens before were wanted, too")
        before, self.seen = self.seen, torch.cat([self.seen, tokens], 1)
        return before

    def whole(self) -> Tensor:
        """What was there and what was added, as the tensor that the next call takes."""
        return torch.stack([torch.stack([each.keys, each.values]) for each in self.layers])
