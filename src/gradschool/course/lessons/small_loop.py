"""A training loop in one piece, to read and to spoil: 1,797 digits, a small network, nothing left out.

It does what `engine/loop.py` does without all that a long run needs. The sheets of `bugs.py` beside it are
made from the text of `learn`: every line that can be forgotten or misplaced is a line of its own.
"""

# mypy: disable-error-code="no-untyped-call"

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

Line = dict[str, float]


def learn(seed: int, epochs: int = 8) -> list[Line]:
    """Train a small network on four fifths of the digits.

    Args:
        seed: of the split, the weights, the order and dropout.
        epochs: how often every training image is shown.

    Returns:
        For each epoch, "loss": the mean loss of the training images in nats, measured during the epoch; and
        "accuracy": the share of held-out images that is classified correctly after it, 0 to 1.
    """
    # 1. Images as vectors; a fifth is held out. Mean and deviation come from the training images alone.
    torch.manual_seed(seed)
    digits = load_digits()
    images = torch.tensor(digits.data, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(images))
    held, train = order[:360], order[360:]
    mean, std = images[train].mean(), images[train].std()
    # 2. The network, the optimiser, and the list that will be returned.
    model = nn.Sequential(
        nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    curve = []
    # 3. An epoch: every training image once, in a new order and in batches; then the held-out images, in
    #    evaluation mode and without gradients.
    for _ in range(epochs):
        model.train()
        total = 0.0
        for batch in train[torch.randperm(len(train))].split(64):
            x, y = (images[batch] - mean) / std, labels[batch]
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        model.eval()
        with torch.no_grad():
            x, y = (images[held] - mean) / std, labels[held]
            right = (model(x).argmax(1) == y).sum().item()
        curve.append({"loss": total / len(train), "accuracy": right / len(held)})
    return curve
