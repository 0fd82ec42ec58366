"""Every layer and torch.nn's of that name, on PyTorch's own sample inputs of modules and on all arguments."""

import inspect
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn as theirs

from gradschool import nn as ours
from gradschool.ops import switch

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))
import samples

pytestmark = pytest.mark.usefixtures("unchecked")
OWN_ARGUMENTS = {"RNN", "LSTM", "GRU"}  # batch first, lengths; see test_recurrent_layers.py
LAYERS = [
    n for n in ours.__all__
    if hasattr(theirs, n) and getattr(ours, n) is not getattr(theirs, n) and n not in OWN_ARGUMENTS
]  # fmt: skip
CLOSE = {torch.float64: (1e-7, 1e-8), torch.float32: (1e-4, 5e-5)}  # as in ops/test_samples.py
WITHOUT_SAMPLES = {"Dropout"}  # torch has none for what draws


def run(make, given, training, weights=None):
    """What a layer returns, its gradients and its buffers, or the error; and its state."""

    def call():
        net = make()
        if weights is not None:
            net.load_state_dict(weights)
        state = {k: v.clone() for k, v in net.state_dict().items()}
        args, kwargs = [samples.detached(a) for a in given.args], given.kwargs
        y = net.train(training)(*args, **kwargs)
        leaves = [a for a in [*args, *net.parameters()] if a.requires_grad]
        slopes = torch.autograd.grad(
            (y * torch.linspace(0.5, 1.5, y.numel(), dtype=y.dtype).view(y.shape)).sum(), leaves
        )
        return [y, *slopes, *net.buffers()], state

    found = samples.outcome(call)
    return (found, None) if isinstance(found, Exception) else found


def compared(info, dtype, training):
    """Counts of equal and refused, and what is wrong."""
    counts, wrong = Counter(), []
    cls = getattr(ours, info.module_cls.__name__)
    for sample in info.module_inputs_func(info, "cpu", dtype, True, training):
        built, given = sample.constructor_input, sample.forward_input
        kwargs = {"dtype": dtype} if "dtype" in inspect.signature(info.module_cls).parameters else {}
        kwargs |= built.kwargs
        wanted, state = run(lambda: info.module_cls(*built.args, **kwargs), given, training)  # noqa: B023
        results = []
        for layer in ("plain", "fast"):
            with switch.using(layer):
                results.append(run(lambda: cls(*built.args, **kwargs), given, training, state)[0])  # noqa: B023
        kind, why = judged(*results, wanted, *CLOSE[dtype])
        counts[kind] += 1
        if kind == "wrong":
            wrong.append(
                f"{cls.__name__}{built.args} {built.kwargs} {[tuple(a.shape) for a in given.args]}: {why}"
            )
        if kind == "refused":
            assert "wanted" in why or "has no" in why or "divide" in why, why
    return counts, wrong


def judged(plain, fast, wanted, rtol, atol):
    if isinstance(plain, samples.REFUSALS) and isinstance(fast, samples.REFUSALS) and str(plain) == str(fast):
        return "refused", str(plain)
    why = samples.difference(plain, fast, rtol, atol) or samples.difference(fast, wanted, rtol, atol)
    return ("wrong", why) if why else ("equal", "")


@pytest.mark.parametrize("name", sorted(set(LAYERS) - WITHOUT_SAMPLES))
def test_layers_are_torchs_on_its_samples(name):
    try:
        infos = samples.databases()[1]
    except ImportError as error:
        pytest.skip(f"torch {torch.__version__} has no sample inputs here: {error}")
    info = next(m for m in infos if m.module_cls.__name__ == name)
    total = Counter()
    for dtype in CLOSE:
        for training in (True, False):
            counts, wrong = compared(info, dtype, training)
            assert not wrong, "\n".join(wrong)
            total += counts
    print(name, dict(total))
    assert total["equal"]


@pytest.mark.skipif(not torch.__version__.startswith("2.15"), reason="the arguments are those of torch 2.15")
@pytest.mark.parametrize("name", LAYERS)
def test_layers_take_torchs_arguments_in_its_order(name):
    """But for what begins with an underscore, which is torch's own."""
    mine, peer = (inspect.signature(getattr(nn, name)).parameters for nn in (ours, theirs))
    wanted = [(p.name, p.default) for p in peer.values() if p.name[0] != "_"]
    assert [(p.name, p.default) for p in mine.values()] == wanted
    forward = [list(inspect.signature(getattr(nn, name).forward).parameters) for nn in (ours, theirs)]
    assert forward[0] == forward[1]


