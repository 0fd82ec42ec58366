"""Checks of chapter 15, second half: fine-tuning, small weights, and what is inside; by loops in float64."""

import math

import numpy as np
import torch

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, a few operations a number, against float64")
LOSS = Tolerance(1e-4, 1e-6, "float32 sums of exponentials, against float64")
SCALES = Tolerance(1e-6, 1e-9, "one division in float32")
EXACT = Tolerance(0, 0, "whole numbers")


def draw(seed, *shape, dtype=torch.float32):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def whole(seed, most, *shape):
    """Random whole numbers from 0 to below `most`."""
    return torch.randint(0, most, shape, generator=torch.Generator().manual_seed(seed))


# Fine-tuning


def shifted(tokens, answer=None, document=None):
    """Position by position, in Python."""
    found = []
    for r, row in enumerate(tokens.tolist()):
        targets = []
        for t in range(len(row)):
            known = t + 1 < len(row)
            if known and answer is not None:
                known = bool(answer[r, t + 1])
            if known and document is not None:
                known = document[r, t + 1] == document[r, t] and int(document[r, t + 1]) != -1
            targets.append(row[t + 1] if known else -100)
        found.append(targets)
    return torch.tensor(found).view(tokens.shape)


def sft_targets(ladder: Ladder) -> None:
    """Without masks, a question and an answer, an answer in the middle, packed texts, padding, one token."""
    tokens = torch.tensor([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]])
    answer = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 1, 1, 0, 0, 0]]).bool()
    document = torch.tensor([[0, 0, 0, 1, 1, 1], [2, 2, 3, 3, -1, -1]])
    cases = [
        Case("tokens 3 1 4 1 5 9 and 2 6 5 3 5 8, where all count", (tokens,)),
        Case("an answer at the end, and one in the middle", (tokens, answer)),
        Case("a first token that counts, but has nothing before it", (tokens, ~answer)),
        Case("two texts in a row, and padding", (tokens, None, document)),
        Case("texts, padding and answers", (tokens, answer, document)),
        Case("rows of one token", (torch.tensor([[7], [8]]), torch.ones(2, 1).bool())),
        Case("20 random rows", (whole(0, 50, 20, 9), whole(1, 2, 20, 9).bool(), whole(2, 3, 20, 9) - 1)),
    ]
    ladder.agrees(cases, shifted, EXACT)


def merged(mine, weight, bias, down, up, alpha):
    """The learner's class around a layer: what `merged` returns, and what is left of the layer."""
    import torch

    from gradschool.nn.linear import Linear

    base = Linear(weight.shape[1], len(weight), bias is not None, dtype=weight.dtype)
    with torch.no_grad():
        base.weight.copy_(weight)
        if bias is not None:
            base.bias.copy_(bias)
    lora = mine(base, len(down), alpha)
    with torch.no_grad():
        lora.down.copy_(down)
        lora.up.copy_(up)
    layer = lora.merged()
    found = {"weight": layer.weight.detach(), "kept": base.weight.detach(), "up": lora.up.detach()}
    pairs = [(layer.weight, base.weight), (layer.bias, base.bias)]
    shared = [a.data_ptr() == b.data_ptr() for a, b in pairs if a is not None and b is not None]
    found["learns"] = [layer.weight.requires_grad, any(shared)]
    return found | ({"bias": layer.bias.detach()} if layer.bias is not None else {})


def difference_added(weight, bias, down, up, alpha):
    """W + (alpha / r) B A, in float64."""
    product = np.einsum("or,ri->oi", up.double().numpy(), down.double().numpy())
    whole = torch.from_numpy(weight.double().numpy() + alpha / len(down) * product).to(weight.dtype)
    found = {"weight": whole, "kept": weight, "up": up, "learns": [True, False]}
    return found | ({} if bias is None else {"bias": bias})


