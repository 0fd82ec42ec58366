"""Every plain op equals its torch-native twin, and every twin has its op's name and arguments."""

import importlib
import inspect
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool import fast, ops, scan
from gradschool.ops import activation, conv, linear, loss, norm, pool, switch
from gradschool.ops.attention.rotary import rope
from gradschool.ops.switch import Op

ALONE = {  # ops that torch has no single function for, or whose plain form is as fast
    "activation.linear", "activation.step", "loss.contrastive_loss", "loss.focal_loss",
    "pool.global_avg_pool2d", "pool.blur_pool2d",
    "sequence.recurrent.rnn_cell", "sequence.recurrent.lstm_cell", "sequence.recurrent.gru_cell",
    "sequence.recurrent.bptt", "sequence.recurrent.unrolled",
    "sequence.scan.chunked_recurrence", "sequence.scan.min_gru", "sequence.scan.min_lstm",
    "sequence.words.ppmi", "sequence.words.keep_probability", "sequence.words.skip_gram_loss",
    "sequence.words.cbow_loss", "sequence.words.glove_weight", "sequence.words.glove_loss",
    "sequence.words.cosine_similarity", "sequence.words.cos_add", "sequence.words.cos_mul",
    "sequence.sound.hz_to_mel", "sequence.sound.mel_to_hz", "sequence.sound.mel_filters",
    "sequence.sound.log_mel", "sequence.sound.dct", "sequence.sound.mfcc", "sequence.sound.slopes",
    "attention.heads.split_heads", "attention.heads.join_heads", "attention.heads.repeat_heads",
    "attention.biased.weights_of", "attention.biased.additive_attend",
    "attention.linear.linear_attend_step", "attention.flash.flash_forward", "attention.flash.flash_backward",
    "attention.rotary.rotary_angles", "attention.rotary.rotate",
    "rl.returns.td_target", "rl.returns.n_step_returns",
}  # fmt: skip


def topics(package) -> list[str]:
    """Modules of a package and of its folders, e.g. "conv" or "sequence.recurrent"."""
    inside = scan.modules("", Path(package.__file__).parent)
    return [name.removeprefix(".") for name in inside if not name.startswith(".accepts.")]


def all_ops() -> dict[str, Op]:
    found = {}
    for topic in topics(ops):
        if topic in ("switch", "optim"):
            continue
        held = vars(importlib.import_module(f"gradschool.ops.{topic}"))
        mine = {n: o for n, o in held.items() if isinstance(o, Op) and o.plain.__module__.endswith(topic)}
        found |= {f"{topic}.{name}": op for name, op in mine.items()}
    return found


OPS = all_ops()


def test_every_op_without_a_twin_is_listed():
    with_twins = set(topics(fast))
    # Of the topics that torch has functions for; the others (diffusion, flow ...) are formulas of ours alone.
    known = {name: op for name, op in OPS.items() if name.rpartition(".")[0] in with_twins}
    assert {name for name, op in known.items() if op.fast is None} == ALONE


def test_every_twin_belongs_to_an_op():
    for topic in topics(fast):
        held = importlib.import_module(f"gradschool.fast.{topic}")
        for name, function in inspect.getmembers(held, inspect.isfunction):
            if function.__module__ == held.__name__ and name[0] != "_":
                assert f"{topic}.{name}" in OPS


@pytest.mark.parametrize("name", sorted(name for name, op in OPS.items() if op.fast))
def test_twins_take_the_same_arguments(name):
    plain, twin = (inspect.signature(f).parameters for f in (OPS[name].plain, OPS[name].fast))
    assert [(p.name, p.default) for p in plain.values()] == [(p.name, p.default) for p in twin.values()]


