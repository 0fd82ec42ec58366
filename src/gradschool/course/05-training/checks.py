"""Checks of chapter 5: oracles count one by one, or are torch's own layers, losses and optimisers."""

import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance
from gradschool.classroom.check.samples import draw, whole

EXACT = Tolerance(0, 0, "whole numbers, or numbers that are only picked")
CLOSE = Tolerance(1e-5, 1e-6, "float32 sums of at most 60 terms, against float64")
STEPS = Tolerance(1e-4, 1e-5, "float32 through up to six steps of training")


def counted_pairs(labels, predicted, classes):
    """One image after another."""
    matrix = torch.zeros(classes, classes, dtype=torch.int64)
    for true, said in zip(labels.tolist(), predicted.tolist(), strict=True):
        matrix[true, said] += 1
    return matrix


def confusion_matrix(ladder: Ladder) -> None:
    """A few images by hand, classes that never occur, many images; then rows add up to the classes' sizes."""
    cases = [
        Case("labels (0, 1, 1), predicted (0, 1, 0), 2 classes",
             (torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]), 2)),
        Case("the same pair three times", (torch.tensor([1, 1, 1]), torch.tensor([0, 0, 0]), 3)),
        Case("no image", (torch.tensor([], dtype=torch.int64), torch.tensor([], dtype=torch.int64), 2)),
        Case("200 images, 4 classes", (whole(0, 4, 200), whole(1, 4, 200), 4)),
    ]  # fmt: skip
    ladder.agrees(cases, counted_pairs, EXACT)
    labels = cases[3].args[0]
    sizes = ladder.subject(*cases[3].args).sum(1)
    ladder.same("Each row adds up to its class's size, which", sizes, labels.bincount(minlength=4), EXACT)


def distances_one_by_one(x, visible, known):
    """The definition, in float64."""
    pairs = (x.double().unsqueeze(1) - known.double()) ** 2 * visible.double().unsqueeze(1)
    return pairs.sum(2).float()


def visible_distances(ladder: Ladder) -> None:
    """Two pixels by hand, all visible, some, none; then hidden pixels do not matter, and rounding neither."""
    x, known, some = draw(0, 3, 6), draw(1, 5, 6), (draw(2, 3, 6) > 0).float()
    cases = [
        Case("x = ((1, 9)), the second hidden, known = ((3, 4))",
             (torch.tensor([[1.0, 9]]), torch.tensor([[1.0, 0]]), torch.tensor([[3.0, 4]]))),
        Case("all visible", (x, torch.ones(3, 6), known)),
        Case("some visible", (x, some, known)),
        Case("nothing visible", (x, torch.zeros(3, 6), known)),
    ]  # fmt: skip
    ladder.agrees(cases, distances_one_by_one, Tolerance(1e-4, 1e-5, "differences of sums of 6 squares"))
    other = torch.where(some > 0, x, 1e30)
    said = "What stands in hidden pixels does not matter, which"
    ladder.same(said, ladder.subject(other, some, known), ladder.subject(x, some, known), CLOSE)
    far = 100 * draw(3, 40, 50)
    lowest = float(ladder.subject(far, torch.ones(40, 50), far).min())
    ladder.holds(f"No distance should be negative, not even by rounding; {lowest:.2g} came.", lowest >= 0)


def there_and_back(mine, x, up, low, high):
    """The result of a function of autograd, and the gradient of x."""
    import torch

    leaf = x.clone().requires_grad_()
    y = mine.apply(leaf, low, high)
    return y.detach(), torch.autograd.grad(y, leaf, up)[0]


def limited_oracle(x, up, low, high):
    """Element by element: move x a little against the gradient, and see whether it comes nearer."""
    y, back = x.clamp(low, high), torch.zeros_like(up)
    for i, (value, slope) in enumerate(zip(x.tolist(), up.tolist(), strict=True)):
        outside = max(low - value, value - high, 0.0)
        moved = value - 1e-3 * slope
        if outside == 0 or max(low - moved, moved - high, 0.0) < outside:
            back[i] = slope
    return y, back


