"""What was fetched from where, with the SHA-256 that came: all that is known of files without a checksum."""

import hashlib
import json
from pathlib import Path
from typing import Any

from gradschool.data.cache import cache_folder
from gradschool.data.setinfo import SetInfo


def fetched(info: SetInfo, coming: Path) -> list[dict[str, Any]]:
    """Address, size and SHA-256 of each file, whether or not its source publishes one."""
    told = []
    for file in info.files:
        with (coming / file.name).open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        told.append(
            {
                "file": file.name,
                "url": file.url,
                "bytes": (coming / file.name).stat().st_size,
                "sha256": digest,
            }
        )
    return told


def record_of(info: SetInfo) -> Path:
    """Where it is written down what was fetched from where: beside the set's folder in the cache."""
    return cache_folder() / f"{info.name}.fetched.json"


def record(info: SetInfo) -> list[dict[str, Any]]:
    """What was written down when a set was fetched into the cache; [] for one that lies elsewhere."""
    try:
        found: list[dict[str, Any]] = json.loads(record_of(info).read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return []


def write(info: SetInfo, told: list[dict[str, Any]]) -> None:
    """Write down what was fetched."""
    record_of(info).write_text(json.dumps(told, indent=1), encoding="utf-8")
