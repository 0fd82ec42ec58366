"""The tasks of fine-tuning against loops and closed forms; faults that others have published are seen."""

import copy
import math
from functools import partial

import pytest
import torch
from torch import nn

from gradschool.data.text.dialogues.dialogue import Dialogue, Turn
from gradschool.data.text.dialogues.rows import packed, pairs, questions
from gradschool.data.text.tokens.characters import Characters
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2
from gradschool.nn.attention.score import Score
from gradschool.ops.tuning.preference import Pair, dpo_loss
from gradschool.ops.tuning.supervised import answer_log_prob
from gradschool.runs.language.tuning.groups import judge
from gradschool.tasks import dpo as dpo_task
from gradschool.tasks import grpo as grpo_task
from gradschool.tasks import sft as sft_task
from gradschool.tasks.dpo import Dpo, Preferring, compared, referenced
from gradschool.tasks.grpo import Grpo, Trying, draw, log_probs
from gradschool.tasks.reward import RewardPairs, last_token
from gradschool.tasks.sft import Sft

TOKENS = Characters.train(["QA: \n+0123456789"])


def network(make=gpt, **options):
    """A decoder in float64 whose logits are not all 0."""
    torch.manual_seed(0)
    sizes = {"depth": 1} | ({"width": 16, "heads": 2, "context": 64, "dropout": 0.0} if make is gpt2 else {})
    model = make(len(TOKENS), **sizes | options).double().eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.2 * torch.randn_like(p))
    return model


def moved(model):
    """Other weights than at the start."""
    with torch.no_grad():
        first = next(model.parameters())
        first.add_(0.3 * torch.randn(first.shape, generator=torch.Generator().manual_seed(7)))


def said(question, answer, rejected=None):
    return Dialogue([Turn("user", question), Turn("assistant", answer)], rejected)


SUMS = [said(f"{a}+{b}", str(a + b), str(a + b + 1)) for a, b in [(1, 2), (30, 4), (5, 66), (7, 7), (99, 99)]]


def whole_step(part, batch, loss_of):
    """An update without an optimiser."""
    return {name: value.detach() for name, value in loss_of(batch).items()}


# 1. Supervised fine-tuning.


def by_hand(model, dialogues, count):
    """The mean surprise of the tokens that `count` chooses, each dialogue read alone."""
    nats = []
    for each in dialogues:
        text = TOKENS.encode(f"Q: {each.question}\n\nA: {each.answer}\n\n")
        first = len(text) - len(each.answer) - 2
        log_p = model(torch.tensor([text]))[0].log_softmax(1)
        nats += [-log_p[i - 1, text[i]].item() for i in count(first, len(text))]
    return sum(nats) / len(nats)


@pytest.mark.parametrize("make", [gpt, gpt2])
def test_packed_dialogues_cost_what_each_costs_alone(make):
    model = network(make)
    rows = packed(SUMS, TOKENS, 40)
    assert len(rows[0]) < len(SUMS), "some share a row"
    found = Sft(model).loss(rows)["loss"].item()
    assert found == pytest.approx(by_hand(model, SUMS, range), abs=1e-9)
    # The public faults give other numbers: the first token lost, one place off to either side.
    for fault in (
        lambda a, b: range(a + 1, b),
        lambda a, b: range(a - 1, b - 1),
        lambda a, b: range(a - 1, b),
    ):
        assert abs(by_hand(model, SUMS, fault) - found) > 1e-3


