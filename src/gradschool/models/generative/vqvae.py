"""VQ-VAE: a picture as a small grid of entries of a codebook.

Source: van den Oord et al. 2017. The paper learns an autoregressive prior over the grid afterwards; here each
place of the grid only remembers how often it held which entry, so new pictures are rough.
"""

import torch
from jaxtyping import Float, Int64
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from gradschool import nn
from gradschool.nn.bottleneck import Shape, quarter
from gradschool.nn.quantise import Quantise

MEMORY = 0.99  # share of the old counts that is kept at each training batch


class VQVAE(nn.Module):
    """Encoder to a grid, codebook, decoder from the grid.

    Args:
        encoder: pictures (b, c, h, w) to maps (b, d, gh, gw).
        decoder: maps to pictures.
        quantise: the codebook.
        grid: gh, gw.
    """

    used: Tensor

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, quantise: Quantise, grid: tuple[int, int]
    ) -> None:
        super().__init__()
        self.encoder, self.decoder, self.quantise = encoder, decoder, quantise
        self.entries = len(quantise.codebook)
        self.register_buffer("used", torch.full((*grid, self.entries), 1 / self.entries))

    def forward(
        self, x: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b c h w"], Int64[Tensor, "b gh gw"], Float[Tensor, ""]]:
        """Pictures again, the entries in between, and the codebook's loss."""
        taken, chosen, loss = self.quantise(self.encoder(x))
        if self.training:
            counts = one_hot(chosen, self.entries).to(self.used.dtype).mean(0)
            self.used.lerp_(counts, 1 - MEMORY)
        return self.decoder(taken), chosen, loss

    def encode(self, x: Float[Tensor, "b c h w"]) -> Int64[Tensor, "b gh gw"]:
        """The entries of pictures in 0 to 1."""
        chosen: Tensor = self.quantise(self.encoder(x))[1]
        return chosen

    def decode(self, chosen: Int64[Tensor, "b gh gw"]) -> Float[Tensor, "b c h w"]:
        """Pictures in 0 to 1."""
        pictures: Tensor = self.decoder(self.quantise.look_up(chosen))
        return pictures

    def draw(self, n: int, generator: Generator) -> Int64[Tensor, "n gh gw"]:
        """Entries of n new pictures, each place by itself as often as it was used; drawn on the CPU."""
        shares = self.used.cpu().flatten(0, 1)
        return torch.multinomial(shares, n, replacement=True, generator=generator).T.view(
            n, *self.used.shape[:2]
        )


class Residual(nn.Module):
    """x + conv(relu(conv(relu(x)))). Source: section 4.1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 1),
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.change(x)


def vqvae(shape: Shape, classes: int = 0, entries: int = 64, code: int = 16, width: int = 32) -> VQVAE:
    """A grid of a quarter of the sides: 7x7 entries for 28x28 pixels. Sides must be multiples of 4.

    Args:
        shape: channels, height and width of the pictures.
        classes: 0; it is told none.
        entries: in the codebook.
        code: numbers of an entry.
        width: channels of the first convolution.
    """
    if classes:
        raise ValueError(f"{classes} classes were given, a VQ-VAE is told none; use a conditional VAE")
    channels, grid = shape[0], quarter(shape)
    encoder = nn.Sequential(
        nn.Conv2d(channels, width, 4, 2, 1), nn.ReLU(), nn.Conv2d(width, 2 * width, 4, 2, 1),
        Residual(2 * width), nn.ReLU(), nn.Conv2d(2 * width, code, 1),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Conv2d(code, 2 * width, 3, 1, 1), Residual(2 * width), nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Sigmoid(),
    )  # fmt: skip
    return VQVAE(encoder, decoder, Quantise(entries, code), grid)
