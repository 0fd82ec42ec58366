"""The data pack, for tests of language models and word vectors."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def pack() -> Path:
    """The folder of the data pack; tests that need it are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    found = Path(os.environ.get("GRADSCHOOL_DATA") or beside)
    if not (found / "wordvectors").is_dir():
        pytest.skip("no data pack: neither GRADSCHOOL_DATA nor shared/data beside the project")
    return found