def descended(mine):
    """From outside the limits, down (y - 0.3)^2."""
    import torch

    x = torch.tensor([3.0, -2.0], requires_grad=True)
    for _ in range(200):
        (slope,) = torch.autograd.grad((mine.apply(x, 0.0, 1.0) - 0.3).square().sum(), x)
        x.data -= 0.1 * slope
    return mine.apply(x, 0.0, 1.0).tolist()


def limited_gradient(ladder: Ladder) -> None:
    """Inside, outside, on the limits, with gradients of both signs; then what is outside comes back."""
    x = torch.tensor([0.5, 2.0, -1.0, 0.0, 1.0])
    cases = [
        Case("x = (0.5, 2, -1, 0, 1), limits 0 and 1, every gradient 1", (x, torch.ones(5), 0.0, 1.0)),
        Case("x = (0.5, 2, -1, 0, 1), limits 0 and 1, every gradient -1", (x, -torch.ones(5), 0.0, 1.0)),
        Case("50 numbers, limits -0.5 and 0.8", (draw(0, 50), draw(1, 50), -0.5, 0.8)),
    ]
    ladder.agrees(cases, limited_oracle, EXACT, through=there_and_back)
    ended = ladder.inside(descended)()
    told = " and ".join(f"{value:.2f}" for value in ended)
    said = f"From 3 and from -2, training should reach 0.30; {told} came."
    ladder.trains(said, all(abs(value - 0.3) < 0.01 for value in ended))


def built(mine, classes, channels, side, hidden, bias, x):
    """The output of a network whose parameters are filled in order, and their shapes."""
    import torch

    net = mine(classes, channels, side, hidden, torch.nn.Tanh(), bias)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / parameter.shape[-1] ** 0.5)
        return net(x), [list(parameter.shape) for parameter in net.parameters()]


def mlp_oracle(classes, channels, side, hidden, bias, x):
    """Matrix products, the parameters drawn in the same order."""
    generator, shapes = torch.Generator().manual_seed(0), []
    widths, y = [channels * side**2, *hidden, classes], x.reshape(len(x), -1)
    for i in range(len(widths) - 1):
        shapes += [[widths[i + 1], widths[i]]] + [[widths[i + 1]]] * bias
        filled = [torch.randn(shape, generator=generator) / shape[-1] ** 0.5 for shape in shapes[-1 - bias :]]
        y = F.linear(y if i == 0 else y.tanh(), *filled)
    return y, shapes


def mlp_module(ladder: Ladder) -> None:
    """No hidden layer, one, two, without bias, colour; then each image is treated alone."""
    cases = [
        Case("3 classes, 4x4 grey, no hidden layer", (3, 1, 4, [], True, draw(0, 2, 1, 4, 4))),
        Case("one hidden layer of 5", (3, 1, 4, [5], True, draw(1, 2, 1, 4, 4))),
        Case("hidden layers of 7 and 5, without bias", (4, 1, 3, [7, 5], False, draw(2, 6, 1, 3, 3))),
        Case("3 colours", (2, 3, 4, [6], True, draw(3, 5, 3, 4, 4))),
    ]
    ladder.agrees(cases, mlp_oracle, STEPS, through=built)
    run, args = ladder.inside(built), cases[3].args
    alone, together = run(*args[:-1], args[-1][2:3])[0], run(*args)[0]
    ladder.same("Each image of a batch is treated alone, which", alone, together[2:3], STEPS)


def split_counts(mine, labels, share, seed):
    """How many of each class are kept, and how many held out."""
    kept, held = mine(labels, share, seed)
    classes = int(labels.max()) + 1
    return labels[kept].bincount(minlength=classes), labels[held].bincount(minlength=classes)


def split_twice(mine, labels, share, seed):
    """The split, with torch's own generator in two states."""
    import torch

    return [mine(labels, share, seed) for state in (1, 2) if torch.manual_seed(state)]


