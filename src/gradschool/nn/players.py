"""A generator and a discriminator as one module, within a limit of parameters; both may be told a class."""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import Identity, Module, init
from torch.nn.functional import one_hot

from gradschool.nn.conv import Conv2d, ConvTranspose2d
from gradschool.nn.norm import BatchNorm2d

LIMIT = 25_000_000  # parameters of both together
Classes = Int64[Tensor, " b"] | None


class Players(Module):
    """Two networks that are trained against each other.

    Args:
        generator: (b, latent + classes, ...) to pictures (b, c, h, w) in -1 to 1.
        discriminator: pictures to scores.
        latent: numbers of a code.

    Raises:
        ValueError: they have more than 25 million parameters together.
    """

    def __init__(self, generator: "Generator", discriminator: "Discriminator", latent: int) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent, self.classes = latent, generator.classes
        parameters = sum(p.numel() for p in self.parameters())
        if parameters > LIMIT:
            raise ValueError(
                f"generator and discriminator have {parameters:,} parameters together, "
                f"at most {LIMIT:,} were wanted; take a smaller width"
            )

    def forward(self, z: Float[Tensor, "b d"], y: Classes = None) -> Float[Tensor, "b c h w"]:
        """Pictures; training calls the two players themselves."""
        return self.generator(z, y)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile each player, since each is called by itself; arguments as for any module."""
        self.generator.compile(*args, **kwargs)
        self.discriminator.compile(*args, **kwargs)


class Generator(Module):
    """Codes to pictures.

    Args:
        layers: what sees the code, and beside it the class as further numbers.
        classes: how many are told apart; 0: none is told.
    """

    def __init__(self, layers: Module, classes: int = 0) -> None:
        super().__init__()
        self.layers, self.classes = layers, classes

    def forward(self, z: Float[Tensor, "b d"], y: Classes = None) -> Float[Tensor, "b c h w"]:
        return self.layers(beside(z, y, self.classes))


class Discriminator(Module):
    """Pictures to scores (b,): how real they look.

    Args:
        layers: what sees the picture, and beside it the class as further channels.
        classes: how many are told apart; 0: none is told.
        first: what is done to a picture before the class comes beside it.
    """

    def __init__(self, layers: Module, classes: int = 0, first: Module | None = None) -> None:
        super().__init__()
        self.first, self.layers, self.classes = first or Identity(), layers, classes

    def forward(self, x: Float[Tensor, "b c h w"], y: Classes = None) -> Float[Tensor, " b"]:
        return self.layers(beside(self.first(x), y, self.classes)).flatten()


def beside(x: Float[Tensor, "b n *place"], y: Classes, classes: int) -> Float[Tensor, "b m *place"]:
    """`x` with the class as further channels, 1 in that of the class and 0 in the others, at every place.

    Raises:
        ValueError: a class is to be told, and there is none.
    """
    if not classes:
        return x
    if y is None:
        raise ValueError(f"no class was given, one of {classes} was wanted; pass y")
    told = one_hot(y, classes).to(x.dtype).view(len(x), classes, *[1] * (x.dim() - 2))
    return torch.cat([x, told.expand(-1, -1, *x.shape[2:])], 1)


def normal_(model: Module) -> None:
    """Draw filters from N(0, 0.02) and gains from N(1, 0.02). Source: Radford et al. 2016, section 4."""
    for module in model.modules():
        if isinstance(module, Conv2d | ConvTranspose2d):
            init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, BatchNorm2d) and module.weight is not None:
            init.normal_(module.weight, 1.0, 0.02)