def test_a_leak_between_packed_dialogues_is_seen():
    model = network()
    tokens, document, answer = packed(SUMS, TOKENS, 40)
    right = Sft(model).loss((tokens, document, answer))["loss"]
    leaking = Sft(lambda x, texts: model(x)).loss((tokens, document, answer))["loss"]  # one text a row
    assert abs(leaking - right) > 1e-3
    # What stands in other dialogues of the row changes nothing.
    row = next(r for r in range(len(tokens)) if len(document[r].unique()) > 2)
    keep = document[row] == document[row].max()
    other = tokens.clone()
    other[row] = torch.where(keep, tokens[row], (tokens[row] + 1) % len(TOKENS))
    a, b = (model(x[row : row + 1], texts=document[row : row + 1])[0][keep] for x in (tokens, other))
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_a_dialogue_is_right_where_greedy_decoding_gives_it():
    model = network()
    rows = packed(SUMS, TOKENS, 40)
    scores = Sft(model, "test").evaluate(iter([rows]))
    right = 0
    for each in SUMS:
        text, wanted = TOKENS.encode(f"Q: {each.question}\n\nA: "), TOKENS.encode(f"{each.answer}\n\n")
        for _ in wanted:
            text.append(int(model(torch.tensor([text]))[0, -1].argmax()))
        right += text[-len(wanted) :] == wanted
    assert scores["test_right"] == right / len(SUMS)
    assert scores["test_loss"] == pytest.approx(by_hand(model, SUMS, range), abs=1e-5)

    def knowing(tokens, texts):
        logits = torch.zeros(*tokens.shape, len(TOKENS))
        logits[:, :-1] = nn.functional.one_hot(tokens[:, 1:], len(TOKENS)) * 9.0
        logits[:, :, TOKENS.encode("4")[0]] += 20.0 * (texts == 3)  # the dialogue 7+7 goes wrong
        return logits

    found = Sft(knowing).evaluate(packed_part for packed_part in [rows])
    assert found["val_right"] == (len(SUMS) - 1) / len(SUMS)


def test_it_learns_its_dialogues_by_heart():
    model = network().float().train()
    task, rows = Sft(model), packed(SUMS, TOKENS, 40)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(80):
        optimizer.zero_grad()
        task.loss(rows)["loss"].backward()
        optimizer.step()
    assert task.evaluate(iter([rows]))["val_right"] == 1.0


# 2. Preferences.


def log_p_of(model, question, answer):
    text = TOKENS.encode(f"Q: {question}\n\nA: {answer}\n\n")
    log_p = model(torch.tensor([text]))[0].log_softmax(1)
    return sum(log_p[i - 1, text[i]].item() for i in range(len(text) - len(answer) - 2, len(text)))


@pytest.mark.parametrize("make", [gpt, gpt2])
def test_dpo_is_the_formula_on_sums_of_log_probabilities(make):
    model, start = network(make), network(make)
    moved(model)
    batch = referenced(start, pairs(SUMS, TOKENS))
    found = Dpo(model, Preferring(0.5)).loss(batch)
    leads = [
        (log_p_of(model, each.question, each.answer) - log_p_of(start, each.question, each.answer))
        - (log_p_of(model, each.question, each.rejected) - log_p_of(start, each.question, each.rejected))
        for each in SUMS
    ]
    wanted = sum(math.log1p(math.exp(-0.5 * lead)) for lead in leads) / len(leads)
    assert found["loss"].item() == pytest.approx(wanted, abs=1e-5)
    assert found["lead"].item() == pytest.approx(sum(leads) / len(leads), abs=1e-4)
    assert found["preferred"].item() == pytest.approx(sum(lead > 0 for lead in leads) / len(leads))
    # Averaged over tokens in place of summed, the fault of several trainers, it would be another number.
    means = [lead / (len(each.answer) + 2) for lead, each in zip(leads, SUMS, strict=True)]
    averaged = sum(math.log1p(math.exp(-0.5 * mean)) for mean in means) / len(means)
    assert abs(averaged - wanted) > 1e-3


def test_dpo_of_one_pair_has_the_golden_value():
    """At the start the loss is log 2 whatever the pair; after a lead of 2 nats and with beta 0.5 less."""
    start = network()
    batch = referenced(start, pairs(SUMS[:1], TOKENS))
    assert Dpo(start).loss(batch)["loss"].item() == pytest.approx(math.log(2), abs=1e-6)
    moved = (*batch[:4], batch[4] - 1.5, batch[5] + 0.5)
    assert Dpo(start, Preferring(0.5)).loss(moved)["loss"].item() == pytest.approx(
        0.31326168751822286, abs=1e-6
    )


def test_dpo_has_the_gradient_of_its_paper():
    """Rafailov et al. 2023, section 4: -beta s(-beta lead) (grad log p(chosen) - grad log p(rejected))."""
    model, start = network(), network()
    moved(model)
    batch = referenced(start, pairs(SUMS[:1], TOKENS))
    model_params = [p for p in model.parameters() if p.requires_grad]
    loss = Dpo(model, Preferring(0.5)).loss(batch)["loss"]
    found = torch.autograd.grad(loss, model_params)
    policy, _ = compared(model, batch[:4])
    lead = (policy.chosen - batch[4]) - (policy.rejected - batch[5])
    slope = torch.autograd.grad((policy.chosen - policy.rejected).sum(), model_params)
    weight = -0.5 * torch.sigmoid(-0.5 * lead.detach()).item()
    for a, b in zip(found, slope, strict=True):
        torch.testing.assert_close(a, weight * b, rtol=1e-4, atol=1e-6)


