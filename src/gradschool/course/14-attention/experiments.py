"""Experiments of chapter 14: what attention can do, what it costs, and what goes wrong."""

import statistics
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from sklearn.metrics import adjusted_rand_score
from torch import Tensor, nn

from gradschool.course.lessons.numerals import PAD, SOURCES, TARGETS, greedy, rows
from gradschool.course.lessons.small_attention import POSITIONS, SmallReader, chain, learn, walks
from gradschool.course.lessons.tetrominoes import Slots, pictures
from gradschool.models.language.gpt2 import gpt2
from gradschool.models.language.seq2seq import Seq2Seq
from gradschool.models.language.transformer import transformer
from gradschool.nn.attention.memory import Memory
from gradschool.nn.sequence.recurrent import LSTM
from gradschool.ops.attention.dot_product import attend
from gradschool.ops.attention.flash import flash_attend
from gradschool.ops.attention.linear import elu_features, linear_attend
from gradschool.ops.attention.performer import feature_errors

SEEDS = 3


def generator(seed: int) -> torch.Generator:
    """A source of randomness of its own."""
    return torch.Generator().manual_seed(seed)


def spread(values: Sequence[float]) -> dict:
    """Mean, deviation and range."""
    return {"n": len(values), "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
            "lowest": min(values), "highest": max(values), "each": list(values)}  # fmt: skip


def scores() -> dict:
    """Scores of random queries and 16 keys with and without the root of d: their deviation, the largest
    weight, and the slope of the weights in the scores.
    """
    sizes, found = [4, 16, 64, 256, 1024], {}  # type: ignore[var-annotated]
    for name in ("plain", "scaled"):
        found[name] = []
        for d in sizes:
            runs = []
            for seed in range(10):
                q, k = (
                    torch.randn(500, d, generator=generator(seed)),
                    torch.randn(16, d, generator=generator(99 + seed)),
                )
                s = q @ k.T / (d**0.5 if name == "scaled" else 1)
                a = s.softmax(1)
                runs.append((s.std().item(), a.amax(1).mean().item(), (a * (1 - a)).mean().item()))
            found[name].append([spread(each) for each in zip(*runs, strict=True)])
    return {"sizes": sizes, "keys": 16, "seeds": 10, **found}


def leak() -> dict:
    """A network that is to predict the next symbol of a chain, trained with and without the causal mask."""
    found: dict = {"seeds": SEEDS, "steps": 200, "symbols": 8}
    runs: dict[str, list[tuple[float, float]]] = {"causal": [], "open": []}
    floor = []
    for seed in range(SEEDS):
        table, source = chain(8, seed), generator(seed)
        x, nats = walks(table, 200, 33, generator(500 + seed))
        floor.append(nats[:, 2:].mean().item())

        def draw(table: Tensor = table, source: torch.Generator = source) -> tuple[Tensor, Tensor]:
            x, _ = walks(table, 32, 33, source)
            return F.one_hot(x[:, :-1], 8).float(), x[:, 1:]

        for name in runs:
            torch.manual_seed(seed)
            model = SmallReader(8, 8, causal=name == "causal")
            trained = learn(model, draw, 200, 0.005)
            # A text is written from left to right: at each step the future is not there yet.
            with torch.no_grad():
                last = [model(F.one_hot(x[:, :n], 8).float())[:, -1] for n in range(2, 33)]
            told = F.cross_entropy(torch.stack(last, 1).flatten(0, 1), x[:, 2:].flatten()).item()
            runs[name].append((trained, told))
    for name, each in runs.items():
        found[name] = {"training": spread([a for a, _ in each]), "writing": spread([b for _, b in each])}
    return found | {"entropy": spread(floor)}