def stratified_split(ladder: Ladder) -> None:
    """Counts of every class by hand; then nothing is lost or twice, in order, drawn by the seed alone."""
    sizes_and_held = [
        ((10, 20, 5), 0.2, (2, 4, 1)), ((34, 33, 33), 0.1, (4, 3, 3)), ((2, 8), 0.25, (1, 2)),
        ((6, 1, 3), 1 / 3, (2, 0, 1)), ((4, 4), 0.0, (0, 0)), ((3, 3, 30), 0.05, (1, 1, 2)),
        ((2, 2), 0.9, (1, 1)),
    ]  # fmt: skip
    cases, answers = [], {}
    for number, (sizes, share, held) in enumerate(sizes_and_held):
        labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(number))]
        cases.append(Case(f"classes of {sizes} images, share {share:.2f}", (labels, share, number)))
        answers[number] = torch.tensor(sizes) - torch.tensor(held), torch.tensor(held)
    ladder.agrees(cases, lambda labels, share, seed: answers[seed], EXACT, through=split_counts)
    run, labels = ladder.inside(split_twice), whole(0, 3, 90)
    (kept, held), (_, again) = run(labels, 0.2, 0)
    both = torch.cat([kept, held]).sort().values
    ladder.same("Every image is in one part and in one only, which", both, torch.arange(90), EXACT)
    ordered = bool((held.diff() > 0).all() and (kept.diff() > 0).all())
    ladder.holds("Both parts should be in ascending order.", ordered)
    ladder.holds("The same seed should give the same split: use the generator.", again.equal(held))
    ladder.holds("Another seed should hold out other images.", not run(labels, 0.2, 1)[0][1].equal(held))


def one_batch(mine, n, size, share, number, position, order):
    """A batch of a loader that changes nothing; pixels tell which image they are of."""
    import torch

    from gradschool.data.augment.pipeline import Pipeline
    from gradschool.data.vision.images import Images

    pixels = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).repeat(1, 1, 2, 2)
    images = Images(pixels, torch.arange(n) % 3, ("a", "b", "c"))
    loader = mine(images, size, 0, Pipeline((0.0,), (1 / 255,)), share=share)
    loader.__dict__.update(pixels=pixels, labels=images.labels)  # no look at the free memory
    x, y = loader.batch(order, number, position)
    return x.round(), y


