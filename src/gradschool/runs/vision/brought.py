"""A backbone that was brought: a folder or a .safetensors file in place of a name.

A folder is one that timm saves (config.json names the network and its normalisation), a finished run of ours,
or holds one file whose name is that of its network, as a file alone must.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradschool.errors import UserError
from gradschool.phrases import command
from gradschool.runs.vision.backbone import CONVERT, UNSAFE, expects, found, is_network

USUAL, CONFIG, EXPECTED = "model.safetensors", "config.json", ("input_size", "mean", "std")
WANTED = "one .safetensors file in it, and config.json or a file name that says of which network"


@dataclass(frozen=True)
class Brought:
    """Of which network of timm the weights are, where they lie, and what timm does not know of them.

    Args:
        name: of the network.
        weights: the file.
        learnt_from: `input_size`, `mean` and `std` of the pictures, where they differ from timm's.
    """

    name: str
    weights: Path
    learnt_from: dict[str, Any] = field(default_factory=dict)


def brought(backbone: str) -> Brought | None:
    """What lies in a folder or file that is given as a backbone; None for the name of a network.

    Raises:
        UserError: nothing is there, or it holds no weights of a network of timm that are safe to open.
    """
    path = Path(backbone).expanduser()
    is_path = bool({"/", os.sep} & set(backbone)) or path.suffix in (".safetensors", *UNSAFE)
    if not is_path and (is_network(backbone) or not path.exists()):
        return None
    if not path.exists():
        wanted = "a network of timm by name, or a folder or .safetensors file with weights of one"
        raise UserError(f"there is no {path}", wanted, "Check the path.")
    if path.is_dir():
        return in_folder(path)
    if path.suffix != ".safetensors":
        raise UserError(
            f"backbone is {path}, and such a file can run code when it is opened", "a .safetensors file",
            CONVERT,
        )  # fmt: skip
    if is_network(path.stem):
        return Brought(path.stem, path)
    return described(path, read(path.parent / CONFIG))


def in_folder(folder: Path) -> Brought:
    """The weights of a folder.

    Raises:
        UserError: it has none, or several and none is called model.safetensors.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        unsafe = [file for file in sorted(folder.iterdir()) if file.suffix in UNSAFE]
        lacks = f"{folder} has no weights"
        what = f"{lacks} but {unsafe[0].name}, which can run code when it is opened" if unsafe else lacks
        raise UserError(what, WANTED, CONVERT if unsafe else "Check the path.")
    names = [file.name for file in files]
    if len(files) > 1 and USUAL not in names:
        what = f"{folder} has {len(files)} files of weights: {', '.join(names)}"
        raise UserError(what, f"one, or one that is called {USUAL}", "Name the file: --set backbone=FILE.")
    file = folder / USUAL if USUAL in names else files[0]
    config = read(folder / CONFIG)
    return Brought(file.stem, file) if not config and is_network(file.stem) else described(file, config)


def described(file: Path, config: Mapping[str, Any]) -> Brought:
    """Weights with what the config.json beside them says: timm's, or that of a run of ours.

    Raises:
        UserError: it says of no network of timm.
    """
    settings = config.get("settings")
    if config.get("kind") == "transfer" and isinstance(settings, dict):
        facts = read(file.parent / "model.json")
        own = {"input_size": facts.get("input"), "mean": facts.get("mean"), "std": facts.get("std")}
        name = str(settings.get("backbone"))
    else:
        own = {**config, **(config.get("pretrained_cfg") or {})}
        name = str(config.get("architecture", ""))
        tagged = f"{name}.{own.get('tag')}"
        name = tagged if own.get("tag") and is_network(name) and is_tagged(tagged) else name
    if not is_network(name):
        raise UserError(*unknown(file, config, name))
    return Brought(name, file, differing(name, {key: own[key] for key in EXPECTED if own.get(key)}))


def unknown(file: Path, config: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    """The sentence about weights of a network that nobody can name."""
    wanted = "NAME.safetensors with the name of a network of timm, or config.json with its architecture"
    both = f"Name the network, too: --set backbone=NAME --set weights={file}"
    if config.get("model_type"):
        what = f"{file.parent} is a {config['model_type']} of Hugging Face transformers"
        advice = command("train text --set", f"backbone={file.parent}")
        return what, "a network of timm, which sees pictures", f"An encoder of texts: {advice}"
    if name:
        return f"{file.parent / CONFIG} names {name!r}, which timm does not have", wanted, both
    return f"nothing says of which network the weights in {file} are", wanted, both


def is_tagged(name: str) -> bool:
    """Whether timm knows the tag of a name."""
    try:
        return bool(found(name))
    except UserError:
        return False


def differing(name: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of the pictures, where it is not what timm says of the network.

    Raises:
        UserError: it makes no sense.
    """
    lists = {key: [float(each) for each in value] for key, value in own.items() if is_row(value)}
    if lists.keys() != own.keys() or any(len(value) not in (1, 3) for value in lists.values()):
        wrong = next(key for key in own if key not in lists or len(lists[key]) not in (1, 3))
        raise UserError(f"{wrong} of a backbone's {CONFIG} is {own[wrong]!r}", "one or three numbers", "")
    if "input_size" in lists:
        lists["input_size"] = [int(each) for each in lists["input_size"]]
    usual = expects(name)
    known = {"input_size": [3, usual.side, usual.side], "mean": [*usual.mean], "std": [*usual.std]}
    return {key: value for key, value in lists.items() if value != known[key]}


def is_row(value: Any) -> bool:
    """Whether it is a list of numbers."""
    return isinstance(value, list | tuple) and all(isinstance(each, int | float) for each in value)


def read(file: Path) -> dict[str, Any]:
    """A JSON object; {} where there is no such file.

    Raises:
        UserError: it is no JSON object.
    """
    if not file.is_file():
        return {}
    try:
        found_there = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"{file} cannot be read ({error})", "a JSON object", "Bring it again.") from error
    if not isinstance(found_there, dict):
        raise UserError(f"{file} holds no JSON object", "one that describes a network", "Bring it again.")
    return found_there