def test_the_reference_is_a_constant_and_the_model_keeps_its_mode():
    model = network().train()
    columns = referenced(model, pairs(SUMS, TOKENS))
    assert model.training and not any(each.requires_grad for each in columns)
    scores = Dpo(model.eval(), held_out="test").evaluate(iter([columns]))
    assert scores["test_preferred"] == 0.0 and scores["test_loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert scores["test_right"] == Sft(model).evaluate(iter([packed(SUMS, TOKENS, 40)]))["val_right"]


def test_a_reward_is_read_at_the_last_token_of_the_answer():
    model = Score(network(), len(TOKENS)).double()
    nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(0))
    batch = pairs(SUMS, TOKENS)
    chosen, rejected = RewardPairs(model).rewards(batch)
    for i, each in enumerate(SUMS):
        for found, answer in ((chosen[i], each.answer), (rejected[i], each.rejected)):
            text = torch.tensor([TOKENS.encode(f"Q: {each.question}\n\nA: {answer}\n\n")])
            alone = model(text, torch.tensor([text.shape[1] - 1]))
            assert found.item() == pytest.approx(alone.item(), abs=1e-9)
    loss = RewardPairs(model).loss(batch)
    wanted = -nn.functional.logsigmoid(chosen - rejected).mean()
    assert loss["loss"].item() == pytest.approx(wanted.item())
    scores = RewardPairs(model).evaluate(iter([batch]))
    assert scores["val_preferred"] == (chosen > rejected).double().mean().item()
    assert last_token(torch.tensor([[False, True, True, False]])).tolist() == [2]


# 3. Rewards of groups.


def trying(model, reference=None, **how):
    wanted = [each.answer for each in SUMS]
    return Grpo(model, model, reference, judge(wanted, TOKENS, "exact"), Trying(group=4, longest=5, **how))


def batch_of_questions():
    return *questions(SUMS, TOKENS), torch.arange(len(SUMS))


@pytest.mark.parametrize("make", [gpt, gpt2])
def test_what_is_drawn_has_the_probability_that_the_loss_gives_it(make):
    model = network(make)
    tokens, valid, _ = batch_of_questions()
    torch.manual_seed(1)
    drawn, log_p = draw(model, tokens, valid, 5)
    whole, there = torch.cat([tokens, drawn], 1), torch.cat([valid, torch.ones_like(drawn, dtype=bool)], 1)
    again = log_probs(model, whole, there, 5)
    torch.testing.assert_close(log_p.double(), again.double(), rtol=0, atol=1e-5)
    # Each question alone, without padding.
    for i in range(len(tokens)):
        alone = torch.cat([tokens[i][valid[i]], drawn[i]])[None]
        rows = model(alone)[0].log_softmax(1)
        wanted = rows[-6:-1].gather(1, drawn[i][:, None])[:, 0]
        torch.testing.assert_close(log_p[i].double(), wanted, rtol=0, atol=1e-5)


def test_a_first_step_is_the_policy_gradient_with_the_group_as_baseline():
    """Ratios are 1, so the gradient is minus the mean of advantage times grad log p, token by token."""
    model = network()
    task = trying(model, beta=0.0)
    task.judge = lambda question, row: (float(row[0] % 2), 3)  # so that rewards differ
    torch.manual_seed(0)
    tried, rewards = task.tried(batch_of_questions())
    texts, there, counts, _, advantage, _ = tried
    assert rewards.shape == (5, 4) and counts.sum(1).tolist() == [3] * 20
    spread = rewards.std(1, keepdim=True)
    torch.testing.assert_close(
        advantage.view(5, 4), (rewards - rewards.mean(1, keepdim=True)) / (spread + 1e-4)
    )
    params = list(model.parameters())
    found = torch.autograd.grad(task.loss(tried)["loss"], params, allow_unused=True)
    log_p = log_probs(model, texts, there, 5)
    plain = -(advantage[:, None] * log_p * counts).sum(1).div(3).mean()
    for a, b in zip(found, torch.autograd.grad(plain, params, allow_unused=True), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-7)


