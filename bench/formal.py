"""How often small networks learn formal languages: each recipe from 20 seeds, judged as a run is.

The networks of a recipe train side by side, as one batch of matrices: a small network spends its time between
the operations. Usage: python -m bench.formal [RECIPE ...]; writes results/formal.json, recipe by recipe.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from bench import common
from gradschool.course.lessons.small_readers import answers
from gradschool.data.text.formal.language import Language, Strings, batches
from gradschool.data.text.formal.languages import find_language
from gradschool.models.language.attention_reader import attention_reader
from gradschool.ops import switch
from gradschool.recipes import find
from gradschool.runs.language.formal import FormalRun

SEEDS = 20
Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class Trial:
    """What is counted as a success."""

    run: FormalRun
    wanted: str
    success: Callable[[dict[str, float]], bool]


def parity_attention() -> FormalRun:
    """One layer of attention on the strings of parity_lstm."""
    return replace(find("parity_lstm")(), model=attention_reader, model_options={"width": 32, "heads": 4},
                   learning_rate=3e-3)  # fmt: skip


def trials() -> dict[str, Trial]:
    """All recipes with their measure of success."""
    wanted: dict[str, tuple[str, Callable[[dict[str, float]], bool]]] = {
        "reber_srn": ("error <= 0.0011", lambda m: m["test_error"] <= 0.0011),
        "embedded_reber_lstm": ("98 % of the strings right", lambda m: m["test_strings"] >= 0.98),
        "anbn_srn": ("error < 0.01", lambda m: m["test_error"] < 0.01),
        "anb2n_srn": ("error < 0.01", lambda m: m["test_error"] < 0.01),
        "anbncn_srn": ("error < 0.02", lambda m: m["test_error"] < 0.02),
        "parity_lstm": ("99 % of strings four times as long", lambda m: m["test_longer_strings"] >= 0.99),
        "parity_mingru": ("99 % of strings four times as long", lambda m: m["test_longer_strings"] >= 0.99),
        "s5_lstm": ("99 % of steps at four times the length", lambda m: m["test_longer_accuracy"] >= 0.99),
    }
    found = {name: Trial(find(name)(), *each) for name, each in wanted.items()}
    like_parity = wanted["parity_mingru"]
    return found | {"parity_attention": Trial(parity_attention(), *like_parity)}


def attending(model: nn.Module) -> Callable[[Parameters, Tensor], Tensor]:
    """Logits of many networks of any form, as `answers` gives them for recurrent ones, more slowly."""
    each = vmap(lambda p, symbols: functional_call(model, p, (symbols,))[0])

    def run(p: Parameters, x: Tensor) -> Tensor:
        with switch.using("plain"):
            return each(p, x.view(len(p["readout.weight"]), -1, x.shape[1])).flatten(0, 1)

    return run


def train(run: FormalRun, language: Language, seeds: range) -> list[nn.Module]:
    """Networks that were trained as the run trains one, side by side, each on strings of its own."""
    # 1. One network a seed, their parameters side by side.
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(run.network(language))
    stacked = stack_module_state(models)[0]
    p = {name: value.detach().requires_grad_() for name, value in stacked.items()}
    is_recurrent = any(name.startswith("recurrent") for name in p)
    look = answers if is_recurrent else attending(models[0])
    # 2. Steps as in FormalRun.learn; each network's gradient is clipped alone.
    many = len(models)
    optimizer = torch.optim.Adam(p.values(), lr=run.learning_rate)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.steps)
    generator = torch.Generator().manual_seed(seeds[0])
    for _, strings in zip(
        range(run.steps), batches(language, many * run.batch_size, generator), strict=False
    ):
        loss = loss_of(look(p, strings.inputs), strings, many)
        optimizer.zero_grad()
        loss.backward()
        clip(list(p.values()), run.clip)
        optimizer.step()
        falling.step()
    # 3. Back into the networks.
    for i, model in enumerate(models):
        model.load_state_dict({name: value.detach()[i] for name, value in p.items()})
    return models


def loss_of(logits: Tensor, strings: Strings, many: int) -> Tensor:
    """The sum over networks of each one's mean loss; one network's strings lie together."""
    nats = nn.functional.cross_entropy(logits.transpose(1, 2), strings.targets, reduction="none")
    counted = (nats * strings.asked).reshape(many, -1).sum(1)
    return (counted / strings.asked.reshape(many, -1).sum(1)).sum()


def clip(parameters: list[Tensor], most: float) -> None:
    """Shorten the gradient of each network, axis 0, to a norm of at most `most`."""
    grads = [each.grad for each in parameters if each.grad is not None]
    norm = torch.stack([g.flatten(1).square().sum(1) for g in grads]).sum(0).sqrt()
    for g in grads:
        g *= (most / (norm + 1e-6)).clamp(max=1).view(-1, *[1] * (g.dim() - 1))


def measure(name: str, trial: Trial, seeds: range) -> dict[str, Any]:
    """Success rate, and every seed's scores."""
    language, start = find_language(trial.run.language), time.process_time()
    models = train(trial.run, language, seeds)
    seconds = time.process_time() - start
    with torch.no_grad():
        rows = [
            trial.run.measured(model.eval(), language, seed)
            for seed, model in zip(seeds, models, strict=True)
        ]
    success = [trial.success(row) for row in rows]
    names = sorted(set().union(*rows))
    spread = {each: quartiles([row[each] for row in rows]) for each in names}
    return {"wanted": trial.wanted, "success": sum(success), "n": len(rows), "seeds": [*seeds],
            "quartiles": spread, "runs": rows, "steps": trial.run.steps, "batch": trial.run.batch_size,
            "processor_seconds_all": seconds}  # fmt: skip


def quartiles(values: list[float]) -> list[float]:
    """Smallest, lower quartile, median, upper quartile, largest."""
    q = torch.tensor(values, dtype=torch.float64).quantile(torch.linspace(0, 1, 5, dtype=torch.float64))
    return [round(v, 6) for v in q.tolist() if math.isfinite(v)]


def main(asked: list[str]) -> None:
    """Measure all recipes, or those asked for; others keep what was measured before."""
    torch.set_num_threads(1)
    file = common.RESULTS / "formal.json"
    result: dict[str, Any] = {"name": "formal", "trials": {}}
    result |= json.loads(file.read_text()) if file.is_file() else {}
    for name, trial in trials().items():
        if asked and name not in asked:
            continue
        found = measure(name, trial, range(SEEDS))
        told = ", ".join(f"{each} {q[2]:.4g}" for each, q in found["quartiles"].items())
        print(f"{name}: {found['success']} of {found['n']} ({trial.wanted}); medians: {told}; "
              f"{found['processor_seconds_all']:.0f} s", flush=True)  # fmt: skip
        result["trials"][name] = found
        result |= {"n": SEEDS, "machine": common.machine()}
        file.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