def close(op: Op, *args, rtol=1e-5, atol=1e-6, **kwargs):
    """Plain and fast agree in float32 to 1e-5, and so do their gradients in float64 (to rounding)."""
    with switch.using("plain"):
        torch.testing.assert_close(op.plain(*args, **kwargs), op.fast(*args, **kwargs), rtol=rtol, atol=atol)
    wide = [
        a.double().requires_grad_() if isinstance(a, torch.Tensor) and a.is_floating_point() else a
        for a in args
    ]
    kwargs = {n: v.double() if isinstance(v, torch.Tensor) else v for n, v in kwargs.items()}
    leaves = [a for a in wide if isinstance(a, torch.Tensor) and a.requires_grad]
    gradients = []
    for form in (op.plain, op.fast):
        with switch.using("plain"):
            out = form(*wide, **kwargs)
        weights = torch.linspace(0.5, 1.5, out.numel(), dtype=out.dtype).view(out.shape)
        gradients.append(torch.autograd.grad((out * weights).sum(), leaves, allow_unused=True))
    for one, other in zip(*gradients, strict=True):
        if one is not None and other is not None:
            torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


NAMES = [
    n
    for n in activation.__dict__
    if isinstance(getattr(activation, n), Op) and n not in ("prelu", "linear", "step")
]


@pytest.mark.parametrize("name", NAMES)
def test_activations(name):
    """On a grid that avoids the kinks at 0 and at +-3, and far out, where exp would overflow."""
    op = getattr(activation, name)
    grid = torch.linspace(-8.03, 8.07, 240).view(6, 40)
    close(op, grid, rtol=2e-5)
    far = torch.tensor([-1e4, -200.0, 200.0, 1e4])
    assert op.plain(far).isfinite().all()
    torch.testing.assert_close(op.plain(far), op.fast(far), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [(name, ()) for name in sorted(activation.DERIVATIVES) if name != "prelu"]
    + [("prelu", (torch.tensor([0.3]),)), ("leaky_relu", (0.2,)), ("elu", (1.7,))],
)
def test_derivatives_are_what_backpropagation_gives(name, numbers):
    """At 0 and at +-3 as well, where only step has no slope to agree on."""
    x = (torch.arange(-40, 41, dtype=torch.float64) / 10).view(9, 9).requires_grad_()
    numbers = [n.double() if isinstance(n, torch.Tensor) else n for n in numbers]
    op = getattr(activation, name)
    for form in (op.plain, op.fast or op.plain):
        with switch.using("plain"):
            y = form(x, *numbers)
            found = activation.DERIVATIVES[name](x.detach(), *numbers)
        wanted = torch.autograd.grad(y.sum(), x)[0] if y.requires_grad else torch.zeros_like(x)
        torch.testing.assert_close(found, wanted)


def test_every_activation_has_its_derivative():
    assert set(activation.DERIVATIVES) == {*NAMES, "prelu", "linear", "step"} - {"softmax", "log_softmax"}


def test_prelu_and_step():
    close(activation.prelu, noise(3, 4, 5), noise(4, seed=1))
    close(activation.prelu, noise(3, 4), noise(1, seed=1))
    assert activation.step(torch.tensor([-1.0, 0.0, 2.0])).tolist() == [0, 0, 1]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_of_pairs(reduction):
    x, y = noise(6, 5), noise(6, 5, seed=1)
    for op in (loss.mse_loss, loss.l1_loss, loss.smooth_l1_loss, loss.huber_loss):
        close(op, x, y, reduction=reduction)
    close(loss.smooth_l1_loss, x, y, reduction=reduction, beta=0.3)
    p, t = torch.sigmoid(x), torch.rand(6, 5, generator=torch.Generator().manual_seed(2))
    close(loss.binary_cross_entropy, p, t, reduction=reduction)
    close(loss.binary_cross_entropy_with_logits, 30 * x, t, reduction=reduction)
    log_q, q = torch.log_softmax(x, 1), torch.softmax(y, 1)
    torch.testing.assert_close(loss.kl_div.plain(log_q, q, reduction), loss.kl_div.fast(log_q, q, reduction))
    sign = torch.tensor([1.0, -1, 1, 1, -1, -1])
    close(loss.margin_ranking_loss, x[:, 0], y[:, 0], sign, 0.2, reduction)
    close(loss.cosine_embedding_loss, x, y, sign, 0.1, reduction)
    close(loss.triplet_margin_loss, x, y, noise(6, 5, seed=3), 1.5, reduction, rtol=1e-4)