def test_the_same_seed_draws_the_same_and_the_model_keeps_its_mode():
    model = network().train()
    task = trying(model, copy.deepcopy(model).eval())
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(task.step(batch_of_questions(), whole_step))
    assert model.training
    assert {name: value.item() for name, value in found[0].items()} == {
        n: v.item() for n, v in found[1].items()
    }
    assert set(found[0]) == {"loss", "kl", "reward", "answer_tokens"}
    assert found[0]["kl"].item() == pytest.approx(0, abs=1e-9), "at the start both are one"


def test_rewards_go_up():
    model = network().float()
    task, optimizer = trying(model, beta=0.0), torch.optim.Adam(model.parameters(), 1e-2)
    first = TOKENS.encode("7")[0]
    task.judge = lambda question, row: (float(row[0] == first), 1)

    def update(part, batch, loss_of):
        optimizer.zero_grad()
        losses = loss_of(batch)
        losses["loss"].backward()
        optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    torch.manual_seed(0)
    rewards = [task.step(batch_of_questions(), update)["reward"].item() for _ in range(40)]
    assert sum(rewards[-5:]) / 5 > 0.9 > 0.5 > rewards[0]


@pytest.mark.parametrize(
    ("by", "text", "reward", "length"),
    [
        ("exact", "3\n\n7", 1.0, 3),
        ("exact", "3\n", 0.0, 2),
        ("exact", "4\n\n", 0.0, 3),
        ("exact", "3 3\n\n", 0.0, 5),
        ("number", "1+2 : 3\n\n", 1.0, 9),
        ("number", "3 4\n\n", 0.0, 5),
        ("number", ":\n\n", 0.0, 3),
    ],
)
def test_a_reward_is_for_a_right_answer_that_ends(by, text, reward, length):
    assert judge(["3"], TOKENS, by)(0, TOKENS.encode(text)) == (reward, length)


# 4. Faults that are put in are found by the tests above.


MUTANTS = {
    "one place off": (sft_task, "supervised_loss", lambda true: (
        lambda logits, tokens, answer, document: true(logits, tokens, answer.roll(-1, 1), document))),
    "first token of the answer lost": (sft_task, "supervised_loss", lambda true: (
        lambda logits, tokens, answer, document: true(logits, tokens, answer & answer.roll(1, 1), document))),
    "log-probabilities averaged": (dpo_task, "answer_log_prob", lambda true: (
        lambda logits, tokens, answer: true(logits, tokens, answer) / answer.sum(1))),
    "reference left out": (dpo_task, "dpo_loss", lambda true: (
        lambda policy, reference, beta, smoothing: true(
            policy, Pair(reference.chosen * 0, reference.rejected * 0), beta, smoothing))),
    "advantage not centred": (grpo_task, "group_advantages", lambda true: (lambda rewards, scaled: rewards)),
    "padding not hidden": (grpo_task, "log_probs", lambda true: (
        lambda model, tokens, valid, last: true(model, tokens, torch.ones_like(valid), last))),
}  # fmt: skip
SEEN_BY = {
    sft_task: partial(test_packed_dialogues_cost_what_each_costs_alone, gpt),
    dpo_task: partial(test_dpo_is_the_formula_on_sums_of_log_probabilities, gpt),
    grpo_task: test_a_first_step_is_the_policy_gradient_with_the_group_as_baseline,
}


@pytest.mark.parametrize("fault", MUTANTS)
def test_a_fault_is_seen(fault, monkeypatch):
    module, name, broken = MUTANTS[fault]
    monkeypatch.setattr(module, name, broken(getattr(module, name)))
    with pytest.raises(AssertionError):
        SEEN_BY[module]()


def test_the_op_and_the_task_agree_about_what_an_answer_is():
    model, batch = network(), pairs(SUMS, TOKENS)
    policy, _ = compared(model, batch)
    torch.testing.assert_close(
        policy.chosen, answer_log_prob(model(batch[0]).float(), batch[0], batch[1]), rtol=0, atol=1e-5
    )
    assert dpo_loss(policy, policy).item() == pytest.approx(math.log(2), abs=1e-6)
