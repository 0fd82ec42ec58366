"""Checks of chapter 7: oracles are torch's layers, losses and gradients in float64, and NumPy's slices."""

import numpy as np
import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, a few operations a number, against float64")
LAYERS = Tolerance(1e-3, 1e-5, "float32 through up to four layers, summed in any order")
EXACT = Tolerance(0, 0, "pixels are only moved")


def draw(seed: int, *shape: int) -> torch.Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Units and losses


def stable_sigmoid(ladder: Ladder) -> None:
    """Near 0 and far out, where exp overflows, in value and in slope; then its symmetry."""
    x = torch.tensor([-200.0, -20, -1, 0, 1, 20, 200])
    cases = [
        Case("x = (0, 1, -1)", (torch.tensor([0.0, 1, -1]),)),
        Case("x from -200 to 200", (x,)),
        Case("shape (2, 3)", (draw(0, 2, 3),)),
        Case("float64", (draw(1, 4).double(),)),
    ]
    ladder.agrees(cases, sigmoid_oracle, CLOSE)
    ladder.gradients(cases[:3], sigmoid_oracle, CLOSE)
    ladder.same("sigmoid(-x) = 1 - sigmoid(x)", ladder.subject(-x), 1 - ladder.subject(x), CLOSE)


def sigmoid_oracle(x):
    """Torch's, in float64."""
    return torch.sigmoid(x.double()).to(x.dtype)


def nll_oracle(log_p, y, weight=None, ignore_index=-100, reduction="mean"):
    """Torch's, in float64."""
    wide = None if weight is None else weight.double()
    loss = F.nll_loss(log_p.double(), y, wide, ignore_index=ignore_index, reduction=reduction)
    return loss.to(log_p.dtype)


def weighted_nll(ladder: Ladder) -> None:
    """Every argument alone, further axes, all reductions; then the scale of the weights does not matter."""
    scores, maps = draw(0, 5, 3).log_softmax(1), draw(1, 2, 3, 4).log_softmax(1)
    y, far = torch.tensor([2, 0, 1, 1, 0]), torch.tensor([[0, 2, 1, -1], [1, -1, 0, 2]])
    weight = torch.tensor([1.0, 3.0, 0.5])
    cases = [
        Case(
            "2 examples of 2 classes", (torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log(), torch.tensor([1, 0]))
        ),
        Case("weights (1, 3, 0.5)", (scores, y, weight)),
        Case("one example ignored", (scores, torch.tensor([2, -100, 1, 1, 0]))),
        Case("weights, and ignore_index = -1", (maps, far, weight, -1)),
        Case("reduction = 'sum'", (scores, y, weight), {"reduction": "sum"}),
        Case("reduction = 'none', ignore_index = 1", (scores, y, weight, 1, "none")),
    ]
    ladder.agrees(cases, nll_oracle, CLOSE)
    ladder.gradients(
        [Case("weights", (scores, y)), Case("ignored", (maps, far, None, -1))], nll_oracle, CLOSE
    )
    twice = ladder.subject(scores, y, 2 * weight)
    ladder.same(
        "Twice the weights give the same mean, which", twice, ladder.subject(scores, y, weight), CLOSE
    )


# Blocks


def through_block(mine, seed, channels, width, stride, x):
    """A block with drawn weights, in training: its residual, and its output."""
    import torch

    block = mine(channels, width, stride)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.copy_(
                torch.randn(parameter.shape) / parameter[0].numel() ** 0.5 + (parameter.dim() == 1)
            )
        return block.residual(x), block(x)


