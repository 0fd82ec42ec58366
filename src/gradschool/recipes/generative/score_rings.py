"""Denoising score matching on two rings in the plane."""

from gradschool.runs.generation.rings import ScoreRun


def score_rings() -> ScoreRun:
    """Denoising score matching and Langevin dynamics on two rings in the plane, with a drawing (10 s)."""
    return ScoreRun()
