"""Self-distillation: from one view of a picture, predict what one's own moving average says of another view.

Without labels and without negatives the answer could always be the same. Two opposite means prevent that
collapse: **centring** (no output may win for every picture) and **sharpening** (the answer may not be even).
g: views that the teacher sees; v: views that the student sees, the teacher's first; k: outputs.
Source: Caron et al. 2021 (DINO), section 3.1 and algorithm 1.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.activation import log_softmax, softmax
from gradschool.ops.switch import op


@op
def teacher_probabilities(
    teacher: Float[Tensor, "*n k"], centre: Float[Tensor, " k"], temperature: float = 0.04
) -> Float[Tensor, "*n k"]:
    """The teacher's answer, centred and sharpened: softmax((g - c) / tau); a constant, without gradient.

    Args:
        teacher: logits. Half precision is computed and returned in float32.
        centre: c, the moving mean of such logits.
        temperature: tau > 0, well below the student's.

    Source: Caron et al. 2021, section 3.1 (avoiding collapse).
    """
    logits = teacher.detach().to(torch.promote_types(teacher.dtype, torch.float32))
    return softmax((logits - centre.detach()) / temperature, -1)


@op
def self_distillation_loss(
    student: Float[Tensor, "v n k"],
    teacher: Float[Tensor, "g n k"],
    centre: Float[Tensor, " k"],
    temperature: float = 0.1,
    teacher_temperature: float = 0.04,
) -> Float[Tensor, ""]:
    """Cross-entropy of the student's answer to one view with the teacher's answer to another.

    Args:
        student: logits of v >= 2 views of n pictures.
        teacher: logits of g <= v views, constants; view i is the student's view i.
        centre: c, the moving mean of the teacher's logits.
        temperature: of the student, > 0.
        teacher_temperature: > 0.

    Returns:
        The mean over the g (v - 1) pairs of different views and over pictures in nats, float32 at least.

    Source: Caron et al. 2021, eq. 3.
    """
    # 1. Both answers.
    p = teacher_probabilities(teacher, centre, teacher_temperature)
    student = student.to(torch.promote_types(student.dtype, torch.float32))
    log_q = log_softmax(student / temperature, -1)
    # 2. -sum_k p log q for each teacher's view with each student's view, averaged over pictures.
    cost = -torch.einsum("gnk,vnk->gv", p, log_q) / student.shape[1]
    # 3. The same view on both sides does not count.
    g, v = cost.shape
    same = torch.eye(g, v, dtype=torch.bool, device=cost.device)
    return cost.masked_fill(same, 0).sum() / (g * (v - 1))


@op
def moving_centre(
    centre: Float[Tensor, " k"], teacher: Float[Tensor, "g n k"], momentum: float = 0.9
) -> Float[Tensor, " k"]:
    """The next centre: m c + (1 - m) times the mean of the teacher's logits over views and pictures.

    Args:
        centre: c so far; zeros at the start.
        teacher: logits of this batch.
        momentum: m, 0 to 1.

    Source: Caron et al. 2021, eq. 4.
    """
    mean = teacher.detach().to(centre.dtype).mean((0, 1))
    return momentum * centre + (1 - momentum) * mean
