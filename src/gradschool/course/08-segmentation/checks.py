"""Checks of chapter 8: oracles are loops over pixels and windows in NumPy, and torch's layers in float64."""

import numpy as np
import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance
from gradschool.classroom.check.samples import draw, whole

CLOSE = Tolerance(1e-5, 1e-6, "float32, a few operations a number, against float64")
SUMS = Tolerance(1e-4, 1e-5, "float32 sums over some hundred pixels, against float64")
LAYERS = Tolerance(1e-3, 1e-5, "float32 through three convolutions, summed in any order")
EXACT = Tolerance(0, 0, "True or False, or pixels that are only moved")
VOID = 255


def even(seed: int, *shape: int) -> torch.Tensor:
    """Numbers from 0 to 1."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


# Scores and losses


def iou_by_sets(counts):
    """Every pixel has a name; the two sets of names of each class."""
    table = counts.tolist()
    names = [(t, p, i) for t, row in enumerate(table) for p, n in enumerate(row) for i in range(n)]
    found = []
    for k in range(len(table)):
        true, said = ({name for name in names if name[axis] == k} for axis in (0, 1))
        found.append(len(true & said) / len(true | said) if true | said else float("nan"))
    return torch.tensor(found)


def iou(ladder: Ladder) -> None:
    """Two classes by hand, four, one that is missing; then the order of classes does not matter."""
    four = whole(0, 20, 4, 4)
    gone = four.clone()
    gone[2], gone[:, 2] = 0, 0
    alarms = four.clone()
    alarms[1] = 0
    cases = [
        Case("3 and 2 pixels right, 1 of class 0 called 1", (torch.tensor([[3, 1], [0, 2]]),)),
        Case("four classes", (four,)),
        Case("a class of which there is nothing", (gone,)),
        Case("a class that is only predicted", (alarms,)),
        Case("one class", (torch.tensor([[7]]),)),
    ]
    ladder.agrees(cases, iou_by_sets, CLOSE)
    order = torch.tensor([2, 0, 3, 1])
    moved, first = ladder.subject(four[order][:, order]), ladder.subject(four)
    ladder.same("Classes in another order have the same scores, which", moved, first[order], CLOSE)
    many = ladder.subject(10**9 * four)
    ladder.same("Counts that are 10^9 times as large have the same scores, which", many, first, CLOSE)


def dice_oracle(x, y, ignore_index=VOID):
    """Class after class, over the pixels that count, in float64."""
    p = x.double().softmax(1).movedim(1, -1)[y != ignore_index]
    true = y[y != ignore_index]
    lost = []
    for k in true.unique().tolist():
        both = p[true == k][:, k].sum()
        lost.append(1 - 2 * both / (p[:, k].sum() + (true == k).sum()))
    return (torch.stack(lost).mean() if lost else 0 * x.double().sum()).to(x.dtype)


def slope_of_nothing(mine, x, y):
    """The gradient where no pixel counts; a result without a graph has none."""
    import torch

    x = x.clone().requires_grad_()
    return torch.autograd.grad(mine(x, y) + 0 * x.sum(), x)[0]


def dice_loss(ladder: Ladder) -> None:
    """One pixel, many, classes that do not occur, pixels that do not count; then certain answers."""
    x, y = draw(0, 2, 4, 5, 6), whole(1, 3, 2, 5, 6)  # class 3 never occurs
    some = y.clone()
    some[:, 1:3] = VOID
    one = torch.tensor([0.25, 0.75]).log().view(1, 2, 1, 1)
    cases = [
        Case("one pixel of class 1, shares (1/4, 3/4)", (one, torch.tensor([[[1]]]))),
        Case("2 pictures of 5x6, 4 classes of which 3 occur", (x, y)),
        Case("two rows that do not count", (x, some)),
        Case("ignore_index = 0", (x, y, 0)),
        Case("nothing that counts", (x, torch.full_like(y, VOID))),
        Case("float64", (x.double(), some)),
    ]
    ladder.agrees(cases, dice_oracle, CLOSE)
    ladder.gradients(cases[1:4], dice_oracle, SUMS)
    slope = ladder.inside(slope_of_nothing)(x, torch.full_like(y, VOID))
    ladder.same("The gradient is 0 if no pixel counts, which", slope, torch.zeros_like(x), EXACT)
    sure = 50 * F.one_hot(y, 4).movedim(-1, 1).float()
    said = "A certain and right answer costs nothing, which"
    ladder.same(said, ladder.subject(sure, y), torch.tensor(0.0), CLOSE)


def focal_oracle(x, y, gamma=2.0, alpha=None, reduction="mean"):
    """-(1 - p_t)^gamma log p_t, in float64."""
    signed = (2 * y - 1) * x.double()
    loss = -(torch.sigmoid(-signed) ** gamma) * F.logsigmoid(signed)
    if alpha is not None:
        loss = torch.where(y > 0, alpha * loss, (1 - alpha) * loss)
    return {"mean": loss.mean(), "sum": loss.sum(), "none": loss}[reduction].to(x.dtype)


def focal_loss(ladder: Ladder) -> None:
    """Both classes by hand, easy and hard ones, gamma, alpha; then gamma = 0."""
    x, y = 3 * draw(0, 3, 5), whole(1, 2, 3, 5).float()
    wide = torch.tensor([-40.0, -1, 1, 40])
    cases = [
        Case("logit 0 and class 1: 1/4 log 2", (torch.zeros(1), torch.ones(1))),
        Case("logits from -40 to 40, all of class 0", (wide, torch.zeros(4), 2.0, None, "none")),
        Case("gamma = 0.5 and both classes", (x, y, 0.5)),
        Case("alpha = 0.9", (x, y, 2.0, 0.9, "sum")),
        Case("one number without axes, alpha = 0", (x[0, 0], y[0, 0], 1.0, 0.0)),
        Case("gamma = 0, float64", (x.double(), y.double(), 0.0, 0.3)),
    ]
    ladder.agrees(cases, focal_oracle, CLOSE)
    names = "gamma", "alpha", "reduction"
    by_x = [
        Case(c.about, c.args[:1], {"y": c.args[1], **dict(zip(names, c.args[2:], strict=False))})
        for c in cases[1:4]
    ]
    ladder.gradients(by_x, focal_oracle, SUMS)
    plain = F.binary_cross_entropy_with_logits(x, y)
    ladder.same("gamma = 0 is plain cross-entropy, which", ladder.subject(x, y, 0.0), plain, CLOSE)


def through_task(mine, criterion, class_weights, logits, masks):
    """The task's loss of pixels."""
    import torch

    task = mine(torch.nn.Identity(), criterion, class_weights)
    return task.pixelwise(logits, masks[:, 0].long(), masks)


