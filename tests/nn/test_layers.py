"""Every layer against torch.nn's of the same name: state dict, first weights, output, gradient, precision."""

import copy
import io
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn as theirs

from gradschool import nn as ours
from gradschool.ops import switch

IMAGE, ROWS = (4, 6, 9, 8), (5, 3, 6)
LAYERS = {
    "Conv2d": [((6, 8, 3), {}, IMAGE), ((6, 8, (3, 2), (2, 1), (1, 2), (1, 2), 2, False), {}, IMAGE)],
    "ConvTranspose2d": [
        ((6, 4, 3), {}, IMAGE),
        ((6, 4, (3, 2), 2, (1, 0), (1, 0), 2, False, (1, 2)), {}, IMAGE),
    ],
    "Linear": [((6, 3), {}, ROWS), ((6, 3, False), {}, (6,))],
    "BatchNorm2d": [((6,), {}, IMAGE), ((6, 1e-3, 0.3, False), {}, IMAGE)],
    "BatchNorm1d": [((3,), {}, ROWS), ((6,), {}, (5, 6))],
    "LayerNorm": [
        ((6,), {}, ROWS),
        (((3, 6), 1e-3), {}, ROWS),
        ((6,), {"bias": False}, ROWS),
        ((6, 1e-5, False), {}, ROWS),
    ],
    "GroupNorm": [((3, 6), {}, IMAGE), ((2, 6, 1e-3, False), {}, IMAGE)],
    "RMSNorm": [((6, 1e-6), {}, ROWS)],
    "LocalResponseNorm": [((3,), {}, IMAGE), ((2, 0.1, 0.5, 2.0), {}, IMAGE)],
    "MaxPool2d": [((2,), {}, IMAGE), (((3, 2), 2, 1, 1), {"ceil_mode": True}, IMAGE)],
    "AvgPool2d": [((2,), {}, IMAGE), (((3, 2), (2, 1), 1, True, False), {}, IMAGE)],
    "AdaptiveAvgPool2d": [((1,), {}, IMAGE), (((4, 3),), {}, IMAGE)],
    "PReLU": [((), {}, IMAGE), ((6, 0.1), {}, IMAGE)],
    "LeakyReLU": [((0.2, True), {}, ROWS)],
    "ELU": [((0.5,), {}, ROWS)],
    "GELU": [((), {}, ROWS), (("tanh",), {}, ROWS)],
    **{name: [((), {}, ROWS)] for name in ("ReLU", "SiLU", "Mish", "Hardswish", "Sigmoid", "Tanh")},
}
CASES = [
    pytest.param(name, *case, id=f"{name}-{i}") for name in LAYERS for i, case in enumerate(LAYERS[name])
]
# The first two are tested below (Dropout too, whose draws are torch's), spectral ones in models/test_players.
WITHOUT_PEER = {"BlurPool2d", "ConvNormAct", "Embedding", "Reshape", "SpectralConv2d", "SpectralLinear"}


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def twins(name, args=(), kwargs=None):
    """Our layer and torch's, with the same random weights."""
    mine = getattr(ours, name)(*args, **(kwargs or {}))
    peer = getattr(theirs, name)(*args, **(kwargs or {}))
    for parameter in peer.parameters():
        theirs.init.normal_(parameter, generator=torch.Generator().manual_seed(parameter.numel()))
    mine.load_state_dict(peer.state_dict())
    peer.load_state_dict(mine.state_dict())
    assert list(mine.state_dict()) == list(peer.state_dict())
    return mine, peer


def test_every_layer_is_compared():
    places = {name: getattr(ours, name).__module__ for name in ours.__all__}
    # Recurrent layers are compared in test_recurrent_layers.py, those of transformers in tests/nn/attention.
    elsewhere = (".sequence.", ".attention.")
    made_here = {
        n for n, p in places.items() if p.startswith("gradschool") and not any(e in p for e in elsewhere)
    }
    assert made_here == {*LAYERS, *WITHOUT_PEER, "Dropout"}


@pytest.mark.parametrize("layer", ["fast", "plain"])
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), CASES)
def test_output_and_gradients_are_torchs(name, args, kwargs, shape, layer):
    """In float64, where sums in another order agree to 1e-10; training mode, then eval mode."""
    mine, peer = (net.double() for net in twins(name, args, kwargs))
    for training in (True, False):
        x = noise(*shape).double().requires_grad_()
        results = []
        for net in (mine.train(training), peer.train(training)):
            with switch.using(layer):
                y = net(x if not getattr(net, "inplace", False) else x.clone())
                slopes = torch.autograd.grad((y * y).sum(), [x, *net.parameters()])
            results.append((y, *slopes, *net.buffers()))
        torch.testing.assert_close(*results, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), [c for c in CASES if c.values[3] == IMAGE])
