"""What contrastive learning refuses; see gradschool.ops.practice.contrastive."""

from torch import Tensor

from gradschool.ops.accepts.common import axes, floating


def some_numbers(name: str, z: Tensor) -> None:
    """Refuse vectors of no numbers: they have no length."""
    if z.shape[-1] == 0:
        raise ValueError(f"{name} has shape {tuple(z.shape)}, vectors of one number or more were wanted")


def directions(z: Tensor) -> None:
    """Vectors along the last axis."""
    floating(z=z)
    axes("z", z, "(..., numbers)", 1)
    some_numbers("z", z)


def nt_xent(views: Tensor, temperature: float = 0.5) -> None:
    """Two views of each of two pictures or more, and a temperature above 0."""
    floating(views=views)
    axes("views", views, "(2, pictures, numbers)", 3, 3)
    if views.shape[0] != 2:
        raise ValueError(f"views have shape {tuple(views.shape)}, two views of each picture were wanted")
    if views.shape[1] < 2:
        raise ValueError(
            f"views have shape {tuple(views.shape)}, two pictures or more were wanted: "
            "the others are the negatives"
        )
    some_numbers("views", views)
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, a number > 0 was wanted")


def spread(z: Tensor) -> None:
    """Two vectors or more."""
    floating(z=z)
    axes("z", z, "(vectors, numbers)", 2, 2)
    if z.shape[0] < 2:
        raise ValueError(f"z has shape {tuple(z.shape)}, two vectors or more were wanted")
    some_numbers("z", z)