def pairs(count: int, rows: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pairs of a key and a value, then keys in another order: the answer to each is its value.

    Returns:
        One-hot keys and values side by side (rows, 2 count, 48), and the values that are asked for.
    """
    keys = torch.rand(rows, 32, generator=source).argsort(1)[:, :count]
    values = torch.randint(16, (rows, count), generator=source)
    order = torch.rand(rows, count, generator=source).argsort(1)
    told = torch.cat([F.one_hot(keys, 32), F.one_hot(values, 16)], 2)
    asked = F.one_hot(keys.gather(1, order), 32)
    y = torch.cat([torch.full_like(values, -100), values.gather(1, order)], 1)
    return torch.cat([told, F.pad(asked, (0, 16))], 1).float(), y


class Remembering(nn.Module):
    """An LSTM with a linear layer, for steps (b, n, inputs)."""

    def __init__(self, inputs: int, answers: int, hidden: int) -> None:
        super().__init__()
        self.core, self.readout = LSTM(inputs, hidden, forget_bias=1.0), nn.Linear(hidden, answers)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of every step."""
        return self.readout(self.core(x)[0])


def recall() -> dict:
    """Values by their keys: a layer of attention against an LSTM of as many parameters."""
    found: dict = {"seeds": SEEDS, "steps": 300, "pairs": [4, 16, 32], "batch": 32}
    makes: dict[str, Callable[[], nn.Module]] = {
        "attention": lambda: SmallReader(48, 16, "none", 32, 1, 1),
        "lstm": lambda: Remembering(48, 16, 38),
    }
    for name, make in makes.items():
        found[name] = []
        for count in found["pairs"]:
            shares = []
            for seed in range(SEEDS):
                torch.manual_seed(seed)
                model, source = make(), generator(seed)
                learn(model, lambda n=count, s=source: pairs(n, 32, s), 300, 0.01)  # type: ignore[misc]
                x, y = pairs(count, 200, generator(900 + seed))
                with torch.no_grad():
                    right = model(x).argmax(2) == y
                shares.append(right[y >= 0].float().mean().item())
            found[name].append(spread(shares))
        found[f"{name}_parameters"] = sum(p.numel() for p in make().parameters())
    return found


def beyond() -> dict:
    """Four ways to tell the position: nats above the entropy, within the trained length of 32 and beyond."""
    steps, ends = 150, [8, 16, 32, 64, 128, 256]
    found: dict = {"seeds": SEEDS, "steps": steps, "trained": 32, "ends": ends}
    for name in POSITIONS:
        runs = []
        for seed in range(SEEDS):
            table, source = chain(4, 10 + seed), generator(seed)

            def draw(table: Tensor = table, source: torch.Generator = source) -> tuple[Tensor, Tensor]:
                x, _ = walks(table, 16, 33, source)
                return F.one_hot(x[:, :-1], 4).float(), x[:, 1:]

            torch.manual_seed(seed)
            model = SmallReader(4, 4, name)
            learn(model, draw, steps, 0.01)
            x, nats = walks(table, 30, 257, generator(500 + seed))
            with torch.no_grad():
                logits = model(F.one_hot(x[:, :-1], 4).float())
            loss = F.cross_entropy(logits.flatten(0, 1), x[:, 1:].flatten(), reduction="none").view(30, -1)
            above = (loss - nats[:, 1:])[:, 1:].mean(0)  # from the third symbol on
            runs.append(
                [
                    above[(low - 1 if low > 4 else 0) : end - 1].mean().item()
                    for low, end in zip([0, *ends[:-1]], ends, strict=True)
                ]
            )
        found[name] = [spread(each) for each in zip(*runs, strict=True)]
    return found


def features() -> dict:
    """The error of random-feature attention against the number of features, plain and at right angles."""
    counts = [8, 16, 32, 64, 128, 256, 512]
    found: dict = {"seeds": 5, "counts": counts, "n": 64, "d": 16}
    for name, right_angles in (("independent", False), ("orthogonal", True)):
        runs = []
        for seed in range(5):
            source = generator(seed)
            q, k, v = (torch.randn(64, 16, generator=source, dtype=torch.float64) for _ in range(3))
            q, k = q / 2, k / 2  # long vectors need far more features
            runs.append(list(feature_errors(q, k, v, counts, source, right_angles, 16).values()))
        found[name] = [spread(each) for each in zip(*runs, strict=True)]
    return found


def costs() -> dict:
    """Processor time of attention over n positions, forward and backward, and the numbers that it holds."""
    sizes, d = [128, 256, 512, 1024, 2048], 32
    ways: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
        "attend": attend.plain,
        "tiles": lambda q, k, v: flash_attend.plain(q, k, v, tile=128),
        "linear": lambda q, k, v: linear_attend.plain(elu_features(q), elu_features(k), v),
        "torch": F.scaled_dot_product_attention,
    }
    found: dict = {"sizes": sizes, "d": d, "heads": 4, "repeats": 5}
    for name, way in ways.items():
        found[name] = []
        for n in sizes:
            q, k, v = (torch.randn(1, 4, n, d, generator=generator(i)).requires_grad_() for i in range(3))
            spent = []
            for _ in range(6):
                start = time.process_time()
                way(q, k, v).sum().backward()
                spent.append(1000 * (time.process_time() - start))
            found[name].append(
                {
                    "median": statistics.median(spent[1:]),
                    "n": 5,
                    "lowest": min(spent[1:]),
                    "highest": max(spent[1:]),
                }
            )
    found["kept"] = {"attend": [n * n for n in sizes], "tiles": sizes, "linear": [d * d + d for _ in sizes]}
    return found


