"""Environments of Gymnasium by their id, and of the user's own from a file, checked first."""

import importlib.util
import inspect
import re
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gradschool.errors import UserError
from gradschool.parts import command, is_installed, need
from gradschool.phrases import did_you_mean, nearest, raised
from gradschool.rl.atari import Screen, is_screen, quiet
from gradschool.rl.consoles import MARIO, SKIP, mario

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
    # 1. Gymnasium, and the emulator of games on a screen.
    if not re.search(r"-v\d+$|/", name) and importlib.util.find_spec("gymnasium") is None:
        raise unknown(name, others)
    need("gymnasium", "rl", f"the world {name}")
    if name.startswith(MARIO):
        game = mario(name)
        return lambda: Screen(game(), SKIP, training)
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
        has_part = "box2d" not in said.lower() or is_installed("rl")
        advice = "Install that, and try again." if has_part else f"Run: {command('rl')}"
        raise UserError(f"{name} cannot be made: {said}", "", advice) from error
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.NamespaceNotFound) as error:
        raise unknown(name, [*others, *gymnasium.registry]) from error
    except Exception as error:  # an old version, a module that is not there, whatever a maker raises
        raise UserError(f"{name} cannot be made: {raised(error)}", "", EXAMPLE) from error
    return create


def unknown(name: str, known: Iterable[str]) -> UserError:
    """The sentence for a name that nothing has."""
    known = list(known)
    near = did_you_mean(nearest(name, known, 3))
    wanted = "a world of the library, an id of Gymnasium, a drawing.txt or FILE.py:CLASS"
    return UserError(f"there is no world {name!r}", wanted, near.strip() or EXAMPLE)


def from_file(name: str, training: bool, render: bool) -> Callable[[], Any]:
    """What makes one copy of an environment of the user's own.

    Args:
        name: FILE.py:CLASS; a function that makes one does as well as a class.
        training: of games on a screen, as for `registered`.
        render: whether `render` gives pictures.

    Raises:
        UserError: there is no such file or class, it cannot be loaded, or Gymnasium's checker refuses it.
    """
    need("gymnasium", "rl", f"an environment of your own ({name})")
    from gymnasium.utils.env_checker import check_env

    # 1. The class.
    place, _, wanted = name.rpartition(":") if ".py:" in name else (name, "", "")
    made = loaded(Path(place).expanduser())
    found = [key for key, value in vars(made).items() if isinstance(value, type) and hasattr(value, "step")]
    kind = getattr(made, wanted, None)
    if not callable(kind):
        classes = f"one of: {', '.join(found)}" if found else "a class with a step method"
        what = f"{place} has no class {wanted!r}" if wanted else f"{name} names a file and no class"
        raise UserError(what, classes, EXAMPLE)
    # 2. A copy of it goes through the checker.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_env(kind(), skip_render_check=True)
    except Exception as error:  # whatever somebody else's program raises
        advice = "Mend it; gymnasium.utils.env_checker.check_env says the same."
        what = f"{name} does not pass Gymnasium's checker: {raised(error)}"
        raise UserError(what, "", advice) from error
    # 3. Copies, that draw themselves if they can, and show pictures as games do.
    draws = render and "render_mode" in inspect.signature(kind).parameters

    def create() -> Any:
        env = kind(render_mode="rgb_array") if draws else kind()
        return Screen(env, 1, training) if is_screen(env) else env

    return create


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
    except (Exception, SystemExit) as error:  # whatever is in it
        what = f"{file} cannot be loaded: {raised(error)}"
        raise UserError(what, "", "Mend it, and try again.") from error
    return made