def slope_through_task(mine, criterion, class_weights, logits, masks):
    """The gradient of the task's loss of pixels with respect to the logits."""
    import torch

    task = mine(torch.nn.Identity(), criterion, class_weights)
    logits.requires_grad_()
    loss = task.pixelwise(logits, masks[:, 0].long(), masks) + 0 * logits.sum()  # a graph in any case
    return torch.autograd.grad(loss, logits)[0]


def pixel_loss_by_hand(criterion, class_weights, logits, masks):
    """Pixel after pixel."""
    total, weights = 0 * logits.double().sum(), 0.0
    for x, maps in zip(logits.double(), masks.tolist(), strict=True):
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                k = maps[0][i][j]
                if k == VOID:
                    continue
                weight = 1.0 if class_weights is None else class_weights[k].item()
                weight *= maps[1][i][j] / 20 if len(maps) > 1 else 1
                loss = -x[:, i, j].log_softmax(0)[k]
                if criterion == "focal":
                    signed = torch.where(torch.arange(len(x)) == k, x[:, i, j], -x[:, i, j])
                    loss = -(torch.sigmoid(-signed) ** 2 * F.logsigmoid(signed)).sum()
                total, weights = total + weight * loss, weights + weight
    return (total / max(weights, 1.0)).float()


def pixel_loss(ladder: Ladder) -> None:
    """Each weight alone and all together, both losses; then a picture that does not count changes nothing."""
    x, y = draw(0, 2, 3, 4, 5), whole(1, 3, 2, 1, 4, 5).to(torch.uint8)
    some = y.clone()
    some[0, 0, 1:] = VOID
    heavy = torch.cat([some, whole(2, 80, 2, 1, 4, 5).to(torch.uint8)], 1)
    weights = torch.tensor([1.0, 4.0, 0.5])
    light = torch.tensor([[[[1, 2]], [[5, 0]]]], dtype=torch.uint8)
    cases = [
        Case("cross-entropy", ("cross_entropy", None, x, y)),
        Case("cross-entropy, some pixels do not count", ("cross_entropy", None, x, some)),
        Case("class weights (1, 4, 0.5)", ("cross_entropy", weights, x, some)),
        Case("a weight for every pixel", ("cross_entropy", weights, x, heavy)),
        Case("focal loss", ("focal", weights, x, heavy)),
        Case("weights that sum to 1/4", ("cross_entropy", None, x[:1, :, :1, :2], light)),
        Case("focal loss of one class", ("focal", None, x[:, :1], torch.where(some == VOID, VOID, 0))),
        Case("no pixel that counts", ("cross_entropy", weights, x, torch.full_like(some, VOID))),
    ]
    ladder.agrees(cases, pixel_loss_by_hand, SUMS, through=through_task)
    of = x.clone().requires_grad_()
    for criterion in ("cross_entropy", "focal"):
        want = torch.autograd.grad(pixel_loss_by_hand(criterion, weights, of, heavy), of)[0]
        got = ladder.inside(slope_through_task)(criterion, weights, x, heavy)
        ladder.same(f"The gradient of {criterion} reaches the logits, which", got, want, SUMS)
    run = ladder.inside(through_task)
    more = torch.cat([some, torch.full_like(some[:1], VOID)])
    with_void = run("cross_entropy", weights, torch.cat([x, 9 * x[:1]]), more)
    said = "A picture none of whose pixels counts changes nothing, which"
    ladder.same(said, with_void, run("cross_entropy", weights, x, some), CLOSE)


