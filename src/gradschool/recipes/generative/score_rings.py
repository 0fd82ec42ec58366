"""Two rings in a plane by score matching."""

from gradschool.runs.generation.rings import ScoreRun


def score_rings() -> ScoreRun:
    """Two rings in a plane by score matching and Langevin sampling, with a drawing: 10 seconds."""
    return ScoreRun()
