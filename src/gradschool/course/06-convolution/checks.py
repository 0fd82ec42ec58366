"""Checks of chapter 6: oracles are torch's convolution and pooling in float64, and counting one by one."""

from itertools import count

import numpy as np
import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance
from gradschool.classroom.check.samples import draw

SUMS = Tolerance(1e-4, 1e-5, "float32 sums of at most 75 products of numbers near 1, against float64")
GRADS = Tolerance(1e-3, 1e-4, "float32 sums over all places of at most 3 images, against float64")
EXACT = Tolerance(0, 0, "whole numbers, or numbers that are only picked")
FLOAT64 = Tolerance(1e-10, 1e-12, "float64 sums of at most 9 products")


# Signals and borders


def convolve_by_definition(signal, kernel):
    """The sum over all pairs of indices that meet at t, one pair after another."""
    y = [0.0] * (len(signal) + len(kernel) - 1)
    for i, s in enumerate(signal):
        for d, k in enumerate(kernel):
            y[i + d] += s * k
    return np.array(y)


def convolve(ladder: Ladder) -> None:
    """Short ones by hand, the kernel longer than the signal; then it commutes and delays with the signal."""
    pairs = [([1, 0, 0], [1, 2]), ([1, 2, 3], [1, 10]), ([3], [1, 2, 4]), ([2, 1], [1, 0, -1, 5])]
    cases = [
        Case(f"signal = {tuple(s)}, kernel = {tuple(k)}", (np.array(s, float), np.array(k, float)))
        for s, k in pairs
    ]
    rng = np.random.default_rng(0)
    signal, kernel = rng.normal(size=9), rng.normal(size=4)
    cases.append(Case("9 random numbers and a kernel of 4", (signal, kernel)))
    ladder.agrees(cases, convolve_by_definition, FLOAT64)
    y = ladder.subject(signal, kernel)
    ladder.same("signal * kernel = kernel * signal", ladder.subject(kernel, signal), y, FLOAT64)
    late = ladder.subject(np.append([0.0, 0.0], signal), kernel)
    ladder.same("A later signal gives the same result later, which", late[2:], y, FLOAT64)


def prewitt_by_torch(image, border="constant"):
    """Both filters written out, slid by torch in float64."""
    across = torch.tensor([[-1.0, 0, 1]] * 3, dtype=torch.float64)
    x = F.pad(torch.tensor(image, dtype=torch.float64)[None, None], (1, 1, 1, 1), mode=border)
    both = F.conv2d(x, torch.stack([across, across.T]).unsqueeze(1))[0]
    return both.square().sum(0).sqrt().numpy()


def prewitt(ladder: Ladder) -> None:
    """A step, a corner, both borders, random images; then brightness does not matter inside."""
    step = np.array([[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4]])
    corner = np.array([[0, 0, 0], [0, 9, 9], [0, 9, 9]])
    image = np.random.default_rng(1).normal(size=(5, 7))
    light = np.random.default_rng(2).integers(256, size=(4, 5), dtype=np.uint8)
    cases = [
        Case(f"{about}, border = {border!r}", (x, border))
        for about, x in (("a step from 0 to 4", step), ("a corner", corner), ("a random 5x7 image", image))
        for border in ("constant", "reflect")
    ]
    cases.append(Case("a column that brightens, border = 'reflect'", (image[:, :3], "reflect")))
    cases.append(Case("bytes, border = 'constant'", (light, "constant")))
    ladder.agrees(cases, prewitt_by_torch, FLOAT64)
    brighter = ladder.subject(image + 5, "reflect")
    ladder.same("A brighter image has the same edges, which", brighter, cases_result(ladder, image), FLOAT64)


def cases_result(ladder, image):
    """The edges of an image with mirrored borders."""
    return ladder.subject(image, "reflect")


def separate_by_svd(kernel):
    """Rank 1 has one singular value; scaled as the docstring says."""
    u, s, v = np.linalg.svd(kernel)
    if len(s) > 1 and s[1] > 1e-9 * s[0]:
        return None
    j = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)[1]
    return u[:, 0] * s[0] * v[0, j], v[0] / v[0, j]