def test_kl_divergence_of_zero_probability_and_batchmean():
    p, log_q = torch.tensor([[0.0, 1.0]]), torch.log(torch.tensor([[0.5, 0.5]]))
    assert loss.kl_div.plain(log_q, p, "batchmean").item() == pytest.approx(0.6931472)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy(reduction, smoothing, weighted):
    weight = torch.tensor([0.5, 2.0, 1.0, 3.0]) if weighted else None
    y = torch.tensor([0, 3, -100, 1, 2])
    close(
        loss.cross_entropy, 20 * noise(5, 4), y, weight=weight, reduction=reduction, label_smoothing=smoothing
    )
    more = {"weight": weight, "reduction": reduction, "label_smoothing": smoothing}
    close(loss.cross_entropy, noise(2, 4, 3), torch.tensor([[0, 1, 3], [2, 2, 1]]), **more)
    shares = torch.softmax(noise(5, 4, seed=5), 1)
    close(loss.cross_entropy, noise(5, 4), shares, **more)
    log_p = torch.log_softmax(noise(5, 4), 1)
    close(loss.nll_loss, log_p, y, weight=weight, reduction=reduction)


def test_losses_without_a_twin():
    a, b = noise(3, 4), noise(3, 4, seed=1)
    far = (a - b).norm(dim=1)
    same = torch.tensor([1.0, 0.0, 0.0])
    wanted = torch.stack(
        [far[0] ** 2 / 2, (3 - far[1]).clamp(min=0) ** 2 / 2, (3 - far[2]).clamp(min=0) ** 2 / 2]
    )
    torch.testing.assert_close(loss.contrastive_loss(a, b, same, 3.0, "none"), wanted)
    x, y = noise(8), torch.tensor([1.0, 0, 1, 0, 1, 0, 1, 0])
    plain = loss.binary_cross_entropy_with_logits(x, y)
    torch.testing.assert_close(loss.focal_loss(x, y, gamma=0.0), plain)
    from torchvision.ops import sigmoid_focal_loss

    torch.testing.assert_close(loss.focal_loss(x, y, 2.0, 0.25), sigmoid_focal_loss(x, y, 0.25, 2.0, "mean"))


def test_an_unknown_reduction_is_refused():
    with pytest.raises(Exception, match="average"):  # by the shape checks of the tests, or by the op
        loss.mse_loss.plain(noise(2), noise(2), "average")
    with pytest.raises(ValueError, match="equal ones"):
        loss.mse_loss.plain(noise(2, 1), noise(2))


sizes = st.integers(1, 4)
paddings = st.tuples(st.integers(0, 2), st.integers(0, 2))


@settings(max_examples=25, deadline=None)
@given(k=st.tuples(sizes, sizes), s=st.tuples(sizes, sizes), p=paddings,
       d=st.integers(1, 2), groups=st.sampled_from([1, 2, 4]),
       bias=st.booleans(), last=st.booleans())  # fmt: skip