def weights_by_hand(first, second, strength=10.0, width=5.0):
    """Pixel after pixel, in float64."""
    pairs = zip(first.double().flatten().tolist(), second.double().flatten().tolist(), strict=True)
    found = [1 + strength * np.exp(-((a + b) ** 2) / (2 * width**2)) if a > 0 else 1.0 for a, b in pairs]
    return torch.tensor(found, dtype=first.dtype).view_as(first)


def boundary_weights(ladder: Ladder) -> None:
    """A gap by hand, drawn distances, strength and width; then nothing is added inside of cells."""
    first = 8 * even(0, 2, 5, 6)
    second = first + 6 * even(1, 2, 5, 6)
    first[:, 2:4, 1:4] = 0
    cases = [
        Case("distances (0, 1, 5) and (3, 2, 5)", (torch.tensor([[0.0, 1, 5]]), torch.tensor([[3.0, 2, 5]]))),
        Case("2 maps of 5x6", (first, second)),
        Case("strength 5 and width 3", (first, second, 5.0, 3.0)),
        Case("maps of 4 axes", (first[:, None], second[:, None])),
        Case(
            "distances (1000, 0.001) and (2000, 0)", (torch.tensor([[1e3, 1e-3]]), torch.tensor([[2e3, 0]]))
        ),
        Case("float64", (first.double(), second.double())),
    ]
    ladder.agrees(cases, weights_by_hand, CLOSE)
    inside = ladder.subject(first, second)[:, 2:4, 1:4]
    ladder.same("Pixels inside of cells count 1, which", inside, torch.ones_like(inside), EXACT)


# Down and up


def through_step(mine, seed, coarse, fine, passes, training, slopes=False):
    """A step up with drawn weights whose shortcut mixes in a mean of the coarse map; `fine` may be None.

    With `slopes` the gradients of the squared result with respect to both maps.
    """
    import torch

    class Step(mine):
        def skipped(self, fine, up):
            return passes * fine + (1 - passes) * up.mean((1, 2, 3), keepdim=True)

    out_channels = coarse.shape[1] // 2
    step = Step(coarse.shape[1], 0 if fine is None else fine.shape[1], out_channels).train(training)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in step.parameters():
            parameter.copy_(torch.randn(parameter.shape) / 3 + (parameter.dim() == 1))
    if not slopes:
        return step(coarse, fine).detach()
    maps = coarse.clone().requires_grad_(), fine.clone().requires_grad_()
    return list(torch.autograd.grad(step(*maps).square().sum(), maps, materialize_grads=True))


def step_by_torch(seed, coarse, fine, passes, training):
    """Transposed convolution, concatenation, twice convolution, normalisation and rectifier, in float64."""
    c, o = coarse.shape[1], coarse.shape[1] // 2
    wide = o + (0 if fine is None else fine.shape[1])
    torch.manual_seed(seed)
    shapes = [(c, o, 2, 2), (o,), (o, wide, 3, 3), (o,), (o,), (o, o, 3, 3), (o,), (o,)]
    drawn = [(torch.randn(s) / 3 + (len(s) == 1)).double() for s in shapes]
    x = F.conv_transpose2d(coarse.double(), *drawn[:2], stride=2)
    if fine is not None:
        x = torch.cat([passes * fine.double() + (1 - passes) * x.mean((1, 2, 3), keepdim=True), x], 1)
    for weight, gain, shift in (drawn[2:5], drawn[5:]):
        x = F.conv2d(x, weight, padding=1)
        moments = torch.zeros(o, dtype=torch.float64), torch.ones(o, dtype=torch.float64)
        x = F.batch_norm(x, *moments, gain, shift, training).relu()
    return x.to(coarse.dtype)