def lora_merge(ladder: Ladder) -> None:
    """By hand, ranks and scales, without a bias, float64, a difference of 0."""
    small = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    cases = [
        Case(
            "W = ((1, 2), (3, 4), (5, 6)), A = (1, 2), B = (1, 0, 2), alpha = 3",
            (small, torch.ones(3), torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0], [0.0], [2.0]]), 3.0),
        ),
        Case(
            "rank 3, alpha = 6, 5 outputs of 4 inputs",
            (draw(0, 5, 4), draw(1, 5), draw(2, 3, 4), draw(3, 5, 3), 6.0),
        ),
        Case("no bias", (draw(4, 4, 7), None, draw(5, 2, 7), draw(6, 4, 2), 1.0)),
        Case("B = 0, as it is at first", (draw(7, 4, 3), draw(8, 4), draw(9, 2, 3), torch.zeros(4, 2), 16.0)),
        Case(
            "float64",
            (*(each.double() for each in (draw(10, 3, 6), draw(11, 3), draw(12, 3, 6), draw(13, 3, 3))), 2.5),
        ),
    ]
    ladder.agrees(cases, difference_added, CLOSE, through=merged)


def of_pairs(mine, chosen, rejected, kept, lost, given):
    """The learner's loss and its gradients by the policy's log-probabilities."""
    import torch

    from gradschool.ops.tuning.preference import Pair

    policy = [chosen.clone().requires_grad_(), rejected.clone().requires_grad_()]
    loss = mine(Pair(*policy), Pair(kept, lost), **given)
    slopes = torch.autograd.grad(loss, policy) if loss.requires_grad else [torch.zeros(1)] * 2
    return {"loss": loss.detach(), "chosen": slopes[0], "rejected": slopes[1]}


def pair_by_pair(chosen, rejected, kept, lost, given):
    """The formula and its derivative by hand: -beta (1 - smoothing - sigmoid(lead)) / n."""
    beta, eps = given.get("beta", 0.1), given.get("smoothing", 0.0)
    lead = beta * ((chosen.double() - kept.double()) - (rejected.double() - lost.double())).numpy()
    loss = (1 - eps) * np.logaddexp(0, -lead) + eps * np.logaddexp(0, lead)
    slope = beta * (1 / (1 + np.exp(-lead)) - 1 + eps) / len(lead)
    found = {"loss": loss.mean(), "chosen": slope, "rejected": -slope}
    return {name: torch.as_tensor(value).to(chosen.dtype) for name, value in found.items()}


def dpo_loss(ladder: Ladder) -> None:
    """By hand, several pairs, other settings, large leads of both signs, float64; loss and gradient."""
    one = torch.ones(1)
    four = [10 * draw(seed, 4) - 20 for seed in range(4)]
    cases = [
        Case(
            "log p -1 and -3, reference -2 and -2, beta = 0.5",
            (-one, -3 * one, -2 * one, -2 * one, {"beta": 0.5}),
        ),
        Case(
            "log p -3 and -1, reference -2 and -4, beta = 1",
            (-3 * one, -one, -2 * one, -4 * one, {"beta": 1.0}),
        ),
        Case("the policy is the reference, where the loss is log 2", (*four[:2], *four[:2], {})),
        Case("4 pairs, beta = 0.1", (*four, {})),
        Case("4 pairs, beta = 0.3, smoothing = 0.2", (*four, {"beta": 0.3, "smoothing": 0.2})),
        Case(
            "one pair that lies behind by 400",
            (-500 * one, -100 * one, -100 * one, -100 * one, {"beta": 1.0}),
        ),
        Case(
            "one pair that leads by 400, smoothing = 0.1",
            (-100 * one, -500 * one, -100 * one, -100 * one, {"beta": 1.0, "smoothing": 0.1}),
        ),
        Case("float64", (*(each.double() for each in four), {"beta": 0.7})),
    ]
    ladder.agrees(cases, pair_by_pair, LOSS, through=of_pairs)


