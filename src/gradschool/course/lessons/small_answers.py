"""Small models that learn to answer, by imitation, preferences and rewards: letters, names and sums."""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gradschool.course.lessons.small_language import IGNORED, drawn, learn, small
from gradschool.data.text.tokens.characters import Characters
from gradschool.ops.decoding.logits import temperature
from gradschool.ops.tuning.preference import Pair, Rollout, dpo_loss, group_advantages, grpo_loss
from gradschool.ops.tuning.supervised import answer_log_prob

DIGITS = "0123456789+="


def reversals(rows: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Four random letters of eight, a mark, and the letters from right to left; True for the answer."""
    letters = torch.randint(8, (rows, 4), generator=source)
    tokens = torch.cat([letters, torch.full((rows, 1), 8), letters.flip(1)], 1)
    return tokens, (torch.arange(9) > 4).expand(rows, -1)


def names_model(seed: int) -> tuple[nn.Module, Characters]:
    """A model of given names, each between two line ends."""
    file = Path(__file__).parents[2] / "data/sets/text/names.txt"
    names = file.read_text(encoding="utf-8").split()
    characters = Characters.train(["\n", *names])
    rows = torch.full((len(names), 14), IGNORED)
    for row, name in zip(rows, names, strict=True):
        ids = torch.tensor(characters.encode(f"\n{name[:12]}\n"))
        row[: len(ids)] = ids
    source = torch.Generator().manual_seed(seed)

    def draw() -> tuple[Tensor, Tensor]:
        each = rows[torch.randint(len(rows), (48,), generator=source)]
        return each[:, :-1].clamp(min=0), each[:, 1:]

    torch.manual_seed(seed)
    model = small(len(characters), 14, 32, 2, 4)
    learn(model, draw, 200, 6e-3)
    return model, characters


def invented(model: nn.Module, end: int, n: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Names that a model draws, 14 tokens a row; True for each name's letters and the first end."""
    tokens = torch.full((n, 1), end)
    tokens = torch.cat([tokens, drawn(model, tokens, 13, lambda x: x, source)], 1)
    ends = (tokens[:, 1:] == end).int().cumsum(1)
    counts = (ends == 0) | ((ends == 1) & (tokens[:, 1:] == end))
    return tokens, torch.cat([torch.zeros(n, 1, dtype=torch.bool), counts], 1)


def log_p(model: nn.Module, tokens: Tensor, answer: Tensor) -> Tensor:
    """Log-probability of each row's answer."""
    return answer_log_prob(model(tokens), tokens, answer)


def ends_in(tokens: Tensor, answer: Tensor, letter: int) -> Tensor:
    """Whether the last token before the end is a letter."""
    last = answer.sum(1) - 1  # the first token stands before the answer
    return tokens.gather(1, last[:, None]).squeeze(1) == letter


def preferring(
    base: nn.Module,
    names: tuple[Tensor, Tensor],
    pairs: tuple[Tensor, Tensor],
    beta: float,
    source: torch.Generator,
) -> nn.Module:
    """A copy of a model after 60 steps of DPO.

    Args:
        base: the reference.
        names: tokens, and True for those of the answer.
        pairs: numbers of the names that are liked, and of as many that are not.
        beta: see `dpo_loss`.
        source: of the pairs of a batch.
    """
    tokens, answer = names
    with torch.no_grad():
        reference = log_p(base, tokens, answer)
    model = copy.deepcopy(base)
    adam = torch.optim.AdamW(model.parameters(), 5e-4)
    for _ in range(60):
        rows = torch.randint(len(pairs[0]), (2, 32), generator=source)
        pick = pairs[0][rows[0]], pairs[1][rows[1]]
        policy = Pair(*(log_p(model, tokens[i], answer[i]) for i in pick))
        loss = dpo_loss(policy, Pair(reference[pick[0]], reference[pick[1]]), beta)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model


def sums(rows: int, right: float, source: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows such as 3+4=07, of which a share is right and the others have a random answer."""
    a, b = torch.randint(10, (2, rows), generator=source)
    random = torch.randint(19, (rows,), generator=source)
    answer = torch.where(torch.rand(rows, generator=source) < right, a + b, random)
    plus, equals = torch.full_like(a, 10), torch.full_like(a, 11)
    return torch.stack([a, plus, b, equals, answer // 10, answer % 10], 1), a + b


def solved(model: nn.Module, source: torch.Generator) -> dict[str, float]:
    """Right answers to all hundred sums: of one draw, of the best of 8, and of the most probable one."""
    a, b = torch.arange(100) // 10, torch.arange(100) % 10
    prompt = torch.stack([a, torch.full_like(a, 10), b, torch.full_like(a, 11)], 1)
    got = drawn(model, prompt.repeat_interleave(8, 0), 2, lambda x: x, source)
    right = (got[:, 0] * 10 + got[:, 1] == (a + b).repeat_interleave(8)).view(100, 8)
    sure = drawn(model, prompt, 2, lambda x: temperature(x, 0.0), source)
    return {"one": float(right.float().mean()), "eight": float(right.any(1).float().mean()),
            "greedy": float((sure[:, 0] * 10 + sure[:, 1] == a + b).float().mean())}  # fmt: skip


def reinforced(model: nn.Module, source: torch.Generator, steps: int = 60, group: int = 8) -> list[float]:
    """Train with GRPO in place, one step a batch; the mean reward of each ten steps."""
    adam, found = torch.optim.AdamW(model.parameters(), 5e-4), []
    counts = (torch.arange(5) > 2).expand(16 * group, -1)
    for _ in range(steps):
        # 1. A group of answers to each of 16 questions; 1 for a right one.
        tokens, true = sums(16, 1.0, source)
        prompt = tokens[:, :4].repeat_interleave(group, 0)
        got = drawn(model, prompt, 2, lambda x: x, source)
        reward = (got[:, 0] * 10 + got[:, 1] == true.repeat_interleave(group)).float()
        found.append(float(reward.mean()))
        # 2. One step; drawn by the model as it is, the ratio is 1 and its gradient is that of log p.
        whole = torch.cat([prompt, got], 1)
        each = model(whole[:, :-1]).log_softmax(2).gather(2, whole[:, 1:, None]).squeeze(2)
        advantage = group_advantages(reward.view(16, group)).flatten()
        loss = grpo_loss(each, Rollout(each.detach(), advantage, counts), beta=0.0)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return [float(np.mean(found[i : i + 10])) for i in range(0, steps, 10)]
