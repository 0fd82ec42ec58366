"""Convolution as one matrix product: gather every patch into a column, multiply all filters with all columns.

Convolution here is cross-correlation, as in every deep-learning library. Sizes, strides and paddings are
ints or pairs.
Source: Dumoulin and Visin 2016 (arithmetic of sizes and of transposed convolutions).
"""

from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

Pair = int | tuple[int, ...]  # one for both axes, or two
One = int | tuple[int]
Image = Float[Tensor, "b c h w"]


def pair(value: Pair) -> tuple[int, int]:
    """An int as (int, int), as is a tuple of one; a pair as itself."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[-1]))


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many places a window finds along an axis.

    Args:
        size: pixels of the axis.
        kernel: taps of the window.
        stride: steps between places, >= 1.
        padding: pixels added at each end.
        dilation: steps between taps; 1 leaves no gaps.

    Raises:
        ValueError: the window is larger than the padded axis.
    """
    # 1. From its first to its last tap a window reaches over so many pixels.
    reach = dilation * (kernel - 1) + 1
    # 2. Refuse one that fits nowhere.
    if size + 2 * padding < reach:
        raise ValueError(f"a window of {reach} on an axis of {size} + 2 x {padding}: it must fit; pad more")
    # 3. Its left edge stands at 0, then every `stride` pixels, for as long as its right edge is inside.
    return (size + 2 * padding - reach) // stride + 1


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """How many input pixels one output pixel sees along an axis, through (kernel, stride) layers in order.

    Source: Araujo et al. 2019, eq. 2.
    """
    # 1. Without a layer a pixel sees itself, and its neighbour's view begins one pixel further: the jump.
    field, jump = 1, 1
    # 2. A layer adds its further taps, a jump apart; its stride lengthens the jump for the layers above.
    for kernel, stride in layers:
        field, jump = field + (kernel - 1) * jump, jump * stride
    return field


def conv_cost(
    channels: int, filters: int, kernel: Pair, size: Pair, stride: Pair = 1, padding: Pair = 0
) -> tuple[int, int]:
    """Count the parameters of a convolution, and the connections they make by being used at every place.

    Args:
        channels: of the image.
        filters: so many channels come out; each filter has a bias, which counts like a weight.
        kernel: taps of a filter, an int or (vertical, horizontal), as are the next three.
        size: of the image, in pixels.
        stride: steps between places.
        padding: pixels added on each side.

    Returns:
        Parameters and connections; dividing them gives the number of places.
    """
    # 1. One filter: a weight for each tap in each channel, and a bias.
    (kh, kw), (h, w), (sh, sw), (ph, pw) = pair(kernel), pair(size), pair(stride), pair(padding)
    weights = channels * kh * kw + 1
    # 2. The places at which it is used.
    places = output_size(h, kh, sh, ph) * output_size(w, kw, sw, pw)
    # 3. All filters, and all filters at all places.
    return filters * weights, filters * weights * places


def pad(x: Image, padding: Pair, value: float = 0.0) -> Float[Tensor, "b c ph pw"]:
    """A frame of `value` around every image."""
    vertical, horizontal = pair(padding)
    if vertical == horizontal == 0:
        return x
    b, c, h, w = x.shape
    framed = x.new_full((b, c, h + 2 * vertical, w + 2 * horizontal), value)
    framed[:, :, vertical : vertical + h, horizontal : horizontal + w] = x
    return framed


def windows(x: Image, kernel: Pair, stride: Pair = 1, dilation: Pair = 1) -> Float[Tensor, "b c oh ow kh kw"]:
    """Every window of every image, without copying a number.

    Args:
        x: images, padded already.
        kernel: taps of the window (vertical, horizontal).
        stride: steps between windows.
        dilation: steps between taps.
    """
    # 1. A window is a place plus taps: views with two more axes, made by unfold along each image axis.
    (kh, kw), (sh, sw), (dh, dw) = pair(kernel), pair(stride), pair(dilation)
    output_size(x.shape[2], kh, sh, 0, dh), output_size(x.shape[3], kw, sw, 0, dw)
    views = x.unfold(2, dh * (kh - 1) + 1, sh).unfold(3, dw * (kw - 1) + 1, sw)
    # 2. Dilation skips taps.
    return views[..., ::dh, ::dw]


