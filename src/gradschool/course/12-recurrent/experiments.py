"""Experiments of chapter 12: how far gradients and memories of recurrent networks reach."""

import statistics
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradschool.course.lessons.small_readers import IGNORED, MANY, moods, seeded, strings, together
from gradschool.course.lessons.tones import words
from gradschool.data.text.buckets import Buckets
from gradschool.data.text.formal.counting import Counting
from gradschool.data.text.formal.languages import find_language
from gradschool.evals.language.dynamics import extract
from gradschool.evals.language.gradients import gradient_norms
from gradschool.evals.language.strings import judged, probabilities, reach
from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.models.language.srn import srn
from gradschool.models.language.string_reader import StringReader, lstm_reader, mingru_reader
from gradschool.nn.sequence.recurrent import GRU, LSTM, RNN
from gradschool.ops.sequence.lengths import mean_over_steps
from gradschool.ops.sequence.scan import chunked_recurrence, linear_recurrence
from gradschool.tasks.next_chunk import NextChunk

SEEDS = 5
STEPS = 2500  # of networks that read a formal language
UPDATES = 200  # of the networks that read streams


def generator(seed: int) -> torch.Generator:
    """A source of randomness of its own."""
    return torch.Generator().manual_seed(seed)


def spread(values: Sequence[float]) -> dict:
    """Mean, deviation and range."""
    return {"n": len(values), "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
            "lowest": min(values), "highest": max(values), "each": list(values)}  # fmt: skip


def orthogonal(core: RNN, gain: float = 1.0) -> RNN:
    """The same layer with a recurrent matrix that is `gain` times an orthogonal one."""
    nn.init.orthogonal_(core.get_parameter("weight_hh_l0"), gain)
    return core


def cores(inputs: int, hidden: int) -> dict[str, Callable[[], nn.Module]]:
    """Recurrent layers with different first weights."""
    return {
        "rnn": lambda: RNN(inputs, hidden),
        "orthogonal": lambda: orthogonal(RNN(inputs, hidden)),
        "large": lambda: orthogonal(RNN(inputs, hidden), 3.0),
        "gru": lambda: GRU(inputs, hidden),
        "lstm": lambda: LSTM(inputs, hidden),
        "remembering": lambda: LSTM(inputs, hidden, forget_bias=1.0),
        "long": lambda: LSTM(inputs, hidden, forget_bias=5.0),
    }


def reaching_back() -> dict:
    """The norm of the gradient of the last output in each of 100 states, for layers as they begin."""
    steps, hidden, seeds, found = 100, 64, 3, {}
    for name, make in cores(4, hidden).items():
        runs = []
        for seed in range(seeds):
            torch.manual_seed(seed)
            core = make().double()
            x = torch.randn(8, steps, 4).double()
            direction = torch.randn(hidden).double()

            def loss_of(y: Tensor, direction: Tensor = direction) -> Tensor:
                return (y[:, -1] @ direction).sum()

            norms = gradient_norms(core, x, loss_of)  # type: ignore[arg-type]
            runs.append([norm / norms[-1] for norm in norms])
        first = [run[0] for run in runs]
        mean = statistics.geometric_mean(first)
        found[name] = {"first": mean, "lowest": min(first), "highest": max(first)}
    return {"seeds": seeds, "steps": steps, "hidden": hidden, "of": found}


