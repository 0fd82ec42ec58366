"""Many small nets with tanh units and one output, trained side by side: how often is a table learned?

After the projects of COMP9444 (UNSW): PolarNet is PLAIN on polar coordinates, RawNet, Full3Net and Full4Net
are PLAIN on x and y, ShortNet and DenseNet are SHORTCUTS. A net is one row of a batch, so twenty seeds cost
little more than one; examples are columns, and a bias is the weight of a row of ones, which comes first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.backpropagation.descent import Adam
from gradschool.scratch.backpropagation.loss import sigmoid


def forward_plain(weights: Sequence[Array], x: Array) -> list[Array]:
    """What each layer sees, layer upon layer; tanh between, the output not bent.

    Args:
        weights: of each layer, (runs, outputs, 1 + inputs), column 0 the bias.
        x: the first layer's view, (runs, 1 + inputs, n): a row of ones, then the inputs.

    Returns:
        One view for each layer, (runs, 1 + units before it, n), then the logits, (runs, 1, n).
    """
    views = [x]
    for weight in weights[:-1]:
        # 1. A row of ones, then the units of this layer.
        hidden = np.tanh(weight @ views[-1])
        views.append(np.concatenate([np.ones_like(hidden[:, :1]), hidden], axis=1))
    # 2. The output.
    return [*views, weights[-1] @ views[-1]]


def backward_plain(weights: Sequence[Array], views: Sequence[Array], delta: Array) -> list[Array]:
    """Gradient of every weight; `views` as `forward_plain` gives them, `delta` that of the logits."""
    gradients = []
    for k in reversed(range(len(weights))):
        # 1. A weight's gradient: what it saw times the error of what it fed, summed over examples.
        gradients.append(delta @ views[k].swapaxes(1, 2))
        # 2. Back through the weights but for the bias, then through tanh.
        if k > 0:
            hidden = views[k][:, 1:]
            delta = (weights[k][:, :, 1:].swapaxes(1, 2) @ delta) * (1 - hidden * hidden)
    return gradients[::-1]


def forward_shortcuts(weights: Sequence[Array], x: Array) -> list[Array]:
    """What each layer sees where every layer sees the inputs and all layers before it; the output not bent.

    Args:
        weights: of each layer, (runs, outputs, rows of its view).
        x: the first layer's view, (runs, 1 + inputs, n): a row of ones, then the inputs.

    Returns:
        One view for each layer, each the one before with the new units as further rows, then the logits,
        (runs, 1, n).
    """
    views = [x]
    for weight in weights[:-1]:
        # 1. The new units.
        hidden = np.tanh(weight @ views[-1])
        # 2. They are seen beside all that was seen before.
        views.append(np.concatenate([views[-1], hidden], axis=1))
    # 3. The output sees everything.
    return [*views, weights[-1] @ views[-1]]


def backward_shortcuts(weights: Sequence[Array], views: Sequence[Array], delta: Array) -> list[Array]:
    """The backward pass of nets with shortcuts and tanh units: the gradient in every weight.

    Args:
        weights: of each layer, (runs, outputs, rows of its view); runs counts independent nets.
        views: what `forward_shortcuts` returned: views[k] is what layer k sees, (runs, rows, n). views[k + 1]
            has the same rows and below them the units of layer k, after tanh. The last holds the logits.
        delta: gradient of the loss in the logits, (runs, 1, n).

    Returns:
        A list with the gradient of each layer, first to last, in the shape of its weight.
    """
    # 1. Gradient of the output's weight; then the gradient in every row of the output's view.
    gradients = [delta @ views[len(weights) - 1].swapaxes(1, 2)]
    error = weights[-1].swapaxes(1, 2) @ delta
    for k in reversed(range(len(weights) - 1)):
        # 2. The last rows of that view are the units of layer k: back through tanh, with derivative 1 - h^2.
        rows = views[k].shape[1]
        hidden = views[k + 1][:, rows:]
        delta = error[:, rows:] * (1 - hidden * hidden)
        # 3. Gradient of this layer's weight.
        gradients.append(delta @ views[k].swapaxes(1, 2))
        # 4. The other rows are used above and by this layer: both gradients add up.
        error = error[:, :rows] + weights[k].swapaxes(1, 2) @ delta
    return gradients[::-1]


def see_the_layer_before(inputs: int, hidden: Sequence[int]) -> list[int]:
    """Rows of each layer's view in a plain net, the row of ones counted."""
    return [1 + units for units in (inputs, *hidden)]


def see_everything_before(inputs: int, hidden: Sequence[int]) -> list[int]:
    """Rows of each layer's view in a net with shortcuts, the row of ones counted."""
    return [1 + inputs + sum(hidden[:k]) for k in range(len(hidden) + 1)]


