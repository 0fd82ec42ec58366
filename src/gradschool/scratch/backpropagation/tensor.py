"""Automatic differentiation of NumPy arrays: every operation has a forward and a backward.

After autograd (Maclaurin 2016) and micrograd (Karpathy 2020), with torch's names. Each result keeps links
(parent, backward function): it maps the gradient of the result to the gradient of that parent. It
holds arrays only, never the result itself, so graphs die by reference count and are walked without recursion.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradschool.scratch.arrays import Array, Axis, fit, has_arrays, restored

Back = Callable[[Any], Array]


class Tensor:
    """An array that remembers how it was computed.

    Args:
        data: numbers of any shape, copied; whole numbers become float64.
        requires_grad: whether `backward` of a result shall find the gradient of this leaf.

    Where an operation takes a second operand, a number, list or array will do: it is a constant.
    """

    __slots__ = ("data", "grad", "links", "requires_grad", "waiting")
    __array_ufunc__ = None  # arrays on the left leave the operation to us

    def __init__(self, data: ArrayLike, requires_grad: bool = False) -> None:
        array = np.array(data)
        self.data: Array = array if array.dtype.kind == "f" else array.astype(np.float64)
        self.grad: Array | None = None
        self.links: tuple[tuple[Tensor, Back], ...] = ()
        self.requires_grad, self.waiting = requires_grad, 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.data.ndim

    def item(self) -> float:
        """The number in a tensor of one element."""
        return float(self.data.item())

    # Arithmetic, with broadcasting.

    def __add__(self, other: Any) -> "Tensor":
        """Sum a + b. The gradient goes to both unchanged, summed where an operand was broadcast."""
        a, b = self.data, raw(other)
        return result(a + b, (self, lambda g: fit(g, a)), (other, lambda g: fit(g, b)))

    def __sub__(self, other: Any) -> "Tensor":
        """Difference a - b. The second operand gets the negative gradient."""
        a, b = self.data, raw(other)
        return result(a - b, (self, lambda g: fit(g, a)), (other, lambda g: fit(-g, b)))

    def __mul__(self, other: Any) -> "Tensor":
        """Product a b, element by element. Each factor scales the other's gradient."""
        # 1. Forward.
        a, b = self.data, raw(other)
        y = a * b
        # 2. Backward to each factor, summed where it was broadcast.
        return result(y, (self, lambda g: fit(g * b, a)), (other, lambda g: fit(g * a, b)))

    def __truediv__(self, other: Any) -> "Tensor":
        """Quotient a / b, element by element. Slopes 1/b and -a/b^2."""
        # 1. Forward.
        a, b = self.data, raw(other)
        y = a / b
        # 2. Backward; -a/b^2 is -y/b.
        return result(y, (self, lambda g: fit(g / b, a)), (other, lambda g: fit(-g * y / b, b)))

    def __pow__(self, n: float) -> "Tensor":
        """x^n for a plain number n; slope n x^(n-1)."""
        x = self.data
        return result(x**n, (self, lambda g: g * (n * x ** (n - 1)) if n != 0 else np.zeros_like(x)))

    def __matmul__(self, other: Any) -> "Tensor":
        """Matrix product (..., n, k) @ (..., k, m) -> (..., n, m); vectors as in NumPy.

        With Y = A B and gradient G of Y: the gradient of A is G B^T and that of B is A^T G. The shapes leave
        no other choice.

        Raises:
            ValueError: the inner lengths differ, or an operand has no axis.
        """
        # 1. A vector takes part as a matrix of one column (right) or one row (left).
        if np.ndim(raw(other)) == 1:
            column = other[:, None] if isinstance(other, Tensor) else np.asarray(other)[:, None]
            product: Tensor = self @ column
            return product[..., 0]
        if self.ndim == 1:
            product = self[None] @ other
            return product[..., 0, :]
        # 2. Forward.
        a, b = self.data, raw(other)
        y = np.matmul(a, b)
        # 3. Backward to each factor, summed where batch axes were broadcast.
        return result(
            y,
            (self, lambda g: fit(g @ b.swapaxes(-1, -2), a)),
            (other, lambda g: fit(a.swapaxes(-1, -2) @ g, b)),
        )

    def exp(self) -> "Tensor":
        """e^x; slope e^x."""
        y = np.exp(self.data)
        return result(y, (self, lambda g: g * y))

    def log(self) -> "Tensor":
        """Natural logarithm; slope 1/x. Zero gives -inf and negative numbers NaN, with NumPy's warning."""
        x = self.data
        return result(np.log(x), (self, lambda g: g / x))

    def sqrt(self) -> "Tensor":
        """Square root y; slope 1/(2y)."""
        y = np.sqrt(self.data)
        return result(y, (self, lambda g: g / (2 * y)))

    def tanh(self) -> "Tensor":
        """Hyperbolic tangent y; slope 1 - y^2."""
        # 1. Forward.
        y = np.tanh(self.data)
        # 2. Backward needs the value only.
        return result(y, (self, lambda g: g * (1 - y * y)))

    def sigmoid(self) -> "Tensor":
        """Logistic y = 1/(1 + e^-x); slope y(1 - y)."""
        # 1. Forward, through tanh: it does not overflow for large negative x.
        y = 0.5 * (1 + np.tanh(0.5 * self.data))
        # 2. Backward needs the value only.
        return result(y, (self, lambda g: g * (y * (1 - y))))

    def relu(self) -> "Tensor":
        """max(0, x); slope 1 where x > 0, else 0."""
        # 1. Forward.
        y = np.maximum(self.data, 0)
        # 2. Backward: the gradient passes where the value is above 0.
        return result(y, (self, lambda g: g * (y > 0)))

    def sum(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        """Sum over an axis, several, or all. Each summand gets the gradient of its sum."""
        # 1. Forward.
        x = self.data
        y = x.sum(axis=axis, keepdims=keepdims)
        # 2. Backward: put summed axes back as length 1, then repeat along them.
        return result(y, (self, lambda g: np.broadcast_to(restored(g, axis, keepdims), x.shape)))

    def mean(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        """Mean over an axis, several, or all: the sum divided by how many were summed."""
        # 1. The sum.
        total = self.sum(axis, keepdims)
        # 2. The number of summands.
        return total * (total.data.size / max(self.data.size, 1))

    def max(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        """Largest element. The gradient goes to where it stands; equals share it (as torch.amax)."""
        # 1. Forward.
        x = self.data
        y = x.max(axis=axis, keepdims=keepdims)
        # 2. Where the largest stands; equals share the gradient.
        winner = x == restored(y, axis, keepdims)
        share = winner / winner.sum(axis=axis, keepdims=True, dtype=x.dtype)
        # 3. Backward.
        return result(y, (self, lambda g: restored(g, axis, keepdims) * share))

    def reshape(self, *shape: Any) -> "Tensor":
        """The same elements in another shape, as numbers or as one tuple; one length may be -1."""
        x = self.data
        return result(x.reshape(*shape), (self, lambda g: g.reshape(x.shape)))

    def transpose(self, *axes: Any) -> "Tensor":
        """Axes in another order, as numbers or as one tuple (reversed if none is given)."""
        axes = tuple(axes[0]) if axes and isinstance(axes[0], tuple | list) else axes
        # 1. Forward.
        order = tuple(a % self.ndim for a in axes) or tuple(reversed(range(self.ndim)))
        # 2. Backward: the inverse order.
        return result(self.data.transpose(order), (self, lambda g: g.transpose(np.argsort(order))))

    T = property(transpose, doc="Axes reversed.")

    def __getitem__(self, index: Any) -> "Tensor":
        """Part of the tensor, by any index NumPy takes. The rest gets gradient 0."""
        x = self.data

        def back(g: Array) -> Array:
            # Elements picked twice get both gradients: add.at counts repeats, plain += does not.
            whole = np.zeros_like(x)
            np.add.at(whole, index, g) if has_arrays(index) else whole.__setitem__(index, g)
            return whole

        return result(x[index], (self, back))

    # The engine.

    def backward(self, grad: ArrayLike | None = None) -> None:
        """Add d(self)/dx to `x.grad` of every leaf x that requires it; set it in every tensor between.

        Args:
            grad: gradient of what lies beyond this tensor, its shape; may be left out for one element.

        Raises:
            ValueError: no graph leads here, or `grad` is missing or of the wrong shape.
        """
        # 1. Refuse what has no gradient.
        if not self.requires_grad:
            raise ValueError(
                "nothing here requires a gradient; wanted inputs Tensor(..., requires_grad=True)"
            )
        if grad is None and self.data.size != 1:
            raise ValueError(f"this has shape {self.shape}; wanted one number. Use .sum(), or give grad.")
        start = np.ones_like(self.data) if grad is None else np.asarray(grad, self.data.dtype)
        if start.shape != self.shape:
            raise ValueError(f"the gradient has shape {start.shape}; wanted {self.shape}, that of the tensor")
        # 2. Reach every tensor once; count for each how many operations consume it.
        reached = [self]
        for tensor in reached:
            if tensor.links:
                tensor.grad = None
            for parent, _ in tensor.links:
                if parent.waiting == 0:
                    reached.append(parent)
                parent.waiting += 1
        # 3. Backward from the end: a tensor passes its gradient on when all its consumers have contributed.
        self.receive(start, start)
        ready = [self]
        while ready:
            tensor = ready.pop()
            grad = tensor.grad
            for parent, back in tensor.links:
                parent.receive(back(grad), grad)
                parent.waiting -= 1
                if parent.waiting == 0:
                    ready.append(parent)

    def receive(self, share: Array, source: Array | None) -> None:
        """Add one consumer's share to the gradient. A leaf keeps an array that nobody else holds."""
        if self.grad is not None:
            self.grad = np.asarray(self.grad + share)
        elif not self.links and (share is source or share.base is not None or not share.shape):
            self.grad = np.array(share)
        else:
            self.grad = share

    def __radd__(self, other: ArrayLike) -> "Tensor":
        return self + other

    def __rmul__(self, other: ArrayLike) -> "Tensor":
        return self * other

    def __rsub__(self, other: ArrayLike) -> "Tensor":
        return -self + other

    def __rtruediv__(self, other: ArrayLike) -> "Tensor":
        return self**-1 * other

    def __rmatmul__(self, other: Any) -> "Tensor":
        return Tensor(other) @ self

    def __neg__(self) -> "Tensor":
        return self * -1

    def __eq__(self, other: object) -> Any:
        """Where elements are equal, as an array: no graph leads through a comparison."""
        return self.data == raw(other)

    def __ne__(self, other: object) -> Any:
        return self.data != raw(other)

    __hash__ = object.__hash__  # as a key a tensor is itself, whatever it holds

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Tensor({self.data!r}, requires_grad={self.requires_grad})"


def result(y: Array, *links: tuple[Any, Back]) -> Tensor:
    """The tensor of a computed value; it keeps only links to tensors that require a gradient."""
    tensor = Tensor.__new__(Tensor)
    tensor.data = y if type(y) is np.ndarray else np.asarray(y)
    tensor.grad, tensor.waiting = None, 0
    tensor.links = tuple([link for link in links if isinstance(link[0], Tensor) and link[0].requires_grad])
    tensor.requires_grad = len(tensor.links) > 0
    return tensor


def raw(x: Any) -> Any:
    """The array in a tensor; anything else as it is (a Python number must not widen float32)."""
    return x.data if isinstance(x, Tensor) else x