def against_the_group(rewards, scaled=True, eps=1e-4):
    """Question by question."""
    rows = []
    for row in rewards.double().tolist():
        mean = sum(row) / len(row)
        deviation = math.sqrt(sum((r - mean) ** 2 for r in row) / (len(row) - 1))
        rows.append([(r - mean) / ((deviation + eps) if scaled else 1) for r in row])
    return torch.tensor(rows, dtype=torch.float64).to(rewards.dtype)


def group_advantages(ladder: Ladder) -> None:
    """By hand, equal rewards, not scaled, another eps, many, float64; then groups sum to 0."""
    right = torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
    many = draw(0, 3, 7)
    cases = [
        Case("rewards (1, 0, 0, 1) and (1, 0, 0, 0)", (right,)),
        Case("rewards (1, 0, 0, 1) and (1, 0, 0, 0), not scaled", (right, False)),
        Case("equal rewards, from which nothing is learned", (torch.ones(2, 3),)),
        Case("two answers, rewards 3 and 1, eps = 0.5", (torch.tensor([[3.0, 1.0]]), True, 0.5)),
        Case("3 questions with 7 answers", (many,)),
        Case("3 questions with 7 answers, not scaled", (many + 5, False)),
        Case("float64, eps = 0.01", (many.double() * 3, True, 0.01)),
    ]
    ladder.agrees(cases, against_the_group, CLOSE)
    ladder.gradients([cases[4], cases[5]], lambda r, scaled=True, eps=1e-4: (r - r.mean(1, keepdim=True)) / (
        r.std(1, keepdim=True) + eps if scaled else 1), LOSS)  # fmt: skip
    sums = ladder.subject(many).sum(1)
    ladder.same(
        "The advantages of a group sum to 0, which", sums, torch.zeros(3), Tolerance(0, 1e-5, "float32")
    )


def of_rollout(mine, log_p, old, advantage, counts, reference, given):
    """The learner's loss and its gradient by log_p."""
    import torch

    from gradschool.ops.tuning.preference import Rollout

    new = log_p.clone().requires_grad_()
    loss = mine(new, Rollout(old, advantage, counts, reference), **given)
    slope = torch.autograd.grad(loss, new)[0] if loss.requires_grad else torch.zeros(1)
    return {"loss": loss.detach(), "gradient": slope}


def token_by_token(log_p, old, advantage, counts, reference, given):
    """Equation 3 in float64, one token at a time; the derivative by hand."""
    clip, beta, by_answer = given.get("clip", 0.2), given.get("beta", 0.04), given.get("by_answer", True)
    total, slope = 0.0, torch.zeros(log_p.shape, dtype=torch.float64)
    n = max(1, int(counts.sum()))
    for i, row in enumerate(counts.tolist()):
        weight = 1 / max(1, sum(row)) / len(counts) if by_answer else 1 / n
        for t, is_answer in enumerate(row):
            if not is_answer:
                continue
            a, r = float(advantage[i]), math.exp(float(log_p[i, t]) - float(old[i, t]))
            held = min(max(r, 1 - clip), 1 + clip)
            gain, change = (r * a, r * a) if r * a <= held * a else (held * a, 0.0)
            if reference is not None:
                q = math.exp(float(reference[i, t]) - float(log_p[i, t]))
                gain -= beta * (q - 1 - math.log(q))
                change -= beta * (1 - q)
            total -= weight * gain
            slope[i, t] = -weight * change
    return {"loss": torch.tensor(total).to(log_p.dtype), "gradient": slope.to(log_p.dtype)}


