"""Tensors and values compare by what they hold, and take shapes as numbers or as a tuple."""

import numpy as np

from gradschool.scratch.backpropagation.scalar import Value
from gradschool.scratch.backpropagation.tensor import Tensor


def test_equal_numbers_are_equal():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    assert (x == Tensor([1.0, 0.0, 3.0])).tolist() == [True, False, True]
    assert (x == 2).tolist() == [False, True, False] and (x != 2).tolist() == [True, False, True]
    assert (x == np.array([1.0, 2.0, 4.0])).sum() == 2
    assert Value(2.0) * 3 == Value(6.0) and Value(6.0) == 6 and Value(6.0) != 5


def test_a_tensor_stays_a_key():
    x, y = Tensor(1.0), Tensor(1.0)
    assert len({x: 1, y: 2}) == 2 and len({Value(1.0), Value(1.0)}) == 2


def test_shapes_come_as_numbers_or_as_a_tuple():
    x = Tensor(np.arange(6.0), requires_grad=True)
    for y in (x.reshape((2, 3)), x.reshape(2, 3), x.reshape((2, -1))):
        assert y.shape == (2, 3)
    cube = Tensor(np.zeros((2, 3, 4)))
    assert cube.transpose((1, 0, 2)).shape == cube.transpose(1, 0, 2).shape == (3, 2, 4)
    assert cube.T.shape == cube.transpose().shape == (4, 3, 2)
    x.reshape((2, 3)).sum().backward()
    assert x.grad.tolist() == [1.0] * 6
