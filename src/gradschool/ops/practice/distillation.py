"""Knowledge distillation: a student learns the probabilities that a teacher gives to all classes.

Wrong classes with a small probability say which classes look alike; a temperature above 1 makes them visible.
Source: Hinton et al. 2015, section 2. Deviation: the soft term is the KL divergence, which is the paper's
cross-entropy minus the teacher's entropy: a constant, so the gradients are the same, and 0 is a perfect copy.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.activation import log_softmax, softmax
from gradschool.ops.loss import cross_entropy, kl_div
from gradschool.ops.switch import op

Logits = Float[Tensor, "b k"]


@op
def distillation_loss(
    student_logits: Logits,
    teacher_logits: Logits,
    labels: Int64[Tensor, " b"] | Float[Tensor, "b k"],
    temperature: float = 4.0,
    weight: float = 0.9,
) -> Float[Tensor, ""]:
    """(1 - weight) times the cross-entropy with the labels, plus weight times T^2 KL(teacher, student) at T.

    Args:
        student_logits: of b >= 1 examples over k classes.
        teacher_logits: of the same examples; constants, no gradient goes back to the teacher.
        labels: true classes 0 to k - 1, or a share of each class that sums to 1.
        temperature: T > 0, by which both logits are divided in the soft term; 1 leaves them as they are.
        weight: of the soft term, 0 (labels alone) to 1 (teacher alone).

    Returns:
        The mean over examples in nats; in float32 for logits of half precision, whose rounding would be as
        large as the divergence.

    Source: Hinton et al. 2015, section 2: gradients of the soft term shrink as 1 / T^2, so it is multiplied
    by T^2, and the share of each term stays as it is when T changes.
    """
    # 1. At least in single precision; the teacher is a constant.
    precise = torch.promote_types(student_logits.dtype, torch.float32)
    student, teacher = student_logits.to(precise), teacher_logits.detach().to(precise)
    # 2. The hard term: the true classes, at temperature 1.
    hard = cross_entropy(student, labels.to(precise) if labels.is_floating_point() else labels)
    # 3. The soft term: KL divergence from the softened teacher to the softened student, mean over examples.
    log_q, p = log_softmax(student / temperature, 1), softmax(teacher / temperature, 1)
    soft = kl_div(log_q, p, "batchmean")
    # 4. T^2 gives the soft term gradients as large as those of the hard one.
    return (1 - weight) * hard + weight * temperature**2 * soft
