"""Checks of chapter 7: oracles are torch's layers, losses and gradients in float64, and NumPy's slices."""

import numpy as np
import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, a few operations a number, against float64")
LAYERS = Tolerance(1e-3, 1e-5, "float32 through up to four layers, summed in any order")
EXACT = Tolerance(0, 0, "pixels are only moved")
DIGITS = Tolerance(1e-5, 1e-36, "an exponential and a fraction in float32, relative to results down to e^-80")
WIDE = Tolerance(1e-12, 1e-14, "a few operations in float64")


def draw(seed: int, *shape: int) -> torch.Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Units and losses


def stable_sigmoid(ladder: Ladder) -> None:
    """Near 0 and far out, where exp overflows, in value and in slope; then symmetry, digits and dtypes."""
    x = torch.tensor([-200.0, -20, -1, 0, 1, 20, 200])
    extremes = torch.tensor([-1e30, -80.0, -30, 1e30])
    cases = [
        Case("x = (0, 1, -1)", (torch.tensor([0.0, 1, -1]),)),
        Case("x from -200 to 200", (x,)),
        Case("shape (2, 3)", (draw(0, 2, 3),)),
        Case("x = (-1e30, -80, -30, 1e30)", (extremes,)),
        Case("one number, without axes", (torch.tensor(0.5),)),
        Case("no numbers", (torch.zeros(0, 2),)),
        Case("float64", (draw(1, 4).double(),)),
    ]
    ladder.agrees(cases, sigmoid_oracle, DIGITS)
    ladder.gradients(cases[:4], sigmoid_oracle, CLOSE)
    ladder.same("sigmoid(-x) = 1 - sigmoid(x)", ladder.subject(-x), 1 - ladder.subject(x), CLOSE)
    long = cases[-1].args[0]
    ladder.same("float64 is computed in float64, which", ladder.subject(long), torch.sigmoid(long), WIDE)
    half = ladder.subject(long.to(torch.float16))
    ladder.holds(f"float16 was to stay float16; {half.dtype} came.", half.dtype == torch.float16)


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
        Case("reduction = 'sum', one example ignored", (scores, torch.tensor([2, -100, 1, 1, 0])),
             {"reduction": "sum"}),
        Case("one class, one example ignored", (torch.tensor([[-0.5], [-2.0]]), torch.tensor([-100, 0]))),
        Case("one example, reduction = 'none'", (scores[:1], y[:1]), {"reduction": "none"}),
        Case("weights whose sum is below 1", (scores[:2], y[:2], weight / 10)),
        Case("2 maps of 1x3 and weights", (maps[:, :, None, :3], far[:, None, :3].clamp(min=0), weight)),
        Case("float64 and weights", ((scores.double() / 3).log_softmax(1), y, weight.double())),
    ]  # fmt: skip
    ladder.agrees(cases, nll_oracle, CLOSE)
    slopes = [
        Case("no weights", (scores, y)),
        Case("ignored", (maps, far, None, -1)),
        Case("weights (1, 3, 0.5)", (scores,), {"y": y, "weight": weight}),
    ]
    ladder.gradients(slopes, nll_oracle, CLOSE)
    wide = [*cases[-1].args]
    said = "float64 is computed in float64, which"
    ladder.same(said, ladder.subject(*wide), nll_oracle(*wide), WIDE)
    twice = ladder.subject(scores, y, 2 * weight)
    ladder.same(
        "Twice the weights give the same mean, which", twice, ladder.subject(scores, y, weight), CLOSE
    )


# Blocks


def through_block(mine, seed, channels, width, stride, x, training=True):
    """A block with drawn weights: its residual, and its output."""
    import torch

    block = mine(channels, width, stride).train(training)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.copy_(
                torch.randn(parameter.shape) / parameter[0].numel() ** 0.5 + (parameter.dim() == 1)
            )
        return block.residual(x), block(x)