def unet_step(ladder: Ladder) -> None:
    """Shortcuts of several widths, one that lets half pass, none at all; then pictures do not mix."""
    coarse, fine = draw(0, 2, 4, 3, 2), draw(1, 2, 2, 6, 4)
    cases = [
        Case("a coarse map of 4 channels, a fine one of 2", (0, coarse, fine, 1.0, True)),
        Case("a fine map of 5 channels", (1, draw(2, 1, 6, 2, 3), draw(3, 1, 5, 4, 6), 1.0, False)),
        Case("a shortcut of half the fine map and half the upsampled mean",
             (2, draw(4, 2, 4, 3, 3), draw(5, 2, 2, 6, 6), 0.5, False)),
        Case("no fine map", (3, draw(6, 2, 4, 3, 4), None, 1.0, False)),
    ]  # fmt: skip
    ladder.agrees(cases, step_by_torch, LAYERS, through=through_step)
    run, (seed, coarse, fine, *rest) = ladder.inside(through_step), cases[2].args
    alone = run(seed, coarse[1:], fine[1:], *rest)
    ladder.same("Each picture is alone, which", alone, run(*cases[2].args)[1:], LAYERS)
    maps = coarse.clone().requires_grad_(), fine.clone().requires_grad_()
    want = torch.autograd.grad(step_by_torch(seed, *maps, *rest).square().sum(), maps)
    got = run(*cases[2].args, True)
    ladder.same("The gradient reaches both maps, which", got, list(want), LAYERS)


def through_size(mine, stride, x):
    """A network that gives back what it saw, and its size: what came in and what comes out."""
    import torch

    class Seen(mine):
        def inner(self, x):
            self.seen = x
            return torch.cat([x, 2 * x], 1)

    net = Seen(stride)
    y = net(x)
    return y, net.seen


def size_by_numpy(stride, x):
    """np.pad with its mode edge."""
    height, width = x.shape[2:]
    below, right = (int(np.ceil(side / stride)) * stride - side for side in (height, width))
    seen = np.pad(x.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), mode="edge")
    return torch.cat([x, 2 * x], 1), torch.tensor(seen)


def slope_through_size(mine, x):
    """How the sum of what comes out depends on the picture, where the padding shows in every pixel."""
    import torch

    class Mean(mine):
        def inner(self, x):
            return x * x.mean()

    x = x.clone().requires_grad_()
    return torch.autograd.grad(Mean(4)(x).sum() + 0 * x.sum(), x)[0]


def any_size(ladder: Ladder) -> None:
    """Sides that fit, one that does not, neither; then a picture of one pixel."""
    cases = [
        Case("pictures of 8x4 and stride 4", (4, draw(0, 2, 1, 8, 4))),
        Case("a picture of 7x4 and stride 4", (4, draw(1, 1, 2, 7, 4))),
        Case("a picture of 4x5 and stride 4", (4, draw(2, 1, 2, 4, 5))),
        Case("pictures of 9x13 and stride 8", (8, draw(3, 2, 3, 9, 13))),
    ]
    # What comes out is compared first: a wrong frame shows in what was seen.
    ladder.agrees(cases, size_by_numpy, EXACT, through=through_size)
    one = draw(4, 1, 1, 1, 1)
    _, seen = ladder.inside(through_size)(4, one)
    ladder.same("One pixel is seen as 4x4 of it, which", seen, one.expand(1, 1, 4, 4).contiguous(), EXACT)
    slope = ladder.inside(slope_through_size)(one)
    ladder.same("The gradient reaches the picture, which", slope, 2 * one, CLOSE)


# Large pictures


def through_tiles(mine, x, tile, overlap, at_once):
    """A network whose answer at a pixel depends on where in the tile it is: sums from the upper left."""
    import torch

    return mine(lambda part: torch.cat([part.cumsum(2), part.cumsum(3)], 1), x, tile, overlap, at_once)