def grpo_loss(ladder: Ladder) -> None:
    """One token on each side of the clip, lengths, padding, a reference, both means; loss and gradient."""
    one, yes = torch.zeros(1, 1), torch.ones(1, 1).bool()
    log_p, old = draw(0, 4, 5) / 4 - 2, draw(1, 4, 5) / 4 - 2
    advantage, reference = torch.tensor([1.5, -0.5, 0.7, -2.0]), draw(2, 4, 5) / 4 - 2
    counts = torch.tensor([[0, 1, 1, 1, 1], [0, 0, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]).bool()
    both, one_of = (log_p, old, advantage, counts, reference), torch.zeros(4, 5).bool()
    one_of[2, 1] = True
    two = (torch.tensor([[0.0, 1.0, -60.0]]), torch.tensor([[0.0, 1.0, 60.0]]), torch.ones(1))
    cases = [
        Case("ratio 1.5, advantage 2", (one + math.log(1.5), one, 2 * torch.ones(1), yes, None, {})),
        Case("ratio 1.5, advantage -2", (one + math.log(1.5), one, -2 * torch.ones(1), yes, None, {})),
        Case("ratio 0.5, advantage 2", (one + math.log(0.5), one, 2 * torch.ones(1), yes, None, {})),
        Case(
            "ratio 0.5, advantage -2, clip = 0.1",
            (one + math.log(0.5), one, -2 * torch.ones(1), yes, None, {"clip": 0.1}),
        ),
        Case(
            "ratio 1, KL from a reference that is twice as probable, beta = 1",
            (one, one, torch.ones(1), yes, one + math.log(2), {"beta": 1.0}),
        ),
        Case("4 answers of different lengths, the last without a token", (*both, {})),
        Case("4 answers, without a reference", (*both[:4], None, {"beta": 3.0})),
        Case("all tokens of the batch count alike", (*both, {"by_answer": False, "beta": 0.5, "clip": 0.05})),
        Case("one token counts in all", (*both[:3], one_of, reference, {"by_answer": False})),
        Case("no token counts", (*both[:3], torch.zeros(4, 5).bool(), reference, {"by_answer": False})),
        Case(
            "one token counts, and another is no number's size",
            (*two, torch.tensor([[True, True, False]]), None, {}),
        ),
        Case(
            "float64, beta = 0.2, clip = 0.3",
            (*(each.double() for each in both[:3]), counts, reference.double(), {"beta": 0.2, "clip": 0.3}),
        ),
    ]
    ladder.agrees(cases, token_by_token, LOSS, through=of_rollout)


# Small weights


def rounded(w, bits=8, group=None):
    """Group by group, in float32 for the division that rounding sees."""
    size, most, codes, scales = group or w.shape[1], 2 ** (bits - 1) - 1, [], []
    for row in w:
        codes.append([])
        scales.append([])
        for part in row.split(size):
            scale = max(abs(part.min()), abs(part.max())) / most
            scales[-1].append(scale)
            codes[-1] += [max(-most, min(most, round(float(x / scale)))) if scale else 0 for x in part]
    return torch.tensor(codes, dtype=torch.int8), torch.stack([torch.stack(each) for each in scales])


def quantise_weight(ladder: Ladder) -> None:
    """By hand, bits 2 to 8, groups, zeros, negative rows, half precision; then the largest error."""
    w = draw(0, 5, 12)
    half = (draw(1, 40, 6) * 3).bfloat16()
    cases = [
        Case("w = (0.5, -1.27, 0.014), 8 bits", (torch.tensor([[0.5, -1.27, 0.014]]),)),
        Case("w = (0.6, -0.7, 0.2, 0.1), 4 bits", (torch.tensor([[0.6, -0.7, 0.2, 0.1]]), 4)),
        Case("two rows of different sizes, 4 bits", (torch.tensor([[0.6, -0.7], [60.0, 11.0]]), 4)),
        Case("negative weights alone", (-w.abs(),)),
        Case(
            "a row of zeros, and a group of zeros",
            (torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 3.0, -1.0]]), 8, 2),
        ),
        Case("5 rows of 12, 8 bits", (w,)),
        Case("5 rows of 12, 4 bits in groups of 3", (w, 4, 3)),
        Case("5 rows of 12, 3 bits in groups of 6", (w * 100, 3, 6)),
        Case("5 rows of 12, 2 bits in groups of 4", (w, 2, 4)),
        Case("float64, groups of 1", (w.double(), 5, 1)),
        Case("bfloat16, where division rounds", (half,)),
    ]
    ladder.agrees(cases, rounded, SCALES)
    codes, scale = ladder.subject(w, 4, 3)
    off = (codes.float().view(5, 4, 3) * scale[..., None] - w.view(5, 4, 3)).abs() / scale[..., None]
    ladder.holds("No weight was to be off by more than half a scale.", float(off.max()) < 0.5001)
    most = int(ladder.subject(half)[0].abs().max())
    ladder.holds(f"The largest code of 8 bits was to be 127; {most} came.", most == 127)