def test_convolution(k, s, p, d, groups, bias, last):
    x = noise(2, 4, 11, 9)
    x = x.to(memory_format=torch.channels_last) if last else x.transpose(2, 3)  # neither is contiguous
    weight = noise(8, 4 // groups, *k, seed=1)
    close(conv.conv2d, x, weight, noise(8, seed=2) if bias else None, s, p, d, groups, rtol=1e-4, atol=1e-5)


def test_convolution_of_the_coursework():
    """Conv2d(3, 7, 9) on 10 images of 64, as the coursework tests it; an empty batch; one axis."""
    y = conv.conv2d.plain(noise(10, 3, 64, 64), noise(7, 3, 9, 9), noise(7))
    assert y.shape == (10, 7, 56, 56)
    assert conv.conv2d.plain(noise(0, 3, 8, 8), noise(7, 3, 3, 3)).shape == (0, 7, 6, 6)
    close(conv.conv1d, noise(2, 4, 20), noise(6, 2, 3, seed=1), noise(6), 2, 1, 2, 2)
    with pytest.raises(ValueError, match="channels"):
        conv.conv2d.plain(noise(1, 2, 5, 5), noise(1, 3, 3, 3))
    with pytest.raises(ValueError, match="must fit"):
        conv.conv2d.plain(noise(1, 3, 2, 2), noise(1, 3, 3, 3))
    low = conv.conv2d.plain(noise(2, 3, 8, 8).bfloat16(), noise(4, 3, 3, 3).bfloat16())
    assert low.dtype == torch.bfloat16 and low.isfinite().all()


@settings(max_examples=20, deadline=None)
@given(k=st.tuples(sizes, sizes), s=st.tuples(sizes, sizes), p=st.integers(0, 1), bias=st.booleans(),
       groups=st.sampled_from([1, 2, 4]), d=st.tuples(st.integers(1, 2), st.integers(1, 2)))  # fmt: skip
def test_transposed_convolution(k, s, p, bias, groups, d):
    x, weight = noise(2, 4, 6, 5), noise(4, 8 // groups, *k, seed=1)
    if min(k) <= 2 * p:
        p = 0
    extra = (s[0] - 1, s[1] - 1)
    close(conv.conv_transpose2d, x, weight, noise(8) if bias else None, s, p, extra, groups, d,
          rtol=1e-4, atol=1e-5)  # fmt: skip


def test_sizes_and_receptive_fields():
    """The LeNet-like net of the third tutorial: fields 5, 6, 14, 16, 28."""
    layers = [(5, 1), (2, 2), (5, 1), (2, 2), (4, 1)]
    assert [conv.receptive_field(layers[: i + 1]) for i in range(5)] == [5, 6, 14, 16, 28]
    assert (
        conv.output_size(28, 5) == 24
        and conv.output_size(7, 3, 2) == 3
        and conv.output_size(5, 3, 1, 1, 2) == 3
    )


def test_parameters_and_connections():
    """First layers of LeNet, AlexNet and DQN as published; any other by counting a module's."""
    assert conv.conv_cost(1, 6, 5, 32) == (156, 122_304)
    assert conv.conv_cost(3, 96, 11, 227, 4) == (34_944, 105_705_600)
    assert conv.conv_cost(4, 16, 8, 84, 4) == (4_112, 1_644_800)
    layer = torch.nn.Conv2d(2, 5, (3, 2), (2, 1), (1, 2))
    parameters, connections = conv.conv_cost(2, 5, (3, 2), (9, 7), (2, 1), (1, 2))
    assert parameters == sum(p.numel() for p in layer.parameters())
    assert connections == parameters * layer(noise(1, 2, 9, 7))[0, 0].numel()


@settings(max_examples=25, deadline=None)
@given(k=st.tuples(st.integers(2, 4), st.integers(2, 4)), s=st.tuples(sizes, sizes), ceil=st.booleans(),
       p=st.integers(0, 1), counted=st.booleans())  # fmt: skip
def test_pooling(k, s, ceil, p, counted):
    x = noise(2, 3, 11, 8)
    close(pool.max_pool2d, x, k, s, p, 1, ceil)
    close(pool.avg_pool2d, x, k, s, p, ceil, counted)


def test_other_pooling():
    x = noise(2, 3, 11, 8)
    close(pool.max_pool2d, x, 3, 2, 1, 2)
    assert pool.max_pool2d.plain(noise(1, 1, 64, 64), 3).shape[-1] == 21
    for size in (1, 3, (4, 2), (11, 8), (13, 9)):
        close(pool.adaptive_avg_pool2d, x, size)
    torch.testing.assert_close(pool.global_avg_pool2d(x), x.mean((2, 3)))
    flat = pool.blur_pool2d(torch.ones(1, 2, 8, 8))
    torch.testing.assert_close(flat[:, :, 1:, 1:], torch.ones(1, 2, 3, 3))


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 5), (6, 4, 5, 3)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_and_its_running_statistics(shape, training):
    x, weight, bias = noise(*shape), noise(4, seed=1), noise(4, seed=2)
    stats = [(torch.full((4,), 0.3), torch.full((4,), 1.7)) for _ in range(2)]
    ours = norm.batch_norm.plain(x, *stats[0], weight, bias, training, 0.2)
    theirs = norm.batch_norm.fast(x, *stats[1], weight, bias, training, 0.2)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(stats[0], stats[1])
    assert training == bool((stats[0][0] != 0.3).any())


def test_batch_norm_refuses_a_single_value():
    with pytest.raises(ValueError, match="more than 1 value"):
        norm.batch_norm.plain(noise(1, 3), torch.zeros(3), torch.ones(3), training=True)


def test_other_normalisations():
    x, weight, bias = noise(3, 6, 4, 5), noise(6, seed=1), noise(6, seed=2)
    close(norm.layer_norm, x, (4, 5), noise(4, 5, seed=1), noise(4, 5, seed=2))
    close(norm.layer_norm, x, (5,))
    for groups in (1, 2, 6):
        close(norm.group_norm, x, groups, weight, bias)
    close(norm.instance_norm, x, weight, bias)
    for size in (3, 5):
        close(norm.local_response_norm, x, size, 1e-2, 0.75, 2.0)
    close(norm.rms_norm, x, noise(5, seed=3), 1e-6)
    large = torch.full((2, 8), 300.0, dtype=torch.float16)
    for form in (norm.rms_norm.plain, norm.rms_norm.fast):
        assert form(large, torch.ones(8, dtype=torch.float16)).tolist() == [[1.0] * 8] * 2
    with pytest.raises(ValueError, match="divide"):
        norm.group_norm.plain(x, 4)


def test_group_norm_of_half_precision_maps_with_channels_last():
    """Values, gradients and layout of bf16 maps; bf16 keeps 8 bits, so a value of 4 is right to 0.016."""
    exact = noise(3, 8, 6, 5, seed=1).bfloat16().requires_grad_()
    weight, bias, given = noise(8, seed=2), noise(8, seed=3), noise(3, 8, 6, 5, seed=4)
    x = exact.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    y, ours = norm.group_norm.fast(x, 2, weight, bias), norm.group_norm.plain(exact.double(), 2, weight, bias)
    assert y.dtype == torch.bfloat16 and y.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(y.double(), ours.double(), rtol=0.01, atol=0.02)
    y.backward(given.bfloat16())
    ours.backward(given.to(ours.dtype))
    torch.testing.assert_close(x.grad, exact.grad, rtol=0.02, atol=0.05)


def test_linear_takes_any_leading_axes():
    weight, bias = noise(3, 5), noise(3, seed=1)
    for shape in [(5,), (4, 5), (2, 3, 4, 5)]:
        close(linear.linear, noise(*shape), weight, bias)
    close(linear.linear, noise(5, 4).T, weight)
    with pytest.raises(Exception, match=r"last axis|o i"):  # by the op, or by the shape checks of the tests
        linear.linear.plain(noise(2, 4), weight)


def test_dropout_keeps_the_mean_and_follows_its_generator():
    x = torch.ones(100_000)
    draws = [linear.dropout(x, 0.3, True, torch.Generator().manual_seed(s)) for s in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    assert draws[0].mean().item() == pytest.approx(1, abs=0.01)  # 5 deviations of the mean
    assert draws[0].unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert torch.equal(linear.dropout(x, 0.3, False), x)
    with pytest.raises(ValueError, match="probability"):
        linear.dropout.plain(x, 1.5)


def test_the_switch_chooses_the_layer_for_every_caller():
    calls = []

    @switch.op
    def double(x: int) -> int:
        return 2 * x

    double.__dict__["fast"] = lambda x: calls.append("fast") or 2 * x
    assert double(2) == 4 and calls == ["fast"]
    with switch.using("plain"):
        assert double(2) == 4 and calls == ["fast"]
    double.mine = lambda x: calls.append("mine") or -1
    with switch.using("plain"):
        assert double(2) == -1
    assert calls == ["fast", "mine"]


def test_what_has_run_before_is_not_looked_at_again_where_nobody_asks():
    q, far = noise(1, 2, 3, 4), torch.arange(3)
    with pytest.raises(ValueError, match="int64 was wanted"):
        rope(q, far.double())
    with switch.unchecked():
        assert rope(q, far).shape == rope(q, far.double()).shape
    with pytest.raises(ValueError, match="int64 was wanted"):
        rope(q, far.double())


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("positions", [torch.arange(5) + 7, torch.tensor([[0, 0, 1, 2, 3], [9, 8, 7, 6, 5]])])
def test_rotary_positions(interleaved, positions):
    close(rope, noise(2, 3, 5, 8), positions, 500.0, interleaved, rtol=1e-5, atol=1e-5)
    half = noise(2, 3, 5, 8).bfloat16()
    torch.testing.assert_close(rope.fast(half, positions), rope.plain(half, positions), rtol=0.01, atol=0.01)
