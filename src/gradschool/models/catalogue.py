"""Find a network by name: a function of a file in this package whose first parameter is `classes` (networks
that classify), `shape` (networks that make pictures), `labels` (networks that give each pixel a class),
`history` (networks that forecast), `vocabulary` (networks that predict a token from the last few), `tokens`
(networks that read a text and carry a state), `pieces` (decoders, which predict the token after every one of
a window), `wordpieces` (encoders that fill in masked tokens), `sources` (networks that read a text and write
another), `words` (networks that classify texts) or `symbols` (networks that read strings of a formal
language).

Listing reads the source only, so it is quick and imports nothing heavy.
"""

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gradschool import scan
from gradschool.errors import UserError
from gradschool.phrases import did_you_mean, nearest

if TYPE_CHECKING:
    from torch import nn


def listing(first: str = "classes", other: str = "") -> dict[str, str]:
    """Every size function's name and its module, e.g. {"resnet18": "gradschool.models.vision.resnet"}.

    Args:
        first: the functions' first parameter, as above.
        other: another one that will do; "" for none.
    """
    found, wanted = {}, {first, other}
    for module, node in scan.definitions("gradschool.models", Path(__file__).parent):
        if isinstance(node, ast.FunctionDef) and node.args.args and node.args.args[0].arg in wanted:
            found[node.name] = module
    return found


def find(name: str, first: str = "classes", other: str = "") -> Callable[..., "nn.Module"]:
    """The size function of a name, e.g. "resnet18"; `first` and `other` as in `listing`.

    Raises:
        UserError: there is none; the nearest is named.
    """
    known = listing(first, other)
    if name not in known:
        guess = did_you_mean(nearest(name, known))
        raise UserError(f"there is no model {name!r}", f"one of {', '.join(known)}", guess)
    function: Callable[..., nn.Module] = getattr(importlib.import_module(known[name]), name)
    return function


def name_of(function: Callable[..., "nn.Module"]) -> str:
    """The name under which `find` finds a function."""
    return function.__name__
