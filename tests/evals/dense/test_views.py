"""Eight views of a picture: each undone exactly, and their mean is what a loop over symmetries gives."""

import torch

from gradschool.evals.dense.views import VIEWS, over_views, seen, unseen


def test_every_view_is_another_and_is_undone():
    x = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    square = x[:, :, :, :4]
    assert len({tuple(seen(square, *view).flatten().tolist()) for view in VIEWS}) == 8
    for view in VIEWS:
        assert torch.equal(unseen(seen(x, *view), *view), x)


def test_probabilities_are_averaged():
    """A network that looks at the pixel on the left, by NumPy's own symmetries in float64."""
    import numpy as np

    x = torch.randn(2, 1, 5, 7, generator=torch.Generator().manual_seed(0))

    def network(part):
        left = part.roll(1, 3)
        return torch.cat([part, left, part * left], 1)

    total = np.zeros((2, 3, 5, 7))
    for turns in range(4):
        for mirrored in (False, True):
            shown = np.flip(x.numpy(), 3) if mirrored else x.numpy()
            scores = network(torch.tensor(np.rot90(shown, turns, (2, 3)).copy())).double().numpy()
            shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
            back = np.rot90(shares, -turns, (2, 3))
            total += np.flip(back, 3) if mirrored else back
    # Float32 logarithms and exponentials of numbers near 1.
    np.testing.assert_allclose(over_views(network, x).exp().numpy(), total / 8, rtol=1e-5, atol=1e-6)
