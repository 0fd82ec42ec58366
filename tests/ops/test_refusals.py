"""What torch takes silently or the two forms took differently: refused, or right, in both of them."""

from functools import partial

import pytest
import torch

from gradschool.errors import UserError
from gradschool.ops import activation, conv, embedding, loss, norm, optim, pool, switch
from gradschool.ops.sequence.recurrent import Weights
from gradschool.ops.switch import described

pytestmark = pytest.mark.usefixtures("unchecked")
PLAIN_AND_FAST = pytest.mark.parametrize("layer", ["plain", "fast"])


def ones(*shape):
    return torch.ones(shape)


COLUMN, ROW = ones(3, 1), ones(3)
PAIRS = "mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy kl_div focal_loss"
REFUSED = {
    **{name: (partial(getattr(loss, name), COLUMN, ROW), "equal ones") for name in PAIRS.split()},
    "bce of logits": (lambda: loss.binary_cross_entropy_with_logits(COLUMN, ROW), "equal ones"),
    "ranking": (lambda: loss.margin_ranking_loss(COLUMN, ROW, ROW), "equal ones"),
    "ranking's sign": (lambda: loss.margin_ranking_loss(ROW, ROW, COLUMN), "equal ones"),
    "cosine": (lambda: loss.cosine_embedding_loss(ones(3, 2), ones(1, 2), ROW), "equal ones"),
    "cosine's sign": (lambda: loss.cosine_embedding_loss(ones(3, 2), ones(3, 2), COLUMN), "y has shape"),
    "triplet": (lambda: loss.triplet_margin_loss(ones(3, 2), ones(3, 2), ones(1, 2)), "equal ones"),
    "contrast": (lambda: loss.contrastive_loss(ones(3, 2), ones(1, 2), ROW), "equal ones"),
    "contrast's pairs": (lambda: loss.contrastive_loss(ones(3, 2), ones(3, 2), COLUMN), "same has shape"),
    "1.5": (lambda: loss.binary_cross_entropy(1.5 * ROW, ROW), "holds 1.5, numbers from 0 to 1"),
    "p is NaN": (lambda: loss.binary_cross_entropy(torch.nan * ROW, ROW), "p holds nan, numbers from 0 to 1"),
    "target 2": (lambda: loss.binary_cross_entropy(ROW, 2 * ROW), "y holds 2, numbers from 0 to 1"),
    "target NaN": (lambda: loss.binary_cross_entropy(ROW, torch.nan * ROW), "y holds nan"),
    "class 4": (lambda: loss.cross_entropy(ones(1, 4), torch.tensor([4])), "holds 4, numbers from 0 to 3"),
    "class -1": (lambda: loss.nll_loss(ones(1, 4), torch.tensor([-1])), "holds -1, numbers from 0 to 3"),
    "token": (lambda: embedding.embedding(torch.tensor([3]), ones(3, 2)), "holds 3"),
    "whole images": (lambda: conv.conv2d(ones(1, 1, 3, 3).long(), ones(1, 1, 2, 2).long(), ones(1)), "int64"),
    "slopes": (lambda: activation.prelu(ones(2), ones(2)), "one number"),
    "gain": (lambda: norm.rms_norm(ones(2, 3, 4), ones(2, 4)), r"last axes \(2, 4\)"),
    "padding": (lambda: conv.conv2d(ones(1, 1, 3, 3), ones(1, 1, 2, 2), padding="same"), "'same', a whole"),
    "half a step": (lambda: pool.avg_pool2d(ones(1, 1, 4, 4), (1.5, 2)), "kernel_size is"),
}  # fmt: skip


@PLAIN_AND_FAST
@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_both(case, layer):
    call, words = REFUSED[case]
    with switch.using(layer), pytest.raises(ValueError, match=words):
        call()


@PLAIN_AND_FAST
def test_an_argument_that_an_op_does_not_have_is_named(layer):
    with switch.using(layer):
        with pytest.raises(UserError, match="mse_loss: got an unexpected keyword argument 'weight'"):
            loss.mse_loss(ROW, ROW, weight=ROW)
        with pytest.raises(UserError, match="missing a required argument: 'y'"):
            loss.mse_loss(ROW)


