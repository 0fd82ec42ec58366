"""What self-distillation refuses; see gradschool.ops.practice.self_distillation."""

from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, shaped

VIEWS = "(views, pictures, outputs)"


def above_zero(**temperatures: float) -> None:
    """Refuse temperatures that do not divide."""
    for name, value in temperatures.items():
        if not value > 0:
            raise ValueError(f"{name} is {value}, a number > 0 was wanted")


def teacher_probabilities(teacher: Tensor, centre: Tensor, temperature: float = 0.04) -> None:
    """A centre of as many numbers as there are outputs."""
    floating(teacher=teacher, centre=centre)
    axes("teacher", teacher, "(..., outputs)", 1)
    shaped("centre", centre, teacher.shape[-1:])
    above_zero(temperature=temperature)


def self_distillation_loss(
    student: Tensor,
    teacher: Tensor,
    centre: Tensor,
    temperature: float = 0.1,
    teacher_temperature: float = 0.04,
) -> None:
    """Two views or more, of which the teacher sees some."""
    floating(student=student)
    teacher_probabilities(teacher, centre, teacher_temperature)
    axes("student", student, VIEWS, 3, 3)
    axes("teacher", teacher, VIEWS, 3, 3)
    if student.shape[1:] != teacher.shape[1:] or not 1 <= teacher.shape[0] <= student.shape[0]:
        raise ValueError(
            f"shapes are {tuple(student.shape)} and {tuple(teacher.shape)}, the same pictures and outputs "
            "and at most as many views of the teacher as of the student were wanted"
        )
    if student.shape[0] < 2:
        raise ValueError(
            f"student has shape {tuple(student.shape)}, two views or more were wanted: "
            "a view is not compared with itself"
        )
    if student.shape[1] == 0:
        raise ValueError(f"student has shape {tuple(student.shape)}, one picture or more was wanted")
    above_zero(temperature=temperature)


def moving_centre(centre: Tensor, teacher: Tensor, momentum: float = 0.9) -> None:
    """A mean over one picture or more, and a share of the old centre."""
    floating(centre=centre, teacher=teacher)
    axes("teacher", teacher, VIEWS, 3, 3)
    shaped("centre", centre, teacher.shape[2:])
    if teacher.shape[:2].numel() == 0:
        raise ValueError(f"teacher has shape {tuple(teacher.shape)}, one picture or more was wanted")
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum is {momentum}, a number from 0 to 1 was wanted")
