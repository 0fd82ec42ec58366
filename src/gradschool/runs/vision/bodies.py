"""A network without its last linear layer: an encoder, which may get another head."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from gradschool.errors import UserError
from gradschool.evals.features import last_linear
from gradschool.runs.settings import make_model


class Headed(nn.Module):
    """An encoder and what is made of its features.

    Args:
        body: pictures to features (b, width).
        head: features to logits.
    """

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.head(self.body(x))


def encoder(
    model: Callable[..., nn.Module], channels: int, options: Mapping[str, Any]
) -> tuple[nn.Module, int]:
    """A network of the catalogue that classifies, without its last layer, and the width of its features.

    Args:
        model: its size function.
        channels: of the pictures.
        options: further arguments of the function.

    Raises:
        UserError: it has no linear layer at its end.
    """
    made = make_model(model, 2, channels, options=options)
    try:
        layer: Any = last_linear(made)
    except ValueError as error:
        raise UserError(f"model is {model.__name__}: {error}", "", "") from error
    name = next(name for name, each in made.named_modules() if each is layer)
    place, _, own = name.rpartition(".")
    setattr(made.get_submodule(place), own, nn.Identity())
    return made, layer.weight.shape[1]
