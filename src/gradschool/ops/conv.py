"""Convolution as one matrix product: gather every patch into a column, multiply all filters with all columns.

Convolution here is cross-correlation, as in every deep-learning library. Sizes, strides and paddings are
ints or pairs.
Source: Dumoulin and Visin 2016 (arithmetic of sizes and of transposed convolutions).
"""

from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

Pair = int | tuple[int] | tuple[int, int]
One = int | tuple[int]
Image = Float[Tensor, "b c h w"]


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """An int as (int, int), as is a tuple of one; a pair as itself."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[-1]))


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many positions a window has along an axis: the size of a convolution's output.

    Args:
        size: pixels of the axis.
        kernel: number of taps of the window, >= 1.
        stride: pixels between neighbouring positions, >= 1.
        padding: pixels added at each end, >= 0.
        dilation: pixels between neighbouring taps, >= 1; 1 leaves no gaps.

    Raises:
        ValueError: the window is larger than the padded axis.
    """
    # 1. How many pixels the window covers, from its first to its last tap.
    reach = dilation * (kernel - 1) + 1
    # 2. Refuse a window that fits nowhere.
    if size + 2 * padding < reach:
        raise ValueError(f"a window of {reach} on an axis of {size} + 2 x {padding}: it must fit; pad more")
    # 3. Its left edge is at 0, then at every `stride`-th pixel, as long as its right edge is inside.
    return (size + 2 * padding - reach) // stride + 1


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """Receptive field along an axis: how many input pixels can influence one unit of the last layer.

    Args:
        layers: (kernel, stride) of each layer, the first one reads the pixels; may be empty.

    Source: Araujo et al. 2019, eq. 2.
    """
    # 1. Without a layer, a pixel sees itself, and its neighbour's field begins one pixel further: the jump.
    field, jump = 1, 1
    # 2. A layer adds its other taps, each one jump apart. Its stride multiplies the jump for later layers.
    for kernel, stride in layers:
        field, jump = field + (kernel - 1) * jump, jump * stride
    return field


def conv_cost(
    channels: int, filters: int, kernel: Pair, size: Pair, stride: Pair = 1, padding: Pair = 0
) -> tuple[int, int]:
    """Count the parameters of a convolution, and its connections: each parameter, used at each position.

    Args:
        channels: of the image.
        filters: number of filters, which is the number of output channels. Each filter has one bias, which
            counts like a weight.
        kernel: size of a filter, an int or (vertical, horizontal), as are the next three.
        size: of the image, in pixels.
        stride: pixels between positions.
        padding: pixels added on each side.

    Returns:
        The number of parameters and the number of connections. Their ratio is the number of positions.
    """
    # 1. One filter: a weight for each tap in each channel, and a bias.
    (kh, kw), (h, w), (sh, sw), (ph, pw) = pair(kernel), pair(size), pair(stride), pair(padding)
    weights = channels * kh * kw + 1
    # 2. The number of positions at which it is used.
    places = output_size(h, kh, sh, ph) * output_size(w, kw, sw, pw)
    # 3. All filters, and all filters at all positions.
    return filters * weights, filters * weights * places


def pad(x: Image, padding: Pair, value: float = 0.0) -> Float[Tensor, "b c ph pw"]:
    """Padding with `value` around every image."""
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
        kernel: size of the window (vertical, horizontal).
        stride: pixels between windows.
        dilation: pixels between taps.
    """
    # 1. Unfold along each image axis gives a view with two more axes: the pixels of each window.
    (kh, kw), (sh, sw), (dh, dw) = pair(kernel), pair(stride), pair(dilation)
    output_size(x.shape[2], kh, sh, 0, dh), output_size(x.shape[3], kw, sw, 0, dw)
    views = x.unfold(2, dh * (kh - 1) + 1, sh).unfold(3, dw * (kw - 1) + 1, sw)
    # 2. Dilation keeps every d-th pixel of a window.
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
    """Convolve every image with every filter (a cross-correlation: the filters are not flipped).

    Args:
        x: images.
        weight: o filters with i = c / groups input channels.
        bias: one number for each output channel, added at every position.
        stride: pixels between windows, >= 1.
        padding: zeros added on each side of the image, >= 0.
        dilation: pixels between taps, >= 1.
        groups: number of groups into which the channels are cut. Output channels of one group see only the
            input channels of the same group; c groups make a depthwise convolution.

    Raises:
        ValueError: channels do not fit the filters, or the window is larger than the image.
    """
    o, i, kh, kw = weight.shape
    if x.shape[1] != i * groups or o % groups:
        raise ValueError(
            f"images have {x.shape[1]} channels, the filters want {i * groups} in {groups} groups"
        )
    # 1. All windows, with the channels cut into groups; one row for each position.
    patches = windows(pad(x, padding), (kh, kw), stride, dilation)
    b, _, oh, ow = patches.shape[:4]
    columns = patches.reshape(b, groups, i, oh, ow, kh, kw).permute(0, 1, 3, 4, 2, 5, 6)
    columns = columns.reshape(b, groups, oh * ow, i * kh * kw)
    # 2. One matrix product for each group, then the bias.
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
    """Transposed convolution: each pixel stamps its filter onto the output, and overlapping stamps are added.

    The matrix of this map is the transpose of the matrix of conv2d with the same weights.

    Args:
        x: images.
        weight: one filter for each pair of input and output channel; j = o / groups.
        bias: one number for each output channel.
        stride: pixels between stamps, >= 1.
        padding: rows and columns cut off each side of the output, >= 0.
        output_padding: rows and columns added at the bottom and on the right, >= 0 and below the larger of
            stride and dilation. conv2d maps several sizes to one; this chooses among them.
        groups: as in conv2d.
        dilation: pixels between taps, >= 1.

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
    # 1. Stamps that are `stride` apart: put zeros between the pixels, then convolve with stride 1 ...
    spread = x.new_zeros(b, c, (h - 1) * sh + 1 + eh, (w - 1) * sw + 1 + ew)
    spread[:, :, : (h - 1) * sh + 1 : sh, : (w - 1) * sw + 1 : sw] = x
    # 2. ... with flipped filters, their two channel axes swapped, and enough padding for stamps at the edge.
    turned = weight.flip(2, 3).reshape(groups, c // groups, j, kh, kw).transpose(1, 2)
    turned = turned.reshape(groups * j, c // groups, kh, kw)
    full = conv2d(spread, turned, bias, 1, (dh * (kh - 1), dw * (kw - 1)), dilation, groups)
    # 3. Cut off the padding.
    return full[:, :, ph : full.shape[2] - ph, pw : full.shape[3] - pw]
