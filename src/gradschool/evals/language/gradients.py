"""How far back a recurrent network's gradient reaches: the norm of dL/dh_t at every step t.

Source: Hochreiter 1991; Bengio et al. 1994; Pascanu et al. 2013, section 2.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gradschool.nn.sequence.stack import Stack


def gradient_norms(core: Stack, x: Tensor, loss_of: Callable[[Tensor], Tensor]) -> list[float]:
    """The norm of the gradient of a loss with respect to the network's state after each step.

    It counts every path from that state to the loss. With a loss of the last output alone a norm that falls
    towards the first steps is a **vanishing gradient**, one that rises an **exploding gradient**.

    Args:
        core: recurrent layers in one direction.
        x: sequences (b, t, inputs).
        loss_of: from the outputs of all steps (b, t, hidden) to a number.

    Raises:
        ValueError: the layers read in both directions, so that there is no one state after a step.

    Returns:
        t norms, each the mean over the b sequences; all tensors of the state (h and c of an LSTM) and all
        layers are one vector.
    """
    if core.bidirectional:
        raise ValueError("core reads in two directions, layers in one direction were wanted")
    # 1. Step by step, so that every state is a tensor whose gradient can be asked for. An output is the last
    #    layer's hidden state, and is taken from there.
    states: list[tuple[Tensor, ...]] = []
    state = None
    for x_t in x.unbind(1):
        _, state = core(x_t.unsqueeze(1), state)
        states.append((state,) if isinstance(state, Tensor) else state)
    loss = loss_of(torch.stack([step[0][-1] for step in states], 1))
    # 2. One backward pass for all of them; the last cell state of an LSTM may not matter: gradient 0.
    flat = [each for step in states for each in step]
    found = torch.autograd.grad(loss, flat, allow_unused=True)
    slopes = [torch.zeros_like(s) if g is None else g for s, g in zip(flat, found, strict=True)]
    # 3. The norm for each sequence, over the state's tensors and layers; the mean over sequences.
    parts = len(states[0])
    norms = []
    for t in range(len(states)):
        whole = torch.cat([g.transpose(0, 1).flatten(1) for g in slopes[t * parts : (t + 1) * parts]], 1)
        norms.append(whole.norm(dim=1).mean().item())
    return norms
