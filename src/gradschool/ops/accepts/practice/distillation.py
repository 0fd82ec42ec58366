"""What the loss of distillation refuses; see gradschool.ops.practice.distillation."""

import math

from torch import Tensor

from gradschool.ops.accepts.common import alike, axes, floating


def distillation_loss(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float = 4.0,
    weight: float = 0.9,
) -> None:  # fmt: skip
    """Logits of one shape, a temperature above 0, a weight from 0 to 1; labels are looked at by the loss."""
    floating(student_logits=student_logits, teacher_logits=teacher_logits)
    axes("student_logits", student_logits, "(batch, classes)", 2, 2)
    alike(student_logits, teacher_logits)
    if student_logits.shape[0] == 0:
        raise ValueError(f"student_logits have shape {tuple(student_logits.shape)}, an example was wanted")
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature is {temperature}, a finite number > 0 was wanted")
    if not 0 <= weight <= 1:
        raise ValueError(f"weight is {weight}, a share from 0 to 1 was wanted")
