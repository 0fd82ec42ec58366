"""Small recurrent networks that train side by side, as one batch of matrices, and streams to read."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import stack_module_state

from gradschool.data.text.formal.language import Language, batches

Draw = Callable[[], tuple[Tensor, Tensor, Tensor]]
MANY = 10  # networks side by side
IGNORED = -100


def answers(p: dict[str, Tensor], x: Tensor) -> Tensor:
    """Logits of many simple recurrent networks, LSTMs or minGRUs of one size, as one batch of matrices.

    Args:
        p: their parameters, a network on axis 0.
        x: symbols (networks * strings, t).
    """
    # 1. The input's part of all steps.
    m, hidden = len(p["readout.weight"]), p["readout.weight"].shape[2]
    matrix = p["recurrent.weight_ih_l0" if "recurrent.weight_hh_l0" in p else "recurrent.weight_l0"]
    bias = torch.stack([p[name] for name in p if name.startswith("recurrent.bias")]).sum(0)[:, None]
    inputs = F.one_hot(x, matrix.shape[2]).float().view(m, -1, matrix.shape[2])
    u = torch.baddbmm(bias, inputs, matrix.mT).view(m, len(x) // m, x.shape[1], -1).unbind(2)
    # 2. Step by step, all networks in one product.
    back = p["recurrent.weight_hh_l0"].mT if "recurrent.weight_hh_l0" in p else None
    h = c = torch.zeros(m, len(x) // m, hidden)
    states = []
    for u_t in u:
        sums = u_t if back is None else torch.baddbmm(u_t, h, back)
        if back is None:
            h = torch.lerp(h, sums[..., hidden:], sums[..., :hidden].sigmoid())
        elif sums.shape[2] == hidden:
            h = sums.tanh()
        else:
            i, f, g, o = sums.chunk(4, 2)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        states.append(h)
    # 3. The output layer.
    y = torch.stack(states, 2).flatten(1, 2)
    return torch.baddbmm(p["readout.bias"][:, None], y, p["readout.weight"].mT).view(*x.shape, -1)


def together(
    models: list[nn.Module], draw: Draw, steps: int, rate: float, largest: float = 1.0
) -> list[float]:
    """Train small networks side by side, each on strings of its own.

    Args:
        models: of one form; see `answers`.
        draw: symbols, answers, and where there is one: (networks * strings, t) each.
        steps: of Adam, whose learning rate falls to 0 as a cosine.
        rate: at the beginning.
        largest: norm to which each network's gradient is clipped.

    Returns:
        Norms of the gradients before clipping, of all steps and networks.
    """
    p = {name: value.detach().requires_grad_() for name, value in stack_module_state(models)[0].items()}
    m, norms = len(models), []
    optimizer = torch.optim.Adam(p.values(), lr=rate)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        # 1. Each network's mean loss.
        x, y, asked = draw()
        nats = F.cross_entropy(answers(p, x).flatten(0, 1), y.flatten(), reduction="none") * asked.flatten()
        loss = (nats.view(m, -1).sum(1) / asked.reshape(m, -1).sum(1)).sum()
        optimizer.zero_grad()
        loss.backward()
        # 2. Each network's gradient is clipped alone.
        slopes = [value.grad for value in p.values() if value.grad is not None]
        norm = torch.stack([slope.flatten(1).square().sum(1) for slope in slopes]).sum(0).sqrt()
        norms += norm.tolist()
        for slope in slopes:
            slope.mul_((largest / norm).clamp(max=1).view(-1, *[1] * (slope.dim() - 1)))
        optimizer.step()
        falling.step()
    for i, model in enumerate(models):
        model.load_state_dict({name: value.detach()[i] for name, value in p.items()})
    return norms


def seeded(make: Callable[[], nn.Module], seeds: int = MANY) -> list[nn.Module]:
    """One network a seed."""
    found = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        found.append(make())
    return found


def strings(language: Language, count: int, seed: int) -> Draw:
    """Fresh strings of a language, so many a call."""
    source = batches(language, count, torch.Generator().manual_seed(seed))

    def draw() -> tuple[Tensor, Tensor, Tensor]:
        one = next(source)
        return one.inputs, one.targets, one.asked

    return draw


def moods(rows: int, steps: int, source: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Streams in which A or B is announced now and then, and asked for at "?".

    Returns:
        Symbols A, B, ? and noise (0 to 3); the last announcement (0 or 1) where it is asked for, -100
        elsewhere; and steps since the announcement.
    """
    draws = torch.rand(rows, steps, generator=source).tolist()
    sides = torch.randint(2, (rows, steps), generator=source).tolist()
    streams, targets, distances = [], [], []
    for chances, mood_of in zip(draws, sides, strict=True):
        stream, far, wanted, mood, since = [mood_of[0]], [0], [IGNORED], mood_of[0], 0
        for p, side in zip(chances[1:], mood_of[1:], strict=True):
            since += 1
            if p < 1 / 48:
                mood, since = side, 0
            stream.append(mood if p < 1 / 48 else 2 if p < 1 / 48 + 1 / 8 else 3)
            far.append(since)
            wanted.append(mood if stream[-1] == 2 else IGNORED)
        streams.append(stream)
        targets.append(wanted)
        distances.append(far)
    return torch.tensor(streams), torch.tensor(targets), torch.tensor(distances)
