"""gradschool add: the parts, and what installs them. The launcher installs those that are named first."""

from dataclasses import asdict, dataclass
from typing import Annotated

import tyro

from gradschool import parts
from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import hanging


@dataclass(frozen=True)
class Args:
    """Add parts to the environment that the launcher made: ./gradschool add rl. Without a name: list them."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Which parts."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """List all parts, or those that were named.

    Raises:
        UserError: there is no such part, or it is missing; only the launcher and pip install.
    """
    names = parts.known(args.names) or tuple(parts.table())
    found = {name: parts.is_installed(name) for name in names}
    for name, is_here in found.items():
        part = parts.table()[name]
        size = f"{part.megabytes:,} MB {part.seconds:>3} s"
        print(hanging(f" {name:<12} {'installed' if is_here else '':<10} {size:>15}   ", part.purpose))
    missing = [name for name in args.names if not found[name]]
    if missing:
        what = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        raise UserError(what, "", f"Run: {parts.command(*missing)}")
    if not args.names:
        print(hanging("\n ", f"Megabytes and seconds are rough. To install one: {parts.command('NAME')}"))
    finish(
        args, {"parts": {name: asdict(parts.table()[name]) | {"installed": found[name]} for name in names}}
    )
    return 0
