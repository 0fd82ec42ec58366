"""Checks of chapter 5, the training loop as a whole: by what it reports, and by what its network is shown."""

import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance


def one_class(mine, epochs):
    """The last line of a curve: 40 images of class 0, held-out ones of class 1; whether those had graphs."""
    import inspect

    import torch
    from torch.nn.modules.module import register_module_forward_pre_hook

    names, graphs = inspect.unwrap(mine).__globals__, []
    load, digits = names["load_digits"], names["load_digits"]()
    torch.manual_seed(0)
    digits.data, digits.target = digits.data[:400], 0 * digits.target[:400]
    digits.target[torch.randperm(400)[:360].numpy()] = 1
    hook = register_module_forward_pre_hook(
        lambda module, x: graphs.append(not module.training and torch.is_grad_enabled())
    )
    names["load_digits"] = lambda: digits
    try:
        return mine(0, epochs)[-1], any(graphs)
    finally:
        names["load_digits"] = load
        hook.remove()


def shown(mine, epochs):
    """What the network saw in training, in order: labels of the images, by their pixels, and its logits; then
    the losses that were told.
    """
    import inspect

    import torch
    from torch.nn.modules.module import register_module_forward_hook

    seen = []

    def keep(module, x, y):
        if isinstance(module, torch.nn.Sequential) and module.training and torch.is_grad_enabled():
            seen.append((x[0].detach().clone(), y.detach().clone()))

    hook = register_module_forward_hook(keep)
    try:
        losses = [line["loss"] for line in mine(1, epochs)]
    finally:
        hook.remove()
    # Pixels are whole numbers from 0 to 16, whatever they were shifted and scaled by.
    x, logits = (torch.cat(each) for each in zip(*seen, strict=True))
    pixels = ((x - x.min()) / (x.max() - x.min()) * 16).round().to(torch.int64)
    digits = inspect.unwrap(mine).__globals__["load_digits"]()
    known = {tuple(map(int, row)): int(label) for row, label in zip(digits.data, digits.target, strict=True)}
    labels = torch.tensor([known.get(tuple(row), -100) for row in pixels.tolist()])
    return pixels, labels, logits, losses


def training_loop(ladder: Ladder) -> None:
    """A dict of two numbers an epoch; then what was shown, and the curve of a loop without a fault."""
    anything = Tolerance(0, 1e9, "randomness may be drawn in another order")
    cases = [Case("2 epochs", (0, 2)), Case("no epoch", (1, 0))]
    ladder.agrees(cases, lambda seed, epochs: [{"loss": 0.0, "accuracy": 0.0}] * epochs, anything)
    curve, other = ladder.subject(0, 3), ladder.subject(3, 3)
    losses, accuracy = [line["loss"] for line in curve], min(curve[2]["accuracy"], other[2]["accuracy"])
    told = f"{losses[0]:.2f}, {losses[1]:.2f}, {losses[2]:.2f}"
    falls = 0.6 < losses[0] < 1.4 and 0.3 < losses[1] < 0.65 and 0.2 < losses[2] < 0.5
    said = f"The mean loss should be near 0.9, 0.4 and 0.3 in the three epochs; {told} came."
    ladder.holds(said, falls)
    said = f"At the end about 0.95 of the held-out images should be right; {accuracy:.2f} came."
    ladder.holds(said, 0.92 < accuracy < 0.99)
    pixels, labels, logits, told = ladder.inside(shown)(2)
    said = f"Two epochs should show 2 x 1437 images in training mode; {len(pixels)} were shown."
    ladder.holds(said, len(pixels) == 2874)
    first, second = pixels.split(1437)
    said = "Every epoch should show the same images, each once, in a new order; this order {}."
    alike = torch.equal(torch.unique(first, dim=0), torch.unique(second, dim=0))
    ladder.holds(said.format("has others"), alike)
    ladder.holds(said.format("is the old one"), not torch.equal(first, second))
    means = F.cross_entropy(logits, labels, reduction="none").view(2, -1).mean(1)
    said = "The loss is a mean over images, though the last batch is smaller, which"
    ladder.same(said, told, means.tolist(), Tolerance(5e-4, 0, "float32 means of batches"))
    ladder.holds("The same seed should give the same curve.", ladder.subject(0, 1) == curve[:1])
    ladder.holds("Another seed should give another curve.", other != curve)
    line, has_graph = ladder.inside(one_class)(150)
    said = "If only held-out images are of class 1, none can be right; {:.2f} were. Are they trained on?"
    ladder.holds(said.format(line["accuracy"]), line["accuracy"] == 0)
    said = "If all 40 training images are of class 0, their mean loss should fall below 0.015; {:.3f} came."
    ladder.holds(said.format(line["loss"]), line["loss"] < 0.015)
    ladder.holds("Held-out images should be classified without gradients.", not has_graph)
