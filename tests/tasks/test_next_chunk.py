"""Chunks with a carried state: nothing is lost at the joints, no gradient crosses them, a resumed run is the
uninterrupted one.
"""

import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from toys import CPU

from gradschool.engine.loop import Plan, Progress, fit
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Schedule
from gradschool.engine.update import Stepper, Stepping
from gradschool.models.language.recurrent_lm import RecurrentLM
from gradschool.tasks.next_chunk import NextChunk

KINDS = 7


def model(core="lstm", layers=2):
    torch.manual_seed(0)
    return RecurrentLM(KINDS, core, 8, 8, layers, 0.0, False)


def text(rows, steps, seed=0):
    return torch.randint(KINDS, (rows, steps + 1), generator=torch.Generator().manual_seed(seed))


def chunks(tokens, size, begins=()):
    """A long text of several rows in chunks; `begins` names (chunk, row) besides the first chunk."""
    for number, start in enumerate(range(0, tokens.shape[1] - 1, size)):
        x, y = tokens[:, start : start + size], tokens[:, start + 1 : start + size + 1]
        yield (
            x[:, : y.shape[1]],
            y,
            torch.tensor([number == 0 or (number, row) in begins for row in range(len(x))]),
        )


class Chunks:
    """Chunks of a text as training batches."""

    def __init__(self, rows=4, number=6, size=5):
        self.all = list(chunks(text(rows, number * size), size))

    def __len__(self):
        return len(self.all)

    def epoch(self, number, start=0):
        yield from self.all[start:]


@pytest.mark.parametrize("core", ["rnn", "lstm", "gru", "mingru", "minlstm", "statespace"])
def test_chunks_score_as_the_whole_text_does(core):
    tokens, net = text(3, 24), model(core)
    task = NextChunk(net, "test")
    with torch.no_grad():
        logits, _ = net(tokens[:, :-1])
        wanted = nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).item()
        for size in (24, 8, 7):
            found = task.evaluate(chunks(tokens, size))
            assert found == pytest.approx(
                {"test_loss": wanted, "test_perplexity": 2.718281828**wanted}, rel=1e-5
            )
    assert task.carried == {}, "an evaluation leaves the state of training alone"


def test_a_row_that_begins_anew_begins_at_zero():
    tokens, net = text(2, 12), model()
    with torch.no_grad():
        mixed = NextChunk(net).evaluate(chunks(tokens, 6, {(1, 1)}))["val_loss"]
        whole, halves = (NextChunk(net).evaluate(b)["val_loss"] for b in (
            chunks(tokens[:1], 12), iter([*chunks(tokens[1:, :7], 6), *chunks(tokens[1:, 6:], 6)])
        ))  # fmt: skip
    assert mixed == pytest.approx((whole + halves) / 2, rel=1e-5)


def test_targets_that_are_no_tokens_are_not_scored():
    tokens, net = text(2, 6), model()
    ((x, y, first),) = chunks(tokens, 6)
    masked = y.clone()
    masked[1, 2:] = -100
    with torch.no_grad():
        found = NextChunk(net).evaluate(iter([(x, masked, first)]))["val_loss"]
        logits, _ = net(x)
    kept = masked != -100
    assert found == pytest.approx(nn.functional.cross_entropy(logits[kept], y[kept]).item(), rel=1e-5)


def test_the_state_is_carried_without_its_history():
    task = NextChunk(model())
    for batch in chunks(text(3, 15), 5):
        task.step(batch, lambda part, batch, loss_of: loss_of(batch))
        assert [tuple(rows.shape) for rows in task.carried.values()] == [(3, 2, 8), (3, 2, 8)]
        assert not any(rows.requires_grad for rows in task.carried.values())
    _, (h, c) = task.parts["model"](text(3, 15)[:, :-1])
    torch.testing.assert_close(task.carried, {"0": h.transpose(0, 1), "1": c.transpose(0, 1)})


def stepper_for(task, accumulate=1):
    how = Stepping(Schedule("constant"), accumulate, clip=1.0, ema=0.9)
    return Stepper(task, {"model": make_optimizer(task.parts["model"], Optim("adamw", 0.01))}, CPU, how)


def test_micro_batches_take_the_states_of_their_rows():
    found = []
    for accumulate in (1, 2):
        task = NextChunk(model("gru"))
        fit(task, Chunks(), None, stepper_for(task, accumulate), Plan(9))
        found.append([*task.parts["model"].parameters(), *task.carried.values()])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("core", ["lstm", "gru"])
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path, core):
    """Broken off in the middle of an epoch: the checkpoint holds the state that is carried over the break."""

    def train(name, steps, go_on=False):
        (tmp_path / name).mkdir(exist_ok=True)
        task, run, at = NextChunk(model(core)), RunFolder(tmp_path / name), Progress()
        stepper = stepper_for(task)
        if go_on:
            state = stepper.load(run)
            at = Progress(**{name: state[name] for name in Progress.__annotations__})
        held_out = partial(chunks, text(4, 20, seed=1), 10)
        fit(task, Chunks(), held_out, stepper, Plan(steps, evaluate_every=2), run, progress=at)
        run.close()
        return [*task.parts["model"].parameters(), *task.carried.values()]

    whole = train("whole", 10)
    train("parts", 4)
    kept = load_file(tmp_path / "parts" / "checkpoints" / "step-00000004" / "carried.safetensors")
    assert kept.keys() == ({"0", "1"} if core == "lstm" else {"0"})
    for one, other in zip(train("parts", 10, go_on=True), whole, strict=True):
        assert torch.equal(one, other)


def test_a_state_of_another_batch_size_is_a_sentence():
    task = NextChunk(model())
    first, second = next(chunks(text(3, 5), 5)), next(chunks(text(2, 5), 5))
    with pytest.raises(ValueError, match="2 rows .* 3"):
        task.evaluate(iter([first, second]))
