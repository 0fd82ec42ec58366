"""Networks of linear layers: one layer of perceptrons, and the multi-layer perceptron.

Sources: Rosenblatt 1958 (perceptron); Rumelhart, Hinton and Williams 1986 (hidden layers).
Deviation: outputs are logits for softmax and cross-entropy, not step or sigmoid units.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import check_images


class MLP(nn.Module):
    """A multilayer perceptron: the pixels as one vector, then linear layers with an activation between them.

    Args:
        classes: number of outputs (logits).
        channels: of the images.
        side: height and width of the images, in pixels; a linear layer takes one size only.
        hidden: number of units of each hidden layer, in order; may be empty.
        act: the activation module that follows each hidden layer.
        bias: whether the linear layers have a bias.
    """

    def __init__(
        self, classes: int, channels: int, side: int, hidden: Sequence[int], act: nn.Module, bias: bool = True
    ) -> None:
        super().__init__()
        self.channels, self.side = channels, side
        # 1. The widths from the pixels to the classes, and a linear layer between each two neighbours.
        widths = [channels * side * side, *hidden, classes]
        layers: list[nn.Module] = [nn.Flatten()]
        for fan_in, fan_out in pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out, bias), act]
        # 2. The last layer gives logits: no activation comes after it.
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, smallest=1, side=self.side)
        return self.layers(x)


def netlin(classes: int, channels: int = 1, side: int = 28) -> MLP:
    """NetLin: one layer of perceptrons, no hidden unit; 7,850 parameters for 28x28 and ten classes."""
    return MLP(classes, channels, side, [], nn.Identity())


def netfull(classes: int, channels: int = 1, side: int = 28, hidden: int = 160) -> MLP:
    """NetFull: one hidden layer of tanh units."""
    return MLP(classes, channels, side, [hidden], nn.Tanh())


def simple_ffn(classes: int, channels: int = 1, side: int = 28) -> MLP:
    """784-200-50-10 for 28x28: sigmoid units without bias, 167,300 weights."""
    return MLP(classes, channels, side, [200, 50], nn.Sigmoid(), bias=False)


def mlp(classes: int, channels: int = 1, side: int = 28, hidden: Sequence[int] = (256, 128)) -> MLP:
    """A multi-layer perceptron of rectified units."""
    return MLP(classes, channels, side, hidden, nn.ReLU())
