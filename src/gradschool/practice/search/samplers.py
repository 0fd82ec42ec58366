"""Optuna's samplers and pruners by name, made anew for every trial from the seed and the trial's number.

So a search that is taken up again draws what it would have drawn. Two are changed: CMA-ES computes its state
from the finished trials, because Optuna keeps it as a pickle, which is never loaded here; and the grid does
not end Optuna's own loop, which is not used.
"""

import importlib.util
from collections.abc import Sequence
from typing import Any, Literal

from gradschool.engine.seeds import mix
from gradschool.errors import UserError
from gradschool.ops.practice.search import promoted, tpe_scores
from gradschool.parts import need
from gradschool.practice.search.own import Halving, Tpe
from gradschool.practice.search.space import Dimension

SamplerName = Literal["random", "grid", "tpe", "cmaes", "gp"]
PrunerName = Literal["none", "median", "asha", "hyperband"]
TITLES = {
    "random": "random search", "grid": "grid search", "tpe": "TPE", "cmaes": "CMA-ES",
    "gp": "Gaussian process",
}  # fmt: skip
RUST = "rustuna"
REDUCTION = 3  # of ASHA and Hyperband: a third of the trials goes on to three times as many evaluations
LARGEST_GRID = 10_000


def make_sampler(
    name: SamplerName, space: Sequence[Dimension], seed: int, number: int, is_maximized: bool,
    is_rust: bool = False,
) -> Any:  # fmt: skip
    """A sampler for one trial.

    Args:
        name: of the method.
        space: that is searched.
        seed: of the study.
        number: of the trial, from 0.
        is_maximized: whether a larger score is better.
        is_rust: whether the study was begun with Rustuna; see `rust`.
    """
    import optuna.samplers

    own = mix(seed, number) % 2**32
    if name == "random":
        return optuna.samplers.RandomSampler(seed=own)
    if name == "grid":
        return grid(space, seed % 2**32)
    if name == "tpe" and tpe_scores.mine is not None:
        return Tpe(space, own, is_maximized)
    if name == "tpe" and is_rust:
        return rust_tpe(own)
    if name == "tpe":
        return optuna.samplers.TPESampler(seed=own)
    if name == "cmaes":
        return cma_es(space, own, is_maximized)
    return optuna.samplers.GPSampler(seed=own, warn_independent_sampling=False)


def rust(sampler: SamplerName, pruner: PrunerName) -> tuple[str, ...]:
    """The package that draws in Optuna's place: Rustuna, for TPE without pruning, where it is installed.

    It draws other points than Optuna from the same seed, so study.json says with which a study was begun.
    """
    fits = sampler == "tpe" and pruner == "none"
    return (RUST,) if fits and importlib.util.find_spec(RUST) is not None else ()


def rust_tpe(seed: int) -> Any:
    """Rustuna's TPE as a sampler of Optuna.

    Raises:
        UserError: the study was begun with Rustuna, which is not here.
    """
    if importlib.util.find_spec(RUST) is None:
        what = "this study was begun with Rustuna, which is not installed here"
        raise UserError(what, "the package that drew its first trials", "Install rustuna with pip.")
    from rustuna.converter import ToOptunaSampler
    from rustuna.samplers import TPESampler

    return ToOptunaSampler(TPESampler(seed=seed))


def grid(space: Sequence[Dimension], seed: int) -> Any:
    """Optuna's grid for a loop that asks and tells: it ends no loop, the number of trials does."""
    import optuna.samplers

    sampler: Any = optuna.samplers.GridSampler({each.name: each.values() for each in space}, seed=seed)
    sampler.after_trial = lambda *_: None
    return sampler


def cma_es(space: Sequence[Dimension], seed: int, is_maximized: bool) -> Any:
    """Optuna's CMA-ES, whose state is computed from the finished trials, one generation after the other."""
    import optuna.samplers
    from optuna._transform import _SearchSpaceTransform

    sampler: Any = optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    ranges = sorted((each.name, each.distribution()) for each in space if each.is_range)
    bounds = _SearchSpaceTransform(dict(ranges), transform_step=True, transform_0_1=True)
    direction = optuna.study.StudyDirection.MAXIMIZE if is_maximized else optuna.study.StudyDirection.MINIMIZE

    def restored(completed: list[Any]) -> Any:
        optimizer = sampler._init_optimizer(bounds, direction)
        while True:
            points = sampler._get_solution_trials(completed, optimizer.generation)
            if len(points) < optimizer.population_size:
                return optimizer
            sign = -1 if is_maximized else 1
            told = points[: optimizer.population_size]
            optimizer.tell([(bounds.transform(each.params), sign * each.value) for each in told])

    sampler._restore_optimizer = restored
    sampler._split_optimizer_str = lambda _: {}  # so none is written either
    return sampler


def make_pruner(name: PrunerName) -> Any:
    """A pruner, which looks at a trial after each of its evaluations."""
    import optuna.pruners

    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=4, n_min_trials=2)
    if name == "asha" and promoted.mine is not None:
        return Halving(REDUCTION)
    if name == "asha":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=1, reduction_factor=REDUCTION)
    return optuna.pruners.NopPruner()


def grid_size(space: Sequence[Dimension]) -> int:
    """How many points a grid has."""
    size = 1
    for each in space:
        size *= len(each.values())
    return size


def refuse_sampler(name: SamplerName, space: Sequence[Dimension]) -> None:
    """Refuse a method that cannot search this space.

    Raises:
        UserError: a grid over a range of any numbers, a grid too large, CMA-ES over less than two ranges, or
            a missing package.
    """
    if name == "grid":
        if endless := next((each for each in space if not each.values()), None):
            wanted = f"a list such as {endless.name}={endless.low:g},{endless.high:g}, or a step"
            raise UserError(f"a grid has no end over {endless}", wanted, "Or use --sampler random.")
        if (size := grid_size(space)) > LARGEST_GRID:
            wanted = f"{LARGEST_GRID:,} at most"
            raise UserError(f"the grid has {size:,} points", wanted, "Use --sampler random.")
    if name == "cmaes":
        need("cmaes", "practice", "--sampler cmaes")
        if sum(each.is_range for each in space) < 2:
            what = "cmaes searches over ranges, two or more; lists are drawn at random"
            raise UserError(what, "", "Use --sampler tpe, or write lists as ranges.")