def separate(ladder: Ladder) -> None:
    """Products of different heights and widths, and filters that are none; then the product."""
    rng = np.random.default_rng(2)
    cases = [
        Case("[[2, 3], [1, 1]]", (np.array([[2.0, 3], [1, 1]]),)),
        Case("[[2, 4], [1, 2]]", (np.array([[2.0, 4], [1, 2]]),)),
        Case("[[-6, 2], [3, -1]]", (np.array([[-6.0, 2], [3, -1]]),)),
        Case("a column times a row, 4x3", (np.outer(rng.normal(size=4), rng.normal(size=3)),)),
        Case("a row with a zero", (np.outer([1.0, 0, 3], [2, -1.0, 0, 1]),)),
        Case("a random 3x3 filter", (rng.normal(size=(3, 3)),)),
        Case("a sum of two products", (np.outer([1.0, 2], [1, 3.0]) + np.outer([0, 1.0], [1, 0]),)),
        Case("tiny taps, 1e-10 [[2, 3], [1, 1]]", (1e-10 * np.array([[2.0, 3], [1, 1]]),)),
        Case("nearly a product", (np.outer([1.0, 2, 1], [1, 2.0, 1]) + 1e-4 * np.eye(3),)),
        Case("a product of large taps", (1e9 * np.outer(rng.normal(size=3), rng.normal(size=3)),)),
    ]
    ladder.agrees(cases, separate_by_svd, FLOAT64)
    column, row = ladder.subject(np.outer([1.0, 2, 1], [1, 2.0, 1]))
    ladder.same("column x row = filter", np.outer(column, row), np.outer([1.0, 2, 1], [1, 2.0, 1]), FLOAT64)
    said = "A filter of zeros has no such tap: ValueError was expected."
    ladder.holds(said, ladder.inside(refused)(np.zeros((2, 3))))


# Counting


def count_places(size, kernel, stride=1, padding=0, dilation=1):
    """Every place is tried."""
    end, last = size + 2 * padding, dilation * (kernel - 1)
    return sum(left + last < end for left in range(0, end, stride))


def refused(mine, *args):
    """Whether a call raises ValueError."""
    try:
        mine(*args)
    except ValueError:
        return True
    return False


def output_size(ladder: Ladder) -> None:
    """Every argument alone, windows that just fit; then one that does not."""
    names = ("size", "kernel", "stride", "padding", "dilation")
    numbers = [
        (5, 3), (5, 5), (1, 1), (7, 3, 2), (8, 3, 2), (28, 5, 1, 2), (227, 11, 4), (9, 3, 1, 0, 2),
        (12, 3, 1, 0, 4), (1, 3, 2, 1), (20, 4, 3, 2, 3),
    ]  # fmt: skip
    cases = [
        Case(", ".join(f"{n} = {v}" for n, v in zip(names, args, strict=False)), args) for args in numbers
    ]
    ladder.agrees(cases, count_places, EXACT)
    refusals = ((3, 5), ""), ((3, 6, 1, 1), " with padding 1"), ((3, 2, 1, 0, 3), " with dilation 3")
    for args, told in refusals:
        said = (
            f"A window of {args[1]} on 3 pixels{told} fits nowhere: ValueError was expected, a number came."
        )
        ladder.holds(said, ladder.inside(refused)(*args))


def pixels_needed(layers):
    """Backwards: n places of the last layer need (n - 1) stride + kernel places of the one before."""
    n = 1
    for kernel, stride in reversed(layers):
        n = (n - 1) * stride + kernel
    return n


def receptive_field(ladder: Ladder) -> None:
    """No layer, one, several, strides first and last, pooling; then a stride at the end is free."""
    stacks = [
        [], [(3, 1)], [(3, 1), (3, 1)], [(2, 2), (3, 1)], [(3, 2), (3, 2), (3, 1)], [(1, 2), (5, 1)],
        [(5, 1), (2, 2), (5, 1), (2, 2), (4, 1)], [(7, 2), (3, 2), (3, 1), (3, 1), (3, 2), (3, 1)],
    ]  # fmt: skip
    ladder.agrees([Case(f"layers = {stack}", (stack,)) for stack in stacks], pixels_needed, EXACT)
    free = [ladder.subject([(3, 1), (3, stride)]) for stride in (1, 2, 5)]
    ladder.same("The last layer's stride does not matter, which", free, free[:1] * 3, EXACT)


