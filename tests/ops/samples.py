"""PyTorch's own sample inputs for the functions that ops are named after, and ours called on them.

The samples (`op_db`, `module_db`) are part of torch itself, so each version brings those that it is tested
with.
"""

import functools
import inspect
import sys
import types
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gradschool.errors import UserError
from gradschool.ops import activation, attention, conv, embedding, linear, loss, norm, pool, switch
from gradschool.ops.switch import Op

REFUSALS = (ValueError, UserError)  # sentences; anything else that is raised is raw


@functools.cache
def databases() -> tuple[Any, Any]:
    """torch's op_db and module_db, loaded late: they take seconds."""
    # They import expecttest for torch's own assertions, which samples do not need.
    stand_in = types.ModuleType("expecttest")
    stand_in.__dict__.update(TestCase=unittest.TestCase, assert_expected_inline=None)
    sys.modules.setdefault("expecttest", stand_in)
    from torch.testing._internal.common_methods_invocations import op_db
    from torch.testing._internal.common_modules import module_db

    return op_db, module_db


@dataclass(frozen=True)
class Call:
    """One call of torch's function and the same call of ours."""

    name: str
    theirs: Callable[[], Any]
    ours: Callable[[Callable[..., Any]], Any]  # of a form of the op
    about: str
    draws: bool = False  # whether the result is random


def same(names: str = "") -> Callable[..., Any]:
    """Arguments as they are, but for those of torch's that have another name here ("theirs=ours ...")."""
    renamed = dict(pair.split("=") for pair in names.split())
    return lambda x, *args, **kwargs: ((x, *args), {renamed.get(k, k): v for k, v in kwargs.items()})


def look_up(weight: Tensor, tokens: Tensor, **kwargs: Any) -> Any:
    return (tokens, weight), kwargs


def root_mean_square(x: Tensor, shape: Any, weight: Tensor | None = None, *eps: float, **kwargs: Any) -> Any:
    """torch's sizes and weight are our gain."""
    return (x, torch.ones(shape, dtype=x.dtype) if weight is None else weight, *eps), kwargs


def attention_of(q: Tensor, k: Tensor, v: Tensor, **kwargs: Any) -> Any:
    names = {"attn_mask": "mask", "is_causal": "causal"}
    return (q, k, v), {names.get(name, name): value for name, value in kwargs.items()}


TWINS: dict[str, tuple[Op, Callable[..., Any]]] = {
    **{name: (getattr(activation, name), same()) for name in ("sigmoid", "tanh", "softmax", "log_softmax")},
    **{
        f"nn.functional.{name}": (getattr(activation, name), same("weight=slope negative_slope=slope"))
        for name in (
            "relu",
            "leaky_relu",
            "prelu",
            "elu",
            "selu",
            "softplus",
            "silu",
            "mish",
            "gelu",
            "hardswish",
        )
    },
    **{
        f"nn.functional.{name}": (getattr(module, name), same())
        for module, names in (
            (conv, "conv2d conv1d conv_transpose2d"),
            (linear, "linear dropout"),
            (loss, "mse_loss l1_loss smooth_l1_loss huber_loss nll_loss cross_entropy binary_cross_entropy"),
            (loss, "binary_cross_entropy_with_logits kl_div margin_ranking_loss triplet_margin_loss"),
            (loss, "cosine_embedding_loss"),
            (norm, "batch_norm layer_norm group_norm instance_norm local_response_norm"),
            (pool, "max_pool2d avg_pool2d adaptive_avg_pool2d"),
        )
        for name in names.split()
    },
    "nn.functional.embedding": (embedding.embedding, look_up),
    "nn.functional.rms_norm": (norm.rms_norm, root_mean_square),
    "nn.functional.scaled_dot_product_attention": (attention.attend, attention_of),
}

# What torch does if such an argument is not given; ours may leave it out where it has this value.
DEFAULTS = {
    "dtype": None, "inplace": False, "return_indices": False, "dropout_p": 0.0, "enable_gqa": False,
    "scale": None, "running_mean": None, "running_var": None, "use_input_stats": True, "momentum": 0.1,
    "approximate": "none", "divisor_override": None, "beta": 1.0, "threshold": 20.0, "size_average": None,
    "reduce": None,
}  # fmt: skip


def detached(value: Any) -> Any:
    """Tensors as fresh leaves, so that each call has gradients of its own."""
    if isinstance(value, Tensor):
        return value.detach().clone(memory_format=torch.preserve_format).requires_grad_(value.requires_grad)
    return type(value)(map(detached, value)) if isinstance(value, list | tuple) else value


def call_of(name: str, info: Any, sample: Any, about: str) -> Call:
    """A sample as a call of both."""
    op, translated = TWINS[name]
    has = inspect.signature(op.plain).parameters

    def theirs() -> Any:
        leaves = [detached(sample.input), *map(detached, sample.args)]
        named = {k: detached(v) for k, v in sample.kwargs.items()}
        return graded(lambda: info.op(*leaves, **named), [*leaves, *named.values()])

    def ours(form: Callable[..., Any]) -> Any:
        leaves = [detached(sample.input), *map(detached, sample.args)]
        named = {k: detached(v) for k, v in sample.kwargs.items()}
        given, more = translated(*leaves, **named)
        more = {k: v for k, v in more.items() if k in has or v != DEFAULTS.get(k, ...)}
        return graded(lambda: form(*given, **more), [*leaves, *named.values()])

    draws = (
        op is linear.dropout and sample.kwargs.get("training", True) and 0 < sample.kwargs.get("p", 0.5) < 1
    )
    return Call(name, theirs, ours, about, draws)