def block_slopes(mine, channels, width, stride, x):
    """How a random sum of a residual depends on its input and on each weight; inputs and weights drawn."""
    import torch

    torch.manual_seed(0)
    block = mine(channels, width, stride).eval()
    weights = {name: w for name, w in block.named_parameters() if "short" not in name and "down" not in name}
    for weight in weights.values():
        weight.data = torch.randn(weight.shape) / weight[0].numel() ** 0.5 + (weight.dim() == 1)
    x.requires_grad_()
    result = block.residual(x)
    total = (result * torch.randn(result.shape)).sum() + 0 * x.sum()  # a graph, though the result has none
    return list(torch.autograd.grad(total, [x, *weights.values()], materialize_grads=True))


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
        Case("4 channels, in evaluation mode", (2, 4, 4, 1, draw(2, 1, 4, 3, 5), False)),
    ]
    ladder.agrees(cases, lambda *args: through_block(TorchBlock, *args), LAYERS, through=through_block)
    residual, _ = ladder.inside(through_block)(*cases[0].args)
    ladder.holds("A difference takes both signs; none below 0 came.", bool((residual < 0).any()))
    shape = 3, 6, 2, draw(3, 2, 3, 7, 8)
    got, want = ladder.inside(block_slopes)(*shape), block_slopes(TorchBlock, *shape)
    ladder.same("The gradient reaches the input and every weight of the residual, which", got, want, LAYERS)


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
        Case("int64 beyond 2^53", (2**60 + many.long(), corners, some, 2)),
        Case("True and False", (many > 100, corners, some, 2)),
        Case("one row, mirrored edges, padding 2",
             (many[:2, :, :1], torch.tensor([[0, 3], [4, 1]]), some[:2], 2, "mirror")),
        Case("2x3 images, mirrored edges, padding 5",
             (many[:2, :, :2, :3], torch.tensor([[0, 9], [10, 1]]), some[:2], 5, "mirror")),
    ]  # fmt: skip
    ladder.agrees(cases, crop_by_slicing, EXACT)
    moved = ladder.subject(many, corners, some, 2)
    alone = ladder.subject(many[1:2], corners[1:2], some[1:2], 2)
    ladder.same("Each image is moved alone, which", alone, moved[1:2], EXACT)


# Looking inside


def through_network(mine, seed, x, target, layer=None, frozen=False):
    """A small network in training mode, its running statistics moved; what `mine` says of it."""
    import torch

    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(x.shape[1], 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Tanh(), torch.nn.Conv2d(4, 5, 2),
        torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(3),
    )  # fmt: skip
    model(3 * torch.randn(16, *x.shape[1:]))
    model.requires_grad_(not frozen)
    return mine(model, *([] if layer is None else [layer]), x, target)


def traces(mine, x, target, layer=None):
    """What a call leaves behind: what of a network it changes, whether the images and the result hang on."""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(x.shape[1], 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Dropout(0.5), torch.nn.Flatten(),
        torch.nn.LazyLinear(3),
    )  # fmt: skip
    model(x)
    model[2].eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)

    def state():
        weights, modes = model.state_dict(), [module.training for module in model.modules()]
        grads = [None if p.grad is None else p.grad.tolist() for p in model.parameters()]
        hooks = [len(module._forward_hooks) for module in model.modules()]
        return {
            "modes": modes,
            "weights": [w.tolist() for w in weights.values()],
            ".grad": grads,
            "hooks": hooks,
        }

    before = state()
    result = mine(model, *([] if layer is None else [layer]), x, target)
    changed = [name for name, value in state().items() if value != before[name]]
    return changed, x.requires_grad or x.grad is not None, result.grad_fn is not None


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
    leaves_nothing(ladder, draw(2, 2, 1, 4, 5), target[:2])
    _, _, graph = ladder.inside(traces)(draw(2, 2, 1, 4, 5), target[:2])
    ladder.holds("A gradient was to have no graph; it hangs on the network's.", not graph)


