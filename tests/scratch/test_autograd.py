"""Both engines and the gradient check, against torch in float64: 1e-6 is promised, 1e-9 is kept."""

import gc
import math
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradschool.scratch.backpropagation import functions as F
from gradschool.scratch.backpropagation.gradcheck import (
    check_gradient,
    check_scalars,
    check_tensors,
    numerical_gradient,
    relative_error,
)
from gradschool.scratch.backpropagation.scalar import Value
from gradschool.scratch.backpropagation.tensor import Tensor

CLOSE = {"rtol": 1e-9, "atol": 1e-9}  # float64, some ten roundings, values of order 1 to 100


# Scalars.


def expression(a, b, c):
    """Every operation of the scalar engine, in a form that torch understands as well."""
    d = a * b + c - a / b + (3 - a) * 2 + 1 / c
    e = (d / 10).tanh() + (a * a + 0.5).log() - (b / 5).exp() * 2.5
    return -(e * e).relu() + d.relu() + c**3 - 4 / b + a**-2 + 2 * (e - 1) + (b - a) / 7 + a**0


@settings(deadline=None, max_examples=50)
@given(*[st.floats(0.3, 3)] * 3)
def test_scalar_gradients_equal_torch(a, b, c):
    ours = [Value(v) for v in (a, b, c)]
    theirs = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (a, b, c)]
    y, z = expression(*ours), expression(*theirs)
    y.backward()
    z.backward()
    np.testing.assert_allclose(y.data, z.item(), **CLOSE)
    np.testing.assert_allclose([v.grad for v in ours], [v.grad.item() for v in theirs], **CLOSE)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("+-*"), st.integers(0, 50), st.integers(0, 50)), max_size=25))
def test_any_graph_with_shared_values_equals_torch(program):
    def run(values):
        values = list(values)
        for op, i, j in program:
            a, b = values[i % len(values)], values[j % len(values)]
            values.append({"+": a + b, "-": a - b, "*": a * b}[op].tanh())
        return values[-1] * 1.0

    ours = [Value(v) for v in (0.5, -0.7, 1.1)]
    theirs = [torch.tensor(v.data, dtype=torch.float64, requires_grad=True) for v in ours]
    run(ours).backward()
    run(theirs).backward()
    expected = [0.0 if t.grad is None else t.grad.item() for t in theirs]
    np.testing.assert_allclose([v.grad for v in ours], expected, **CLOSE)


def test_the_example_of_micrograd():
    from micrograd.engine import Value as Peer

    results = []
    for kind in (Value, Peer):
        a, b = kind(-4.0), kind(2.0)
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + (b + a).relu()
        d += 3 * d + (b - a).relu()
        g = (c - d) ** 2 / 2.0
        g += 10.0 / (c - d) ** 2
        g.backward()
        results.append((g.data, a.grad, b.grad))
    assert results[0] == pytest.approx(results[1], rel=1e-12)