def sizes_of_batches(mine, x, tile, overlap, at_once):
    """The shapes of what the network is given, batch after batch."""
    given = []

    def network(part):
        given.append(list(part.shape))
        return part

    mine(network, x, tile, overlap, at_once)
    return given


def tiles_by_loops(x, tile, overlap, at_once):
    """Picture after picture, tile after tile, in float64."""
    height, width = (min(tile, side) for side in x.shape[2:])
    places, ramps = [], []
    for side, size in zip(x.shape[2:], (height, width), strict=True):
        count = 1 if side <= tile else int(np.ceil((side - overlap) / (tile - overlap)))
        places.append([round(i * (side - size) / max(count - 1, 1)) for i in range(count)])
        steps = np.minimum(np.arange(1, size + 1), np.arange(size, 0, -1))
        ramps.append(np.minimum(1, steps / (overlap + 1)))
    weight = np.outer(*ramps)
    pixels = x.double().numpy()
    total, weights = np.zeros((len(x), 2 * x.shape[1], *x.shape[2:])), np.zeros(x.shape[2:])
    for top in places[0]:
        for left in places[1]:
            there = slice(top, top + height), slice(left, left + width)
            part = pixels[:, :, *there]
            total[:, :, *there] += weight * np.concatenate([part.cumsum(2), part.cumsum(3)], 1)
            weights[there] += weight
    return torch.tensor(total / weights, dtype=torch.float32)


def overlapping_tiles(ladder: Ladder) -> None:
    """One tile, a row of them, both ways, smaller pictures; then the batch does not matter."""
    cases = [
        Case("a picture of 6x5 in one tile", (draw(0, 1, 1, 6, 5), 8, 2, 8)),
        Case("a picture of 6x20, tiles of 8, overlap 2", (draw(1, 1, 1, 6, 20), 8, 2, 8)),
        Case("2 pictures of 21x14, tiles of 9, overlap 4", (draw(2, 2, 2, 21, 14), 9, 4, 3)),
        Case("no overlap", (draw(3, 2, 1, 12, 18), 6, 0, 4)),
        Case("overlap one less than the tile", (draw(4, 1, 1, 5, 6), 4, 3, 5)),
    ]
    ladder.agrees(cases, tiles_by_loops, SUMS, through=through_tiles)
    x, *rest = cases[2].args
    run = ladder.inside(through_tiles)
    said = "How many tiles are in a batch does not matter, which"
    ladder.same(said, run(x, rest[0], rest[1], 1), run(*cases[2].args), CLOSE)
    alone = max(shape[0] for shape in ladder.inside(sizes_of_batches)(x, *rest[:2], 1))
    ladder.holds(f"For at_once = 1, one tile after another was expected; {alone} came.", alone == 1)
    largest = [max(sides) for sides in zip(*ladder.inside(sizes_of_batches)(*cases[2].args), strict=True)]
    came = f"{largest[0]} of {largest[2]}x{largest[3]} came"
    fits = largest[0] <= 3 and largest[2:] == [9, 9]
    ladder.holds(f"For at_once = 3, batches of at most 3 tiles of 9x9 were expected; {came}.", fits)


# Restoration


def lines_by_hand(points, angles, thickness, frame):
    """Pixel after pixel: the distance from a line is the area of a parallelogram with a side of length 1."""
    mask = torch.zeros(len(points), 1, *frame, dtype=torch.bool)
    for n, (some, turns) in enumerate(zip(points.tolist(), angles.tolist(), strict=True)):
        for (row, column), angle in zip(some, turns, strict=True):
            along = np.sin(angle), np.cos(angle)
            for i in range(frame[0]):
                for j in range(frame[1]):
                    area = abs((i - row) * along[1] - (j - column) * along[0])
                    mask[n, 0, i, j] |= bool(area <= thickness / 2)
    return mask