def leaves_nothing(ladder: Ladder, *args) -> None:
    """A call changes nothing in the network and in the images."""
    changed, held, _ = ladder.inside(traces)(*args)
    said = "The model's mode, weights, their .grad and hooks were to stay as they were"
    ladder.holds(f"{said}; it changed: {', '.join(changed) or 'nothing'}.", not changed)
    ladder.holds("The images were to keep no gradient; they have one, or ask for one.", not held)


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
        Case("all weights frozen", (2, draw(2, 3, 1, 6, 5), target, "0", True)),
        Case("one image", (3, draw(4, 1, 1, 6, 5), target[:1], "0")),
    ]
    ladder.agrees(cases, lambda *args: through_network(cam_by_torch, *args), LAYERS, through=through_network)
    cam = ladder.inside(through_network)(*cases[1].args)
    ladder.holds("A map shows what speaks for the target; a number below 0 came.", bool((cam >= 0).all()))
    args = draw(3, 2, 1, 4, 5), target[:2], "0"
    leaves_nothing(ladder, *args)
    _, _, graph = ladder.inside(traces)(*args)
    ladder.holds("A map was to have no graph; it hangs on the network's.", not graph)


def through_maps(mine, learnt, blank):
    """`mine` with an explanation that gives one map for the network and another for any other."""
    import torch

    model = torch.nn.Linear(2, 2)
    x, target = torch.rand(len(learnt), 1), torch.arange(len(learnt))

    def explain(network, images, classes):
        assert torch.equal(images, x) and torch.equal(classes, target), "explain(model, x, target) is called"
        return learnt if network is model else blank

    return mine(explain, model, x, target, torch.Generator())


def through_shuffling(mine, seed):
    """A network whose weights are the map."""
    import torch

    model = torch.nn.Linear(16, 2)
    with torch.no_grad():
        model.weight.copy_(torch.arange(32.0).view(2, 16))
    x, target, generator = torch.zeros(2, 1), torch.zeros(2).long(), torch.Generator().manual_seed(seed)
    found = mine(lambda network, *_: network.weight.detach().clone(), model, x, target, generator)
    return found, model.weight.detach()


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
        Case("maps without rows and columns, of 6 values", (draw(2, 4, 6), draw(3, 4, 6))),
        Case("maps with channels", (draw(4, 2, 3, 2, 4), draw(5, 2, 3, 2, 4))),
    ]
    ladder.agrees(cases, spearman, CLOSE, through=through_maps)
    again = ladder.inside(through_maps)(a.exp(), b)
    ladder.same("Only the order counts, which", again, spearman(a, b), CLOSE)
    ladder.seeded(through_shuffling)
    _, weights = ladder.inside(through_shuffling)(0)
    ladder.same("The model keeps its weights, which", weights, torch.arange(32.0).view(2, 16), EXACT)


def variation_by_hand(x):
    """Differences by torch, in float64."""
    return sum(x.double().diff(dim=axis).abs().sum((1, 2, 3)) for axis in (2, 3)).to(x.dtype)


def total_variation(ladder: Ladder) -> None:
    """Images of different sizes and channels; then brightness does not matter."""
    step = torch.tensor([[[[0.0, 0, 2], [0, 0, 2]]]])
    cases = [
        Case("rows (0, 0, 2) and (0, 0, 2)", (step,)),
        Case("columns instead", (step.mT,)),
        Case("3 images of 2 channels, 5x4", (draw(0, 3, 2, 5, 4),)),
        Case("one column, values of +-1000", (1000 * draw(1, 2, 1, 5, 1),)),
        Case("one row, float64", (draw(2, 1, 2, 1, 4).double(),)),
    ]
    ladder.agrees(cases, variation_by_hand, CLOSE)
    ladder.gradients(cases[2:4], variation_by_hand, CLOSE)
    x = cases[2].args[0]
    ladder.same("A brighter image varies as much, which", ladder.subject(x + 3), ladder.subject(x),
                Tolerance(1e-4, 1e-5, "differences of numbers near 3 in float32"))  # fmt: skip
