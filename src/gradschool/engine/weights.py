"""Weights from a file: safetensors only, since such a file holds numbers and no code."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from gradschool.errors import UserError


def read_weights(file: Path, device: str = "cpu") -> dict[str, Tensor]:
    """The tensors of a file by name.

    Raises:
        UserError: the file is damaged.
    """
    try:
        return load_file(file, device=device)
    except SafetensorError as error:
        wanted = "a whole .safetensors file"
        raise UserError(f"{file} is damaged ({error})", wanted, "Bring it again, or train again.") from error