def counted(channels, filters, kernel, size, stride=1, padding=0):
    """Parameters and outputs of a layer of torch's."""
    layer = torch.nn.Conv2d(channels, filters, kernel, stride, padding)
    shape = (size, size) if isinstance(size, int) else size
    y = layer(torch.zeros(1, channels, *shape))
    parameters = sum(p.numel() for p in layer.parameters())
    return parameters, parameters * y[0, 0].numel()


def conv_cost(ladder: Ladder) -> None:
    """A layer small enough to count on paper, the three published ones in small, pairs; then 1x1."""
    cases = [
        Case("1 channel, 1 filter of 2x2 on 3x3 pixels", (1, 1, 2, 3)),
        Case("3 channels, 2 filters of 2x2 on 3x3 pixels", (3, 2, 2, 3)),
        Case("LeNet's first layer: 1 channel, 6 filters of 5x5 on 32x32 pixels", (1, 6, 5, 32)),
        Case("4 channels, 16 filters of 8x8 on 84x84 pixels, stride 4", (4, 16, 8, 84, 4)),
        Case("5 filters of 3x2 on 2 channels of 9x7 pixels, stride (2, 1), padding (1, 2)",
             (2, 5, (3, 2), (9, 7), (2, 1), (1, 2))),
    ]  # fmt: skip
    ladder.agrees(cases, counted, EXACT)
    parameters, connections = ladder.subject(8, 4, 1, (6, 5))
    ladder.holds("A 1x1 filter has a position at every pixel.", connections == 30 * parameters)


# Layers