def lines_mask(ladder: Ladder) -> None:
    """A row, a column, a diagonal; many lines; then half a turn changes nothing."""
    middle = torch.tensor([[[2.0, 3.0]]])
    points, angles = 7 * even(0, 3, 2, 2), 3 * even(1, 3, 2)
    cases = [
        Case("a row through (2, 3), 1 thick", (middle, torch.zeros(1, 1), 1.0, (5, 7))),
        Case("a column through (2, 3), 1 thick", (middle, torch.full((1, 1), np.pi / 2), 1.0, (5, 7))),
        Case("down to the right, 1 thick", (middle, torch.full((1, 1), 0.7), 1.0, (5, 7))),
        Case("a row through (2, 3), 2 thick: three rows", (middle, torch.zeros(1, 1), 2.0, (5, 7))),
        Case("a row through (2, 3), half a pixel thick", (middle, torch.zeros(1, 1), 0.5, (5, 7))),
        Case("a row between two, half a pixel thick", (middle + 0.4, torch.zeros(1, 1), 0.5, (5, 7))),
        Case("2 lines in each of 3 pictures", (points, angles, 1.5, (8, 6))),
    ]
    ladder.agrees(cases, lines_by_hand, EXACT)
    turned = ladder.subject(points, angles + np.pi, 1.5, (8, 6))
    said = "A line has no direction: half a turn changes nothing, which"
    ladder.same(said, turned, ladder.subject(points, angles, 1.5, (8, 6)), EXACT)


def similarity_by_windows(x, y):
    """Wang et al. 2004, window after window, in float64."""
    side = min(x.shape[2:])
    size = min(11, side if side % 2 else side - 1)
    far = np.arange(size) - (size - 1) / 2
    weight = np.exp(-(far[:, None] ** 2 + far**2) / (2 * 1.5**2))
    weight /= weight.sum()
    scores = []
    for a, b in zip(x.double().numpy(), y.double().numpy(), strict=True):
        found = []
        for c in range(len(a)):
            for i in range(a.shape[1] - size + 1):
                for j in range(a.shape[2] - size + 1):
                    u, v = (m[c, i : i + size, j : j + size] for m in (a, b))
                    mu, mv = (weight * u).sum(), (weight * v).sum()
                    uu, vv = (weight * (u - mu) ** 2).sum(), (weight * (v - mv) ** 2).sum()
                    uv = (weight * (u - mu) * (v - mv)).sum()
                    light = (2 * mu * mv + 1e-4) / (mu**2 + mv**2 + 1e-4)
                    found.append(light * (2 * uv + 9e-4) / (uu + vv + 9e-4))
        scores.append(np.mean(found))
    return torch.tensor(np.array(scores), dtype=x.dtype)


def ssim(ladder: Ladder) -> None:
    """Noise, a darker copy, colours, small pictures; then equal pictures score 1 and either may be first."""
    x = even(0, 2, 1, 13, 14)
    other = (x + 0.2 * draw(1, 2, 1, 13, 14)).clamp(0, 1)
    colours = even(2, 1, 3, 7, 9)
    cases = [
        Case("a picture of 13x14 and a noisy one", (x, other)),
        Case("a picture and one half as bright", (x, 0.5 * x)),
        Case("three channels, 7x9", (colours, colours.flip(3))),
        Case("nearly black pictures", (0.02 * x, 0.02 * other)),
        Case("a picture and its negative", (x, 1 - x)),
        Case("float64, 4x5", (colours.double()[..., :4, :5], 1 - colours.double()[..., :4, :5] ** 2)),
    ]
    ladder.agrees(cases, similarity_by_windows, SUMS)
    wide = Tolerance(1e-3, 1e-4, "gradients are sums over windows of differences in float32")
    by_torch = [Case(c.about, c.args) for c in cases[:1]]
    ladder.gradients(by_torch, similarity_by_torch, wide)
    opposite = ladder.subject(x, 1 - x)
    ladder.holds("Opposite structures were to score below 0; they did not.", bool((opposite < 0).all()))
    ladder.same("A picture is like itself, which", ladder.subject(x, x), torch.ones(2), CLOSE)
    ladder.same("Either may be first, which", ladder.subject(other, x), ladder.subject(x, other), CLOSE)


def similarity_by_torch(x, y):
    """The same with unfold, in float64, for gradients."""
    far = torch.arange(11, dtype=torch.float64) - 5
    weight = torch.exp(-(far[:, None] ** 2 + far**2) / 4.5).flatten()[:, None]
    weight = weight / weight.sum()
    u, v = (F.unfold(m.double(), 11) for m in (x, y))
    mu, mv = ((weight * m).sum(1, keepdim=True) for m in (u, v))
    uu, vv, uv = ((weight * p * q).sum(1) for p, q in ((u - mu, u - mu), (v - mv, v - mv), (u - mu, v - mv)))
    mu, mv = mu.squeeze(1), mv.squeeze(1)
    light = (2 * mu * mv + 1e-4) / (mu**2 + mv**2 + 1e-4)
    return (light * (2 * uv + 9e-4) / (uu + vv + 9e-4)).mean(1).to(x.dtype)
