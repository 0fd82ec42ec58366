"""Runs by their compute budget: their steps are whole numbers, so each uses up its budget only almost."""

import math

import numpy as np

from gradschool.evals.language.scaling.isoflop import Runs

NEAR = 0.2  # relative difference up to which two runs have the same budget


def in_budgets(runs: Runs) -> Runs:
    """The same runs, each with the geometric mean of the compute of all runs that are near it."""
    # 1. Groups of neighbours, from the least compute on.
    groups: list[list[int]] = []
    for i in runs.compute.argsort().tolist():
        if groups and math.isclose(runs.compute[i], runs.compute[groups[-1][0]], rel_tol=NEAR):
            groups[-1].append(i)
        else:
            groups.append([i])
    # 2. One number for each.
    compute = runs.compute.copy()
    for group in groups:
        compute[group] = np.exp(np.log(runs.compute[group]).mean())
    return Runs(runs.parameters, compute, runs.loss)