def decoding() -> dict:
    """Processor time of writing n tokens one by one with a small GPT-2: with a cache, and all over again."""
    sizes = [16, 64, 256]
    found: dict = {"sizes": sizes, "repeats": 3, "width": 64, "depth": 2}
    torch.manual_seed(0)
    model = gpt2(64, 256, 64, 2, 4).eval()
    for name in ("cache", "again"):
        found[name] = []
        for n in sizes:
            spent = []
            for _ in range(4):
                start = time.process_time()
                write(model, n, name == "cache")
                spent.append(time.process_time() - start)
            found[name].append(
                {
                    "median": statistics.median(spent[1:]),
                    "n": 3,
                    "lowest": min(spent[1:]),
                    "highest": max(spent[1:]),
                }
            )
    found["ratio"] = [b["median"] / a["median"] for a, b in zip(found["cache"], found["again"], strict=True)]
    return found


@torch.no_grad()
def write(model: nn.Module, n: int, cached: bool) -> Tensor:
    """Write n tokens, the most probable one each time."""
    text = torch.zeros(1, 1, dtype=torch.int64)
    cache = model.cache(1, n) if cached else None  # type: ignore[operator]
    for _ in range(n - 1):
        logits = model(text[:, -1:], cache=cache) if cached else model(text)
        text = torch.cat([text, logits[:, -1:].argmax(2)], 1)
    return text


class Squeezed(Seq2Seq):
    """The same translator, but its decoder sees one vector: the encoder's last states."""

    def encode(self, source: Tensor, lengths: Tensor | None = None) -> Memory:
        """One vector for a whole source."""
        vectors = super().encode(source, lengths).vectors
        onward, back = vectors.chunk(2, 2)
        last = source.new_full((len(source),), source.shape[1] - 1) if lengths is None else lengths - 1
        return Memory(torch.cat([onward[torch.arange(len(source)), last], back[:, 0]], 1)[:, None])


