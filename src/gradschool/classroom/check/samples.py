"""Random inputs of checks, the same on every machine."""

import torch


def draw(seed: int, *shape: int) -> torch.Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def whole(seed: int, high: int, *shape: int) -> torch.Tensor:
    """Whole numbers from 0 to high - 1."""
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))
