"""gradschool doctor: what is here, and what each finding means."""

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from gradschool import parts
from gradschool.cli.main import finish
from gradschool.cli.project.data import is_absent, megabytes, waiting
from gradschool.phrases import command, counted, hanging


@dataclass(frozen=True)
class Args:
    """Explain this machine: Python, torch, device, data and optional parts."""

    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Look, and say what it means."""
    import torch

    from gradschool.data.cache import cache_folder
    from gradschool.engine.device import choose, cpu_name

    cache = cache_folder()
    machine = choose("auto", "auto", cache)
    free = shutil.disk_usage(existing(cache)).free / 1e9
    lines = {
        "Python": f"{platform.python_version()} on {platform.platform()}",
        "torch": f"{torch.__version__}, {torch.get_num_threads()} threads",
        "processor": f"{cpu_name()}, {counted(os.cpu_count() or 1, 'core')}",
        "device": f"{machine.device}: {machine.reason}",
        "cache": f"{cache} ({free:.0f} GB free)",
        "data packs": os.environ.get("GRADSCHOOL_DATA")
        or "none (set GRADSCHOOL_DATA to a folder of data sets)",
    }
    stuck = waiting()
    lines |= about_sets(len(stuck))
    lines["parts"] = f"{parts.command('NAME')} installs one"
    for name, part in parts.table().items():
        here = "installed" if parts.is_installed(name) else "not installed"
        lines[name] = f"{here}: {part.purpose}"
    for name, text in lines.items():
        print(hanging(f" {name:<12} ", text))
    advice = "nothing: everything in the course runs here"
    if stuck:
        advice = f"{len(stuck)} recipes wait for sets that are not here: {command('data fetch NAME')}"
    if free < 5:
        advice = f"free some disk space: {free:.1f} GB are left and data sets are unpacked there"
    print(hanging(" to do        ", advice))
    finish(args, {"doctor": lines})
    return 0


def about_sets(waiting: int) -> dict[str, str]:
    """Which sets are here, which are not, and how many recipes can run; `waiting` of them lack their set."""
    from gradschool.data.catalogue import all_sets
    from gradschool.recipes import listing

    absent = [info for info in all_sets() if is_absent(info)]
    lines = {"sets here": ", ".join(info.name for info in all_sets() if info not in absent)}
    if absent:
        lines["sets absent"] = ", ".join(f"{info.name} ({megabytes(info.size)})" for info in absent)
    known = len(listing())
    told = f"{known - waiting} of {known} have their data here; {command('train')} says which wait for what"
    return lines | {"recipes": told}


def existing(path: Path) -> Path:
    """The nearest folder above that exists."""
    return path if path.exists() else existing(path.parent)
