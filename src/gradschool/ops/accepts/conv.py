"""What the convolutions refuse; see gradschool.ops.conv."""

from torch import Tensor

from gradschool.ops.accepts.common import axes, one_type, shaped

Sizes = int | tuple[int, ...]


def sizes(name: str, value: Sizes, least: int, axes: int = 2) -> tuple[int, ...]:
    """Whole numbers >= least, one for each axis or one for all, as a tuple.

    Raises:
        ValueError: anything else came.
    """
    given = tuple(value) if isinstance(value, tuple | list) else (value,)
    whole = all(isinstance(v, int) and v >= least for v in given)
    if isinstance(value, str) or len(given) not in (1, axes) or not whole:
        many = f" or {axes} of them" if axes > 1 else ""
        raise ValueError(f"{name} is {value!r}, a whole number >= {least}{many} was wanted")
    return given if len(given) == axes else given * axes


def windows_fit(size: tuple[int, ...], kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> None:
    """Refuse steps and sizes that are no whole numbers, and windows larger than the padded image."""
    n = len(size)
    sizes("stride", stride, 1, n)
    reach = [
        d * (k - 1) + 1
        for k, d in zip(sizes("kernel_size", kernel, 1, n), sizes("dilation", dilation, 1, n), strict=True)
    ]
    room = [s + 2 * p for s, p in zip(size, sizes("padding", padding, 0, n), strict=True)]
    if any(r > s for r, s in zip(reach, room, strict=True)):
        raise ValueError(f"a window of {reach} on an image of {room} with its padding: it must fit; pad more")


def filters_fit(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int, flat: int) -> None:
    """Refuse tensors of other axes, types or channels; `flat` is 1 for lines and 2 for images."""
    names = "(batch, channels, time)" if flat == 1 else "(batch, channels, height, width)"
    axes("x", x, names, flat + 2, flat + 2)
    axes("weight", weight, f"filters of {flat + 2} axes", flat + 2, flat + 2)
    one_type(x, weight=weight, bias=bias)
    sizes("groups", groups, 1, 1)


def conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    dilation: Sizes = 1, groups: int = 1,
) -> None:  # fmt: skip
    """Channels must fit the filters, and windows the image."""
    forward(x, weight, bias, stride, padding, dilation, groups, 2)


def conv1d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    dilation: Sizes = 1, groups: int = 1,
) -> None:  # fmt: skip
    """As conv2d, along one axis."""
    forward(x, weight, bias, stride, padding, dilation, groups, 1)


def forward(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sizes, padding: Sizes, dilation: Sizes,
    groups: int, flat: int,
) -> None:  # fmt: skip
    """What conv1d and conv2d refuse."""
    filters_fit(x, weight, bias, groups, flat)
    wanted = weight.shape[1] * groups
    if x.shape[1] != wanted or weight.shape[0] % groups or 0 in weight.shape:
        raise ValueError(
            f"images have {x.shape[1]} channels, the filters want {wanted} in {groups} groups and are "
            f"{weight.shape[0]}"
        )
    shaped("bias", bias, weight.shape[:1])
    windows_fit(tuple(x.shape[2:]), tuple(weight.shape[2:]), stride, padding, dilation)


def conv_transpose2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
) -> None:  # fmt: skip
    """Channels must fit the filters, and something must be left of the image."""
    filters_fit(x, weight, bias, groups, 2)
    if x.shape[1] != weight.shape[0] or x.shape[1] % groups or 0 in weight.shape:
        raise ValueError(
            f"images have {x.shape[1]} channels, the filters want {weight.shape[0]} in {groups} groups"
        )
    shaped("bias", bias, (weight.shape[1] * groups,))
    numbers = zip(
        x.shape[2:], weight.shape[2:], sizes("stride", stride, 1), sizes("padding", padding, 0),
        sizes("output_padding", output_padding, 0), sizes("dilation", dilation, 1), strict=True,
    )  # fmt: skip
    for size, kernel, step, cut, extra, apart in numbers:
        if extra >= max(step, apart):
            raise ValueError(
                f"output_padding is {output_padding}, numbers below stride {stride} or dilation {dilation} "
                "were wanted"
            )
        if (left := (size - 1) * step + apart * (kernel - 1) + 1 + extra - 2 * cut) < 1:
            raise ValueError(f"padding {padding} leaves {left} pixels, 1 or more was wanted; pad less")
