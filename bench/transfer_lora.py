"""Low-rank adaptation against full fine-tuning: accuracy, numbers learned, seconds, rank by rank.

Usage: python -m bench.transfer_lora [--rows NAME ...] [--seeds 3] [--set KEY=VALUE]. Set, body and settings
are those of bench.transfer_methods; thin matrices learn at the head's rate, as in Hu et al. 2022, and stand
beside every convolution and linear layer with room for them. Takes hours of one core; writes
results/transfer_lora.json.
"""

from dataclasses import replace

from bench.transfer_methods import base, measure, options
from gradschool.runs.classification.transfer import TransferRun

RANKS = (1, 4, 16, 64)


def rows(run: TransferRun) -> dict[str, TransferRun]:
    """The head alone, thin matrices of several ranks, and all."""
    learnt = replace(run, pretrained=run.weights is None)
    thin = {f"rank {rank}": replace(learnt, mode="lora", rank=rank) for rank in RANKS}
    return {"head": replace(learnt, mode="frozen"), **thin, "full": replace(learnt, mode="finetune")}


def main() -> None:
    """Train what is asked for and write the file."""
    args = options(__doc__, list(rows(base())))
    every = rows(base(args.set))
    measure("transfer_lora", {name: every[name] for name in args.rows}, args.seeds)


if __name__ == "__main__":
    main()