def batch_oracle(n, size, share, number, position, order):
    """Slices of slices."""
    rank, processes = share
    size = min(size, n) // processes * processes
    mine = order.tolist()[position * size :][:size][rank * size // processes :][: size // processes]
    x = torch.tensor(mine, dtype=torch.float32).view(-1, 1, 1, 1).repeat(1, 1, 2, 2)
    return x, torch.tensor([i % 3 for i in mine])


def what_it_is_told(mine, seed, steps, number, position):
    """What a batch's change draws, the progress it is told, its number of images; 3 batches an epoch."""
    import torch

    from gradschool.data.vision.images import Images

    class Listening:
        mean = (0.0,)

        def train(self, pixels, labels, generator, progress):
            self.heard = torch.rand(3, generator=generator), float(progress), len(pixels)
            return pixels.float(), labels

    pipeline = Listening()
    images = Images(torch.zeros(12, 1, 2, 2, dtype=torch.uint8), torch.zeros(12, dtype=torch.int64), ("a",))
    loader = mine(images, 4, seed, pipeline, steps=steps)
    loader.__dict__.update(pixels=images.pixels, labels=images.labels)
    loader.batch(torch.arange(12), number, position)
    return pipeline.heard


def loader_batch(ladder: Ladder) -> None:
    """Batches in place, shared by processes, of small sets; then randomness and progress follow the step."""
    order = torch.randperm(11, generator=torch.Generator().manual_seed(0))
    cases = [
        Case("the first batch of 4 of 11 images", (11, 4, (0, 1), 0, 0, order)),
        Case("the second batch of the third epoch", (11, 4, (0, 1), 2, 1, order)),
        Case("a set smaller than a batch", (11, 64, (0, 1), 0, 0, order)),
        Case("the second of 2 processes", (11, 4, (1, 2), 0, 1, order)),
        Case("the middle one of 3 processes", (11, 6, (1, 3), 1, 0, order)),
    ]
    ladder.agrees(cases, batch_oracle, EXACT, through=one_batch)
    heard = ladder.inside(what_it_is_told)
    numbers, _, count = heard(7, 9, 1, 1)
    again, later, elsewhere = heard(7, 9, 1, 1)[0], heard(7, 9, 2, 1)[0], heard(8, 9, 1, 1)[0]
    ladder.same("The same step draws the same numbers, which", again, numbers, EXACT)
    said = "The same position in the next epoch should draw other numbers: use seed and step."
    ladder.holds(said, not numbers.equal(later))
    ladder.holds("Another seed should draw other numbers.", not numbers.equal(elsewhere))
    ladder.holds(f"The batch of 4 images alone should be augmented; {count} were.", count == 4)
    told = [heard(7, steps, 1, 1)[1] for steps in (9, 12, 0)]
    said = "Progress is the step's number over all steps, 0 if not known, which"
    ladder.same(said, told, [4 / 9, 4 / 12, 0], CLOSE)


def scored(mine, held_out, smoothing, narrow, *batches):
    """Scores of a model that passes its input on; in half precision if narrow."""
    import torch

    class Pass(torch.nn.Module):
        def forward(self, x):
            return x.bfloat16() if narrow else x

    pairs = zip(batches[::2], batches[1::2], strict=True)
    weights = torch.arange(1.0, 1 + batches[0].shape[1]) if smoothing else None
    return mine(Pass(), smoothing, weights, held_out).evaluate(pairs)


def score_oracle(held_out, smoothing, narrow, *batches):
    """All images in one batch, in float64."""
    x, y = torch.cat(batches[::2]), torch.cat(batches[1::2])
    x = (x.bfloat16() if narrow else x).double()
    loss, accuracy = F.cross_entropy(x, y).item(), (x.argmax(1) == y).double().mean().item()
    return {f"{held_out}_loss": loss, f"{held_out}_accuracy": accuracy}


def evaluate(ladder: Ladder) -> None:
    """One image, batches of different sizes, smoothing, half precision; then cutting does not matter."""
    x, y = 2 * draw(0, 11, 4), whole(1, 4, 11)
    cases = [
        Case("one image, logits (0, 1)", ("val", 0.0, False, torch.tensor([[0.0, 1.0]]), torch.tensor([1]))),
        Case("batches of 4, 4 and 3", ("test", 0.0, False, x[:4], y[:4], x[4:8], y[4:8], x[8:], y[8:])),
        Case(
            "label smoothing and class weights in training", ("val", 0.2, False, x[:6], y[:6], x[6:], y[6:])
        ),
        Case("a model in half precision", ("val", 0.0, True, x[:5], y[:5], x[5:], y[5:])),
    ]
    ladder.agrees(cases, score_oracle, CLOSE, through=scored)
    run = ladder.inside(scored)
    whole_set = list(run("val", 0.0, False, x, y).values())
    pieces = list(run("val", 0.0, False, x[:1], y[:1], x[1:], y[1:]).values())
    ladder.same("How the images are cut into batches does not matter, which", pieces, whole_set, CLOSE)


def stepped(mine, accumulate, clip, bad, x, y):
    """Six steps, on one tensor or two: weights after each, losses as told, and how the rest was used."""
    import contextlib
    import types

    import torch

    class Here:
        no_sync = staticmethod(lambda module: did.append("wait") or contextlib.nullcontext())
        backward = staticmethod(lambda loss: did.append("backward") or loss.backward())
        clip_grad_norm_ = staticmethod(torch.nn.utils.clip_grad_norm_)

    # 1. A stepper around one linear layer, in this process.
    model = torch.nn.Linear(3, 1)
    model.weight.data, model.bias.data = torch.tensor([[1.0, -1.0, 0.5]]), torch.zeros(1)
    moved, did = [], []
    stepper = mine.__new__(mine)
    stepper.task = types.SimpleNamespace(parts={"model": model})
    stepper.machine, stepper.accelerator = types.SimpleNamespace(device="cpu"), Here()
    stepper.accumulate, stepper.clip, stepper.is_sharded = accumulate, clip, False
    stepper.modules = {"model": model}
    stepper.optimizers = {"model": torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)}
    stepper.emas = {"model": types.SimpleNamespace(update=lambda module: moved.append(1))}

    def loss_of(batch):
        return {"loss": (model(batch[-1][:, :3])[:, 0] - batch[-1][:, 3]).square().mean()}

    # 2. Its steps; in step `bad` a number of the batch is infinite.
    weights, losses = [], []
    for step in range(6):
        batch = torch.cat([x[step], y[step].unsqueeze(1)], 1)
        if step == bad:
            batch[0, 0] = torch.inf
        losses.append(stepper("model", (batch,) * (1 + step % 2), loss_of)["loss"])
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    free = all(getattr(loss, "grad_fn", None) is None for loss in losses)
    told = {"losses": [loss.detach() for loss in losses], "detached": free, "averages": len(moved)}
    exchanges = " ".join(did).replace("wait backward", "").count("backward")
    return {"weights": torch.stack(weights), **told, "exchanges": exchanges}