@dataclass(frozen=True)
class Form:
    """How layers are wired: the views' sizes, forward and backward."""

    sees: Callable[[int, Sequence[int]], list[int]]
    forward: Callable[[Sequence[Array], Array], list[Array]]
    backward: Callable[[Sequence[Array], Sequence[Array], Array], list[Array]]


PLAIN = Form(see_the_layer_before, forward_plain, backward_plain)
SHORTCUTS = Form(see_everything_before, forward_shortcuts, backward_shortcuts)


@dataclass(frozen=True)
class Nets:
    """Nets of one kind, and how they learn.

    Args:
        form: PLAIN or SHORTCUTS.
        hidden: units of each hidden layer.
        weight_size: standard deviation of all first weights, biases as well, > 0.
        learning_rate: Adam's, > 0.
        batch: rows in a step; they divide the table into equal parts.
        epochs: most passes over the table.
        look: the nets are judged after every so many epochs.
    """

    form: Form = PLAIN
    hidden: tuple[int, ...] = (10,)
    weight_size: float = 0.1
    learning_rate: float = 0.01
    batch: int = 97
    epochs: int = 20_000
    look: int = 50

    def parameters(self, inputs: int) -> int:
        """Weights and biases of one net."""
        # 1. A unit has one weight for each row of its layer's view.
        views = self.form.sees(inputs, self.hidden)
        return sum(units * rows for units, rows in zip((*self.hidden, 1), views, strict=True))

    def first(self, inputs: int, runs: int, rng: np.random.Generator) -> list[Array]:
        """Normal weights for `runs` nets, in float32."""
        views = self.form.sees(inputs, self.hidden)
        shapes = [(runs, units, rows) for units, rows in zip((*self.hidden, 1), views, strict=True)]
        return [rng.normal(0, self.weight_size, shape).astype(np.float32) for shape in shapes]


def viewed(x: Array, runs: int) -> Array:
    """A table (n, inputs) as the first layers of all nets see it: (runs, 1 + inputs, n)."""
    columns = np.concatenate([np.ones((1, len(x))), x.T]).astype(np.float32)
    return np.broadcast_to(columns, (runs, *columns.shape))


def gradients(form: Form, weights: Sequence[Array], x: Array, t: Array) -> list[Array]:
    """Gradients of each net's cross-entropy, mean over the table.

    Args:
        form: how the nets are wired.
        weights: of all nets, (runs, outputs, rows of the view) for each layer.
        x: the table, (n, inputs).
        t: labels 0 or 1, (n,).
    """
    # 1. Forward.
    *views, logits = form.forward(weights, viewed(x, len(weights[0])))
    # 2. Sigmoid and cross-entropy together leave y - t.
    delta = (sigmoid(logits) - t) / np.float32(len(t))
    # 3. Back.
    return form.backward(weights, views, delta)


def all_right(form: Form, weights: Sequence[Array], x: Array, t: Array) -> Array:
    """Which nets have every row right, booleans (runs,)."""
    logits = form.forward(weights, viewed(x, len(weights[0])))[-1]
    return ((logits[:, 0] > 0) == (t > 0.5)).all(axis=1)


def train(nets: Nets, x: Array, t: Array, runs: int, rng: np.random.Generator) -> tuple[Array, list[Array]]:
    """Train many nets until each has every row of a table right.

    Args:
        nets: which, and how they learn.
        x: the table, (n, inputs).
        t: labels 0 or 1, (n,).
        runs: how many nets; they differ in their first weights and share the order of rows.
        rng: draws both.

    Returns:
        Epoch after which each had all rows right, (runs,), -1 if it never had; and its weights then,
        (runs, outputs, rows of the view) for each layer.

    Raises:
        ValueError: the batch does not divide the table.
    """
    if len(x) % nets.batch:
        raise ValueError(f"{len(x)} rows in batches of {nets.batch}; wanted equal parts. Change the batch.")
    t = t.astype(np.float32)
    # 1. First weights, and who is still learning.
    weights, adam = nets.first(x.shape[1], runs, rng), Adam(nets.learning_rate)
    last, epochs, learning = [w.copy() for w in weights], np.full(runs, -1), np.arange(runs)
    for epoch in range(1, nets.epochs + 1):
        # 2. One pass over the rows in a new order.
        for rows in rng.permutation(len(x)).reshape(-1, nets.batch):
            adam.step(weights, gradients(nets.form, weights, x[rows], t[rows]))
        if epoch % nets.look and epoch < nets.epochs:
            continue
        # 3. Remember the weights; who has all rows right is done and leaves.
        for kept, now in zip(last, weights, strict=True):
            kept[learning] = now
        done = all_right(nets.form, weights, x, t)
        epochs[learning[done]] = epoch
        weights, learning = [w[~done] for w in weights], learning[~done]
        adam.keep(~done)
        if not len(learning):
            break
    return epochs, last