def first_symbol(count: int, steps: int, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Strings whose first symbol is 0 or 1, the others 2 or 3; the answer at the end is the first."""
    x = torch.randint(2, 4, (count, steps), generator=source)
    x[:, 0] -= 2
    asked = torch.zeros(count, steps, dtype=torch.bool)
    asked[:, -1] = True
    return x, x[:, :1].expand(-1, steps), asked


def recalling() -> dict:
    """Remember the first symbol of a string: the share of right answers after training, by length."""
    hidden, steps, count = 24, 200, 16
    found: dict = {"seeds": SEEDS, "steps": steps, "hidden": hidden, "strings": count}
    for name in ("rnn", "orthogonal", "lstm", "long"):
        make = cores(4, hidden)[name]
        for length in (10, 60):
            models = seeded(lambda make=make: StringReader(4, 2, make(), hidden), SEEDS)  # type: ignore[misc]
            source = generator(length)
            together(models, lambda n=length, s=source: first_symbol(SEEDS * count, n, s), steps, 0.005)  # type: ignore[misc]
            x, y, _ = first_symbol(500, length, generator(999))
            with torch.no_grad():
                told = [model(x)[0][:, -1].argmax(1) for model in models]
            shares = [(each == y[:, -1]).float().mean().item() for each in told]
            found.setdefault(name, {})[f"n{length}"] = spread(shares)
    return found


def parity() -> dict:
    """Is the number of ones so far even? Trained on 16 symbols, tested on 16 and on 64."""
    language, steps = find_language("parity"), 1000
    kinds = {"rnn": (srn, 8), "lstm": (lstm_reader, 8), "mingru": (mingru_reader, 32)}
    found: dict = {"seeds": MANY, "steps": steps}
    near, far = language.draw(500, generator(1000)), language.longer(500, generator(1001))
    for name, (make, hidden) in kinds.items():
        models = seeded(lambda make=make, hidden=hidden: make(2, 2, hidden))  # type: ignore[misc]
        together(models, strings(language, 32 * MANY, 0), steps, 0.02)
        shares = [
            [judged(probabilities(model, words), words)["accuracy"] for model in models]
            for words in (near, far)
        ]
        size = sum(p.numel() for p in models[0].parameters())
        found[name] = {"near": spread(shares[0]), "far": spread(shares[1]), "hidden": hidden,
                       "parameters": size, "solved": sum(share > 0.999 for share in shares[1])}  # fmt: skip
        if name == "lstm":
            found["weights"] = weights(models[shares[1].index(max(shares[1]))])
    return found


def weights(model: nn.Module) -> dict:
    """The parameters as lists."""
    return {name: value.tolist() for name, value in model.state_dict().items()}


def counting() -> dict:
    """Two hidden units on a^n b^n: how far they count after training on n up to 10."""
    language = find_language("anbn")
    assert isinstance(language, Counting)
    models = seeded(lambda: srn(2, 2, 2))
    norms = together(models, strings(language, 8 * MANY, 0), STEPS, 0.02)
    near = language.draw(200, generator(1000))
    errors = [judged(probabilities(model, near), near)["error"] for model in models]
    reached = [reach(model, language, 40) for model in models]
    best = reached.index(max(reached))
    return {"seeds": MANY, "steps": STEPS, "trained": language.highest, "reach": spread(reached),
            "learned": sum(n >= language.highest for n in reached), "best": max(reached),
            "error": spread(errors), "median_error": statistics.median(errors),
            "weights": weights(models[best]),
            "median_norm": statistics.median(norms), "largest_norm": max(norms)}  # fmt: skip


def grammar() -> dict:
    """Two hidden units read Reber's grammar; the automaton between clusters of their states."""
    language = find_language("reber")
    models = seeded(lambda: srn(7, 7, 2))
    together(models, strings(language, 16 * MANY, 0), STEPS, 0.03)
    near = language.draw(500, generator(1000))
    scores = [judged(probabilities(model, near), near) for model in models]
    errors = [each["error"] for each in scores]
    found = [max(extract(model, language, 0), key=lambda one: one.alike) for model in models]  # type: ignore[arg-type]
    best = min(range(MANY), key=lambda i: (-found[i].alike, errors[i]))
    return {"seeds": MANY, "steps": STEPS, "error": spread(errors),
            "median_error": statistics.median(errors),
            "strings": spread([each["strings"] for each in scores]),
            "alike": spread([one.alike for one in found]),
            "states": [len(one.automaton) for one in found], "exact": sum(one.alike == 1 for one in found),
            "learned": sum(each["strings"] == 1 for each in scores), "tested": found[0].tested,
            "weights": weights(models[best])}  # fmt: skip


def remembered(model: nn.Module, length: int, is_carried: bool, seed: int) -> tuple[float, list[float]]:
    """Train on chunks; the share of right answers on a new stream, and by steps since the announcement."""
    rows, updates = 16, UPDATES
    x, y, _ = moods(rows, length * updates, generator(seed))
    task, optimizer = NextChunk(model), torch.optim.Adam(model.parameters(), lr=0.01)

    def update(_: str, batch: tuple[Tensor, ...], loss_of: Callable) -> dict[str, Tensor]:
        losses = loss_of(batch)
        optimizer.zero_grad()
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return losses

    for step, (a, b) in enumerate(zip(x.split(length, 1), y.split(length, 1), strict=True)):
        begins = torch.full((rows,), step == 0 or not is_carried)
        if (b != IGNORED).any():
            task.step((a, b, begins), update)
    x, y, far = moods(rows, 1024, generator(500 + seed))
    with torch.no_grad():  # whole streams, or chunks that know nothing of each other
        logits, _ = model(x if is_carried else x.reshape(-1, length))
    fine, asked = logits.argmax(2).view_as(y) == y, y != IGNORED
    bins = [asked & (far >= low) & (far < low + 16) for low in range(0, 96, 16)]
    return fine[asked].float().mean().item(), [fine[bin_].float().mean().item() for bin_ in bins]


def truncation() -> dict:
    """A GRU on streams in chunks, with the state carried from chunk to chunk or set to zero."""
    cases = {"short": (4, True), "carried": (16, True), "zeros": (16, False)}
    found: dict = {
        "seeds": 3,
        "updates": UPDATES,
        "bins": [f"{low} to {low + 15}" for low in range(0, 96, 16)],
    }
    for name, (length, is_carried) in cases.items():
        runs = []
        for seed in range(3):
            torch.manual_seed(seed)
            model = recurrent_lm(4, "gru", 8, 24)
            runs.append(remembered(model, length, is_carried, seed))
        by_distance = [statistics.fmean(each) for each in zip(*(bins for _, bins in runs), strict=True)]
        shares = spread([share for share, _ in runs])
        found[name] = {"chunk": length, "share": shares, "by_distance": by_distance}
    return found


def padding() -> dict:
    """The share of padding in batches of 32 texts: in the order drawn, and in buckets."""
    found: dict = {"seeds": SEEDS, "texts": 6400, "batch": 32}
    shares: dict[str, list[float]] = {"drawn": [], "buckets": []}
    for seed in range(SEEDS):
        lengths = torch.exp(torch.rand(6400, generator=generator(seed)) * 3.3 + 2.3).long()
        texts = [[1] * n for n in lengths.tolist()]
        shares["buckets"].append(Buckets(texts, torch.zeros(6400), 32, seed).padding())
        mixed = lengths.view(-1, 32)
        shares["drawn"].append(1 - lengths.sum().item() / (32 * mixed.amax(1).sum().item()))
    found |= {"shortest": 10, "longest": 270, "mean_length": lengths.float().mean().item()}
    return found | {name: spread(each) for name, each in shares.items()}


def scanning() -> dict:
    """Processor time of a linear recurrence forward and backward: step by step, and in chunks of 32."""
    found: dict = {"repeats": 5, "batch": 4, "width": 64, "chunk": 32, "steps": [64, 256, 1024, 4096]}
    for name, op in (("loop", linear_recurrence.plain), ("chunks", chunked_recurrence.plain)):
        found[name] = []
        for steps in found["steps"]:
            a = torch.rand(4, steps, 64).requires_grad_()
            b = torch.randn(4, steps, 64).requires_grad_()
            spent = []
            for _ in range(6):
                start = time.process_time()
                op(a, b, torch.zeros(4, 64)).sum().backward()
                spent.append(time.process_time() - start)
            found[name].append(1000 * statistics.median(spent[1:]))
    found["ratio"] = [slow / fast for slow, fast in zip(found["loop"], found["chunks"], strict=True)]
    return found


def tones() -> dict:
    """Words of the same three tones in six orders: the mean spectrum, and a GRU, on words never heard."""
    found: dict = {"seeds": 3, "train": 360, "test": 300, "classes": 6}
    shares: dict[str, list[float]] = {"mean": [], "gru": []}
    for seed in range(3):
        train, test = words(360, seed), words(300, 100 + seed)
        torch.manual_seed(seed)
        for name in shares:
            body = GRU(16, 24) if name == "gru" else None
            head = nn.Linear(24 if body else 16, 6)

            def answer(x: Tensor, lengths: Tensor, body=body, head=head) -> Tensor:
                if body is None:
                    return head(mean_over_steps(x, lengths))
                return head(body(x, None, lengths)[1][-1])

            own = [*head.parameters(), *(body.parameters() if body else ())]
            optimizer = torch.optim.Adam(own, lr=0.01)
            for step in range(120):
                rows = torch.randperm(360, generator=generator(step))[:36]
                loss = F.cross_entropy(answer(train[0][rows], train[1][rows]), train[2][rows])
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(own, 1.0)
                optimizer.step()
            with torch.no_grad():
                shares[name].append((answer(test[0], test[1]).argmax(1) == test[2]).float().mean().item())
    return found | {name: spread(each) for name, each in shares.items()}
