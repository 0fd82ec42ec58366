"""Refuse images that a network cannot take, in a sentence, before a layer stumbles over them."""

from torch import Tensor


class WrongInput(ValueError):
    """A network cannot take what came: too few pixels, other channels."""


def check_images(x: Tensor, channels: int, smallest: int, side: int | None = None) -> None:
    """Say what is wrong with a batch of images, if anything.

    Args:
        x: what came; (batch, channels, height, width) is wanted.
        channels: how many the network was built for.
        smallest: fewest pixels along each side that the network can take.
        side: the only number of pixels along each side that it takes; None for any.

    Raises:
        WrongInput: the number of axes, of channels or of pixels does not fit.
    """
    shape = tuple(x.shape)
    if len(shape) != 4:
        raise WrongInput(
            f"input has shape {shape}, (batch, {channels}, height, width) was wanted; "
            "a single image gets its batch axis from x.unsqueeze(0)"
        )
    if shape[1] != channels:
        raise WrongInput(
            f"images have {shape[1]} channels, {channels} were wanted; "
            f"build the model with channels={shape[1]}"
        )
    if shape[2] < smallest or shape[3] < smallest:
        raise WrongInput(
            f"images are {shape[3]}x{shape[2]} pixels, {smallest}x{smallest} or larger was wanted; "
            "enlarge them, or take a network made for smaller ones"
        )
    if side is not None and shape[2:] != (side, side):
        raise WrongInput(
            f"images are {shape[3]}x{shape[2]} pixels, {side}x{side} was wanted; "
            f"resize them, or build the model with side={shape[2]}"
        )
