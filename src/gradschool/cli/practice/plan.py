"""gradschool plan RECIPE: memory, time and cost of a run before it is trained."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.cli.mine import put_in_force, records, tell
from gradschool.cli.words import check_seed
from gradschool.errors import UserError
from gradschool.phrases import hanging


@dataclass(frozen=True)
class Args:
    """Say how much memory, time and money a run will need, from shapes and from a few timed steps."""

    recipe: Annotated[str, tyro.conf.Positional]
    """Name of the recipe."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = field(default=(), metadata={})
    """Change a setting: --set batch_size=32 (again for more)."""
    data: str | None = None
    """Another data set: its name, or a path."""
    seed: int = 0
    """Of everything random."""
    steps: int | None = None
    """Steps of the run in place of the recipe's epochs."""
    device: str = "auto"
    """cpu, cuda, cuda:1 or mps."""
    memory: float | None = None
    """Memory that the run has to fit into, in GB; what is free here if not given."""
    price: float | None = None
    """Price of an hour on a rented machine that is as fast as this one."""
    buy: float | None = None
    """Price of a machine of your own that is as fast as this one."""
    watts: float | None = None
    """What it draws while it trains."""
    kwh: float | None = None
    """Price of a kilowatt hour."""
    curve: int | None = None
    """Train on so many shares of the data (all, half, a quarter ...) and predict what twice the data do."""
    seeds: int = 1
    """Runs for each share of the curve."""
    out: Path | None = None
    """Folder of the curve's runs; runs/RECIPE-curve if not given. Finished ones count."""
    timed: bool = True
    """Time a few steps; without, memory alone is predicted."""
    mine: bool = False
    """Put your functions in the place of the library's."""
    dir: Path | None = None
    """Your folder, for --mine; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


PARTS = {
    "parameters": "weights and averages of them", "gradients": "one for each weight",
    "optimiser": "its state", "activations": "kept for the backward pass",
    "temporary": "in use for a moment", "batch": "inputs and targets", "workspace": "of the kernels",
}  # fmt: skip


def run(args: Args) -> int:
    """Predict memory, measure the pace, count the cost."""
    from gradschool import recipes
    from gradschool.practice.plan.memory import opened, predict
    from gradschool.practice.plan.rungs import ladder
    from gradschool.runs.run import Run
    from gradschool.runs.settings import override

    check_seed(args.seed)
    check_numbers(args)
    settings = override(recipes.on(args.recipe, args.data, args.set), args.set, args.recipe)
    if not isinstance(settings, Run):
        what = f"{args.recipe} is {settings.title}, which trains itself"
        raise UserError(what, "a run with a model and batches, such as digits")
    if not settings.data:
        raise UserError(f"recipe {args.recipe} has no data yet", settings.takes, "Add --data PATH.")
    overlaid = put_in_force(args.dir) if args.mine else []
    words = {"seed": args.seed, "steps": args.steps, "device": args.device}
    request = recipes.ask(args.recipe, args.data, args.set, **words)
    # 1. Memory, and what makes it fit.
    known = opened(settings, request)
    need = predict(settings, known)
    room = args.memory * 1e9 if args.memory else float(room_on(known.machine.device))
    rungs = list(ladder(settings, known, need, room))
    tell_memory(need, room)
    tell_rungs(rungs, need, room)
    # 2. Time, money and more data.
    told = tell_course(args, settings, request)
    if overlaid:
        tell(overlaid)
        told["mine"] = records(overlaid)
    finish(
        args,
        {"recipe": args.recipe, "memory": need.facts(), "room": room,
         "fits": need.peak <= room, "rungs": [each.facts() for each in rungs], **told},
    )  # fmt: skip
    return 0


def tell_course(args: Args, settings: Any, request: Any) -> dict[str, Any]:
    """Time and money, and what more data would bring, as far as they are asked for."""
    from gradschool.practice.plan.pace import pace

    told: dict[str, Any] = {}
    if args.timed:
        told = tell_time(pace(settings, request))
        told |= tell_cost(args, told["seconds"])
    if args.curve is not None:
        told |= tell_curve(args, settings, request)
    return told


def check_numbers(args: Args) -> None:
    """Refuse prices and sizes that are none.

    Raises:
        UserError: a number is below 0 or not finite.
    """
    for name in ("price", "buy", "watts", "kwh", "memory"):
        value = getattr(args, name)
        if value is not None and not (0 <= value < math.inf and (value or name != "memory")):
            least = "above 0" if name == "memory" else ">= 0"
            raise UserError(f"{name} is {value:g}", f"a number {least}", f"Example: --{name} 2")
    if args.curve is not None and not 3 <= args.curve <= 10:
        raise UserError(f"curve is {args.curve}", "3 to 10 shares of the data", "Example: --curve 4")
    if args.seeds < 1:
        raise UserError(f"seeds is {args.seeds}", "a whole number >= 1", "Example: --seeds 3")
    if args.steps is not None and args.steps < 1:
        raise UserError(f"steps is {args.steps}", "a whole number >= 1", "Example: --steps 100")


def room_on(device: str) -> int:
    """Bytes that are free on a device."""
    from gradschool.data.vision.loader import free_memory

    return free_memory(device)


def size(count: float) -> str:
    """Bytes for people: 12.3 MB, 1.2 GB."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def tell_memory(need: Any, room: float) -> None:
    """The peak and its parts."""
    fit = "which fits" if need.peak <= room else "which does not fit"
    print(f" memory   {size(need.peak)} at the peak, {fit} into {size(room)}, beside data and program")
    for name, meaning in PARTS.items():
        value = getattr(need, name)
        print(f"   {name:<12} {size(value):>10}  {100 * value / max(need.peak, 1):3.0f} %  {meaning}")