# What is inside


def looked_up(weights, p):
    """The mean of single weights, head by head."""
    b, h, _, _ = weights.shape
    found = []
    for head in range(h):
        each = [weights[text, head, i, i - p + 1] for text in range(b) for i in range(p, 2 * p)]
        found.append(sum(float(x) for x in each) / len(each))
    return torch.tensor(found, dtype=torch.float64).to(weights.dtype)


def induction_score(ladder: Ladder) -> None:
    """A perfect head, one that looks at the token itself, several texts and lengths; float64, gradient."""
    at = torch.arange(6)
    perfect = torch.zeros(1, 2, 6, 6)
    perfect[0, 0, at, (at - 2).clamp(min=0)] = 1
    perfect[0, 1, at, (at - 3).clamp(min=0)] = 1
    cases = [
        Case("p = 3, head 0 looks two places back, head 1 three", (perfect, 3)),
        Case("one text, p = 2", (draw(0, 1, 3, 4, 4).softmax(3), 2)),
        Case("4 texts and 3 heads, p = 5", (draw(1, 4, 3, 10, 10).softmax(3), 5)),
        Case("float64, p = 4", (draw(2, 2, 1, 8, 8).double().softmax(3), 4)),
    ]
    ladder.agrees(cases, looked_up, CLOSE)

    def summed(w, p):
        return torch.stack([w[:, :, i, i - p + 1] for i in range(p, 2 * p)], 2).mean((0, 2))

    ladder.gradients(cases[1:], summed, CLOSE)


def the_largest(f, k):
    """Row by row: what is as large as the k-th largest, if it is above 0."""
    rows = []
    for row in f.reshape(-1, f.shape[-1]).tolist():
        least = sorted(row, reverse=True)[k - 1]
        rows.append([x if x >= least and x > 0 else 0.0 for x in row])
    return torch.tensor(rows, dtype=torch.float64).view(f.shape).to(f.dtype)


def keep_largest(ladder: Ladder) -> None:
    """By hand, negative ones among the k, all of them, one axis and three; float64, gradient."""
    f = draw(0, 2, 3, 8)
    cases = [
        Case("f = (1, 5, 3, 2), k = 2", (torch.tensor([1.0, 5.0, 3.0, 2.0]), 2)),
        Case(
            "f = (-1, 5, -3, -2), k = 3, of which one is above 0", (torch.tensor([-1.0, 5.0, -3.0, -2.0]), 3)
        ),
        Case("two rows of negative numbers, where nothing is active", (-f[0, :2].abs(), 2)),
        Case("k = m, which keeps all that is above 0", (f, 8)),
        Case("2x3 rows of 8, k = 1", (f, 1)),
        Case("2x3 rows of 8, k = 3", (f + 1, 3)),
        Case("float64, k = 2", (f.double(), 2)),
    ]
    ladder.agrees(cases, the_largest, EXACT)
    ladder.gradients(cases[4:], lambda f, k: f * (the_largest(f.detach(), k) != 0), CLOSE)
    came = int((ladder.subject(torch.tensor([2.0, 3.0, 1.0, 3.0, 3.0]), 2) != 0).sum())
    ladder.holds(f"Of three equal numbers any 2 were to be kept with k = 2; {came} were.", came == 2)