IMAGES = (2, 4, 7, 6)
ARGUMENTS = [
    *[("Conv2d", (4, 6, kernel), {"padding": "same", "dilation": d, "padding_mode": mode}, IMAGES)
      for kernel in (3, (2, 3), 4) for d in (1, (2, 1)) for mode in ("zeros", "replicate", "circular")],
    *[("Conv2d", (4, 6, 3), {"padding": (2, 1), "stride": 2, "padding_mode": mode, "bias": False}, IMAGES)
      for mode in ("zeros", "reflect", "replicate", "circular")],
    ("Conv2d", (4, 6, 3), {"padding": "valid", "stride": (2,), "dilation": (1,)}, IMAGES),
    ("MaxPool2d", ((2,),), {"stride": (1,), "padding": (1,)}, IMAGES),
    ("AvgPool2d", ((2,), (1,), (1,)), {}, IMAGES),
    ("AdaptiveAvgPool2d", ((None, 3),), {}, IMAGES),
    ("AdaptiveAvgPool2d", ((2, None),), {}, IMAGES),
    ("BatchNorm2d", (4,), {"momentum": None}, IMAGES),
    ("BatchNorm2d", (4,), {"track_running_stats": False, "affine": False}, IMAGES),
    ("BatchNorm2d", (4,), {"bias": False}, IMAGES),
    ("BatchNorm1d", (4,), {"momentum": None, "track_running_stats": False}, (5, 4)),
    ("GroupNorm", (2, 4), {"bias": False}, IMAGES),
    ("RMSNorm", (6,), {}, IMAGES),
    ("RMSNorm", ((7, 6),), {"eps": 0.1}, IMAGES),
    ("RMSNorm", ((7, 6),), {"elementwise_affine": False}, IMAGES),
    ("PReLU", (4,), {}, IMAGES),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), ARGUMENTS)