def oracle(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Torch's convolution, computed in float64, in the dtype of the images."""
    wide = None if bias is None else bias.double()
    return F.conv2d(x.double(), weight.double(), wide, stride, padding, dilation, groups).to(x.dtype)


def conv2d(ladder: Ladder) -> None:
    """Odd sizes, pairs, groups, a slice that is not contiguous; then linearity, shift and batch."""
    # 1. Every argument alone, and all together; pairs that differ between the axes.
    seeds = count()
    cases = [
        case("a 1x1 image, a 1x1 filter", seeds, (1, 1, 1, 1), (1, 1, 1, 1)),
        case("3 images of 2 channels, 5x7, filters 3x2", seeds, (3, 2, 5, 7), (4, 2, 3, 2)),
        case("a bias", seeds, (2, 3, 6, 6), (4, 3, 3, 3), bias=True),
        case("padding (2, 0)", seeds, (1, 1, 4, 5), (2, 1, 3, 3), padding=(2, 0)),
        case("stride (1, 3)", seeds, (1, 2, 7, 9), (2, 2, 3, 3), stride=(1, 3)),
        case("dilation 2", seeds, (1, 2, 9, 8), (3, 2, 3, 3), dilation=2),
        case("2 groups", seeds, (3, 4, 5, 5), (6, 2, 3, 3), groups=2),
        case("depthwise", seeds, (2, 3, 5, 5), (3, 1, 3, 3), groups=3, padding=1, bias=True),
        case("everything at once", seeds, (2, 4, 11, 8), (4, 2, 3, 2), True,
             stride=(2, 1), padding=(1, 2), dilation=(2, 1), groups=2),
        strided(seeds),
        wide("float64", case("", seeds, (1, 2, 4, 5), (3, 2, 2, 3), bias=True)),
    ]  # fmt: skip
    ladder.agrees(cases, oracle, SUMS)
    ladder.gradients([cases[2], cases[8]], oracle, GRADS)
    # 2. Convolution is linear, commutes with a shift, and treats the images of a batch alone.
    x, weight = (draw(next(seeds), *shape) for shape in ((2, 2, 8, 8), (3, 2, 3, 3)))
    y = ladder.subject(x, weight)
    ladder.same("conv(2x) = 2 conv(x)", ladder.subject(2 * x, weight), 2 * y, SUMS)
    shifted = ladder.subject(x.roll(1, -1), weight)
    ladder.same("A shifted image gives a shifted result, which", shifted[..., 1:], y[..., :-1], SUMS)
    ladder.same("Each image of a batch is treated alone, which", ladder.subject(x[1:], weight), y[1:], SUMS)
    said = "Filters of 5x5 on 3x3 pixels fit nowhere: ValueError was expected."
    ladder.holds(said, ladder.inside(refused)(x[:, :, :3, :3], draw(0, 1, 2, 5, 5)))


def linear_oracle(x, weight, bias=None):
    """Torch's, in float64."""
    return F.linear(x.double(), weight.double(), None if bias is None else bias.double()).to(x.dtype)


def linear(ladder: Ladder) -> None:
    """One to four axes, with and without a bias; then each row is treated alone."""
    cases = [
        Case("x of shape (3), 2 outputs", (draw(0, 3), draw(1, 2, 3))),
        Case("x of shape (5, 4), 3 outputs", (draw(2, 5, 4), draw(3, 3, 4))),
        Case("x of shape (5, 4), 3 outputs, a bias", (draw(4, 5, 4), draw(5, 3, 4), draw(6, 3))),
        Case("x of shape (2, 3, 5, 4), 6 outputs, a bias", (draw(7, 2, 3, 5, 4), draw(8, 6, 4), draw(9, 6))),
        Case("float64", (draw(10, 2, 3).double(), draw(11, 4, 3).double(), draw(12, 4).double())),
        Case("x of shape (3), 2 outputs, a bias", (draw(0, 3), draw(1, 2, 3), draw(2, 2))),
        Case("x of shape (1, 3), 1 output", (draw(0, 1, 3), draw(1, 1, 3))),
        Case("as many outputs as entries, 3", (draw(13, 5, 3), draw(14, 3, 3))),
    ]
    ladder.agrees(cases, linear_oracle, SUMS)
    ladder.gradients([cases[1], cases[3]], linear_oracle, GRADS)
    x, weight, bias = cases[2].args
    ladder.same("Each example is treated alone, which", ladder.subject(x[2:], weight, bias),
                ladder.subject(x, weight, bias)[2:], SUMS)  # fmt: skip


def pool_oracle(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """Torch's: nothing is rounded."""
    return F.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(ladder: Ladder) -> None:
    """Every argument alone, below zero, ties; then larger numbers give larger results."""
    cold = draw(5, 1, 2, 5, 6) - 10
    cases = [
        Case("a 2x2 image, a window of 2", (draw(0, 1, 1, 2, 2), 2)),
        Case("2 images of 3 channels, 7x9, a window of 3", (draw(1, 2, 3, 7, 9), 3)),
        Case("a window of (3, 2)", (draw(2, 1, 2, 7, 6), (3, 2))),
        Case("a window of 3, stride (1, 2)", (draw(3, 1, 2, 6, 7), 3, (1, 2))),
        Case("padding (1, 0)", (draw(4, 1, 2, 5, 6), 2, 2, (1, 0))),
        Case("numbers below zero, padding 1", (cold, 3, 2, 1)),
        Case("-infinity everywhere, padding 1", (torch.full((1, 1, 3, 3), -torch.inf), 2, 2, 1)),
        Case("dilation (2, 1)", (draw(6, 1, 2, 8, 6), 2, 1, 0, (2, 1))),
        Case("ceil_mode", (draw(7, 1, 2, 6, 8), 3, 2, 0, 1, True)),
        Case(
            "ceil_mode and padding 1, where no window begins in the padding",
            (draw(9, 1, 2, 5, 6), 2, 2, 1, 1, True),
        ),
        Case("everything at once", (draw(10, 1, 2, 9, 7), (3, 2), (2, 3), (1, 1), (1, 2), True)),
    ]
    ladder.agrees([*cases, cases[1].wide()], pool_oracle, EXACT)
    tied = Case("equal numbers in a window", ((draw(8, 1, 2, 6, 6) > 0).float(), 3))
    ladder.gradients([cases[1], cases[4], tied], pool_oracle, EXACT)
    x = cases[1].args[0]
    y = ladder.subject(x, 3)
    ladder.same("max(2x + 1) = 2 max(x) + 1", ladder.subject(2 * x + 1, 3), 2 * y + 1, SUMS)


def through_statistics(mine, x, mean, var, weight, bias, training, momentum, eps):
    """The output, and the running statistics after it."""
    mean, var = (None if v is None else v.clone() for v in (mean, var))
    y = mine(x, mean, var, weight, bias, training, momentum, eps)
    return y, mean, var


def norm_oracle(x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Torch's, in float64, with the statistics after it."""
    wide = [None if v is None else v.double() for v in (mean, var, weight, bias)]
    y = F.batch_norm(x.double(), *wide, training or mean is None, momentum, eps).to(x.dtype)
    return y, *(None if v is None else v.float() for v in wide[:2])


def normed(x, mean, var, weight=None, bias=None, training=False):
    """The output alone."""
    return norm_oracle(x, mean, var, weight, bias, training)[0]


def keeps_graph(mine, x, mean, var):
    """Whether the running statistics carry the graph of a training step."""
    mine(x.clone().requires_grad_(), mean, var, training=True)
    return mean.requires_grad or var.requires_grad


def batch_norm(ladder: Ladder) -> None:
    """Training and evaluation, gain or shift alone, half precision; gradients; then a batch of variance 1."""
    start = draw(0, 3), draw(1, 3).exp()
    gain = draw(2, 3), draw(3, 3)
    x, flat = 2 * draw(4, 4, 3, 5, 6) + 1, draw(5, 6, 3)
    half = torch.tensor([[3, 4], [5, 2]], dtype=torch.bfloat16)
    cases = [
        Case("training", (x, *start, *gain, True, 0.1, 1e-5)),
        Case("training, momentum 0.5, without gain and shift", (x, *start, None, None, True, 0.5, 1e-5)),
        Case("training, a gain but no shift", (x, *start, gain[0], None, True, 0.1, 1e-5)),
        Case("evaluation, a shift but no gain", (x, *start, None, gain[1], False, 0.1, 1e-5)),
        Case("training on vectors", (flat, *start, *gain, True, 0.1, 1e-5)),
        Case("training, eps = 0.5", (x, *start, *gain, True, 0.1, 0.5)),
        Case("training on 5 sequences of 4", (draw(6, 5, 3, 4), *start, *gain, True, 0.3, 1e-5)),
        Case("evaluation", (x, *start, *gain, False, 0.1, 1e-5)),
        Case("evaluation, eps = 0.5", (flat, *start, *gain, False, 0.1, 0.5)),
        Case("no running statistics", (x, None, None, *gain, True, 0.1, 1e-5)),
        Case("no running statistics in evaluation", (x, None, None, *gain, False, 0.1, 1e-5)),
        Case("vectors (3, 4) and (5, 2) in bfloat16, running statistics in float32",
             (half, torch.zeros(2), torch.ones(2), None, None, True, 0.5, 1e-5)),
    ]  # fmt: skip
    ladder.agrees(cases, norm_oracle, SUMS, through=through_statistics)
    graded = [Case("training", (x, None, None, *gain, True))]
    graded.append(Case("training on vectors", (flat, None, None, *gain, True)))
    ladder.gradients(graded, normed, GRADS)
    y, *_ = ladder.inside(through_statistics)(x, *start, None, None, True, 0.1, 1e-5)
    spread = y.var((0, 2, 3), correction=0)
    small = Tolerance(1e-3, 0, "eps = 1e-5 against a variance of about 4")
    ladder.same("In training every channel gets variance 1, which", spread, torch.ones(3), small)
    _, *after = ladder.inside(through_statistics)(flat[:0], *start, *gain, True, 0.1, 1e-5)
    ladder.same("An empty batch leaves the running statistics, which", after, list(start), EXACT)
    said = "The running statistics should carry no gradient; they keep the graph of the batch."
    ladder.holds(said, not ladder.inside(keeps_graph)(x, *start))
    for training, told in ((True, "in training"), (False, "without running statistics")):
        args = (flat[:1], *(start if training else (None, None)), None, None, training)
        said = f"One value a channel {told} has no variance: ValueError was expected."
        ladder.holds(said, ladder.inside(refused)(*args))


def blur_oracle(x, stride=2):
    """Torch's mirrored frame and convolution, the filter written out."""
    c = x.shape[1]
    taps = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=torch.float64) / 16
    framed = F.pad(x.double(), (1, 1, 1, 1), mode="reflect")
    return F.conv2d(framed, taps.expand(c, 1, 3, 3), None, stride, 0, 1, c).to(x.dtype)


def blur_pool(ladder: Ladder) -> None:
    """Sizes, strides, channels; then grey stays grey, and stripes do not depend on where they begin."""
    cases = [
        Case("a 2x2 image", (draw(0, 1, 1, 2, 2),)),
        Case("2 images of 3 channels, 7x6", (draw(1, 2, 3, 7, 6),)),
        Case("stride 1", (draw(2, 1, 2, 5, 4), 1)),
        Case("stride (3, 2)", (draw(3, 1, 2, 7, 9), (3, 2))),
        Case("float64", (draw(4, 1, 1, 3, 4).double(),)),
    ]
    ladder.agrees(cases, blur_oracle, SUMS)
    ladder.gradients(cases[1:2], blur_oracle, GRADS)
    grey = torch.full((1, 2, 6, 6), 0.7)
    ladder.same("Grey stays grey, which", ladder.subject(grey), grey[:, :, :3, :3], SUMS)
    stripes = (torch.arange(8) % 2).float().expand(1, 1, 8, 8)
    moved = ladder.subject(1 - stripes)
    ladder.same(
        "Stripes that begin one pixel later give the same, which", moved, ladder.subject(stripes), SUMS
    )


def transpose_oracle(
    x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):  # fmt: skip
    """Torch's, in float64."""
    wide = None if bias is None else bias.double()
    args = (x.double(), weight.double(), wide, stride, padding, output_padding, groups, dilation)
    return F.conv_transpose2d(*args).to(x.dtype)


def conv_transpose2d(ladder: Ladder) -> None:
    """Stamps alone and overlapping, pairs, groups; then it is the transpose of the convolution."""
    seeds = count(20)
    cases = [
        case("one pixel, one filter of 2x3", seeds, (1, 1, 1, 1), (1, 1, 2, 3)),
        case("2 images of 2 channels, 3x4, filters 3x2 to 5 channels", seeds, (2, 2, 3, 4), (2, 5, 3, 2)),
        stamped("a bias", seeds, (1, 2, 3, 3), (2, 4, 2, 2)),
        case("stride (2, 3)", seeds, (1, 2, 3, 4), (2, 3, 3, 3), stride=(2, 3)),
        case("padding (1, 0)", seeds, (1, 2, 4, 3), (2, 3, 3, 3), padding=(1, 0)),
        case("stride 2 and output padding (1, 0)", seeds, (1, 2, 3, 3), (2, 3, 3, 3), stride=2,
             output_padding=(1, 0)),
        stamped("a bias, stride (2, 3), padding (1, 2) and output padding (1, 2)", seeds, (1, 2, 3, 2),
                (2, 3, 4, 5), stride=(2, 3), padding=(1, 2), output_padding=(1, 2)),
        case("dilation (2, 3) and output padding (1, 2)", seeds, (1, 2, 3, 2), (2, 3, 2, 2), dilation=(2, 3),
             output_padding=(1, 2)),
        case("2 groups", seeds, (1, 4, 3, 3), (4, 3, 2, 2), groups=2),
        case("dilation (2, 1)", seeds, (1, 2, 3, 3), (2, 3, 2, 2), dilation=(2, 1)),
        wide("float64", stamped("", seeds, (1, 2, 2, 3), (2, 3, 3, 2))),
    ]  # fmt: skip
    ladder.agrees(cases, transpose_oracle, SUMS)
    ladder.gradients([cases[2], cases[3]], transpose_oracle, GRADS)
    # <conv(a), b> = <a, transpose(b)> for all a and b is what a transpose is.
    a, b, weight = draw(40, 1, 3, 7, 7), draw(41, 1, 4, 3, 3), draw(42, 4, 3, 3, 3)
    there = (F.conv2d(a.double(), weight.double(), stride=2) * b).sum()
    back = (a.double() * ladder.subject(b, weight, stride=2)).sum()
    ladder.same("conv(a) · b = a · transpose(b)", back, there, GRADS)


# Drawing


def case(about, seeds, image, filters, bias=False, **kwargs) -> Case:
    """A random image and filters of given shapes."""
    args = [draw(next(seeds), *image), draw(next(seeds), *filters)]
    return Case(about, (*args, draw(next(seeds), filters[0])) if bias else tuple(args), kwargs)


def stamped(about, seeds, image, filters, **kwargs) -> Case:
    """The same for stamps: the bias goes with the second axis of the filters."""
    shapes = image, filters, filters[1:2]
    return Case(about, tuple(draw(next(seeds), *shape) for shape in shapes), kwargs)


def wide(about, case: Case) -> Case:
    """A case with its tensors in float64."""
    return Case(about, tuple(tensor.double() for tensor in case.args), case.kwargs)


def strided(seeds) -> Case:
    """An image that is a view with the channels last in memory."""
    x = draw(next(seeds), 2, 6, 5, 3).permute(0, 3, 1, 2)
    return Case("an image whose memory is not contiguous", (x, draw(next(seeds), 2, 3, 2, 2)))
