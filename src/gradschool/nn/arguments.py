"""Arguments of torch.nn that a layer here does not offer, refused by name."""


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