def test_channels_last_and_bfloat16_autocast_as_in_torch(name, args, kwargs, shape):
    mine, peer = (net.to(memory_format=torch.channels_last) for net in twins(name, args, kwargs))
    x = noise(*shape).to(memory_format=torch.channels_last)
    y, wanted = mine(x), peer(x)
    assert y.stride() == wanted.stride()
    torch.testing.assert_close(y, wanted)
    with torch.autocast("cpu", torch.bfloat16):
        y, wanted = mine(x), peer(x)
    assert y.dtype == wanted.dtype
    torch.testing.assert_close(y, wanted)  # weights elsewhere in memory: up to a rounding of bfloat16


@pytest.mark.parametrize("name", ["Conv2d", "Linear", "BatchNorm2d", "ConvTranspose2d"])
def test_plain_layers_train_under_autocast(name):
    args, kwargs, shape = LAYERS[name][0]
    net, peer = twins(name, args, kwargs)
    with switch.using("plain"), torch.autocast("cpu", torch.bfloat16):
        y, wanted = net(noise(*shape)), peer(noise(*shape))
    assert y.dtype == wanted.dtype
    # Two roundings of the largest number.
    bound = 2 * torch.finfo(torch.bfloat16).eps * wanted.abs().max().item()
    torch.testing.assert_close(y.float(), wanted.float(), rtol=0, atol=bound)


WEIGHTED = [
    ("Conv2d", (16, 64, 3)),
    ("Conv2d", (16, 64, (5, 1), 1, 0, 1, 4)),
    ("ConvTranspose2d", (16, 48, 3)),
    ("ConvTranspose2d", (16, 64, 3, 1, 0, 0, 4)),
    ("Linear", (64, 128)),
]


@pytest.mark.parametrize(("name", "args"), WEIGHTED)
def test_first_weights_are_drawn_as_torch_draws_them(name, args):
    """The same distribution: equal bounds and, to 5 standard errors, equal spread; torch's own seeding."""
    torch.manual_seed(0)
    mine = getattr(ours, name)(*args)
    torch.manual_seed(0)
    again, peer = getattr(ours, name)(*args), getattr(theirs, name)(*args)
    for parameter, same, other in zip(mine.parameters(), again.parameters(), peer.parameters(), strict=True):
        n = parameter.numel()
        assert torch.equal(parameter, same)
        assert parameter.shape == other.shape and parameter.requires_grad
        assert parameter.abs().max().item() == pytest.approx(other.abs().max().item(), rel=10 / n)
        assert parameter.std().item() == pytest.approx(other.std().item(), rel=5 * (0.9 / n) ** 0.5)


def test_norms_begin_as_the_identity():
    for layer in (ours.BatchNorm2d(3), ours.LayerNorm(3), ours.GroupNorm(1, 3), ours.RMSNorm(3)):
        assert layer.weight.eq(1).all()
        assert getattr(layer, "bias", None) is None or layer.bias.eq(0).all()


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), CASES)
def test_a_layer_runs_the_op_that_the_switch_chooses(name, args, kwargs, shape, monkeypatch):
    """Which layer ran is seen by wrapping every implementation of every op."""
    ran = []

    def wrap(module, attribute, word):
        original = getattr(module, attribute)
        monkeypatch.setitem(
            module.__dict__, attribute, lambda *a, **k: (ran.append(word), original(*a, **k))[1]
        )

    net, x = getattr(ours, name)(*args, **kwargs), noise(*shape)
    for topic in ("activation", "conv", "linear", "norm", "pool"):
        for op in vars(__import__(f"gradschool.ops.{topic}", fromlist=[topic])).values():
            if isinstance(op, switch.Op) and op.fast is not None and op.plain.__module__.endswith(topic):
                wrap(op, "fast", "fast")
                wrap(op, "plain", "plain")
    net(x)
    assert set(ran) == {"fast"}
    ran.clear()
    with switch.using("plain"):
        net(x)
    assert set(ran) == {"plain"}


def test_dropout_is_torchs_in_training_and_nothing_in_eval():
    mine, peer, x = ours.Dropout(0.3), theirs.Dropout(0.3), noise(100)
    torch.manual_seed(0)
    y = mine(x)
    torch.manual_seed(0)
    assert torch.equal(y, peer(x)) and torch.equal(mine.eval()(x), x)
    with pytest.raises(ValueError, match="probability"):
        ours.Dropout(1.1)


