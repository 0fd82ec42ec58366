"""The game's task: its losses, its turns, what it logs, what it names, on nets of a few weights."""

import math

import pytest
import torch
from torch import nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader
from gradschool.engine.device import Machine
from gradschool.engine.loop import Plan, fit
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Schedule
from gradschool.engine.update import Stepper, Stepping
from gradschool.errors import WorkFailed
from gradschool.evals.generation.collapse import MEMORY, Watch, read
from gradschool.models.generative.dcgan import dc_critic, dcgan
from gradschool.models.generative.gan import mlp_gan
from gradschool.nn.norm import BatchNorm2d
from gradschool.tasks.gan import GAMES, Gan, Rules, frozen

X = torch.rand(12, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
Y = torch.arange(12) % 3
MACHINE = Machine("cpu", "fp32", False)


def players(kind=mlp_gan, classes=0, **options):
    torch.manual_seed(0)
    options = options or ({"widths": (16, 24), "dropout": 0.0} if kind is mlp_gan else {"width": 4})
    return kind((1, 8, 8), classes, latent=5, **options)


def stepping(task, **how):
    optimizers = {n: make_optimizer(p, Optim("sgd", 0.1)) for n, p in task.parts.items()}
    return Stepper(task, optimizers, MACHINE, Stepping(Schedule("constant", 0.0), **how))


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("name", GAMES)
def test_end_of_each_game_is_where_all_scores_are_alike(name):
    """No score can tell: the best constant score gives the losses that the game states as its end."""
    game, alike = GAMES[name], torch.linspace(-1, 2, 3001)[:, None]
    losses = torch.stack([game.discriminator(s, s) for s in alike])
    assert losses.min().item() == pytest.approx(game.end[0], abs=1e-6)
    if game.end[1] is None:
        flat = losses < losses.min() + 1e-5
        assert flat.sum() > 1000, "no score is better than another, so the generator's loss may be anything"
    else:
        # The grid's step is 0.001.
        assert game.generator(alike[losses.argmin()]).item() == pytest.approx(game.end[1], abs=1e-3)


def test_a_step_is_that_of_the_tutorial():
    """Two optimisers, one batch of pictures from noise that both answer to, as in PyTorch's DCGAN example."""
    ours, theirs = players(), players()
    task = Gan(ours, GAMES["non_saturating"])
    stepper = stepping(task)
    torch.manual_seed(7)
    seen = task.step((X, Y), stepper)
    # The same by hand.
    torch.manual_seed(7)
    bce = nn.BCEWithLogitsLoss()
    d, g = (torch.optim.SGD(p.parameters(), 0.1) for p in (theirs.discriminator, theirs.generator))
    fake = theirs.generator(torch.randn(12, 5))
    real_scores, fake_scores = theirs.discriminator(X), theirs.discriminator(fake.detach())
    error = bce(real_scores, torch.ones(12)) + bce(fake_scores, torch.zeros(12))
    d.zero_grad(), error.backward(), d.step()
    after = theirs.discriminator(fake)
    g.zero_grad(), bce(after, torch.ones(12)).backward(), g.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    expected = {
        "errD": error, "errG": bce(after, torch.ones(12)), "D(x)": real_scores.sigmoid().mean(),
        "D(G(z)) before": fake_scores.sigmoid().mean(), "D(G(z)) after": after.sigmoid().mean(),
    }  # fmt: skip
    for name, value in expected.items():
        torch.testing.assert_close(seen[name], value.detach(), msg=name)
    distance = abs(error.item() - 2 * math.log(2)) + abs(expected["errG"].item() - math.log(2))
    assert seen["distance"].item() == pytest.approx(distance, rel=1e-5)
    spread = fake.detach().std(0, correction=0).mean() / X.std(0, correction=0).mean()
    assert seen["diversity"].item() == pytest.approx(spread.item(), rel=1e-5)
    assert not any(p.grad is not None and p.grad.any() for p in ours.parameters()), (
        "gradients were left behind"
    )


def test_one_pass_over_both_kinds_gives_what_two_give():
    task = Gan(players(dc_critic), GAMES["hinge"])
    assert not task.is_apart
    real, fake = task.scores(X, X.flip(0), Y)
    torch.testing.assert_close(real, task.parts["discriminator"](X))
    torch.testing.assert_close(fake, task.parts["discriminator"](X.flip(0)))
    deep = dcgan((1, 16, 16), latent=5, width=4)
    assert Gan(deep, GAMES["hinge"]).is_apart, "batch statistics of the two kinds must not mix"


def test_critic_takes_its_turns_each_on_pictures_of_its_own():
    task, calls = Gan(players(), GAMES["wasserstein"], Rules(turns=3, clip=0.01)), []
    stepper = stepping(task)

    def update(part, batch, loss_of):
        calls.append((part, batch[0].shape[0], batch[0]))
        return stepper(part, batch, loss_of)

    task.step((X, Y), update)
    assert [call[:2] for call in calls] == [("discriminator", 4)] * 3 + [("generator", 4)]
    torch.testing.assert_close(torch.cat([call[2] for call in calls[:3]]), X)
    assert max(p.abs().max() for p in task.parts["discriminator"].parameters()) <= 0.01


def test_penalty_pulls_slopes_to_one():
    torch.manual_seed(0)
    task = Gan(players(dc_critic), GAMES["wasserstein"], Rules(penalty=10.0))
    optimizer = torch.optim.Adam(task.parts["discriminator"].parameters(), 0.01)
    fake = X.flip(0)
    first = task.tell_apart((X, fake, Y))
    for _ in range(150):
        optimizer.zero_grad()
        last = task.tell_apart((X, fake, Y))
        last["loss"].backward()
        optimizer.step()
    assert abs(last["slope"] - 1) < 0.15 < abs(first["slope"].item() - 1)
    torch.testing.assert_close(last["loss"], last["errD"] + 10 * last["penalty"])


def test_frozen_weights_get_no_gradient_but_let_it_through():
    layer, x = nn.Linear(3, 1), torch.ones(2, 3, requires_grad=True)
    layer.bias.requires_grad_(False)
    with frozen(layer):
        layer(x).sum().backward()
    assert layer.weight.grad is None and x.grad is not None
    assert layer.weight.requires_grad and not layer.bias.requires_grad, "each as it was"


def test_evaluation_weighs_batches_by_their_size_and_leaves_the_nets_alone():
    task = Gan(players(), GAMES["least_squares"], held_out="test")
    before = state(task.parts["discriminator"])
    torch.manual_seed(3)
    with torch.no_grad():
        found = task.evaluate(iter([(X[:9], Y[:9]), (X[9:], Y[9:])]))
        torch.manual_seed(3)
        fake = torch.cat([task.made(X[:9], Y[:9]), task.made(X[9:], Y[9:])])
        judge = task.parts["discriminator"]
        wrong = 0.5 * ((judge(X) - 1).square().mean() + judge(fake).square().mean())
    assert found["test_errD"] == pytest.approx(wrong.item(), rel=1e-5)
    assert found["test_distance"] == pytest.approx(
        abs(found["test_errD"] - 0.25) + abs(found["test_errG"] - 0.125), rel=1e-5
    )
    assert all(torch.equal(a, b) for a, b in zip(before.values(), state(judge).values(), strict=True))


def test_a_discriminator_with_batch_statistics_is_asked_as_it_was_trained():
    """Its running statistics are of real and generated pictures together, which are apart in training."""
    torch.manual_seed(0)
    both = dcgan((1, 16, 16), width=4, latent=6)
    task = Gan(both, GAMES["non_saturating"], held_out="test")
    judge = both.discriminator
    x = torch.rand(16, 1, 16, 16) * 2 - 1
    y = torch.zeros(16, dtype=torch.int64)
    for layer in judge.modules():
        if isinstance(layer, BatchNorm2d):
            layer.running_mean.fill_(3.0)
    both.eval()
    before = state(judge)
    with torch.inference_mode():
        torch.manual_seed(1)
        found = task.evaluate(iter([(x, y)]))
        assert not judge.training and all(not layer.training for layer in judge.modules())
        assert all(torch.equal(a, b) for a, b in zip(before.values(), state(judge).values(), strict=True))
        judge.train()
        assert found["test_D(x)"] == pytest.approx(judge(x, y).sigmoid().mean().item(), abs=1e-5)


def loader():
    pixels = torch.randint(
        0, 255, (96, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    return Loader(Images(pixels, torch.arange(96) % 3, ("a", "b", "c")), 24, 0, Pipeline((0.5,), (0.5,)))


def test_a_run_taken_up_again_goes_on_as_if_it_had_not_stopped(tmp_path):
    """Both parts, their averages and optimisers come back; all noise is the step's own."""

    def begun():
        task = Gan(players(classes=3), GAMES["non_saturating"], Rules(turns=2))
        return task, stepping(task, ema=0.9)

    def trained(steps, stepper_task, folder, progress=None):
        task, stepper = stepper_task
        return fit(task, loader(), None, stepper, Plan(steps), folder, progress=progress)

    whole, cut, again = begun(), begun(), begun()
    trained(8, whole, RunFolder.create("gan", tmp_path / "whole"))
    folder = RunFolder.create("gan", tmp_path / "cut")
    at = trained(5, cut, folder)
    again[1].load(folder)
    trained(8, again, folder, at)
    for name in ("discriminator", "generator"):
        expected, found = whole[0].parts[name].state_dict(), again[0].parts[name].state_dict()
        assert all(torch.equal(expected[key], found[key]) for key in expected)
        averages = whole[1].emas[name].shadow, again[1].emas[name].shadow
        assert all(torch.equal(averages[0][key], averages[1][key]) for key in averages[0])


def test_nan_ends_the_run_and_is_named():
    task = Gan(players(), GAMES["non_saturating"])
    with torch.no_grad():
        next(task.parts["discriminator"].parameters()).fill_(torch.nan)
    with pytest.raises(WorkFailed, match=r"errD is nan at step 1 .* precision=fp32"):
        fit(task, loader(), None, stepping(task), Plan(3))


def lines(**values):
    usual = {"errD": 1.3, "errG": 0.8, "diversity": 0.9, "D(G(z)) after": 0.4}
    return [{"step": step, **usual, **values} for step in range(1, 2 * MEMORY)]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"errD": 0.001}, "the discriminator wins"), ({"diversity": 0.02}, "mode collapse"),
        ({"errD": -5e4, "errG": 4e4}, "exploding critic"),
    ],
)  # fmt: skip
def test_trouble_is_named_once_while_it_happens(values, name, capsys):
    watch = Watch(2 * math.log(2))
    for line in lines(**values):
        watch(line)
    (sign,) = watch.signs
    assert (sign.name, sign.step) == (name, MEMORY)
    said = capsys.readouterr().err
    assert said.count(name) == 1 and "Try" in said


def test_a_healthy_game_and_a_critic_near_zero_are_left_in_peace(capsys):
    assert read(lines(), 2 * math.log(2)) == []
    assert read(lines(errD=0.0), 0.0) == []
    assert capsys.readouterr().err == ""
