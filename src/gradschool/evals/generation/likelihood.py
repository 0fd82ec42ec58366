"""How probable a model finds pictures, by importance sampling: codes are drawn where the encoder points.

Source: Burda et al. 2016, section 5. The estimate is a lower bound on average; it tightens with more codes.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from gradschool.evals.inference import device_of, evaluating
from gradschool.ops.variational import importance_bound
from gradschool.tasks.vae import Likelihood, weights_of

AT_ONCE = 4000  # decoded pictures


@torch.inference_mode()
def negative_log_likelihood(
    model: nn.Module,
    likelihood: Likelihood,
    batches: Iterable[tuple[Tensor, Tensor]],
    samples: int,
    seed: int = 0,
) -> float:
    """Minus ln p(x) in nats a picture, a mean over all pictures.

    Args:
        model: see `models.generative.vae.VAE`.
        likelihood: of pictures given codes; what it leaves out of the density is left out here too.
        batches: pictures and classes.
        samples: codes a picture, 1 or more.
        seed: of the codes.

    Raises:
        ValueError: samples is below 1, or there is no batch.
    """
    if samples < 1:
        raise ValueError(f"samples is {samples}, 1 or more were wanted; try 200")
    device, total, count = device_of(model), 0.0, 0
    with evaluating(model), torch.random.fork_rng():
        torch.manual_seed(seed)
        for x, y in batches:
            pieces = max(1, AT_ONCE // samples)
            for few, their in zip(torch.split(x, pieces), torch.split(y, pieces), strict=True):
                batch = few.to(device), their.to(device)
                weights = weights_of(model, likelihood, batch, samples)
                total -= importance_bound(weights).sum().item()
                count += len(few)
    if not count:
        raise ValueError("0 batches, wanted at least 1. Check the split or the folder.")
    return total / count
