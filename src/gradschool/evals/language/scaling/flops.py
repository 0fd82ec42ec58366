"""How much arithmetic training takes: six operations a token for each weight of a matrix.

Two (a product and a sum) forward, and twice as many backward. Looking up a vector in a table costs none, and
what attention does with keys is left out: it is small while the context is shorter than twelve widths.
Source: Kaplan et al. 2020, section 2.1.
"""

from torch import nn


def weights_in_products(model: nn.Module) -> int:
    """How many weights every token is multiplied with: those of matrices, but for tables of vectors.

    A table that is the output's matrix as well (tied) counts once. Experts count all, though a token meets
    but some.
    """
    tables = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}
    shared = {id(part.weight) for part in model.modules() if isinstance(part, nn.Linear)}
    return sum(p.numel() for p in model.parameters() if p.dim() > 1 and id(p) not in tables - shared)


def training_flops(model: nn.Module, tokens: float) -> float:
    """Floating-point operations of training on so many tokens.

    Args:
        model: the network.
        tokens: read in training, each as often as it was read.
    """
    return 6.0 * weights_in_products(model) * tokens