@pytest.mark.long
def test_a_graph_of_a_million_values_needs_no_recursion():
    x = Value(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1.0 and y.data == 1_000_001
    del y  # nor does taking it apart


def test_graphs_die_without_the_garbage_collector():
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(20):
            x = Value(2.0)
            y = sum((x * k).tanh() for k in range(100))
            y.backward()
        assert len(gc.get_objects()) - before < 400  # one graph at most, not twenty
    finally:
        gc.enable()


def test_leaves_add_up_over_calls_and_values_between_do_not():
    x = Value(3.0)
    y = x * x
    z = y * 2
    z.backward()
    z.backward()
    assert (x.grad, y.grad, z.grad) == (24.0, 2.0, 1.0)
    x.grad = 0.0
    (x + x).backward()
    assert x.grad == 2.0


def test_backward_from_a_value_between_ignores_later_consumers():
    x = Value(3.0)
    y = x * x
    z = y * 5
    y.backward()
    assert x.grad == 6.0 and z.grad == 0.0


def test_scalar_edges():
    zero = Value(0.0)
    (zero**0).backward()
    assert zero.grad == 0.0
    (zero.relu()).backward()
    assert zero.grad == 0.0
    with pytest.raises(ValueError, match="not real"):
        Value(-2.0) ** 0.5
    assert (Value(-2.0) ** 3.0).data == -8
    with pytest.raises(ValueError, match="wanted x > 0"):
        zero.log()
    with pytest.raises(ZeroDivisionError):
        1 / zero
    with pytest.raises(OverflowError):
        Value(1000.0).exp()
    for bad in ("a", None, [1]):
        with pytest.raises(TypeError):
            Value(1.0) + bad
        with pytest.raises(TypeError):
            bad * Value(1.0)
    with pytest.raises(TypeError):
        Value(2.0) ** Value(2.0)
    assert "data=1.0" in repr(Value(1))


@pytest.mark.parametrize("number", [np.float32(2), np.float64(2), np.int64(2), True + 1])
def test_numpy_numbers_on_either_side(number):
    x = Value(3.0)
    for y, value in (
        (number * x, 6),
        (x * number, 6),
        (number - x, -1),
        (x / number, 1.5),
        (number / x, 2 / 3),
    ):
        assert isinstance(y, Value) and type(y.data) is float and y.data == pytest.approx(value)


# Tensors.

floats = st.floats(-2, 2).map(lambda v: round(v, 3))


def arrays(shape):
    return hnp.arrays(np.float64, shape, elements=floats)


def assert_same(f, *inputs, g=None):
    """The value of f and its gradient in every input equal torch's; f must suit both kinds of tensor."""
    ours = [Tensor(x, requires_grad=True) for x in inputs]
    theirs = [torch.tensor(x, requires_grad=True) for x in inputs]
    y, z = f(*ours), g(*theirs) if g else f(*theirs)
    np.testing.assert_allclose(y.data, z.detach().numpy(), **CLOSE)
    weights = np.random.default_rng(0).normal(size=y.shape)
    y.backward(weights)
    z.backward(torch.tensor(weights))
    for mine, target in zip(ours, theirs, strict=True):
        target = torch.zeros_like(target) if target.grad is None else target.grad
        np.testing.assert_allclose(mine.grad, target.numpy(), **CLOSE)
        assert mine.grad.shape == mine.shape


@settings(deadline=None, max_examples=60)
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), st.data())
def test_arithmetic_with_broadcasting_equals_torch(shapes, data):
    a, b = (data.draw(arrays(shape)) for shape in shapes.input_shapes)
    assert_same(lambda x, y: x + y * x - y, a, b)
    assert_same(lambda x, y: x / (y * y + 1) - 3 / (x * x + 2) + (2 - y) * 0.5, a, b)
    assert_same(lambda x, y: (x + y) ** 3 + (-x), a, b)


@settings(deadline=None, max_examples=60)
@given(hnp.array_shapes(max_dims=3, max_side=4), st.data())
def test_functions_of_elements_equal_torch(shape, data):
    x = data.draw(arrays(shape))
    x[np.abs(x) < 1e-2] = 0.5  # keep away from the corner of relu, where torch and we agree on 0
    assert_same(lambda t: t.exp() + t.tanh() * t.sigmoid() + t.relu(), x)
    assert_same(lambda t: (t * t + 0.1).log() + (t * t + 0.1).sqrt(), x)
    assert_same(F.softmax, x, g=lambda t: t.softmax(-1))
    assert_same(F.log_softmax, x, g=lambda t: t.log_softmax(-1))
    assert_same(lambda t: F.softmax(t, 0), x, g=lambda t: t.softmax(0))


@settings(deadline=None, max_examples=60)
@given(hnp.array_shapes(max_dims=3, max_side=4), st.booleans(), st.data())
def test_reductions_equal_torch(shape, keepdims, data):
    # Few distinct values, so that the largest often stands in several places.
    x = data.draw(hnp.arrays(np.float64, shape, elements=st.integers(-2, 2).map(float)))
    axes = st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, unique_by=lambda a: a % len(shape))
    axis = data.draw(st.one_of(st.integers(-len(shape), len(shape) - 1), axes.map(tuple)))
    assert_same(lambda t: t.sum(axis, keepdims), x)
    assert_same(lambda t: t.mean(axis, keepdims), x)
    assert_same(lambda t: t.max(axis, keepdims), x, g=lambda t: t.amax(axis, keepdims))
    assert_same(lambda t: t.sum() * t.mean(), x)
    assert_same(lambda t: t.max(), x, g=lambda t: t.amax())


