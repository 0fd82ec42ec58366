"""Arguments of torch.nn that a layer here does not offer, refused by name, and sizes that are none."""

from collections.abc import Sequence


def check_sizes(**given: int | Sequence[int]) -> None:
    """Refuse sizes of a layer that are no whole numbers >= 0.

    Args:
        given: by name; several in a sequence.

    Raises:
        ValueError: one is negative, has a fraction, or is no number.
    """
    for name, value in given.items():
        for size in value if isinstance(value, Sequence) else (value,):
            if isinstance(size, bool) or not hasattr(size, "__index__") or size < 0:
                raise ValueError(f"{name} is {value!r}, a whole number >= 0 was wanted")


def refuse(layer: str, **given: tuple[object, object]) -> None:
    """Refuse arguments that are not at the one value that a layer takes.

    Args:
        layer: its name.
        given: by name, what came and the value that does nothing.

    Raises:
        ValueError: an argument has another value.
    """
    for name, (value, only) in given.items():
        if value != only:
            raise ValueError(f"{layer} has no {name}: {value!r} came, only {only!r} is offered; leave it out")