def tell_rungs(rungs: Any, need: Any, room: float) -> None:
    """What each change is predicted to need, and which is the first that fits."""
    print(" to need less:")
    for each in rungs:
        same = "same result" if each.is_same else "another result"
        head = f"   {size(each.memory.peak):>10}  "
        print(hanging(head, f"{each.name}: --set {each.words} ({same}; {each.costs})"))
    if need.peak > room:
        fitting = next((each for each in rungs if each.memory.peak <= room), None)
        print(f" to fit   {f'--set {fitting.words}' if fitting else 'no single change is enough'}")


def tell_time(found: Any) -> dict[str, Any]:
    """Seconds of a step and of the whole run."""
    from gradschool.cli.listed import duration

    rate = found.examples / found.step
    print(
        f" time     {duration(found.seconds)} for {found.steps:,} steps of {1000 * found.step:.1f} ms "
        f"({rate:,.0f} examples a second), from {found.measured} steps here; test and report come on top"
    )
    return {"seconds": found.seconds, "step_seconds": found.step, "steps": found.steps,
            "examples_per_second": rate}  # fmt: skip


def tell_curve(args: Args, settings: Any, request: Any) -> dict[str, Any]:
    """Runs on shares of the data, the law through them, and what twice the data would bring."""
    from gradschool.practice.plan.curve import measured

    shares = [0.5**power for power in reversed(range(args.curve or 3))]
    root = args.out or Path("runs") / f"{args.recipe}-curve"
    found = measured(settings, request, shares, args.seeds, root, lambda text: None)
    facts = found.facts()
    for each in found.points:
        print(
            f" curve    {100 * each.error:6.2f} % wrong after {each.examples:,} examples (seed {each.seed})"
        )
    low, high = facts["interval"]
    print(f" law      error = {facts['a']:.3g} n^-{facts['exponent']:.3f}, exponent [{low:.3f}, {high:.3f}]")
    if found.ahead:
        print(
            f" check    less data predicted {100 * found.ahead[0]:.2f} % wrong for all of them, "
            f"{100 * found.ahead[1]:.2f} % were"
        )
    least, most = facts["gain_interval"]
    told = (
        f"twice the data take {100 * facts['gain_of_twice']:.0f} % of the error away "
        f"[{100 * least:.0f}, {100 * most:.0f}]: {100 * facts['error']:.2f} % wrong becomes "
        f"{100 * facts['error_with_twice']:.2f} %, if the law goes on"
    )
    print(hanging(" gain     ", told))
    return {"curve": facts}


def tell_cost(args: Args, seconds: float) -> dict[str, Any]:
    """Rent, energy and break-even, as far as prices are given."""
    from gradschool.ops.practice.cost import break_even_hours, energy_kwh, rent

    told: dict[str, Any] = {}
    if args.price is not None:
        told["rent"] = rent(args.price, seconds)
        print(f" rent     {told['rent']:.4g} for the run, at {args.price:g} an hour")
    if args.watts is not None:
        told["kwh"] = energy_kwh(args.watts, seconds)
        told |= {} if args.kwh is None else {"energy": told["kwh"] * args.kwh}
        paid = f", {told['energy']:.4g} of money" if "energy" in told else ""
        print(f" energy   {told['kwh']:.4g} kWh for the run{paid}")
    missing = [f"--{n}" for n in ("price", "buy", "watts", "kwh") if getattr(args, n) is None]
    if missing:
        print(hanging(" cost     ", f"for rent, energy and break-even add {', '.join(missing)}"))
        return told
    assert args.price is not None and args.buy is not None, "all prices are given"
    hours = break_even_hours(args.buy, args.price, args.watts or 0.0, args.kwh or 0.0)
    told |= {"break_even_hours": hours if math.isfinite(hours) else None}
    if math.isinf(hours):
        print(" buy      never: an hour of energy costs as much as an hour of rent")
    else:
        runs = hours * 3600 / max(seconds, 1e-9)
        print(f" buy      pays from {hours:,.0f} hours of training on, that is {runs:,.0f} such runs")
    return told
