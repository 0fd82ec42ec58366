"""The loss of distillation against sums over classes in Python's floats, closed forms and its derivation."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.ops import switch
from gradschool.ops.practice.distillation import distillation_loss

LAYERS = pytest.mark.parametrize("layer", ["plain", "fast"])


def noise(*shape, seed=0, size=3.0):
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def probabilities(row, temperature):
    exponents = [value / temperature for value in row]
    shifted = [math.exp(value - max(exponents)) for value in exponents]
    return [value / sum(shifted) for value in shifted]


def naive(student, teacher, labels, temperature, weight) -> float:
    """Example by example, class by class; `labels` are class numbers."""
    total = 0.0
    for s, t, y in zip(student.tolist(), teacher.tolist(), labels.tolist(), strict=True):
        p, q = probabilities(t, temperature), probabilities(s, temperature)
        divergence = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
        total += (1 - weight) * -math.log(probabilities(s, 1.0)[y]) + weight * temperature**2 * divergence
    return total / len(labels)


@LAYERS
@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6), b=st.integers(1, 4), k=st.integers(1, 6),
    temperature=st.floats(0.5, 20), weight=st.floats(0, 1),
)  # fmt: skip
def test_it_is_the_sum_written_out(layer, seed, b, k, temperature, weight):
    student, teacher = noise(b, k, seed=seed), noise(b, k, seed=seed + 1)
    labels = torch.randint(k, (b,), generator=torch.Generator().manual_seed(seed))
    with switch.using(layer):
        found = distillation_loss(student, teacher, labels, temperature, weight).item()
    # T^2 = 400 times a divergence near 0 loses some of float64's 16 digits.
    assert found == pytest.approx(naive(student, teacher, labels, temperature, weight), rel=1e-9, abs=1e-11)


@LAYERS
def test_by_hand(layer):
    """One example, two classes, T = 2: teacher 0.75 to 0.25, student 0.5 to 0.5, true class 0."""
    student, teacher = torch.zeros(1, 2), torch.tensor([[2 * math.log(3.0), 0.0]])
    with switch.using(layer):
        found = distillation_loss(student, teacher, torch.tensor([0]), 2.0, 0.25).item()
    divergence = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert found == pytest.approx(0.75 * math.log(2) + 0.25 * 4 * divergence, rel=1e-6)


def test_a_perfect_copy_costs_the_labels_alone():
    logits, labels = noise(5, 4), torch.tensor([0, 1, 2, 3, 0])
    hard = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(distillation_loss(logits, logits, labels, 3.0, 0.6), 0.4 * hard)
    torch.testing.assert_close(distillation_loss(logits, noise(5, 4, seed=1), labels, 3.0, 0.0), hard)


@LAYERS
def test_gradients(layer):
    """The gradient of the soft term by a logit is T (q - p) / b; nothing goes back to the teacher."""
    student, teacher = noise(4, 5).requires_grad_(), noise(4, 5, seed=1).requires_grad_()
    labels = torch.tensor([4, 0, 2, 2])
    with switch.using(layer):
        assert torch.autograd.gradcheck(
            lambda x: distillation_loss(x, teacher.detach(), labels, 3.0, 0.7), student
        )
        distillation_loss(student, teacher, labels, 3.0, 1.0).backward()
    wanted = 3.0 * ((student / 3).softmax(1) - (teacher / 3).softmax(1)) / 4
    torch.testing.assert_close(student.grad, wanted.detach())
    assert teacher.grad is None


def test_the_size_of_the_gradient_does_not_shrink_with_the_temperature():
    """At a high temperature the gradient tends to (z - v) / k of centred logits (the paper's eq. 4)."""
    student, teacher = noise(3, 4).requires_grad_(), noise(3, 4, seed=1)
    (slope,) = torch.autograd.grad(
        distillation_loss(student, teacher, torch.tensor([0, 1, 2]), 1e4, 1.0), student
    )
    apart = (student - student.mean(1, keepdim=True)) - (teacher - teacher.mean(1, keepdim=True))
    torch.testing.assert_close(slope, apart.detach() / 4 / 3, atol=1e-3, rtol=1e-3)


def test_labels_may_be_shares():
    student, teacher, labels = noise(3, 4), noise(3, 4, seed=1), torch.tensor([3, 1, 0])
    shares = torch.nn.functional.one_hot(labels, 4).double()
    for given_shares in (shares, shares.float()):  # which a loader makes in float32
        found = distillation_loss(student, teacher, given_shares, 2.0, 0.5)
        torch.testing.assert_close(found, distillation_loss(student, teacher, labels, 2.0, 0.5))


@LAYERS
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_is_computed_in_single_precision(layer, dtype):
    student, teacher = noise(6, 5).to(dtype), noise(6, 5, seed=1).to(dtype)
    student.requires_grad_()
    labels = torch.arange(6) % 5
    with switch.using(layer):
        found = distillation_loss(student, teacher, labels, 4.0, 0.9)
        found.backward()
    assert found.dtype == torch.float32 and student.grad.dtype == dtype
    wanted = naive(student.detach().double(), teacher.double(), labels, 4.0, 0.9)
    # The logits are the rounded ones, so what is left is float32's own rounding.
    assert found.item() == pytest.approx(wanted, rel=1e-5)


@LAYERS
def test_extremes_stay_finite(layer):
    """Probabilities that underflow to 0 count 0; where the teacher is sure of another class, it costs."""
    student = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    labels = torch.tensor([1])
    with switch.using(layer):
        same = distillation_loss(student, student.detach(), torch.tensor([0]), 2.0, 0.5)
        other = distillation_loss(student, torch.tensor([[-1e4, 1e4, 0.0]]), labels, 2.0, 0.5)
        other.backward()
    assert same.item() == 0
    assert other.item() == pytest.approx(0.5 * 1e4 + 0.5 * 4 * 5e3)
    assert torch.isfinite(student.grad).all()


@LAYERS
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"teacher_logits": torch.zeros(3, 5)}, r"\(3, 4\) and \(3, 5\), equal ones"),
        ({"temperature": 0.0}, "temperature is 0.0, a finite number > 0"),
        ({"temperature": math.inf}, "temperature is inf"),
        ({"weight": 1.5}, "weight is 1.5, a share from 0 to 1"),
        ({"weight": math.nan}, "weight is nan"),
        ({"student_logits": torch.zeros(4), "teacher_logits": torch.zeros(4)}, r"\(batch, classes\)"),
        ({"labels": torch.tensor([0, 1, 4])}, "holds 4, numbers from 0 to 3"),
        ({"labels": torch.tensor([0, 1])}, "y has shape"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_makes_no_sense_is_refused(layer, change, sentence):
    fitting = {"student_logits": torch.zeros(3, 4), "teacher_logits": torch.zeros(3, 4)}
    fitting |= {"labels": torch.tensor([0, 1, 2]), "temperature": 2.0, "weight": 0.5}
    with switch.using(layer), pytest.raises(ValueError, match=sentence):
        distillation_loss(**fitting | change)


def test_no_example_is_refused():
    with pytest.raises(ValueError, match="an example was wanted"):
        distillation_loss(torch.zeros(0, 4), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), 2.0, 0.5)