@PLAIN_AND_FAST
def test_smooth_l1_with_beta_0_is_l1(layer):
    x, y = torch.tensor([1.0, -2.0, 3.0], requires_grad=True), torch.tensor([1.0, 0.0, 1.0])
    with switch.using(layer):
        value = loss.smooth_l1_loss(x, y, "sum", beta=0.0)
    assert value.item() == 4 and torch.autograd.grad(value, x)[0].tolist() == [0, -1, 1]


@PLAIN_AND_FAST
def test_prelu_keeps_the_shape(layer):
    with switch.using(layer):
        assert activation.prelu(torch.tensor([-2.0, 3.0]), torch.tensor([0.5])).tolist() == [-1, 3]
        assert activation.prelu(torch.tensor(-2.0), torch.tensor(0.5)).tolist() == -1


@pytest.mark.parametrize("layer", ["fast", "plain"])
def test_a_window_of_minus_infinity_gives_its_gradient_to_its_first_pixel(layer):
    """The plain form says that it lets a frame of -inf win over pixels of -inf."""
    x = torch.full((1, 1, 3, 3), -torch.inf)
    x[0, 0, 2, 2] = 1.0
    x.requires_grad_()
    with switch.using(layer):
        y = pool.max_pool2d(x, 2, 2, 1)
    assert y.tolist() == [[[[-torch.inf, -torch.inf], [-torch.inf, 1.0]]]]
    slope = torch.autograd.grad(y, x, torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))[0]
    lost = {"fast": 1, "plain": 0}[layer]
    assert slope.tolist() == [[[[lost * 1, lost * 2, 0], [lost * 3, 0, 0], [0, 0, 4]]]]


@PLAIN_AND_FAST
def test_a_gain_of_two_axes_takes_the_mean_over_both(layer):
    with switch.using(layer):
        y = norm.rms_norm(
            torch.tensor([[[3.0, 4.0], [0.0, 0.0]]]), torch.tensor([[1.0, 2.0], [1.0, 1.0]]), 0.0
        )
    torch.testing.assert_close(y, torch.tensor([[[3 / 2.5, 8 / 2.5], [0.0, 0.0]]]))


@PLAIN_AND_FAST
def test_weights_of_binary_losses(layer):
    """-(0.5 * 3 log 0.8) for y = 1 at p = 0.8 with weight 0.5 and pos_weight 3."""
    p = torch.tensor([0.8])
    with switch.using(layer):
        with_logits = loss.binary_cross_entropy_with_logits(
            p.logit(), ones(1), weight=torch.tensor([0.5]), pos_weight=torch.tensor([3.0])
        )
        assert with_logits.item() == pytest.approx(-1.5 * p.log().item(), rel=1e-5)
        weighed = loss.binary_cross_entropy(p, ones(1), weight=torch.tensor([0.5]))
        assert weighed.item() == pytest.approx(-0.5 * p.log().item(), rel=1e-5)


def test_adamw_has_an_eps():
    """The first step is lr g / (|g| + eps): with eps = |g| half of lr."""
    g = torch.tensor([0.25, -0.5])
    theta, _ = optim.adamw(torch.zeros(2), g, {}, lr=0.1, weight_decay=0.0, eps=0.25)
    torch.testing.assert_close(theta, torch.tensor([-0.05, 0.1 * 0.5 / 0.75]))
    again = torch.zeros(2, requires_grad=True)
    again.grad = g
    torch.optim.AdamW([again], lr=0.1, weight_decay=0.0, eps=0.25).step()
    torch.testing.assert_close(theta, again.detach())


def test_arguments_that_hold_tensors_are_described_without_their_numbers():
    """A state as a pair and weights in a dataclass: described by shapes, so the second call is known."""
    weights = Weights(torch.randn(8, 3), torch.randn(8, 2))
    first = described((torch.randn(4, 3), (torch.randn(4, 2), torch.randn(4, 2)), weights), {})
    weights = Weights(torch.randn(8, 3), torch.randn(8, 2))
    again = described((torch.randn(4, 3), (torch.randn(4, 2), torch.randn(4, 2)), weights), {})
    other = described((torch.randn(4, 3), (torch.randn(4, 2), torch.randn(5, 2)), weights), {})
    assert first == again != other
    assert described((1,), {}) != described((1.0,), {}) != described((True,), {})
    assert described((lambda x: x,), {}) == described((lambda y: y,), {})
