"""What is known of a network that is handed in: asked anew about recordings of speakers it never heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.data.audio.batches import in_order
from gradschool.data.audio.features import Features, stretches
from gradschool.data.audio.recordings import Recordings
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.audio.answers import logits_of
from gradschool.evals.audio.baselines import by_speaker
from gradschool.evals.inference import evaluating
from gradschool.models import catalogue
from gradschool.ops.loss import cross_entropy
from gradschool.runs.audio.run import AudioRun, features_of
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen, splits_again

NETWORKS = ("lstm_1", "bilstm_1", "gru_2", "bigru_2", "lstm_2", "bilstm_2")
PARTS = {"three": "spoken_three", "ten": "digits_spoken_mfcc"}  # name of the part -> recipe
COURSE_2021 = dict(zip(NETWORKS, (0.60, 0.76, 0.81, 0.90, 0.85, 0.89), strict=True))
PIECES = 10  # equal pieces of time in which gradients are looked at
AT_ONCE = 64  # recordings a batch


@dataclass(frozen=True)
class Asked:
    """A network and its answers.

    Args:
        network: its name.
        part: a name of PARTS.
        classes: words, in label order.
        true: label of each test recording.
        called: what the network called it.
        speakers: (recordings that are right, all of them) of each test speaker.
        known: test speakers that are heard in the training part as well.
        features: numbers in a row of its input.
        parameters: how many it has.
        curve: (epoch, accuracy on the test speakers) while it was trained.
        baselines: accuracy of classifiers without a network on the same recordings.
        reach: length of the loss's gradient at each of `PIECES` pieces of time; they sum to 1.
    """

    network: str
    part: str
    classes: Sequence[str]
    true: Int64[Tensor, " n"]
    called: Int64[Tensor, " n"]
    speakers: Mapping[str, tuple[int, int]]
    known: Sequence[str]
    features: int
    parameters: int
    curve: Sequence[tuple[float, float]]
    baselines: Mapping[str, float]
    reach: Sequence[float]

    @property
    def right(self) -> int:
        """Test recordings that it called by their word."""
        return int((self.called == self.true).sum())

    @property
    def accuracy(self) -> float:
        """Share that is right."""
        return self.right / len(self.true)

    @property
    def best(self) -> float:
        """Accuracy of the best classifier without a network."""
        return max(self.baselines.values())


def ask(folder: RunFolder, network: str, part: str, words: Sequence[str]) -> Asked:
    """Ask a finished run about its test recordings.

    Raises:
        UserError: the run is of another kind, network or set of words.
    """
    # 1. It is what it is called.
    run, _ = reopen(folder)
    is_it = isinstance(run, AudioRun) and catalogue.name_of(run.model) == network
    model, facts = rebuilt(folder, run) if is_it else (None, {})
    if model is None or tuple(facts["classes"]) != tuple(words):
        raise UserError(
            f"{folder.path} is another run", f"{network} on {', '.join(words)}", "Leave it out, or train it."
        )
    # 2. Its answers, and where its decision comes from.
    splits, features = splits_again(run, folder), features_of(facts)
    test, result = splits.test, folder.read("result.json")
    called = logits_of(model, in_order(test, features, AT_ONCE)).argmax(1)
    speakers = by_speaker(test, (called == test.labels).long())
    known = sorted(set(speakers) & set(splits.train.speakers))
    curve = [(line["epoch"], line["test_accuracy"]) for line in folder.metrics() if "test_accuracy" in line]
    return Asked(
        network, part, facts["classes"], test.labels, called, speakers, known, features.size,
        facts["parameters"], curve, result["baselines"], reach(model, features, test),
    )  # fmt: skip


def reach(model: nn.Module, features: Features, part: Recordings) -> list[float]:
    """How strongly each piece of a recording moves the loss: the length of its rows' gradient, mean of all.

    Args:
        model: features and lengths to logits.
        features: of the network.
        part: recordings.

    Returns:
        A share for each of `PIECES` equal pieces of time.
    """
    total: Float[Tensor, " pieces"] = torch.zeros(PIECES)
    with evaluating(model):
        for x, rows, labels in in_order(part, features, AT_ONCE):
            x = x.requires_grad_()
            loss = cross_entropy(model(x, rows), labels, reduction="sum")
            (slope,) = torch.autograd.grad(loss, x)
            for each, count in zip(slope.norm(dim=2), rows.tolist(), strict=True):
                total += torch.stack([each[a:b].mean() for a, b in stretches(count, PIECES)])
    return (total / total.sum().clamp(min=1e-12)).tolist()
