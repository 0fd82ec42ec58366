"""Automatic differentiation of scalars: every result keeps its operands and derivatives.

API after micrograd (Karpathy 2020); reverse mode after Linnainmaa 1970. Deviations: slopes are stored as
numbers, not as closures, so no reference cycle feeds the garbage collector; the graph is walked by counting
consumers (Kahn 1962) instead of by recursion, so its depth is limited by memory only.
"""

import math
from numbers import Real

NUMBER = (float, int, Real)


class Value:
    """A number that remembers how it was computed.

    Args:
        data: the number.
        left, left_slope: first value it was made from, and d(this)/d(left) there.
        right, right_slope: the same for the second, if there is one.

    After `y.backward()`, `x.grad` is dy/dx for every x that y was made from.
    """

    __slots__ = ("data", "grad", "left", "left_slope", "right", "right_slope", "waiting")
    __array_ufunc__ = None  # NumPy numbers on the left leave the operation to us

    def __init__(
        self,
        data: float,
        left: "Value | None" = None,
        left_slope: float = 0.0,
        right: "Value | None" = None,
        right_slope: float = 0.0,
    ) -> None:
        self.data, self.grad, self.waiting = float(data), 0.0, 0
        self.left, self.left_slope, self.right, self.right_slope = left, left_slope, right, right_slope

    def __add__(self, other: "Value | float") -> "Value":
        """Sum a + b. Both slopes are 1: addition hands the gradient on unchanged."""
        # 1. A plain number takes part, but no gradient flows back into it.
        if not isinstance(other, Value):
            return Value(self.data + other, self, 1.0) if isinstance(other, NUMBER) else NotImplemented
        # 2. Value and slopes.
        return Value(self.data + other.data, self, 1.0, other, 1.0)

    def __mul__(self, other: "Value | float") -> "Value":
        """Product a b, with its derivatives: b towards a, and a towards b.

        `Value(data, left, left_slope, right, right_slope)` makes the result: a number, the first value that
        it was made from with the derivative towards it, and the same for the second.
        """
        # 1. A plain number takes part, but no gradient flows back into it.
        if not isinstance(other, Value):
            return Value(self.data * other, self, other) if isinstance(other, NUMBER) else NotImplemented
        # 2. The product, and the derivative towards each factor.
        return Value(self.data * other.data, self, other.data, other, self.data)

    def __sub__(self, other: "Value | float") -> "Value":
        """Difference a - b. The slopes are 1 and -1."""
        # 1. A plain number takes part, but no gradient flows back into it.
        if not isinstance(other, Value):
            return Value(self.data - other, self, 1.0) if isinstance(other, NUMBER) else NotImplemented
        # 2. Value and slopes.
        return Value(self.data - other.data, self, 1.0, other, -1.0)

    def __truediv__(self, other: "Value | float") -> "Value":
        """Quotient a / b. The slopes are 1/b and -a/b^2."""
        # 1. A plain number takes part, but no gradient flows back into it.
        if not isinstance(other, Value):
            return Value(self.data / other, self, 1 / other) if isinstance(other, NUMBER) else NotImplemented
        # 2. Value and slopes.
        ratio = self.data / other.data
        return Value(ratio, self, 1.0 / other.data, other, -ratio / other.data)

    def __pow__(self, n: float) -> "Value":
        """x^n for a plain number n. The slope is n x^(n-1).

        Raises:
            ValueError: x is negative and n is not whole: the power is not a real number.
        """
        # 1. Refuse what is not a real number.
        if not isinstance(n, NUMBER):
            return NotImplemented
        if self.data < 0 and n != int(n):
            raise ValueError(f"{self.data} ** {n} is not real; wanted x >= 0 or a whole n. Check x.")
        # 2. Value and slope; x^0 is flat everywhere, at zero as well.
        slope = n * self.data ** (n - 1) if n != 0 else 0.0
        return Value(self.data**n, self, slope)

    def exp(self) -> "Value":
        """e^x. The slope is the value itself.

        Raises:
            OverflowError: x is above 709, where e^x leaves the range of a float.
        """
        # 1. The value.
        y = math.exp(self.data)
        # 2. Its slope is itself.
        return Value(y, self, y)

    def log(self) -> "Value":
        """Natural logarithm of x > 0. The slope is 1/x.

        Raises:
            ValueError: x is not above 0.
        """
        # 1. Refuse what has no logarithm.
        if self.data <= 0:
            raise ValueError(f"log of {self.data}; wanted x > 0. Add a small constant, or use log-sum-exp.")
        # 2. Value and slope.
        return Value(math.log(self.data), self, 1.0 / self.data)

    def tanh(self) -> "Value":
        """Hyperbolic tangent. The slope is 1 - y^2, from the value y alone."""
        # 1. The value.
        y = math.tanh(self.data)
        # 2. Flat where the value is near 1 or -1: there learning is slow.
        return Value(y, self, 1.0 - y * y)

    def relu(self) -> "Value":
        """max(0, x). The slope is 1 where x > 0 and 0 elsewhere (at the corner as well)."""
        # 1. Off: the value is 0 and nothing flows back.
        if self.data <= 0:
            return Value(0.0, self, 0.0)
        # 2. On: value and gradient pass unchanged.
        return Value(self.data, self, 1.0)

    def backward(self) -> None:
        """The backward pass from this value: add d(self)/dx to `x.grad` of every leaf x; set it elsewhere.

        A leaf was not computed: its `left` is None. All other values on the way have `left`, `left_slope` and
        perhaps `right` (else None), `right_slope`; their `grad` starts at 0 in each call. A value passes its
        gradient on when all operations that use it have contributed, so their number is counted first, in
        `waiting`, which is 0 before and after. Leaves add up over calls: set `grad` to 0 between steps.
        """
        # 1. Reach every value once, and count in `waiting` how often each is used; `grad` starts at 0.
        reached = [self]
        for value in reached:
            if value.left is None:
                continue
            value.grad = 0.0
            for parent in (value.left, value.right):
                if parent is not None:
                    if parent.waiting == 0:
                        reached.append(parent)
                    parent.waiting += 1
        # 2. From the end back: each value adds gradient times slope to its operands; complete ones are next.
        self.grad += 1.0
        ready = [self]
        while ready:
            value = ready.pop()
            if value.left is None:
                continue
            grad = value.grad
            parent = value.left
            parent.grad += value.left_slope * grad
            parent.waiting -= 1
            if parent.waiting == 0:
                ready.append(parent)
            parent = value.right
            if parent is not None:
                parent.grad += value.right_slope * grad
                parent.waiting -= 1
                if parent.waiting == 0:
                    ready.append(parent)

    def __radd__(self, other: float) -> "Value":
        return self + other

    def __rmul__(self, other: float) -> "Value":
        return self * other

    def __rsub__(self, other: float) -> "Value":
        return self * -1.0 + other

    def __rtruediv__(self, other: float) -> "Value":
        return self**-1 * other

    def __neg__(self) -> "Value":
        return self * -1.0

    def __eq__(self, other: object) -> bool:
        """Whether the numbers are equal; what they were made from does not matter."""
        return self.data == (other.data if isinstance(other, Value) else other)

    __hash__ = object.__hash__  # as a key a value is itself, whatever its number

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"