def numerals() -> dict:
    """Numbers in English words to German words by three networks, on numbers that they have not seen."""
    steps, found = 150, {"seeds": SEEDS, "steps": 150, "train": 500, "test": 499}
    makes: dict[str, Callable[[], nn.Module]] = {
        "fixed": lambda: Squeezed(len(SOURCES), len(TARGETS), 24, 32, 0.0),
        "attention": lambda: Seq2Seq(len(SOURCES), len(TARGETS), 24, 32, 0.0),
        "transformer": lambda: transformer(len(SOURCES), len(TARGETS), 32, 2, 4, 0.0, True),
    }
    for name, make in makes.items():
        shares = []
        for seed in range(SEEDS):
            order = torch.randperm(999, generator=generator(seed)).add(1).tolist()
            torch.manual_seed(seed)
            model = make()
            translate(model, order[:500], steps, seed)
            source, lengths, target = rows(order[500:])
            with torch.no_grad():
                said = greedy(model, source, lengths, target.shape[1] - 1)
            shares.append((said == target[:, 1:]).all(1).float().mean().item())
            if name == "attention" and seed == 0:
                found["map"] = look(model, 729)  # type: ignore[assignment]
        found[name] = spread(shares)  # type: ignore[assignment]
        found[f"{name}_parameters"] = sum(p.numel() for p in make().parameters())
    return found


def translate(model: nn.Module, numbers: list[int], steps: int, seed: int) -> None:
    """Train a translator on these numbers, 50 a step."""
    source, lengths, target = rows(numbers)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, steps)
    draws = generator(seed)
    for _ in range(steps):
        i = torch.randint(len(numbers), (50,), generator=draws)
        logits = model.decode(target[i, :-1], model.encode(source[i], lengths[i]))  # type: ignore[operator]
        loss = F.cross_entropy(logits.flatten(0, 1), target[i, 1:].flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def look(model: nn.Module, number: int) -> dict:
    """Which English words a translator looked at before it wrote each German word."""
    source, lengths, target = rows([number])
    with torch.no_grad():
        model.decode(target[:, :-1], model.encode(source, lengths))  # type: ignore[operator]
    assert isinstance(model.seen, Tensor)
    return {"source": [SOURCES[i] for i in source[0]], "target": [TARGETS[i] for i in target[0, 1:-1]],
            "weights": model.seen[0, :-1].tolist()}  # fmt: skip


def taking_apart() -> dict:
    """Do slots take pictures of two tetrominoes apart? Agreement with the truth, pixels of objects alone."""
    steps, found = 1000, {"seeds": SEEDS, "steps": 1000, "objects": 2, "slots": 3, "pictures": 2000}
    runs: dict[str, list[tuple[float, float]]] = {"untrained": [], "trained": []}
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        model, source = Slots(), generator(seed)
        x, labels = pictures(100, 2, generator(900))
        runs["untrained"].append(agreement(model, x, labels, seed))
        paint(model, pictures(2000, 2, source)[0], steps, source)
        runs["trained"].append(agreement(model, x, labels, seed))
        if seed == 0:
            with torch.no_grad():
                _, masks, shares = model(x[:3], model.first(3, 3, generator(seed)))
            found["shown"] = {"pictures": x[:3].tolist(), "shares": shares.tolist(), "masks": masks.tolist()}  # type: ignore[assignment]
    for name, each in runs.items():
        found[name] = {"shares": spread([a for a, _ in each]), "masks": spread([b for _, b in each])}  # type: ignore[assignment]
    return found


def paint(model: Slots, x: Tensor, steps: int, source: torch.Generator) -> None:
    """Train slots to paint the pictures again, 16 a step."""
    optimizer = torch.optim.Adam(model.parameters(), 0.003)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.003, steps, pct_start=0.1)
    for _ in range(steps):
        batch = x[torch.randint(len(x), (16,), generator=source)]
        loss = (model(batch, model.first(16, 3, source))[0] - batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


@torch.no_grad()
def agreement(model: Slots, x: Tensor, labels: Tensor, seed: int) -> tuple[float, float]:
    """Adjusted Rand index of the largest share, and of the largest mask, with the objects; 1 is perfect."""
    _, masks, shares = model(x, model.first(len(x), 3, generator(seed)))
    found = []
    for each in (shares.argmax(1), masks.argmax(1)):
        rows = zip(labels, each, strict=True)
        found.append(
            statistics.fmean(adjusted_rand_score(a[a > 0].tolist(), b[a > 0].tolist()) for a, b in rows)
        )
    return found[0], found[1]
