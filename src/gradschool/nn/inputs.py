"""Refuse images that a network cannot take, in a sentence, before a layer stumbles over them."""

from torch import Tensor


def check_images(x: Tensor, channels: int, smallest: int) -> None:
    """Say what is wrong with a batch of images, if anything.

    Args:
        x: what came; (batch, channels, height, width) is wanted.
        channels: how many the network was built for.
        smallest: fewest pixels along each side that the network can take.

    Raises:
        ValueError: the number of axes, of channels or of pixels does not fit.
    """
    shape = tuple(x.shape)
    if len(shape) != 4:
        raise ValueError(
            f"input has shape {shape}, (batch, {channels}, height, width) was wanted; "
            "a single image gets its batch axis from x.unsqueeze(0)"
        )
    if shape[1] != channels:
        raise ValueError(
            f"images have {shape[1]} channels, {channels} were wanted; "
            f"build the model with channels={shape[1]}"
        )
    if shape[2] < smallest or shape[3] < smallest:
        raise ValueError(
            f"images are {shape[3]}x{shape[2]} pixels, {smallest}x{smallest} or larger was wanted; "
            "enlarge them, or take a network made for smaller ones"
        )
