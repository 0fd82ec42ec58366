"""Where ops are apt to break: kinks, ends of the number range, empty batches, half precision, odd memory."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from gradschool.ops import activation, conv, linear, loss, norm, pool, switch


@pytest.fixture(autouse=True)
def plain():
    with switch.using("plain"):
        yield


def noise(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def gradients(function, *leaves):
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    return torch.autograd.grad(function(*leaves).sum(), leaves)


# One call of every op whose gradient is more than a line: tensors that take part in it, in float64.
CALLS = {
    "conv2d": (
        lambda x, w, b: conv.conv2d(x, w, b, (2, 1), (1, 0), (1, 2), 2),
        *((2, 4, 5, 6), (4, 2, 3, 2), (4,)),
    ),
    "conv1d": (lambda x, w, b: conv.conv1d(x, w, b, 2, 1), (2, 3, 7), (2, 3, 3), (2,)),
    "conv_transpose2d": (
        lambda x, w, b: conv.conv_transpose2d(x, w, b, (2, 1), 1, (1, 0), 2),
        *((1, 4, 3, 4), (4, 1, 3, 3), (2,)),
    ),
    "linear": (linear.linear, (2, 3, 4), (5, 4), (5,)),
    "max_pool2d": (lambda x: pool.max_pool2d(x, (3, 2), 2, 1), (1, 2, 5, 6)),
    "avg_pool2d": (lambda x: pool.avg_pool2d(x, 3, 2, 1, True, False), (1, 2, 6, 7)),
    "adaptive_avg_pool2d": (lambda x: pool.adaptive_avg_pool2d(x, (2, 3)), (1, 2, 5, 7)),
    "blur_pool2d": (pool.blur_pool2d, (1, 2, 5, 4)),
    "batch_norm": (lambda x, w, b: norm.batch_norm(x, None, None, w, b, True), (3, 2, 2, 3), (2,), (2,)),
    "layer_norm": (lambda x, w, b: norm.layer_norm(x, (3, 4), w, b), (2, 3, 4), (3, 4), (3, 4)),
    "group_norm": (lambda x, w, b: norm.group_norm(x, 2, w, b), (2, 4, 3), (4,), (4,)),
    "rms_norm": (norm.rms_norm, (3, 5), (5,)),
    "local_response_norm": (lambda x: norm.local_response_norm(x, 3, 0.1), (1, 5, 2, 2)),
    "cross_entropy": (
        lambda x, w: loss.cross_entropy(x, torch.tensor([1, 0, -100]), w.exp(), label_smoothing=0.1),
        *((3, 4), (4,)),
    ),
    "triplet_margin_loss": (loss.triplet_margin_loss, (3, 4), (3, 4), (3, 4)),
    "contrastive_loss": (
        lambda a, b: loss.contrastive_loss(a, b, torch.tensor([1.0, 0, 0]).double(), 5.0),
        *((3, 4), (3, 4)),
    ),
    "focal_loss": (lambda x: loss.focal_loss(x, torch.ones(4).double(), 1.5, 0.3), (4,)),
}


@pytest.mark.parametrize("name", CALLS)
def test_gradients_are_finite_differences(name):
    call, *shapes = CALLS[name]
    leaves = [noise(*shape, seed=i, dtype=torch.float64).requires_grad_() for i, shape in enumerate(shapes)]
    assert gradcheck(call, leaves)


SMOOTH = ["sigmoid", "tanh", "softplus", "silu", "mish", "gelu", "gelu_tanh", "elu", "selu"]


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes_at_zero_and_far_out_are_torchs(name):
    """At 0 exactly, where |x| has no slope, and where exp would overflow and 0 x infinity would be NaN."""
    op = getattr(activation, name)
    x = torch.tensor([0.0, -0.0, 1e-4, -1e-4, 1e4, -1e4, 90.0, -90.0])
    torch.testing.assert_close(gradients(op.plain, x), gradients(op.fast, x), rtol=1e-5, atol=1e-6)
    # Below the smallest normal number, 1e-38, some kernels flush to 0.
    torch.testing.assert_close(op.plain(x), op.fast(x), rtol=1e-5, atol=1e-37)


def test_softmax_of_extremes_and_of_what_is_masked():
    x = torch.tensor([[1e4, 0.0, -1e4], [-torch.inf, 1.0, 1.0], [88.0, 89.0, 90.0]])
    for op in (activation.softmax, activation.log_softmax):
        torch.testing.assert_close(op.plain(x), op.fast(x))
        torch.testing.assert_close(op.plain(x, 0), op.fast(x, 0))


def test_binary_cross_entropy_at_certainty_has_finite_gradients():
    p, y = torch.tensor([0.0, 1.0, 1.0, 0.0, 1e-6, 1 - 1e-6]), torch.tensor([0.0, 1, 0, 1, 0, 1])
    for reduction in ("none", "mean", "sum"):
        torch.testing.assert_close(
            loss.binary_cross_entropy.plain(p, y, reduction), loss.binary_cross_entropy.fast(p, y, reduction)
        )
    (slope,) = gradients(lambda q: loss.binary_cross_entropy(q, y), p)
    assert slope.isfinite().all()
    slope = gradients(loss.binary_cross_entropy_with_logits, torch.zeros(2), torch.tensor([0.0, 1.0]))[0]
    torch.testing.assert_close(slope, torch.tensor([0.25, -0.25]))  # (sigmoid(0) - y) / 2


def test_kl_divergence_of_equal_distributions_is_zero_and_its_gradient_finite():
    p = torch.tensor([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
    log_q = p.log()
    assert loss.kl_div(log_q, p, "batchmean").item() == 0
    slopes = gradients(lambda q: loss.kl_div(q.clamp(min=-50), p, "sum"), log_q)
    assert slopes[0].isfinite().all()


def test_losses_where_everything_is_ignored_or_nothing_is_there():
    x, y = noise(3, 4), torch.full((3,), -100)
    assert loss.cross_entropy(x, y).isnan() and F.cross_entropy(x, y).isnan()
    assert loss.cross_entropy(x, y, reduction="sum") == 0
    assert loss.cross_entropy(x, torch.tensor([0, 1, 2]), ignore_index=1, reduction="none")[1] == 0
    assert loss.cross_entropy(noise(0, 4), torch.zeros(0).long(), reduction="sum") == 0
    masked = torch.tensor([[0.0, -torch.inf]])  # a class that cannot be, under a label that is ignored
    assert loss.cross_entropy(masked, torch.tensor([-100]), reduction="sum") == 0


@given(
    b=st.integers(1, 4),
    k=st.integers(2, 5),
    rest=st.lists(st.integers(1, 3), max_size=2),
    seed=st.integers(0, 99),
    smoothing=st.sampled_from([0.0, 0.2]),
    reduction=st.sampled_from(["mean", "sum", "none"]),
)
@settings(deadline=None, max_examples=30)
def test_cross_entropy_of_any_shape(b, k, rest, seed, smoothing, reduction):
    x = 10 * noise(b, k, *rest, seed=seed)
    y = torch.randint(0, k, (b, *rest), generator=torch.Generator().manual_seed(seed))
    y.view(-1)[1:2] = 0  # the class that is ignored, but never everywhere
    y.view(-1)[0] = 1
    weight = noise(k, seed=seed).exp()
    how = {"weight": weight, "ignore_index": 0, "reduction": reduction, "label_smoothing": smoothing}
    ours, theirs = loss.cross_entropy(x, y, **how), F.cross_entropy(x, y, **how)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@given(
    k=st.integers(1, 3), d=st.integers(1, 3), s=st.integers(1, 4), h=st.integers(7, 11), w=st.integers(7, 11)
)
@settings(deadline=None, max_examples=30)
def test_windows_cut_off_by_the_border_with_dilation(k, d, s, h, w):
    x = noise(1, 2, h, w)
    args = (k, s, k // 2, d, True)
    torch.testing.assert_close(
        pool.max_pool2d.plain(x, *args), pool.max_pool2d.fast(x, *args), rtol=0, atol=0
    )


@given(h=st.integers(1, 12), w=st.integers(1, 12), oh=st.integers(1, 7), ow=st.integers(1, 7))
@settings(deadline=None, max_examples=30)
def test_adaptive_pooling_of_any_size(h, w, oh, ow):
    x = noise(2, 1, h, w)
    ours, theirs = (
        form(x, (oh, ow)) for form in (pool.adaptive_avg_pool2d.plain, pool.adaptive_avg_pool2d.fast)
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_ties_have_one_winner_as_in_torch():
    x = torch.zeros(1, 2, 6, 6)
    ours, theirs = (
        gradients(lambda v, f=f: f(v, 3, 2, 1), x) for f in (pool.max_pool2d.plain, pool.max_pool2d.fast)
    )
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (2, 3)])
def test_blur_pooling_is_timms(size):
    from timm.layers import BlurPool2d

    x = noise(2, 3, *size)
    torch.testing.assert_close(pool.blur_pool2d(x), BlurPool2d(3, filt_size=3, stride=2)(x))


def test_blur_pooling_is_nearly_shift_equivariant():
    """A stripe pattern shifted by one pixel changes the average far less than the maximum alone."""
    wave = torch.sin(torch.arange(33) * 2.6).expand(1, 1, 33, 33)
    change = [
        (pooled(wave[..., :32]) - pooled(wave[..., 1:])).abs().mean().item()
        for pooled in (pool.blur_pool2d, lambda x: x[..., ::2, ::2])
    ]
    assert change[0] < 0.25 * change[1]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    ("op", "shapes", "more"),
    [
        (conv.conv2d, [(2, 8, 6, 6), (4, 8, 3, 3), (4,)], ()),
        (conv.conv_transpose2d, [(2, 4, 5, 5), (4, 3, 3, 3), (3,)], ()),
        (linear.linear, [(3, 16), (5, 16), (5,)], ()),
        (pool.max_pool2d, [(2, 3, 6, 6)], (2,)),
        (pool.avg_pool2d, [(2, 3, 6, 6)], (3, 2)),
        (pool.adaptive_avg_pool2d, [(2, 3, 7, 7)], (2,)),
        (norm.group_norm, [(2, 4, 5, 5)], (2,)),
        (norm.layer_norm, [(3, 16)], ((16,),)),
        (norm.rms_norm, [(3, 16), (16,)], ()),
        (activation.gelu, [(4, 5)], ()),
        (activation.softmax, [(4, 5)], ()),
    ],
)
def test_half_precision_stays_so_and_is_right_to_its_last_digits(op, shapes, more, dtype):
    args = [noise(*shape, seed=i).to(dtype) for i, shape in enumerate(shapes)]
    low, exact = op.plain(*args, *more), op.plain(*[a.double() for a in args], *more)
    assert low.dtype == dtype == op.fast(*args, *more).dtype
    # Three roundings of the largest term in play.
    allowed = 3 * torch.finfo(dtype).eps * max(1.0, exact.abs().max().item())
    torch.testing.assert_close(low.double(), exact, rtol=0, atol=allowed)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_in_half_precision_keeps_float32_statistics(training):
    x = (noise(16, 3, 4, 4) * 40 + 300).to(torch.bfloat16)
    results = []
    for form in (norm.batch_norm.plain, norm.batch_norm.fast):
        mean, variance = torch.full((3,), 290.0), torch.full((3,), 900.0)
        y = form(x, mean, variance, torch.ones(3), torch.zeros(3), training)
        results.append((y, mean, variance))
    assert results[0][0].dtype == torch.bfloat16
    torch.testing.assert_close(*results, rtol=2e-2, atol=1e-2)
    torch.testing.assert_close(results[0][1:], results[1][1:], rtol=1e-5, atol=0)


EMPTY = [
    (conv.conv2d, (noise(4, 3, 3, 3),), (0, 3, 6, 6)),
    (conv.conv_transpose2d, (noise(3, 4, 3, 3), None, 2), (0, 3, 6, 6)),
    (linear.linear, (noise(4, 3),), (0, 3)),
    (pool.max_pool2d, (2,), (0, 3, 6, 6)),
    (pool.avg_pool2d, (2,), (0, 3, 6, 6)),
    (pool.adaptive_avg_pool2d, (2,), (0, 3, 6, 6)),
    (norm.group_norm, (3,), (0, 3, 6, 6)),
    (norm.layer_norm, ((6,),), (0, 3, 6)),
    (activation.softmax, (), (0, 3)),
]


@pytest.mark.parametrize(("op", "more", "shape"), EMPTY)
def test_an_empty_batch_gives_an_empty_batch(op, more, shape):
    x = torch.zeros(shape)
    assert op.plain(x, *more).shape == op.fast(x, *more).shape


def test_an_empty_batch_leaves_running_statistics_alone():
    mean, variance = torch.zeros(3), torch.ones(3)
    y = norm.batch_norm(torch.zeros(0, 3, 2, 2), mean, variance, training=True)
    assert y.shape == (0, 3, 2, 2) and mean.eq(0).all() and variance.eq(1).all()


@pytest.mark.parametrize("changed", ["channels last", "transposed", "sliced", "expanded"])
def test_memory_order_changes_nothing(changed):
    x = noise(2, 4, 9, 9)
    x = {
        "channels last": x.to(memory_format=torch.channels_last),
        "transposed": x.transpose(2, 3),
        "sliced": noise(2, 8, 18, 9)[:, ::2, ::2],
        "expanded": noise(2, 1, 9, 9).expand(2, 4, 9, 9),
    }[changed]
    same = x.clone(memory_format=torch.contiguous_format)
    weight = noise(6, 4, 3, 3)
    for call in (
        lambda v: conv.conv2d(v, weight, None, 2, 1),
        lambda v: conv.conv_transpose2d(v, noise(4, 6, 3, 3), None, 2, 1),
        lambda v: pool.max_pool2d(v, 3, 2, 1),
        lambda v: pool.avg_pool2d(v, 3, 2, 1),
        lambda v: norm.batch_norm(v, None, None, training=True),
        lambda v: norm.group_norm(v, 2),
        lambda v: norm.layer_norm(v, (9,)),
        lambda v: norm.local_response_norm(v, 3),
        lambda v: linear.linear(v, noise(5, 9)),
    ):
        torch.testing.assert_close(call(x), call(same))


REFUSED = {
    "linear": (lambda: linear.linear(noise(2, 4), noise(3, 5)), "4 entries, the weight wants 5"),
    "conv2d": (lambda: conv.conv2d(noise(1, 3, 5, 5), noise(4, 2, 3, 3)), "3 channels, the filters want 2"),
    "groups": (lambda: conv.conv2d(noise(1, 4, 5, 5), noise(3, 2, 3, 3), groups=2), "in 2 groups"),
    "window": (lambda: conv.conv2d(noise(1, 3, 2, 5), noise(4, 3, 3, 3)), "must fit"),
    "transposed": (lambda: conv.conv_transpose2d(noise(1, 3, 5, 5), noise(4, 2, 3, 3)), "the filters want 4"),
    "padding": (lambda: pool.max_pool2d(noise(1, 1, 5, 5), 2, padding=2), "at most half"),
    "layer_norm": (lambda: norm.layer_norm(noise(2, 3, 4), (3,)), r"last axes \(3,\) were wanted"),
    "group_norm": (lambda: norm.group_norm(noise(2, 3, 4), 2), "3 channels do not divide into 2"),
    "one value": (lambda: norm.batch_norm(noise(1, 3), None, None), "more than 1 value"),
    "dropout": (lambda: linear.dropout(noise(2), -0.1), "a probability from 0 to 1"),
    "reduction": (lambda: loss.mse_loss(noise(2), noise(2), "average"), "'average', mean, sum or none"),
    "shapes": (lambda: loss.l1_loss(noise(2, 1), noise(2)), r"\(2, 1\) and \(2,\), equal ones"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_say_what_came_and_what_was_wanted(case, unchecked):
    call, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        call()


def test_every_public_op_has_a_docstring_of_its_own():
    for module in (activation, conv, linear, loss, norm, pool):
        for value in vars(module).values():
            if isinstance(value, switch.Op):
                assert len(inspect.getdoc(value.plain)) > 20


def test_dropout_of_everything_and_of_nothing():
    x = noise(100)
    assert torch.equal(linear.dropout(x, 1.0), torch.zeros(100)) and torch.equal(linear.dropout(x, 0.0), x)
    (slope,) = gradients(lambda v: linear.dropout(v, 0.25, True, torch.Generator().manual_seed(0)), x)
    assert set(slope.tolist()) == {0.0, slope.max().item()} and slope.max().item() == pytest.approx(4 / 3)