def test_batch_norm_counts_batches_and_refuses_other_shapes():
    mine, peer = twins("BatchNorm2d", (6,))
    for seed in range(3):
        torch.testing.assert_close(mine(noise(*IMAGE, seed=seed)), peer(noise(*IMAGE, seed=seed)))
    assert mine.num_batches_tracked == peer.num_batches_tracked == 3
    torch.testing.assert_close(mine.running_var, peer.running_var)
    for wrong in [(4, 6), (4, 5, 3, 3), (4, 6, 2, 2, 2)]:
        with pytest.raises(ValueError, match="6 channels on axis 1"):
            mine(noise(*wrong))


REFUSED = [
    (lambda: ours.Conv2d(6, 8, 3, groups=4), "4 groups do not divide 6 and 8"),
    (lambda: ours.ConvTranspose2d(6, 8, 3, groups=4), "4 groups do not divide 6 and 8"),
    (lambda: ours.GroupNorm(4, 6), "6 channels do not divide into 4"),
    (lambda: ours.GELU("sigmoid"), "none or tanh was wanted"),
]


@pytest.mark.parametrize(("build", "words"), REFUSED)
def test_what_cannot_be_built_is_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@given(k=st.sampled_from([1, 3, 5, (3, 1), (1, 5)]), h=st.integers(5, 9), w=st.integers(5, 9))
@settings(deadline=None, max_examples=15)
def test_conv_norm_act_keeps_the_size(k, h, w):
    block = ours.ConvNormAct(3, 4, k)
    y = block(noise(2, 3, h, w))
    assert y.shape == (2, 4, h, w) and y.min() == 0 and len(block) == 3
    assert len(ours.ConvNormAct(3, 4, k, act=None)) == 2
    assert isinstance(ours.ConvNormAct(3, 4, k, act=ours.SiLU())[2], ours.SiLU)


def test_blur_pool_halves():
    assert ours.BlurPool2d()(noise(2, 3, 8, 6)).shape == (2, 3, 4, 3)


def test_print_shows_what_matters():
    with redirect_stdout(io.StringIO()) as shown:
        print(ours.Conv2d(3, 8, 3, 2, 1, bias=False), ours.ConvTranspose2d(3, 8, 2), ours.BatchNorm2d(8))
    assert shown.getvalue() == (
        "Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False) "
        "ConvTranspose2d(3, 8, kernel_size=(2, 2)) BatchNorm2d(8, eps=1e-05, momentum=0.1)\n"
    )


def small(nn):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, 2, 1, groups=2), nn.GroupNorm(2, 8), nn.SiLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 5),
    )  # fmt: skip


def test_a_torch_checkpoint_loads_and_gives_the_same_training_step():
    mine, peer = small(ours), small(theirs)
    mine.load_state_dict(peer.state_dict())
    for net in (mine, peer):
        torch.manual_seed(1)
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        net(noise(4, 3, 16, 16)).square().mean().backward()
        optimizer.step()
    # Not to the bit: the two networks' numbers lie in different places.
    torch.testing.assert_close(mine.state_dict(), peer.state_dict())
    torch.testing.assert_close(copy.deepcopy(mine).eval()(noise(1, 3, 8, 8)), peer.eval()(noise(1, 3, 8, 8)))


@pytest.mark.long
def test_a_net_is_traced_whole_in_both_layers(unchecked):
    """As one graph with its backward pass; the code generator itself runs in the slow test."""
    for layer in ("fast", "plain"):
        net, x = small(ours).eval(), noise(2, 3, 16, 16)
        with switch.using(layer):
            compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
            torch.testing.assert_close(compiled(x), net(x))
            compiled(x).sum().backward()
        assert all(p.grad is not None for p in net.parameters())


@pytest.mark.slow
def test_a_compiled_net_trains_as_an_eager_one(unchecked):
    nets, x = [small(ours).train() for _ in range(2)], noise(4, 3, 16, 16)
    for net in nets:
        net[9].p = 0.0  # the compiler draws its own random numbers
    compiled = torch.compile(nets[0], fullgraph=True)
    for _ in range(2):
        for net, call in zip(nets, (compiled, nets[1]), strict=True):
            call(x).square().mean().backward()
            torch.optim.SGD(net.parameters(), 0.1).step()
    for mine, other in zip(nets[0].state_dict().values(), nets[1].state_dict().values(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_an_exported_net_gives_the_same_answers_in_onnxruntime(unchecked, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    net, x = small(ours).eval(), noise(3, 3, 16, 16)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(net, (noise(2, 3, 16, 16),), dynamic_shapes=({0: batch},))
    torch.testing.assert_close(program.module()(x), net(x))
    torch.onnx.export(program, f=tmp_path / "net.onnx", verbose=False)
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    (answer,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    np.testing.assert_allclose(answer, net(x).detach().numpy(), rtol=1e-4, atol=1e-5)
