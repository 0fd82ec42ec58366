"""What of a network is trained and kept in checkpoints when LoRA is: the two thin matrices of each layer."""

from typing import Any

from torch import nn

from gradschool.errors import UserError
from gradschool.nn.attention.lora import adapt


class Adapted(nn.Module):
    """A network of whose parameters only those that are trained are known: LoRA, and what was put on top.

    The network itself is not registered, so neither an optimiser nor a checkpoint sees its frozen weights.

    Args:
        network: with LoRA put in.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.__dict__["network"] = network
        trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self.learnt = nn.ParameterDict({name.replace(".", "/"): p for name, p in trained.items()})

    def train(self, mode: bool = True) -> "Adapted":
        """The network goes along."""
        self.__dict__["network"].train(mode)
        return super().train(mode)

    def forward(self, *args: Any, **given: Any) -> Any:
        """What the network says."""
        return self.__dict__["network"](*args, **given)


def with_lora(network: nn.Module, rank: int, alpha: float, layers: tuple[str, ...]) -> nn.Module:
    """The network with LoRA in these layers, everything else frozen.

    Raises:
        UserError: the rank is too high, or no layer has such a name.
    """
    try:
        return adapt(network, rank, alpha, layers)
    except ValueError as error:
        raise UserError(f"lora cannot be put in: {error}", "", "Example: --set lora=8") from error