@op
def conv2d(
    x: Image,
    weight: Float[Tensor, "o i kh kw"],
    bias: Float[Tensor, " o"] | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Float[Tensor, "b o oh ow"]:
    """Slide every filter over every image.

    Args:
        x: images.
        weight: filters; i = c / groups.
        bias: added to each output channel.
        stride: steps between windows, >= 1.
        padding: zeros around each image, >= 0.
        dilation: steps between taps, >= 1.
        groups: channels are cut into so many groups that do not see each other; c groups are depthwise.

    Raises:
        ValueError: channels do not fit the filters, or the window is larger than the image.
    """
    o, i, kh, kw = weight.shape
    if x.shape[1] != i * groups or o % groups:
        raise ValueError(
            f"images have {x.shape[1]} channels, the filters want {i * groups} in {groups} groups"
        )
    # 1. All windows, their channels cut into groups.
    patches = windows(pad(x, padding), (kh, kw), stride, dilation)
    b, _, oh, ow = patches.shape[:4]
    columns = patches.reshape(b, groups, i, oh, ow, kh, kw).permute(0, 1, 3, 4, 2, 5, 6)
    columns = columns.reshape(b, groups, oh * ow, i * kh * kw)
    # 2. One matrix product a group.
    filters = weight.reshape(groups, o // groups, i * kh * kw)
    y = (columns @ filters.transpose(1, 2)).transpose(2, 3).reshape(b, o, oh, ow)
    return y if bias is None else y + bias.to(y.dtype).view(1, o, 1, 1)


@op
def conv1d(
    x: Float[Tensor, "b c t"],
    weight: Float[Tensor, "o i k"],
    bias: Float[Tensor, " o"] | None = None,
    stride: One = 1,
    padding: One = 0,
    dilation: One = 1,
    groups: int = 1,
) -> Float[Tensor, "b o ot"]:
    """The same along one axis: an image of height 1; arguments as in conv2d."""
    flat = x.unsqueeze(2), weight.unsqueeze(2)
    (_, step), (_, zeros), (_, apart) = pair(stride), pair(padding), pair(dilation)
    return conv2d(*flat, bias, (1, step), (0, zeros), (1, apart), groups).squeeze(2)


@op
def conv_transpose2d(
    x: Image,
    weight: Float[Tensor, "c j kh kw"],
    bias: Float[Tensor, " o"] | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> Float[Tensor, "b o oh ow"]:
    """The transpose of conv2d's matrix: each pixel stamps its filter onto the output; stamps add up.

    Args:
        x: images.
        weight: one filter for each input and output channel; j = o / groups.
        bias: added to each output channel.
        stride: steps between stamps, >= 1.
        padding: cut off around the output, >= 0.
        output_padding: added at the lower right only, below stride: which of several sizes to invert to.
        groups: as in conv2d.
        dilation: steps between taps, >= 1.

    Raises:
        ValueError: channels do not fit the filters.
    """
    if x.shape[1] != weight.shape[0] or x.shape[1] % groups:
        raise ValueError(
            f"images have {x.shape[1]} channels, the filters want {weight.shape[0]} in {groups} groups"
        )
    (sh, sw), (ph, pw), (eh, ew) = pair(stride), pair(padding), pair(output_padding)
    b, c, h, w = x.shape
    j, kh, kw = weight.shape[1:]
    dh, dw = pair(dilation)
    # 1. Stamps `stride` apart are a convolution of the image with zeros put between its pixels ...
    spread = x.new_zeros(b, c, (h - 1) * sh + 1 + eh, (w - 1) * sw + 1 + ew)
    spread[:, :, : (h - 1) * sh + 1 : sh, : (w - 1) * sw + 1 : sw] = x
    # 2. ... with filters turned by half a turn, their two channel axes swapped, and a full frame of zeros.
    turned = weight.flip(2, 3).reshape(groups, c // groups, j, kh, kw).transpose(1, 2)
    turned = turned.reshape(groups * j, c // groups, kh, kw)
    full = conv2d(spread, turned, bias, 1, (dh * (kh - 1), dw * (kw - 1)), dilation, groups)
    # 3. Padding takes off the frame.
    return full[:, :, ph : full.shape[2] - ph, pw : full.shape[3] - pw]
