"""Figures of chapter 7."""

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from gradschool.ops import activation


def units() -> Figure:
    """Activations and their slopes."""
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.4))
    x = torch.linspace(-4, 4, 161)
    for name in ("sigmoid", "tanh", "relu", "gelu", "mish"):
        axes[0].plot(x.numpy(), getattr(activation, name)(x).numpy(), label=name)
        axes[1].plot(x.numpy(), activation.DERIVATIVES[name](x).numpy())
    axes[0].set(title="value", ylim=(-1.2, 2.5))
    axes[1].set(title="slope")
    axes[0].legend(fontsize=7, frameon=False)
    return figure
