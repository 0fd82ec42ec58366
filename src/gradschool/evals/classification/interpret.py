"""What does a network look at? Hooks, saliency, integrated gradients, Grad-CAM, and a picture that a class
would love.

Source: Simonyan et al. 2014 (saliency, class pictures); Mahendran and Vedaldi 2015 (total variation);
Selvaraju et al. 2017 (Grad-CAM); Sundararajan et al. 2017 (integrated gradients); Adebayo et al. 2018 (the
sanity check). Every function works in eval mode and leaves weights, gradients and modes as they were.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.evals.inference import device_of, evaluating

Explain = Callable[[nn.Module, Tensor, Tensor], Tensor]


@contextmanager
def watching(model: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Collect the outputs of the named modules while the block runs, by forward hooks.

    Raises:
        ValueError: the model has no module of that name.
    """
    known = dict(model.named_modules())
    for name in layers:
        if name not in known:
            raise ValueError(
                f"{name!r} is no layer of the model, wanted one of {', '.join(list(known)[1:])}."
            )
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
            seen[name] = output
            # The next layer gets a copy: an in-place activation must not overwrite what we keep.
            return output.clone()

        return hook

    handles = [known[name].register_forward_hook(keep(name)) for name in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def feature_maps(
    model: nn.Module, x: Float[Tensor, "b c h w"], layers: Sequence[str]
) -> dict[str, Float[Tensor, "b c2 h2 w2"]]:
    """The outputs of the named layers for the images x."""
    with evaluating(model), torch.no_grad(), watching(model, layers) as seen:
        model(x)
        return dict(seen)


@torch.no_grad()
def predictions(model: nn.Module, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
    """The float32 logits of one batch, in eval mode."""
    with evaluating(model):
        logits: Tensor = model(x)
        return logits.float()


def spatial_layers(model: nn.Module, x: Float[Tensor, "b c h w"]) -> list[str]:
    """The names of all layers that give maps larger than 1x1, in the order in which they run."""
    order: dict[str, bool] = {}

    def note(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            order[name] = isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1

        return hook

    handles = [module.register_forward_hook(note(name)) for name, module in model.named_modules() if name]
    try:
        with evaluating(model), torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return [name for name, spatial in order.items() if spatial]


def first_filters(model: nn.Module) -> Float[Tensor, "o i kh kw"] | None:
    """The weights of the first convolution, or None when the model has none."""
    weights = (getattr(module, "weight", None) for module in model.modules())
    first = next((w for w in weights if isinstance(w, Tensor) and w.ndim == 4), None)
    return None if first is None else first.detach()


def input_gradient(
    model: nn.Module, x: Float[Tensor, "b c h w"], target: Int64[Tensor, " b"]
) -> Float[Tensor, "b c h w"]:
    """The gradient of each image's target logit with respect to its pixels, in evaluation mode.

    Args:
        model: maps images to logits (b, k). Its mode, weights and their `.grad` stay as they were.
        x: normalised images; they are not changed and keep no gradient.
        target: the class to explain, one for each image.

    Returns:
        d logit / d pixel, with its sign; the shape of x, without a graph.

    Source: Simonyan et al. 2014, section 3.
    """
    # 1. A copy of the images that is a leaf of the graph and requires a gradient.
    probe = x.detach().clone().requires_grad_()
    # 2. The sum of the target logits. In evaluation mode the images of a batch do not affect each other, so
    #    one sum gives every image its own gradient.
    with evaluating(model), torch.enable_grad():
        total = model(probe).gather(1, target[:, None]).sum()
    # 3. The gradient with respect to the pixels only.
    (slope,) = torch.autograd.grad(total, probe)
    return slope


def saliency(
    model: nn.Module, x: Float[Tensor, "b c h w"], target: Int64[Tensor, " b"]
) -> Float[Tensor, "b h w"]:
    """|gradient of the target's logit| with respect to each pixel, the largest over channels.

    Source: Simonyan et al. 2014, section 3.1.
    """
    return input_gradient(model, x, target).abs().amax(1)


def integrated_gradients(
    model: nn.Module, x: Float[Tensor, "b c h w"], target: Int64[Tensor, " b"], steps: int = 32
) -> Float[Tensor, "b c h w"]:
    """Multiply x by the mean gradient on the straight way from 0 (the mean colour) to x; sums to logit(x) -
    logit(0).

    Args:
        model: maps images to logits.
        x: normalised images.
        target: the class to explain, one an image.
        steps: midpoints of the path integral, >= 1.

    Source: Sundararajan et al. 2017, eq. 3.
    """
    total = torch.zeros_like(x)
    for step in range(steps):
        total += input_gradient(model, x * ((step + 0.5) / steps), target)
    return x * total / steps


def grad_cam(
    model: nn.Module, layer: str, x: Float[Tensor, "b c h w"], target: Int64[Tensor, " b"]
) -> Float[Tensor, "b h2 w2"]:
    """Grad-CAM: feature maps of a layer, weighted by their mean gradient, summed over channels, then ReLU.

    Args:
        model: maps images to logits (b, k). Its mode, weights and their `.grad` stay as they were.
        layer: name of the module whose feature maps (b, c2, h2, w2) are used, as in named_modules.
        x: normalised images.
        target: the class to explain, one for each image.

    Returns:
        One map for each image, at the resolution of the layer, >= 0, without a graph.

    Source: Selvaraju et al. 2017, eqs. 1 and 2.
    """
    # 1. The gradient of the target logit with respect to the feature maps. The input requires a gradient, so
    #    that the maps have one even where all weights are frozen.
    with evaluating(model), torch.enable_grad(), watching(model, [layer]) as seen:
        logits = model(x.detach().clone().requires_grad_())
        (slope,) = torch.autograd.grad(logits.gather(1, target[:, None]).sum(), seen[layer])
    # 2. alpha, one number for each channel: the mean of the gradient over height and width.
    alpha = slope.mean((2, 3), keepdim=True)
    # 3. The sum over channels of alpha times the feature map; negative values become 0.
    return (alpha * seen[layer]).sum(1).relu().detach()


def activation_maximisation(
    model: nn.Module,
    targets: Int64[Tensor, " b"],
    shape: tuple[int, int, int],
    generator: torch.Generator,
    steps: int = 64,
    smooth: float = 1.0,
) -> Float[Tensor, "b c h w"]:
    """A picture for each target that its logit would love: gradient ascent from noise, kept smooth.

    The ascent maximises logit - smooth · total variation a pixel, by Adam; before each step the picture is
    moved by a pixel or so, which keeps the network from being fooled by a single-pixel pattern.

    Args:
        model: maps normalised images to logits.
        targets: one class a picture.
        shape: (channels, height, width).
        generator: of the first noise and the shifts, on the CPU.
        steps: of Adam at rate 0.05, in units of one standard deviation of the data.
        smooth: weight of the total variation a pixel; more gives larger shapes.

    Source: Simonyan et al. 2014, section 2; total variation after Mahendran and Vedaldi 2015, eq. 3 with
    beta = 1.
    """
    # 1. Start from faint noise around the mean colour (0 after normalising).
    start = 0.1 * torch.randn(len(targets), *shape, generator=generator)
    picture = start.to(device_of(model)).requires_grad_()
    optimiser = torch.optim.Adam([picture], lr=0.05)
    reach = max(1, shape[-1] // 16)
    targets = targets.to(picture.device)
    with evaluating(model), torch.enable_grad():
        for _ in range(steps):
            # 2. Look at a shifted copy, so that no single pixel counts.
            down, right = torch.randint(-reach, reach + 1, (2,), generator=generator).tolist()
            logits = model(picture.roll((down, right), (2, 3)))
            # 3. Up the logit, down the total variation; the model's own weights get no gradient.
            rough = total_variation(picture).sum() / (shape[1] * shape[2])
            loss = smooth * rough - logits.gather(1, targets[:, None]).sum()
            (picture.grad,) = torch.autograd.grad(loss, picture)
            optimiser.step()
    return picture.detach()


def total_variation(x: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Sum of the absolute differences between vertical and between horizontal neighbours.

    Args:
        x: images, any values.

    Returns:
        One number for each image, summed over channels and positions.

    Source: Rudin et al. 1992, anisotropic form.
    """
    # 1. Absolute differences between each pixel and the one above it.
    down = (x[:, :, 1:] - x[:, :, :-1]).abs().sum((1, 2, 3))
    # 2. Absolute differences between each pixel and the one on its left.
    across = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().sum((1, 2, 3))
    # 3. Their sum.
    return down + across


def randomised(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """A copy whose weights are shuffled within each tensor: the same values, nothing learnt."""
    shuffled = copy.deepcopy(model)
    with torch.no_grad():
        for weight in shuffled.parameters():
            order = torch.randperm(weight.numel(), generator=generator).to(weight.device)
            weight.copy_(weight.flatten()[order].view_as(weight))
    return shuffled


def sanity(
    explain: Explain,
    model: nn.Module,
    x: Float[Tensor, "b c h w"],
    target: Int64[Tensor, " b"],
    generator: torch.Generator,
) -> float:
    """Rank correlation between the maps of a network and those of its copy with shuffled weights.

    Near 1 the map does not depend on what was learned: it shows the image (an edge detector does that).

    Args:
        explain: maps a model, images and targets to one map for each image, of any shape.
        model: trained; it is not changed.
        x: images.
        target: the class to explain, one for each image.
        generator: for shuffling the weights.

    Returns:
        Spearman's correlation over the positions of a map, -1 to 1, averaged over the images.

    Source: Adebayo et al. 2018, section 4.
    """
    # 1. The maps of the network and of its copy with shuffled weights, each flattened to (b, positions).
    learnt = explain(model, x, target).flatten(1)
    blank = explain(randomised(model, generator), x, target).flatten(1)
    # 2. The rank of each position within its image: sorting twice gives ranks.
    ranks = [maps.argsort(1).argsort(1).double() for maps in (learnt, blank)]
    # 3. Spearman's correlation is Pearson's correlation of the ranks: the cosine of their deviations from the
    #    mean rank. Average it over the images.
    a, b = (rank - rank.mean(1, keepdim=True) for rank in ranks)
    return float(torch.cosine_similarity(a, b, dim=1).mean())