@settings(deadline=None, max_examples=60)
@given(
    hnp.mutually_broadcastable_shapes(signature="(n?,k),(k,m?)->(n?,m?)", max_dims=2, max_side=3), st.data()
)
def test_matrix_products_of_any_shape_equal_torch(shapes, data):
    a, b = (data.draw(arrays(shape)) for shape in shapes.input_shapes)
    assert_same(lambda x, y: x @ y, a, b)


@settings(deadline=None, max_examples=40)
@given(hnp.arrays(np.float64, (3, 4, 2), elements=floats), st.permutations(range(3)))
def test_shape_changes_equal_torch(x, order):
    assert_same(lambda t: t.reshape(4, -1), x)
    assert_same(lambda t: t.transpose(*order), x, g=lambda t: t.permute(*order))
    assert_same(lambda t: t.T, x, g=lambda t: t.permute(2, 1, 0))


@pytest.mark.parametrize(
    "index",
    [1, -1, slice(1, None), (slice(None), 2), (..., 1), (None, 1), (slice(None, None, 2), slice(1, 3), None),
     [0, 0, 2], ([0, 0], [1, 1]), (slice(None), [3, 3, 0]), np.array([[0, 1], [1, 1]])],
)  # fmt: skip
def test_indexing_equals_torch(index):
    assert_same(lambda t: t[index], np.random.default_rng(0).normal(size=(3, 4, 2)))


def test_indexing_by_a_mask_equals_torch():
    x = np.random.default_rng(0).normal(size=(3, 4))
    assert_same(lambda t: t[x > 0], x, g=lambda t: t[torch.tensor(x > 0)])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(-2, 1), st.data())
def test_joins_equal_torch(n, m, axis, data):
    a, b = (
        data.draw(arrays((n, 2) if axis % 2 == 0 else (2, n))),
        data.draw(arrays((m, 2) if axis % 2 == 0 else (2, m))),
    )
    assert_same(lambda *t: F.concatenate(t, axis), a, b, g=lambda *t: torch.cat(t, axis))
    assert_same(lambda *t: F.stack(t, axis), a, a + 1, a, g=lambda *t: torch.stack(t, axis))
    mask = a > 0
    assert_same(
        lambda x, y: F.where(mask, x, y), a, a[:1], g=lambda x, y: torch.where(torch.tensor(mask), x, y)
    )


@settings(deadline=None, max_examples=40)
@given(
    hnp.arrays(np.float64, (5, 3), elements=st.floats(-300, 300)),
    st.lists(st.integers(0, 2), min_size=5, max_size=5),
)
def test_cross_entropy_equals_torch(z, labels):
    peer = lambda t: torch.nn.functional.cross_entropy(t, torch.tensor(labels))  # noqa: E731
    assert_same(lambda t: F.cross_entropy(t, np.array(labels)), z, g=peer)


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 5, 4)])
def test_linear_equals_torch(shape):
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=shape), rng.normal(size=(4, 3)), rng.normal(size=3)
    assert_same(F.linear, x, w, b, g=lambda x, w, b: x @ w + b)


def test_cross_entropy_refuses_what_does_not_fit():
    z = Tensor(np.zeros((2, 3)), requires_grad=True)
    for labels, message in (([0], "wanted"), ([0, 3], "outside 0 to 2"), ([0, -1], "outside 0 to 2")):
        with pytest.raises(ValueError, match=message):
            F.cross_entropy(z, np.array(labels))


def test_constants_get_no_gradient_and_cost_none():
    x, c = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0])
    for y in (c * c, np.ones(2) + c, c @ c):
        assert not y.requires_grad and not y.links
    y = (np.array([[1.0, 2.0]]) @ (x * c) + [1.0] - c.sum()).sum()
    y.backward()
    assert c.grad is None and x.grad.tolist() == [3.0, 8.0]
    with pytest.raises(ValueError, match="requires_grad=True"):
        c.sum().backward()


