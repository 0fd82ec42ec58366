"""Environments of Gymnasium by their id, and of the user's own from a file, checked first."""

import importlib.util
import re
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gradschool.errors import UserError
from gradschool.parts import need
from gradschool.phrases import did_you_mean, nearest
from gradschool.rl.atari import Screen, is_screen, quiet

EXAMPLE = "Example: CartPole-v1, or my_env.py:MyEnv"


def registered(name: str, others: Iterable[str], training: bool, render: bool) -> Callable[[], Any]:
    """What makes one copy of an environment that Gymnasium knows.

    Args:
        name: its id, e.g. "LunarLander-v3"; "ALE/..." are Atari games.
        others: names of the library's own worlds, for the sentence.
        training: of Atari games: clipped rewards, and the loss of a life ends an episode.
        render: whether `render` gives pictures.

    Raises:
        UserError: there is none of that name, or what it needs is not installed.
    """
    # 1. Gymnasium, and for Atari games its emulator.
    if not re.search(r"-v\d+$|/", name) and importlib.util.find_spec("gymnasium") is None:
        raise unknown(name, others)
    need("gymnasium", "rl", f"the world {name}")
    import gymnasium

    options: dict[str, Any] = {"render_mode": "rgb_array"} if render else {}
    if name.startswith("ALE/"):
        need("ale_py", "rl", f"the Atari game {name}")
        quiet()
        options |= {"frameskip": 1, "repeat_action_probability": 0.0, "obs_type": "grayscale"}

    # 2. A first copy shows whether there is such an environment.
    def create() -> Any:
        env = gymnasium.make(name, disable_env_checker=True, **options)
        return Screen(env, 4 if name.startswith("ALE/") else 1, training) if is_screen(env) else env

    try:
        create().close()
    except gymnasium.error.DependencyNotInstalled as error:
        said = str(error).split(",")[0].rstrip(". ")
        raise UserError(f"{name} cannot be made: {said}", "", "Install that, and try again.") from error
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.NamespaceNotFound) as error:
        raise unknown(name, [*others, *gymnasium.registry]) from error
    return create


def unknown(name: str, known: Iterable[str]) -> UserError:
    """The sentence for a name that nothing has."""
    known = list(known)
    near = did_you_mean(nearest(name, known, 3))
    wanted = "a world of the library, an id of Gymnasium, a drawing.txt or FILE.py:CLASS"
    return UserError(f"there is no world {name!r}", wanted, near.strip() or EXAMPLE)


def from_file(name: str, render: bool) -> Callable[[], Any]:
    """What makes one copy of an environment of the user's own.

    Args:
        name: FILE.py:CLASS.
        render: whether `render` gives pictures.

    Raises:
        UserError: there is no such file or class, it cannot be loaded, or Gymnasium's checker refuses it.
    """
    need("gymnasium", "rl", f"an environment of your own ({name})")
    from gymnasium.utils.env_checker import check_env

    # 1. The class.
    place, _, wanted = name.rpartition(":")
    made = loaded(Path(place).expanduser())
    found = [key for key, value in vars(made).items() if isinstance(value, type) and hasattr(value, "step")]
    kind = getattr(made, wanted, None)
    if not callable(kind):
        classes = ", ".join(found) or "no class with a step method"
        raise UserError(f"{place} has no class {wanted!r}", f"one of: {classes}", EXAMPLE)
    # 2. A copy of it goes through the checker.
    options: dict[str, Any] = {"render_mode": "rgb_array"} if render else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_env(kind(), skip_render_check=True)
    except Exception as error:  # whatever somebody else's program raises
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(". ")
        advice = "Mend it; gymnasium.utils.env_checker.check_env says the same."
        raise UserError(f"{name} does not pass Gymnasium's checker: {said}", "", advice) from error
    return lambda: kind(**options)


def loaded(file: Path) -> Any:
    """A Python file as a module.

    Raises:
        UserError: it is not there, or raises when it is loaded.
    """
    if not file.is_file():
        raise UserError(f"there is no file {file}", "a Python file with a class", EXAMPLE)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None, "a .py file has a loader"
    made = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, made)
    try:
        spec.loader.exec_module(made)
    except Exception as error:  # whatever is in it
        said = f"{type(error).__name__}: {error}".rstrip(". ")
        raise UserError(f"{file} cannot be loaded: {said}", "", "Mend it, and try again.") from error
    return made