def step_oracle(accumulate, clip, bad, x, y):
    """Whole batches, in float64; a step with an infinite loss is left out."""
    model = torch.nn.Linear(3, 1)
    model.weight.data, model.bias.data = torch.tensor([[1.0, -1.0, 0.5]]).double(), torch.zeros(1).double()
    optimizer, weights, losses = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5), [], []
    for step in range(6):
        if step == bad:
            losses.append(float("inf"))
        else:
            loss = F.mse_loss(model(x[step].double())[:, 0], y[step].double())
            optimizer.zero_grad()
            loss.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            losses.append(loss.item())
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    told = {"losses": [torch.tensor(loss) for loss in losses], "detached": True, "averages": 6 - (bad >= 0)}
    return {"weights": torch.stack(weights).float(), **told, "exchanges": 6}


def gradient_accumulation(ladder: Ladder) -> None:
    """Whole batches, equal and unequal pieces, clipping, an infinite loss; then the cut does not matter."""
    x, y = draw(0, 6, 7, 3), draw(1, 6, 7)
    cases = [
        Case("six steps, the batch whole", (1, None, -1, x, y)),
        Case("six steps, 6 images in 3 pieces", (3, None, -1, x[:, :6], y[:, :6])),
        Case("six steps, 7 images in 3 pieces (3, 3 and 1)", (3, None, -1, x, y)),
        Case("gradients clipped to norm 0.5", (2, 0.5, -1, x, y)),
        Case("an infinite loss in step 3", (2, None, 2, x, y)),
    ]
    ladder.agrees(cases, step_oracle, STEPS, through=stepped)
    run = ladder.inside(stepped)
    said = "However a batch is cut, the steps are the same, which"
    cut, uncut = (run(pieces, 0.5, -1, x, y)["weights"] for pieces in (7, 1))
    ladder.same(said, cut, uncut, STEPS)


def averaged(mine, decay, *weights):
    """The average, as its first holder sees it, after each of several weights; whether the layer stayed."""
    import torch

    layer = torch.nn.BatchNorm1d(2)
    ema, found = mine(layer, decay), []
    held = dict(ema.shadow)
    for count, w in enumerate(weights):
        with torch.no_grad():
            layer.weight.copy_(w)
            layer.running_mean.copy_(2 * w)
            layer.num_batches_tracked.fill_(10 * count)
        ema.update(layer)
        found.append([held["weight"].clone(), held["running_mean"].clone(), int(held["num_batches_tracked"])])
    return found, torch.equal(layer.weight, weights[-1]), ema.steps