class TorchBlock(torch.nn.Module):
    """The block of torch's layers."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(channels, width, 3, stride, 1, bias=False), torch.nn.BatchNorm2d(width),
            torch.nn.ReLU(), torch.nn.Conv2d(width, width, 3, 1, 1, bias=False), torch.nn.BatchNorm2d(width),
        )  # fmt: skip
        same = stride == 1 and channels == width
        conv = torch.nn.Conv2d(channels, width, 1, stride, bias=False)
        self.short = torch.nn.Identity() if same else torch.nn.Sequential(conv, torch.nn.BatchNorm2d(width))

    def residual(self, x):
        """All but the shortcut."""
        return self.body(x)

    def forward(self, x):
        """With the shortcut, rectified."""
        return (self.body(x) + self.short(x)).relu()


def basic_block(ladder: Ladder) -> None:
    """Blocks that keep and that change the shape, their residual and their output; then its signs."""
    cases = [
        Case("4 channels, stride 1", (0, 4, 4, 1, draw(0, 3, 4, 6, 5))),
        Case("3 to 6 channels, stride 2", (1, 3, 6, 2, draw(1, 2, 3, 7, 8))),
    ]
    ladder.agrees(cases, lambda *args: through_block(TorchBlock, *args), LAYERS, through=through_block)
    residual, _ = ladder.inside(through_block)(*cases[0].args)
    ladder.holds("A difference takes both signs; none below 0 came.", bool((residual < 0).any()))


# Augmentation


def crop_by_slicing(images, offsets, flipped, padding, edge="black"):
    """Image after image: pad, cut, turn round."""
    mode = {"black": "constant", "mirror": "reflect"}[edge]
    cut = []
    for image, (top, left), flip in zip(images.numpy(), offsets.tolist(), flipped.tolist(), strict=True):
        _, h, w = image.shape
        framed = np.pad(image, ((0, 0), (padding, padding), (padding, padding)), mode=mode)
        window = framed[:, top : top + h, left : left + w]
        cut.append(window[..., ::-1] if flip else window)
    return torch.tensor(np.stack(cut))


def crop_and_flip(ladder: Ladder) -> None:
    """One step in each direction, all corners at once, both edges, two dtypes; then each image alone."""
    one = torch.arange(1, 7, dtype=torch.uint8).view(1, 1, 2, 3)
    many = torch.randint(256, (4, 3, 5, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    corners = torch.tensor([[0, 4], [1, 3], [4, 0], [2, 1]])
    some, none = torch.tensor([True, False, True, False]), torch.tensor([False])
    cases = [
        Case("one 2x3 image moved by a row, padding 1", (one, torch.tensor([[2, 1]]), none, 1)),
        Case("one 2x3 image moved by a column, padding 1", (one, torch.tensor([[1, 0]]), none, 1)),
        Case("one 2x3 image mirrored, no padding", (one, torch.tensor([[0, 0]]), ~none, 0)),
        Case("4 images, some mirrored, padding 2", (many, corners, some, 2)),
        Case("4 images, some mirrored, padding 2, mirrored edges", (many, corners, some, 2, "mirror")),
        Case("floats", (many.float(), corners, ~some, 2)),
    ]
    ladder.agrees(cases, crop_by_slicing, EXACT)
    moved = ladder.subject(many, corners, some, 2)
    alone = ladder.subject(many[1:2], corners[1:2], some[1:2], 2)
    ladder.same("Each image is moved alone, which", alone, moved[1:2], EXACT)


# Looking inside


def through_network(mine, seed, x, target, *layer):
    """A small network in training mode, its running statistics moved; what `mine` says of it."""
    import torch

    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(x.shape[1], 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Tanh(), torch.nn.Conv2d(4, 5, 2),
        torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(3),
    )  # fmt: skip
    model(3 * torch.randn(16, *x.shape[1:]))
    return mine(model, *layer, x, target)


def traces(mine, x, target):
    """Whether a call leaves nothing behind: no gradient in weights, modes as they were."""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Dropout(0.1), torch.nn.Flatten(), torch.nn.LazyLinear(3))
    model(x)
    mine(model, x, target)
    return all(p.grad is None for p in model.parameters()) and model.training and model[0].training


def gradient_by_torch(model, x, target):
    """One image after another, in float64."""
    model = model.double().eval()
    slopes = []
    for image, wanted in zip(x.double(), target.tolist(), strict=True):
        pixels = image.clone().requires_grad_()
        model(pixels[None])[0, wanted].backward()
        slopes.append(pixels.grad)
    return torch.stack(slopes).to(x.dtype)


def input_gradient(ladder: Ladder) -> None:
    """Images of one and three channels; then nothing is left behind."""
    target = torch.tensor([2, 0, 1])
    cases = [
        Case("3 grey images of 6x5", (0, draw(0, 3, 1, 6, 5), target)),
        Case("3 images of 3 channels", (1, draw(1, 3, 3, 7, 7), target)),
    ]
    ladder.agrees(
        cases, lambda *args: through_network(gradient_by_torch, *args), LAYERS, through=through_network
    )
    clean = ladder.inside(traces)(draw(2, 2, 1, 3, 3), target[:2])
    ladder.holds(
        "No gradient in the weights and every module in the mode it was in: one of them changed.", clean
    )


def cam_by_torch(model, layer, x, target):
    """The network cut in two at the layer; float64, one image after another."""
    model = model.double().eval()
    index = int(layer) + 1
    cams = []
    for image, wanted in zip(x.double(), target.tolist(), strict=True):
        maps = model[:index](image[None]).detach().requires_grad_()
        model[index:](maps)[0, wanted].backward()
        weights = maps.grad[0].mean((1, 2))
        cams.append(torch.einsum("c,chw->hw", weights, maps.detach()[0]).clamp(min=0))
    return torch.stack(cams).to(x.dtype)


def grad_cam(ladder: Ladder) -> None:
    """Two layers of a small network; then a map is nowhere below 0."""
    target = torch.tensor([2, 0, 1])
    cases = [
        Case("the first convolution, 3 grey images of 6x5", (0, draw(0, 3, 1, 6, 5), target, "0")),
        Case("the last one, 3 images of 3 channels", (1, draw(1, 3, 3, 7, 7), target, "3")),
    ]
    ladder.agrees(cases, lambda *args: through_network(cam_by_torch, *args), LAYERS, through=through_network)
    cam = ladder.inside(through_network)(*cases[1].args)
    ladder.holds("A map shows what speaks for the target; a number below 0 came.", bool((cam >= 0).all()))


def through_maps(mine, learnt, blank):
    """`mine` with an explanation that gives one map for the network and another for any other."""
    import torch

    model = torch.nn.Linear(2, 2)
    x, target = torch.zeros(len(learnt), 1), torch.zeros(len(learnt), dtype=torch.long)
    return mine(lambda m, *_: learnt if m is model else blank, model, x, target, torch.Generator())


def spearman(learnt, blank):
    """From the definition: ranks by counting, then 1 - 6 sum of d^2 / (n (n^2 - 1)) for each image."""
    a, b = (maps.flatten(1).double() for maps in (learnt, blank))
    d = sum(s * (v[:, :, None] > v[:, None, :]).sum(2) for s, v in ((1, a), (-1, b)))
    n = a.shape[1]
    return float((1 - 6 * d.square().sum(1) / (n * (n * n - 1))).mean())


def sanity_check(ladder: Ladder) -> None:
    """Maps in the same order, in reverse, unrelated, with outliers; then only the order counts."""
    a, b = draw(0, 3, 4, 5), draw(1, 3, 4, 5)
    cases = [
        Case("maps (1, 2, 9) and (2, 1, 3)", (torch.tensor([[1.0, 2, 9]]), torch.tensor([[2.0, 1, 3]]))),
        Case("two unrelated maps", (a, b)),
        Case("the same map", (a, a)),
        Case("the reverse", (a, -a)),
        Case("one with large values", (a, b.exp() ** 3 + a)),
    ]  # fmt: skip
    ladder.agrees(cases, spearman, CLOSE, through=through_maps)
    again = ladder.inside(through_maps)(a.exp(), b)
    ladder.same("Only the order counts, which", again, spearman(a, b), CLOSE)


def variation_by_hand(x):
    """Convolutions with (-1, 1), in float64."""
    c = x.shape[1]
    taps = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    total = torch.zeros(len(x), dtype=torch.float64)
    for shape in ((c, 1, 2, 1), (c, 1, 1, 2)):
        total += (
            F.conv2d(x.double(), taps.view(1, 1, *shape[2:]).expand(shape), groups=c).abs().sum((1, 2, 3))
        )
    return total.to(x.dtype)


def total_variation(ladder: Ladder) -> None:
    """Images of different sizes and channels; then brightness does not matter."""
    step = torch.tensor([[[[0.0, 0, 2], [0, 0, 2]]]])
    cases = [
        Case("rows (0, 0, 2) and (0, 0, 2)", (step,)),
        Case("columns instead", (step.mT,)),
        Case("3 images of 2 channels, 5x4", (draw(0, 3, 2, 5, 4),)),
    ]
    ladder.agrees(cases, variation_by_hand, CLOSE)
    ladder.gradients(cases[2:], variation_by_hand, CLOSE)
    x = cases[2].args[0]
    ladder.same("A brighter image varies as much, which", ladder.subject(x + 3), ladder.subject(x),
                Tolerance(1e-4, 1e-5, "differences of numbers near 3 in float32"))  # fmt: skip