def test_float32_stays_float32():
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    y = F.cross_entropy(((x * 2 + 1) / 3 - 0.5).tanh().sigmoid() ** 2 - x.mean(), np.array([0, 1]))
    y.backward()
    assert y.data.dtype == x.grad.dtype == np.float32
    assert Tensor([1, 2]).data.dtype == np.float64


def test_leaf_gradients_belong_to_the_leaf_alone():
    a, b = (Tensor(np.ones((2, 2)), requires_grad=True) for _ in range(2))
    (a + b).sum().backward()
    a.grad *= 5  # neither read-only nor shared
    assert b.grad.tolist() == [[1, 1], [1, 1]]
    seed = np.ones((2, 2))
    a.grad = None
    a.backward(seed)
    seed *= 7
    assert a.grad.tolist() == [[1, 1], [1, 1]]


def test_tensor_leaves_add_up_over_calls():
    x = Tensor(3.0, requires_grad=True)
    y = x * x
    (y * 2).backward()
    (y * 2).backward()
    assert x.grad == 24 and y.grad == 2 and isinstance(x.grad, np.ndarray)


def test_backward_refuses_a_wrong_start():
    x = Tensor(np.ones(3), requires_grad=True)
    with pytest.raises(ValueError, match="wanted one number"):
        (x * 2).backward()
    with pytest.raises(ValueError, match="wanted \\(3,\\)"):
        (x * 2).backward(np.ones((1, 3)))
    with pytest.raises(ValueError):
        x @ 3


def test_a_deep_tensor_graph_needs_no_recursion_and_no_collector():
    x = Tensor(np.ones(2), requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward(np.ones(2))
    assert x.grad.tolist() == [1, 1]
    del y
    gc.disable()
    try:
        array = np.ones(3)
        y = ((x[:1] * array).tanh().sum() + x.max() + (x @ x)).exp()
        witness = weakref.ref(y.data)
        y.backward()
        del y
        assert witness() is None
    finally:
        gc.enable()


def test_scratch_does_not_import_torch():
    code = (
        "import sys, importlib, pkgutil, gradschool.scratch as s\n"
        "for m in pkgutil.iter_modules(s.__path__): importlib.import_module(f'{s.__name__}.{m.name}')\n"
        "ours = {m for m in sys.modules if m.startswith('gradschool') and 'scratch' not in m}\n"
        "assert not {'torch', 'scipy'} & set(sys.modules) and ours == {'gradschool'}, ours"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# The gradient check itself.


def test_differences_are_as_good_as_promised():
    x = np.array([[0.5, -2.0], [30.0, 1e-3]])
    np.testing.assert_allclose(numerical_gradient(lambda v: np.sin(v).sum(), x), np.cos(x), rtol=1e-8)


def test_right_gradients_pass():
    assert check_scalars(expression, 0.7, 1.3, 2.0).error < 1e-6
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=5)
    check = check_tensors(lambda x, w, b: F.log_softmax(F.linear(x, w, b).tanh())[:, 1].sum(), x, w, b)
    assert check.error < 1e-6
    assert check_tensors(lambda x, b: (b * b).sum(), x, b).error < 1e-6  # x is not used


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_wrong_gradients_are_found_where_they_are_wrong(size):
    x = np.array([1.0, 2.0, 3.0])
    wrong = 2 * size * x
    wrong[1] *= 1.01
    check = check_gradient(lambda v: size * float((v * v).sum()), [wrong], [x])
    assert check.where == (0, (1,)) and check.error == pytest.approx(0.01, rel=0.02)
    assert check.claimed == pytest.approx(4.04 * size) and check.measured == pytest.approx(4 * size)


def test_nan_and_wrong_shape_do_not_pass():
    x = np.ones(2)
    assert check_gradient(lambda v: float(v.sum()), [np.array([1.0, np.nan])], [x]).error == math.inf
    with pytest.raises(ValueError, match="wanted \\(2,\\)"):
        check_gradient(lambda v: float(v.sum()), [np.ones((1, 2))], [x])


def test_relative_error_is_zero_for_zeros_and_one_for_a_missing_gradient():
    assert relative_error(np.zeros(3), np.zeros(3)).tolist() == [0, 0, 0]
    assert relative_error(np.zeros(2), np.array([1.0, -2.0])).tolist() == [1, 1]