@pytest.mark.parametrize("layer", ["plain", "fast"])
def test_arguments_do_what_torchs_do(name, args, kwargs, shape, layer):
    """Three batches in training, so that statistics gather, then one in evaluation; on float64 weights."""
    more = {"device": "cpu", "dtype": torch.float64}
    more = more if "dtype" in inspect.signature(getattr(theirs, name)).parameters else {}
    mine, peer = (getattr(nn, name)(*args, **kwargs, **more) for nn in (ours, theirs))
    mine.load_state_dict(peer.state_dict())
    word = "x" if name == "RMSNorm" else "input"
    for seed in range(4):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        found = []
        for net in (mine.train(seed < 3), peer.train(seed < 3)):
            leaf = x.clone().requires_grad_()
            with switch.using(layer):
                y = net(**{word: leaf})
            found.append(
                [y, *torch.autograd.grad((y * x.mean()).sum(), [leaf, *net.parameters()]), *net.buffers()]
            )
        torch.testing.assert_close(*found, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("layer", ["plain", "fast"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_small_numbers_are_scaled_as_torch_does_in_every_precision(dtype, layer):
    """The default eps is that of float32 for half precision: 1e-7, not 8e-3, in bfloat16."""
    x = torch.tensor([[0.01, 0.02, -0.03, 0.04]], dtype=dtype)
    mine, peer = (nn.RMSNorm(4, dtype=dtype) for nn in (ours, theirs))
    with switch.using(layer):
        torch.testing.assert_close(mine(x), peer(x))


SIZES = [
    ("Linear", (4, -1)), ("Linear", (4.0, 2)), ("Linear", (4, "2")), ("Embedding", (-1, 2)),
    ("Embedding", (3, 2.5)), ("LayerNorm", (6.0,)), ("LayerNorm", ((3, -1),)), ("RMSNorm", (-2,)),
    ("BatchNorm2d", (-4,)), ("GroupNorm", (2, 4.0)), ("PReLU", (-1,)), ("LSTM", (3, 4.0)), ("GRU", (-3, 4)),
    ("Attention", (8.0, 2)), ("Attention", (8, 2.0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), SIZES)
def test_sizes_that_are_none_are_refused_in_words(name, args):
    with pytest.raises(ValueError, match="whole number >= 0 was wanted"):
        getattr(ours, name)(*args)


def test_a_padding_token_begins_at_zero_and_stays_there():
    for index in (1, -2):
        mine, peer = (nn.Embedding(3, 2, padding_idx=index, dtype=torch.float64) for nn in (ours, theirs))
        assert mine.weight[1].tolist() == [0, 0]
        mine.load_state_dict(peer.state_dict())
        tokens = torch.tensor([[0, 1], [1, 2]])
        for net in (mine, peer):
            net(input=tokens).square().sum().backward()
        torch.testing.assert_close(mine.weight.grad, peer.weight.grad, rtol=0, atol=0)


def test_a_transposed_convolution_reaches_the_size_that_is_asked_for():
    mine, peer = (nn.ConvTranspose2d(3, 2, 3, 2, 1) for nn in (ours, theirs))
    mine.load_state_dict(peer.state_dict())
    x = torch.randn(1, 3, 5, 4)
    for size in ((9, 7), (10, 8), (9, 8)):
        torch.testing.assert_close(mine(x, output_size=size), peer(x, output_size=size))
    with pytest.raises(ValueError, match="output_size"):
        mine(x, output_size=(11, 8))


X = torch.zeros(2, 4, 7, 6)
REFUSED = {
    "padding_mode": (lambda: ours.Conv2d(4, 6, 3, padding_mode="mirror"), "zeros, reflect, replicate or c"),
    "padding": (lambda: ours.Conv2d(4, 6, 3, padding="full"), "same or valid"),
    "stride": (lambda: ours.Conv2d(4, 6, 3, 2, padding="same"), "stride is 2"),
    "kernel": (lambda: ours.Conv2d(4, 6, (1, 2, 3)), "kernel_size is"),
    "half a pixel": (lambda: ours.Conv2d(4, 6, 3, padding=(0.5, 1)), "padding is"),
    "transposed": (lambda: ours.ConvTranspose2d(4, 6, 3, padding_mode="circular"), "has no padding_mode"),
    "indices": (lambda: ours.MaxPool2d(2, return_indices=True), "has no return_indices"),
    "divisor": (lambda: ours.AvgPool2d(2, divisor_override=3), "has no divisor_override"),
    "sparse": (lambda: ours.Embedding(3, 2, sparse=True), "has no sparse"),
    "max_norm": (lambda: ours.Embedding(3, 2, max_norm=1.0), "has no max_norm"),
    "frequency": (lambda: ours.Embedding(3, 2, scale_grad_by_freq=True), "has no scale_grad_by_freq"),
    "padding token": (lambda: ours.Embedding(3, 2, padding_idx=3), "one of the 3 tokens"),
    "no batch": (lambda: ours.Conv2d(4, 6, 3)(X[0]), r"x.unsqueeze\(0\)"),
    "no batch, same": (lambda: ours.Conv2d(4, 6, 2, padding="same")(X[0]), "unsqueeze"),
    "channels": (lambda: ours.Conv2d(3, 6, 3)(X), "images have 4 channels, the filters want 3"),
    "cells": (lambda: ours.AdaptiveAvgPool2d((1, 2, 3))(X), "output_size is"),
    "no batch, pooled": (lambda: ours.AdaptiveAvgPool2d(None)(X[0]), "unsqueeze"),
    "batch norm": (lambda: ours.BatchNorm1d(4)(X), "2 or 3 axes"),
    "group norm": (lambda: ours.GroupNorm(2, 8)(X), "8 channels on axis 1"),
    "bytes": (lambda: ours.Conv2d(4, 6, 3)(X.byte()), "floating-point"),
    "precisions": (lambda: ours.Linear(6, 2)(X.double()), "torch.float64"),
    "numbers": (lambda: ours.Linear(5, 2)(X), "6 entries, the weight wants 5"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_sentences_in_both_layers(case):
    call, words = REFUSED[case]
    for layer in ("plain", "fast"):
        with switch.using(layer), pytest.raises(ValueError, match=words):
            call()
