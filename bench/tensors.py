"""What one small operation of the tensor engine costs, there and back, against the package `autograd`.

Chains of products and tanh on 2 x 2 arrays: the arithmetic is nothing, the bookkeeping everything. The
collector is on, but what the benchmark itself imported (torch, which neither side uses) is hidden from it.
"""

import gc
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad

from bench.common import compare, main
from gradschool.scratch.backpropagation.tensor import Tensor


def run(repeats: int = 5, chains: int = 100, length: int = 500) -> dict[str, Any]:
    """Time many chains of 2 x `length` operations, forward and back."""
    start = np.ones((2, 2))
    gc.freeze()

    def ours() -> float:
        for _ in range(chains):
            x = Tensor(start, requires_grad=True)
            y = x
            for _ in range(length):
                y = (y * x).tanh()
            y.sum().backward()
        return 2 * length * chains

    def chain(x: Any) -> Any:
        y = x
        for _ in range(length):
            y = anp.tanh(y * x)
        return anp.sum(y)

    def peer() -> float:
        for _ in range(chains):
            value_and_grad(chain)(start)
        return 2 * length * chains

    about = {"shape": [2, 2], "operations": ["*", "tanh"], "chain": 2 * length}
    result = compare("tensors", "operations/s", ours, {"autograd": peer}, repeats, about)
    print(f"{1e6 / result['ours']:.2f} microseconds an operation, autograd {1e6 / result['peer']:.2f}")
    return result


if __name__ == "__main__":
    main(run)