def average_oracle(decay, *weights):
    """The sum that the recursion stands for, in float64."""
    mean, moving, found = torch.ones(2).double(), torch.zeros(2).double(), []
    for count, w in enumerate(weights):
        kept = min(decay, (2 + count) / (11 + count))
        mean, moving = kept * mean + (1 - kept) * w.double(), kept * moving + (1 - kept) * 2 * w.double()
        found.append([mean.float(), moving.float(), 10 * count])
    return found, True, len(weights)


def ema_update(ladder: Ladder) -> None:
    """One update by hand, several, decay 0, a long memory."""
    weights = [draw(i, 2) for i in range(5)]
    cases = [
        Case("weights (1, 1), then (12, 1); decay 0.9", (0.9, torch.tensor([12.0, 1.0]))),
        Case("five updates, decay 0.9", (0.9, *weights)),
        Case("five updates, decay 0.2", (0.2, *weights)),
        Case("decay 0: no memory", (0.0, *weights[:2])),
    ]
    ladder.agrees(cases, average_oracle, CLOSE, through=averaged)


def squares_one_by_one(corners, side, frame):
    """Slices."""
    mask = torch.zeros(len(corners), 1, *frame, dtype=torch.bool)
    for n, picture in enumerate(corners.tolist()):
        for top, left in picture:
            mask[n, 0, top : top + side, left : left + side] = True
    return mask


def squares_mask(ladder: Ladder) -> None:
    """One square, two, overlapping ones, the whole picture, none."""
    places = torch.stack([whole(0, 4, 3, 2), whole(1, 5, 3, 2)], 2)
    cases = [
        Case("one square of 2 pixels at (0, 1) in 3x4 pixels", (torch.tensor([[[0, 1]]]), 2, (3, 4))),
        Case("two squares of one pixel", (torch.tensor([[[0, 0], [2, 1]]]), 1, (3, 4))),
        Case("3 pictures of 6x7 with 2 squares of 3 pixels each", (places, 3, (6, 7))),
        Case("a square as large as the picture", (torch.zeros(2, 1, 2, dtype=torch.int64), 4, (4, 4))),
        Case("no square", (torch.zeros(2, 0, 2, dtype=torch.int64), 3, (4, 5))),
    ]
    ladder.agrees(cases, squares_one_by_one, EXACT)


def masked_oracle(restored, images, mask):
    """The marked numbers alone, in float64."""
    marked = mask.expand_as(images)
    wrong = (restored.double() - images.double())[marked].square()
    return (wrong.mean() if len(wrong) else wrong.sum()).to(restored.dtype)


def masked_mse(ladder: Ladder) -> None:
    """Two pixels by hand, grey, colour, an empty mask; gradients; then known pixels do not matter."""
    pair, truth = torch.tensor([[[[0.5, 0.0]]]]), torch.tensor([[[[0.0, 1.0]]]])
    mask, one = draw(2, 2, 1, 3, 4) > 0, torch.tensor([[[[True, False]]]])
    cases = [
        Case("restored (0.5, 0), images (0, 1), the first marked", (pair, truth, one)),
        Case("2 grey pictures of 3x4", (draw(0, 2, 1, 3, 4), draw(1, 2, 1, 3, 4), mask)),
        Case("2 pictures of 3 colours", (draw(3, 2, 3, 3, 4), draw(4, 2, 3, 3, 4), mask)),
        Case("nothing marked", (draw(5, 2, 1, 3, 4), draw(6, 2, 1, 3, 4), torch.zeros_like(mask))),
        Case("nothing marked in a picture of one pixel", (pair[..., :1], truth[..., :1], ~one[..., :1])),
    ]
    ladder.agrees(cases, masked_oracle, CLOSE)
    ladder.gradients(cases[1:3], masked_oracle, CLOSE)
    restored, images, _ = cases[1].args
    other = torch.where(mask, restored, restored + 5)
    said = "What comes out at unmarked pixels does not matter, which"
    ladder.same(said, ladder.subject(other, images, mask), ladder.subject(restored, images, mask), CLOSE)