def graded(call: Callable[[], Any], leaves: list[Any]) -> list[Tensor]:
    """What a call returns, and its gradients by every leaf that takes part; the weights differ everywhere."""
    out = call()
    tensors = [x for x in leaves if isinstance(x, Tensor)]
    slopes = [x for x in tensors if x.requires_grad]
    found: list[Tensor] = [out.detach()]
    # At NaN torch's own slope of ELU is NaN or 1, according to where in memory the number lies.
    if slopes and out.requires_grad and not any(x.isnan().any() for x in tensors):
        weights = torch.linspace(0.5, 1.5, out.numel(), dtype=out.dtype).view(out.shape)
        grads = torch.autograd.grad((out * weights).sum(), slopes, allow_unused=True)
        found += [torch.zeros_like(x) if g is None else g for x, g in zip(slopes, grads, strict=True)]
    return found


def calls(name: str, dtype: torch.dtype, large: bool = True) -> Iterator[Call]:
    """All samples of a function, error inputs among them, and each again in other forms; `large` takes the
    many of `reference_inputs` as well.
    """
    for info in databases()[0]:
        if info.name != name or info.variant_test_name == "complex":
            continue
        for i, sample in enumerate(info.sample_inputs("cpu", dtype, requires_grad=True)):
            about = f"{name} {info.variant_test_name}[{i}] {described(sample)}"
            yield call_of(name, info, sample, about)
            for form, changed in forms(sample):
                yield call_of(name, info, changed, f"{about} {form}")
        if large and info.reference_inputs_func is not None:
            for i, sample in enumerate(info.reference_inputs("cpu", dtype, requires_grad=True)):
                yield call_of(name, info, sample, f"{name} reference[{i}] {described(sample)}")
        if info.error_inputs_func is not None:
            for i, wrong in enumerate(info.error_inputs("cpu")):
                about = f"{name} error[{i}] {described(wrong.sample_input)}"
                yield call_of(name, info, wrong.sample_input, about)


def forms(sample: Any) -> Iterator[tuple[str, Any]]:
    """A sample's input with channels last, in strides of two, empty, without a batch axis, one number."""
    x = sample.input

    def with_input(changed: Tensor) -> Any:
        return types.SimpleNamespace(
            input=changed.detach().requires_grad_(x.requires_grad), args=sample.args, kwargs=sample.kwargs
        )

    if not isinstance(x, Tensor):
        return
    if x.dim() == 4:
        yield "channels last", with_input(x.detach().to(memory_format=torch.channels_last))
    if x.dim():
        strided = torch.stack([x.detach(), x.detach()], -1)[..., 0]
        yield "strided", with_input(strided)
        yield "empty", with_input(x.detach()[:0])
    if x.dim() and x.numel():
        yield "without batch axis", with_input(x.detach()[0])
        yield "one number", with_input(x.detach().reshape(-1)[0])


def described(sample: Any) -> str:
    def short(value: Any) -> str:
        return f"{tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)

    named = [f"{k}={short(v)}" for k, v in sample.kwargs.items()]
    return ", ".join([short(sample.input), *map(short, sample.args), *named])


def outcome(call: Callable[[], Any]) -> Any:
    """What came of a call: numbers, or the error."""
    try:
        return call()
    except Exception as error:
        return error


def verdict(call: Call, rtol: float, atol: float) -> tuple[str, str]:
    """How our two forms and torch's function compare, and why.

    Returns:
        "equal"; "refused", by both of ours in one sentence; "random", when torch draws; "torch raises" where
        our two are equal; or "wrong".
    """
    op = TWINS[call.name][0]
    if call.draws:
        return "random", ""
    with switch.using("plain"):
        plain = outcome(lambda: call.ours(op.plain))
    fast, theirs = outcome(lambda: call.ours(op.fast)), outcome(call.theirs)
    if isinstance(plain, REFUSALS) and isinstance(fast, REFUSALS) and str(plain) == str(fast):
        return "refused", str(plain)
    if why := difference(plain, fast, rtol, atol):
        return "wrong", f"plain and fast: {why}"
    if isinstance(theirs, Exception):
        return "torch raises", str(theirs)
    if why := difference(fast, theirs, rtol, atol):
        return "wrong", f"fast and torch: {why}"
    return "equal", ""


def difference(one: Any, other: Any, rtol: float, atol: float) -> str:
    """What differs between two outcomes; nothing if they are close."""
    if isinstance(one, Exception) or isinstance(other, Exception):
        return f"{told(one)} and {told(other)}"
    try:
        torch.testing.assert_close(one, other, rtol=rtol, atol=atol, equal_nan=True)
    except AssertionError as error:
        return str(error)[:300]
    return ""


def told(found: Any) -> str:
    return f"{type(found).__name__}: {found}"[:200] if isinstance(found, Exception) else "a value"
